//! The purge: what is due, the claim, the tombstone; and the caller markers, which find a caller's messages.

use domain::{Claim, Claimed, MailboxId, MessageId, Subject, Timestamp};

use super::blocking::Step;
use super::disk::Disk;
use super::layout::{self, DUE, DueName, Mark, Try};
use super::look::holds_of;
use super::stored::{Row, StoredMarker, StoredRemains, Tombstone, encode, passing_over, read};
use crate::{CallerMarker, Due, Remains};

/// Claims a message. Its hold is renamed to the claim, so that of an undo and a claim one finds it; a case, whose fate is
/// decided, needs no hold.
pub(super) fn claim(disk: &Disk, mailbox: &MailboxId, id: MessageId, claim: &Claim) -> Step<Claimed> {
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
    };
    Ok(match Row::read(disk, mailbox, id)? {
        Row::Facts(_) if is_claimed => Claimed::Claimed,
        Row::Facts(_) => Claimed::Undone,
        Row::Tombstone(_) | Row::Nothing => Claimed::Gone,
    })
}

/// Replaces the facts of a claimed message by a tombstone, then takes what names it.
pub(super) fn bury(disk: &Disk, remains: &Remains, now: Timestamp) -> Step<()> {
    let Remains { mailbox, id, .. } = remains;
    if !disk.has(&layout::claim(mailbox, *id))? {
        return Ok(());
    }
    match Row::read(disk, mailbox, *id)? {
        Row::Facts(facts) if facts.attempt != remains.attempt => return Ok(()),
        Row::Facts(_) => disk.replace(&layout::row(mailbox, *id), &encode(&Tombstone { gone: now })?)?,
        Row::Tombstone(_) | Row::Nothing => {}
    }
    let mark = |mark: &Mark| layout::mark(mailbox, *id, mark);
    // The hint of a try that lost is its own to take back, and the tidying's.
    disk.take_all(&[mark(&Mark::Read), mark(&Mark::Urgent(remains.attempt.clone()))])?;
    let holds = holds_of(disk, mailbox, *id)?;
    disk.take_all(&holds.into_iter().map(|hold| mark(&Mark::Hold(hold))).collect::<Vec<_>>())?;
    disk.take(&Try::from(remains).caller(remains.subject.as_ref()))?;
    Ok(())
}

/// Holds that are over, oldest first.
pub(super) fn due(disk: &Disk, before: Timestamp, after: Option<&Due>, limit: usize) -> Step<Vec<Due>> {
    let after = after.and_then(|due| DueName::of(&due.hold, due.remains.id, &due.remains.mailbox));
    let (last_hour, first_hour) =
        (layout::hour(before), after.as_ref().map(DueName::hour).unwrap_or_default());
    let after = after.map(|name| name.to_string()).unwrap_or_default();
    let mut found = Vec::new();
    for hour in disk.list(DUE)?.range(first_hour..=last_hour) {
        for name in disk.list(&format!("{DUE}/{hour}"))? {
            let Some(entry) = DueName::parse(&name).filter(|entry| name > after && entry.at() <= before)
            else {
                continue;
            };
            if found.len() >= limit {
                return Ok(found);
            }
            // Else: struck off since its name was listed.
            if let Some(remains) = passing_over(read::<StoredRemains>(disk, &entry.path()))? {
                found.push(Due { remains: remains.into(), hold: entry.hold });
            }
        }
    }
    Ok(found)
}

/// Strikes an entry off.
pub(super) fn settle(disk: &Disk, due: &Due) -> Step<()> {
    if let Some(entry) = DueName::of(&due.hold, due.remains.id, &due.remains.mailbox) {
        disk.take(&entry.path())?;
    }
    Ok(())
}

/// The markers of a caller.
pub(super) fn by_caller(
    disk: &Disk,
    subject: &Subject,
    after: Option<&CallerMarker>,
    limit: usize,
) -> Step<Vec<CallerMarker>> {
    let after = after.map(|marker| Try::from(&marker.remains).to_string()).unwrap_or_default();
    let mut markers = Vec::new();
    for name in disk.list(&layout::callers(Some(subject)))? {
        let Some(attempt) = Try::parse(&name).filter(|_| name > after) else { continue };
        if markers.len() >= limit {
            break;
        }
        // Else: purged since its name was listed.
        if let Some(marker) = read::<StoredMarker>(disk, &attempt.caller(Some(subject)))? {
            markers.push(marker.into());
        }
    }
    Ok(markers)
}

#[cfg(test)]
#[path = "purge_tests.rs"]
mod tests;
