//! The recordings of a tenant in one region: objects of a bucket.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{MetadataDirective, Tag, Tagging, TaggingDirective};
use bytes::Bytes;
use domain::{AudioKey, CaseKey, Subject};
use futures::stream::BoxStream;
use futures::{StreamExt as _, stream};

use super::client;
use super::fault::{fault, is, none_on};
use super::layout::Prefix;
use crate::cloud::{RegionRecordings, contended, is_stored};
use crate::offered_as;
use crate::{Audio, Recordings, Result, StorageError};

/// The tag that names the caller's keyed hash.
const CALLER: &str = "caller_id";
/// The tag that the lifecycle rule acts on. Its filter matches key and value exactly, so the case is another tag.
const FORGET: (&str, &str) = ("forget", "1");
const CASE: &str = "case";

/// How often a write is tried that others keep from its condition.
pub(super) const MAX_PUTS: usize = 5;

/// A region of a tenant.
#[derive(Debug, Clone)]
pub(super) struct S3Recordings {
    pub(super) client: Client,
    pub(super) bucket: String,
    pub(super) prefix: Prefix,
}

#[async_trait]
impl RegionRecordings for S3Recordings {
    fn by_hour(&self, from: &str, end: &str) -> BoxStream<'_, Result<(Vec<AudioKey>, String)>> {
        let prefix = self.prefix.as_str();
        let pages = self
            .client
            .list_objects_v2()
            .bucket(&self.bucket)
            .prefix(prefix)
            .set_start_after((!from.is_empty()).then(|| format!("{prefix}{from}")))
            .into_paginator()
            .send();
        let (hour, end) = (end.to_owned(), Arc::new(format!("{prefix}{end}")));
        let pages = stream::try_unfold(Some(pages), move |pages| {
            let end = Arc::clone(&end);
            async move {
                let Some(mut pages) = pages else { return Ok(None) };
                let Some(page) = pages.next().await else { return Ok(None) };
                let page = page.map_err(fault("listing recordings"))?.contents.unwrap_or_default();
                let names: Vec<_> = page.into_iter().filter_map(|object| object.key).collect();
                let of_then = names.iter().filter(|name| **name < *end);
                let keys: Vec<AudioKey> =
                    of_then.clone().filter_map(|name| self.prefix.parse(name)).collect();
                let is_last = of_then.count() < names.len();
                let until = keys.last().map(|last| last.hour.clone()).unwrap_or_default();
                Ok(Some(((keys, until), (!is_last).then_some(pages))))
            }
        });
        pages.chain(stream::once(async move { Ok((Vec::new(), hour)) })).boxed()
    }

    async fn caller(&self, key: &AudioKey) -> Result<Option<Option<String>>> {
        self.caller_of(&self.prefix.object(key)).await
    }
}

impl S3Recordings {
    /// The caller that the tags of an object name; `None`: there is no such object.
    async fn caller_of(&self, object: &str) -> Result<Option<Option<String>>> {
        let tags = self.client.get_object_tagging().bucket(&self.bucket).key(object).send().await;
        let tags = none_on(&[404], "reading the tags of a recording", tags)?;
        let caller = |tags: Vec<Tag>| tags.into_iter().find(|tag| tag.key == CALLER).map(|tag| tag.value);
        Ok(tags.map(|tags| caller(tags.tag_set)))
    }
}

/// Tags as a header has them. Nothing of ours needs to be escaped: hashes and keys are of `A-Z a-z 0-9 . _ -`.
fn tags<'a>(caller: Option<&'a str>, more: &[(&'a str, &'a str)]) -> String {
    let caller = caller.map(|caller| (CALLER, caller));
    let all = caller.iter().chain(more).map(|(key, value)| format!("{key}={value}"));
    all.collect::<Vec<_>>().join("&")
}

#[async_trait]
impl Recordings for S3Recordings {
    async fn put(
        &self,
        key: &AudioKey,
        bytes: Bytes,
        media_type: &str,
        subject: Option<&Subject>,
    ) -> Result<()> {
        let context = "storing a recording";
        let object = self.prefix.object(key);
        for _ in 0..MAX_PUTS {
            let tags = subject.map(|subject| tags(Some(subject.as_str()), &[]));
            let put = self
                .client
                .put_object()
                .bucket(&self.bucket)
                .key(&object)
                .if_none_match("*")
                .content_type(media_type)
                .set_tagging(tags)
                .body(ByteStream::from(bytes.clone()))
                .customize()
                .config_override(client::put(bytes.len()))
                .send()
                .await;
            match put {
                Ok(_) => return Ok(()),
                // Another put of this key is under way.
                Err(error) if is(409, &error) => {}
                Err(error) if is(412, &error) => match is_stored(self, key, &bytes).await? {
                    Some(true) => return Ok(()),
                    Some(false) => return Err(StorageError::Conflict { context }),
                    None => {}
                },
                Err(error) => return Err(fault(context)(error)),
            }
        }
        Err(contended(context))
    }

    async fn get(&self, key: &AudioKey, range: Option<Range<u64>>) -> Result<Option<Audio>> {
        let range = range.map(|range| format!("bytes={}-{}", range.start, range.end.saturating_sub(1)));
        let get = self.client.get_object().bucket(&self.bucket).key(self.prefix.object(key)).set_range(range);
        let found = match get.send().await {
            Ok(found) => found,
            Err(error) if error.code() == Some("NoSuchKey") => return Ok(None),
            Err(error) => return Err(fault("reading a recording")(error)),
        };
        let len = u64::try_from(found.content_length.unwrap_or(0)).unwrap_or(0);
        let bytes = stream::try_unfold(found.body, async |mut body| {
            let chunk = body.next().await.transpose().map_err(std::io::Error::other)?;
            Ok(chunk.map(|chunk| (chunk, body)))
        });
        Ok(Some(Audio { bytes: bytes.boxed(), len }))
    }

    async fn link(&self, key: &AudioKey, ttl: Duration, file_name: Option<&str>) -> Result<Option<String>> {
        let context = "signing a link";
        let config = PresigningConfig::expires_in(ttl);
        let config = config.map_err(|error| StorageError::unavailable(context, error))?;
        let disposition = file_name.map(offered_as);
        let get = self.client.get_object().bucket(&self.bucket).key(self.prefix.object(key));
        let link = get.set_response_content_disposition(disposition).presigned(config).await;
        Ok(Some(link.map_err(fault(context))?.uri().to_owned()))
    }

    /// A copy onto itself: the rule counts from an object's creation. Metadata is replaced, as S3 refuses a copy that
    /// changes tags alone. Only onto what was looked at: a copy that ended after a delete would bring the recording back.
    async fn schedule_deletion(&self, key: &AudioKey, case: &CaseKey) -> Result<()> {
        let context = "scheduling the deletion of a recording";
        let object = self.prefix.object(key);
        for _ in 0..MAX_PUTS {
            let head = self.client.head_object().bucket(&self.bucket).key(&object).send();
            let (head, caller) = futures::join!(head, self.caller_of(&object));
            let Some(head) = none_on(&[404], context, head)? else { return Ok(()) };
            let Some(caller) = caller? else { return Ok(()) };
            let copied = self
                .client
                .copy_object()
                .bucket(&self.bucket)
                .key(&object)
                .copy_source(format!("{}/{object}", self.bucket))
                .set_copy_source_if_match(head.e_tag.clone())
                .set_if_match(head.e_tag)
                .set_content_type(head.content_type)
                .metadata_directive(MetadataDirective::Replace)
                .metadata("condemned-by", case.as_str())
                .tagging_directive(TaggingDirective::Replace)
                .tagging(tags(caller.as_deref(), &[FORGET, (CASE, case.as_str())]))
                .send()
                .await;
            match copied {
                Ok(_) => return Ok(()),
                Err(error) if is(404, &error) => return Ok(()),
                // Somebody else scheduled the deletion, and with another key of encryption its tag is another.
                Err(error) if is(412, &error) || is(409, &error) => {}
                Err(error) => return Err(fault(context)(error)),
            }
        }
        Err(contended(context))
    }

    async fn cancel_deletion(&self, key: &AudioKey) -> Result<bool> {
        let context = "cancelling the deletion of a recording";
        let object = self.prefix.object(key);
        let Some(caller) = self.caller_of(&object).await? else { return Ok(false) };
        let caller = caller.map(|caller| Tag::builder().key(CALLER).value(caller).build()).transpose();
        let caller = caller.map_err(|error| StorageError::unavailable(context, error))?;
        let tags = Tagging::builder().set_tag_set(Some(caller.into_iter().collect())).build();
        let tags = tags.map_err(|error| StorageError::unavailable(context, error))?;
        let put = self.client.put_object_tagging().bucket(&self.bucket).key(&object).tagging(tags);
        Ok(none_on(&[404], context, put.send().await)?.is_some())
    }

    async fn delete(&self, key: &AudioKey) -> Result<()> {
        let delete = self.client.delete_object().bucket(&self.bucket).key(self.prefix.object(key)).send();
        delete.await.map_err(fault("deleting a recording"))?;
        Ok(())
    }

    async fn exists(&self, key: &AudioKey) -> Result<bool> {
        let head = self.client.head_object().bucket(&self.bucket).key(self.prefix.object(key)).send();
        // A bucket that is not there would answer the same; the delete before it fails then, and the start did.
        Ok(none_on(&[404], "looking for a recording", head.await)?.is_some())
    }

    /// A listing of our own folder: the one request that a policy for this folder alone allows on the bucket.
    async fn ping(&self) -> Result<()> {
        let (timeouts, retries) = client::ping();
        let limits = aws_sdk_s3::config::Config::builder().timeout_config(timeouts).retry_config(retries);
        let list =
            self.client.list_objects_v2().bucket(&self.bucket).prefix(self.prefix.as_str()).max_keys(1);
        list.customize().config_override(limits).send().await.map_err(fault("reaching a bucket"))?;
        Ok(())
    }
}
