//! The contract of what telephony platforms drop into a tenant's storage in one region: recordings that are not deposited
//! yet, with the facts of their call beside them.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::{Region, TenantId, Timestamp};

use crate::error::Result;

/// The folder of drops.
pub const INCOMING: &str = "incoming";
/// The folder of drops that can never be messages.
pub const REJECTED: &str = "rejected";

/// Where a drop lies: `incoming/<tenant>/<mailbox>/<name>` in a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropKey {
    /// The tenant.
    pub tenant: TenantId,
    /// The region.
    pub region: Region,
    /// The mailbox as the platform names it, which may be no id.
    pub mailbox: String,
    /// The rest, as the platform likes it; it may name a caller, so it is never logged.
    pub name: String,
}

#[cfg(any(feature = "aws", feature = "azure"))]
impl DropKey {
    /// What follows the tenant in the name of a drop.
    pub(crate) fn below(&self) -> String {
        let Self { mailbox, name, .. } = self;
        if name.is_empty() { mailbox.clone() } else { format!("{mailbox}/{name}") }
    }

    /// The drop that an object is. What lies in no mailbox's folder is one that names no mailbox; what ends with a slash is a folder
    /// that a console made.
    pub(crate) fn parse(region: &Region, object: &str) -> Option<Self> {
        let (tenant, rest) = object.strip_prefix(INCOMING)?.strip_prefix('/')?.split_once('/')?;
        if rest.is_empty() || rest.ends_with('/') {
            return None;
        }
        let (mailbox, name) = rest.split_once('/').unwrap_or((rest, ""));
        let [mailbox, name] = [mailbox, name].map(str::to_owned);
        Some(Self { tenant: tenant.parse().ok()?, region: region.clone(), mailbox, name })
    }
}

/// What a drop is, but for its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropProperties {
    /// The facts of the call as sent, by the names `caller-id`, `caller-name` (percent-encoded UTF-8), `received-at`,
    /// `call-id` and `urgent`; any may be missing.
    pub facts: BTreeMap<String, String>,
    /// When it was dropped, by the storage's clock.
    pub at: Timestamp,
    /// The content's name: another as soon as something else is dropped at the same place.
    pub version: String,
    /// How many bytes.
    pub bytes: u64,
}

#[cfg(any(feature = "aws", feature = "azure"))]
impl DropProperties {
    /// The `ETag` of what was looked at: what follows the name in its version.
    pub(crate) fn etag(&self) -> &str {
        self.version.rsplit_once('#').map_or("", |(_, etag)| etag)
    }
}

/// A link that takes a recording, and what must be sent with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadLink {
    /// Where to `PUT` it, until the link ends.
    pub url: String,
    /// The headers to send as they are; they are signed.
    pub headers: BTreeMap<String, String>,
}

/// The drops of one tenant in one region. Every call is safe to repeat.
#[async_trait]
pub trait Drops: Send + Sync {
    /// What lies there. `None`: nothing, most likely as it was deposited.
    async fn look(&self, key: &DropKey) -> Result<Option<DropProperties>>;

    /// Its bytes, all of them. `None`: it is gone, or something else lies there by now.
    async fn read(&self, key: &DropKey, dropped: &DropProperties) -> Result<Option<Bytes>>;

    /// Takes it away, once it is deposited. What else lies there by now stays.
    async fn delete(&self, key: &DropKey, dropped: &DropProperties) -> Result<()>;

    /// Moves it to `rejected/<tenant>/<mailbox>/<name>`, with why beside it.
    async fn reject(&self, key: &DropKey, dropped: &DropProperties, reason: &str) -> Result<()>;

    /// Drops that came before `before`, at most `limit`: their event was lost, or their deposit failed.
    async fn waiting(&self, before: Timestamp, limit: usize) -> Result<Vec<DropKey>>;

    /// Deletes what was rejected before `before`. How many.
    async fn clear_rejected(&self, before: Timestamp) -> Result<u64>;

    /// A link that drops a recording of these facts there, and nothing else, for `ttl`. `None`: we may not sign one here.
    async fn upload(
        &self,
        key: &DropKey,
        facts: &BTreeMap<String, String>,
        ttl: Duration,
    ) -> Result<Option<UploadLink>>;
}
