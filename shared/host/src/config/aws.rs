//! Where everything lies on AWS.

use std::collections::BTreeMap;

use domain::Region;
use storage::aws::Bucket;

use super::reader::Reader;
use super::storage_kind::StorageKind;

/// The table and the buckets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The table, of the same name in each master region.
    pub table: String,
    /// The bucket of each region, or a folder in one.
    pub buckets: BTreeMap<Region, Bucket>,
}

impl Places {
    /// Reads the variables, where the storage is AWS.
    pub(super) fn read(vars: &mut Reader<'_>, storage: StorageKind) -> Option<Self> {
        if storage != StorageKind::Aws {
            return None;
        }
        for variable in ["VOICEMAIL_TABLE", "VOICEMAIL_BUCKETS"] {
            if !vars.has(variable) {
                vars.fault(variable, "is not set, and the storage aws needs it".to_owned());
            }
        }
        vars.needs_keys("aws");
        let table = vars.read("VOICEMAIL_TABLE", String::new(), table);
        let buckets = vars.read("VOICEMAIL_BUCKETS", BTreeMap::new(), buckets);
        Some(Self { table, buckets })
    }
}

/// A table's name, by the rules of `DynamoDB`.
fn table(text: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    if (3..=255).contains(&text.len()) && text.bytes().all(plain) {
        return Ok(text.to_owned());
    }
    Err(format!("{text:?} is no table's name: 3 to 255 of A-Z a-z 0-9 _ . -"))
}

fn buckets(text: &str) -> Result<BTreeMap<Region, Bucket>, String> {
    let given: BTreeMap<String, String> = serde_json::from_str(text)
        .map_err(|error| format!("is not like {{\"eu-central-1\":\"bucket/folder\"}}: {error}"))?;
    let bucket = |(region, bucket): (String, String)| {
        let place = region.parse().map_err(|bad| format!("region {region:?}: {bad}"))?;
        let bucket = bucket.parse().map_err(|bad| format!("{region}: {bucket:?}: {bad}"))?;
        Ok((place, bucket))
    };
    if given.is_empty() {
        return Err("names no bucket".to_owned());
    }
    given.into_iter().map(bucket).collect()
}
