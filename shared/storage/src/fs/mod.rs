//! Plain files on a volume, also on NFS, for several processes and clusters at once: no locks, no database.
//!
//! ```text
//! <root>/store.json                         the regions that were set up; shows that the volume is mounted
//! <root>/keys/<name>                        keys that were made at the first start
//! <root>/tenants/<tenant>/…                 the metadata
//! <root>/recordings/<region>/region.json    shows that the region's volume is mounted
//! <root>/recordings/<region>/<tenant>/<mailbox>/<id>.<attempt>.<extension>
//! ```
//!
//! A volume must tell upper case from lower case and have hard links that never replace a file; the start looks. On NFS
//! mount it with `nfsvers=4.1,hard,lookupcache=positive`, never with `soft`, `nocto` or an `async` export. Hosts' clocks
//! may differ by 2 minutes.

mod blocking;
mod cases;
mod chain;
mod deposits;
mod disk;
mod generations;
mod layout;
mod look;
mod mailboxes;
mod messages;
mod metadata;
mod purge;
mod recordings;
mod start;
mod stored;
mod take;
mod takings;
mod tidy;
mod volume;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::{Region, Tenant};

use self::blocking::run;
use self::disk::{Disk, PublishOutcome};
use self::metadata::{FsMetadata, Tree};
use self::recordings::FsRecordings;
pub use self::start::StartError;
use self::start::{RECORDINGS, REGION, STORE, TENANTS};
use self::volume::Volume;
#[cfg(feature = "faults")]
pub use self::volume::{Faults, Step};
use crate::{CopyStore, Recordings, Result, Storage, StorageError, TenantStorage};

/// Whether a root without a store is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setup {
    /// It is made, and becomes a new store.
    Auto,
    /// It is a volume that is not mounted, and refused. A region that is new to a store is still set up.
    Never,
}

/// The service keeps none, and knows nothing of those of the volume.
const COPY_STORES: [CopyStore; 1] =
    [CopyStore { name: "snapshots and backups of the volume, where there are any", kept: None }];

/// A store on a volume.
#[derive(Debug, Clone)]
pub struct Fs(Arc<Store>);

#[derive(Debug)]
struct Store {
    root: PathBuf,
    regions: BTreeSet<Region>,
    volume: Volume,
}

impl Fs {
    /// Opens the store at `root`, or sets it up, with these regions. A region that was set up before and whose folder
    /// has lost its marker is down, and never made again: its volume is not mounted.
    ///
    /// # Errors
    /// The volume refuses, is not mounted, or cannot keep the promises of a store.
    pub async fn open(
        root: &Path,
        setup: Setup,
        regions: &BTreeSet<Region>,
    ) -> std::result::Result<Self, StartError> {
        let (root, wanted) = (root.to_owned(), regions.clone());
        let place = root.clone();
        let opened = tokio::task::spawn_blocking(move || {
            let regions = start::open(&root, setup, &wanted)?;
            Ok(Self(Arc::new(Store { root, regions, volume: Volume::default() })))
        });
        opened.await.unwrap_or_else(|stopped| {
            Err(StartError::Refused("cannot open", place, std::io::Error::other(stopped)))
        })
    }

    /// The same store, each of whose steps on the volume may be broken. For tests.
    #[cfg(feature = "faults")]
    pub fn broken_by(&self, faults: Arc<dyn Faults>) -> Self {
        let Store { root, regions, .. } = &*self.0;
        let volume = Volume { faults: Some(faults) };
        Self(Arc::new(Store { root: root.clone(), regions: regions.clone(), volume }))
    }

    /// The key of this name, made by `make` at its first use. Of processes that start together all get the same one.
    /// Readable by the owner of the store alone.
    ///
    /// # Errors
    /// The name cannot be that of a file, or the volume did not answer.
    pub async fn key(&self, name: &str, make: impl FnOnce() -> Vec<u8>) -> Result<Vec<u8>> {
        let is_plain =
            !name.starts_with('.') && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        if name.is_empty() || !is_plain {
            return Err(StorageError::Corrupt { context: "the name of a key".to_owned() });
        }
        let path = format!("keys/{name}");
        let read = {
            let (disk, path) = (self.root(), path.clone());
            run("reading a key", move || Ok(disk.read(&path)?)).await?
        };
        if let Some(key) = read {
            return Ok(key);
        }
        let (disk, new) = (self.root(), make());
        run("storing a key", move || {
            Ok(match disk.publish_secret(&path, &new)? {
                PublishOutcome::Done => new,
                PublishOutcome::There(first) => first,
            })
        })
        .await
    }

    fn root(&self) -> Disk {
        self.disk(self.0.root.clone(), self.0.root.join(STORE))
    }

    fn metadata(&self, tenant: &Tenant) -> FsMetadata {
        let disk = self.disk(self.0.root.join(TENANTS).join(tenant.id.as_str()), self.0.root.join(STORE));
        let regions = self.regions(tenant).map(|region| (region.clone(), self.region(tenant, region)));
        FsMetadata(Arc::new(Tree { disk, regions: regions.collect() }))
    }

    /// The tenant's regions, and those that it has left: its recordings may lie there until they are purged.
    fn regions<'a>(&'a self, tenant: &'a Tenant) -> impl Iterator<Item = &'a Region> {
        self.0.regions.iter().chain(&tenant.regions).collect::<BTreeSet<_>>().into_iter()
    }

    fn region(&self, tenant: &Tenant, region: &Region) -> Disk {
        let folder = self.0.root.join(RECORDINGS).join(region.as_str());
        self.disk(folder.join(tenant.id.as_str()), folder.join(REGION))
    }

    fn disk(&self, top: PathBuf, marker: PathBuf) -> Disk {
        Disk::new(top, marker, self.0.volume.clone())
    }
}

impl Storage for Fs {
    fn tenant(&self, tenant: &Tenant) -> TenantStorage {
        let recordings = self.regions(tenant).map(|region| {
            let recordings: Arc<dyn Recordings> = Arc::new(FsRecordings::new(self.region(tenant, region)));
            (region.clone(), recordings)
        });
        TenantStorage {
            metadata: Arc::new(self.metadata(tenant)),
            recordings: recordings.collect(),
            copy_stores: &COPY_STORES,
            drops: BTreeMap::new(),
        }
    }
}

#[cfg(test)]
mod testing;
