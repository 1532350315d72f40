//! The tests that cross crates, a module each.

#[cfg(feature = "aws")]
mod conformance_aws;
#[cfg(feature = "azure")]
mod conformance_azure;
mod conformance_fs;
mod conformance_fs_two_processes;
mod conformance_model;
#[cfg(feature = "aws")]
mod cost_aws;
#[cfg(feature = "azure")]
mod cost_azure;
mod cost_fs;
mod custom_handler;
#[cfg(feature = "aws")]
mod damage_aws;
#[cfg(feature = "azure")]
mod damage_azure;
mod damage_fs;
#[cfg(feature = "aws")]
mod deposits_by_drop_aws;
#[cfg(feature = "azure")]
mod deposits_by_drop_azure;
#[cfg(feature = "aws")]
mod drops_aws;
mod every_minute;
mod export_large;
#[cfg(feature = "aws")]
mod faults_aws;
#[cfg(feature = "azure")]
mod faults_azure;
mod faults_fs;
#[cfg(feature = "aws")]
mod functions_aws;
#[cfg(feature = "azure")]
mod functions_azure;
mod hostile_requests;
mod hostile_slow;
mod house;
mod house_files;
#[cfg(feature = "azure")]
mod identity_azure;
mod journeys_deposit;
mod journeys_export;
mod journeys_forget;
mod journeys_gdpr;
mod journeys_gdpr_faults;
mod journeys_identity;
mod journeys_list;
mod journeys_mailboxes;
mod journeys_mwi;
mod journeys_numbers;
mod journeys_play;
mod journeys_privacy;
mod journeys_processes;
mod journeys_recordings;
mod journeys_repeat;
mod journeys_roles;
mod journeys_service;
mod journeys_start;
mod journeys_taken;
mod journeys_time;
mod journeys_trash;
mod kill;
#[cfg(feature = "azure")]
mod links_azure;
mod model_fs;
mod protocol;
mod ratios;
#[cfg(feature = "aws")]
mod regions_aws;
#[cfg(feature = "azure")]
mod regions_azure;
#[cfg(feature = "aws")]
mod round_trips_aws;
#[cfg(feature = "azure")]
mod round_trips_azure;
mod round_trips_fs;
#[cfg(feature = "aws")]
mod start_aws;
#[cfg(feature = "azure")]
mod start_azure;
mod templates;
mod together;
#[cfg(feature = "aws")]
mod together_aws;
#[cfg(feature = "azure")]
mod together_azure;
#[cfg(feature = "aws")]
mod weather_aws;
#[cfg(feature = "azure")]
mod weather_azure;
