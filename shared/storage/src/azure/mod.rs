//! Azure Blob Storage for everything, an account for each region: the metadata of a tenant in that of its master region, the
//! recordings where they were left.
//!
//! Each account has one container, without versions and soft delete, and a lifecycle policy on the tag `forget=1`. What
//! platforms drop lies there too, in `incoming/<tenant>/<mailbox>/<name>`, and in `rejected/` where it can never be
//! deposited. Clocks of hosts may differ by 2 minutes.

mod blobs;
mod client;
mod drops;
mod fault;
mod kept;
mod layout;
mod links;
mod messages;
mod metadata;
mod purge;
mod recordings;
mod records;
mod row;
mod sign;
mod start;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use azure_core::credentials::TokenCredential;
use azure_core::http::Url;
use azure_core::http::{ClientOptions, RetryOptions};
use azure_identity::{
    ManagedIdentityCredential, ManagedIdentityCredentialOptions, WorkloadIdentityCredential,
    WorkloadIdentityCredentialOptions,
};
use azure_storage_blob::{
    BlobContainerClient, BlobContainerClientOptions, BlobServiceClient, BlobServiceClientOptions,
};
use domain::{Region, Tenant};
use futures::future::join_all;

use self::blobs::Blobs;
use self::client::Connections;
use self::drops::BlobDrops;
use self::layout::Layout;
use self::links::{Links, Signer};
use self::metadata::AzureMetadata;
use self::recordings::BlobRecordings;
use self::sign::{Mounted, Signing};
pub use self::start::StartError;
use crate::cloud::{RegionRecordings, of_contract, value_in_regions};
use crate::{CopyStore, DropKey, Drops, Result, Storage, TenantStorage};

/// How an account lets us in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// By its key, in a file, read again when it was exchanged.
    Key(PathBuf),
    /// By a SAS of the container, in a file, read again when it was exchanged. It signs no links.
    Sas(PathBuf),
    /// By the identity of the workload, where its variables are set, else of the machine or the function.
    Identity,
}

/// A storage account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// How it lets us in.
    pub access: Access,
    /// Another address than that of the public cloud.
    pub endpoint: Option<String>,
    /// The container.
    pub container: String,
}

/// Where everything lies.
#[derive(Debug, Clone)]
pub struct AzureSetup {
    /// The account of each region, those that tenants have left too.
    pub accounts: BTreeMap<Region, Account>,
    /// The master regions of all tenants.
    pub masters: BTreeSet<Region>,
}

/// The storage of an installation on Azure.
#[derive(Clone)]
pub struct Azure(Arc<Shared>);

struct Shared {
    places: BTreeMap<Region, Place>,
    masters: BTreeSet<Region>,
    /// Whether it was looked at.
    stores: bool,
    #[cfg(feature = "faults")]
    connections: Connections,
}

/// A container of a region.
struct Place {
    blobs: Blobs,
    service: Arc<BlobServiceClient>,
    links: Links,
}

impl Azure {
    /// Opens the storage: connects to each region, makes containers that are missing, and looks whether what is there can
    /// keep the promises of the contracts.
    ///
    /// # Errors
    /// It cannot, and what to change. A region that does not answer is told in the log alone.
    pub async fn open(setup: &AzureSetup) -> std::result::Result<Self, StartError> {
        let azure = Self::with(setup, true)?;
        azure.look().await?;
        Ok(azure)
    }

    /// The storage without a look at it, for those who neither store nor erase recordings.
    ///
    /// # Errors
    /// What is given can be no account.
    pub fn trusted(setup: &AzureSetup) -> std::result::Result<Self, StartError> {
        Self::with(setup, false)
    }

    /// Other containers, over the same connections. For tests, which make thousands.
    ///
    /// # Errors
    /// What is given can be no account.
    #[cfg(feature = "faults")]
    pub fn beside(&self, setup: &AzureSetup) -> std::result::Result<Self, StartError> {
        Self::over(&self.0.connections, setup, self.0.stores)
    }

    fn with(setup: &AzureSetup, stores: bool) -> std::result::Result<Self, StartError> {
        let connections = Connections::new().map_err(|error| StartError::NoAuthorities(error.to_string()))?;
        Self::over(&connections, setup, stores)
    }

    fn over(
        connections: &Connections,
        setup: &AzureSetup,
        stores: bool,
    ) -> std::result::Result<Self, StartError> {
        let lacks = |region: &&Region| !setup.accounts.contains_key(*region);
        if let Some(region) = setup.masters.iter().find(lacks) {
            return Err(StartError::NoAccount(region.clone()));
        }
        let mut places = BTreeMap::new();
        for (region, account) in &setup.accounts {
            places.insert(region.clone(), place(region, account, connections)?);
        }
        Ok(Self(Arc::new(Shared {
            places,
            masters: setup.masters.clone(),
            stores,
            #[cfg(feature = "faults")]
            connections: connections.clone(),
        })))
    }

    /// What is kept under a name: where master regions differ, one that is not this value. Where none is, it is this value,
    /// which is kept from now on by who opened the storage to store. One region that answers is enough.
    ///
    /// # Errors
    /// No account answers.
    pub async fn kept(&self, name: &str, value: &str) -> Result<String> {
        let Shared { places, masters, stores, .. } = self.0.as_ref();
        let name = layout::kept(name);
        let asked = masters.iter().filter_map(|region| places.get(region));
        let asked = asked.map(|place| kept::kept(&place.blobs, &name, value, *stores));
        value_in_regions(value, join_all(asked).await)
    }
}

/// The clients of an account.
fn place(
    region: &Region,
    account: &Account,
    connections: &Connections,
) -> std::result::Result<Place, StartError> {
    let no_access = |error: azure_core::Error| StartError::NoAccess(region.clone(), error.to_string());
    let address =
        account.endpoint.clone().unwrap_or_else(|| format!("https://{}.blob.core.windows.net", account.name));
    let address = address.trim_end_matches('/');
    let parse = |text: String| Url::parse(&text).map_err(|_| StartError::NoAddress(region.clone(), text));
    let (service, container) =
        (parse(address.to_owned())?, parse(format!("{address}/{}", account.container))?);
    let mut options = connections.options();
    let (credential, signing) = match &account.access {
        Access::Key(file) => {
            (None, Some(Signing::Key { account: account.name.clone(), key: Mounted::new(file) }))
        }
        Access::Sas(file) => (None, Some(Signing::Sas(Mounted::new(file)))),
        Access::Identity => (Some(identity(connections).map_err(no_access)?), None),
    };
    if let Some(signing) = &signing {
        options.per_try_policies.push(Arc::new(signing.clone()));
    }
    let client = |options: ClientOptions| {
        let options = BlobContainerClientOptions { client_options: options, ..Default::default() };
        BlobContainerClient::new(container.clone(), credential.clone(), Some(options))
            .map(Arc::new)
            .map_err(no_access)
    };
    let hasty = ClientOptions { retry: RetryOptions::none(), ..options.clone() };
    let blobs = Blobs { client: client(options.clone())?, hasty: client(hasty)? };
    let options = BlobServiceClientOptions { client_options: options, ..Default::default() };
    let service = BlobServiceClient::new(service, credential.clone(), Some(options))
        .map(Arc::new)
        .map_err(no_access)?;
    let signer = match signing {
        Some(signing) => Signer::Requests(signing),
        None => Signer::Identity(service.clone(), Arc::default()),
    };
    let links = Links {
        account: account.name.clone(),
        container: account.container.clone(),
        blobs: blobs.clone(),
        signer,
    };
    Ok(Place { blobs, service, links })
}

/// The identity of the workload, where Kubernetes has said which, else of the machine or the function.
fn identity(connections: &Connections) -> azure_core::Result<Arc<dyn TokenCredential>> {
    let client_options = connections.options();
    if std::env::var_os("AZURE_FEDERATED_TOKEN_FILE").is_some() {
        let mut options = WorkloadIdentityCredentialOptions::default();
        options.credential_options.client_options = client_options;
        return Ok(WorkloadIdentityCredential::new(Some(options))?);
    }
    let options = ManagedIdentityCredentialOptions { client_options, ..Default::default() };
    Ok(ManagedIdentityCredential::new(Some(options))?)
}

/// What Azure keeps where it is turned on: the template leaves all of it off, and an operator may not.
const COPY_STORES: [CopyStore; 2] = [
    CopyStore {
        name: "backups of the accounts and replicas of their blobs, where there are any",
        kept: None,
    },
    CopyStore {
        name: "diagnostic logs of the accounts, which name blobs, where they are turned on",
        kept: None,
    },
];

impl Storage for Azure {
    #[expect(clippy::expect_used, reason = "what was opened has an account for each master")]
    fn tenant(&self, tenant: &Tenant) -> TenantStorage {
        let layout = Layout::new(tenant.id.clone());
        let master = self.0.places.get(&tenant.master).expect("an account of a master region");
        let (mut recordings, mut drops) = (BTreeMap::new(), BTreeMap::new());
        for (region, Place { blobs, links, .. }) in &self.0.places {
            let its = BlobRecordings { blobs: blobs.clone(), layout: layout.clone(), links: links.clone() };
            let BlobRecordings { blobs, layout, links } = its.clone();
            recordings.insert(region.clone(), Arc::new(its) as Arc<dyn RegionRecordings>);
            let its: Arc<dyn Drops> = Arc::new(BlobDrops { region: region.clone(), blobs, layout, links });
            drops.insert(region.clone(), its);
        }
        let of_contract = of_contract(&recordings);
        let metadata = Arc::new(AzureMetadata { blobs: master.blobs.clone(), layout, recordings });
        TenantStorage { metadata, recordings: of_contract, copy_stores: &COPY_STORES, drops }
    }

    /// The bucket is `<account>/<container>`.
    fn drop_key(&self, bucket: &str, object: &str) -> Option<DropKey> {
        let (account, container) = bucket.split_once('/')?;
        let is_its = |links: &Links| links.account == account && links.container == container;
        let (region, _) = self.0.places.iter().find(|(_, place)| is_its(&place.links))?;
        DropKey::parse(region, object)
    }
}
