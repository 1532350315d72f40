//! Cases: a record each, a name in the folder of each subject, and a list of those that are watched.

use domain::{Case, CaseKey, Certified, Status, Subject};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::blobs::{ABREAST, Metadata};
use super::records::{self, Record};
use super::row::Rows;
use crate::{Expect, Result, Versioned, Written};

/// A case.
pub(super) async fn read(rows: &Rows, key: &CaseKey) -> Result<Option<Versioned<Case>>> {
    let record = records::read(&rows.blobs, "reading a case", &rows.layout.case(key)).await?;
    Ok(record.and_then(Record::versioned))
}

/// Cases by their keys; those that were never written are left out.
pub(super) async fn read_all(rows: &Rows, keys: Vec<CaseKey>) -> Result<Vec<Case>> {
    let cases = stream::iter(keys).map(|key| async move { read(rows, &key).await });
    let cases: Vec<_> = cases.buffer_unordered(ABREAST).try_collect().await?;
    Ok(cases.into_iter().flatten().map(|case| case.value).collect())
}

/// Whether a case has released this subject's messages for good.
pub(super) fn is_undone(case: &Case, subject: Option<&Subject>) -> bool {
    case.status == Status::Undone || subject.and_then(|subject| case.subjects.get(subject)) == Some(&true)
}

/// Writes a case if it is as expected. Its names first: one without a case is harmless, a case that a deposit does not
/// find is not.
pub(super) async fn put(rows: &Rows, case: &Case, expect: Expect) -> Result<Written> {
    let (context, layout) = ("writing a case", &rows.layout);
    let mut names = Vec::new();
    if expect == Expect::Absent || !matches!(case.status, Status::Undone | Status::Erased) {
        names.extend(case.subjects.keys().map(|subject| layout.forget(subject, &case.key)));
    }
    if expect == Expect::Absent {
        names.push(layout.watched(&case.key));
    }
    let noted =
        stream::iter(names).map(|name| async move { rows.blobs.note(context, &name, Metadata::new()).await });
    noted.buffer_unordered(ABREAST).try_collect::<()>().await?;
    records::put(&rows.blobs, context, &layout.case(&case.key), Some(case), expect).await
}

/// The keys that names below a folder tell.
async fn keys(rows: &Rows, context: &'static str, folder: String) -> Result<Vec<CaseKey>> {
    let listed = rows.blobs.all(context, &folder).await?;
    Ok(listed.iter().filter_map(|it| it.name.strip_prefix(&folder)?.parse().ok()).collect())
}

/// All cases, by key.
pub(super) async fn all(rows: &Rows, after: Option<&CaseKey>, limit: usize) -> Result<Vec<Versioned<Case>>> {
    let context = "listing cases";
    let mut keys = keys(rows, context, rows.layout.cases()).await?;
    keys.retain(|key| after.is_none_or(|after| key > after));
    let mut cases = Vec::new();
    // Damaged ones are passed over, so that a page may need more than its number.
    let mut rest = keys.as_slice();
    while cases.len() < limit && !rest.is_empty() {
        let (page, later) = rest.split_at(rest.len().min(limit - cases.len()));
        let names = page.iter().map(|key| rows.layout.case(key));
        cases.extend(records::values(&rows.blobs, context, names).await?);
        rest = later;
    }
    Ok(cases)
}

/// The cases that are watched. One that is not written yet is not among them.
pub(super) async fn watched(rows: &Rows) -> Result<Vec<CaseKey>> {
    let context = "listing cases";
    let keys = keys(rows, context, rows.layout.all_watched()).await?;
    let there = stream::iter(keys).map(|key| async move {
        let found = rows.blobs.head(context, &rows.layout.case(&key)).await?;
        Ok(found.map(|_| key))
    });
    there.buffered(ABREAST).try_filter_map(async |key| Ok(key)).try_collect().await
}

/// Ends the watching of a case.
pub(super) async fn dismiss(rows: &Rows, key: &CaseKey) -> Result<()> {
    rows.blobs.delete("dismissing a case", &rows.layout.watched(key), None).await
}

/// The cases that name a subject.
pub(super) async fn forgets(rows: &Rows, subject: &Subject) -> Result<Vec<CaseKey>> {
    keys(rows, "asking who is forgotten", rows.layout.forgets(subject)).await
}

/// The newest certificate.
pub(super) async fn last_certificate(rows: &Rows) -> Result<Option<Versioned<Certified>>> {
    let record = records::read(&rows.blobs, "reading a certificate", &rows.layout.last_certificate()).await?;
    Ok(record.and_then(Record::versioned))
}

/// Writes the next certificate if the newest is as expected.
pub(super) async fn put_certificate(rows: &Rows, certified: &Certified, expect: Expect) -> Result<Written> {
    let name = rows.layout.last_certificate();
    records::put(&rows.blobs, "writing a certificate", &name, Some(certified), expect).await
}
