//! The tenants, as their file lists them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use domain::{BareNumbers, Country, NumberingPlan, Region, Settings, SomeSettings, Tenant};
use serde::Deserialize;

#[derive(Deserialize)]
struct TenantEntry {
    tenant: String,
    country: String,
    bare_numbers: Option<String>,
    master: String,
    regions: Vec<String>,
    ccid: Option<String>,
    domain: Option<String>,
    #[serde(default)]
    clients: Vec<String>,
    #[serde(default)]
    settings: SomeSettings,
    #[serde(flatten)]
    other: BTreeMap<String, serde_json::Value>,
}

/// No tenant has these ids: in a bucket, drops lie in folders of these names beside those of the tenants, and a rule deletes
/// what was rejected after a day.
const RESERVED_FOLDERS: [&str; 2] = [storage::INCOMING, storage::REJECTED];

/// Reads the file; what is wrong with any of the tenants is told at once.
pub(super) fn read(path: &Path) -> Result<Vec<Tenant>, String> {
    let at_path = |fault: String| format!("{}: {fault}", path.display());
    let bytes = std::fs::read(path).map_err(|error| at_path(format!("cannot be read: {error}")))?;
    parse(&bytes).map_err(at_path)
}

/// Reads the list itself; what is wrong with any of the tenants is told at once.
pub(super) fn parse(list: &[u8]) -> Result<Vec<Tenant>, String> {
    let mut json = serde_json::Deserializer::from_slice(list);
    let entries: Vec<TenantEntry> =
        serde_path_to_error::deserialize(&mut json).map_err(|error| error.to_string())?;
    json.end().map_err(|error| error.to_string())?;
    tenants(entries).map_err(|faults| faults.join("; "))
}

/// The tenant of the demo.
pub(super) fn demo() -> Tenant {
    let entry = TenantEntry {
        tenant: "demo".into(),
        country: "DE".into(),
        bare_numbers: None,
        master: "local".into(),
        regions: vec!["local".into()],
        ccid: None,
        domain: None,
        clients: vec!["scheduler".into()],
        settings: SomeSettings::default(),
        other: BTreeMap::new(),
    };
    #[expect(clippy::expect_used, reason = "a constant, which the tests read")]
    tenant(entry).expect("the demo tenant is a good one")
}

fn tenants(entries: Vec<TenantEntry>) -> Result<Vec<Tenant>, Vec<String>> {
    let mut faults = Vec::new();
    let mut names = BTreeSet::new();
    let mut tenants = Vec::new();
    if entries.is_empty() {
        faults.push("lists no tenant".to_owned());
    }
    for (number, entry) in entries.into_iter().enumerate() {
        let place = format!("tenant {} ({})", number + 1, entry.tenant);
        for name in entry.other.keys() {
            tracing::warn!(place, name, "a tenant's entry has a name that is not known");
        }
        match tenant(entry) {
            Ok(tenant) => {
                // A token may name either, so no two tenants may share any.
                for name in BTreeSet::from([tenant.id.as_str(), &tenant.ccid]) {
                    if !names.insert(name.to_owned()) {
                        faults.push(format!("{place}: another tenant has the id or ccid {name:?}"));
                    }
                }
                tenants.push(tenant);
            }
            Err(wrong) => faults.extend(wrong.into_iter().map(|fault| format!("{place}: {fault}"))),
        }
    }
    if faults.is_empty() { Ok(tenants) } else { Err(faults) }
}

fn tenant(entry: TenantEntry) -> Result<Tenant, Vec<String>> {
    let mut faults = Vec::new();
    let id = entry.tenant.parse().map_err(|bad| faults.push(format!("tenant: {bad}"))).ok();
    if RESERVED_FOLDERS.contains(&entry.tenant.as_str()) {
        faults.push(format!("tenant: not {}, which are folders of a bucket", RESERVED_FOLDERS.join(" or ")));
    }
    let country: Option<Country> =
        entry.country.parse().map_err(|bad| faults.push(format!("country: {bad}"))).ok();
    let bare_numbers = entry.bare_numbers.as_deref().map(str::parse::<BareNumbers>).transpose();
    let bare_numbers = bare_numbers.map_err(|bad| faults.push(format!("bare_numbers: {bad}"))).ok().flatten();
    let mut region =
        |text: &str| text.parse().map_err(|bad| faults.push(format!("region {text:?}: {bad}"))).ok();
    let master: Option<Region> = region(&entry.master);
    let regions: Vec<Region> = entry.regions.iter().filter_map(|text| region(text)).collect();
    if master.as_ref().is_some_and(|master| !regions.contains(master)) {
        faults.push(format!("its master {:?} is not among its regions", entry.master));
    }
    if regions.iter().collect::<BTreeSet<_>>().len() < regions.len() {
        faults.push("a region is there twice".to_owned());
    }
    let ccid = entry.ccid.unwrap_or_else(|| entry.tenant.clone());
    if !(1..=128).contains(&ccid.len()) || !ccid.bytes().all(|byte| byte.is_ascii_graphic()) {
        faults.push("ccid: 1 to 128 printable ASCII characters without spaces".to_owned());
    }
    // It goes into the lines of a message summary, so nothing but a host name will do.
    let domain = entry.domain.unwrap_or_else(|| format!("{}.invalid", entry.tenant));
    let of_a_host = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    if !(1..=253).contains(&domain.len()) || !domain.bytes().all(of_a_host) {
        faults.push("domain: a host name, like voicemail.example.com".to_owned());
    }
    let settings = entry.settings.over(&Settings::default());
    let settings = settings
        .map_err(|wrong| {
            faults.extend(wrong.into_iter().map(|(name, rule)| format!("settings.{name}: {rule}")));
        })
        .ok();
    match (id, country, master, settings) {
        (Some(id), Some(country), Some(master), Some(settings)) if faults.is_empty() => {
            let numbering = NumberingPlan { country, bare_numbers: bare_numbers.unwrap_or_default() };
            Ok(Tenant { id, ccid, numbering, domain, master, regions, clients: entry.clients, settings })
        }
        _ => Err(faults),
    }
}
