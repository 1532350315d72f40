//! The two storage contracts, and one folder for each backend that keeps them.
//!
//! [`Metadata`] is the metadata of a tenant, in its master region. [`Recordings`] is its audio, one for each region. The
//! sentences of their documentation are the names of the conformance cases that every backend passes. No type of a
//! backend leaves this crate.

#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "azure")]
pub mod azure;
#[cfg(any(feature = "aws", feature = "azure"))]
mod cloud;
mod drops;
mod error;
#[cfg(feature = "fs")]
pub mod fs;
mod metadata;
mod recordings;
#[cfg(any(feature = "aws", feature = "azure", feature = "fs"))]
mod stored;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub use drops::{DropKey, DropProperties, Drops, INCOMING, REJECTED, UploadLink};
pub use error::{Result, StorageError, causes};
pub use metadata::{
    ArriveOutcome, CallerMarker, Cases, Deposit, Deposits, Due, Expect, FenceOutcome, InsertOutcome, Lookup,
    Mailboxes, MessageRef, Messages, Metadata, Page, PageOf, Purge, Versioned, WriteOutcome,
};
pub use recordings::{Audio, Recordings, offered_as};

use domain::{Region, Tenant};

/// The storage of one tenant.
#[derive(Clone)]
pub struct TenantStorage {
    /// Its metadata.
    pub metadata: Arc<dyn Metadata>,
    /// Its audio, by region; those that it has left are among them where its recordings may still lie there.
    pub recordings: BTreeMap<Region, Arc<dyn Recordings>>,
    /// Stores beside these that may hold copies of what was erased.
    pub copy_stores: &'static [CopyStore],
    /// What platforms drop for it, by region; none where the storage takes no drops.
    pub drops: BTreeMap<Region, Arc<dyn Drops>>,
}

impl TenantStorage {
    /// Its audio in a region.
    ///
    /// # Errors
    /// The region is not among the tenant's.
    pub fn recordings_in(&self, region: &Region) -> Result<&dyn Recordings> {
        self.recordings.get(region).map(AsRef::as_ref).ok_or_else(|| {
            let source = format!("the region {region} is not among the tenant's");
            StorageError::unavailable("opening a region", source)
        })
    }
}

/// A store beside the service's own that may hold copies of what was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyStore {
    /// Which, for people.
    pub name: &'static str,
    /// For how long after the erasure; `None`: as its operator decides.
    pub kept: Option<Duration>,
}

/// A backend: gives each tenant its storage.
pub trait Storage: Send + Sync {
    /// The storage of a tenant. Cheap, no I/O.
    fn tenant(&self, tenant: &Tenant) -> TenantStorage;

    /// The drop that an event of a bucket tells of. `None`: it is none of this installation's.
    fn drop_key(&self, _bucket: &str, _object: &str) -> Option<DropKey> {
        None
    }
}
