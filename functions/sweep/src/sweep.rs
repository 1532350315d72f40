//! A sweep of one tenant, and the counts of what it did.

use std::time::Duration;

use domain::Timestamp;
use host::{App, Tenancy};
use serde::Serialize;
use storage::StorageError;
use utoipa::ToSchema;

/// A run ends after this; the next goes on. Less than the schedule's five minutes.
const MAX_RUN_TIME: Duration = Duration::from_mins(4);
/// How many entries a sweep reads at once.
pub(crate) const BATCH_SIZE: usize = 200;

/// A sweep of one tenant that is under way.
pub(crate) struct Sweep<'a> {
    pub(crate) app: &'a App,
    pub(crate) tenancy: &'a Tenancy,
    pub(crate) started: Timestamp,
    pub(crate) report: SweepReport,
}

impl Sweep<'_> {
    /// Whether it has time left.
    pub(crate) fn in_time(&self) -> bool {
        self.app.clock.now().since(self.started) < MAX_RUN_TIME
    }
}

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Swept)]
pub struct SweepReport {
    /// Messages purged.
    pub purged: u64,
    /// Messages whose retention was over: now in the trash.
    pub expired: u64,
    /// Leavings of deposits that were cut off.
    pub orphans: u64,
    /// What could not be done and is tried again by the next.
    pub failed: u64,
}

impl SweepReport {
    /// Counts and logs what could not be done.
    pub(crate) fn fail(&mut self, error: &StorageError, what: &str) {
        self.failed += 1;
        tracing::error!(error = storage::causes(error), "{what}; the next sweep tries again");
    }
}
