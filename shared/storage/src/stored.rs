//! What the backends store, as JSON with `"v":1`. Whoever changes a form counts on, and reads the old one too.

use domain::{Attempt, AudioKey, Facts, MailboxId, MessageId, Region, Subject, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{CallerMarker, Deposit, Remains};

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

/// A try, which becomes the message.
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

/// [`Remains`], of a try or of a due hold.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredRemains {
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

/// [`CallerMarker`].
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredMarker {
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
