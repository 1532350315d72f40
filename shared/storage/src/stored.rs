//! What the backends store, as JSON with `"v":1`. Whoever changes a form counts on, and reads the old one too.

use domain::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::StorageError;

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

/// The last millisecond of 13 digits.
pub(crate) const MAX_MS13: i64 = 9_999_999_999_999;

/// A time as text that sorts.
pub(crate) fn ms13(time: Timestamp) -> String {
    format!("{:013}", time.millis().clamp(0, MAX_MS13))
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
    /// What is stored and cannot be read; `None`: something else failed.
    fn damage(&self) -> Option<&str>;

    /// Names what is damaged in the log.
    fn log_damage(&self) {
        if let Some(what) = self.damage() {
            tracing::error!(what, "something damaged is passed over; restore it from a backup");
        }
    }
}

impl Damage for StorageError {
    fn damage(&self) -> Option<&str> {
        if let Self::Corrupt { context } = self { Some(context) } else { None }
    }
}

/// What a listing that forgets nothing could not read: the first of it.
pub(crate) struct FirstUnreadable<E>(Option<E>);

impl<E> Default for FirstUnreadable<E> {
    fn default() -> Self {
        Self(None)
    }
}

impl<E: Damage> FirstUnreadable<E> {
    /// What was read; `None`: it is damaged, which is logged.
    pub(crate) fn read<T>(&mut self, read: Result<T, E>) -> Result<Option<T>, E> {
        match read {
            Err(error) if error.damage().is_some() => {
                error.log_damage();
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
