//! Mailboxes and groups, and what the deletion of a mailbox does to its messages.

use domain::{Group, GroupId, Hold, Mailbox, MailboxId, Timestamp};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::layout::{Key, Layout};
use super::records::{self, Next, Record};
use super::row::{Row, Rows, passing_over};
use super::table::{Item, Query, Table, text, text_of};
use crate::{Expect, Result, Written};

/// How many messages are worked on at once.
const ABREAST: usize = 16;

/// What is stored of a mailbox.
pub(super) async fn read(table: &Table, layout: &Layout, id: &MailboxId) -> Result<Option<Record<Mailbox>>> {
    records::read(table, "reading a mailbox", &layout.mailbox(id)).await
}

/// The ids of all mailboxes that ever were.
pub(super) async fn ids(table: &Table, layout: &Layout) -> Result<Vec<MailboxId>> {
    let query = Query {
        condition: "pk = :pk",
        values: vec![(":pk", text(layout.mailboxes()))],
        wanted: Some("sk"),
        ..Query::default()
    };
    let items = table.all("listing mailboxes", query).await?;
    Ok(items.iter().filter_map(|item| text_of(item, "sk")?.parse().ok()).collect())
}

/// Until when messages of this generation of a mailbox are held, if it was deleted.
pub(super) fn deleted_until(record: Option<&Record<Mailbox>>, generation: u64) -> Option<Timestamp> {
    let record = record?;
    let is_over = record.value.as_ref().is_none_or(|now| generation < now.generation);
    record.purge_at.filter(|_| is_over)
}

impl Rows {
    /// Writes a mailbox if it is as expected.
    pub(super) async fn put_mailbox(&self, mailbox: &Mailbox, expect: Expect) -> Result<Written> {
        let record = read(&self.table, &self.layout, &mailbox.id).await?;
        let (before, generation) = match (&record, expect) {
            (None, Expect::Absent) => (None, 1),
            (Some(Record { version, value: None, purge_at }), Expect::Absent) => {
                if let Some(purge_at) = purge_at {
                    self.hold_generations(&mailbox.id, *version, *purge_at).await?;
                }
                (Some(*version), version + 1)
            }
            (Some(Record { version, value: Some(stored), .. }), Expect::Version(expected))
                if *version == expected =>
            {
                (Some(expected), stored.generation)
            }
            _ => return Ok(Written::Conflict),
        };
        let value = Mailbox { generation, ..mailbox.clone() };
        let next = Next { value: Some(&value), purge_at: None, f: None };
        records::write(&self.table, "writing a mailbox", &self.layout.mailbox(&mailbox.id), before, next)
            .await
    }

    /// Deletes a mailbox if it has this version, and holds its messages.
    pub(super) async fn delete_mailbox(
        &self,
        id: &MailboxId,
        version: u64,
        purge_at: Timestamp,
    ) -> Result<Written> {
        let key = self.layout.mailbox(id);
        let deleted =
            delete::<Mailbox>(&self.table, "deleting a mailbox", &key, version, Some(purge_at)).await?;
        if let Written::Version(deletion) = deleted {
            self.hold_generations(id, deletion, purge_at).await?;
        }
        Ok(deleted)
    }

    /// Holds the messages of all generations before this one. One that comes later finds the deletion by itself.
    async fn hold_generations(&self, mailbox: &MailboxId, before: u64, purge_at: Timestamp) -> Result<()> {
        let items = self.items(mailbox).await?;
        let holds = items.into_iter().map(|item| self.hold_earlier(item, before, purge_at));
        stream::iter(holds).buffer_unordered(ABREAST).try_collect::<()>().await
    }

    /// All that lies under a mailbox.
    pub(super) async fn items(&self, mailbox: &MailboxId) -> Result<Vec<Item>> {
        let values = vec![(":pk", text(self.layout.messages(mailbox)))];
        let query = Query { condition: "pk = :pk", values, ..Query::default() };
        self.table.all("walking a mailbox", query).await
    }

    /// Holds a message that is of an earlier generation.
    pub(super) async fn hold_earlier(&self, item: Item, before: u64, purge_at: Timestamp) -> Result<()> {
        let Row::Message(message) = passing_over(Row::read(Some(&item)))? else { return Ok(()) };
        let is_held = message.holds.iter().any(|hold| matches!(hold, Hold::Mailbox { .. }));
        if message.claimed || is_held || message.facts.generation >= before {
            return Ok(());
        }
        let key = self.layout.message(&message.facts.mailbox, message.facts.id);
        let context = "holding a message with its mailbox";
        self.hold_by_rule(context, &key, Some(item), &Hold::Mailbox { purge_at }).await.map(|_| ())
    }
}

/// Writes a group if it is as expected.
pub(super) async fn put_group(
    table: &Table,
    layout: &Layout,
    group: &Group,
    expect: Expect,
) -> Result<Written> {
    let (context, key) = ("writing a group", layout.group(&group.id));
    let before = match expect {
        Expect::Version(version) => {
            let record = records::read::<Group>(table, context, &key).await?;
            if record.is_none_or(|record| record.value.is_none() || record.version != version) {
                return Ok(Written::Conflict);
            }
            Some(version)
        }
        Expect::Absent => match records::read::<Group>(table, context, &key).await? {
            Some(Record { value: Some(_), .. }) => return Ok(Written::Conflict),
            Some(Record { version, .. }) => Some(version),
            None => None,
        },
    };
    let next = Next { value: Some(group), purge_at: None, f: None };
    records::write(table, context, &key, before, next).await
}

/// Deletes a group if it has this version.
pub(super) async fn delete_group(
    table: &Table,
    layout: &Layout,
    id: &GroupId,
    version: u64,
) -> Result<Written> {
    delete::<Group>(table, "deleting a group", &layout.group(id), version, None).await
}

async fn delete<T: Serialize + DeserializeOwned>(
    table: &Table,
    context: &'static str,
    key: &Key,
    version: u64,
    purge_at: Option<Timestamp>,
) -> Result<Written> {
    match records::read::<T>(table, context, key).await? {
        Some(Record { version: newest, value: Some(_), .. }) if newest == version => {
            let next = Next::<T> { value: None, purge_at, f: None };
            records::write(table, context, key, Some(version), next).await
        }
        _ => Ok(Written::Conflict),
    }
}
