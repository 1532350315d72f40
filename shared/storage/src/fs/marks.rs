//! Marks: read and unread, holds put on and taken off.

use domain::{Hold, MailboxId, Message, MessageId, ReadMark, Release, Released, Subject};

use super::blocking::Step;
use super::cases;
use super::disk::{Disk, Published};
use super::layout::{self, DueName, Mark};
use super::look::{Look, look};
use super::stored::{StoredMessageRef, corrupt, decode, encode};
use crate::MessageRef;

/// Marks a visible message read.
pub(super) fn mark_read(
    disk: &Disk,
    mailbox: &MailboxId,
    id: MessageId,
    mark: &ReadMark,
) -> Step<Option<Message>> {
    let Some(mut message) = look(disk, mailbox, id)?.live().filter(Message::is_visible) else {
        return Ok(None);
    };
    if message.read.is_some() {
        return Ok(Some(message));
    }
    let path = layout::mark(mailbox, id, &Mark::Read);
    message.read = Some(match disk.publish(&path, &encode(mark)?)? {
        Published::Done => mark.clone(),
        Published::There(first) => decode(&path, &first)?,
    });
    // Claimed meanwhile: the mark came too late to be taken with the others.
    if disk.has(&layout::claim(mailbox, id))? {
        disk.take(&path)?;
        return Ok(None);
    }
    Ok(Some(message))
}

/// Takes the read mark off a visible message.
pub(super) fn mark_unread(disk: &Disk, mailbox: &MailboxId, id: MessageId) -> Step<Option<Message>> {
    let Some(mut message) = look(disk, mailbox, id)?.live().filter(Message::is_visible) else {
        return Ok(None);
    };
    disk.take(&layout::mark(mailbox, id, &Mark::Read))?;
    message.read = None;
    Ok(Some(message))
}

/// Puts a hold on.
pub(super) fn hold(disk: &Disk, mailbox: &MailboxId, id: MessageId, hold: &Hold) -> Step<Option<Message>> {
    let Some(before) = look(disk, mailbox, id)?.live() else { return Ok(None) };
    let mut after = before.clone();
    if !after.hold(hold.clone()) {
        return Ok(None);
    }
    if after == before {
        return Ok(Some(after));
    }
    let outcome = match hold {
        Hold::Case { .. } => hold_for_case(disk, mailbox, id, before.facts.subject.as_ref(), hold)?,
        Hold::Trash { .. } | Hold::Mailbox { .. } => {
            hold_until(disk, &MessageRef::from(&before.facts), hold)?
        }
    };
    Ok(match outcome {
        Held::On => Some(after),
        Held::Undone => Some(before),
        Held::Purging => None,
    })
}

/// What became of a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    On,
    /// Its case was undone meanwhile.
    Undone,
    /// Its message was claimed meanwhile.
    Purging,
}

/// Puts a hold of the trash or of a mailbox on. The entry that the sweep finds it by is there before it is.
pub(super) fn hold_until(disk: &Disk, message_ref: &MessageRef, hold: &Hold) -> Step<Held> {
    let MessageRef { mailbox, id, .. } = message_ref;
    let mark = layout::mark(mailbox, *id, &Mark::Hold(hold.clone()));
    publish_due(disk, message_ref, hold)?;
    disk.place(&mark)?;
    // A sweep may have found the entry with nothing held, and struck it off.
    publish_due(disk, message_ref, hold)?;
    if disk.has(&layout::claim(mailbox, *id))? {
        disk.take(&mark)?;
        return Ok(Held::Purging);
    }
    Ok(Held::On)
}

/// Makes the entry that the sweep finds a hold by, unless it is there.
pub(super) fn publish_due(disk: &Disk, message_ref: &MessageRef, hold: &Hold) -> Step<()> {
    let name = DueName::of(hold, message_ref.id, &message_ref.mailbox)
        .ok_or_else(|| corrupt("a hold with a deadline"))?;
    let path = name.path();
    if !disk.has(&path)? {
        disk.publish(&path, &encode(&StoredMessageRef::from(message_ref.clone()))?)?;
    }
    Ok(())
}

/// Puts a case's hold on. A hold that comes after the undo is taken off by its own writer, since no release pass may
/// see it any more.
pub(super) fn hold_for_case(
    disk: &Disk,
    mailbox: &MailboxId,
    id: MessageId,
    subject: Option<&Subject>,
    hold: &Hold,
) -> Step<Held> {
    let Hold::Case { case, .. } = hold else { return Err(corrupt("a hold of a case")) };
    let mark = layout::mark(mailbox, id, &Mark::Hold(hold.clone()));
    disk.place(&mark)?;
    if cases::read(disk, case)?.is_some_and(|case| cases::is_undone(&case.value, subject)) {
        disk.take(&mark)?;
        return Ok(Held::Undone);
    }
    if disk.has(&layout::claim(mailbox, id))? {
        disk.take(&mark)?;
        return Ok(Held::Purging);
    }
    Ok(Held::On)
}

/// Takes holds off.
pub(super) fn release(disk: &Disk, mailbox: &MailboxId, id: MessageId, release: &Release) -> Step<Released> {
    let mut message = match look(disk, mailbox, id)? {
        Look::Nothing => return Ok(Released::Missing),
        Look::Message(message) if !message.claimed => *message,
        Look::Message(_) | Look::Tombstone => return Ok(Released::Gone),
    };
    let before = message.holds.clone();
    let released = message.release(release);
    let taken: Vec<_> = before.difference(&message.holds).cloned().map(Mark::Hold).collect();
    disk.take_all(&taken.iter().map(|mark| layout::mark(mailbox, id, mark)).collect::<Vec<_>>())?;
    // The claim renames a hold, so of the two one found it; that a hold was not there any more tells nothing on NFS.
    if disk.has(&layout::claim(mailbox, id))? { Ok(Released::Gone) } else { Ok(released) }
}
