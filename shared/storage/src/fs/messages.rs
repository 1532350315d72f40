//! Messages: read marks, and holds put on and taken off.

use async_trait::async_trait;
use domain::{
    Hold, MailboxId, Message, MessageId, ReadMark, Release, ReleaseOutcome, Subject, TakeOutcome, TakenMark,
    Waiting,
};

use super::blocking::FsResult;
use super::cases;
use super::disk::{Disk, PublishOutcome};
use super::layout::{self, DueName, Mark};
use super::look::{self, Look, look};
use super::metadata::FsMetadata;
use super::stored::{corrupt, decode, encode};
use super::take;
use crate::{Lookup, MessageRef, Messages, Page, PageOf, Result};

/// Marks a visible message read.
fn mark_read(disk: &Disk, mailbox: &MailboxId, id: MessageId, mark: &ReadMark) -> FsResult<Option<Message>> {
    let Some(mut message) = look(disk, mailbox, id)?.live().filter(Message::is_visible) else {
        return Ok(None);
    };
    if message.read.is_some() {
        return Ok(Some(message));
    }
    let path = layout::mark(mailbox, id, &Mark::Read);
    message.read = Some(match disk.publish(&path, &encode(mark)?)? {
        PublishOutcome::Done => mark.clone(),
        PublishOutcome::There(first) => decode(&path, &first)?,
    });
    // Claimed meanwhile: the mark came too late to be taken with the others.
    if disk.has(&layout::claim(mailbox, id))? {
        disk.take(&path)?;
        return Ok(None);
    }
    Ok(Some(message))
}

/// Takes the read mark off a visible message.
fn mark_unread(disk: &Disk, mailbox: &MailboxId, id: MessageId) -> FsResult<Option<Message>> {
    let Some(mut message) = look(disk, mailbox, id)?.live().filter(Message::is_visible) else {
        return Ok(None);
    };
    disk.take(&layout::mark(mailbox, id, &Mark::Read))?;
    message.read = None;
    Ok(Some(message))
}

/// Puts a hold on.
pub(super) fn hold(
    disk: &Disk,
    mailbox: &MailboxId,
    id: MessageId,
    hold: &Hold,
) -> FsResult<Option<Message>> {
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
        HoldOutcome::On => Some(after),
        HoldOutcome::Undone => Some(before),
        HoldOutcome::Purging => None,
    })
}

/// What became of a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HoldOutcome {
    On,
    /// Its case was undone meanwhile.
    Undone,
    /// Its message was claimed meanwhile.
    Purging,
}

/// Puts a hold of the trash or of a mailbox on. The entry that the sweep finds it by is there before it is.
pub(super) fn hold_until(disk: &Disk, message_ref: &MessageRef, hold: &Hold) -> FsResult<HoldOutcome> {
    let MessageRef { mailbox, id, .. } = message_ref;
    let mark = layout::mark(mailbox, *id, &Mark::Hold(hold.clone()));
    publish_due(disk, message_ref, hold)?;
    disk.place(&mark)?;
    // A sweep may have found the entry with nothing held, and removed it.
    publish_due(disk, message_ref, hold)?;
    if disk.has(&layout::claim(mailbox, *id))? {
        disk.take(&mark)?;
        return Ok(HoldOutcome::Purging);
    }
    Ok(HoldOutcome::On)
}

/// Makes the entry that the sweep finds a hold by, unless it is there.
pub(super) fn publish_due(disk: &Disk, message_ref: &MessageRef, hold: &Hold) -> FsResult<()> {
    let name = DueName::of(hold, message_ref.id, &message_ref.mailbox)
        .ok_or_else(|| corrupt("a hold with a deadline"))?;
    let path = name.path();
    if !disk.has(&path)? {
        disk.publish(&path, &encode(message_ref)?)?;
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
) -> FsResult<HoldOutcome> {
    let Hold::Case { case, .. } = hold else { return Err(corrupt("a hold of a case")) };
    let mark = layout::mark(mailbox, id, &Mark::Hold(hold.clone()));
    disk.place(&mark)?;
    if cases::read(disk, case)?.is_some_and(|case| case.value.has_released(subject)) {
        disk.take(&mark)?;
        return Ok(HoldOutcome::Undone);
    }
    if disk.has(&layout::claim(mailbox, id))? {
        disk.take(&mark)?;
        return Ok(HoldOutcome::Purging);
    }
    Ok(HoldOutcome::On)
}

/// Takes holds off.
fn release(disk: &Disk, mailbox: &MailboxId, id: MessageId, release: &Release) -> FsResult<ReleaseOutcome> {
    let mut message = match look(disk, mailbox, id)? {
        Look::Nothing => return Ok(ReleaseOutcome::Missing),
        Look::Message(message) if !message.claimed => *message,
        Look::Message(_) | Look::Tombstone => return Ok(ReleaseOutcome::Gone),
    };
    let before = message.holds.clone();
    let released = message.release(release);
    let taken: Vec<_> = before.difference(&message.holds).cloned().map(Mark::Hold).collect();
    disk.take_all(&taken.iter().map(|mark| layout::mark(mailbox, id, mark)).collect::<Vec<_>>())?;
    // The claim renames a hold, so of the two one found it; that a hold was not there any more tells nothing on NFS.
    if disk.has(&layout::claim(mailbox, id))? { Ok(ReleaseOutcome::Gone) } else { Ok(released) }
}

#[async_trait]
impl Messages for FsMetadata {
    async fn message(&self, mailbox: &MailboxId, id: MessageId) -> Result<Lookup> {
        let mailbox = mailbox.clone();
        self.on("reading a message", move |disk| Ok(look(disk, &mailbox, id)?.found())).await
    }

    async fn page(&self, mailbox: &MailboxId, of: PageOf) -> Result<Page> {
        let mailbox = mailbox.clone();
        self.on("listing a mailbox", move |disk| look::page(disk, &mailbox, of)).await
    }

    async fn counts(&self, mailbox: &MailboxId) -> Result<Waiting> {
        let mailbox = mailbox.clone();
        self.on("counting a mailbox", move |disk| look::counts(disk, &mailbox)).await
    }

    async fn mark_read(
        &self,
        mailbox: &MailboxId,
        id: MessageId,
        mark: &ReadMark,
    ) -> Result<Option<Message>> {
        let (mailbox, mark) = (mailbox.clone(), mark.clone());
        self.on("marking a message read", move |disk| mark_read(disk, &mailbox, id, &mark)).await
    }

    async fn mark_unread(&self, mailbox: &MailboxId, id: MessageId) -> Result<Option<Message>> {
        let mailbox = mailbox.clone();
        self.on("marking a message unread", move |disk| mark_unread(disk, &mailbox, id)).await
    }

    async fn take(
        &self,
        mailbox: &MailboxId,
        id: MessageId,
        mark: &TakenMark,
        over: bool,
    ) -> Result<TakeOutcome> {
        let (mailbox, mark) = (mailbox.clone(), mark.clone());
        self.on("taking a message", move |disk| take::take(disk, &mailbox, id, &mark, over)).await
    }

    async fn give_back(&self, mailbox: &MailboxId, id: MessageId) -> Result<Option<Message>> {
        let mailbox = mailbox.clone();
        self.on("giving a message back", move |disk| take::give_back(disk, &mailbox, id)).await
    }

    async fn hold(&self, mailbox: &MailboxId, id: MessageId, hold: &Hold) -> Result<Option<Message>> {
        let (mailbox, hold) = (mailbox.clone(), hold.clone());
        self.on("holding a message", move |disk| self::hold(disk, &mailbox, id, &hold)).await
    }

    async fn release(&self, mailbox: &MailboxId, id: MessageId, release: &Release) -> Result<ReleaseOutcome> {
        let (mailbox, release) = (mailbox.clone(), release.clone());
        self.on("releasing a message", move |disk| self::release(disk, &mailbox, id, &release)).await
    }
}
