//! The certificate: what was erased, where and when, and who may still hold copies. Those of a tenant are a chain, so that
//! none can be left out later.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::{Case, CaseKey, Certified, Region, Status, Subject, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use storage::{CopyStore, Expect, StorageError, WriteOutcome};

use crate::pass::subjects_of;
use crate::tenant::Erasure;

/// Signs a certificate as a compact JWS (RFC 7515).
pub type Sign<'a> =
    &'a (dyn Fn(&Certificate) -> Result<String, Box<dyn std::error::Error + Send + Sync>> + Sync);

/// What a certificate says. Numbers are in it as keyed hashes only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// The version of this form.
    pub v: u8,
    /// The tenant.
    pub tenant: TenantId,
    /// The case, as the requester named it.
    pub caseid: String,
    /// When the request came.
    pub requested_at: Timestamp,
    /// Until when it could be undone.
    pub undo_until: Timestamp,
    /// By when all was to be gone.
    pub purge_at: Timestamp,
    /// When all was seen to be gone.
    pub erased_at: Timestamp,
    /// Who was forgotten.
    pub subjects: Vec<Subject>,
    /// Whom the request named too, and was undone for.
    pub undone: Vec<Subject>,
    /// What became of the messages in each region.
    pub regions: Vec<ErasedRegion>,
    /// Whom the same digits mean in another reading: whose messages were not touched.
    pub perhaps: Vec<OtherCaller>,
    /// What else is to be said of it, in sentences.
    pub notes: Vec<String>,
    /// Stores beside the service that may hold copies.
    pub copies: Vec<CopyStoreEntry>,
    /// The hash of the tenant's certificate before this one, as [`hash`] makes it; none before the first.
    pub previous: Option<String>,
}

/// What became of the messages in a region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasedRegion {
    /// The region.
    pub region: Region,
    /// Whether the metadata was there.
    pub master: bool,
    /// How many were found when the purge began.
    pub found: u64,
    /// How many were deleted.
    pub deleted: u64,
    /// How many recordings were asked for afterwards and were not there.
    pub verified_absent: u64,
}

/// Who else a request may have meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherCaller {
    /// Who.
    pub subject: Subject,
    /// How many messages of theirs there were, of 200 at most; none where they could not be counted.
    pub messages: Option<u64>,
}

/// A store that may hold copies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyStoreEntry {
    /// Which.
    pub store: String,
    /// Until when; none where its operator decides.
    pub until: Option<Timestamp>,
}

/// The hash by which the next certificate names this one: SHA-256 of the compact JWS, as URL-safe Base64.
pub fn hash(certificate: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(certificate))
}

/// How many callers a note names: a case must fit into an item of `DynamoDB`, 400 KB, with its certificate.
const MAX_NAMED: usize = 100;

/// What the counts alone would leave to be guessed.
fn notes(case: &Case) -> Vec<String> {
    let mut notes = Vec::new();
    let nothing = case.nothing_found.len();
    if nothing > 0 {
        let all = subjects_of(case, false).len();
        let named: Vec<_> = case.nothing_found.iter().take(MAX_NAMED).map(Subject::as_str).collect();
        let which = if nothing > MAX_NAMED { "among them " } else { "" };
        notes.push(format!(
            "When the purge began, no message was found of {nothing} of {all} callers: {which}{}.",
            named.join(", ")
        ));
    }
    if !case.perhaps.is_empty() {
        notes.push(
            "The same digits mean other callers, too, who are listed under \"perhaps\": their messages were not touched."
                .to_owned(),
        );
    }
    notes
}

impl Erasure<'_> {
    fn certificate(&self, case: &Case, erased_at: Timestamp, previous: Option<String>) -> Certificate {
        // A marker goes with its message alone, after its recording was asked for and not there; and none is left.
        let regions = case.regions.iter().map(|report| ErasedRegion {
            region: report.region.clone(),
            master: report.region == self.tenant.master,
            found: report.messages,
            deleted: report.messages,
            verified_absent: report.messages,
        });
        let copies = self.storage.copy_stores.iter().map(|CopyStore { name, kept }| CopyStoreEntry {
            store: (*name).to_owned(),
            until: kept.map(|kept| erased_at.plus(kept)),
        });
        let others = case
            .perhaps
            .iter()
            .map(|(subject, messages)| OtherCaller { subject: subject.clone(), messages: *messages });
        Certificate {
            v: 1,
            tenant: self.tenant.id.clone(),
            caseid: case.case_id.clone(),
            requested_at: case.requested_at,
            undo_until: case.deadlines.undo_until,
            purge_at: case.deadlines.purge_at,
            erased_at,
            subjects: subjects_of(case, false),
            undone: subjects_of(case, true),
            regions: regions.collect(),
            perhaps: others.collect(),
            notes: notes(case),
            copies: copies.collect(),
            previous,
        }
    }

    /// Closes an erasing case with its certificate. The certificate takes its place in the chain first, which chooses one;
    /// then its case is closed with it, by this sweep or, where this one is cut off, by whoever comes next.
    pub(crate) async fn close(&self, key: &CaseKey, sign: Sign<'_>) -> storage::Result<()> {
        loop {
            let last = self.metadata().last_certificate().await?;
            if let Some(last) = &last {
                self.close_with(&last.value).await?;
            }
            let case = self.read(key).await?.value;
            if case.status != Status::Erasing {
                return Ok(());
            }
            let erased_at = self.clock.now();
            let previous = last.as_ref().map(|last| hash(&last.value.certificate));
            let certificate = sign(&self.certificate(&case, erased_at, previous))
                .map_err(|error| StorageError::unavailable("signing a certificate", error))?;
            let certified = Certified { case: case.key, erased_at, certificate };
            let expect = last.map_or(Expect::Absent, |last| Expect::Version(last.version));
            self.metadata().put_certificate(&certified, expect).await?;
        }
    }

    /// Closes the case of a certificate that is in the chain, unless it is closed.
    async fn close_with(&self, certified: &Certified) -> storage::Result<()> {
        loop {
            let mut found = self.read(&certified.case).await?;
            if !found.value.close(certified.erased_at, certified.certificate.clone()) {
                return Ok(());
            }
            let expect = Expect::Version(found.version);
            if self.metadata().put_case(&found.value, expect).await? != WriteOutcome::Conflict {
                return Ok(());
            }
        }
    }
}
