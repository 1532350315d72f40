//! Work on files, on threads that may wait.

use std::io;

use crate::error::{Result, StorageError};

/// Why work on files was not done.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) enum Fault {
    Io(#[from] io::Error),
    Storage(#[from] StorageError),
}

/// What a run of steps returns.
pub(super) type FsResult<T> = std::result::Result<T, Fault>;

/// Runs steps, one after the other, on a thread that may wait. Begun is done: it runs to its end even when nobody waits
/// for it any more.
pub(super) async fn run<T: Send + 'static>(
    context: &'static str,
    work: impl FnOnce() -> FsResult<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(Fault::Io(error))) => Err(StorageError::unavailable(context, error)),
        Ok(Err(Fault::Storage(error))) => Err(error),
        Err(stopped) => Err(StorageError::unavailable(context, stopped)),
    }
}
