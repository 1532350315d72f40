//! The last net: mends what was cut off and what no journal tells any more.
//!
//! Whether something is an orphan is asked in one order: it is there, then no journal tells of its attempt, then the message
//! is not of its attempt. A journal goes last and a commit comes before that, so what no journal tells was created by then or
//! never will be.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash as _, Hasher as _};
use std::time::Duration;

use domain::{
    CLOSED_CASE_LIFETIME, Case, CaseKey, Hold, MailboxId, MessageId, Subject, TOMBSTONE_LIFETIME, Timestamp,
};

use super::blocking::{Fault, FsResult};
use super::disk::Disk;
use super::layout::{self, ARRIVING, AttemptName, CALLERS, DUE, FENCED, FORGETS, Mark, Recording};
use super::look::marks_by_message;
use super::messages::publish_due;
use super::metadata::Tree;
use super::stored::{CUT_OFF_AFTER, Damage as _, Row, read_mark};
use super::{cases, generations, takings};
use crate::MessageRef;

const HOUR: Duration = Duration::from_hours(1);

/// Tidies a mailbox, and with it its share of what lies beside the mailboxes: caller markers, past hours of due holds,
/// subjects of cases closed long ago. How many recordings were orphans. What cannot be done keeps nothing
/// else from being done, and is the error in the end.
pub(super) fn tidy(tree: &Tree, mailbox: &MailboxId, now: Timestamp, purge_at: Timestamp) -> FsResult<u64> {
    let mut faults = FirstFault::default();
    let net = Net::cast(tree, mailbox, now, purge_at, &mut faults);
    let removed = faults.note(net.map(Some)).map_or(0, |net| net.mend(&mut faults));
    if let Some(share) = Share::of(mailbox, &generations::ids(&tree.disk)?) {
        beside_mailboxes(&tree.disk, now, share, &mut faults)?;
    }
    faults.0.map_or(Ok(removed), Err)
}

/// What lies beside the mailboxes is tidied in so many parts, as there are turns in a day: each of the first so many
/// mailboxes does one, so that no turn takes long, and the names are listed no more often than that.
const PARTS: usize = 24 * 60 / 5;

/// A mailbox's part of what lies beside the mailboxes.
#[derive(Debug, Clone, Copy)]
struct Share {
    part: usize,
    of: usize,
}

impl Share {
    fn of(mailbox: &MailboxId, all: &[MailboxId]) -> Option<Self> {
        let of = all.len().min(PARTS);
        let part = all.iter().take(of).position(|one| one == mailbox)?;
        Some(Self { part, of })
    }

    fn has(self, name: &str) -> bool {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        usize::try_from(hasher.finish() % self.of as u64).ok() == Some(self.part)
    }
}

/// The first thing that could not be done.
#[derive(Default)]
struct FirstFault(Option<Fault>);

impl FirstFault {
    fn note<T: Default>(&mut self, done: FsResult<T>) -> T {
        done.unwrap_or_else(|fault| {
            // Each of them: the error in the end names one.
            fault.log_damage();
            self.0.get_or_insert(fault);
            T::default()
        })
    }
}

/// What the folders of a mailbox show, listed in the order that makes it safe to judge.
struct Net<'a> {
    tree: &'a Tree,
    mailbox: &'a MailboxId,
    now: Timestamp,
    purge_at: Timestamp,
    /// Messages of generations before this one belong to a mailbox that was deleted.
    generation: u64,
    recordings: BTreeMap<MessageId, Vec<(&'a Disk, Recording)>>,
    journals: BTreeSet<String>,
    marks: BTreeMap<MessageId, Vec<Mark>>,
    claims: BTreeSet<String>,
    messages: BTreeSet<String>,
    cases: BTreeMap<CaseKey, Option<Case>>,
}

impl<'a> Net<'a> {
    fn cast(
        tree: &'a Tree,
        mailbox: &'a MailboxId,
        now: Timestamp,
        purge_at: Timestamp,
        faults: &mut FirstFault,
    ) -> FsResult<Self> {
        let disk = &tree.disk;
        let recordings = recordings(tree, mailbox, faults);
        let marks = marks_by_message(disk, mailbox)?;
        Ok(Self {
            tree,
            mailbox,
            now,
            purge_at,
            generation: faults.note(generations::earlier_than(disk, mailbox)),
            recordings,
            marks,
            journals: journals(disk)?,
            claims: disk.list(&layout::claims(mailbox))?,
            messages: disk.list(&layout::messages(mailbox))?,
            cases: BTreeMap::new(),
        })
    }

    fn mend(mut self, faults: &mut FirstFault) -> u64 {
        let named = self.messages.iter().chain(&self.claims).filter_map(|name| name.parse().ok());
        let ids: BTreeSet<MessageId> =
            named.chain(self.recordings.keys().copied()).chain(self.marks.keys().copied()).collect();
        let mut removed = 0;
        for id in ids {
            let mended = self.mend_one(id, faults);
            removed += faults.note(mended);
        }
        removed
    }

    fn mend_one(&mut self, id: MessageId, faults: &mut FirstFault) -> FsResult<u64> {
        // After all that was listed.
        let row = Row::read(&self.tree.disk, self.mailbox, id)?;
        let removed = self.remove_orphans(id, &row)?;
        match &row {
            Row::Facts(facts) => self.mend_message(id, &MessageRef::from(&**facts), &row, faults)?,
            Row::Tombstone(gone) => self.mend_tombstone(id, *gone)?,
            Row::Nothing => self.mend_nothing(id)?,
        }
        Ok(removed)
    }

    fn is_under_way(&self, id: MessageId, attempt: &domain::Attempt) -> bool {
        let attempt = AttemptName { id, attempt: attempt.clone(), mailbox: self.mailbox.clone() };
        self.journals.contains(&attempt.to_string())
    }

    fn remove_orphans(&self, id: MessageId, row: &Row) -> FsResult<u64> {
        let mut removed = 0;
        for (disk, recording) in self.recordings.get(&id).into_iter().flatten() {
            if !row.is_of(&recording.attempt) && !self.is_under_way(id, &recording.attempt) {
                disk.take(&format!("{}/{recording}", self.mailbox))?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    fn mend_message(
        &mut self,
        id: MessageId,
        message_ref: &MessageRef,
        row: &Row,
        faults: &mut FirstFault,
    ) -> FsResult<()> {
        let disk = &self.tree.disk;
        let marks = self.marks.remove(&id).unwrap_or_default();
        if self.claims.contains(&id.to_string()) {
            // Being purged: what was put on too late to be taken by its writer.
            return self.take(id, &marks, |mark| !matches!(mark, Mark::Urgent(_)));
        }
        for mark in &marks {
            match mark {
                Mark::Hold(hold @ (Hold::Trash { .. } | Hold::Mailbox { .. })) => {
                    if hold.purge_at().plus(HOUR) <= self.now {
                        publish_due(disk, message_ref, hold)?;
                    }
                }
                Mark::Hold(Hold::Case { case, .. }) => {
                    if faults.note(self.case_is_over_for(case, message_ref.subject.as_ref())) {
                        disk.take(&layout::mark(self.mailbox, id, mark))?;
                    }
                }
                Mark::Urgent(attempt) => {
                    if *attempt != message_ref.attempt && !self.is_under_way(id, attempt) {
                        disk.take(&layout::mark(self.mailbox, id, mark))?;
                    }
                }
                Mark::Taking(_) => {}
                // Nothing to mend, but damage is to be found before somebody needs it.
                Mark::Read => {
                    faults.note(read_mark(disk, self.mailbox, id).map(drop));
                }
            }
        }
        faults.note(takings::tidy(disk, self.mailbox, id, &marks));
        if !marks.iter().any(|mark| matches!(mark, Mark::Hold(Hold::Mailbox { .. }))) {
            generations::hold_earlier(disk, row, self.generation, self.purge_at)?;
        }
        Ok(())
    }

    /// Whether a case holds nothing of this subject any more: undone, or closed.
    fn case_is_over_for(&mut self, key: &CaseKey, subject: Option<&Subject>) -> FsResult<bool> {
        if !self.cases.contains_key(key) {
            let case = cases::read(&self.tree.disk, key)?.map(|case| case.value);
            self.cases.insert(key.clone(), case);
        }
        Ok(self.cases.get(key).and_then(Option::as_ref).is_some_and(|case| case.is_over_for(subject)))
    }

    fn mend_tombstone(&mut self, id: MessageId, gone: Timestamp) -> FsResult<()> {
        self.mend_nothing_but_claim(id)?;
        if gone.plus(TOMBSTONE_LIFETIME) < self.now {
            // In this order: a claim without a tombstone would hide the next message of this id.
            self.tree.disk.take(&layout::row(self.mailbox, id))?;
            self.tree.disk.take(&layout::claim(self.mailbox, id))?;
        }
        Ok(())
    }

    fn mend_nothing(&mut self, id: MessageId) -> FsResult<()> {
        self.mend_nothing_but_claim(id)?;
        if self.claims.contains(&id.to_string()) {
            self.tree.disk.take(&layout::claim(self.mailbox, id))?;
        }
        Ok(())
    }

    fn mend_nothing_but_claim(&mut self, id: MessageId) -> FsResult<()> {
        let marks = self.marks.remove(&id).unwrap_or_default();
        self.take(id, &marks, |mark| match mark {
            Mark::Urgent(attempt) => !self.is_under_way(id, attempt),
            Mark::Read | Mark::Taking(_) | Mark::Hold(_) => true,
        })
    }

    fn take(&self, id: MessageId, marks: &[Mark], which: impl Fn(&Mark) -> bool) -> FsResult<()> {
        let chosen = marks.iter().filter(|mark| which(mark));
        let paths: Vec<String> = chosen.map(|mark| layout::mark(self.mailbox, id, mark)).collect();
        Ok(self.tree.disk.take_all(&paths)?)
    }
}

/// The recordings of a mailbox in every region that is there.
fn recordings<'a>(
    tree: &'a Tree,
    mailbox: &MailboxId,
    faults: &mut FirstFault,
) -> BTreeMap<MessageId, Vec<(&'a Disk, Recording)>> {
    let mut recordings: BTreeMap<MessageId, Vec<(&Disk, Recording)>> = BTreeMap::new();
    for (region, disk) in &tree.regions {
        let names = disk.mounted().and_then(|()| disk.list(mailbox.as_str()));
        if let Err(error) = &names {
            tracing::warn!(%region, %error, "recordings of a region that is down are not tidied");
        }
        for recording in
            faults.note(names.map_err(Fault::from)).iter().filter_map(|name| Recording::parse(name))
        {
            recordings.entry(recording.id).or_default().push((disk, recording));
        }
    }
    recordings
}

/// The names of all journals. An attempt moves from the first folder to the second, by a copy.
fn journals(disk: &Disk) -> FsResult<BTreeSet<String>> {
    let mut journals = disk.list(ARRIVING)?;
    journals.extend(disk.list(FENCED)?);
    Ok(journals)
}

fn beside_mailboxes(disk: &Disk, now: Timestamp, share: Share, faults: &mut FirstFault) -> FsResult<()> {
    for folder in disk.list(CALLERS)?.into_iter().filter(|folder| share.has(folder)) {
        let tidied = tidy_markers(disk, &format!("{CALLERS}/{folder}"), faults);
        faults.note(tidied);
    }
    let this_hour = layout::hour(now.minus(HOUR));
    for hour in disk.list(DUE)?.range(..this_hour).filter(|hour| share.has(hour)) {
        faults.note(disk.remove_empty(&format!("{DUE}/{hour}")).map_err(Fault::from));
    }
    for subject in disk.list(FORGETS)?.into_iter().filter(|subject| share.has(subject)) {
        let tidied = tidy_forgets(disk, &subject, now, faults);
        faults.note(tidied);
    }
    Ok(())
}

/// Removes what writes that were cut off have left without a name, perhaps half a recording. What cannot be removed now
/// is tried again by the next sweep, and keeps nothing else from being swept.
pub(super) fn unnamed(tree: &Tree) {
    let regions = tree.regions.iter().map(|(_, region)| region).filter(|region| region.mounted().is_ok());
    for disk in regions.chain([&tree.disk]) {
        if let Err(error) = disk.clear_temporary(CUT_OFF_AFTER) {
            tracing::error!(%error, "writes that were cut off could not be cleared");
        }
    }
}

/// Markers of attempts that were not created, and of messages that were purged.
fn tidy_markers(disk: &Disk, folder: &str, faults: &mut FirstFault) -> FsResult<()> {
    for name in disk.list(folder)? {
        if AttemptName::parse_marker(&name).is_some_and(|(_, attempt)| faults.note(is_over(disk, &attempt))) {
            faults.note(disk.take(&format!("{folder}/{name}")).map_err(Fault::from));
        }
    }
    Ok(disk.remove_empty(folder)?)
}

fn is_over(disk: &Disk, attempt: &AttemptName) -> FsResult<bool> {
    let is_created =
        || Ok::<_, Fault>(Row::read(disk, &attempt.mailbox, attempt.id)?.is_of(&attempt.attempt));
    // Most are created, and stay so until they are purged: then nobody's journal need be asked.
    Ok(!(is_created()? || disk.has(&attempt.arriving())? || disk.has(&attempt.fenced())? || is_created()?))
}

fn tidy_forgets(disk: &Disk, subject: &str, now: Timestamp, faults: &mut FirstFault) -> FsResult<()> {
    let folder = format!("{FORGETS}/{subject}");
    for name in disk.list(&folder)? {
        let Ok(key) = name.parse::<CaseKey>() else { continue };
        let Some(case) = faults.note(cases::read(disk, &key)) else { continue };
        let closed = case.value.closed_at();
        if closed.is_some_and(|closed| closed.plus(CLOSED_CASE_LIFETIME) < now) {
            disk.take(&format!("{folder}/{name}"))?;
        }
    }
    Ok(disk.remove_empty(&folder)?)
}

#[cfg(test)]
#[path = "tidy_tests.rs"]
mod tests;
