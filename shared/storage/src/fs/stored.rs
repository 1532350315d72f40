//! What the files hold: JSON with `"v":1`. Whoever changes a form counts on, and reads the old one too.

use domain::{Attempt, AudioKey, Facts, MailboxId, MessageId, ReadMark, Region, Subject, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::blocking::{Fault, Step};
use super::disk::Disk;
use super::layout;
use crate::{CallerMarker, Deposit, Remains, StorageError};

const VERSION: u64 = 1;

#[derive(Serialize)]
struct Stored<'a, T> {
    v: u64,
    #[serde(flatten)]
    value: &'a T,
}

#[derive(Deserialize)]
struct Version {
    v: u64,
}

pub(super) fn corrupt(path: &str) -> Fault {
    StorageError::Corrupt { context: path.to_owned() }.into()
}

/// The bytes of a file.
pub(super) fn encode<T: Serialize>(value: &T) -> Step<Vec<u8>> {
    serde_json::to_vec(&Stored { v: VERSION, value }).map_err(|error| std::io::Error::other(error).into())
}

/// What the bytes of the file at `path` say.
pub(super) fn decode<T: DeserializeOwned>(path: &str, bytes: &[u8]) -> Step<T> {
    let known = serde_json::from_slice::<Version>(bytes).is_ok_and(|version| version.v == VERSION);
    known.then(|| serde_json::from_slice(bytes).ok()).flatten().ok_or_else(|| corrupt(path))
}

/// What a file says; `None`: it is not there.
pub(super) fn read<T: DeserializeOwned>(disk: &Disk, path: &str) -> Step<Option<T>> {
    disk.read(path)?.map(|bytes| decode(path, &bytes)).transpose()
}

/// What was read. What is damaged is told in the log and passed over: one file must not stop the sweep of all others.
pub(super) fn passing_over<T>(read: Step<Option<T>>) -> Step<Option<T>> {
    match read {
        Err(Fault::Storage(StorageError::Corrupt { context })) => {
            tracing::error!(file = context, "a damaged file is passed over; restore it from a backup");
            Ok(None)
        }
        read => read,
    }
}

/// A try's journal, which becomes the message.
#[derive(Serialize, Deserialize)]
pub(super) struct Journal {
    pub(super) begun_at: Timestamp,
    #[serde(flatten)]
    pub(super) facts: Facts,
}

impl From<&Deposit> for Journal {
    fn from(deposit: &Deposit) -> Self {
        Self { begun_at: deposit.begun_at, facts: deposit.facts.clone() }
    }
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
    pub(super) fn read(disk: &Disk, mailbox: &MailboxId, id: MessageId) -> Step<Self> {
        let path = layout::row(mailbox, id);
        let Some(bytes) = disk.read(&path)? else { return Ok(Self::Nothing) };
        if let Ok(tombstone) = decode::<Tombstone>(&path, &bytes) {
            return Ok(Self::Tombstone(tombstone.gone));
        }
        Ok(Self::Facts(Box::new(decode::<Journal>(&path, &bytes)?.facts)))
    }

    /// Whether this try was elected and its message is not purged.
    pub(super) fn is_of(&self, attempt: &Attempt) -> bool {
        matches!(self, Self::Facts(facts) if facts.attempt == *attempt)
    }
}

/// [`Remains`], in the file of a caller marker or of a due hold.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredRemains {
    mailbox: MailboxId,
    id: MessageId,
    attempt: Attempt,
    subject: Option<Subject>,
    audio: AudioKey,
    region: Region,
}

impl From<Remains> for StoredRemains {
    fn from(remains: Remains) -> Self {
        let Remains { mailbox, id, attempt, subject, audio, region } = remains;
        Self { mailbox, id, attempt, subject, audio, region }
    }
}

impl From<StoredRemains> for Remains {
    fn from(stored: StoredRemains) -> Self {
        let StoredRemains { mailbox, id, attempt, subject, audio, region } = stored;
        Self { mailbox, id, attempt, subject, audio, region }
    }
}

/// [`CallerMarker`], in its file.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredMarker {
    received_at: Timestamp,
    #[serde(flatten)]
    remains: StoredRemains,
}

impl From<&Facts> for StoredMarker {
    fn from(facts: &Facts) -> Self {
        Self { received_at: facts.received_at, remains: Remains::from(facts).into() }
    }
}

impl From<StoredMarker> for CallerMarker {
    fn from(stored: StoredMarker) -> Self {
        Self { remains: stored.remains.into(), received_at: stored.received_at }
    }
}

/// That and by whom a message was marked read.
pub(super) fn read_mark(disk: &Disk, mailbox: &MailboxId, id: MessageId) -> Step<Option<ReadMark>> {
    read(disk, &layout::mark(mailbox, id, &layout::Mark::Read))
}
