//! An open storage, and the keys of an installation: given, or kept with the storage.

#[cfg(feature = "fs")]
use std::path::PathBuf;
use std::sync::Arc;

use axum::BoxError;
use identity::Secret;
#[cfg(feature = "aws")]
use storage::aws::Aws;
#[cfg(feature = "azure")]
use storage::azure::Azure;
#[cfg(feature = "fs")]
use storage::fs::Fs;
use storage::{Storage, StorageError};

/// An open storage.
#[derive(Clone)]
pub(crate) enum Backend {
    /// Plain files.
    #[cfg(feature = "fs")]
    Fs {
        /// The store.
        fs: Fs,
        /// Its folder.
        data: PathBuf,
    },
    /// S3 and `DynamoDB`.
    #[cfg(feature = "aws")]
    Aws(Aws),
    /// Blob Storage.
    #[cfg(feature = "azure")]
    Azure(Azure),
}

impl Backend {
    /// A key: the one that is given, else the one that the storage keeps, made now if there is none.
    #[cfg_attr(
        not(feature = "fs"),
        expect(clippy::unused_async, reason = "only a storage that keeps keys is waited for")
    )]
    pub(crate) async fn key(
        &self,
        name: &'static str,
        given: Option<Secret>,
        make: impl FnOnce() -> Vec<u8>,
    ) -> Result<Secret, BoxError> {
        if let Some(given) = given {
            return Ok(given);
        }
        match self {
            #[cfg(feature = "fs")]
            Self::Fs { fs, data } => {
                let key = zeroize::Zeroizing::new(fs.key(name, make).await?);
                let file = data.join("keys").join(name);
                tracing::info!(file = %file.display(), "{name} is not configured and is kept here");
                let least = identity::MIN_SECRET_BYTES;
                Secret::value(&key, least).map_err(|fault| format!("{name} {fault}").into())
            }
            #[cfg(any(feature = "aws", feature = "azure"))]
            _ => {
                drop(make);
                Err(format!("{name} is not configured, and this storage keeps no keys").into())
            }
        }
    }

    /// What is kept under a name: this value, where none was kept before.
    pub(crate) async fn kept(&self, name: &str, value: &str) -> Result<String, StorageError> {
        match self {
            #[cfg(feature = "fs")]
            Self::Fs { fs, .. } => {
                let kept = fs.key(name, || value.as_bytes().to_vec()).await?;
                Ok(String::from_utf8_lossy(&kept).into_owned())
            }
            #[cfg(feature = "aws")]
            Self::Aws(aws) => aws.kept(name, value).await,
            #[cfg(feature = "azure")]
            Self::Azure(azure) => azure.kept(name, value).await,
        }
    }

    /// The storage itself.
    pub(crate) fn storage(&self) -> Arc<dyn Storage> {
        match self {
            #[cfg(feature = "fs")]
            Self::Fs { fs, .. } => Arc::new(fs.clone()),
            #[cfg(feature = "aws")]
            Self::Aws(aws) => Arc::new(aws.clone()),
            #[cfg(feature = "azure")]
            Self::Azure(azure) => Arc::new(azure.clone()),
        }
    }
}
