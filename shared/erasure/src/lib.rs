//! What forgetme, undo and the sweep share: whom a request means, regions in order, cases and their passes.
//!
//! A case has one fate, decided by one conditional write (`domain::Case`). A pass applies it to every message in its
//! scope: hides, shows again, or purges. Each step of a pass is safe to repeat, so whatever is cut off is finished by the
//! next sweep, and two sweeps at once do no harm.

#[cfg(test)]
mod case_tests;
mod certificate;
#[cfg(test)]
mod certificate_tests;
mod export;
#[cfg(test)]
mod export_tests;
#[cfg(test)]
mod fate_tests;
mod forget;
mod pass;
mod perhaps;
#[cfg(test)]
mod perhaps_tests;
mod purge;
mod regions;
mod request;
mod sweep;
#[cfg(test)]
mod testing;
mod undo;

pub use certificate::{Certificate, Copy, Erased, Other, Sign, hash};
pub use export::Exported;
pub use forget::Forgotten;
pub use pass::Pass;
pub use perhaps::Perhaps;
pub use regions::{Down, RegionState};
pub use request::{Callers, Consumer, Entry, MAX_NUMBERS, Refused, Request, Unusable};
pub use sweep::Swept;
pub use undo::Undone;

use domain::{Case, Clock, Region, RegionReport, Tenant};
use storage::{Index, Recordings, StorageError, TenantStorage};

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

/// Why a request could not be done. Whatever can be expected is a value.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A region does not answer; nothing was changed anywhere.
    #[error(transparent)]
    Down(#[from] Down),
    /// The storage failed; safe to repeat.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// What a request did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The cases as they stand: one, or those that an undo of numbers found.
    pub cases: Vec<Case>,
    /// How many messages were hidden, or are back, for each caller.
    pub pass: Pass,
    /// The same for each region, the master first.
    pub regions: Vec<RegionReport>,
}

impl<'a> Erasure<'a> {
    fn index(&self) -> &'a dyn Index {
        self.storage.index.as_ref()
    }

    fn recordings(&self, region: &Region) -> storage::Result<&'a dyn Recordings> {
        self.storage.recordings.get(region).map(AsRef::as_ref).ok_or_else(|| {
            let source = format!("the region {region} is not among the tenant's");
            StorageError::unavailable("opening a region", source)
        })
    }
}
