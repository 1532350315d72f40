//! Deposits: from the announcement of an attempt to its message, or to nothing.

use async_trait::async_trait;
use domain::{Facts, Message, Timestamp};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::{Lookup, MessageRef};
use crate::error::Result;

/// One attempt to deposit a message. It is stored as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deposit {
    /// When the attempt began, by the server's clock.
    pub begun_at: Timestamp,
    /// What becomes the message if this attempt is committed.
    #[serde(flatten)]
    pub facts: Facts,
}

/// What became of the first half of a deposit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArriveOutcome {
    /// The audio is put and the marker is there; the mailbox stores so many messages. Next: `insert` or `withdraw`.
    Arrived(u32),
    /// The id is taken, by what is told here. Nothing is left of this attempt.
    Taken(Lookup),
}

/// What became of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InsertOutcome {
    /// This attempt was committed. A case that is pending may hide the message already.
    Created(Box<Message>),
    /// Another was; the deposit takes this attempt back.
    Taken(Lookup),
    /// An erasing or erased case covers it; the deposit takes this attempt back.
    Forgotten,
    /// The attempt took too long and was fenced; the deposit takes it back and may begin anew.
    Fenced,
}

/// What became of a fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FenceOutcome {
    /// The attempt is the message; there is nothing to clean.
    Created,
    /// The attempt can never be created any more: delete its audio, then `withdraw` it.
    Never,
}

/// The deposits of a tenant.
#[async_trait]
pub trait Deposits: Send + Sync {
    /// The first half of a deposit: looks for an earlier message of this id, journals the attempt where the backend needs
    /// it, runs `put` (the put of the audio), writes the caller marker and counts the mailbox, as much at once as is
    /// safe. Where the id is taken, nothing of this attempt is left.
    async fn arrive(&self, deposit: &Deposit, put: BoxFuture<'_, Result<()>>) -> Result<ArriveOutcome>;

    /// The commit: of all attempts of an id exactly one is created, whoever asks how often. A message whose caller a
    /// pending case forgets is created hidden; one that an erasing or erased case covers is not created. One whose mailbox was
    /// deleted or made anew meanwhile, so that its generation is over, is created with the mailbox's hold.
    async fn insert(&self, deposit: &Deposit) -> Result<InsertOutcome>;

    /// Takes back what an attempt made before its commit, its audio excepted, which goes first. Never touches what another
    /// attempt made, nor a message that was created.
    async fn withdraw(&self, message_ref: &MessageRef) -> Result<()>;

    /// Attempts that began before `before` and were neither finished nor withdrawn, and all that were fenced and not yet
    /// withdrawn. May lag, never forgets.
    async fn arriving(&self, before: Timestamp) -> Result<Vec<MessageRef>>;

    /// Decides what an attempt became, for good: if it is not created by now it never will be.
    async fn fence(&self, message_ref: &MessageRef) -> Result<FenceOutcome>;

    /// Removes the recordings, in every region, that were put in hours which began by `until` and that neither a message nor
    /// an attempt tells of: a backend that journals an attempt before it puts has none. Hours that ended an hour before `now` are
    /// searched once, as no put of theirs is under way any more. How many there were.
    async fn remove_orphans(&self, until: Timestamp, now: Timestamp) -> Result<u64>;
}
