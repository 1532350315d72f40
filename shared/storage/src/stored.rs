//! What the backends store, as JSON with `"v":1`. Whoever changes a form counts on, and reads the old one too.

use domain::{Attempt, AudioKey, Facts, MailboxId, MessageId, Region, Subject, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{CallerMarker, Deposit, MessageRef, StorageError};

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

/// What is stored of a value.
pub(crate) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Stored { v: VERSION, value })
}

/// What was stored; `None`: it cannot be read.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let known = serde_json::from_slice::<Version>(bytes).is_ok_and(|version| version.v == VERSION);
    known.then(|| serde_json::from_slice(bytes).ok()).flatten()
}

/// An error that may be damage.
pub(crate) trait Damage {
    /// Whether something stored cannot be read, which the log then names.
    fn told(&self) -> bool;
}

impl Damage for StorageError {
    fn told(&self) -> bool {
        let Self::Corrupt { context } = self else { return false };
        tracing::error!(what = context, "something damaged is passed over; restore it from a backup");
        true
    }
}

/// What a listing that forgets nothing could not read: the first of it.
pub(crate) struct PassedOver<E>(Option<E>);

impl<E> Default for PassedOver<E> {
    fn default() -> Self {
        Self(None)
    }
}

impl<E: Damage> PassedOver<E> {
    /// What was read; `None`: it is damaged.
    pub(crate) fn read<T>(&mut self, read: Result<T, E>) -> Result<Option<T>, E> {
        match read {
            Err(error) if error.told() => {
                self.0.get_or_insert(error);
                Ok(None)
            }
            read => read.map(Some),
        }
    }

    /// What was found; an error once there is nothing else to tell.
    pub(crate) fn found<T>(self, found: Vec<T>) -> Result<Vec<T>, E> {
        match self.0 {
            Some(error) if found.is_empty() => Err(error),
            _ => Ok(found),
        }
    }
}

/// An attempt, which becomes the message.
#[derive(Serialize, Deserialize)]
pub(crate) struct Journal {
    pub(crate) begun_at: Timestamp,
    #[serde(flatten)]
    pub(crate) facts: Facts,
}

impl From<&Deposit> for Journal {
    fn from(deposit: &Deposit) -> Self {
        Self { begun_at: deposit.begun_at, facts: deposit.facts.clone() }
    }
}

/// [`MessageRef`], of an attempt or of a due hold.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredMessageRef {
    mailbox: MailboxId,
    id: MessageId,
    attempt: Attempt,
    subject: Option<Subject>,
    audio: AudioKey,
    region: Region,
}

impl From<MessageRef> for StoredMessageRef {
    fn from(message_ref: MessageRef) -> Self {
        let MessageRef { mailbox, id, attempt, subject, audio, region } = message_ref;
        Self { mailbox, id, attempt, subject, audio, region }
    }
}

impl From<StoredMessageRef> for MessageRef {
    fn from(stored: StoredMessageRef) -> Self {
        let StoredMessageRef { mailbox, id, attempt, subject, audio, region } = stored;
        Self { mailbox, id, attempt, subject, audio, region }
    }
}

/// [`CallerMarker`].
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredMarker {
    received_at: Timestamp,
    #[serde(flatten)]
    message_ref: StoredMessageRef,
}

impl From<&Facts> for StoredMarker {
    fn from(facts: &Facts) -> Self {
        Self { received_at: facts.received_at, message_ref: MessageRef::from(facts).into() }
    }
}

impl From<StoredMarker> for CallerMarker {
    fn from(stored: StoredMarker) -> Self {
        Self { message_ref: stored.message_ref.into(), received_at: stored.received_at }
    }
}
