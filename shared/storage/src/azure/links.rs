//! Links that play a recording or take a drop, for minutes: a SAS of one blob, signed with the account's key, or with one
//! that the identity is given for a day. Who has a SAS alone cannot sign another.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use azure_core::http::Url;
use azure_core::time::OffsetDateTime;
use azure_storage_blob::BlobServiceClient;
use azure_storage_blob::models::KeyInfo;
use azure_storage_common::models::UserDelegationKey;
use azure_storage_sas::{SasBuilder, SasProtocol};
use tokio::sync::Mutex;

use super::blobs::Blobs;
use super::fault::fault;
use super::sign::Signing;
use crate::Result;
use crate::offered_as;

/// The version whose rules a link is signed by: "Create a service SAS" of the documentation of Azure Storage.
const VERSION: &str = "2020-12-06";
/// How long a key of the identity is asked for, and how much of that must be left when it is used.
const KEY_LIFETIME: Duration = Duration::from_hours(24);
const MIN_KEY_LIFETIME_LEFT: Duration = Duration::from_hours(12);
/// Since when it is good: a host of the service whose clock is behind must not find that it is not good yet.
const KEY_CLOCK_SKEW: Duration = Duration::from_mins(15);

/// Who signs links.
#[derive(Clone)]
pub(super) enum Signer {
    /// Who signs the requests.
    Requests(Signing),
    /// The identity, by keys that it asks for.
    Identity(Arc<BlobServiceClient>, Arc<Mutex<Option<(OffsetDateTime, UserDelegationKey)>>>),
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requests(signing) => signing.fmt(f),
            Self::Identity(..) => f.write_str("Identity"),
        }
    }
}

/// What signs the links of a container.
#[derive(Debug, Clone)]
pub(super) struct Links {
    pub(super) account: String,
    pub(super) container: String,
    pub(super) blobs: Blobs,
    pub(super) signer: Signer,
}

/// What a link allows.
#[derive(Debug, Clone, Copy)]
enum Allows {
    Read,
    /// To write what is not there yet.
    Create,
}

impl Links {
    /// A link that plays a recording, offered under a name where that is given.
    pub(super) async fn to_play(
        &self,
        name: &str,
        ttl: Duration,
        file_name: Option<&str>,
    ) -> Result<Option<String>> {
        self.sign("signing a link", name, Allows::Read, ttl, file_name.map(offered_as)).await
    }

    /// A link that takes a drop.
    pub(super) async fn to_drop(&self, name: &str, ttl: Duration) -> Result<Option<String>> {
        self.sign("signing an upload", name, Allows::Create, ttl, None).await
    }

    async fn sign(
        &self,
        context: &'static str,
        name: &str,
        allows: Allows,
        ttl: Duration,
        disposition: Option<String>,
    ) -> Result<Option<String>> {
        let expiry = OffsetDateTime::now_utc() + ttl;
        let mut url = self.blobs.client.blob_client(name).url().clone();
        let query = match &self.signer {
            Signer::Requests(signing) => {
                self.with_key(signing, name, allows, expiry, disposition).await.map_err(fault(context))?
            }
            Signer::Identity(service, kept) => {
                let key = delegated(service, kept).await.map_err(fault(context))?;
                let sas = SasBuilder::new(&*self.account, &key, expiry).map_err(fault(context))?;
                // An identity is asked over https alone, so that its links are, too.
                let sas = sas.protocol(SasProtocol::Https).blob(&*self.container, name);
                let sas = match allows {
                    Allows::Read => sas.read(),
                    Allows::Create => sas.create(),
                };
                let sas =
                    disposition.into_iter().fold(sas, azure_storage_sas::SasBuilder::content_disposition);
                Some(sas.build())
            }
        };
        let Some(query) = query else { return Ok(None) };
        url.set_query(Some(&query));
        Ok(Some(String::from(url)))
    }

    /// The query of a link that is signed with the account's key.
    async fn with_key(
        &self,
        signing: &Signing,
        name: &str,
        allows: Allows,
        expiry: OffsetDateTime,
        disposition: Option<String>,
    ) -> azure_core::Result<Option<String>> {
        let permissions = match allows {
            Allows::Read => "r",
            Allows::Create => "c",
        };
        let expiry = seconds(expiry);
        let resource = format!("/blob/{}/{}/{name}", self.account, self.container);
        // As its address is, so that no secret of a link is sent in the clear.
        let protocol = if self.blobs.client.url().scheme() == "https" { "https" } else { "https,http" };
        let disposition = disposition.unwrap_or_default();
        // Start, identifier, addresses, snapshot, encryption scope and all headers but one are not said.
        let text = format!(
            "{permissions}\n\n{expiry}\n{resource}\n\n\n{protocol}\n{VERSION}\nb\n\n\n\n{disposition}\n\n\n"
        );
        let Some(signature) = signing.sign(&text).await? else { return Ok(None) };
        let mut url = Url::parse("https://sas.invalid/")?;
        let said = [
            ("sv", VERSION),
            ("se", &expiry),
            ("sr", "b"),
            ("sp", permissions),
            ("spr", protocol),
            ("rscd", &disposition),
            ("sig", &signature),
        ];
        url.query_pairs_mut().extend_pairs(said.into_iter().filter(|(_, value)| !value.is_empty()));
        // A space is `%20` to Azure.
        Ok(url.query().map(|query| query.replace('+', "%20")))
    }
}

/// A time as links have it, in whole seconds.
fn seconds(time: OffsetDateTime) -> String {
    let millis = time.unix_timestamp() * 1000;
    let text = domain::Timestamp::from_millis(millis).to_string();
    format!("{}Z", text.split(['.', 'Z']).next().unwrap_or_default())
}

/// The key that the identity signs with, asked for again when half of its time is over.
async fn delegated(
    service: &BlobServiceClient,
    kept: &Mutex<Option<(OffsetDateTime, UserDelegationKey)>>,
) -> azure_core::Result<UserDelegationKey> {
    let now = OffsetDateTime::now_utc();
    let mut kept = kept.lock().await;
    if let Some((ends, key)) = &*kept
        && *ends > now + MIN_KEY_LIFETIME_LEFT
    {
        return Ok(key.clone());
    }
    let ends = now + KEY_LIFETIME;
    let wanted = KeyInfo { start: Some(now - KEY_CLOCK_SKEW), expiry: Some(ends), ..KeyInfo::default() };
    let key = service.get_user_delegation_key(wanted.try_into()?, None).await?.into_model()?;
    *kept = Some((ends, key.clone()));
    Ok(key)
}
