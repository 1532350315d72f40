//! Cases: a record each, and a name of the case beside each of its callers.

use async_trait::async_trait;
use domain::{Case, CaseKey, Certified, Subject};

use super::{CASES, Cloud, Record, RecordUpdate, Thing, put_record};
use crate::{Cases, Expect, Result, Versioned, WriteOutcome};

#[async_trait]
impl<C: Cloud> Cases for C {
    async fn case(&self, key: &CaseKey) -> Result<Option<Versioned<Case>>> {
        Ok(self.record("reading a case", Thing::Case(key)).await?.and_then(Record::versioned))
    }

    async fn put_case(&self, case: &Case, expect: Expect) -> Result<WriteOutcome> {
        let context = "writing a case";
        let is_opened = expect == Expect::Absent;
        let mut names = Vec::new();
        if is_opened || case.closed_at().is_none() {
            names.extend(case.subjects.keys().map(|subject| Thing::Forget(subject, &case.key)));
        }
        if is_opened {
            names.push(Thing::Watched(&case.key));
        }
        // Names first: one without a case is harmless, a case that a deposit does not find is not.
        self.note(context, names).await?;
        let watched_since = is_opened.then_some(case.requested_at);
        let next = RecordUpdate { watched_since, ..RecordUpdate::value(Some(case)) };
        put_record(self, context, Thing::Case(&case.key), next, expect).await
    }

    async fn cases(&self, after: Option<&CaseKey>, limit: usize) -> Result<Vec<Versioned<Case>>> {
        self.values("listing cases", CASES, after.map(CaseKey::as_str), limit).await
    }

    async fn watched_cases(&self) -> Result<Vec<CaseKey>> {
        self.list_watched().await
    }

    async fn dismiss_case(&self, key: &CaseKey) -> Result<()> {
        self.dismiss(key).await
    }

    async fn forgets(&self, subject: &Subject) -> Result<Vec<CaseKey>> {
        self.naming(subject).await
    }

    async fn last_certificate(&self) -> Result<Option<Versioned<Certified>>> {
        Ok(self.record("reading a certificate", Thing::LastCertificate).await?.and_then(Record::versioned))
    }

    async fn put_certificate(&self, certified: &Certified, expect: Expect) -> Result<WriteOutcome> {
        let next = RecordUpdate::value(Some(certified));
        put_record(self, "writing a certificate", Thing::LastCertificate, next, expect).await
    }
}
