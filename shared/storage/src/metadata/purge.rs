//! The purge: what is due, the messages of a caller, the claim and the tombstone.

use async_trait::async_trait;
use domain::{Claim, ClaimOutcome, Facts, MailboxId, MessageId, Subject, Timestamp};
use serde::{Deserialize, Serialize};

use super::MessageRef;
use crate::error::Result;

/// A message that is due to be purged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The message.
    pub message_ref: MessageRef,
    /// The claim that begins its purge: of a hold of the trash or of a deleted mailbox, or the one that a case has made before.
    pub claim: Claim,
}

/// A message of a caller, as its marker tells. The attempt may have lost, or not be created yet: the message decides. It is stored as
/// it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerMarker {
    /// When the call was taken.
    pub received_at: Timestamp,
    /// The message or attempt.
    #[serde(flatten)]
    pub message_ref: MessageRef,
}

impl From<&Facts> for CallerMarker {
    fn from(facts: &Facts) -> Self {
        Self { received_at: facts.received_at, message_ref: MessageRef::from(facts) }
    }
}

/// What purges the messages of a tenant.
#[async_trait]
pub trait Purge: Send + Sync {
    /// The markers of a caller's messages, consistent, by id, those after `after`, at most `limit`. Also of attempts that
    /// are under way or were cut off, and of messages that are hidden or claimed, until they are a tombstone.
    async fn by_caller(
        &self,
        subject: &Subject,
        after: Option<&CallerMarker>,
        limit: usize,
    ) -> Result<Vec<CallerMarker>>;

    /// Holds with a deadline at or before `before`, oldest first, those after `after`, at most `limit`; what a case has claimed
    /// may be told before them. May lag, never forgets; may tell a hold that was taken off, which the claim finds out.
    async fn due(&self, before: Timestamp, after: Option<&Due>, limit: usize) -> Result<Vec<Due>>;

    /// Removes an entry of `due`: its message is purged, or its hold was taken off.
    async fn remove_due_entry(&self, due: &Due) -> Result<()>;

    /// Claims a message for the purge, by the rule of [`Message::claim`](domain::Message::claim). Irrevocable; a repeat says `Claimed` again.
    async fn claim(&self, mailbox: &MailboxId, id: MessageId, claim: &Claim) -> Result<ClaimOutcome>;

    /// Replaces the facts of a claimed message by a tombstone, kept 30 days from `now`, without anything personal; then
    /// takes its marks and its caller marker away. Only after its audio is gone. What is not claimed is not touched.
    async fn leave_tombstone(&self, message_ref: &MessageRef, now: Timestamp) -> Result<()>;
}
