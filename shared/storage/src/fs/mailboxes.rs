//! Mailboxes and groups, each a version chain; and what the deletion of a mailbox does to its messages.

use async_trait::async_trait;
use domain::{Group, GroupId, Mailbox, MailboxId, Timestamp};
use serde::de::DeserializeOwned;

use super::blocking::{FsResult, run};
use super::chain::{self, State};
use super::disk::Disk;
use super::generations::{hold_generations, ids};
use super::layout::{self, GROUPS};
use super::metadata::FsMetadata;
use super::stored::{named, passing_over};
use super::tidy;
use crate::{Expect, Mailboxes, Result, Versioned, WriteOutcome};

fn values<T: DeserializeOwned>(
    disk: &Disk,
    folders: impl Iterator<Item = String>,
) -> FsResult<Vec<Versioned<T>>> {
    // Whoever asks for a damaged one is told.
    folders.filter_map(|folder| passing_over(chain::value(disk, &folder)).transpose()).collect()
}

/// Writes a mailbox if it is as expected.
fn put_mailbox(disk: &Disk, mailbox: &Mailbox, expect: Expect) -> FsResult<WriteOutcome> {
    let folder = layout::config(&mailbox.id);
    let (next, generation) = match (chain::newest::<Mailbox>(disk, &folder)?, expect) {
        (None, Expect::Absent) => (1, 1),
        (Some((version, State::Deleted { purge_at })), Expect::Absent) => {
            if let Some(purge_at) = purge_at {
                hold_generations(disk, &mailbox.id, version, purge_at)?;
            }
            (version + 1, version + 1)
        }
        (Some((version, State::Value(stored))), Expect::Version(expected)) if version == expected => {
            (version + 1, stored.generation)
        }
        _ => return Ok(WriteOutcome::Conflict),
    };
    chain::append(disk, &folder, next, State::Value(Mailbox { generation, ..mailbox.clone() }))
}

/// Deletes a mailbox if it has this version, and holds its messages.
fn delete_mailbox(disk: &Disk, id: &MailboxId, version: u64, purge_at: Timestamp) -> FsResult<WriteOutcome> {
    let state = State::<Mailbox>::Deleted { purge_at: Some(purge_at) };
    let deleted = chain::put(disk, &layout::config(id), state, Expect::Version(version))?;
    if let WriteOutcome::Version(deletion) = deleted {
        hold_generations(disk, id, deletion, purge_at)?;
    }
    Ok(deleted)
}

#[async_trait]
impl Mailboxes for FsMetadata {
    async fn mailbox(&self, id: &MailboxId) -> Result<Option<Versioned<Mailbox>>> {
        let id = id.clone();
        self.on("reading a mailbox", move |disk| chain::value(disk, &layout::config(&id))).await
    }

    async fn mailboxes(&self) -> Result<Vec<Versioned<Mailbox>>> {
        self.on("listing mailboxes", |disk| values(disk, ids(disk)?.iter().map(layout::config))).await
    }

    async fn mailbox_ids(&self) -> Result<Vec<MailboxId>> {
        self.on("listing mailboxes", ids).await
    }

    async fn put_mailbox(&self, mailbox: &Mailbox, expect: Expect) -> Result<WriteOutcome> {
        let mailbox = mailbox.clone();
        self.on("writing a mailbox", move |disk| put_mailbox(disk, &mailbox, expect)).await
    }

    async fn delete_mailbox(
        &self,
        id: &MailboxId,
        version: u64,
        purge_at: Timestamp,
    ) -> Result<WriteOutcome> {
        let id = id.clone();
        self.on("deleting a mailbox", move |disk| delete_mailbox(disk, &id, version, purge_at)).await
    }

    async fn tidy(&self, mailbox: &MailboxId, now: Timestamp, purge_at: Timestamp) -> Result<u64> {
        let (tree, mailbox) = (self.0.clone(), mailbox.clone());
        run("tidying a mailbox", move || tidy::tidy(&tree, &mailbox, now, purge_at)).await
    }

    async fn group(&self, id: &GroupId) -> Result<Option<Versioned<Group>>> {
        let id = id.clone();
        self.on("reading a group", move |disk| chain::value(disk, &layout::group(&id))).await
    }

    async fn groups(&self) -> Result<Vec<Versioned<Group>>> {
        self.on("listing groups", |disk| values(disk, named(disk, GROUPS)?.iter().map(layout::group))).await
    }

    async fn put_group(&self, group: &Group, expect: Expect) -> Result<WriteOutcome> {
        let (folder, state) = (layout::group(&group.id), State::Value(group.clone()));
        self.on("writing a group", move |disk| chain::put(disk, &folder, state, expect)).await
    }

    async fn delete_group(&self, id: &GroupId, version: u64) -> Result<WriteOutcome> {
        let (folder, state) = (layout::group(id), State::<Group>::Deleted { purge_at: None });
        let expect = Expect::Version(version);
        self.on("deleting a group", move |disk| chain::put(disk, &folder, state, expect)).await
    }
}

#[cfg(test)]
mod tests {
    use crate::fs::testing::{Store, mailbox_named};
    use crate::{Expect, Mailboxes as _, StorageError};

    #[tokio::test]
    async fn a_damaged_mailbox_does_not_hide_the_others_and_is_told_to_whoever_asks_for_it() {
        let store = Store::new().await;
        for id in ["a", "b"] {
            store.metadata.put_mailbox(&mailbox_named(id), Expect::Absent).await.unwrap();
        }
        let config = store.tenant_folder().join("mailboxes/a/config/00000001.json");
        std::fs::write(config, b"{").unwrap();
        let listed = store.metadata.mailboxes().await.unwrap();
        assert!(listed.iter().map(|found| found.value.id.as_str()).eq(["b"]));
        let asked = store.metadata.mailbox(&mailbox_named("a").id).await;
        assert!(matches!(asked, Err(StorageError::Corrupt { .. })));
    }
}
