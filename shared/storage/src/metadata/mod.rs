//! The contract of a tenant's metadata, by topics.

mod cases;
mod deposits;
mod mailboxes;
mod messages;
mod purge;

use async_trait::async_trait;
use domain::{Attempt, AudioKey, Facts, MailboxId, Message, MessageId, Region, Subject};
use serde::{Deserialize, Serialize};

pub use self::cases::Cases;
pub use self::deposits::{ArriveOutcome, Deposit, Deposits, FenceOutcome, InsertOutcome};
pub use self::mailboxes::Mailboxes;
pub use self::messages::{Messages, Page, PageOf};
pub use self::purge::{CallerMarker, Due, Purge};
use crate::error::Result;

/// A value and its version. Versions begin at 1, grow by 1, and go on when a thing is deleted and made again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned<T> {
    /// The value.
    pub value: T,
    /// Its version.
    pub version: u64,
}

/// What a conditional write expects to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Nothing: never made, or deleted.
    Absent,
    /// This version.
    Version(u64),
}

impl Expect {
    /// The version; `None`: nothing.
    pub fn version(self) -> Option<u64> {
        if let Self::Version(version) = self { Some(version) } else { None }
    }
}

/// What became of a conditional write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteOutcome {
    /// Written, as this version.
    Version(u64),
    /// It is not as expected; nothing was written.
    Conflict,
}

/// What is stored under a message's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// Nothing.
    Nothing,
    /// A message, hidden ones too: ask its [`folder`](Message::folder) before it is shown.
    Message(Box<Message>),
    /// It is being purged, or was within the last 30 days.
    Gone,
}

impl Lookup {
    /// The message, if a folder shows it.
    pub fn shown(self) -> Option<Message> {
        match self {
            Self::Message(message) if message.folder().is_some() => Some(*message),
            _ => None,
        }
    }
}

/// What is left of a message or of an attempt: all that removing it needs. It is stored as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRef {
    /// The mailbox.
    pub mailbox: MailboxId,
    /// The message.
    pub id: MessageId,
    /// The attempt.
    pub attempt: Attempt,
    /// The caller's hash.
    pub subject: Option<Subject>,
    /// The recording.
    pub audio: AudioKey,
    /// Where the recording lies.
    pub region: Region,
}

impl From<&Facts> for MessageRef {
    fn from(facts: &Facts) -> Self {
        Self {
            mailbox: facts.mailbox.clone(),
            id: facts.id,
            attempt: facts.attempt.clone(),
            subject: facts.subject.clone(),
            audio: facts.audio.clone(),
            region: facts.region.clone(),
        }
    }
}

/// The metadata of one tenant, in its master region.
///
/// Every call is safe to repeat, also where its answer was lost: a conditional write that was done counts as done.
/// Every call is durable before it returns. Several processes work on one tenant at once.
///
/// What is stored and cannot be read (`Corrupt`) fails the calls that are about it, and nothing is removed for that. A
/// listing passes over it, with an error in the log; `due`, `arriving` and `by_caller`, which forget nothing, fail with
/// it once they have nothing else to tell. What is due is purged also where its facts cannot be read.
///
/// # Errors
/// Every call of every topic fails with `Unavailable` where the storage did not answer or refused. What it was to do may be done then.
#[async_trait]
pub trait Metadata: Deposits + Messages + Purge + Mailboxes + Cases {
    /// Whether the master region answers, within 2 s, without retries that hide an outage.
    async fn ping(&self) -> Result<()>;
}
