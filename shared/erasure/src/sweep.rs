//! The sweep's step for one case: applies its fate, from its opening until a day after it is closed.

use std::time::Duration;

use domain::{Case, CaseKey, Deadlines, Status, Timestamp};
use storage::{Expect, Versioned, WriteOutcome};

use crate::certificate::Sign;
use crate::pass::{InTime, Pass, subjects_of};
use crate::tenant::Erasure;

/// How long a closed case is watched: deposits in flight and passes that were cut off are finished within it.
const WATCH_TIME: Duration = Duration::from_hours(24);

/// What a sweep did with a case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CaseSweep {
    /// Messages purged.
    pub purged: u64,
    /// What could not be done.
    pub failed: u64,
    /// Whether it should be erased by now and is not.
    pub overdue: bool,
}

impl Erasure<'_> {
    /// Does what time has decided for a case. `sign` signs the certificate that it is erased. What fails is in the log and
    /// counted; that an erasure is overdue is told whatever fails.
    ///
    /// # Errors
    /// The case could not be read.
    pub async fn sweep_case(
        &self,
        key: &CaseKey,
        sign: Sign<'_>,
        in_time: InTime<'_>,
    ) -> storage::Result<CaseSweep> {
        let Some(found) = self.metadata().case(key).await? else { return Ok(CaseSweep::default()) };
        let Deadlines { alarm_at, purge_at, .. } = found.value.deadlines;
        let (was_open, now) = (found.value.closed_at().is_none(), self.clock.now());
        let mut swept = CaseSweep::default();
        let is_open = match self.apply(found, now, (sign, in_time), &mut swept).await {
            Ok(is_open) => is_open,
            Err(error) => {
                let error = storage::causes(&error);
                tracing::error!(case = %key, error, "a case could not be swept; the next sweep tries again");
                swept.failed += 1;
                // It may be closed all the same.
                let now = self.read(key).await.map(|found| found.value);
                now.map_or(was_open, |now| now.closed_at().is_none())
            }
        };
        swept.overdue = is_open && now >= alarm_at;
        if swept.overdue {
            tracing::error!(case = %key, %purge_at, "an erasure is overdue");
        }
        Ok(swept)
    }

    /// Whether the case is still open afterwards.
    async fn apply(
        &self,
        mut found: Versioned<Case>,
        now: Timestamp,
        (sign, in_time): (Sign<'_>, InTime<'_>),
        swept: &mut CaseSweep,
    ) -> storage::Result<bool> {
        let mut pass = Pass::default();
        if found.value.is_pending() && now >= found.value.deadlines.claim_from {
            found = self.begin_erasing(found).await?;
        }
        let mut case = found.value;
        pass.merge(self.show(&case, subjects_of(&case, true), in_time).await);
        let mut to_tell = None;
        match case.status {
            Status::Hiding | Status::Pending if now < case.deadlines.undo_until => {
                let others = case.uncounted();
                let (hidden, perhaps) =
                    futures::join!(self.hide(&case, in_time), self.perhaps(&others, in_time));
                pass.merge(hidden.clone());
                to_tell = Some((hidden, perhaps));
            }
            // Too late to undo, too early to purge.
            Status::Hiding | Status::Pending | Status::Undone => {}
            Status::Erasing | Status::Erased => {
                let purged = self.purge(&case, in_time).await;
                swept.purged = purged.callers.values().sum();
                pass.merge(purged);
            }
        }
        swept.failed += pass.failed;
        if let Some((hidden, perhaps)) = to_tell {
            self.tell(&case, &hidden, &perhaps, in_time).await?;
        }
        let is_whole = pass.failed == 0 && !pass.cut_off;
        if case.status == Status::Erasing && is_whole && self.is_gone(&case).await? {
            self.close(&case.key, sign).await?;
            case = self.read(&case.key).await?.value;
        }
        let closed = case.closed_at();
        if is_whole && closed.is_some_and(|closed| now >= closed.plus(WATCH_TIME)) {
            self.metadata().dismiss_case(&case.key).await?;
        }
        Ok(closed.is_none())
    }

    /// Decides that the purge begins, by one conditional write that says what it has found: where something cannot be read, at
    /// least what the passes before had hidden, as the erasure of all else must not wait for it. Whatever wins a race is given.
    async fn begin_erasing(&self, mut found: Versioned<Case>) -> storage::Result<Versioned<Case>> {
        while found.value.begin_erasing(self.clock.now()) {
            let mut pass = self.found(&found.value).await;
            // Each region is still to be reached.
            pass.lost.clear();
            found.value.regions = self.reports_at_least(&pass, &found.value);
            if pass.failed == 0 {
                let nothing = subjects_of(&found.value, false);
                let nothing = nothing.into_iter().filter(|subject| !pass.callers.contains_key(subject));
                found.value.nothing_found = nothing.collect();
            }
            let written = self.metadata().put_case(&found.value, Expect::Version(found.version)).await?;
            if let WriteOutcome::Version(version) = written {
                return Ok(Versioned { version, ..found });
            }
            found = self.read(&found.value.key).await?;
        }
        Ok(found)
    }
}
