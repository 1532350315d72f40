//! Where everything lies on Azure.

use std::collections::BTreeMap;
use std::path::PathBuf;

use domain::Region;
use serde::Deserialize;
use storage::azure::{Access, Account};

use super::reader::Reader;
use super::storage_kind::StorageKind;

/// An account as it is configured.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountEntry {
    account: String,
    key_file: Option<PathBuf>,
    sas_file: Option<PathBuf>,
    endpoint: Option<String>,
    container: Option<String>,
}

/// The account of each region, where the storage is Azure.
pub(super) fn accounts(vars: &mut Reader<'_>, storage: StorageKind) -> Option<BTreeMap<Region, Account>> {
    if storage != StorageKind::Azure {
        return None;
    }
    if !vars.has("VOICEMAIL_AZURE") {
        vars.fault("VOICEMAIL_AZURE", "is not set, and the storage azure needs it".to_owned());
    }
    vars.needs_keys("azure");
    Some(vars.read("VOICEMAIL_AZURE", BTreeMap::new(), parse))
}

fn parse(text: &str) -> Result<BTreeMap<Region, Account>, String> {
    let given: BTreeMap<String, AccountEntry> = serde_json::from_str(text).map_err(|error| {
        format!("is not like {{\"westeurope\":{{\"account\":\"…\",\"key_file\":\"…\"}}}}: {error}")
    })?;
    if given.is_empty() {
        return Err("names no account".to_owned());
    }
    given.into_iter().map(|(region, given)| Ok((place(&region)?, account(&region, given)?))).collect()
}

fn place(region: &str) -> Result<Region, String> {
    region.parse().map_err(|bad| format!("region {region:?}: {bad}"))
}

/// An account, by the rules of Azure for its name and its container's.
fn account(region: &str, entry: AccountEntry) -> Result<Account, String> {
    let AccountEntry { account: name, key_file, sas_file, endpoint, container } = entry;
    let plain = |text: &str| text.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    if !(3..=24).contains(&name.len()) || !plain(&name) {
        return Err(format!("{region}: {name:?} is no account's name: 3 to 24 of a-z 0-9"));
    }
    let container = container.unwrap_or_else(|| "voicemail".to_owned());
    if !(3..=63).contains(&container.len())
        || !container.split('-').all(|part| !part.is_empty() && plain(part))
    {
        return Err(format!(
            "{region}: {container:?} is no container's name: 3 to 63 of a-z 0-9 and single hyphens"
        ));
    }
    let access = match (key_file, sas_file) {
        (Some(_), Some(_)) => {
            return Err(format!("{region}: key_file and sas_file are both given; leave one out"));
        }
        (Some(file), None) => Access::Key(file),
        (None, Some(file)) => Access::Sas(file),
        (None, None) => Access::Identity,
    };
    Ok(Account { name, access, endpoint, container })
}
