//! The storage that is configured, and the keys of an installation: given, or kept with the storage.

#[cfg(feature = "fs")]
use std::path::PathBuf;
use std::sync::Arc;

#[cfg(feature = "aws")]
use futures::FutureExt as _;
#[cfg(feature = "aws")]
use futures::future::BoxFuture;
#[cfg(feature = "aws")]
use storage::aws::{Aws, AwsSetup, StartError};
#[cfg(feature = "azure")]
use storage::azure::{Azure, AzureSetup};
#[cfg(feature = "fs")]
use storage::fs::{Fs, Setup};
use storage::{Storage, StorageError};

use crate::config::{Config, StorageKind};
use crate::function::BoxError;
use crate::secret::Secret;

/// What a program uses of a storage. How it is opened is a value, so that a program is linked with nothing that it does
/// not use: all of S3, for most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Uses {
    #[cfg(feature = "aws")]
    aws: fn(AwsSetup) -> BoxFuture<'static, Result<Aws, StartError>>,
    /// Whether it stores and erases recordings, so that it looks at the storage first.
    #[cfg(feature = "azure")]
    stores: bool,
}

impl Uses {
    /// No recordings.
    pub(crate) const METADATA: Self = Self {
        #[cfg(feature = "aws")]
        aws: |setup| Aws::metadata(setup).map(Ok).boxed(),
        #[cfg(feature = "azure")]
        stores: false,
    };
    /// Recordings that are there.
    pub(crate) const RECORDINGS: Self = Self {
        #[cfg(feature = "aws")]
        aws: |setup| Aws::trusted(setup).map(Ok).boxed(),
        #[cfg(feature = "azure")]
        stores: false,
    };
    /// Recordings, to store and erase them.
    pub(crate) const STORE: Self = Self {
        #[cfg(feature = "aws")]
        aws: |setup| Aws::open(setup).boxed(),
        #[cfg(feature = "azure")]
        stores: true,
    };
}

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
    /// Opens what is configured, for a program that uses no more of it than this.
    #[cfg_attr(
        not(any(feature = "aws", feature = "azure")),
        expect(unused_variables, reason = "files need no client that could be left out")
    )]
    pub(crate) async fn open(config: &Config, uses: Uses) -> Result<Self, BoxError> {
        match config.storage {
            #[cfg(feature = "fs")]
            StorageKind::Fs => {
                let setup = if config.set_up { Setup::Auto } else { Setup::Never };
                let fs = Fs::open(&config.data, setup, &config.regions()).await?;
                Ok(Self::Fs { fs, data: config.data.clone() })
            }
            #[cfg(feature = "aws")]
            StorageKind::Aws => {
                let places = config.aws.clone().ok_or("VOICEMAIL_TABLE and VOICEMAIL_BUCKETS are not set")?;
                let setup = AwsSetup {
                    table: places.table,
                    buckets: places.buckets,
                    masters: config.tenants.iter().map(|tenant| tenant.master.clone()).collect(),
                    endpoint: None,
                    credentials_file: std::env::var_os("AWS_SHARED_CREDENTIALS_FILE").map(Into::into),
                };
                Ok(Self::Aws((uses.aws)(setup).await?))
            }
            #[cfg(feature = "azure")]
            StorageKind::Azure => {
                let setup = AzureSetup {
                    accounts: config.azure.clone().ok_or("VOICEMAIL_AZURE is not set")?,
                    masters: config.tenants.iter().map(|tenant| tenant.master.clone()).collect(),
                };
                let azure = if uses.stores { Azure::open(&setup).await? } else { Azure::trusted(&setup)? };
                Ok(Self::Azure(azure))
            }
        }
    }

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
                let least = crate::secret::LEAST_SECRET;
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
