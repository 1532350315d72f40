//! Values with versions, and names: the requests that the algorithm of the clouds is made of.

use async_trait::async_trait;
use azure_core::http::Etag;
use bytes::Bytes;
use domain::{Case, CaseKey, MailboxId, Subject, Timestamp};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::blobs::{BlobProperties, Metadata, Precondition};
use super::layout::WATCHED;
use super::metadata::AzureMetadata;
use crate::cloud::{
    MAILBOXES, MAX_CONCURRENT_REQUESTS, Record, RecordResult, RecordUpdate, Records, Thing, Value, nonce,
};
use crate::stored::{FirstUnreadable, decode, encode};
use crate::{Cases as _, Result, StorageError, Versioned, WriteOutcome};

/// What is stored of a record.
#[derive(Serialize, Deserialize)]
struct StoredRecord<T> {
    version: u64,
    value: Option<T>,
    #[serde(default)]
    purge_at: Option<Timestamp>,
    /// Whose write it was.
    op: String,
}

fn stored<T: DeserializeOwned>(name: &str, bytes: &[u8]) -> Result<StoredRecord<T>> {
    decode(bytes).ok_or_else(|| StorageError::corrupt(format!("the record {name}")))
}

impl AzureMetadata {
    /// What follows the folder in the names of what lies in it.
    async fn names(&self, context: &'static str, folder: &str) -> Result<Vec<String>> {
        let listed = self.blobs.all(context, folder).await?;
        Ok(listed.iter().filter_map(|it| it.name.strip_prefix(folder)).map(str::to_owned).collect())
    }

    async fn record_at<T: Value>(&self, context: &'static str, name: &str) -> RecordResult<T, Etag> {
        let Some((etag, bytes)) = self.blobs.read(context, name, None).await? else { return Ok(None) };
        let StoredRecord { version, value, purge_at, .. } = stored(name, &bytes)?;
        Ok(Some(Record { version, value, purge_at, etag }))
    }

    async fn case_keys(&self, context: &'static str, folder: &str) -> Result<Vec<CaseKey>> {
        Ok(self.names(context, folder).await?.iter().filter_map(|name| name.parse().ok()).collect())
    }
}

#[async_trait]
impl Records for AzureMetadata {
    type Etag = Etag;

    async fn note(&self, context: &'static str, things: Vec<Thing<'_>>) -> Result<()> {
        let names: Vec<_> = things.into_iter().map(|thing| self.layout.name(thing)).collect();
        let noted = stream::iter(names)
            .map(|name| async move { self.blobs.note(context, &name, Metadata::new()).await });
        noted.buffer_unordered(MAX_CONCURRENT_REQUESTS).try_collect().await
    }

    async fn remove(&self, context: &'static str, things: Vec<Thing<'_>>) -> Result<()> {
        let names = things.into_iter().map(|thing| self.layout.name(thing)).collect();
        self.blobs.delete_all(context, names).await
    }

    async fn record<T: Value>(&self, context: &'static str, thing: Thing<'_>) -> RecordResult<T, Etag> {
        self.record_at(context, &self.layout.name(thing)).await
    }

    async fn values<T: Value>(
        &self,
        context: &'static str,
        folder: &'static str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Versioned<T>>> {
        let folder = self.layout.folder(folder);
        let mut names = self.names(context, &folder).await?;
        names.retain(|name| after.is_none_or(|after| name.as_str() > after));
        let mut values = Vec::new();
        // Damaged ones are passed over, so that more may be read than are wanted.
        while values.len() < limit && !names.is_empty() {
            let later = names.split_off(names.len().min(limit - values.len()));
            let read = stream::iter(names).map(|name| {
                let name = format!("{folder}{name}");
                async move {
                    let record = self.record_at(context, &name).await;
                    Ok(FirstUnreadable::default().read(record)?.flatten().and_then(Record::versioned))
                }
            });
            let read = read.buffered(MAX_CONCURRENT_REQUESTS).try_filter_map(async |value| Ok(value));
            values.extend(read.try_collect::<Vec<_>>().await?);
            names = later;
        }
        Ok(values)
    }

    async fn write_record<T: Value>(
        &self,
        context: &'static str,
        thing: Thing<'_>,
        before: Option<&Record<T, Etag>>,
        next: RecordUpdate<'_, T>,
    ) -> Result<WriteOutcome> {
        let (name, op) = (self.layout.name(thing), nonce()?);
        let (version, purge_at) = before.map_or((1, None), |before| (before.version + 1, before.purge_at));
        let purge_at = next.purge_at.or(purge_at);
        let record = StoredRecord { version, value: next.value, purge_at, op: op.clone() };
        let bytes = encode(&record).map_err(|error| StorageError::unavailable(context, error))?;
        let condition = before.map_or(Precondition::Nothing, |before| Precondition::Is(before.etag.clone()));
        if self.blobs.put(context, &name, Bytes::from(bytes), BlobProperties::default(), condition).await? {
            return Ok(WriteOutcome::Version(version));
        }
        match self.blobs.read(context, &name, None).await? {
            Some((_, now)) if stored::<T>(&name, &now)?.op == op => Ok(WriteOutcome::Version(version)),
            _ => Ok(WriteOutcome::Conflict),
        }
    }

    async fn read_cases(&self, keys: Vec<CaseKey>) -> Result<Vec<Case>> {
        let cases = stream::iter(keys).map(|key| async move { self.case(&key).await });
        let cases: Vec<_> = cases.buffer_unordered(MAX_CONCURRENT_REQUESTS).try_collect().await?;
        Ok(cases.into_iter().flatten().map(|case| case.value).collect())
    }

    async fn list_mailbox_ids(&self) -> Result<Vec<MailboxId>> {
        let names = self.names("listing mailboxes", &self.layout.folder(MAILBOXES)).await?;
        Ok(names.iter().filter_map(|name| name.strip_suffix('!')?.parse().ok()).collect())
    }

    /// A case that is not written yet is not among them.
    async fn list_watched(&self) -> Result<Vec<CaseKey>> {
        let context = "listing cases";
        let keys = self.case_keys(context, &self.layout.folder(WATCHED)).await?;
        let there = stream::iter(keys).map(|key| async move {
            let found = self.blobs.head(context, &self.layout.name(Thing::Case(&key))).await?;
            Ok(found.map(|_| key))
        });
        there.buffered(MAX_CONCURRENT_REQUESTS).try_filter_map(async |key| Ok(key)).try_collect().await
    }

    async fn dismiss(&self, key: &CaseKey) -> Result<()> {
        self.remove("dismissing a case", vec![Thing::Watched(key)]).await
    }

    async fn naming(&self, subject: &Subject) -> Result<Vec<CaseKey>> {
        self.case_keys("asking who is forgotten", &self.layout.forgets(subject)).await
    }
}
