//! AWS: a table, and a folder in the bucket of each region.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::{Attempt, Region, SystemRandom};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use storage::Storage;
use storage::aws::{Aws, AwsSetup};

use super::{Emulated, Function, Part, Place, Step};
use crate::faults::Contents;
use crate::fixture::regions;
use crate::http::{Centre, Lambda, Setting};
use crate::ministack::{Ministack, running, table};
use crate::owner::{Owner, rows};

/// `DynamoDB` and S3 on ministack.
pub const AWS: Emulated =
    Emulated { endpoint: || running().endpoint(), place: |endpoint| Arc::new(AwsPlace::at(endpoint)) };

struct AwsPlace {
    ministack: &'static Ministack,
    /// The table's name, and the folder's in each bucket.
    name: String,
    endpoint: String,
}

/// The bucket of a region.
fn bucket(region: &Region) -> String {
    format!("voicemail-{region}")
}

fn master() -> Region {
    "eu-central-1".parse().unwrap()
}

impl AwsPlace {
    fn at(endpoint: String) -> Self {
        let (ministack, name) = (running(), format!("i-{}", Attempt::draw(&SystemRandom)));
        for region in regions() {
            ministack.make_table(&region, &table(&name));
        }
        Self { ministack, name, endpoint }
    }

    fn key(&self, object: &str) -> String {
        format!("{}/{object}", self.name)
    }
}

#[async_trait]
impl Place for AwsPlace {
    fn environment(&self) -> Vec<(&'static str, String)> {
        let folder = |region: Region| (region.to_string(), format!("{}/{}", bucket(&region), self.name));
        let folders: BTreeMap<_, _> = regions().into_iter().map(folder).collect();
        let keys = self.ministack.setup(String::new()).credentials_file.unwrap();
        vec![
            ("VOICEMAIL_STORAGE", "aws".to_owned()),
            ("VOICEMAIL_TABLE", self.name.clone()),
            ("VOICEMAIL_BUCKETS", json!(folders).to_string()),
            ("AWS_ENDPOINT_URL", self.endpoint.clone()),
            ("AWS_SHARED_CREDENTIALS_FILE", keys.display().to_string()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ]
    }

    async fn storage(&self) -> Arc<dyn Storage> {
        let bucket = |region: &Region| format!("{}/{}", bucket(region), self.name).parse().unwrap();
        let setup = AwsSetup {
            table: self.name.clone(),
            buckets: regions().into_iter().map(|region| (region.clone(), bucket(&region))).collect(),
            ..self.ministack.setup(self.endpoint.clone())
        };
        Arc::new(Aws::open(setup).await.unwrap())
    }

    async fn put(&self, object: &str, facts: &[(&str, &str)], bytes: Bytes) {
        let names: Vec<_> = facts.iter().map(|(name, _)| format!("x-amz-meta-{name}")).collect();
        let facts = names.iter().zip(facts).map(|(name, (_, value))| (name.as_str(), *value));
        let (bucket, key) = self.named(object);
        self.ministack.put_object(&bucket, &key, &facts.collect::<Vec<_>>(), bytes).await;
    }

    async fn objects(&self, folder: &str) -> Vec<String> {
        let (bucket, folder) = self.named(folder);
        let objects = self.ministack.objects(&bucket, &folder).await;
        objects.iter().map(|object| object.strip_prefix(&self.key("")).unwrap().to_owned()).collect()
    }

    async fn metadata(&self, object: &str) -> Option<BTreeMap<String, String>> {
        let (bucket, key) = self.named(object);
        self.ministack.object(&bucket, &key).await.map(|(metadata, _)| metadata)
    }

    fn named(&self, object: &str) -> (String, String) {
        (bucket(&master()), self.key(object))
    }

    fn recordings(&self, tenant: &str) -> String {
        tenant.to_owned()
    }

    async fn process(&self, setting: &Arc<Setting>) -> Centre {
        Centre::function(setting).await
    }

    async fn function(&self, setting: &Arc<Setting>) -> Box<dyn Function> {
        let setting = Arc::clone(setting);
        let started = tokio::task::spawn_blocking(|| Lambda::start_function("deposit", setting));
        Box::new(started.await.unwrap())
    }

    /// As S3 writes it: the key URL-encoded, with `+` for a space.
    fn event(&self, objects: &[(String, String)]) -> Value {
        let records = objects.iter().map(|(bucket, key)| {
            let key = utf8_percent_encode(key, NON_ALPHANUMERIC).to_string().replace("%20", "+");
            json!({"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
                "awsRegion": "eu-central-1", "s3": {"bucket": {"name": bucket}, "object": {"key": key}}})
        });
        json!({"Records": records.collect::<Value>()})
    }

    fn no_events(&self) -> Vec<Value> {
        vec![json!({}), json!({"Records": [{"eventSource": "aws:sqs", "body": "+49301234567"}]})]
    }

    async fn contents(&self) -> Contents {
        let owner = Owner::of(self.ministack);
        let mut contents = rows(&owner.items(&master(), &self.name).await);
        for region in regions() {
            let objects = owner.contents(&bucket(&region), &self.key("")).await.into_iter();
            contents.extend(objects.map(|(key, told)| (format!("{region} {key}"), told)));
        }
        contents
    }

    fn part(&self, request: &str, target: &str) -> (Region, Part) {
        let path = target.split('?').next().unwrap_or_default();
        let named = path.split('/').nth(1).unwrap_or_default();
        match regions().into_iter().find(|region| bucket(region) == named) {
            Some(region) if request == "ListObjectsV2" && target.contains("max-keys=1") => {
                (region, Part::Ping)
            }
            Some(region) => (region, Part::Recordings),
            None => (master(), Part::Metadata),
        }
    }

    fn is(&self, step: Step, request: &str, _: &str) -> bool {
        request
            == match step {
                Step::Look => "HeadObject",
                Step::Read => "GetObject",
                Step::Put => "PutObject",
                Step::Insert => "PutItem",
                Step::Count => "Query",
                Step::TakeAway => "DeleteObject",
            }
    }

    fn life(&self, link: &str) -> Duration {
        let (_, rest) = link.split_once("X-Amz-Expires=").expect("it ends");
        Duration::from_secs(rest.split('&').next().unwrap().parse().unwrap())
    }

    fn prolonged(&self, link: &str) -> String {
        link.replace("X-Amz-Expires=", "X-Amz-Expires=1")
    }
}

#[async_trait]
impl Function for Lambda {
    async fn dropped(&self, event: &Value) -> Result<(), String> {
        self.told(event.clone()).await
    }

    async fn scheduled(&self) -> Result<(), String> {
        self.told(json!({"source": "aws.events", "detail": {}})).await
    }

    fn without_storage(&self) -> &'static str {
        "storage-unavailable"
    }
}

impl Lambda {
    async fn told(&self, event: Value) -> Result<(), String> {
        let answer = self.invoke(event).await.map_err(|failure| failure.to_string())?;
        assert_eq!(answer, Value::Null);
        Ok(())
    }
}
