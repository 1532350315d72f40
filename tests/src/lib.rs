//! What the tests share: the conformance suite, the counting wrapper, the fault grid, the model, the HTTP journeys' harness.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

#[cfg(feature = "azure")]
pub mod azurite;
#[cfg(feature = "azure")]
pub mod blobs;
#[cfg(any(feature = "aws", feature = "azure"))]
pub mod by_drop;
#[cfg(any(feature = "aws", feature = "azure"))]
pub mod cloud;
pub mod conformance;
pub mod cost;
pub mod counting;
#[cfg(any(feature = "aws", feature = "azure"))]
pub mod damage;
#[cfg(any(feature = "aws", feature = "azure"))]
pub mod emulator;
pub mod faults;
pub mod fixture;
pub mod http;
pub mod marked;
#[cfg(feature = "aws")]
pub mod ministack;
pub mod model;
#[cfg(feature = "aws")]
pub mod owner;
#[cfg(any(feature = "aws", feature = "azure"))]
pub mod proxy;
pub mod ratios;
#[cfg(any(feature = "aws", feature = "azure"))]
pub mod regions;
#[cfg(any(feature = "aws", feature = "azure"))]
pub mod requests;
pub mod round_trips;
#[cfg(any(feature = "aws", feature = "azure"))]
pub mod sent_again;
pub mod steps;
#[cfg(any(feature = "aws", feature = "azure"))]
pub mod together;
#[cfg(any(feature = "aws", feature = "azure"))]
pub mod triggers;
pub mod wrap;
#[cfg(any(feature = "aws", feature = "azure"))]
pub mod xml;
