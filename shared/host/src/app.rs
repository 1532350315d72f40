//! What every handler works with: the tenants, their storage, time and randomness.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::{BoxError, http::HeaderMap};
use domain::{BadName, Clock, Mailbox, MailboxId, Random, Region, Tenant, TenantId, TenantKey, Timestamp};
use identity::{Identity, Operation, Principal, Role, SignIn};
use storage::{DropKey, Drops, Metadata, Recordings, Storage, StorageError, TenantStorage, Versioned};
use web::{Code, Problem};

use crate::certificate_key::CertificateKey;
use crate::directory::Directory;
use crate::key_check::KeyCheck;

/// What an app is made of.
pub struct AppSetup {
    /// Its tenants.
    pub tenants: Vec<Tenant>,
    /// Where this process runs; deposits go there.
    pub here: Option<Region>,
    /// The installation's key of caller hashes.
    pub subject_key: Vec<u8>,
    /// From a delete to the purge.
    pub trash_window: Duration,
    /// From Forget Me to gone.
    pub erase_after: Duration,
    /// Who may sign in.
    pub identity: Identity,
    /// What signs certificates of erasure.
    pub certificate_key: CertificateKey,
    /// The backend.
    pub storage: Arc<dyn Storage>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
}

/// A running installation: the state of every router.
pub struct App {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Where this process runs.
    pub here: Option<Region>,
    /// From Forget Me to gone.
    pub erase_after: Duration,
    trash_window: Duration,
    identity: Identity,
    pub(crate) certificate_key: CertificateKey,
    tenants: BTreeMap<TenantId, Arc<Tenancy>>,
    ccids: BTreeMap<String, TenantId>,
    storage: Arc<dyn Storage>,
}

/// A tenant at work.
pub struct Tenancy {
    /// As configured.
    pub tenant: Tenant,
    key: TenantKey,
    key_check: Option<Arc<KeyCheck>>,
    /// Its mailboxes and groups.
    pub directory: Directory,
    /// Its storage.
    pub storage: TenantStorage,
}

/// A mailbox that the principal may work with.
#[derive(Clone)]
pub struct Access {
    /// Its tenant.
    pub tenancy: Arc<Tenancy>,
    /// The mailbox, at most some seconds old.
    pub mailbox: Versioned<Mailbox>,
}

impl App {
    /// An app of this setup.
    pub fn new(setup: AppSetup) -> Arc<Self> {
        Self::with_key_check(setup, None)
    }

    /// The same, with what must have passed before the subject key is used.
    pub(crate) fn with_key_check(setup: AppSetup, key_check: Option<KeyCheck>) -> Arc<Self> {
        let key_check = key_check.map(Arc::new);
        let tenancy = |tenant: Tenant| {
            let storage = setup.storage.tenant(&tenant);
            let directory = Directory::new(Arc::clone(&storage.metadata), Arc::clone(&setup.clock));
            let key = TenantKey::new(&setup.subject_key, &tenant.id);
            (
                tenant.id.clone(),
                Arc::new(Tenancy { tenant, key, key_check: key_check.clone(), directory, storage }),
            )
        };
        let ccids = setup.tenants.iter().map(|tenant| (tenant.ccid.clone(), tenant.id.clone())).collect();
        let tenants = setup.tenants.into_iter().map(tenancy).collect();
        Arc::new(Self {
            clock: setup.clock,
            random: setup.random,
            here: setup.here,
            trash_window: setup.trash_window,
            erase_after: setup.erase_after,
            identity: setup.identity,
            certificate_key: setup.certificate_key,
            tenants,
            ccids,
            storage: setup.storage,
        })
    }

    /// Signs a certificate of erasure as a compact JWS.
    ///
    /// # Errors
    /// What it says cannot be written as JSON.
    pub fn certify(&self, says: &impl serde::Serialize) -> Result<String, BoxError> {
        Ok(self.certificate_key.sign(says)?)
    }

    /// When a message that goes to the trash at `now` is purged, in whole seconds.
    pub fn trash_deadline(&self, now: Timestamp) -> Timestamp {
        now.plus(self.trash_window).up_to_second()
    }

    /// All tenants.
    pub fn tenants(&self) -> impl Iterator<Item = &Arc<Tenancy>> {
        self.tenants.values()
    }

    /// A tenant by its id.
    pub fn tenant(&self, id: &TenantId) -> Option<&Arc<Tenancy>> {
        self.tenants.get(id)
    }

    /// The drop of a tenant of this installation that an event of a bucket tells of.
    pub fn drop_key(&self, bucket: &str, object: &str) -> Option<DropKey> {
        self.storage.drop_key(bucket, object).filter(|key| self.tenants.contains_key(&key.tenant))
    }

    /// The tenant of this id, or else of this ccid.
    fn tenant_named(&self, name: &str) -> Option<TenantId> {
        let by_id = || self.tenants.get_key_value(&name.parse().ok()?).map(|(id, _)| id);
        by_id().or_else(|| self.ccids.get(name)).cloned()
    }

    /// The principal's tenant, once their role allows the operation.
    ///
    /// # Errors
    /// 403 for a role, a token without a tenant, or a tenant that is not configured.
    pub fn tenancy(&self, who: &Principal, operation: Operation) -> Result<&Arc<Tenancy>, Problem> {
        let tenant = who.tenant.as_ref().and_then(|tenant| self.tenants.get(tenant));
        let tenant = tenant
            .ok_or_else(|| Problem::new(Code::Forbidden, "Your token names no tenant of this service."))?;
        who.may(operation)?;
        Ok(tenant)
    }

    /// The tenant of a data protection request, once the principal's role allows it. A token without a tenant is good for
    /// the tenants that list its client (or user); `ccid` names which.
    ///
    /// # Errors
    /// 403 for a role, a `ccid` that contradicts the token, or one of a tenant that does not list the client.
    pub fn data_protection(
        &self,
        who: &Principal,
        operation: Operation,
        ccid: Option<&str>,
    ) -> Result<&Arc<Tenancy>, Problem> {
        let forbidden = || Problem::new(Code::Forbidden, "Your token is not good for this contact centre.");
        let named = |tenancy: &Tenancy| ccid.is_none_or(|ccid| tenancy.tenant.ccid == ccid);
        if who.tenant.is_some() {
            let tenancy = self.tenancy(who, operation)?;
            return if named(tenancy) { Ok(tenancy) } else { Err(forbidden()) };
        }
        let client = who.client.as_deref().unwrap_or(who.user.as_str());
        let lists = |tenancy: &Tenancy| tenancy.tenant.clients.iter().any(|listed| listed == client);
        let tenancy = self.tenants().find(|tenancy| ccid.is_some() && named(tenancy) && lists(tenancy));
        let tenancy = tenancy.ok_or_else(forbidden)?;
        who.may(operation)?;
        Ok(tenancy)
    }

    /// A mailbox, once the principal may do `operation` in it. One that is another tenant's, or that an agent does not
    /// belong to, looks exactly like one that does not exist.
    ///
    /// # Errors
    /// 403 as [`tenancy`](Self::tenancy), 404 for no such mailbox, 503 where the storage does not answer.
    pub async fn open(
        &self,
        who: &Principal,
        operation: Operation,
        mailbox: &str,
    ) -> Result<Access, Problem> {
        let tenancy = Arc::clone(self.tenancy(who, operation)?);
        let missing = || Problem::not_found("mailbox");
        let id: MailboxId = mailbox.parse().map_err(|_: BadName| missing())?;
        let everywhere = who.is(Role::Admin) || operation == Operation::Deposit;
        let admits = |found: Versioned<Mailbox>| async {
            let admits = everywhere || tenancy.directory.belongs(who, &found.value).await?;
            Ok::<_, StorageError>(admits.then_some(found))
        };
        let remembered = match tenancy.directory.mailbox(&id).await? {
            Some(found) => admits(found).await?,
            None => return Err(missing()),
        };
        let found = match remembered {
            Some(found) => Some(found),
            // Perhaps the mailbox was given to them a moment ago.
            None => match tenancy.directory.read_mailbox(&id).await? {
                Some(found) => admits(found).await?,
                None => None,
            },
        };
        let mailbox = found.ok_or_else(missing)?;
        Ok(Access { tenancy, mailbox })
    }
}

impl Tenancy {
    /// Its key, once the storage has said that it is the one before.
    ///
    /// # Errors
    /// 503 until the storage answers, 500 where the key is another.
    pub async fn key(&self) -> Result<&TenantKey, Problem> {
        if let Some(check) = &self.key_check {
            check.passed().await?;
        }
        Ok(&self.key)
    }

    /// Its metadata.
    pub fn metadata(&self) -> &dyn Metadata {
        self.storage.metadata.as_ref()
    }

    /// What is dropped for it, region by region; nothing where the storage takes no drops.
    pub fn drops(&self) -> impl Iterator<Item = (&Region, &dyn Drops)> {
        self.storage.drops.iter().map(|(region, drops)| (region, drops.as_ref()))
    }

    /// What is dropped for it in a region.
    pub fn drops_in(&self, region: &Region) -> Option<&dyn Drops> {
        self.storage.drops.get(region).map(AsRef::as_ref)
    }

    /// Its audio, region by region, without those that it has left.
    pub fn regions(&self) -> impl Iterator<Item = (&Region, &dyn Recordings)> {
        let recordings = &self.storage.recordings;
        self.tenant.regions.iter().filter_map(|region| Some((region, recordings.get(region)?.as_ref())))
    }
}

impl Access {
    /// The mailbox's id.
    pub fn id(&self) -> &MailboxId {
        &self.mailbox.value.id
    }

    /// The tenant's metadata.
    pub fn metadata(&self) -> &dyn Metadata {
        self.tenancy.metadata()
    }
}

impl SignIn for App {
    async fn sign_in(&self, headers: &HeaderMap) -> Result<Principal, Problem> {
        self.identity.verify(headers, self.clock.now(), &|name| self.tenant_named(name)).await
    }
}
