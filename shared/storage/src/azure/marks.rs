//! Marks and holds: read and unread, holds put on and taken off, and the claim. Each is the rule of the domain of that name.

use domain::{Claim, Claimed, Hold, MailboxId, Message, MessageId, ReadMark, Release, Released};

use super::cases::{self, is_undone};
use super::purge::at_once;
use super::row::{Rows, Ruled, Step};
use crate::Result;

fn changed(ruled: Ruled<bool>) -> Option<Message> {
    match ruled {
        Ruled::Message(message, true) => Some(*message),
        _ => None,
    }
}

fn never<T>(_: &T) -> bool {
    false
}

impl Rows {
    /// Marks a visible message read; whoever was first stays.
    pub(super) async fn mark_read(
        &self,
        mailbox: &MailboxId,
        id: MessageId,
        mark: &ReadMark,
    ) -> Result<Option<Message>> {
        let step = Step { context: "marking a message read", mailbox, id, noted: None, left: None };
        self.by_rule(&step, |message| message.mark_read(mark.clone()), never).await.map(changed)
    }

    /// Takes the read mark off a visible message.
    pub(super) async fn mark_unread(&self, mailbox: &MailboxId, id: MessageId) -> Result<Option<Message>> {
        let step = Step { context: "marking a message unread", mailbox, id, noted: None, left: None };
        self.by_rule(&step, Message::mark_unread, never).await.map(changed)
    }

    /// Puts a hold on; one with a deadline is among what is due before. A case's that comes after the undo is taken off by
    /// its own writer, since no release pass may see it any more.
    pub(super) async fn hold(
        &self,
        mailbox: &MailboxId,
        id: MessageId,
        hold: &Hold,
    ) -> Result<Option<Message>> {
        let noted = self.layout.due(mailbox, id, hold);
        let step = Step { context: "holding a message", mailbox, id, noted, left: None };
        let message = changed(self.by_rule(&step, |message| message.hold(hold.clone()), never).await?);
        let (Some(hidden), Hold::Case { case, .. }) = (&message, hold) else { return Ok(message) };
        let now = cases::read(self, case).await?;
        if !now.is_some_and(|now| is_undone(&now.value, hidden.facts.subject.as_ref())) {
            return Ok(message);
        }
        let release = Release::Case(case.clone());
        let step = Step { context: "releasing a message", mailbox, id, noted: None, left: None };
        Ok(match self.by_rule(&step, |message| message.release(&release), never).await? {
            Ruled::Message(message, _) if !message.claimed => Some(*message),
            _ => None,
        })
    }

    /// Takes holds off.
    pub(super) async fn release(
        &self,
        mailbox: &MailboxId,
        id: MessageId,
        release: &Release,
    ) -> Result<Released> {
        let step = Step { context: "releasing a message", mailbox, id, noted: None, left: None };
        Ok(match self.by_rule(&step, |message| message.release(release), never).await? {
            Ruled::Message(_, released) => released,
            Ruled::Gone => Released::Gone,
            Ruled::Nothing => Released::Missing,
        })
    }

    /// Claims a message for the purge. What is due tells before what is left of it then, a case's claim as well, so that
    /// the sweep finishes what was cut off, also where the message is a tombstone. Where the hold is not there, its entry is about to be struck off: the blob is written all the same, so that who
    /// wrote that entry and is about to put the hold on must write both anew.
    pub(super) async fn claim(&self, mailbox: &MailboxId, id: MessageId, claim: &Claim) -> Result<Claimed> {
        let left = match claim {
            Claim::Due(hold) => self.layout.due(mailbox, id, hold),
            Claim::Case(_) => self.layout.due(mailbox, id, &at_once()),
        };
        let step = Step { context: "claiming a message", mailbox, id, noted: None, left };
        let is_undone = |claimed: &Claimed| *claimed == Claimed::Undone;
        Ok(match self.by_rule(&step, |message| message.claim(claim), is_undone).await? {
            Ruled::Message(_, claimed) => claimed,
            Ruled::Gone | Ruled::Nothing => Claimed::Gone,
        })
    }
}
