//! The purge pass of a case that is erasing: claim, delete the audio, see that it is gone, leave a tombstone.

use std::pin::pin;

use domain::{Case, Claim, ClaimOutcome, Subject};
use futures::{FutureExt as _, TryStreamExt as _};
use storage::{Lookup, MessageRef, StorageError};

use crate::pass::{InTime, Pass, subjects_of};
use crate::tenant::Erasure;

impl Erasure<'_> {
    /// What a case is going to purge.
    pub(crate) async fn found(&self, case: &Case) -> Pass {
        let look = |message_ref| async move { Ok(self.message_of(&message_ref).await?.is_some()) }.boxed();
        let scope = (case, subjects_of(case, false));
        self.count_each(scope, &|| true, "a message could not be counted", look).await
    }

    /// Purges every message that an erasing or erased case covers.
    pub(crate) async fn purge(&self, case: &Case, in_time: InTime<'_>) -> Pass {
        let purge = |message_ref| self.purge_one(case, message_ref).boxed();
        let scope = (case, subjects_of(case, false));
        self.count_each(scope, in_time, "a message could not be purged", purge).await
    }

    /// Whether the message is purged now. Else it was purged before, and only its marker was left; or it is none: an attempt that
    /// is under way, lost or was cut off, which its own process or the sweep takes back.
    async fn purge_one(&self, case: &Case, message_ref: MessageRef) -> storage::Result<bool> {
        let MessageRef { mailbox, id, attempt, audio, region, .. } = &message_ref;
        match self.metadata().message(mailbox, *id).await? {
            Lookup::Nothing => return Ok(false),
            Lookup::Message(message) if message.facts.attempt != *attempt => return Ok(false),
            Lookup::Message(_) | Lookup::Gone => {}
        }
        let claimed = self.metadata().claim(mailbox, *id, &Claim::Case(case.key.clone())).await?;
        let recordings = self.storage.recordings_in(region)?;
        recordings.delete(audio).await?;
        if recordings.exists(audio).await? {
            return Err(StorageError::unavailable("deleting a recording", "it is still there"));
        }
        self.metadata().leave_tombstone(&message_ref, self.clock.now()).await?;
        Ok(claimed == ClaimOutcome::Claimed)
    }

    /// Whether nothing is left of what a case covers: every region answers, recordings of deposits that were cut off by then
    /// are removed, and neither a marker nor an attempt tells of one of its callers any more. Only consistent listings are asked.
    pub(crate) async fn is_gone(&self, case: &Case) -> storage::Result<bool> {
        self.all_up().await.map_err(|down| down.cause)?;
        self.metadata().remove_orphans(case.covers_until(), self.clock.now()).await?;
        // Before the markers: an attempt that is created meanwhile has its own there.
        let attempts = self.metadata().arriving(self.clock.now()).await?;
        let is_ours = |subject: &Subject| case.subjects.get(subject) == Some(&false);
        if attempts.iter().any(|attempt| attempt.subject.as_ref().is_some_and(is_ours)) {
            return Ok(false);
        }
        for subject in subjects_of(case, false) {
            let mut pages = pin!(self.pages(&subject));
            while let Some(markers) = pages.try_next().await? {
                if markers.iter().any(|marker| case.covers(marker.received_at)) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}
