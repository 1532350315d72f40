//! The sweep's step for one case: applies its fate, from its opening until a day after it is closed.

use std::time::Duration;

use domain::{Case, CaseKey, Status};
use storage::{Expect, Versioned, Written};

use crate::Erasure;
use crate::certificate::Sign;
use crate::pass::{InTime, Pass, subjects_of};

/// How long a closed case is watched: deposits in flight and passes that were cut off are finished within it.
const WATCHED: Duration = Duration::from_hours(24);

/// What a sweep did with a case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Messages purged.
    pub purged: u64,
    /// What could not be done.
    pub failed: u64,
    /// Whether it should be erased by now and is not.
    pub overdue: bool,
}

impl Erasure<'_> {
    /// Does what time has decided for a case. `sign` signs the certificate that it is erased.
    ///
    /// # Errors
    /// The case could not be read or written.
    pub async fn sweep_case(
        &self,
        key: &CaseKey,
        sign: Sign<'_>,
        in_time: InTime<'_>,
    ) -> storage::Result<Swept> {
        let Some(mut found) = self.index().case(key).await? else { return Ok(Swept::default()) };
        let now = self.clock.now();
        let mut pass = Pass::default();
        if found.value.is_pending() && now >= found.value.deadlines.claim_from {
            found = self.begin_erasing(found).await?;
        }
        let mut case = found.value;
        pass.merge(self.show(&case, subjects_of(&case, true), in_time).await);
        let mut swept = Swept::default();
        match case.status {
            Status::Hiding | Status::Pending if now < case.deadlines.undo_until => {
                let hidden = self.hide(&case, in_time).await;
                self.tell(&case, &hidden, in_time).await?;
                pass.merge(hidden);
            }
            // Too late to undo, too early to purge.
            Status::Hiding | Status::Pending | Status::Undone => {}
            Status::Erasing | Status::Erased => {
                let purged = self.purge(&case, in_time).await;
                swept.purged = purged.callers.values().sum();
                pass.merge(purged);
            }
        }
        let is_whole = pass.failed == 0 && !pass.cut_off;
        if case.status == Status::Erasing && is_whole && self.is_gone(&case).await? {
            self.close(&case.key, sign).await?;
            case = self.read(&case.key).await?.value;
        }
        let closed = case.undone_at.or(case.erased_at);
        if is_whole && closed.is_some_and(|closed| now >= closed.plus(WATCHED)) {
            self.index().dismiss_case(&case.key).await?;
        }
        swept.failed = pass.failed;
        swept.overdue = closed.is_none() && now >= case.deadlines.alarm_at;
        if swept.overdue {
            tracing::error!(case = %case.key, purge_at = %case.deadlines.purge_at, "an erasure is overdue");
        }
        Ok(swept)
    }

    /// Decides that the purge begins, by one conditional write that says what it has found. Whatever wins a race is given.
    async fn begin_erasing(&self, mut found: Versioned<Case>) -> storage::Result<Versioned<Case>> {
        while found.value.begin_erasing(self.clock.now()) {
            found.value.regions = self.found(&found.value).await?;
            let written = self.index().put_case(&found.value, Expect::Version(found.version)).await?;
            if let Written::Version(version) = written {
                return Ok(Versioned { version, ..found });
            }
            found = self.read(&found.value.key).await?;
        }
        Ok(found)
    }
}
