//! What platforms drop for a tenant in one region: blobs of the container, with the facts of the call as metadata.
//!
//! Names of metadata are identifiers here, so that `caller-id` is written `caller_id`. A link signs no metadata: who gets one
//! could say other facts with it. So the facts of a link are kept beside, under the drop's name in `announced/`, and count, as
//! long as the link takes a recording: it takes another as soon as the one before was taken away.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use azure_core::http::Etag;
use bytes::Bytes;
use domain::{Region, Timestamp};
use futures::TryStreamExt as _;
use serde::{Deserialize, Serialize};

use super::blobs::{BlobProperties, Blobs, ListedBlob, Metadata, Precondition, json, value_of};
use super::layout::{ANNOUNCED, Layout};
use super::links::Links;
use crate::{DropKey, DropProperties, Drops, INCOMING, REJECTED, Result, StorageError, UploadLink};

/// Why a drop was rejected, beside its facts.
const REASON: &str = "rejected_because";
/// What was announced, in the metadata of its blob.
const ANNOUNCED_FACTS: &str = "facts";
/// What of it names the call, and nobody else.
const OF_CALL: [&str; 2] = ["call-id", "received-at"];
/// The facts that a link was made for.
#[derive(Serialize, Deserialize)]
struct Announced {
    facts: BTreeMap<String, String>,
}

/// What is larger leaves its facts and the reason alone: no recording that is taken is near it, and it goes through memory.
const MOST_MOVED: u64 = 64 << 20;

/// The drops of a tenant in a region.
#[derive(Debug, Clone)]
pub(super) struct BlobDrops {
    pub(super) region: Region,
    pub(super) blobs: Blobs,
    pub(super) layout: Layout,
    pub(super) links: Links,
}

/// The `ETag` of what was looked at.
fn etag(dropped: &DropProperties) -> Etag {
    Etag::from(dropped.etag().to_owned())
}

/// What is announced, as the metadata of its blob.
fn announcement(context: &'static str, facts: BTreeMap<String, String>) -> Result<Metadata> {
    Ok([(ANNOUNCED_FACTS.to_owned(), json(context, &Announced { facts })?)].into())
}

impl BlobDrops {
    fn name(&self, of: &str, key: &DropKey) -> String {
        self.layout.drops(of) + &key.below()
    }

    /// Blobs of a folder that are older than `before`.
    async fn older(
        &self,
        context: &'static str,
        folder: String,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<ListedBlob>> {
        let mut pages = self.blobs.list(context, &folder, None);
        let mut found = Vec::new();
        while let Some(page) = pages.try_next().await? {
            found.extend(page.into_iter().filter(|listed| listed.at < before));
            if found.len() >= limit {
                found.truncate(limit);
                break;
            }
        }
        Ok(found)
    }
}

#[async_trait]
impl Drops for BlobDrops {
    async fn look(&self, key: &DropKey) -> Result<Option<DropProperties>> {
        let context = "looking at a drop";
        let (name, announced) = (self.name(INCOMING, key), self.name(ANNOUNCED, key));
        let (found, announced) =
            futures::try_join!(self.blobs.head(context, &name), self.blobs.head(context, &announced))?;
        let Some(blob) = found else { return Ok(None) };
        let facts = match announced {
            Some(announced) => {
                let announced = value_of::<Announced>(&announced.metadata, ANNOUNCED_FACTS);
                let corrupt = || StorageError::Corrupt { context: "what was announced of a drop".to_owned() };
                announced.ok_or_else(corrupt)?.facts
            }
            None => blob.metadata.into_iter().map(|(name, value)| (name.replace('_', "-"), value)).collect(),
        };
        let account = &self.links.account;
        let version = format!("{account}/{}/{name}#{}", self.links.container, blob.etag);
        Ok(Some(DropProperties { facts, at: blob.at, version, bytes: blob.bytes }))
    }

    async fn read(&self, key: &DropKey, dropped: &DropProperties) -> Result<Option<Bytes>> {
        let found = self.blobs.read("reading a drop", &self.name(INCOMING, key), Some(etag(dropped))).await?;
        Ok(found.map(|(_, bytes)| bytes))
    }

    /// Of what was announced it leaves which call it is: what comes by the same link after it is that call once more. This goes
    /// with what was rejected.
    async fn delete(&self, key: &DropKey, dropped: &DropProperties) -> Result<()> {
        let context = "deleting a drop";
        self.blobs.delete(context, &self.name(INCOMING, key), Some(etag(dropped))).await?;
        let facts = dropped.facts.iter().filter(|(name, _)| OF_CALL.contains(&name.as_str()));
        let facts = facts.map(|(name, fact)| (name.clone(), fact.clone())).collect();
        let metadata = announcement(context, facts)?;
        self.blobs
            .set_metadata(context, &self.name(ANNOUNCED, key), Etag::from("*"), &metadata)
            .await
            .map(|_| ())
    }

    /// A copy, then the delete. Cut off between them, it is rejected once more. What was announced stays: a better recording may
    /// come by the same link.
    async fn reject(&self, key: &DropKey, dropped: &DropProperties, reason: &str) -> Result<()> {
        let context = "rejecting a drop";
        let bytes = if dropped.bytes > MOST_MOVED {
            Bytes::new()
        } else {
            match self.read(key, dropped).await? {
                Some(bytes) => bytes,
                None => return Ok(()),
            }
        };
        let facts = dropped.facts.iter().map(|(name, value)| (name.replace('-', "_"), value.clone()));
        let mut metadata: Metadata = facts.collect();
        metadata.insert(REASON.to_owned(), super::blobs::escaped(reason));
        let to = self.name(REJECTED, key);
        self.blobs.put(context, &to, bytes, BlobProperties::from(metadata), Precondition::Anything).await?;
        self.blobs.delete(context, &self.name(INCOMING, key), Some(etag(dropped))).await
    }

    async fn waiting(&self, before: Timestamp, limit: usize) -> Result<Vec<DropKey>> {
        let found = self.older("listing drops", self.layout.drops(INCOMING), before, limit).await?;
        Ok(found.iter().filter_map(|listed| DropKey::parse(&self.region, &listed.name)).collect())
    }

    async fn clear_rejected(&self, before: Timestamp) -> Result<u64> {
        let context = "clearing what was rejected";
        let rejected = self.older(context, self.layout.drops(REJECTED), before, usize::MAX).await?;
        let count = rejected.len();
        let mut names: Vec<_> = rejected.into_iter().map(|listed| listed.name).collect();
        // No link is as old; what was dropped by one may wait still, and needs its facts.
        let announced = self.layout.drops(ANNOUNCED);
        for old in self.older(context, announced.clone(), before, usize::MAX).await? {
            let below = old.name.strip_prefix(&announced).unwrap_or_default();
            if self.blobs.head(context, &(self.layout.drops(INCOMING) + below)).await?.is_none() {
                names.push(old.name);
            }
        }
        self.blobs.delete_all(context, names).await?;
        Ok(u64::try_from(count).unwrap_or(u64::MAX))
    }

    /// Who has a SAS alone cannot sign another.
    async fn upload(
        &self,
        key: &DropKey,
        facts: &BTreeMap<String, String>,
        ttl: Duration,
    ) -> Result<Option<UploadLink>> {
        let context = "signing an upload";
        let Some(url) = self.links.to_drop(&self.name(INCOMING, key), ttl).await? else { return Ok(None) };
        let metadata = announcement(context, facts.clone())?;
        self.blobs.note(context, &self.name(ANNOUNCED, key), metadata).await?;
        // The service asks for it; nothing else is wanted.
        Ok(Some(UploadLink { url, headers: [("x-ms-blob-type".to_owned(), "BlockBlob".to_owned())].into() }))
    }
}
