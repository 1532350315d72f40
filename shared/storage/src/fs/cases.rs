//! Cases: a version chain each, a name in the folder of each subject, and a list of those that are watched.

use domain::{Case, CaseKey, Certified, Facts, Status, Subject};

use super::blocking::Step;
use super::chain::{self, State};
use super::disk::Disk;
use super::layout::{self, CASES, CERTIFICATES, WATCHED};
use super::stored::passing_over;
use crate::{Expect, Versioned, Written};

/// A case.
pub(super) fn read(disk: &Disk, key: &CaseKey) -> Step<Option<Versioned<Case>>> {
    chain::value(disk, &layout::case(key))
}

/// Whether a case has released this subject's messages for good.
pub(super) fn is_undone(case: &Case, subject: Option<&Subject>) -> bool {
    case.status == Status::Undone || subject.and_then(|subject| case.subjects.get(subject)) == Some(&true)
}

/// The cases that name the caller of a message, have its time in their scope, and were not undone for it.
pub(super) fn covering(disk: &Disk, facts: &Facts) -> Step<Vec<Case>> {
    let Some(subject) = &facts.subject else { return Ok(Vec::new()) };
    let mut covering = Vec::new();
    for key in forgets(disk, subject)? {
        // Else: named before it is written, and perhaps never written.
        let Some(case) = read(disk, &key)? else { continue };
        if case.value.forgets_message(facts) {
            covering.push(case.value);
        }
    }
    Ok(covering)
}

/// The version to write, where the newest is as expected.
fn next(expect: Expect, newest: Option<u64>) -> Option<u64> {
    match (expect, newest) {
        (Expect::Absent, None) => Some(1),
        (Expect::Version(expected), Some(version)) if expected == version => Some(version + 1),
        _ => None,
    }
}

/// Writes a case if it is as expected.
pub(super) fn put(disk: &Disk, case: &Case, expect: Expect) -> Step<Written> {
    let folder = layout::case(&case.key);
    let stored = read(disk, &case.key)?.map(|stored| stored.version);
    let Some(next) = next(expect, stored) else { return Ok(Written::Conflict) };
    // An entry without a case is harmless; a case that a deposit does not find is not.
    if expect == Expect::Absent || !matches!(case.status, Status::Undone | Status::Erased) {
        for subject in case.subjects.keys() {
            disk.place(&layout::forget(subject, &case.key))?;
        }
    }
    if expect == Expect::Absent {
        disk.place(&layout::watched(&case.key))?;
    }
    chain::append(disk, &folder, next, State::Value(case.clone()))
}

fn keys(disk: &Disk, folder: &str) -> Step<Vec<CaseKey>> {
    Ok(disk.list(folder)?.iter().filter_map(|name| name.parse().ok()).collect())
}

/// All cases, by key.
pub(super) fn all(disk: &Disk, after: Option<&CaseKey>, limit: usize) -> Step<Vec<Versioned<Case>>> {
    let mut cases = Vec::new();
    for key in keys(disk, CASES)?.into_iter().filter(|key| after.is_none_or(|after| key > after)) {
        if cases.len() >= limit {
            break;
        }
        cases.extend(passing_over(read(disk, &key))?);
    }
    Ok(cases)
}

/// The cases that are watched. One that is not written yet is not among them.
pub(super) fn watched(disk: &Disk) -> Step<Vec<CaseKey>> {
    let mut watched = Vec::new();
    for key in keys(disk, WATCHED)? {
        if !disk.list(&layout::case(&key))?.is_empty() {
            watched.push(key);
        }
    }
    Ok(watched)
}

/// Ends the watching of a case.
pub(super) fn dismiss(disk: &Disk, key: &CaseKey) -> Step<()> {
    Ok(disk.take(&layout::watched(key))?)
}

/// The cases that name a subject.
pub(super) fn forgets(disk: &Disk, subject: &Subject) -> Step<Vec<CaseKey>> {
    keys(disk, &layout::forgets(subject))
}

/// The newest certificate.
pub(super) fn last_certificate(disk: &Disk) -> Step<Option<Versioned<Certified>>> {
    chain::value(disk, CERTIFICATES)
}

/// Writes the next certificate if the newest is as expected.
pub(super) fn put_certificate(disk: &Disk, certified: &Certified, expect: Expect) -> Step<Written> {
    let newest = last_certificate(disk)?.map(|newest| newest.version);
    let Some(next) = next(expect, newest) else { return Ok(Written::Conflict) };
    chain::append(disk, CERTIFICATES, next, State::Value(certified.clone()))
}
