//! The purge pass of a case that is erasing: claim, delete the audio, see that it is gone, leave a tombstone.

use std::pin::pin;

use domain::{Case, Claim, Claimed, Subject};
use futures::{FutureExt as _, TryStreamExt as _};
use storage::{CallerMarker, Found, MessageRef, StorageError};

use crate::pass::{InTime, Pass, subjects_of};
use crate::tenant::Erasure;

/// What became of what a marker tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purged {
    /// Purged now.
    Now,
    /// It was purged before, and only its marker was left.
    Before,
    /// It is no message: an attempt that is under way, lost or was cut off. Its own process or the sweep takes it back.
    Waiting,
}

impl Erasure<'_> {
    /// What a case is going to purge.
    pub(crate) async fn found(&self, case: &Case) -> Pass {
        let mut pass = Pass::default();
        for subject in subjects_of(case, false) {
            let look = |message_ref: MessageRef| async move { self.message_of(&message_ref).await }.boxed();
            let take = |pass: &mut Pass, marker: CallerMarker, found: storage::Result<_>| match found {
                Ok(Some(_)) => pass.count(&subject, &marker.message_ref.region),
                Ok(None) => {}
                Err(error) => pass.fail(&self.tenant.master, &error, "a message could not be counted"),
            };
            self.each((case, &subject), &mut pass, &|| true, look, take).await;
        }
        pass
    }

    /// Purges every message that an erasing or erased case covers.
    pub(crate) async fn purge(&self, case: &Case, in_time: InTime<'_>) -> Pass {
        let mut pass = Pass::default();
        for subject in subjects_of(case, false) {
            let purge = |message_ref| self.purge_one(case, message_ref).boxed();
            let take = |pass: &mut Pass, marker: CallerMarker, purged: storage::Result<Purged>| match purged {
                Ok(Purged::Now) => pass.count(&subject, &marker.message_ref.region),
                Ok(Purged::Before | Purged::Waiting) => {}
                Err(error) => pass.fail(&marker.message_ref.region, &error, "a message could not be purged"),
            };
            self.each((case, &subject), &mut pass, in_time, purge, take).await;
        }
        pass
    }

    async fn purge_one(&self, case: &Case, message_ref: MessageRef) -> storage::Result<Purged> {
        let MessageRef { mailbox, id, attempt, audio, region, .. } = &message_ref;
        match self.index().message(mailbox, *id).await? {
            Found::Nothing => return Ok(Purged::Waiting),
            Found::Message(message) if message.facts.attempt != *attempt => return Ok(Purged::Waiting),
            Found::Message(_) | Found::Gone => {}
        }
        let claimed = self.index().claim(mailbox, *id, &Claim::Case(case.key.clone())).await?;
        let recordings = self.storage.recordings_in(region)?;
        recordings.delete(audio).await?;
        if recordings.exists(audio).await? {
            return Err(StorageError::unavailable("deleting a recording", "it is still there"));
        }
        self.index().leave_tombstone(&message_ref, self.clock.now()).await?;
        Ok(if claimed == Claimed::Claimed { Purged::Now } else { Purged::Before })
    }

    /// Whether nothing is left of what a case covers: every region answers, recordings of deposits that were cut off by then
    /// are removed, and neither a marker nor an attempt tells of one of its callers any more. Only consistent listings are asked.
    pub(crate) async fn is_gone(&self, case: &Case) -> storage::Result<bool> {
        self.all_up().await.map_err(|down| down.cause)?;
        self.index().remove_orphans(case.covers_until(), self.clock.now()).await?;
        // Before the markers: an attempt that is created meanwhile has its own there.
        let attempts = self.index().arriving(self.clock.now()).await?;
        let is_ours = |subject: &Subject| case.subjects.get(subject) == Some(&false);
        if attempts.iter().any(|tried| tried.subject.as_ref().is_some_and(is_ours)) {
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
