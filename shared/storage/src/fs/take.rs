//! Takes and gives back: who is going to answer a message.

use domain::{MailboxId, Message, MessageId, TakeOutcome, TakenMark};

use super::blocking::FsResult;
use super::disk::Disk;
use super::look::look;
use super::takings::{LinkOutcome, TRIES, contended, publish};

/// Takes a visible message.
pub(super) fn take(
    disk: &Disk,
    mailbox: &MailboxId,
    id: MessageId,
    mark: &TakenMark,
    over: bool,
) -> FsResult<TakeOutcome> {
    for _ in 0..TRIES {
        let Some(mut message) = look(disk, mailbox, id)?.live() else { return Ok(TakeOutcome::NotVisible) };
        let before = message.taking.number();
        let outcome = message.take(mark, over);
        if message.taking.number() == before {
            return Ok(outcome);
        }
        match publish(disk, mailbox, id, &message.taking)? {
            LinkOutcome::Done => return Ok(outcome),
            LinkOutcome::Purging => return Ok(TakeOutcome::NotVisible),
            // Somebody else was faster.
            LinkOutcome::There => {}
        }
    }
    Err(contended())
}

/// Gives a visible message back: ends the taking that it finds. `None`: not visible.
pub(super) fn give_back(disk: &Disk, mailbox: &MailboxId, id: MessageId) -> FsResult<Option<Message>> {
    let Some(mut message) = look(disk, mailbox, id)?.live() else { return Ok(None) };
    let before = message.taking.number();
    if !message.give_back(before) {
        return Ok(None);
    }
    if message.taking.number() == before {
        return Ok(Some(message));
    }
    Ok(match publish(disk, mailbox, id, &message.taking)? {
        // Where it is there, somebody else gave the message back.
        LinkOutcome::Done | LinkOutcome::There => Some(message),
        LinkOutcome::Purging => None,
    })
}
