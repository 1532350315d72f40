//! Values with versions, changed by conditional writes; and values of the installation.

use domain::{Mailbox, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Records, Thing, incomplete};
use crate::{Expect, Result, Versioned, WriteOutcome};

/// What a record holds.
pub(crate) trait Value: Serialize + DeserializeOwned + Send + Sync {}
impl<T: Serialize + DeserializeOwned + Send + Sync> Value for T {}

/// What lies under a record's key.
#[derive(Debug, Clone)]
pub(crate) struct Record<T, E> {
    pub(crate) version: u64,
    /// `None`: deleted.
    pub(crate) value: Option<T>,
    /// Until when the messages of a deleted mailbox are held; stays when it is made again.
    pub(crate) purge_at: Option<Timestamp>,
    /// What the next write is conditional on.
    pub(crate) etag: E,
}

impl<T, E> Record<T, E> {
    /// As the contract tells it.
    pub(crate) fn versioned(self) -> Option<Versioned<T>> {
        let version = self.version;
        self.value.map(|value| Versioned { value, version })
    }
}

impl<E> Record<Mailbox, E> {
    /// Until when messages of this generation of the mailbox are held, if it was deleted.
    pub(crate) fn deleted_until(&self, generation: u64) -> Option<Timestamp> {
        let is_over = self.value.as_ref().is_none_or(|now| generation < now.generation);
        self.purge_at.filter(|_| is_over)
    }

    /// The generation of the mailbox that is there: messages of those before it are of a deleted one.
    pub(crate) fn generation(&self) -> u64 {
        self.value.as_ref().map_or(self.version, |now| now.generation)
    }
}

/// A record; `None`: it was never made.
pub(crate) type RecordResult<T, E> = Result<Option<Record<T, E>>>;

/// What is written of a record.
pub(crate) struct RecordUpdate<'a, T> {
    /// `None`: it is deleted.
    pub(crate) value: Option<&'a T>,
    pub(crate) purge_at: Option<Timestamp>,
    /// Since when a case is watched, where it is opened.
    #[cfg_attr(not(feature = "aws"), expect(dead_code, reason = "only a row says it; a blob has an entry"))]
    pub(crate) watched_since: Option<Timestamp>,
}

impl<'a, T> RecordUpdate<'a, T> {
    pub(crate) fn value(value: Option<&'a T>) -> Self {
        Self { value, purge_at: None, watched_since: None }
    }
}

/// Writes a record if it is as expected; what was deleted is absent. One that is never deleted is not read first where its version tells
/// what the write is conditional on.
pub(crate) async fn put_record<C: Records, T: Value>(
    cloud: &C,
    context: &'static str,
    thing: Thing<'_>,
    next: RecordUpdate<'_, T>,
    expect: Expect,
) -> Result<WriteOutcome> {
    let is_never_deleted = matches!(thing, Thing::Case(_) | Thing::LastCertificate);
    let before = if let Some(etag) = C::ETAG_OF_VERSION.filter(|_| is_never_deleted) {
        expect.version().map(|version| Record { version, value: None, purge_at: None, etag: etag(version) })
    } else {
        let before = cloud.record::<T>(context, thing).await?;
        let there = before.as_ref().filter(|before| before.value.is_some()).map(|before| before.version);
        if there != expect.version() {
            return Ok(WriteOutcome::Conflict);
        }
        before
    };
    cloud.write_record(context, thing, before.as_ref(), next).await
}

/// What regions keep as a value of the installation: where they differ, one that is not `value`. One that answers is enough.
pub(crate) fn value_in_regions(value: &str, answers: Vec<Result<String>>) -> Result<String> {
    let mut kept = Err(incomplete("reading a value of the installation"));
    for answer in answers {
        match answer {
            Ok(other) if other != value => return Ok(other),
            Ok(same) => kept = Ok(same),
            Err(error) if kept.is_err() => kept = Err(error),
            Err(_) => {}
        }
    }
    kept
}
