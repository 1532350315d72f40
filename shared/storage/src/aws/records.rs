//! Mailboxes, groups and cases: values with versions, changed by conditional writes.

use domain::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::layout::{self, Key};
use super::row::{PassedOver, json};
use super::table::{Item, Query, Table, Update, Updated, nonce, number, number_of, text, text_of};
use crate::stored::decode;
use crate::{Result, StorageError, Versioned, Written};

/// What lies under a key.
#[derive(Debug, Clone)]
pub(super) struct Record<T> {
    pub(super) version: u64,
    /// `None`: deleted.
    pub(super) value: Option<T>,
    /// Until when the messages of a deleted mailbox are held; stays when it is made again.
    pub(super) purge_at: Option<Timestamp>,
}

impl<T> Record<T> {
    /// As the contract tells it.
    pub(super) fn versioned(self) -> Option<Versioned<T>> {
        let version = self.version;
        self.value.map(|value| Versioned { value, version })
    }
}

/// Reads an item.
pub(super) fn parse<T: DeserializeOwned>(item: &Item) -> Result<Record<T>> {
    let key = Key::of(item).map(|Key { pk, sk }| format!("{pk} {sk}")).unwrap_or_default();
    let corrupt = || StorageError::Corrupt { context: format!("the record {key}") };
    let version = number_of(item, "v").and_then(|v| u64::try_from(v).ok()).ok_or_else(corrupt)?;
    let value = text_of(item, "body").map(|body| decode(body.as_bytes()).ok_or_else(corrupt)).transpose()?;
    let purge_at = number_of(item, "purge_at").map(Timestamp::from_millis);
    Ok(Record { version, value, purge_at })
}

/// A record; `None`: it was never made.
pub(super) async fn read<T: DeserializeOwned>(
    table: &Table,
    context: &'static str,
    key: &Key,
) -> Result<Option<Record<T>>> {
    table.get(context, key).await?.as_ref().map(parse).transpose()
}

/// All values of a partition, by id, but for what is damaged.
pub(super) async fn values<T: DeserializeOwned>(
    table: &Table,
    context: &'static str,
    pk: String,
) -> Result<Vec<Versioned<T>>> {
    let values = vec![(":pk", text(pk))];
    let items = table.all(context, Query { condition: "pk = :pk", values, ..Query::default() }).await?;
    let mut passed_over = PassedOver::default();
    let read = items.iter().map(|item| Ok(passed_over.read(parse::<T>(item))?.and_then(Record::versioned)));
    Ok(read.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// What is written.
pub(super) struct Next<'a, T> {
    /// `None`: it is deleted.
    pub(super) value: Option<&'a T>,
    pub(super) purge_at: Option<Timestamp>,
    /// `f`, where it changes.
    pub(super) f: Option<String>,
}

/// Writes the version after `before`, or the first one, if that is still the newest. One whose answer was lost is known
/// again by its nonce.
pub(super) async fn write<T: Serialize>(
    table: &Table,
    context: &'static str,
    key: &Key,
    before: Option<u64>,
    next: Next<'_, T>,
) -> Result<Written> {
    let own = nonce()?;
    let version = before.unwrap_or(0) + 1;
    let mut set = vec!["v=:v", "op=:op"];
    let mut values = vec![(":v", number(version)), (":op", text(&*own))];
    let mut remove = "";
    match next.value {
        Some(value) => {
            set.push("body=:body");
            values.push((":body", json(context, value)?));
        }
        None => remove = " REMOVE body",
    }
    if let Some(at) = next.purge_at {
        set.push("purge_at=:at");
        values.push((":at", number(at.millis())));
    }
    if let Some(f) = next.f {
        set.push("f=:f");
        values.push((":f", text(f)));
    }
    let condition = match before {
        None => "attribute_not_exists(v)",
        Some(before) => {
            values.push((":before", number(before)));
            "v = :before"
        }
    };
    let expression = format!("SET {}{remove}", set.join(","));
    match table.update(context, key, Update { expression, condition, values, names: Vec::new() }).await? {
        Updated::Done(_) => Ok(Written::Version(version)),
        Updated::Refused(Some(now)) if text_of(&now, "op") == Some(&own) => Ok(Written::Version(version)),
        Updated::Refused(_) => Ok(Written::Conflict),
    }
}

/// Keeps a value under a name of the installation's, unless one is kept: what is kept.
pub(super) async fn keep(table: Table, name: &str, value: &str) -> Result<String> {
    let context = "keeping a value of the installation";
    // A look first: most starts find it there.
    if let Some(kept) = kept(table.clone(), name).await? {
        return Ok(kept);
    }
    let update = Update {
        expression: "SET kept=:value".to_owned(),
        condition: "attribute_not_exists(kept)",
        values: vec![(":value", text(value))],
        names: Vec::new(),
    };
    match table.update(context, &layout::kept(name), update).await? {
        Updated::Done(item) => value_of(name, &item),
        Updated::Refused(item) => value_of(name, &item.unwrap_or_default()),
    }
}

/// What is kept under a name of the installation's.
pub(super) async fn kept(table: Table, name: &str) -> Result<Option<String>> {
    let found = table.get("reading a value of the installation", &layout::kept(name)).await?;
    found.map(|item| value_of(name, &item)).transpose()
}

fn value_of(name: &str, item: &Item) -> Result<String> {
    let value = text_of(item, "kept").map(str::to_owned);
    value.ok_or_else(|| StorageError::Corrupt { context: format!("the value {name}") })
}
