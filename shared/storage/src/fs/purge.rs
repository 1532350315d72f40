//! The purge: what is due, the claim, the tombstone; and the caller markers, which find a caller's messages.

use std::collections::BTreeSet;

use async_trait::async_trait;
use domain::{Claim, ClaimOutcome, Facts, MailboxId, MessageId, Subject, Timestamp};

use super::blocking::FsResult;
use super::disk::Disk;
use super::layout::{self, AttemptName, DUE, DueName, Mark};
use super::look::holds_of;
use super::metadata::FsMetadata;
use super::stored::{Damage as _, FirstUnreadable, Row, Tombstone, encode, passing_over, read};
use super::takings;
use crate::{CallerMarker, Deposit, Due, MessageRef, Purge, Result};

/// Claims a message. Its hold is renamed to the claim, so that of an undo and a claim one finds it; a case, whose fate is
/// decided, needs no hold.
fn claim(disk: &Disk, mailbox: &MailboxId, id: MessageId, claim: &Claim) -> FsResult<ClaimOutcome> {
    let claimed = layout::claim(mailbox, id);
    let is_claimed = match claim {
        Claim::Due(hold) => disk.claim(&layout::mark(mailbox, id, &Mark::Hold(hold.clone())), &claimed)?,
        Claim::Case(_) => {
            let live = matches!(Row::read(disk, mailbox, id)?, Row::Facts(_));
            if live {
                disk.place(&claimed)?;
            }
            live
        }
        Claim::Unfinished => disk.has(&claimed)?,
    };
    let row = match claim {
        Claim::Due(_) | Claim::Unfinished => readable(disk, mailbox, id)?,
        // Whether it is of the caller whom the case forgets, only the facts tell.
        Claim::Case(_) => Some(Row::read(disk, mailbox, id)?),
    };
    Ok(match row {
        Some(Row::Tombstone(_) | Row::Nothing) => ClaimOutcome::Gone,
        Some(Row::Facts(_)) | None if is_claimed => ClaimOutcome::Claimed,
        Some(Row::Facts(_)) | None => ClaimOutcome::Undone,
    })
}

/// What stands there; `None`: it is damaged, which keeps nothing from its purge: what is due tells all that one needs.
fn readable(disk: &Disk, mailbox: &MailboxId, id: MessageId) -> FsResult<Option<Row>> {
    passing_over(Row::read(disk, mailbox, id).map(Some))
}

/// Replaces the facts of a claimed message by a tombstone, then takes what names it.
fn leave_tombstone(disk: &Disk, message_ref: &MessageRef, now: Timestamp) -> FsResult<()> {
    let MessageRef { mailbox, id, .. } = message_ref;
    if !disk.has(&layout::claim(mailbox, *id))? {
        return Ok(());
    }
    match readable(disk, mailbox, *id)? {
        Some(Row::Facts(facts)) if facts.attempt != message_ref.attempt => return Ok(()),
        Some(Row::Facts(_)) | None => {
            disk.replace(&layout::row(mailbox, *id), &encode(&Tombstone { gone: now })?)?;
        }
        Some(Row::Tombstone(_) | Row::Nothing) => {}
    }
    clear(disk, &AttemptName::from(message_ref), message_ref.subject.as_ref())
}

/// Takes what names a message that is a tombstone, its caller's marker last.
fn clear(disk: &Disk, attempt: &AttemptName, subject: Option<&Subject>) -> FsResult<()> {
    let mark = |mark: &Mark| layout::mark(&attempt.mailbox, attempt.id, mark);
    // The hint of an attempt that lost is its own to take back, and the tidying's.
    disk.take_all(&[mark(&Mark::Read), mark(&Mark::Urgent(attempt.attempt.clone()))])?;
    takings::clear(disk, &attempt.mailbox, attempt.id)?;
    let holds = holds_of(disk, &attempt.mailbox, attempt.id)?;
    disk.take_all(&holds.into_iter().map(|hold| mark(&Mark::Hold(hold))).collect::<Vec<_>>())?;
    if let Some(subject) = subject {
        disk.take(&attempt.caller(subject))?;
    }
    Ok(())
}

/// Holds that are over, oldest first.
fn due(disk: &Disk, before: Timestamp, after: Option<&Due>, limit: usize) -> FsResult<Vec<Due>> {
    let after = after.and_then(due_name);
    let (last_hour, first_hour) =
        (layout::hour(before), after.as_ref().map(DueName::hour).unwrap_or_default());
    let after = after.map(|name| name.to_string()).unwrap_or_default();
    let (mut found, mut passed_over) = (Vec::new(), FirstUnreadable::default());
    for hour in disk.list(DUE)?.range(first_hour..=last_hour) {
        for name in disk.list(&format!("{DUE}/{hour}"))? {
            let Some(entry) = DueName::parse(&name).filter(|entry| name > after && entry.at() <= before)
            else {
                continue;
            };
            if found.len() >= limit {
                return Ok(found);
            }
            // Else: removed since its name was listed.
            if let Some(message_ref) = passed_over.read(entry_of(disk, &entry))?.flatten() {
                found.push(Due { message_ref, claim: Claim::Due(entry.hold) });
            }
        }
    }
    passed_over.found(found)
}

/// What an entry tells; of one that is damaged, what its message tells.
fn entry_of(disk: &Disk, entry: &DueName) -> FsResult<Option<MessageRef>> {
    match read::<MessageRef>(disk, &entry.path()) {
        Err(fault) if fault.damage().is_some() => fault.log_damage(),
        read => return read,
    }
    if let Row::Facts(facts) = Row::read(disk, &entry.mailbox, entry.id)? {
        return Ok(Some(MessageRef::from(&*facts)));
    }
    // Purged, but for what the tidying finds by itself.
    disk.take(&entry.path())?;
    Ok(None)
}

/// The name of an entry; what a case has claimed has none.
fn due_name(due: &Due) -> Option<DueName> {
    let Claim::Due(hold) = &due.claim else { return None };
    DueName::of(hold, due.message_ref.id, &due.message_ref.mailbox)
}

/// The markers of a caller.
fn by_caller(
    disk: &Disk,
    subject: &Subject,
    after: Option<&CallerMarker>,
    limit: usize,
) -> FsResult<Vec<CallerMarker>> {
    let after = after.map(|marker| AttemptName::from(&marker.message_ref));
    let (folder, caller) = layout::marker(subject);
    let attempts = disk.list_as(&folder, |name| {
        // Of most names nothing more is read: a folder holds the markers of many callers.
        let (_, attempt) = name.starts_with(caller).then(|| AttemptName::parse_marker(name))??;
        (after.as_ref() < Some(&attempt)).then_some(attempt)
    })?;
    let (mut markers, mut passed_over) = (Vec::new(), FirstUnreadable::default());
    for attempt in BTreeSet::from_iter(attempts) {
        if markers.len() >= limit {
            break;
        }
        let facts = passed_over.read(facts_of(disk, &attempt, subject))?.flatten();
        markers.extend(facts.as_ref().map(CallerMarker::from));
    }
    passed_over.found(markers)
}

/// What the message of a marker tells, or its attempt; `None`: purged since its name was listed, or nothing is left of it but
/// the marker, which the tidying takes.
fn facts_of(disk: &Disk, attempt: &AttemptName, subject: &Subject) -> FsResult<Option<Facts>> {
    let row = || Row::read(disk, &attempt.mailbox, attempt.id);
    if let Row::Facts(facts) = row()?
        && facts.attempt == attempt.attempt
    {
        return Ok(Some(*facts));
    }
    for journal in [attempt.arriving(), attempt.fenced()] {
        if let Some(journal) = read::<Deposit>(disk, &journal)? {
            return Ok(Some(journal.facts));
        }
    }
    // Once more: an attempt that is created meanwhile leaves its journal.
    match row()? {
        Row::Facts(facts) if facts.attempt == attempt.attempt => Ok(Some(*facts)),
        Row::Tombstone(_) => {
            // Leaving its tombstone was cut off.
            clear(disk, attempt, Some(subject))?;
            Ok(None)
        }
        Row::Facts(_) | Row::Nothing => Ok(None),
    }
}

#[async_trait]
impl Purge for FsMetadata {
    async fn by_caller(
        &self,
        subject: &Subject,
        after: Option<&CallerMarker>,
        limit: usize,
    ) -> Result<Vec<CallerMarker>> {
        let (subject, after) = (subject.clone(), after.cloned());
        self.on("listing a caller", move |disk| by_caller(disk, &subject, after.as_ref(), limit)).await
    }

    async fn due(&self, before: Timestamp, after: Option<&Due>, limit: usize) -> Result<Vec<Due>> {
        let after = after.cloned();
        self.on("listing what is due", move |disk| due(disk, before, after.as_ref(), limit)).await
    }

    async fn remove_due_entry(&self, due: &Due) -> Result<()> {
        let Some(entry) = due_name(due) else { return Ok(()) };
        self.on("removing a due entry", move |disk| Ok(disk.take(&entry.path())?)).await
    }

    async fn claim(&self, mailbox: &MailboxId, id: MessageId, claim: &Claim) -> Result<ClaimOutcome> {
        let (mailbox, claim) = (mailbox.clone(), claim.clone());
        self.on("claiming a message", move |disk| self::claim(disk, &mailbox, id, &claim)).await
    }

    async fn leave_tombstone(&self, message_ref: &MessageRef, now: Timestamp) -> Result<()> {
        let message_ref = message_ref.clone();
        self.on("leaving a tombstone", move |disk| leave_tombstone(disk, &message_ref, now)).await
    }
}

#[cfg(test)]
#[path = "purge_tests.rs"]
mod tests;
