//! A pass: applies the fate of a case to every message that the case covers.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::time::Duration;

use domain::{
    Case, CaseKey, Hold, Message, Region, RegionReport, Release, ReleaseOutcome, Subject, Timestamp,
};
use futures::future::{BoxFuture, OptionFuture};
use futures::{FutureExt as _, Stream, StreamExt as _, stream};
use storage::{CallerMarker, Lookup, MessageRef, StorageError};

use crate::tenant::Erasure;

/// How many markers are read at once.
const BATCH_SIZE: usize = 200;
/// How many messages are worked on at once.
pub(crate) const MAX_CONCURRENT_MESSAGES: usize = 8;
/// No pass is under way for longer: each ends when its time is over.
const MAX_PASS_TIME: Duration = Duration::from_hours(1);

/// Whether there is time left.
pub(crate) type InTime<'a> = &'a (dyn Fn() -> bool + Sync);

/// What a pass did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pass {
    /// How many messages, for each caller.
    pub callers: BTreeMap<Subject, u64>,
    /// How many messages, for each region.
    pub regions: BTreeMap<Region, u64>,
    /// Regions that failed.
    pub lost: BTreeSet<Region>,
    /// What could not be done.
    pub failed: u64,
    /// Its time was over before it had come to every message.
    pub cut_off: bool,
    /// Of a hold pass: nothing of what it came to was left unhidden. A recording may still have to be scheduled for deletion.
    pub hid_all: bool,
}

impl Pass {
    pub(crate) fn count(&mut self, subject: &Subject, region: &Region) {
        *self.callers.entry(subject.clone()).or_default() += 1;
        *self.regions.entry(region.clone()).or_default() += 1;
    }

    pub(crate) fn fail(&mut self, region: &Region, error: &StorageError, what: &str) {
        self.failed += 1;
        self.lost.insert(region.clone());
        tracing::warn!(%region, error = storage::causes(error), "{what}; the next sweep goes on");
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (subject, messages) in other.callers {
            *self.callers.entry(subject).or_default() += messages;
        }
        for (region, messages) in other.regions {
            *self.regions.entry(region).or_default() += messages;
        }
        self.lost.extend(other.lost);
        self.failed += other.failed;
        self.cut_off |= other.cut_off;
    }
}

/// The hold of a case.
pub(crate) fn hold_of(case: &Case) -> Hold {
    Hold::Case { case: case.key.clone(), purge_at: case.deadlines.purge_at }
}

/// The callers of a case who were undone, or those who were not.
pub(crate) fn subjects_of(case: &Case, undone: bool) -> Vec<Subject> {
    let those = case.subjects.iter().filter(|(_, is)| **is == undone);
    those.map(|(subject, _)| subject.clone()).collect()
}

/// The cases that hold a message.
fn holding(message: &Message) -> impl Iterator<Item = &CaseKey> {
    message.holds.iter().filter_map(|hold| match hold {
        Hold::Case { case, .. } => Some(case),
        Hold::Trash { .. } | Hold::Mailbox { .. } => None,
    })
}

impl Erasure<'_> {
    /// What the regions said, the master first, and after the tenant's those that it has left and that still had messages.
    pub(crate) fn reports(&self, pass: &Pass) -> Vec<RegionReport> {
        let left = pass.regions.keys().filter(|region| !self.tenant.regions.contains(region));
        let report = |region: &Region| RegionReport {
            region: region.clone(),
            messages: pass.regions.get(region).copied().unwrap_or_default(),
            reached: !pass.lost.contains(region),
        };
        self.regions().chain(left).map(report).collect()
    }

    /// The same, where a pass that was cut off or could not read everything counts no less than was told before it.
    pub(crate) fn reports_at_least(&self, pass: &Pass, case: &Case) -> Vec<RegionReport> {
        let mut pass = pass.clone();
        // Nor than what an undo has taken out of the case since.
        let is_less = case.subjects.values().any(|undone| *undone);
        if (pass.cut_off || pass.failed > 0) && !is_less {
            for before in &case.regions {
                let messages = pass.regions.entry(before.region.clone()).or_default();
                *messages = before.messages.max(*messages);
            }
        }
        self.reports(&pass)
    }

    /// The markers of a caller, page by page.
    pub(crate) fn pages(
        &self,
        subject: &Subject,
    ) -> impl Stream<Item = storage::Result<Vec<CallerMarker>>> + Send {
        stream::try_unfold(None, move |last: Option<CallerMarker>| async move {
            let markers = self.metadata().by_caller(subject, last.as_ref(), BATCH_SIZE).await?;
            Ok(markers.last().cloned().map(|end| (markers, Some(end))))
        })
    }

    /// Works on each marker of these callers in the scope of a case, several at once; `take` is told what came of each.
    pub(crate) async fn each<'w, T>(
        &self,
        (case, subjects): (&Case, Vec<Subject>),
        in_time: InTime<'_>,
        work: impl Fn(MessageRef) -> BoxFuture<'w, storage::Result<T>>,
        mut take: impl FnMut(&mut Pass, &Subject, MessageRef, storage::Result<T>),
    ) -> Pass {
        let mut pass = Pass::default();
        let work = |CallerMarker { message_ref, .. }| {
            let working = in_time().then(|| work(message_ref.clone()));
            async move { (message_ref, OptionFuture::from(working).await) }
        };
        for subject in subjects {
            let mut pages = pin!(self.pages(&subject));
            while let Some(markers) = pages.next().await {
                let markers = match markers {
                    Ok(markers) => markers,
                    Err(error) => {
                        pass.fail(&self.tenant.master, &error, "a caller's messages could not be listed");
                        break;
                    }
                };
                let covered = markers.into_iter().filter(|marker| case.covers(marker.received_at));
                let mut worked = stream::iter(covered).map(&work).buffer_unordered(MAX_CONCURRENT_MESSAGES);
                while let Some((message_ref, done)) = worked.next().await {
                    match done {
                        Some(done) => take(&mut pass, &subject, message_ref, done),
                        None => pass.cut_off = true,
                    }
                }
                if pass.cut_off {
                    break;
                }
            }
        }
        pass
    }

    /// The same, where the messages are counted that `work` says `true` of, and what fails is told as `what`.
    pub(crate) async fn count_each<'w>(
        &self,
        scope: (&Case, Vec<Subject>),
        in_time: InTime<'_>,
        what: &str,
        work: impl Fn(MessageRef) -> BoxFuture<'w, storage::Result<bool>>,
    ) -> Pass {
        let take = |pass: &mut Pass, subject: &Subject, message_ref: MessageRef, counts| match counts {
            Ok(true) => pass.count(subject, &message_ref.region),
            Ok(false) => {}
            Err(error) => pass.fail(&message_ref.region, &error, what),
        };
        self.each(scope, in_time, work, take).await
    }

    /// The message of a marker. `None`: the marker is of an attempt that is under way or lost, or what it told is purged.
    pub(crate) async fn message_of(&self, message_ref: &MessageRef) -> storage::Result<Option<Message>> {
        let MessageRef { mailbox, id, attempt, .. } = message_ref;
        Ok(match self.metadata().message(mailbox, *id).await? {
            Lookup::Message(message) if message.facts.attempt == *attempt => Some(*message),
            Lookup::Message(_) | Lookup::Nothing | Lookup::Gone => None,
        })
    }

    /// The hold pass: hides every message of those whom the case forgets, then schedules the deletion of the recordings, those of the
    /// master first and then those of the others. A recording is scheduled for deletion with its hold; those of a region that was lost,
    /// or of a pass that was cut off, once more.
    pub(crate) async fn hide(&self, case: &Case, in_time: InTime<'_>) -> Pass {
        let mut scheduled = Vec::new();
        let hold = hold_of(case);
        let lost = |region: &Region| {
            let said = case.regions.iter().find(|report| report.region == *region);
            said.is_none_or(|report| !report.reached)
        };
        let hide = |message_ref| self.hide_one(message_ref, &hold).boxed();
        let take = |pass: &mut Pass, subject: &Subject, message_ref: MessageRef, hidden| match hidden {
            Ok(None) => {}
            Ok(Some(new)) => {
                pass.count(subject, &message_ref.region);
                if new || case.status == domain::Status::Hiding || lost(&message_ref.region) {
                    scheduled.push(message_ref);
                }
            }
            Err(error) => pass.fail(&self.tenant.master, &error, "a message could not be hidden"),
        };
        let mut pass = self.each((case, subjects_of(case, false)), in_time, hide, take).await;
        pass.hid_all = pass.failed == 0;
        let (master, others): (Vec<_>, Vec<_>) =
            scheduled.into_iter().partition(|message_ref| message_ref.region == self.tenant.master);
        for message_refs in [master, others] {
            self.schedule_deletion(case, message_refs, &mut pass, in_time).await;
        }
        pass
    }

    /// Puts the case's hold on. `None`: there is nothing to hold, or the case was undone; else whether it is new.
    async fn hide_one(&self, message_ref: MessageRef, hold: &Hold) -> storage::Result<Option<bool>> {
        let Some(message) = self.message_of(&message_ref).await? else { return Ok(None) };
        if message.holds.contains(hold) {
            return Ok(Some(false));
        }
        let after = self.metadata().hold(&message.facts.mailbox, message.facts.id, hold).await?;
        Ok(after.filter(|message| message.holds.contains(hold)).map(|_| true))
    }

    /// Schedules the deletion of recordings, so that the storage deletes them should every sweep fail. Not shortly before the sweep does: a
    /// copy that ends after the delete would bring one back. A region for which there is no time left is told as not reached, and
    /// the next sweep does it again; it begins at another place, so that it comes to all in the end.
    async fn schedule_deletion(
        &self,
        case: &Case,
        mut all: Vec<MessageRef>,
        pass: &mut Pass,
        in_time: InTime<'_>,
    ) {
        let (now, many) =
            (self.clock.now().since(Timestamp::default()).as_millis(), all.len().max(1) as u128);
        all.rotate_left(usize::try_from(now % many).unwrap_or(0));
        let schedule_deletion = |message_ref: MessageRef| async move {
            let scheduled = async {
                if self.clock.now() >= case.deadlines.schedule_until() {
                    return Ok(true);
                }
                if in_time() {
                    self.storage
                        .recordings_in(&message_ref.region)?
                        .schedule_deletion(&message_ref.audio, &case.key)
                        .await?;
                    return Ok(true);
                }
                Ok(false)
            };
            (scheduled.await, message_ref.region)
        };
        let mut scheduled =
            stream::iter(all).map(schedule_deletion).buffer_unordered(MAX_CONCURRENT_MESSAGES);
        while let Some((done, region)) = scheduled.next().await {
            match done {
                Ok(true) => {}
                Ok(false) => {
                    pass.lost.insert(region);
                }
                Err(error) => {
                    pass.fail(&region, &error, "the deletion of a recording could not be scheduled");
                }
            }
        }
    }

    /// Schedules the deletion of the recording of a message that a pending case hid at its commit: the case's own pass may have been there
    /// before it. Where this fails the sweep erases it all the same; only the storage's own rule does not stand behind.
    pub async fn schedule_deletion_if_hidden(&self, message: &Message) {
        let scheduled = async {
            for key in holding(message) {
                let case = self.metadata().case(key).await?.map(|found| found.value);
                if let Some(case) = case.filter(Case::is_pending) {
                    let its = vec![MessageRef::from(&message.facts)];
                    self.schedule_deletion(&case, its, &mut Pass::default(), &|| true).await;
                    return Ok(());
                }
            }
            Ok::<_, StorageError>(())
        };
        if let Err(error) = scheduled.await {
            let error = storage::causes(&error);
            tracing::warn!(error, "the case that hides a new message could not be read; the sweep erases it");
        }
    }

    /// The release pass, for these callers: takes the case's hold off each message and counts those that are back.
    pub(crate) async fn show(&self, case: &Case, subjects: Vec<Subject>, in_time: InTime<'_>) -> Pass {
        let show = |message_ref| self.show_one(message_ref, case).boxed();
        self.count_each((case, subjects), in_time, "a message could not be released", show).await
    }

    /// Whether it is back in a folder. The deletion is cancelled before the message shows: a live message must never be
    /// under the lifecycle rule, whatever is cut off. For a while also one without this hold: a slow pass may have scheduled it
    /// it since.
    async fn show_one(&self, message_ref: MessageRef, case: &Case) -> storage::Result<bool> {
        let Some(message) = self.message_of(&message_ref).await? else { return Ok(false) };
        let is_long_undone =
            case.undone_at.is_some_and(|undone| self.clock.now() >= undone.plus(MAX_PASS_TIME));
        if is_long_undone && !holding(&message).any(|holding| *holding == case.key) {
            return Ok(message.folder().is_some());
        }
        let recordings = self.storage.recordings_in(&message.facts.region)?;
        if holding(&message).all(|holding| *holding == case.key)
            && !recordings.cancel_deletion(&message.facts.audio).await?
        {
            tracing::error!(id = %message.facts.id, "the recording of a message that was undone is gone");
        }
        let (mailbox, id) = (&message.facts.mailbox, message.facts.id);
        match self.metadata().release(mailbox, id, &Release::Case(case.key.clone())).await? {
            ReleaseOutcome::Back(_) => Ok(true),
            ReleaseOutcome::Hidden => {
                // Another case may have scheduled the deletion just before it was cancelled.
                if let Some(message) = self.message_of(&message_ref).await?
                    && let Some(other) = holding(&message).next()
                {
                    recordings.schedule_deletion(&message.facts.audio, other).await?;
                }
                Ok(false)
            }
            ReleaseOutcome::Gone | ReleaseOutcome::Missing => Ok(false),
        }
    }
}
