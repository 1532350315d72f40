//! Mailboxes and groups, and what the deletion of a mailbox does to its messages.

use domain::{Hold, Mailbox, MailboxId, Message, Timestamp};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::blobs::{ABREAST, Listed};
use super::records::{self, Next, Record, Stored};
use super::row::{Row, Rows, passing_over};
use crate::{Expect, Result, Written};

/// Until when messages of this generation of a mailbox are held, if it was deleted.
pub(super) fn deleted_until(record: Option<&Record<Mailbox>>, generation: u64) -> Option<Timestamp> {
    let record = record?;
    let is_over = record.value.as_ref().is_none_or(|now| generation < now.generation);
    record.purge_at.filter(|_| is_over)
}

impl Rows {
    /// What is stored of a mailbox.
    pub(super) async fn mailbox(&self, id: &MailboxId) -> Result<Option<Record<Mailbox>>> {
        records::read(&self.blobs, "reading a mailbox", &self.layout.mailbox(id)).await
    }

    /// The names of all records of a folder.
    pub(super) async fn names(&self, context: &'static str, folder: &str) -> Result<Vec<String>> {
        let listed = self.blobs.all(context, folder).await?;
        Ok(listed.into_iter().map(|listed| listed.name).collect())
    }

    /// The ids of all mailboxes that ever were.
    pub(super) async fn mailbox_ids(&self) -> Result<Vec<MailboxId>> {
        let folder = self.layout.mailboxes();
        let names = self.names("listing mailboxes", &folder).await?;
        let id = |name: &String| name.strip_prefix(&folder)?.strip_suffix('!')?.parse().ok();
        Ok(names.iter().filter_map(id).collect())
    }

    /// Writes a mailbox if it is as expected.
    pub(super) async fn put_mailbox(&self, mailbox: &Mailbox, expect: Expect) -> Result<Written> {
        let (context, name) = ("writing a mailbox", self.layout.mailbox(&mailbox.id));
        let before: Stored<Mailbox> = records::stored(&self.blobs, context, &name).await?;
        let generation = match (before.as_ref().map(|(record, _)| record), expect) {
            (None, Expect::Absent) => 1,
            (Some(Record { version, value: None, purge_at, .. }), Expect::Absent) => {
                if let Some(purge_at) = purge_at {
                    self.hold_generations(&mailbox.id, *version, *purge_at).await?;
                }
                version + 1
            }
            (Some(Record { version, value: Some(there), .. }), Expect::Version(expected))
                if *version == expected =>
            {
                there.generation
            }
            _ => return Ok(Written::Conflict),
        };
        let value = Mailbox { generation, ..mailbox.clone() };
        records::write(
            &self.blobs,
            context,
            &name,
            before.as_ref(),
            Next { value: Some(&value), purge_at: None },
        )
        .await
    }

    /// Deletes a mailbox if it has this version, and holds its messages.
    pub(super) async fn delete_mailbox(
        &self,
        id: &MailboxId,
        version: u64,
        purge_at: Timestamp,
    ) -> Result<Written> {
        let (context, name) = ("deleting a mailbox", self.layout.mailbox(id));
        let before: Stored<Mailbox> = records::stored(&self.blobs, context, &name).await?;
        if !before.as_ref().is_some_and(|(record, _)| record.value.is_some() && record.version == version) {
            return Ok(Written::Conflict);
        }
        let next = Next { value: None, purge_at: Some(purge_at) };
        let deleted = records::write(&self.blobs, context, &name, before.as_ref(), next).await?;
        if let Written::Version(deletion) = deleted {
            self.hold_generations(id, deletion, purge_at).await?;
        }
        Ok(deleted)
    }

    /// Holds the messages of all generations before this one. One that comes later finds the deletion by itself.
    async fn hold_generations(&self, mailbox: &MailboxId, before: u64, purge_at: Timestamp) -> Result<()> {
        let items = self.items(mailbox).await?.into_iter();
        let holds = items.map(|item| async move {
            match passing_over(Row::read(&item.name, &item.metadata))? {
                Row::Message(message) => self.hold_earlier(&message, before, purge_at).await,
                _ => Ok(()),
            }
        });
        stream::iter(holds).buffer_unordered(ABREAST).try_collect::<()>().await
    }

    /// All that lies under a mailbox.
    pub(super) async fn items(&self, mailbox: &MailboxId) -> Result<Vec<Listed>> {
        self.blobs.all("walking a mailbox", &self.layout.messages(mailbox)).await
    }

    /// Holds a message that is of an earlier generation.
    pub(super) async fn hold_earlier(
        &self,
        message: &Message,
        before: u64,
        purge_at: Timestamp,
    ) -> Result<()> {
        let is_held = message.holds.iter().any(|hold| matches!(hold, Hold::Mailbox { .. }));
        if message.claimed || is_held || message.facts.generation >= before {
            return Ok(());
        }
        self.hold(&message.facts.mailbox, message.facts.id, &Hold::Mailbox { purge_at }).await.map(|_| ())
    }
}
