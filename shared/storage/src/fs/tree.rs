//! The folders of a tenant: its metadata, and its recordings in each region.

use domain::Region;

use super::disk::Disk;

pub(super) struct Tree {
    pub(super) disk: Disk,
    pub(super) regions: Vec<(Region, Disk)>,
}
