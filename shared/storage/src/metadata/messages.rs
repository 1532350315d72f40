//! Messages: what folders show, marks, takings and holds.

use async_trait::async_trait;
use domain::{
    Folder, Hold, MailboxId, Message, MessageId, ReadMark, Release, ReleaseOutcome, TakeOutcome, TakenMark,
    Waiting,
};

use super::Lookup;
use crate::error::Result;

/// Which messages of a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageOf {
    /// One folder; `None`: new and old.
    pub folder: Option<Folder>,
    /// Only ids smaller than this: the last one of the page before.
    pub before: Option<MessageId>,
    /// At most so many; at least 1.
    pub limit: usize,
}

/// A page of messages, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The messages.
    pub messages: Vec<Message>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<MessageId>,
}

/// The messages of a tenant.
#[async_trait]
pub trait Messages: Send + Sync {
    /// What is stored under an id. Reads its own writes.
    async fn message(&self, mailbox: &MailboxId, id: MessageId) -> Result<Lookup>;

    /// A page of a mailbox, newest first. Reads its own writes. What is visible throughout is shown exactly once; what
    /// was hidden before the call is not shown.
    async fn page(&self, mailbox: &MailboxId, of: PageOf) -> Result<Page>;

    /// Counts a mailbox, and digests what new and old show of it, from its messages. Reads its own writes.
    async fn counts(&self, mailbox: &MailboxId) -> Result<Waiting>;

    /// Marks a visible message read; one that is read already stays as it is. `None`: not visible.
    async fn mark_read(&self, mailbox: &MailboxId, id: MessageId, mark: &ReadMark)
    -> Result<Option<Message>>;

    /// Takes the read mark off a visible message. `None`: not visible.
    async fn mark_unread(&self, mailbox: &MailboxId, id: MessageId) -> Result<Option<Message>>;

    /// Takes a visible message, by the rule of [`Message::take`]. Of those who take it at once, one has it. Taking again what is one's
    /// own changes nothing. The taking stays through marks, holds and releases, and goes with the message.
    async fn take(
        &self,
        mailbox: &MailboxId,
        id: MessageId,
        mark: &TakenMark,
        over: bool,
    ) -> Result<TakeOutcome>;

    /// Gives a visible message back, whoever has it; one that nobody has stays as it is. `None`: not visible. It ends the taking that
    /// it finds and none that comes after that, also where its answer is lost and it is done once more.
    async fn give_back(&self, mailbox: &MailboxId, id: MessageId) -> Result<Option<Message>>;

    /// Puts a hold on, by the rule of [`Message::hold`]. `None`: there is no message that can take it. A hold of the
    /// trash or of a mailbox will be told by `due`, also where this call was cut off after the hold was on. A hold of
    /// a case that is undone by then does not stay.
    async fn hold(&self, mailbox: &MailboxId, id: MessageId, hold: &Hold) -> Result<Option<Message>>;

    /// Takes a hold off, by the rule of [`Message::release`]. Of a release and a claim that race, one wins.
    async fn release(&self, mailbox: &MailboxId, id: MessageId, release: &Release) -> Result<ReleaseOutcome>;
}
