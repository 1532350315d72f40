//! Forget Me: opens a case and hides what it covers.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::{Case, CaseKey, Status, Subject};
use storage::{Expect, StorageError, Versioned, WriteOutcome};

use crate::pass::{InTime, Pass, subjects_of};
use crate::perhaps::Perhaps;
use crate::report::{Error, Report};
use crate::tenant::Erasure;

/// What became of a Forget Me, and how many messages there are of whom its digits mean in another reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForgetOutcome {
    /// The case is pending, or hiding where not all could be hidden at once; the sweep goes on.
    Pending(Box<Report>, Perhaps),
    /// The case was closed before; nothing is done.
    Closed(Box<Report>, Perhaps),
    /// The id is another request's, for other callers; nothing is done.
    Conflict,
}

impl Erasure<'_> {
    /// Forgets callers: hides all that was received up to now, in every mailbox, and has it purged after `erase_after`. Of
    /// `others`, whom the same digits mean in another reading, it only tells how many messages there are.
    /// The same again hides what came to light meanwhile. Once the case is written nothing is an error any more: what
    /// could not be done is in the report, and the sweep does it.
    ///
    /// # Errors
    /// A region is down, or the case could not be written.
    pub async fn forget(
        &self,
        case_id: &str,
        subjects: BTreeSet<Subject>,
        others: &BTreeSet<Subject>,
        erase_after: Duration,
        in_time: InTime<'_>,
    ) -> Result<ForgetOutcome, Error> {
        self.all_up().await?;
        let key = CaseKey::of(&self.tenant.id, case_id);
        let new = Case::new(key, case_id.to_owned(), subjects, self.clock.now(), erase_after)
            .perhaps(others.iter().cloned());
        let case = match self.metadata().put_case(&new, Expect::Absent).await? {
            WriteOutcome::Version(_) => new,
            WriteOutcome::Conflict => {
                let there = self.read(&new.key).await?.value;
                if !there.subjects.keys().eq(new.subjects.keys()) {
                    return Ok(ForgetOutcome::Conflict);
                }
                if !there.is_pending() {
                    let regions = there.regions.clone();
                    let report = Report { cases: vec![there], pass: Pass::default(), regions };
                    let perhaps = self.perhaps(others, in_time).await;
                    return Ok(ForgetOutcome::Closed(Box::new(report), perhaps));
                }
                there
            }
        };
        let (pass, perhaps) = futures::join!(self.hide(&case, in_time), self.perhaps(others, in_time));
        let regions = self.reports(&pass);
        let told = self.tell(&case, &pass, &perhaps, in_time).await.unwrap_or_else(|error| {
            let error = storage::causes(&error);
            tracing::warn!(error, "a case could not be told what was hidden; the next sweep tells it");
            case
        });
        Ok(ForgetOutcome::Pending(Box::new(Report { cases: vec![told], pass, regions }), perhaps))
    }

    /// Tells a case what its hold pass found, and takes back what the pass hid of callers who were undone meanwhile: their
    /// release pass may have been there before it.
    pub(crate) async fn tell(
        &self,
        before: &Case,
        pass: &Pass,
        perhaps: &Perhaps,
        in_time: InTime<'_>,
    ) -> storage::Result<Case> {
        loop {
            let Versioned { value: mut case, version } = self.read(&before.key).await?;
            let mut undone = subjects_of(&case, true);
            undone.retain(|subject| before.subjects.get(subject) == Some(&false));
            self.show(&case, undone, in_time).await;
            if !case.is_pending() {
                return Ok(case);
            }
            let was = case.clone();
            case.regions = self.reports_at_least(pass, &was);
            case.counted(perhaps);
            // Of a region that was lost all is hidden, too, and the sweep schedules the deletions that it could not.
            if pass.hid_all && !pass.cut_off {
                case.status = Status::Pending;
            }
            let unchanged = case == was;
            if unchanged
                || self.metadata().put_case(&case, Expect::Version(version)).await? != WriteOutcome::Conflict
            {
                return Ok(case);
            }
        }
    }

    /// A case that is there.
    pub(crate) async fn read(&self, key: &CaseKey) -> storage::Result<Versioned<Case>> {
        let missing = || StorageError::Corrupt { context: format!("the case {key} is gone") };
        self.metadata().case(key).await?.ok_or_else(missing)
    }
}
