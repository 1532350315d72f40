//! The recordings of a tenant in one region: blobs of a container.
//!
//! Whether a deletion was scheduled or cancelled last is decided by the metadata of the blob, whose number `n` each of them counts on
//! under its `ETag`; the tags, which the lifecycle policy goes by, follow under the condition that theirs is older. So a
//! scheduling that comes late never lands on a newer cancelling. The change of metadata also is what the policy counts its day
//! from: tags alone do not change when a blob was modified.

use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;
use azure_storage_blob::models::BlobClientDownloadOptions;
use bytes::Bytes;
use domain::{AudioKey, CaseKey, Subject};
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::blobs::{BlobProperties, Blobs, Metadata, Precondition, SetMetadataOutcome};
use super::fault::none_on;
use super::layout::Layout;
use super::links::Links;
use crate::cloud::{MAX_ROUNDS, RegionRecordings, contended, hour, is_stored, pause};
use crate::{Audio, Recordings, Result, StorageError};

/// The tag and the metadata that name the caller's keyed hash; messages have the tag, too.
pub(super) const CALLER: &str = "caller_id";
/// The tag that the lifecycle policy acts on. Its filter knows equality alone, so the case is another tag.
const FORGET: &str = "forget";
const CASE: &str = "case";
/// The tag that orders the tags, and the metadata that it follows.
const NUMBER: &str = "n";

/// A region of a tenant.
#[derive(Debug, Clone)]
pub(super) struct BlobRecordings {
    pub(super) blobs: Blobs,
    pub(super) layout: Layout,
    pub(super) links: Links,
}

/// So many hours are listed one by one; where more have passed, everything is listed once.
const MAX_HOURS: usize = 48;

/// A number as text that sorts.
fn number(n: u64) -> String {
    format!("{n:012}")
}

impl BlobRecordings {
    fn name(&self, key: &AudioKey) -> String {
        self.layout.recording(key)
    }

    /// The recordings of an hour, or of all.
    async fn of(&self, hour: Option<&str>) -> Result<Vec<AudioKey>> {
        let folder = hour
            .map_or_else(|| self.layout.recordings(), |hour| format!("{}{hour}/", self.layout.recordings()));
        let listed = self.blobs.all("listing recordings", &folder).await?;
        Ok(listed.iter().filter_map(|listed| self.layout.parse_recording(&listed.name)).collect())
    }

    /// Writes the tags of a recording for a case, or for none. `false`: there is no such recording.
    async fn mark(&self, context: &'static str, key: &AudioKey, case: Option<&CaseKey>) -> Result<bool> {
        let name = self.name(key);
        for round in 0..MAX_ROUNDS {
            let Some(blob) = self.blobs.head(context, &name).await? else { return Ok(false) };
            let mut metadata: Metadata = blob.metadata;
            let n = metadata.get(NUMBER).and_then(|n| n.parse().ok()).unwrap_or(0) + 1;
            metadata.insert(NUMBER.to_owned(), number(n));
            match self.blobs.set_metadata(context, &name, blob.etag, &metadata).await? {
                SetMetadataOutcome::Done => {}
                SetMetadataOutcome::Gone => return Ok(false),
                SetMetadataOutcome::Refused => {
                    pause(round).await;
                    continue;
                }
            }
            let caller = metadata.remove(CALLER).map(|caller| (CALLER, caller));
            let forget = case.map(|case| [(FORGET, "1".to_owned()), (CASE, case.to_string())]);
            let tags = caller.into_iter().chain(forget.into_iter().flatten()).chain([(NUMBER, number(n))]);
            let condition = format!("\"{NUMBER}\" < '{}'", number(n));
            self.blobs.tag(context, &name, tags.collect(), condition).await?;
            return Ok(true);
        }
        Err(contended(context))
    }
}

#[async_trait]
impl Recordings for BlobRecordings {
    async fn put(
        &self,
        key: &AudioKey,
        bytes: Bytes,
        media_type: &str,
        subject: Option<&Subject>,
    ) -> Result<()> {
        let context = "storing a recording";
        let caller = subject.map(|subject| (CALLER, subject.to_string()));
        let tags: Vec<_> = caller.into_iter().chain([(NUMBER, number(0))]).collect();
        let with = BlobProperties {
            metadata: tags.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            tags,
            media_type: Some(media_type.to_owned()),
        };
        if self.blobs.put(context, &self.name(key), bytes.clone(), with, Precondition::Nothing).await?
            || is_stored(self, key, &bytes).await? == Some(true)
        {
            return Ok(());
        }
        Err(StorageError::Conflict { context })
    }

    async fn get(&self, key: &AudioKey, range: Option<Range<u64>>) -> Result<Option<Audio>> {
        let len = range.as_ref().map(|range| range.end - range.start);
        let options = BlobClientDownloadOptions { range: range.map(Into::into), ..Default::default() };
        let found = self.blobs.client.blob_client(&self.name(key)).download(Some(options)).await;
        let Some(found) = none_on(&[404], "reading a recording", found)? else { return Ok(None) };
        let len = len.or(found.properties.content_length).unwrap_or(0);
        Ok(Some(Audio { bytes: found.body.map_err(std::io::Error::other).boxed(), len }))
    }

    async fn link(&self, key: &AudioKey, ttl: Duration, file_name: Option<&str>) -> Result<Option<String>> {
        self.links.to_play(&self.name(key), ttl, file_name).await
    }

    async fn schedule_deletion(&self, key: &AudioKey, case: &CaseKey) -> Result<()> {
        self.mark("scheduling the deletion of a recording", key, Some(case)).await.map(|_| ())
    }

    async fn cancel_deletion(&self, key: &AudioKey) -> Result<bool> {
        self.mark("cancelling the deletion of a recording", key, None).await
    }

    async fn delete(&self, key: &AudioKey) -> Result<()> {
        self.blobs.delete("deleting a recording", &self.name(key), None).await
    }

    async fn exists(&self, key: &AudioKey) -> Result<bool> {
        // A container that is not there would answer the same; the start made it.
        Ok(self.blobs.head("looking for a recording", &self.name(key)).await?.is_some())
    }

    async fn ping(&self) -> Result<()> {
        self.blobs.ping().await
    }
}

#[async_trait]
impl RegionRecordings for BlobRecordings {
    fn by_hour(&self, from: &str, end: &str) -> BoxStream<'_, Result<(Vec<AudioKey>, String)>> {
        let end = end.to_owned();
        let Some(hours) = hours(from, &end) else {
            let from = from.to_owned();
            return stream::once(async move {
                let mut found = self.of(None).await?;
                found.retain(|key| key.hour >= from && key.hour < end);
                Ok((found, end))
            })
            .boxed();
        };
        let until = hours.clone().into_iter().skip(1).chain([end]);
        let hours = stream::iter(hours.into_iter().zip(until));
        hours.then(async |(hour, until)| Ok((self.of(Some(&hour)).await?, until))).boxed()
    }

    async fn caller(&self, key: &AudioKey) -> Result<Option<Option<String>>> {
        let head = self.blobs.head("looking at a recording", &self.name(key)).await?;
        Ok(head.map(|head| head.metadata.get(CALLER).cloned()))
    }
}

/// The hours from `from` on, before `until`; `None`: it is not known from when on, or they are too many.
fn hours(from: &str, until: &str) -> Option<Vec<String>> {
    let mut hours = Vec::new();
    let mut at = hour(from)?;
    while at.hour().as_str() < until {
        if hours.len() == MAX_HOURS {
            return None;
        }
        hours.push(at.hour());
        at = at.plus(Duration::from_hours(1));
    }
    Some(hours)
}
