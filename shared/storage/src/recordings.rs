//! The contract of a tenant's audio in one region.

use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::{AudioKey, CaseKey, Subject};
use futures::stream::BoxStream;

use crate::error::Result;

/// A recording, or a range of it, on its way.
pub struct Audio {
    /// The bytes. An error in the middle ends it.
    pub bytes: BoxStream<'static, std::io::Result<Bytes>>,
    /// How many bytes come.
    pub len: u64,
}

/// The audio of one tenant in one region.
///
/// Every call is safe to repeat and durable before it returns.
#[async_trait]
pub trait Recordings: Send + Sync {
    /// Stores a recording, whole or not at all, with the index tag `caller_id` where the storage has tags. Never over
    /// another: the same bytes under the same key are a repeat, others a conflict. Where the power fails before this returns,
    /// less of it may be left; then only its attempt knows the key, and whoever takes the attempt back deletes it.
    async fn put(
        &self,
        key: &AudioKey,
        bytes: Bytes,
        media_type: &str,
        subject: Option<&Subject>,
    ) -> Result<()>;

    /// The bytes, all or a range that lies within the recording. `None`: there is none.
    async fn get(&self, key: &AudioKey, range: Option<Range<u64>>) -> Result<Option<Audio>>;

    /// A signed link that plays the recording for `ttl`, offered under `file_name` where that is given. `None`: this
    /// storage has no links.
    async fn link(&self, key: &AudioKey, ttl: Duration, file_name: Option<&str>) -> Result<Option<String>>;

    /// Puts a recording under the storage's one-day lifecycle rule, with the clock starting now; a storage without one
    /// leaves it to the sweep. Never brings back what was deleted. `get` still answers.
    async fn schedule_deletion(&self, key: &AudioKey, case: &CaseKey) -> Result<()>;

    /// Takes a recording out of the lifecycle rule. `false`: it is gone already.
    async fn cancel_deletion(&self, key: &AudioKey) -> Result<bool>;

    /// Deletes a recording; one that is not there counts as deleted.
    async fn delete(&self, key: &AudioKey) -> Result<()>;

    /// Whether there is a recording: the proof of erasure, never from a cache.
    async fn exists(&self, key: &AudioKey) -> Result<bool>;

    /// Whether the region answers, within 2 s, without retries that hide an outage.
    async fn ping(&self) -> Result<()>;
}

/// `Content-Disposition` of an answer that offers a recording under this name, without quotes and what a header cannot hold.
pub fn offered_as(file_name: &str) -> String {
    let plain: String = file_name.chars().filter(|c| c.is_ascii_graphic() && !"\"\\".contains(*c)).collect();
    format!("attachment; filename=\"{plain}\"")
}
