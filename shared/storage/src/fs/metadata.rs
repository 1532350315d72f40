//! The metadata of a tenant: each call of the contract is one run of steps on a thread that may wait.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::Region;

use super::blocking::{FsResult, run};
use super::disk::Disk;
use crate::{Metadata, Result, StorageError};

/// How long a volume may take to say that it is there.
const PING: Duration = Duration::from_secs(2);

/// The folders of a tenant: its metadata, and its recordings in each region.
pub(super) struct Tree {
    pub(super) disk: Disk,
    pub(super) regions: Vec<(Region, Disk)>,
}

/// The metadata of a tenant.
pub(super) struct FsMetadata(pub(super) Arc<Tree>);

impl FsMetadata {
    pub(super) async fn on<T: Send + 'static>(
        &self,
        context: &'static str,
        work: impl FnOnce(&Disk) -> FsResult<T> + Send + 'static,
    ) -> Result<T> {
        let tree = self.0.clone();
        run(context, move || work(&tree.disk)).await
    }
}

#[async_trait]
impl Metadata for FsMetadata {
    async fn ping(&self) -> Result<()> {
        let tree = self.0.clone();
        ping("reaching the master region", move || Ok(tree.disk.mounted()?)).await
    }
}

/// Asks whether a volume is there, without waiting for one that hangs.
pub(super) async fn ping(
    context: &'static str,
    work: impl FnOnce() -> FsResult<()> + Send + 'static,
) -> Result<()> {
    let answer = tokio::time::timeout(PING, run(context, work)).await;
    answer.unwrap_or_else(|late| Err(StorageError::unavailable(context, late)))
}
