//! Who sent a request: bearer tokens, passwords, the keys of issuers, users, roles; and the audit line of what they did.

mod audit;
mod basic;
mod bearer;
mod identity;
mod jwks;
mod principal;
mod reloaded;
mod role;
mod secret;
mod users;

pub use audit::audit;
pub use bearer::{Bearer, TokenKeys};
pub use identity::{FindTenant, Identity};
pub use jwks::Jwks;
pub use principal::{Principal, SignIn};
pub use role::{Operation, Role};
pub use secret::{MIN_SECRET_BYTES, Secret};
pub use users::Users;
