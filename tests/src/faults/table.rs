//! Worlds on the emulator of AWS: a table and a bucket each.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::{Attempt, MailboxId, MessageId, Region, SystemRandom};
use host::config::Config;
use serde_json::{Map, Value, json};
use storage::aws::{Aws, AwsSetup};
use storage::{Storage as _, TenantStorage};

use super::breaker::Breaker;
use super::ground::{Contents, Ground};
use super::world::{TENANT, master, regions};
use crate::ministack::{running, table};
use crate::owner::{Item, Owner, rows};

/// What worlds have in common.
struct Shared {
    owner: Owner,
    aws: Aws,
}

/// A table and a bucket of the same name in the master region, and a bucket in the other, in which nothing is deposited.
pub struct Table {
    shared: Arc<Shared>,
    name: String,
}

impl Table {
    /// The first one, on the emulator of this process.
    pub async fn first() -> Self {
        let ministack = tokio::task::spawn_blocking(running).await.unwrap();
        let aws = Aws::trusted(ministack.setup(ministack.endpoint())).await;
        Self::make(&Arc::new(Shared { owner: Owner::of(ministack), aws })).await
    }

    async fn make(shared: &Arc<Shared>) -> Self {
        let name = format!("world-{}", Attempt::draw(&SystemRandom));
        shared.owner.dynamodb(&master(), "CreateTable", table(&name)).await;
        for region in regions() {
            shared.owner.ministack.make_bucket(&region, &bucket(&name, &region), "");
        }
        Self { shared: Arc::clone(shared), name }
    }

    async fn items(&self) -> Vec<Item> {
        self.shared.owner.items(&master(), &self.name).await
    }
}

/// The bucket of a region: the master's has the table's name.
fn bucket(table: &str, region: &Region) -> String {
    if *region == master() { table.to_owned() } else { format!("{table}-{region}") }
}

#[async_trait]
impl Ground for Table {
    async fn fresh(&self) -> Arc<dyn Ground> {
        Arc::new(Self::make(&self.shared).await)
    }

    async fn copy(&self) -> Arc<dyn Ground> {
        let copy = Self::make(&self.shared).await;
        for items in self.items().await.chunks(25) {
            let puts: Vec<_> = items.iter().map(|item| json!({"PutRequest": {"Item": item}})).collect();
            let mut tables = Map::new();
            tables.insert(copy.name.clone(), puts.into());
            let write = json!({"RequestItems": tables});
            let left = self.shared.owner.dynamodb(&master(), "BatchWriteItem", write).await;
            assert_eq!(left["UnprocessedItems"], json!({}));
        }
        for (key, _) in self.shared.owner.objects(&self.name, "").await {
            self.shared.owner.copy(&key, &self.name, &copy.name).await;
        }
        Arc::new(copy)
    }

    async fn open(&self, config: &Config, _: &Arc<Breaker>) -> [TenantStorage; 2] {
        let tenant = config.tenants.iter().find(|tenant| tenant.id.as_str() == TENANT).unwrap();
        let setup = AwsSetup {
            table: self.name.clone(),
            buckets: regions()
                .map(|region| (region.clone(), bucket(&self.name, &region).parse().unwrap()))
                .into(),
            ..self.shared.owner.ministack.setup(self.shared.owner.ministack.endpoint())
        };
        let storage = self.shared.aws.beside(setup).tenant(tenant);
        [storage.clone(), storage]
    }

    async fn contents(&self) -> Contents {
        let mut contents = rows(&self.items().await);
        contents.extend(self.shared.owner.objects(&self.name, "").await);
        contents
    }

    fn messages(&self, contents: &Contents, mailbox: &MailboxId) -> Vec<MessageId> {
        let partition = format!("{TENANT}#m#{mailbox} ");
        contents.keys().filter_map(|place| place.strip_prefix(&partition)?.parse().ok()).collect()
    }

    fn leavings(&self, contents: &Contents, is_settled: bool) -> Vec<String> {
        // Each row with its partition within the tenant, its sort key, and what it holds.
        let rows = contents.iter().filter_map(|(place, content)| {
            let (partition, key) = place.strip_prefix(TENANT)?.strip_prefix('#')?.split_once(' ')?;
            Some((place, partition, key, serde_json::from_str::<Value>(content).unwrap()))
        });
        let rows: Vec<_> = rows.collect();
        let of_an_attempt = |row: &(&String, &str, &str, Value)| match row {
            (_, partition, id, item) if partition.starts_with("m#") => {
                Some(format!("{id}#{}", item["a"]["S"].as_str()?))
            }
            (_, "arriving", key, _) if !is_settled => Some(key.chars().take(36 + 1 + 16).collect()),
            _ => None,
        };
        let known: BTreeSet<String> = rows.iter().filter_map(of_an_attempt).collect();
        let is_known = |key: &str| known.contains(&key.chars().take(36 + 1 + 16).collect::<String>());
        let is_explained = |partition: &str, key: &str, item: &Value| match partition {
            "mailbox" | "group" | "orphans" | "certificate" => true,
            "arriving" => !is_settled,
            // Long closed, it is not watched any more.
            "case" => !is_settled || item["f"].is_null(),
            // A case names its caller before it is written.
            _ if partition.starts_with("s#") && key.starts_with("!case#") => true,
            _ if partition.starts_with("s#") => is_known(key),
            _ if partition.starts_with("m#") => {
                let [is_held, is_due, is_message, is_claimed] = [
                    !(item["t"].is_null() && item["d"].is_null()),
                    !item["due"].is_null(),
                    !item["facts"].is_null(),
                    !item["claim"].is_null(),
                ];
                // What is held until a deadline or claimed is due, at every moment; and nothing else is.
                is_due == (is_held || is_claimed) && (!is_settled || (is_message && !is_claimed))
            }
            _ => false,
        };
        let unexplained = rows.iter().filter(|(_, partition, key, item)| !is_explained(partition, key, item));
        let unexplained = unexplained.map(|(place, _, _, item)| format!("{place}: {item}"));
        let objects =
            contents.keys().filter(|place| !place.starts_with(&format!("{TENANT}#"))).filter(|place| {
                let name = place.rsplit('/').next().unwrap_or_default();
                !is_known(&name.replacen('.', "#", 1))
            });
        unexplained.chain(objects.cloned()).collect()
    }

    fn age(&self, _: Duration) {}
}
