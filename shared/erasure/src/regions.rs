//! The regions of a tenant: the master first, all of them up or nothing done.

use domain::Region;
use futures::future::join_all;
use storage::StorageError;

use crate::tenant::Erasure;

/// How a region is.
#[derive(Debug)]
pub struct RegionState {
    /// Its name.
    pub region: Region,
    /// Whether the metadata is there.
    pub master: bool,
    /// Why it is down.
    pub fault: Option<StorageError>,
}

/// A region that does not answer.
#[derive(Debug, thiserror::Error)]
#[error("the region {region} does not answer")]
pub struct RegionDown {
    /// Its name: the first, where several are down.
    pub region: Region,
    /// Why.
    #[source]
    pub cause: StorageError,
}

impl Erasure<'_> {
    /// The tenant's regions, the master first.
    pub fn regions(&self) -> impl Iterator<Item = &Region> {
        let master = &self.tenant.master;
        std::iter::once(master).chain(self.tenant.regions.iter().filter(move |region| *region != master))
    }

    /// How each region is, asked at once. The master is up where both its metadata and its recordings answer.
    pub async fn region_states(&self) -> Vec<RegionState> {
        join_all(self.regions().map(|region| async move {
            let master = *region == self.tenant.master;
            let recordings = async { self.storage.recordings_in(region)?.ping().await };
            let metadata = async { if master { self.metadata().ping().await } else { Ok(()) } };
            let (metadata, recordings) = futures::join!(metadata, recordings);
            RegionState { region: region.clone(), master, fault: metadata.and(recordings).err() }
        }))
        .await
    }

    /// Whether every region answers.
    ///
    /// # Errors
    /// The first that does not.
    pub async fn all_up(&self) -> Result<(), RegionDown> {
        let down =
            self.region_states().await.into_iter().find_map(|state| Some((state.region, state.fault?)));
        down.map_or(Ok(()), |(region, cause)| Err(RegionDown { region, cause }))
    }
}
