//! The generations of a mailbox: which messages are not of the one that is there now, and their hold.

use domain::{Hold, Mailbox, MailboxId, Timestamp};

use super::blocking::FsResult;
use super::chain::{self, State};
use super::disk::Disk;
use super::layout::{self, MAILBOXES, Mark};
use super::look::marks_by_message;
use super::messages::hold_until;
use super::stored::{Row, named, passing_over};
use crate::MessageRef;

/// The ids of all mailboxes that ever were.
pub(super) fn ids(disk: &Disk) -> FsResult<Vec<MailboxId>> {
    named(disk, MAILBOXES)
}

/// Holds the messages of all generations before this one. One that comes later finds the deletion by itself.
pub(super) fn hold_generations(
    disk: &Disk,
    mailbox: &MailboxId,
    before: u64,
    purge_at: Timestamp,
) -> FsResult<()> {
    let marks = marks_by_message(disk, mailbox)?;
    let is_held = |mark: &Mark| matches!(mark, Mark::Hold(Hold::Mailbox { .. }));
    for name in disk.list(&layout::messages(mailbox))? {
        let Ok(id) = name.parse() else { continue };
        if marks.get(&id).is_some_and(|marks| marks.iter().any(is_held)) {
            continue;
        }
        match passing_over(Row::read(disk, mailbox, id).map(Some))? {
            Some(row) => hold_earlier(disk, &row, before, purge_at)?,
            // Hidden with all others; once it can be read again, the tidying makes the entry that it is purged by.
            None => disk.place(&layout::mark(mailbox, id, &Mark::Hold(Hold::Mailbox { purge_at })))?,
        }
    }
    Ok(())
}

/// Holds a message that is of an earlier generation.
pub(super) fn hold_earlier(disk: &Disk, row: &Row, before: u64, purge_at: Timestamp) -> FsResult<()> {
    if let Row::Facts(facts) = row
        && facts.generation < before
        && !disk.has(&layout::claim(&facts.mailbox, facts.id))?
    {
        hold_until(disk, &MessageRef::from(&**facts), &Hold::Mailbox { purge_at })?;
    }
    Ok(())
}

/// Messages of generations before this one do not belong to the mailbox that is there now, if any.
pub(super) fn earlier_than(disk: &Disk, mailbox: &MailboxId) -> FsResult<u64> {
    Ok(match chain::newest::<Mailbox>(disk, &layout::config(mailbox))? {
        Some((_, State::Value(now))) => now.generation,
        Some((deletion, State::Deleted { .. })) => deletion,
        None => 0,
    })
}
