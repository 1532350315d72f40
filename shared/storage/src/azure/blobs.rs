//! The requests to a container that everything else is made of. Blob Storage reads its own writes, listings too.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use azure_core::http::{Etag, RequestContent};
use azure_storage_blob::BlobContainerClient;
use azure_storage_blob::models::{
    BlobClientDeleteOptions, BlobClientDownloadOptions, BlobClientGetPropertiesResultHeaders as _,
    BlobClientSetMetadataOptions, BlobClientSetTagsOptions, BlobClientUploadOptions,
    BlobContainerClientListBlobsOptions, BlobItem, BlobTags, ListBlobsIncludeItem,
};
use bytes::Bytes;
use domain::Timestamp;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::fault::{fault, is, none_on};
use crate::cloud::limits::PING_TIMEOUT;
use crate::cloud::{MAX_CONCURRENT_REQUESTS, incomplete};
use crate::stored::{decode, encode};
use crate::{Result, StorageError};

/// What is known of a blob beside its content, by names that are identifiers.
pub(super) type Metadata = HashMap<String, String>;

/// One request takes a recording; the service takes 5,000 MiB.
const MAX_PUT_BYTES: std::num::NonZero<u64> = std::num::NonZero::new(1 << 30).expect("it is not 0");

/// Values are headers of a request and text of XML: what either may change is escaped.
const OF_VALUE: &AsciiSet = &CONTROLS.add(b' ').add(b'%').add(b'<').add(b'>').add(b'&');

/// A blob, but for its content.
#[derive(Debug, Clone)]
pub(super) struct Blob {
    pub(super) etag: Etag,
    pub(super) metadata: Metadata,
    pub(super) bytes: u64,
    /// When it was written last, by the storage's clock, in whole seconds.
    pub(super) at: Timestamp,
}

/// A blob of a listing.
#[derive(Debug, Clone)]
pub(super) struct ListedBlob {
    pub(super) name: String,
    pub(super) metadata: Metadata,
    pub(super) at: Timestamp,
}

/// What a conditional write expects.
#[derive(Debug, Clone)]
pub(super) enum Precondition {
    Anything,
    Nothing,
    Is(Etag),
}

/// What is put beside the bytes.
#[derive(Debug, Default)]
pub(super) struct BlobProperties {
    pub(super) metadata: Metadata,
    pub(super) tags: Vec<(&'static str, String)>,
    pub(super) media_type: Option<String>,
}

/// What became of metadata that a blob was to get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SetMetadataOutcome {
    Done,
    /// It is not as expected.
    Refused,
    /// There is no such blob.
    Gone,
}

/// A container.
#[derive(Clone)]
pub(super) struct Blobs {
    pub(super) client: Arc<BlobContainerClient>,
    /// The same, which never tries again.
    pub(super) hasty: Arc<BlobContainerClient>,
}

impl fmt::Debug for Blobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blobs({})", self.client.url())
    }
}

impl From<Metadata> for BlobProperties {
    fn from(metadata: Metadata) -> Self {
        Self { metadata, ..Self::default() }
    }
}

/// A value of metadata that is JSON.
pub(super) fn json<T: Serialize>(context: &'static str, value: &T) -> Result<String> {
    let bytes = encode(value).map_err(|error| StorageError::unavailable(context, error))?;
    Ok(escaped(&String::from_utf8_lossy(&bytes)))
}

/// What such a value tells; `None`: it is not there, or damaged.
pub(super) fn value_of<T: DeserializeOwned>(metadata: &Metadata, name: &str) -> Option<T> {
    decode(unescaped(metadata.get(name)?)?.as_bytes())
}

/// Text as a value of metadata.
pub(super) fn escaped(text: &str) -> String {
    utf8_percent_encode(text, OF_VALUE).to_string()
}

/// Such a text.
pub(super) fn unescaped(value: &str) -> Option<String> {
    percent_decode_str(value).decode_utf8().ok().map(String::from)
}

fn time(time: azure_core::time::OffsetDateTime) -> Timestamp {
    Timestamp::from_millis(time.unix_timestamp() * 1000)
}

impl Blobs {
    /// A blob, but for its content; `None`: there is none.
    pub(super) async fn head(&self, context: &'static str, name: &str) -> Result<Option<Blob>> {
        let answer = self.client.blob_client(name).get_properties(None).await;
        let Some(answer) = none_on(&[404], context, answer)? else { return Ok(None) };
        let read = || {
            Ok(Some(Blob {
                etag: answer.etag()?.unwrap_or_else(|| Etag::from("")),
                metadata: answer.metadata()?,
                bytes: answer.content_length()?.unwrap_or(0),
                at: answer.last_modified()?.map(time).unwrap_or_default(),
            }))
        };
        read().map_err(fault(context))
    }

    /// The content of a blob, whole; `None`: there is none, or it is another.
    pub(super) async fn read(
        &self,
        context: &'static str,
        name: &str,
        is_still: Option<Etag>,
    ) -> Result<Option<(Etag, Bytes)>> {
        let options = BlobClientDownloadOptions { if_match: is_still, ..Default::default() };
        let found = self.client.blob_client(name).download(Some(options)).await;
        let Some(found) = none_on(&[404, 412], context, found)? else { return Ok(None) };
        let etag = found.properties.etag.clone().ok_or_else(|| incomplete(context))?;
        let bytes = found.body.collect().await.map_err(fault(context))?;
        Ok(Some((etag, bytes)))
    }

    /// Writes a blob whole, if it is as expected. `false`: it is not.
    pub(super) async fn put(
        &self,
        context: &'static str,
        name: &str,
        bytes: Bytes,
        with: BlobProperties,
        condition: Precondition,
    ) -> Result<bool> {
        let (if_match, if_none_match) = match condition {
            Precondition::Anything => (None, None),
            Precondition::Nothing => (None, Some(Etag::from("*"))),
            Precondition::Is(etag) => (Some(etag), None),
        };
        let tags =
            with.tags.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("&");
        let options = BlobClientUploadOptions {
            if_match,
            if_none_match,
            metadata: Some(with.metadata),
            // Nothing of ours needs to be escaped: hashes and keys are of A-Z a-z 0-9 . _ -
            blob_tags_string: (!tags.is_empty()).then_some(tags),
            blob_content_type: with.media_type,
            partition_size: Some(MAX_PUT_BYTES),
            ..Default::default()
        };
        let body = RequestContent::from(bytes.to_vec());
        let put = self.client.blob_client(name).upload(body, Some(options)).await;
        // 409: something is there; 412: it is another.
        Ok(none_on(&[409, 412], context, put)?.is_some())
    }

    /// Writes a blob that is all metadata, whatever is there.
    pub(super) async fn note(&self, context: &'static str, name: &str, metadata: Metadata) -> Result<()> {
        if self.put(context, name, Bytes::new(), metadata.into(), Precondition::Anything).await? {
            return Ok(());
        }
        // Refused without a condition.
        Err(StorageError::unavailable(context, "something forbids it: a lease, a policy, or a deletion"))
    }

    /// Replaces the metadata of a blob, if nobody changed it.
    pub(super) async fn set_metadata(
        &self,
        context: &'static str,
        name: &str,
        etag: Etag,
        metadata: &Metadata,
    ) -> Result<SetMetadataOutcome> {
        let options = BlobClientSetMetadataOptions { if_match: Some(etag), ..Default::default() };
        match self.client.blob_client(name).set_metadata(metadata, Some(options)).await {
            Ok(_) => Ok(SetMetadataOutcome::Done),
            Err(error) if is(412, &error) => Ok(SetMetadataOutcome::Refused),
            Err(error) if is(404, &error) => Ok(SetMetadataOutcome::Gone),
            Err(error) => Err(fault(context)(error)),
        }
    }

    /// Replaces the tags of a blob if its tags are so. That they are not, or that there is none, is no error.
    pub(super) async fn tag(
        &self,
        context: &'static str,
        name: &str,
        tags: Vec<(&'static str, String)>,
        if_tags: String,
    ) -> Result<()> {
        let tags: HashMap<_, _> = tags.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let tags = BlobTags::from(tags).try_into().map_err(fault(context))?;
        let options = BlobClientSetTagsOptions { if_tags: Some(if_tags), ..Default::default() };
        let set = self.client.blob_client(name).set_tags(tags, Some(options)).await;
        none_on(&[404, 412], context, set).map(|_| ())
    }

    /// Deletes a blob; with an `ETag`, that one alone. What is not there counts as deleted.
    pub(super) async fn delete(&self, context: &'static str, name: &str, only: Option<Etag>) -> Result<()> {
        let options = BlobClientDeleteOptions { if_match: only, ..Default::default() };
        let deleted = self.client.blob_client(name).delete(Some(options)).await;
        none_on(&[404, 412], context, deleted).map(|_| ())
    }

    /// Deletes blobs, side by side.
    pub(super) async fn delete_all(&self, context: &'static str, names: Vec<String>) -> Result<()> {
        let deleted = stream::iter(names).map(|name| async move { self.delete(context, &name, None).await });
        deleted.buffer_unordered(MAX_CONCURRENT_REQUESTS).try_collect().await
    }

    /// The blobs whose names begin so, by name, page by page, each asked for when it is wanted: `most` in the first request
    /// and each later one, 5,000 where it says nothing.
    pub(super) fn list(
        &self,
        context: &'static str,
        prefix: &str,
        most: Option<usize>,
    ) -> stream::BoxStream<'static, Result<Vec<ListedBlob>>> {
        let options = BlobContainerClientListBlobsOptions {
            include: Some(vec![ListBlobsIncludeItem::Metadata]),
            prefix: Some(prefix.to_owned()),
            maxresults: most.and_then(|most| i32::try_from(most.min(5000)).ok()),
            ..Default::default()
        };
        let pages = match self.client.list_blobs(Some(options)) {
            Ok(pages) => pages.into_pages(),
            Err(error) => return stream::iter([Err(fault(context)(error))]).boxed(),
        };
        let page = move |page: azure_core::Result<azure_core::http::Response<_, _>>| {
            let page: azure_storage_blob::models::ListBlobsResponse =
                page.and_then(azure_core::http::Response::into_model).map_err(fault(context))?;
            Ok(page.blob_items.into_iter().filter_map(listed).collect())
        };
        pages.map(page).boxed()
    }

    /// Whether the container answers, at once.
    pub(super) async fn ping(&self) -> Result<()> {
        let context = "reaching an account";
        let asked = tokio::time::timeout(PING_TIMEOUT, self.hasty.get_properties(None)).await;
        asked.map_err(|late| StorageError::unavailable(context, late))?.map_err(fault(context)).map(|_| ())
    }

    /// All of them.
    pub(super) async fn all(&self, context: &'static str, prefix: &str) -> Result<Vec<ListedBlob>> {
        self.list(context, prefix, None).try_concat().await
    }
}

fn listed(item: BlobItem) -> Option<ListedBlob> {
    let metadata = item.metadata.and_then(|metadata| metadata.values).unwrap_or_default();
    let at = item.properties.and_then(|properties| properties.last_modified).map(time).unwrap_or_default();
    Some(ListedBlob { name: item.name?, metadata, at })
}
