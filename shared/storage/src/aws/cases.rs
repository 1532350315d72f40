//! Cases: a record each, a name beside the markers of each subject, and `f` while they are watched.

use domain::{CLOSED_CASE_LIFETIME, Case, CaseKey, Certified, Status, Subject};

use super::layout::{FOLDER, FORGET, Key, Layout, ms13};
use super::records::{self, Next, Record, parse};
use super::row::PassedOver;
use super::table::{Item, Query, Table, Update, number, text, text_of};
use crate::{Expect, Result, Versioned, Written};

/// `f` of a case that is watched.
const OPEN: &str = "open#";

/// A case.
pub(super) async fn read(table: &Table, layout: &Layout, key: &CaseKey) -> Result<Option<Versioned<Case>>> {
    let record = records::read(table, "reading a case", &layout.case(key)).await?;
    Ok(record.and_then(Record::versioned))
}

/// Cases by their keys; those that were never written are left out.
pub(super) async fn read_all(table: &Table, layout: &Layout, keys: &[CaseKey]) -> Result<Vec<Case>> {
    let items = table.get_all("reading cases", keys.iter().map(|key| layout.case(key))).await?;
    let cases = items.values().map(|item| Ok(parse::<Case>(item)?.value));
    Ok(cases.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// Whether a case has released this subject's messages for good.
pub(super) fn is_undone(case: &Case, subject: Option<&Subject>) -> bool {
    case.status == Status::Undone || subject.and_then(|subject| case.subjects.get(subject)) == Some(&true)
}

/// Writes a case if it is as expected. Its names first: one without a case is harmless, a case that a deposit does not
/// find is not.
pub(super) async fn put(table: &Table, layout: &Layout, case: &Case, expect: Expect) -> Result<Written> {
    let context = "writing a case";
    if expect == Expect::Absent || !matches!(case.status, Status::Undone | Status::Erased) {
        let names = case.subjects.keys().map(|subject| layout.forget(subject, &case.key).item());
        table.write_all(context, names.collect(), Vec::new()).await?;
    }
    let (before, f) = match expect {
        Expect::Absent => (None, Some(format!("{OPEN}{}", ms13(case.requested_at)))),
        Expect::Version(version) => (Some(version), None),
    };
    let next = Next { value: Some(case), purge_at: None, f };
    records::write(table, context, &layout.case(&case.key), before, next).await
}

/// All cases, by key.
pub(super) async fn all(
    table: &Table,
    layout: &Layout,
    after: Option<&CaseKey>,
    limit: usize,
) -> Result<Vec<Versioned<Case>>> {
    let query = Query {
        condition: "pk = :pk AND sk > :after",
        // Text must not be empty; keys are hex digits.
        values: vec![(":pk", text(layout.cases())), (":after", text(after.map_or("!", CaseKey::as_str)))],
        limit: Some(limit),
        ..Query::default()
    };
    let (mut cases, mut passed_over) = (Vec::new(), PassedOver::default());
    let take = |item: Item| {
        cases.extend(passed_over.read(parse::<Case>(&item)).ok().flatten().and_then(Record::versioned));
        cases.len() < limit
    };
    table.query("listing cases", query, take).await?;
    cases.truncate(limit);
    Ok(cases)
}

/// The cases that are watched.
pub(super) async fn watched(table: &Table, layout: &Layout) -> Result<Vec<CaseKey>> {
    let query = Query {
        index: Some(FOLDER),
        condition: "pk = :pk AND begins_with(f, :open)",
        values: vec![(":pk", text(layout.cases())), (":open", text(OPEN))],
        wanted: Some("sk"),
        ..Query::default()
    };
    let items = table.all("listing cases", query).await?;
    Ok(items.iter().filter_map(|item| text_of(item, "sk")?.parse().ok()).collect())
}

/// Ends the watching of a case. Its names go by themselves 30 days after it was closed; they are told so first, since one
/// that is not watched is not dismissed again.
pub(super) async fn dismiss(table: &Table, layout: &Layout, key: &CaseKey) -> Result<()> {
    let context = "dismissing a case";
    let Some(case) = read(table, layout, key).await? else { return Ok(()) };
    if let Some(closed) = case.value.closed_at() {
        let ttl = number(closed.plus(CLOSED_CASE_LIFETIME).millis() / 1000);
        let named = |subject| {
            let mut item = layout.forget(subject, key).item();
            item.insert("ttl".to_owned(), ttl.clone());
            item
        };
        let entries = case.value.subjects.keys().map(named).collect();
        table.write_all(context, entries, Vec::new()).await?;
    }
    let update =
        Update { expression: "REMOVE f".to_owned(), condition: "attribute_exists(v)", ..Update::default() };
    table.update(context, &layout.case(key), update).await.map(|_| ())
}

/// The cases that name a subject.
pub(super) async fn forgets(table: &Table, layout: &Layout, subject: &Subject) -> Result<Vec<CaseKey>> {
    let query = Query {
        condition: "pk = :pk AND begins_with(sk, :forget)",
        values: vec![(":pk", text(layout.caller(subject))), (":forget", text(FORGET))],
        wanted: Some("pk, sk"),
        ..Query::default()
    };
    let items = table.all("asking who is forgotten", query).await?;
    let key = |key: Key| key.sk.strip_prefix(FORGET)?.parse().ok();
    Ok(items.iter().filter_map(|item| key(Key::of(item)?)).collect())
}

/// The newest certificate.
pub(super) async fn last_certificate(table: &Table, layout: &Layout) -> Result<Option<Versioned<Certified>>> {
    let record = records::read(table, "reading a certificate", &layout.last_certificate()).await?;
    Ok(record.and_then(Record::versioned))
}

/// Writes the next certificate if the newest is as expected.
pub(super) async fn put_certificate(
    table: &Table,
    layout: &Layout,
    certified: &Certified,
    expect: Expect,
) -> Result<Written> {
    let before = match expect {
        Expect::Absent => None,
        Expect::Version(version) => Some(version),
    };
    let next = Next { value: Some(certified), purge_at: None, f: None };
    records::write(table, "writing a certificate", &layout.last_certificate(), before, next).await
}
