//! What platforms drop for a tenant in one region: objects of a bucket, with the facts of the call as user metadata.
//!
//! The `ETag` tells one content from another, and each step is conditional on it, the delete too. It is the content's
//! alone: the same bytes at the same place once more, with other facts, are told apart by the second of their put, as
//! long as the call brings no id of its own.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{EncodingType, MetadataDirective, Object, TaggingDirective};
use bytes::{Bytes, BytesMut};
use domain::{Region, TenantId, Timestamp};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::client;
use super::fault::{fault, is, none_on};
use super::layout::DropFolders;
use super::recordings::MAX_PUTS;
use crate::cloud::{contended, incomplete};
use crate::{DropKey, DropProperties, Drops, INCOMING, REJECTED, Result, StorageError, UploadLink};

/// Why a drop was rejected, beside its facts.
const REASON: &str = "rejected-because";
/// What is larger leaves its facts and the reason alone: S3 copies 5 GB at most, and no recording that is taken is near it.
const MAX_COPIED_BYTES: u64 = 1 << 30;
/// How many objects are deleted at once.
const MAX_CONCURRENT_DELETES: usize = 8;
/// What is escaped in the source of a copy, which is a URL's path.
const OF_SOURCE: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The drops of a tenant in a region.
#[derive(Debug, Clone)]
pub(super) struct S3Drops {
    pub(super) client: Client,
    pub(super) bucket: String,
    pub(super) region: Region,
    pub(super) tenant: TenantId,
    pub(super) folders: DropFolders,
}

/// The time of an object, by S3's clock, in whole seconds.
fn time(time: Option<DateTime>) -> Option<Timestamp> {
    time?.to_millis().ok().map(Timestamp::from_millis)
}

impl S3Drops {
    /// Objects below `folder` that are older than `before`, with their keys as they are.
    async fn older(
        &self,
        context: &'static str,
        folder: String,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<(String, Object)>> {
        let mut pages = self
            .client
            .list_objects_v2()
            .bucket(&self.bucket)
            .prefix(folder)
            // Keys are whatever platforms like, also what XML cannot hold.
            .encoding_type(EncodingType::Url)
            .into_paginator()
            .send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            for object in page.map_err(fault(context))?.contents.unwrap_or_default() {
                let key = object.key().unwrap_or_default().replace('+', " ");
                let Ok(key) = percent_decode_str(&key).decode_utf8().map(String::from) else { continue };
                if time(object.last_modified).is_some_and(|at| at < before) {
                    found.push((key, object));
                }
                if found.len() == limit {
                    return Ok(found);
                }
            }
        }
        Ok(found)
    }

    /// Deletes what has this `ETag`; what else lies there stays.
    async fn delete_only(&self, context: &'static str, object: &str, etag: &str) -> Result<()> {
        for _ in 0..MAX_PUTS {
            let delete = self.client.delete_object().bucket(&self.bucket).key(object).if_match(etag);
            match delete.send().await {
                // Something else was put there, or it was deleted, at this very moment.
                Err(error) if is(409, &error) => {}
                deleted => return none_on(&[404, 412], context, deleted).map(|_| ()),
            }
        }
        Err(contended(context))
    }
}

#[async_trait]
impl Drops for S3Drops {
    async fn look(&self, key: &DropKey) -> Result<Option<DropProperties>> {
        let context = "looking at a drop";
        let object = self.folders.object(INCOMING, key);
        let head = self.client.head_object().bucket(&self.bucket).key(&object).send().await;
        let Some(head) = none_on(&[404], context, head)? else { return Ok(None) };
        let (Some(etag), Some(at)) = (head.e_tag, time(head.last_modified)) else {
            return Err(incomplete(context));
        };
        Ok(Some(DropProperties {
            facts: head.metadata.unwrap_or_default().into_iter().collect(),
            at,
            version: format!("{}/{object}#{etag}", self.bucket),
            bytes: u64::try_from(head.content_length.unwrap_or(0)).unwrap_or(0),
        }))
    }

    async fn read(&self, key: &DropKey, dropped: &DropProperties) -> Result<Option<Bytes>> {
        let context = "reading a drop";
        let get = self.client.get_object().bucket(&self.bucket).key(self.folders.object(INCOMING, key));
        let found = get.if_match(dropped.etag()).send().await;
        let Some(mut found) = none_on(&[404, 412], context, found)? else { return Ok(None) };
        let mut bytes = BytesMut::with_capacity(usize::try_from(dropped.bytes).unwrap_or(0));
        while let Some(chunk) = found.body.next().await {
            bytes.extend_from_slice(&chunk.map_err(|error| StorageError::unavailable(context, error))?);
        }
        Ok(Some(bytes.freeze()))
    }

    async fn delete(&self, key: &DropKey, dropped: &DropProperties) -> Result<()> {
        self.delete_only("deleting a drop", &self.folders.object(INCOMING, key), dropped.etag()).await
    }

    /// A copy, then the delete. Cut off between them, it is rejected once more.
    async fn reject(&self, key: &DropKey, dropped: &DropProperties, reason: &str) -> Result<()> {
        let context = "rejecting a drop";
        let (from, to) = (self.folders.object(INCOMING, key), self.folders.object(REJECTED, key));
        let mut facts: std::collections::HashMap<_, _> = dropped.facts.clone().into_iter().collect();
        facts.insert(REASON.to_owned(), reason.to_owned());
        if dropped.bytes > MAX_COPIED_BYTES {
            let put = self.client.put_object().bucket(&self.bucket).key(&to).set_metadata(Some(facts));
            put.send().await.map_err(fault(context))?;
            return self.delete(key, dropped).await;
        }
        let bytes = usize::try_from(dropped.bytes).unwrap_or(usize::MAX);
        let copied = self
            .client
            .copy_object()
            .bucket(&self.bucket)
            .key(&to)
            .copy_source(utf8_percent_encode(&format!("{}/{from}", self.bucket), OF_SOURCE).to_string())
            .copy_source_if_match(dropped.etag())
            .metadata_directive(MetadataDirective::Replace)
            .set_metadata(Some(facts))
            // Without tags: to copy some would need rights to them.
            .tagging_directive(TaggingDirective::Replace)
            .customize()
            .config_override(client::put(bytes))
            .send()
            .await;
        match none_on(&[404, 412], context, copied)? {
            Some(_) => self.delete(key, dropped).await,
            None => Ok(()),
        }
    }

    async fn waiting(&self, before: Timestamp, limit: usize) -> Result<Vec<DropKey>> {
        let folder = self.folders.folder(INCOMING, &self.tenant);
        let found = self.older("listing drops", folder, before, limit).await?;
        Ok(found.iter().filter_map(|(object, _)| self.folders.parse(&self.region, object)).collect())
    }

    async fn clear_rejected(&self, before: Timestamp) -> Result<u64> {
        let context = "clearing what was rejected";
        let folder = self.folders.folder(REJECTED, &self.tenant);
        let found = self.older(context, folder, before, usize::MAX).await?;
        let delete = async |(key, object): (String, Object)| {
            self.delete_only(context, &key, object.e_tag().unwrap_or_default()).await
        };
        let deleted = stream::iter(found).map(delete).buffer_unordered(MAX_CONCURRENT_DELETES);
        deleted.try_fold(0, async |all, ()| Ok(all + 1)).await
    }

    async fn upload(
        &self,
        key: &DropKey,
        facts: &BTreeMap<String, String>,
        ttl: Duration,
    ) -> Result<Option<UploadLink>> {
        let context = "signing an upload";
        let config = PresigningConfig::expires_in(ttl);
        let config = config.map_err(|error| StorageError::unavailable(context, error))?;
        let facts = facts.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let put = self.client.put_object().bucket(&self.bucket).key(self.folders.object(INCOMING, key));
        let signed = put.set_metadata(Some(facts)).presigned(config).await.map_err(fault(context))?;
        let headers = signed.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(Some(UploadLink { url: signed.uri().to_owned(), headers }))
    }
}
