//! The audio of one region in memory.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::{AudioKey, CaseKey, Region, Subject};
use futures::StreamExt as _;
use storage::{Recordings, Result, StorageError};

use super::state::State;

pub(super) struct Audio {
    pub(super) state: Arc<Mutex<State>>,
    pub(super) region: Region,
}

impl Audio {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn key(&self, key: &AudioKey) -> (Region, AudioKey) {
        (self.region.clone(), key.clone())
    }
}

#[async_trait]
impl Recordings for Audio {
    async fn put(&self, key: &AudioKey, bytes: Bytes, _: &str, _: Option<&Subject>) -> Result<()> {
        match self.lock().audio.entry(self.key(key)).or_insert_with(|| bytes.clone()) {
            there if *there == bytes => Ok(()),
            _ => Err(StorageError::Conflict { context: "a recording" }),
        }
    }

    async fn get(&self, key: &AudioKey, range: Option<Range<u64>>) -> Result<Option<storage::Audio>> {
        let Some(bytes) = self.lock().audio.get(&self.key(key)).cloned() else { return Ok(None) };
        let range = range.map_or(0..bytes.len(), |range| {
            usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()
        });
        let len = u64::try_from(range.len()).unwrap();
        let bytes = futures::stream::iter([Ok(bytes.slice(range))]).boxed();
        Ok(Some(storage::Audio { bytes, len }))
    }

    async fn link(&self, _: &AudioKey, _: Duration, _: Option<&str>) -> Result<Option<String>> {
        Ok(None)
    }

    async fn schedule_deletion(&self, _: &AudioKey, _: &CaseKey) -> Result<()> {
        Ok(())
    }

    async fn cancel_deletion(&self, key: &AudioKey) -> Result<bool> {
        self.exists(key).await
    }

    async fn delete(&self, key: &AudioKey) -> Result<()> {
        self.lock().audio.remove(&self.key(key));
        Ok(())
    }

    async fn exists(&self, key: &AudioKey) -> Result<bool> {
        Ok(self.lock().audio.contains_key(&self.key(key)))
    }

    async fn ping(&self) -> Result<()> {
        Ok(())
    }
}
