//! The data protection of one tenant.

use domain::{Clock, Tenant};
use storage::{Metadata, TenantStorage};

/// The data protection of one tenant.
#[derive(Clone, Copy)]
pub struct Erasure<'a> {
    /// The tenant.
    pub tenant: &'a Tenant,
    /// Its storage.
    pub storage: &'a TenantStorage,
    /// Time.
    pub clock: &'a dyn Clock,
}

impl<'a> Erasure<'a> {
    pub(crate) fn metadata(&self) -> &'a dyn Metadata {
        self.storage.metadata.as_ref()
    }
}
