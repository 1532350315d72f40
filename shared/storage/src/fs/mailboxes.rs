//! Mailboxes and groups, each a version chain; and what the deletion of a mailbox does to its messages.

use domain::{Group, GroupId, Hold, Mailbox, MailboxId, Timestamp};
use serde::de::DeserializeOwned;

use super::blocking::Step;
use super::chain::{self, State};
use super::disk::Disk;
use super::layout::{self, GROUPS, MAILBOXES, Mark};
use super::look::marks_by_message;
use super::marks::hold_until;
use super::stored::{Row, passing_over};
use crate::{Expect, MessageRef, Versioned, Written};

/// A mailbox.
pub(super) fn mailbox(disk: &Disk, id: &MailboxId) -> Step<Option<Versioned<Mailbox>>> {
    chain::value(disk, &layout::config(id))
}

/// The ids of all mailboxes that ever were.
pub(super) fn ids(disk: &Disk) -> Step<Vec<MailboxId>> {
    Ok(disk.list(MAILBOXES)?.iter().filter_map(|name| name.parse().ok()).collect())
}

/// All mailboxes, by id.
pub(super) fn mailboxes(disk: &Disk) -> Step<Vec<Versioned<Mailbox>>> {
    values(disk, ids(disk)?.iter().map(layout::config))
}

fn values<T: DeserializeOwned>(
    disk: &Disk,
    folders: impl Iterator<Item = String>,
) -> Step<Vec<Versioned<T>>> {
    // Whoever asks for a damaged one is told.
    folders.filter_map(|folder| passing_over(chain::value(disk, &folder)).transpose()).collect()
}

/// Writes a mailbox if it is as expected.
pub(super) fn put_mailbox(disk: &Disk, mailbox: &Mailbox, expect: Expect) -> Step<Written> {
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
        _ => return Ok(Written::Conflict),
    };
    chain::append(disk, &folder, next, State::Value(Mailbox { generation, ..mailbox.clone() }))
}

/// Deletes a mailbox if it has this version, and holds its messages.
pub(super) fn delete_mailbox(
    disk: &Disk,
    id: &MailboxId,
    version: u64,
    purge_at: Timestamp,
) -> Step<Written> {
    let deleted = delete::<Mailbox>(disk, &layout::config(id), version, Some(purge_at))?;
    if let Written::Version(deletion) = deleted {
        hold_generations(disk, id, deletion, purge_at)?;
    }
    Ok(deleted)
}

/// Holds the messages of all generations before this one. One that comes later finds the deletion by itself.
fn hold_generations(disk: &Disk, mailbox: &MailboxId, before: u64, purge_at: Timestamp) -> Step<()> {
    let marks = marks_by_message(disk, mailbox)?;
    let is_held = |mark: &Mark| matches!(mark, Mark::Hold(Hold::Mailbox { .. }));
    for name in disk.list(&layout::messages(mailbox))? {
        let Ok(id) = name.parse() else { continue };
        if marks.get(&id).is_some_and(|marks| marks.iter().any(is_held)) {
            continue;
        }
        match passing_over(Row::read(disk, mailbox, id).map(Some))? {
            Some(row) => hold_earlier(disk, &row, before, purge_at)?,
            // Hidden with all others; once it can be read again, the tidying makes the entry that it is purged by.
            None => disk.place(&layout::mark(mailbox, id, &Mark::Hold(Hold::Mailbox { purge_at })))?,
        }
    }
    Ok(())
}

/// Holds a message that is of an earlier generation.
pub(super) fn hold_earlier(disk: &Disk, row: &Row, before: u64, purge_at: Timestamp) -> Step<()> {
    if let Row::Facts(facts) = row
        && facts.generation < before
        && !disk.has(&layout::claim(&facts.mailbox, facts.id))?
    {
        hold_until(disk, &MessageRef::from(&**facts), &Hold::Mailbox { purge_at })?;
    }
    Ok(())
}

/// Messages of generations before this one do not belong to the mailbox that is there now, if any.
pub(super) fn earlier_than(disk: &Disk, mailbox: &MailboxId) -> Step<u64> {
    Ok(match chain::newest::<Mailbox>(disk, &layout::config(mailbox))? {
        Some((_, State::Value(now))) => now.generation,
        Some((deletion, State::Deleted { .. })) => deletion,
        None => 0,
    })
}

/// A group.
pub(super) fn group(disk: &Disk, id: &GroupId) -> Step<Option<Versioned<Group>>> {
    chain::value(disk, &layout::group(id))
}

/// All groups, by id.
pub(super) fn groups(disk: &Disk) -> Step<Vec<Versioned<Group>>> {
    let ids: Vec<GroupId> = disk.list(GROUPS)?.iter().filter_map(|name| name.parse().ok()).collect();
    values(disk, ids.iter().map(layout::group))
}

/// Writes a group if it is as expected.
pub(super) fn put_group(disk: &Disk, group: &Group, expect: Expect) -> Step<Written> {
    let folder = layout::group(&group.id);
    let next = match (chain::newest::<Group>(disk, &folder)?, expect) {
        (None, Expect::Absent) => 1,
        (Some((version, State::Deleted { .. })), Expect::Absent) => version + 1,
        (Some((version, State::Value(_))), Expect::Version(expected)) if version == expected => version + 1,
        _ => return Ok(Written::Conflict),
    };
    chain::append(disk, &folder, next, State::Value(group.clone()))
}

/// Deletes a group if it has this version.
pub(super) fn delete_group(disk: &Disk, id: &GroupId, version: u64) -> Step<Written> {
    delete::<Group>(disk, &layout::group(id), version, None)
}

fn delete<T: DeserializeOwned + serde::Serialize>(
    disk: &Disk,
    folder: &str,
    version: u64,
    purge_at: Option<Timestamp>,
) -> Step<Written> {
    match chain::newest::<T>(disk, folder)? {
        Some((newest, State::Value(_))) if newest == version => {
            chain::append(disk, folder, version + 1, State::<T>::Deleted { purge_at })
        }
        _ => Ok(Written::Conflict),
    }
}

#[cfg(test)]
mod tests {
    use crate::fs::testing::{Store, mailbox_named};
    use crate::{Expect, Index as _, StorageError};

    #[tokio::test]
    async fn a_damaged_mailbox_does_not_hide_the_others_and_is_told_to_whoever_asks_for_it() {
        let store = Store::new().await;
        for id in ["a", "b"] {
            store.index.put_mailbox(&mailbox_named(id), Expect::Absent).await.unwrap();
        }
        let config = store.tenant_folder().join("mailboxes/a/config/00000001.json");
        std::fs::write(config, b"{").unwrap();
        let listed = store.index.mailboxes().await.unwrap();
        assert!(listed.iter().map(|found| found.value.id.as_str()).eq(["b"]));
        let asked = store.index.mailbox(&mailbox_named("a").id).await;
        assert!(matches!(asked, Err(StorageError::Corrupt { .. })));
    }
}
