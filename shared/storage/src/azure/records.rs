//! Mailboxes, groups and cases: values with versions, JSON in blobs, changed by conditional writes.

use azure_core::http::Etag;
use bytes::Bytes;
use domain::Timestamp;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::blobs::{ABREAST, Blobs, If, With, nonce};
use crate::stored::{PassedOver, decode, encode};
use crate::{Expect, Result, StorageError, Versioned, Written};

/// What lies under a name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record<T> {
    pub(super) version: u64,
    /// `None`: deleted.
    pub(super) value: Option<T>,
    /// Until when the messages of a deleted mailbox are held; stays when it is made again.
    #[serde(default)]
    pub(super) purge_at: Option<Timestamp>,
    /// Whose write it was.
    op: String,
}

impl<T> Record<T> {
    /// As the contract tells it.
    pub(super) fn versioned(self) -> Option<Versioned<T>> {
        let version = self.version;
        self.value.map(|value| Versioned { value, version })
    }
}

/// A record and the `ETag` of its blob.
pub(super) type Stored<T> = Option<(Record<T>, Etag)>;

/// A record, to be changed; `None`: it was never made.
pub(super) async fn stored<T: DeserializeOwned>(
    blobs: &Blobs,
    context: &'static str,
    name: &str,
) -> Result<Stored<T>> {
    let Some((etag, bytes)) = blobs.read(context, name, None).await? else { return Ok(None) };
    let record = decode(&bytes);
    let record = record.ok_or_else(|| StorageError::Corrupt { context: format!("the record {name}") })?;
    Ok(Some((record, etag)))
}

/// A record; `None`: it was never made.
pub(super) async fn read<T: DeserializeOwned>(
    blobs: &Blobs,
    context: &'static str,
    name: &str,
) -> Result<Option<Record<T>>> {
    Ok(stored(blobs, context, name).await?.map(|(record, _)| record))
}

/// The values of these names, in their order, but for what is deleted or damaged.
pub(super) async fn values<T: DeserializeOwned + Send>(
    blobs: &Blobs,
    context: &'static str,
    names: impl IntoIterator<Item = String>,
) -> Result<Vec<Versioned<T>>> {
    let names: Vec<_> = names.into_iter().collect();
    let read = stream::iter(names).map(|name| async move {
        let record = read(blobs, context, &name).await;
        Ok(PassedOver::default().read(record)?.flatten().and_then(Record::versioned))
    });
    read.buffered(ABREAST).try_filter_map(async |value| Ok(value)).try_collect().await
}

/// What is written.
pub(super) struct Next<'a, T> {
    /// `None`: it is deleted.
    pub(super) value: Option<&'a T>,
    pub(super) purge_at: Option<Timestamp>,
}

/// Writes the version after `before`, or the first one, if that is still there. One whose answer was lost is known again by its
/// nonce.
pub(super) async fn write<T: Serialize + DeserializeOwned>(
    blobs: &Blobs,
    context: &'static str,
    name: &str,
    before: Option<&(Record<T>, Etag)>,
    next: Next<'_, T>,
) -> Result<Written> {
    let op = nonce()?;
    let (version, purge_at) = before.map_or((1, None), |(record, _)| (record.version + 1, record.purge_at));
    let record = Record { version, value: next.value, purge_at: next.purge_at.or(purge_at), op: op.clone() };
    let bytes = encode(&record).map_err(|error| StorageError::unavailable(context, error))?;
    let condition = before.map_or(If::Nothing, |(_, etag)| If::Is(etag.clone()));
    if blobs.put(context, name, Bytes::from(bytes), With::default(), condition).await? {
        return Ok(Written::Version(version));
    }
    let now = read::<T>(blobs, context, name).await?;
    Ok(if now.is_some_and(|now| now.op == op) { Written::Version(version) } else { Written::Conflict })
}

/// Writes a value if it is as expected; what was deleted is absent.
pub(super) async fn put<T: Serialize + DeserializeOwned>(
    blobs: &Blobs,
    context: &'static str,
    name: &str,
    value: Option<&T>,
    expect: Expect,
) -> Result<Written> {
    let before = stored::<T>(blobs, context, name).await?;
    let there = before.as_ref().and_then(|(record, _)| record.value.as_ref().map(|_| record.version));
    if there != if let Expect::Version(version) = expect { Some(version) } else { None } {
        return Ok(Written::Conflict);
    }
    write(blobs, context, name, before.as_ref(), Next { value, purge_at: None }).await
}

/// Keeps a value under a name of the installation's, unless one is kept: what is kept.
pub(super) async fn keep(blobs: &Blobs, name: &str, value: &str) -> Result<String> {
    let context = "keeping a value of the installation";
    let bytes = Bytes::copy_from_slice(value.as_bytes());
    if blobs.put(context, name, bytes, With::default(), If::Nothing).await? {
        return Ok(value.to_owned());
    }
    Ok(kept(blobs, name).await?.unwrap_or_else(|| value.to_owned()))
}

/// What is kept under a name of the installation's.
pub(super) async fn kept(blobs: &Blobs, name: &str) -> Result<Option<String>> {
    let found = blobs.read("reading a value of the installation", name, None).await?;
    Ok(found.map(|(_, bytes)| String::from_utf8_lossy(&bytes).into_owned()))
}
