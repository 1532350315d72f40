//! The recordings of a tenant in one region: files. A volume has neither links nor tags nor a lifecycle: a case's
//! recordings are hidden by its holds and deleted by the sweep alone.

use std::io::{Seek as _, SeekFrom};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::{AudioKey, CaseKey, Subject};
use futures::StreamExt as _;
use tokio::io::AsyncReadExt as _;
use tokio_util::io::ReaderStream;

use super::blocking::{FsResult, run};
use super::disk::{Disk, PublishOutcome};
use super::layout;
use super::metadata::ping;
use super::stored::corrupt;
use crate::{Audio, Recordings, Result, StorageError};

/// How much of a recording is read at once.
const CHUNK: usize = 64 * 1024;

/// A region of a tenant. Down while the region's folder lacks its marker, whatever else is there.
pub(super) struct FsRecordings {
    disk: Arc<Disk>,
}

impl FsRecordings {
    pub(super) fn new(disk: Disk) -> Self {
        Self { disk: Arc::new(disk) }
    }

    async fn on<T: Send + 'static>(
        &self,
        context: &'static str,
        key: &AudioKey,
        work: impl FnOnce(&Disk, &str) -> FsResult<T> + Send + 'static,
    ) -> Result<T> {
        let (disk, path) = (self.disk.clone(), layout::recording(key));
        run(context, move || {
            let path = path.ok_or_else(|| corrupt("the key of a recording"))?;
            disk.mounted()?;
            work(&disk, &path)
        })
        .await
    }
}

#[async_trait]
impl Recordings for FsRecordings {
    async fn put(
        &self,
        key: &AudioKey,
        bytes: Bytes,
        _media_type: &str,
        _subject: Option<&Subject>,
    ) -> Result<()> {
        self.on("storing a recording", key, move |disk, path| match disk.prepare(path, &bytes)? {
            PublishOutcome::Done => Ok(()),
            PublishOutcome::There(_) => Err(StorageError::Conflict { context: "storing a recording" }.into()),
        })
        .await
    }

    async fn get(&self, key: &AudioKey, range: Option<Range<u64>>) -> Result<Option<Audio>> {
        let opened = self.on("reading a recording", key, move |disk, path| {
            let Some(mut file) = disk.open(path)? else { return Ok(None) };
            let size = file.metadata()?.len();
            let range = range.unwrap_or(0..size);
            let (start, end) = (range.start.min(size), range.end.min(size));
            file.seek(SeekFrom::Start(start))?;
            Ok(Some((file, end.saturating_sub(start))))
        });
        let Some((file, len)) = opened.await? else { return Ok(None) };
        let file = tokio::fs::File::from_std(file).take(len);
        Ok(Some(Audio { bytes: ReaderStream::with_capacity(file, CHUNK).boxed(), len }))
    }

    async fn link(
        &self,
        _key: &AudioKey,
        _ttl: Duration,
        _file_name: Option<&str>,
    ) -> Result<Option<String>> {
        Ok(None)
    }

    async fn schedule_deletion(&self, key: &AudioKey, _case: &CaseKey) -> Result<()> {
        // Nothing to do, but a region that is down has not done it.
        self.on("reaching a region", key, |_, _| Ok(())).await
    }

    async fn cancel_deletion(&self, key: &AudioKey) -> Result<bool> {
        self.exists(key).await
    }

    async fn delete(&self, key: &AudioKey) -> Result<()> {
        self.on("deleting a recording", key, |disk, path| Ok(disk.take(path)?)).await
    }

    async fn exists(&self, key: &AudioKey) -> Result<bool> {
        self.on("looking for a recording", key, |disk, path| Ok(disk.has(path)?)).await
    }

    async fn ping(&self) -> Result<()> {
        let disk = self.disk.clone();
        ping("reaching a region", move || Ok(disk.mounted()?)).await
    }
}

#[cfg(test)]
#[path = "recordings_tests.rs"]
mod tests;
