//! The clients of S3, and what a tenant has there. Who works with metadata alone names nothing of it.

use std::sync::Arc;

use domain::{Region, Tenant};

use super::drops::S3Drops;
use super::layout::{DropFolders, Prefix};
use super::recordings::S3Recordings;
use super::{InBuckets, Shared, client};

impl Shared {
    pub(super) fn s3(&self, region: &Region) -> aws_sdk_s3::Client {
        // An address that is not AWS's own has no name for each bucket.
        let has_address = self.config.endpoint_url().is_some();
        let config = aws_sdk_s3::config::Builder::from(&client::in_region(&self.config, region));
        aws_sdk_s3::Client::from_conf(config.force_path_style(has_address).build())
    }

    /// The recordings and drops of a tenant.
    pub(super) fn in_s3(&self, tenant: &Tenant) -> InBuckets {
        let mut all = InBuckets::default();
        for (region, its) in &self.setup.buckets {
            let recordings = S3Recordings {
                client: self.s3(region),
                bucket: its.name.clone(),
                prefix: Prefix::new(&its.prefix, &tenant.id),
            };
            let drops = S3Drops {
                client: recordings.client.clone(),
                bucket: its.name.clone(),
                region: region.clone(),
                tenant: tenant.id.clone(),
                folders: DropFolders::new(&its.prefix),
            };
            all.recordings.insert(region.clone(), Arc::new(recordings));
            all.drops.insert(region.clone(), Arc::new(drops));
        }
        all
    }
}
