//! `DynamoDB` for the metadata, in the master region of each tenant; S3 for the recordings, a bucket for each region.
//!
//! The table has the same name in each master region: keys `pk`, `sk`; a local index `folder` (`pk`, `f`, with `r_at`,
//! `urgent` and `w`); a global index `due` (`tenant`, `due`, keys only); time to live in `ttl`. All keys are text. Nothing is read
//! from the global index but which messages to look at, since it lags. Buckets have no versions, and a lifecycle rule on
//! the tag `forget=1`. What platforms drop lies in the same buckets, in `incoming/<tenant>/<mailbox>/<name>`, and in
//! `rejected/` where it can never be deposited. Clocks of hosts may differ by 2 minutes.

mod client;
mod drops;
mod fault;
mod kept;
mod layout;
mod messages;
mod metadata;
mod purge;
mod recordings;
mod records;
mod row;
mod s3;
mod start;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use domain::{Region, Tenant};
use futures::future::join_all;

use self::layout::{DropFolders, Layout};
use self::metadata::AwsMetadata;
pub use self::start::StartError;
use self::table::Table;
use crate::cloud::{RegionRecordings, of_contract, value_in_regions};
use crate::{CopyStore, DropKey, Drops, Result, Storage, TenantStorage};

/// A bucket, or a folder of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// The folder, without slashes at its ends; empty for the whole bucket.
    pub prefix: String,
}

/// The text names no bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a bucket is written as name or name/folder, with 3 to 63 of a-z 0-9 . - in its name")]
pub struct NotABucket;

impl FromStr for Bucket {
    type Err = NotABucket;

    fn from_str(text: &str) -> std::result::Result<Self, NotABucket> {
        let (name, prefix) = text.split_once('/').unwrap_or((text, ""));
        let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'.' | b'-');
        let prefix = prefix.trim_matches('/');
        let is_folder = prefix.bytes().all(|c| c.is_ascii_alphanumeric() || b"/._-".contains(&c));
        if !(3..=63).contains(&name.len()) || !name.bytes().all(plain) || !is_folder {
            return Err(NotABucket);
        }
        Ok(Self { name: name.to_owned(), prefix: prefix.to_owned() })
    }
}

/// Where everything lies.
#[derive(Debug, Clone)]
pub struct AwsSetup {
    /// The table's name, the same in each master region.
    pub table: String,
    /// The bucket of each region, those that tenants have left too.
    pub buckets: BTreeMap<Region, Bucket>,
    /// The master regions of all tenants.
    pub masters: BTreeSet<Region>,
    /// Another address for all of AWS; `None`: what `AWS_ENDPOINT_URL` says, else AWS itself.
    pub endpoint: Option<String>,
    /// A mounted file with keys, as the AWS tools have it, read again when keys are a minute old; `None`: what the SDK
    /// finds, which in a function is its role.
    pub credentials_file: Option<PathBuf>,
}

/// The storage of an installation on AWS.
#[derive(Debug, Clone)]
pub struct Aws(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    config: SdkConfig,
    setup: AwsSetup,
    /// What a tenant has in the buckets. A value, so that a program which never names S3 is linked without it.
    buckets: fn(&Shared, &Tenant) -> InBuckets,
    /// Whether it was looked at.
    stores: bool,
}

/// What a tenant has in the buckets, by region.
#[derive(Default)]
struct InBuckets {
    recordings: BTreeMap<Region, Arc<dyn RegionRecordings>>,
    drops: BTreeMap<Region, Arc<dyn Drops>>,
}

impl Aws {
    /// Opens the storage: connects to each region, and looks whether what is there can keep the promises of the
    /// contracts.
    ///
    /// # Errors
    /// It cannot, and what to change. A region that does not answer is told in the log alone.
    pub async fn open(setup: AwsSetup) -> std::result::Result<Self, StartError> {
        let aws = Self::with(setup, Shared::in_s3, true).await;
        aws.look().await?;
        Ok(aws)
    }

    /// The storage without a look at it, for those who neither store nor erase recordings.
    pub async fn trusted(setup: AwsSetup) -> Self {
        Self::with(setup, Shared::in_s3, false).await
    }

    /// The metadata alone, for those who work with no recording.
    pub async fn metadata(setup: AwsSetup) -> Self {
        Self::with(setup, |_, _| InBuckets::default(), false).await
    }

    /// Another table and other buckets, over the same connections. For tests, which make thousands.
    #[cfg(feature = "faults")]
    pub fn beside(&self, setup: AwsSetup) -> Self {
        let Shared { config, buckets, stores, .. } = self.0.as_ref();
        Self(Arc::new(Shared { config: config.clone(), setup, buckets: *buckets, stores: *stores }))
    }

    async fn with(setup: AwsSetup, buckets: fn(&Shared, &Tenant) -> InBuckets, stores: bool) -> Self {
        Self(Arc::new(Shared { config: client::shared(&setup).await, setup, buckets, stores }))
    }

    /// What is kept under a name: where master regions differ, one that is not this value. Where none is, it is this value,
    /// which is kept from now on by who opened the storage to store. One region that answers is enough.
    ///
    /// # Errors
    /// No table answers.
    pub async fn kept(&self, name: &str, value: &str) -> Result<String> {
        let Shared { setup, stores, .. } = self.0.as_ref();
        let asked = setup.masters.iter().map(|region| kept::kept(self.table(region), name, value, *stores));
        value_in_regions(value, join_all(asked).await)
    }

    fn table(&self, region: &Region) -> Table {
        let client = aws_sdk_dynamodb::Client::new(&client::in_region(&self.0.config, region));
        Table { client, name: self.0.setup.table.clone() }
    }
}

/// What AWS keeps where it is turned on: the template leaves all of it off, and an operator may not.
const COPY_STORES: [CopyStore; 3] = [
    CopyStore {
        name: "point-in-time recovery of the table, where it is turned on",
        kept: Some(Duration::from_hours(35 * 24)),
    },
    CopyStore {
        name: "streams of the table, where they are turned on",
        kept: Some(Duration::from_hours(24)),
    },
    CopyStore { name: "backups of the table and copies of the buckets, where there are any", kept: None },
];

impl Storage for Aws {
    fn tenant(&self, tenant: &Tenant) -> TenantStorage {
        let InBuckets { recordings, drops } = (self.0.buckets)(&self.0, tenant);
        let metadata = Arc::new(AwsMetadata {
            table: self.table(&tenant.master),
            layout: Layout::new(tenant.id.clone()),
            recordings: recordings.clone(),
        });
        TenantStorage { metadata, recordings: of_contract(&recordings), copy_stores: &COPY_STORES, drops }
    }

    fn drop_key(&self, bucket: &str, object: &str) -> Option<DropKey> {
        let mut buckets = self.0.setup.buckets.iter().filter(|(_, its)| its.name == bucket);
        buckets.find_map(|(region, its)| DropFolders::new(&its.prefix).parse(region, object))
    }
}
