//! What the files hold.

use std::str::FromStr;
use std::time::Duration;

use domain::{Attempt, Facts, MailboxId, MessageId, ReadMark, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::blocking::{Fault, FsResult};
use super::disk::Disk;
use super::layout;
use crate::stored;
pub(super) use crate::stored::{Damage, FirstUnreadable};
use crate::{Deposit, StorageError};

/// No write takes longer: what is not whole after this was cut off.
pub(super) const CUT_OFF_AFTER: Duration = Duration::from_hours(1);

pub(super) fn corrupt(path: &str) -> Fault {
    StorageError::Corrupt { context: path.to_owned() }.into()
}

/// The bytes of a file.
pub(super) fn encode<T: Serialize>(value: &T) -> FsResult<Vec<u8>> {
    stored::encode(value).map_err(|error| std::io::Error::other(error).into())
}

/// What the bytes of the file at `path` say.
pub(super) fn decode<T: DeserializeOwned>(path: &str, bytes: &[u8]) -> FsResult<T> {
    stored::decode(bytes).ok_or_else(|| corrupt(path))
}

/// Whether it is no JSON, as what was cut off is none.
pub(super) fn is_torn(content: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(content).is_err()
}

/// What a file says; `None`: it is not there.
pub(super) fn read<T: DeserializeOwned>(disk: &Disk, path: &str) -> FsResult<Option<T>> {
    disk.read(path)?.map(|bytes| decode(path, &bytes)).transpose()
}

/// The ids or keys that the names in a folder are, sorted by name.
pub(super) fn named<T: FromStr>(disk: &Disk, folder: &str) -> FsResult<Vec<T>> {
    Ok(disk.list(folder)?.iter().filter_map(|name| name.parse().ok()).collect())
}

impl Damage for Fault {
    fn damage(&self) -> Option<&str> {
        if let Self::Storage(error) = self { error.damage() } else { None }
    }
}

/// What was read. What is damaged is passed over: one file must not hide or stop all others.
pub(super) fn passing_over<T>(read: FsResult<Option<T>>) -> FsResult<Option<T>> {
    Ok(FirstUnreadable::default().read(read)?.flatten())
}

/// What stays of a message that was purged.
#[derive(Serialize, Deserialize)]
pub(super) struct Tombstone {
    pub(super) gone: Timestamp,
}

/// What is stored under a message's id.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Row {
    Nothing,
    Facts(Box<Facts>),
    Tombstone(Timestamp),
}

impl Row {
    pub(super) fn read(disk: &Disk, mailbox: &MailboxId, id: MessageId) -> FsResult<Self> {
        let path = layout::row(mailbox, id);
        let Some(bytes) = disk.read(&path)? else { return Ok(Self::Nothing) };
        if let Ok(tombstone) = decode::<Tombstone>(&path, &bytes) {
            return Ok(Self::Tombstone(tombstone.gone));
        }
        Ok(Self::Facts(Box::new(decode::<Deposit>(&path, &bytes)?.facts)))
    }

    /// Whether this attempt was committed and its message is not purged.
    pub(super) fn is_of(&self, attempt: &Attempt) -> bool {
        matches!(self, Self::Facts(facts) if facts.attempt == *attempt)
    }
}

/// That and by whom a message was marked read.
pub(super) fn read_mark(disk: &Disk, mailbox: &MailboxId, id: MessageId) -> FsResult<Option<ReadMark>> {
    read(disk, &layout::mark(mailbox, id, &layout::Mark::Read))
}
