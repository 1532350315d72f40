//! Boots any set of routes: configuration; the app with its tenants, their storage and keys; and the fronts: a socket, AWS
//! Lambda, and a custom handler of Azure Functions.

#[cfg(not(any(feature = "fs", feature = "aws", feature = "azure")))]
compile_error!("a host needs a storage: the feature fs, aws or azure");

mod app;
mod backend;
mod boot;
mod certificate_key;
pub mod config;
mod custom_handler;
mod directory;
mod function;
mod health;
mod key_check;
#[cfg(feature = "aws")]
mod lambda;
mod log;
mod metrics;
mod router;
mod server;
mod storage_use;
#[cfg(test)]
mod testing;

pub use app::{Access, App, AppSetup, Tenancy};
pub use boot::{open, run};
pub use certificate_key::CertificateKey;
pub use directory::Directory;
pub use function::{Function, OnDrop, OnSchedule, StartContext, StartHook};
pub use log::say;
pub use metrics::Metrics;
pub use router::{Options, router};
