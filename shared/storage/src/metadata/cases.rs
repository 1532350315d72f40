//! Data protection cases, and the chain of certificates.

use async_trait::async_trait;
use domain::{Case, CaseKey, Certified, Subject};

use super::{Expect, Versioned, WriteOutcome};
use crate::error::Result;

/// The cases of a tenant.
#[async_trait]
pub trait Cases: Send + Sync {
    /// A case.
    async fn case(&self, key: &CaseKey) -> Result<Option<Versioned<Case>>>;

    /// Writes a case if it is as expected: `Absent` opens it, a version changes it. Before the case is there, each of
    /// its subjects names it (`forgets`) and it is watched.
    async fn put_case(&self, case: &Case, expect: Expect) -> Result<WriteOutcome>;

    /// All cases, by key, those after `after`, at most `limit`.
    async fn cases(&self, after: Option<&CaseKey>, limit: usize) -> Result<Vec<Versioned<Case>>>;

    /// The cases that the sweep watches: from their opening until they are dismissed.
    async fn watched_cases(&self) -> Result<Vec<CaseKey>>;

    /// Ends the watching of a closed case.
    async fn dismiss_case(&self, key: &CaseKey) -> Result<()>;

    /// The cases that name a subject, whatever became of them, for 30 days after they are closed at least.
    async fn forgets(&self, subject: &Subject) -> Result<Vec<CaseKey>>;

    /// The tenant's newest certificate of erasure. `None`: there was none yet.
    async fn last_certificate(&self) -> Result<Option<Versioned<Certified>>>;

    /// Writes the tenant's next certificate if the newest is as expected: of two that would follow the same one, one does.
    async fn put_certificate(&self, certified: &Certified, expect: Expect) -> Result<WriteOutcome>;
}
