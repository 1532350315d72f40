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
use super::world::TENANT;
use crate::ministack::{Ministack, running, table};

/// What worlds have in common.
struct Shared {
    ministack: &'static Ministack,
    aws: Aws,
    client: reqwest::Client,
}

impl Shared {
    /// One request, signed by nobody: the emulator reads the region from it and no more. What it answers.
    async fn ask(&self, ask: reqwest::RequestBuilder, service: &str) -> String {
        let scope = format!("20260101/{}/{service}/aws4_request", master());
        let signed = format!("AWS4-HMAC-SHA256 Credential=test/{scope}, SignedHeaders=host, Signature=0");
        let answer = ask.header("authorization", signed).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{status} {text}");
        text
    }

    /// A request to the table's service.
    async fn dynamodb(&self, operation: &str, request: Value) -> Value {
        let ask = self.client.post(self.ministack.endpoint()).body(request.to_string());
        let ask = ask.header("x-amz-target", format!("DynamoDB_20120810.{operation}"));
        let ask = ask.header("content-type", "application/x-amz-json-1.0");
        serde_json::from_str(&self.ask(ask, "dynamodb").await).unwrap()
    }

    /// The objects of a bucket: key and `ETag`.
    async fn objects(&self, bucket: &str) -> Vec<(String, String)> {
        let list = self.client.get(format!("{}/{bucket}?list-type=2", self.ministack.endpoint()));
        let list = self.ask(list, "s3").await;
        assert!(list.contains("<IsTruncated>false</IsTruncated>"), "a world is small: {list}");
        let of = |object: &str, tag: &str| {
            let (_, rest) = object.split_once(&format!("<{tag}>")).unwrap();
            rest.split_once('<').unwrap().0.to_owned()
        };
        list.split("<Contents>").skip(1).map(|object| (of(object, "Key"), of(object, "ETag"))).collect()
    }

    /// Copies an object, its tags included.
    async fn copy(&self, key: &str, from: &str, to: &str) {
        let copy = self.client.put(format!("{}/{to}/{key}", self.ministack.endpoint()));
        self.ask(copy.header("x-amz-copy-source", format!("{from}/{key}")), "s3").await;
    }
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
        Self::make(&Arc::new(Shared { ministack, aws, client: reqwest::Client::new() })).await
    }

    async fn make(shared: &Arc<Shared>) -> Self {
        let name = format!("world-{}", Attempt::draw(&SystemRandom));
        shared.dynamodb("CreateTable", table(&name)).await;
        for region in regions() {
            shared.ministack.make_bucket(&region, &bucket(&name, &region), "");
        }
        Self { shared: Arc::clone(shared), name }
    }

    async fn items(&self) -> Vec<Map<String, Value>> {
        let scan = json!({"TableName": self.name, "ConsistentRead": true});
        let mut found = self.shared.dynamodb("Scan", scan).await;
        assert!(found["LastEvaluatedKey"].is_null(), "a world is small");
        serde_json::from_value(found["Items"].take()).unwrap()
    }
}

/// The master region of every tenant.
fn master() -> Region {
    "eu-central-1".parse().unwrap()
}

/// The regions of every tenant.
fn regions() -> [Region; 2] {
    [master(), "us-east-1".parse().unwrap()]
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
            let left = self.shared.dynamodb("BatchWriteItem", write).await;
            assert_eq!(left["UnprocessedItems"], json!({}));
        }
        for (key, _) in self.shared.objects(&self.name).await {
            self.shared.copy(&key, &self.name, &copy.name).await;
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
            ..self.shared.ministack.setup(self.shared.ministack.endpoint())
        };
        let storage = self.shared.aws.beside(setup).tenant(tenant);
        [storage.clone(), storage]
    }

    async fn contents(&self) -> Contents {
        let text = |item: &Map<String, Value>, name: &str| item[name]["S"].as_str().unwrap().to_owned();
        let items = self.items().await;
        let mut contents: Contents = items
            .iter()
            .map(|item| (format!("{} {}", text(item, "pk"), text(item, "sk")), json!(item).to_string()))
            .collect();
        contents.extend(self.shared.objects(&self.name).await);
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
        let of_a_try = |row: &(&String, &str, &str, Value)| match row {
            (_, partition, id, item) if partition.starts_with("m#") => {
                Some(format!("{id}#{}", item["a"]["S"].as_str()?))
            }
            (_, "arriving", key, _) if !is_settled => Some(key.chars().take(36 + 1 + 16).collect()),
            _ => None,
        };
        let known: BTreeSet<String> = rows.iter().filter_map(of_a_try).collect();
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
