//! What the start looks at, in each region at once: that the container is there, which is made where it is missing, and that
//! the account keeps nothing that was deleted. Each endpoint has its connection then.
//!
//! A region that does not answer does not keep the others from working: it is told in the log, and looked at by the next
//! start. One that answers that it is not so, or that we may not look, refuses the start.

use azure_core::error::ErrorKind;
use azure_core::http::RequestContent;
use azure_storage_blob::models::BlobServiceClientGetAccountInfoResultHeaders as _;
use domain::Region;
use futures::future::try_join_all;

use super::fault::{fault, is};
use super::{Azure, Place};

/// Why the storage cannot be used as it is, and what to change.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A master region has no account.
    #[error("VOICEMAIL_AZURE names no account in {0}, where tenants have their master")]
    NoAccount(Region),
    /// The account's address is none: where, and what was given.
    #[error("VOICEMAIL_AZURE: {1:?} of {0} is no address of an account")]
    NoAddress(Region, String),
    /// The system has no authorities to believe, and why.
    #[error("the authorities of the system, by which accounts are known, cannot be read: {0}")]
    NoAuthorities(String),
    /// There is no identity: where, and why.
    #[error("{0}: {1}")]
    NoAccess(Region, String),
    /// We are not let in: where, the account, and what the service said.
    #[error(
        "the account {1} in {0} does not let us in ({2}): give its key in the key file, a SAS that is still good, or the \
         identity the roles of the template"
    )]
    NotAllowed(Region, String, String),
    /// The account keeps what is deleted: where, and the account.
    #[error(
        "the account {1} in {0} keeps deleted blobs for days (soft delete), so an erased recording would stay: turn it \
         off (az storage account blob-service-properties update --enable-delete-retention false)"
    )]
    SoftDelete(Region, String),
    /// The account keeps what is overwritten and deleted: where, and the account.
    #[error(
        "the account {1} in {0} keeps versions, so an erased recording would stay as an old one: turn versioning off (az \
         storage account blob-service-properties update --enable-versioning false)"
    )]
    Versions(Region, String),
    /// The account has no tags: where, and the account.
    #[error(
        "the account {1} in {0} has a hierarchical namespace, which knows no index tags: use an account without"
    )]
    Hierarchical(Region, String),
}

type Checked<T> = Result<T, StartError>;

/// A blob that says nothing, written to see whether the account keeps versions.
const PROBE: &str = "kept/start";

impl Azure {
    /// Looks at everything.
    pub(super) async fn look(&self) -> Checked<()> {
        try_join_all(self.0.places.iter().map(|(region, place)| place.look(region))).await.map(|_| ())
    }
}

impl Place {
    /// The answer, or `None` where there is none that tells anything.
    fn answer<T>(&self, region: &Region, answer: azure_core::Result<T>) -> Checked<Option<T>> {
        let error = match answer {
            Ok(answer) => return Ok(Some(answer)),
            Err(error) => error,
        };
        let (region, account) = (region.clone(), self.links.account.clone());
        match error.kind() {
            ErrorKind::Credential => Err(StartError::NotAllowed(region, account, crate::causes(&error))),
            ErrorKind::HttpResponse { error_code, .. } if is(401, &error) || is(403, &error) => {
                let code = error_code.clone().unwrap_or_else(|| "no code".to_owned());
                Err(StartError::NotAllowed(region, account, code))
            }
            _ => {
                let error = fault("looking at the storage")(error);
                let error = crate::causes(&error);
                tracing::warn!(%region, account, error, "not looked at; the next start does");
                Ok(None)
            }
        }
    }

    /// What we may not look at is not refused, so it is said.
    fn unseen<T>(&self, region: &Region, what: &str) -> Option<T> {
        let account = &self.links.account;
        tracing::warn!(%region, account, "we may not look whether the account {what}: make sure that it does not");
        None
    }

    async fn look(&self, region: &Region) -> Checked<()> {
        let account = || self.links.account.clone();
        // Made already, or by somebody else at this moment; who may not make one finds it there, or not below.
        let made = match self.blobs.client.create(None).await {
            Err(error) if is(409, &error) || is(403, &error) => Ok(()),
            made => made.map(|_| ()),
        };
        let Some(()) = self.answer(region, made)? else { return Ok(()) };
        let info = match self.service.get_account_info(None).await {
            // A SAS of the container, or a role for the blobs alone, does not allow it.
            Err(error) if is(403, &error) => self.unseen(region, "has a hierarchical namespace"),
            info => self.answer(region, info)?,
        };
        if info.is_some_and(|info| info.is_hierarchical_namespace_enabled().ok().flatten() == Some(true)) {
            return Err(StartError::Hierarchical(region.clone(), account()));
        }
        let properties = match self.service.get_properties(None).await {
            Err(error) if is(403, &error) => self.unseen(region, "keeps deleted blobs"),
            properties => self.answer(region, properties.and_then(azure_core::http::Response::into_model))?,
        };
        let keeps = properties.and_then(|properties| properties.delete_retention_policy);
        if keeps.is_some_and(|policy| policy.enabled == Some(true)) {
            return Err(StartError::SoftDelete(region.clone(), account()));
        }
        let probe = self.blobs.client.blob_client(PROBE);
        let put = probe.upload(RequestContent::from(Vec::new()), None).await;
        if self.answer(region, put)?.is_some_and(|put| put.version_id.is_some()) {
            return Err(StartError::Versions(region.clone(), account()));
        }
        Ok(())
    }
}
