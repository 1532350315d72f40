//! Values of the installation, of all its tenants.

use super::layout::{self, Item};
use super::table::{Table, Update, Updated, text, text_of};
use crate::{Result, StorageError};

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
        Updated::Done(item) => kept_value(name, &item),
        Updated::Refused(item) => kept_value(name, &item.unwrap_or_default()),
    }
}

/// What is kept under a name of the installation's.
pub(super) async fn kept(table: Table, name: &str) -> Result<Option<String>> {
    let found = table.get("reading a value of the installation", &layout::kept(name)).await?;
    found.map(|item| kept_value(name, &item)).transpose()
}

fn kept_value(name: &str, item: &Item) -> Result<String> {
    let value = text_of(item, "kept").map(str::to_owned);
    value.ok_or_else(|| StorageError::corrupt(format!("the value {name}")))
}
