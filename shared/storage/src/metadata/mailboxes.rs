//! Mailboxes and groups of users.

use async_trait::async_trait;
use domain::{Group, GroupId, Mailbox, MailboxId, Timestamp};

use super::{Expect, Versioned, WriteOutcome};
use crate::error::Result;

/// The mailboxes and groups of a tenant.
#[async_trait]
pub trait Mailboxes: Send + Sync {
    /// A mailbox. `None`: never made, or deleted.
    async fn mailbox(&self, id: &MailboxId) -> Result<Option<Versioned<Mailbox>>>;

    /// All mailboxes, by id.
    async fn mailboxes(&self) -> Result<Vec<Versioned<Mailbox>>>;

    /// The ids of all mailboxes that ever were, deleted ones too: what tidying walks.
    async fn mailbox_ids(&self) -> Result<Vec<MailboxId>>;

    /// Writes a mailbox if it is as expected. One that is made anew (`Absent`) takes its version for its generation,
    /// whatever the value says; before a deleted one is made again, its deletion is finished, so that it starts empty.
    async fn put_mailbox(&self, mailbox: &Mailbox, expect: Expect) -> Result<WriteOutcome>;

    /// Deletes a mailbox if it has this version, and holds its messages until `purge_at`. Cut off, it is finished by
    /// `tidy` or when the id is made again.
    async fn delete_mailbox(&self, id: &MailboxId, version: u64, purge_at: Timestamp)
    -> Result<WriteOutcome>;

    /// The last net, for a mailbox: mends what was cut off and what no journal tells any more, by the backend's own
    /// means; messages of a deleted mailbox or of an earlier generation get the mailbox's hold until `purge_at`; tombstones
    /// of more than 30 days go. How many recordings were orphans.
    async fn tidy(&self, mailbox: &MailboxId, now: Timestamp, purge_at: Timestamp) -> Result<u64>;

    /// A group. `None`: never made, or deleted.
    async fn group(&self, id: &GroupId) -> Result<Option<Versioned<Group>>>;

    /// All groups, by id.
    async fn groups(&self) -> Result<Vec<Versioned<Group>>>;

    /// Writes a group if it is as expected.
    async fn put_group(&self, group: &Group, expect: Expect) -> Result<WriteOutcome>;

    /// Deletes a group if it has this version.
    async fn delete_group(&self, id: &GroupId, version: u64) -> Result<WriteOutcome>;
}
