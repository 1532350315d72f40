//! Boots any set of routes: configuration, identity, problems, tracing; on a socket, on AWS Lambda and as a custom
//! handler of Azure Functions.

#[cfg(not(any(feature = "fs", feature = "aws", feature = "azure")))]
compile_error!("a host needs a storage: the feature fs or aws");

mod audit;
mod backend;
pub mod body;
mod boot;
mod certificate_key;
pub mod config;
mod custom_handler;
mod directory;
pub mod etag;
mod extract;
mod function;
mod health;
pub mod identity;
mod key_check;
#[cfg(feature = "aws")]
mod lambda;
mod layers;
mod log;
mod metrics;
mod openapi;
pub mod privacy;
mod problem;
mod random;
pub mod recording;
mod role;
mod router;
mod secret;
mod server;
mod service;
#[cfg(test)]
mod testing;
mod trace;
mod watched;
pub mod wire;

pub use audit::audit;
pub use boot::{open, run};
pub use certificate_key::CertificateKey;
pub use directory::Directory;
pub use extract::{Path, Query};
pub use function::{BoxError, Function, OnDrop, OnSchedule, Start, Started};
pub use identity::{Identity, Principal};
pub use log::say;
pub use metrics::Metrics;
pub use openapi::document;
pub use problem::{Fault, Problem, ProblemBody};
pub use role::{Operation, Role};
pub use router::{Options, router};
pub use secret::{LEAST_SECRET, Secret};
pub use service::{Access, Host, Parts, Service, Tenancy, message_id};
