//! The counts of a sweep.

use serde::Serialize;
use storage::StorageError;
use utoipa::ToSchema;

/// How many entries a sweep reads at once.
pub(crate) const BATCH_SIZE: usize = 200;

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Swept {
    /// Messages purged.
    pub purged: u64,
    /// Messages whose retention was over: now in the trash.
    pub expired: u64,
    /// Leavings of deposits that were cut off.
    pub orphans: u64,
    /// What could not be done and is tried again by the next.
    pub failed: u64,
}

impl Swept {
    /// Counts and logs what could not be done.
    pub(crate) fn fail(&mut self, error: &StorageError, what: &str) {
        self.failed += 1;
        tracing::error!(error = storage::causes(error), "{what}; the next sweep tries again");
    }
}
