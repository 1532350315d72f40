//! Boots any set of routes: configuration, identity, problems, tracing; on a socket.

mod directory;
pub mod etag;
mod extract;
pub mod identity;
mod problem;
mod role;
mod service;
pub mod wire;

pub use directory::Directory;
pub use extract::{Path, Query};
pub use identity::{Identity, Principal};
pub use problem::{Fault, Problem, ProblemBody};
pub use role::{Operation, Role};
pub use service::{Access, Host, Parts, Service, Tenancy, message_id};
