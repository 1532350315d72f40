//! Cases: a version chain each, a name in the folder of each subject, and a list of those that are watched.

use async_trait::async_trait;
use domain::{Case, CaseKey, Certified, Facts, Subject};

use super::blocking::FsResult;
use super::chain::{self, State};
use super::disk::Disk;
use super::layout::{self, CASES, CERTIFICATES, WATCHED};
use super::metadata::FsMetadata;
use super::stored::{named, passing_over};
use crate::{Cases, Expect, Result, Versioned, WriteOutcome};

/// A case.
pub(super) fn read(disk: &Disk, key: &CaseKey) -> FsResult<Option<Versioned<Case>>> {
    chain::value(disk, &layout::case(key))
}

/// The cases that name the caller of a message, have its time in their scope, and were not undone for it.
pub(super) fn covering(disk: &Disk, facts: &Facts) -> FsResult<Vec<Case>> {
    let Some(subject) = &facts.subject else { return Ok(Vec::new()) };
    let mut covering = Vec::new();
    for key in named(disk, &layout::forgets(subject))? {
        // Else: named before it is written, and perhaps never written.
        let Some(case) = read(disk, &key)? else { continue };
        if case.value.forgets_message(facts) {
            covering.push(case.value);
        }
    }
    Ok(covering)
}

/// Writes a case if it is as expected.
fn put(disk: &Disk, case: &Case, expect: Expect) -> FsResult<WriteOutcome> {
    let folder = layout::case(&case.key);
    let stored = read(disk, &case.key)?.map(|stored| stored.version);
    if stored != expect.version() {
        return Ok(WriteOutcome::Conflict);
    }
    // An entry without a case is harmless; a case that a deposit does not find is not.
    if expect == Expect::Absent || case.closed_at().is_none() {
        for subject in case.subjects.keys() {
            disk.place(&layout::forget(subject, &case.key))?;
        }
    }
    if expect == Expect::Absent {
        disk.place(&layout::watched(&case.key))?;
    }
    chain::append(disk, &folder, stored.unwrap_or(0) + 1, State::Value(case.clone()))
}

/// All cases, by key.
fn all(disk: &Disk, after: Option<&CaseKey>, limit: usize) -> FsResult<Vec<Versioned<Case>>> {
    let mut cases = Vec::new();
    for key in named::<CaseKey>(disk, CASES)?.into_iter().filter(|key| after.is_none_or(|after| key > after))
    {
        if cases.len() >= limit {
            break;
        }
        cases.extend(passing_over(read(disk, &key))?);
    }
    Ok(cases)
}

/// The cases that are watched. One that is not written yet is not among them.
fn watched(disk: &Disk) -> FsResult<Vec<CaseKey>> {
    let mut watched = Vec::new();
    for key in named(disk, WATCHED)? {
        if !disk.list(&layout::case(&key))?.is_empty() {
            watched.push(key);
        }
    }
    Ok(watched)
}

#[async_trait]
impl Cases for FsMetadata {
    async fn case(&self, key: &CaseKey) -> Result<Option<Versioned<Case>>> {
        let key = key.clone();
        self.on("reading a case", move |disk| read(disk, &key)).await
    }

    async fn put_case(&self, case: &Case, expect: Expect) -> Result<WriteOutcome> {
        let case = case.clone();
        self.on("writing a case", move |disk| put(disk, &case, expect)).await
    }

    async fn cases(&self, after: Option<&CaseKey>, limit: usize) -> Result<Vec<Versioned<Case>>> {
        let after = after.cloned();
        self.on("listing cases", move |disk| all(disk, after.as_ref(), limit)).await
    }

    async fn watched_cases(&self) -> Result<Vec<CaseKey>> {
        self.on("listing cases", watched).await
    }

    async fn dismiss_case(&self, key: &CaseKey) -> Result<()> {
        let key = key.clone();
        self.on("dismissing a case", move |disk| Ok(disk.take(&layout::watched(&key))?)).await
    }

    async fn forgets(&self, subject: &Subject) -> Result<Vec<CaseKey>> {
        let folder = layout::forgets(subject);
        self.on("asking who is forgotten", move |disk| named(disk, &folder)).await
    }

    async fn last_certificate(&self) -> Result<Option<Versioned<Certified>>> {
        self.on("reading a certificate", |disk| chain::value(disk, CERTIFICATES)).await
    }

    async fn put_certificate(&self, certified: &Certified, expect: Expect) -> Result<WriteOutcome> {
        let state = State::Value(certified.clone());
        self.on("writing a certificate", move |disk| chain::put(disk, CERTIFICATES, state, expect)).await
    }
}
