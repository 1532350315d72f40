//! Values of the installation, of all its tenants.

use super::layout::{self, Item};
use super::table::{Table, Update, UpdateOutcome, text, text_of};
use crate::{Result, StorageError};

/// What is kept under a name of the installation's. Where nothing is, it is this value, which is kept from now on if `keeps`.
pub(super) async fn kept(table: Table, name: &str, value: &str, keeps: bool) -> Result<String> {
    let key = layout::kept(name);
    // A look first: most starts find it there.
    if let Some(item) = table.get("reading a value of the installation", &key).await? {
        return kept_value(name, &item);
    }
    if !keeps {
        return Ok(value.to_owned());
    }
    let values = vec![(":value", text(value))];
    let update = Update::new("SET kept=:value", "attribute_not_exists(kept)", values);
    match table.update("keeping a value of the installation", &key, update).await? {
        UpdateOutcome::Done(item) => kept_value(name, &item),
        UpdateOutcome::Refused(item) => kept_value(name, &item.unwrap_or_default()),
    }
}

fn kept_value(name: &str, item: &Item) -> Result<String> {
    let value = text_of(item, "kept").map(str::to_owned);
    value.ok_or_else(|| StorageError::corrupt(format!("the value {name}")))
}
