//! How a program opens the storage that is configured.

use axum::BoxError;
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

use crate::backend::Backend;
use crate::config::{Config, StorageKind};

/// What a program uses of a storage. How it is opened is a value, so that a program is linked with nothing that it does
/// not use: all of S3, for most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StorageUse {
    #[cfg(feature = "aws")]
    aws: fn(AwsSetup) -> BoxFuture<'static, Result<Aws, StartError>>,
    /// Whether it stores and erases recordings, so that it looks at the storage first.
    #[cfg(feature = "azure")]
    stores: bool,
}

impl StorageUse {
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

    /// Opens the storage that is configured, for a program that uses no more of it than this.
    #[cfg_attr(
        not(any(feature = "aws", feature = "azure")),
        expect(clippy::unused_self, reason = "files need no client that could be left out")
    )]
    pub(crate) async fn open(self, config: &Config) -> Result<Backend, BoxError> {
        match config.storage {
            #[cfg(feature = "fs")]
            StorageKind::Fs => {
                let setup = if config.set_up { Setup::Auto } else { Setup::Never };
                let fs = Fs::open(&config.data, setup, &config.regions()).await?;
                Ok(Backend::Fs { fs, data: config.data.clone() })
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
                Ok(Backend::Aws((self.aws)(setup).await?))
            }
            #[cfg(feature = "azure")]
            StorageKind::Azure => {
                let setup = AzureSetup {
                    accounts: config.azure.clone().ok_or("VOICEMAIL_AZURE is not set")?,
                    masters: config.tenants.iter().map(|tenant| tenant.master.clone()).collect(),
                };
                let azure = if self.stores { Azure::open(&setup).await? } else { Azure::trusted(&setup)? };
                Ok(Backend::Azure(azure))
            }
        }
    }
}
