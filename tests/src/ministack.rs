//! S3 and `DynamoDB` on this machine: ministack, with the table and the buckets that an installation has.
//!
//! What it cannot show: that a copy is refused whose destination was deleted meanwhile (it copies at once, and ignores
//! `If-Match` there), the lifecycle, policies, encryption under keys, and a global index that lags. The table has no time
//! to live here, since tests have times of their own.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use async_trait::async_trait;
use bytes::Bytes;
use domain::{Facts, Region, Tenant};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use storage::Storage as _;
use storage::aws::{Aws, AwsSetup};

use crate::damage::{Damages, Stored};
use crate::emulator::{self, Emulator};
use crate::fixture::{Namespace, regions};
use crate::owner::Owner;
use crate::proxy::Proxy;

/// Ends with the process of this number, however that ends.
const START: &str = "import os, select, sys, threading; \
    whose = os.pidfd_open(int(sys.argv.pop())); \
    threading.Thread(target=lambda: (select.select([whose], [], []), os._exit(0)), daemon=True).start(); \
    from ministack.app import main; main()";

/// What is escaped in the path of an object.
pub const OF_OBJECT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The file of keys in its folder.
const KEYS: &str = "keys";
const TABLE: &str = "voicemail";

/// A running emulator.
pub struct Ministack(Emulator);

static RUNNING: LazyLock<Ministack> = LazyLock::new(|| Ministack(Emulator::get("ministack", start)));

/// The table as the template makes it.
pub fn table(name: &str) -> Value {
    let key = |name: &str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
    let text = |name: &str| json!({"AttributeName": name, "AttributeType": "S"});
    let texts = ["pk", "sk", "f", "tenant", "due"].map(text);
    json!({
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": texts,
        "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")],
        "LocalSecondaryIndexes": [{
            "IndexName": "folder",
            "KeySchema": [key("pk", "HASH"), key("f", "RANGE")],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["r_at", "urgent", "w"]},
        }],
        "GlobalSecondaryIndexes": [{
            "IndexName": "due",
            "KeySchema": [key("tenant", "HASH"), key("due", "RANGE")],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }],
    })
}

impl Ministack {
    /// Makes a table.
    pub fn make_table(&self, region: &Region, table: &Value) {
        let target = "X-Amz-Target: DynamoDB_20120810.CreateTable";
        self.ask(region, "dynamodb", "POST /", target, &table.to_string());
    }

    /// Has an attribute of an item hold something else.
    fn replace(&self, region: &Region, [partition, item, attribute]: [&str; 3], text: &str) {
        let update = json!({
            "TableName": TABLE,
            "Key": {"pk": {"S": partition}, "sk": {"S": item}},
            "UpdateExpression": "SET #a = :a",
            "ConditionExpression": "attribute_exists(#a)",
            "ExpressionAttributeNames": {"#a": attribute},
            "ExpressionAttributeValues": {":a": {"S": text}},
        });
        let target = "X-Amz-Target: DynamoDB_20120810.UpdateItem";
        self.ask(region, "dynamodb", "POST /", target, &update.to_string());
    }

    /// Makes a bucket, with one more header.
    pub fn make_bucket(&self, region: &Region, name: &str, header: &str) {
        // The oldest region has no name here.
        let place = format!("<LocationConstraint>{region}</LocationConstraint>");
        let place = if region.as_str() == "us-east-1" { "" } else { &place };
        let body = format!("<CreateBucketConfiguration>{place}</CreateBucketConfiguration>");
        self.ask(region, "s3", &format!("PUT /{name}"), header, &body);
    }

    /// Configures a bucket, for example its `versioning`.
    pub fn configure(&self, region: &Region, bucket: &str, what: &str, body: &str) {
        self.ask(region, "s3", &format!("PUT /{bucket}?{what}"), "", body);
    }

    /// One request, signed by nobody: the emulator reads the region from it and no more.
    fn ask(&self, region: &Region, service: &str, line: &str, header: &str, body: &str) {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.0.port)).unwrap();
        let header = if header.is_empty() { "X-None: 0" } else { header };
        write!(
            stream,
            "{line} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\nContent-Length: {}\r\n{header}\r\n\
             Content-Type: application/x-amz-json-1.0\r\nAuthorization: AWS4-HMAC-SHA256 \
             Credential=test/20260101/{region}/{service}/aws4_request, SignedHeaders=host, Signature=0\r\n\r\n{body}",
            self.0.port,
            body.len(),
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{line} {header}: {answer}");
    }

    /// Puts an object as a platform does, with headers.
    pub async fn put_object(&self, bucket: &str, key: &str, headers: &[(&str, &str)], bytes: Bytes) {
        let put = self.request(Method::PUT, bucket, key).body(bytes);
        let put = headers.iter().fold(put, |put, (name, value)| put.header(*name, *value));
        assert_eq!(put.send().await.unwrap().status(), StatusCode::OK, "{bucket}/{key}");
    }

    /// The metadata and the bytes of an object; `None`: there is none.
    pub async fn object(&self, bucket: &str, key: &str) -> Option<(BTreeMap<String, String>, Bytes)> {
        let answer = self.request(Method::GET, bucket, key).send().await.unwrap();
        if answer.status() == StatusCode::NOT_FOUND {
            return None;
        }
        assert_eq!(answer.status(), StatusCode::OK, "{bucket}/{key}");
        let headers = answer.headers().iter();
        let facts = headers.filter_map(|(name, value)| {
            let name = name.as_str().strip_prefix("x-amz-meta-")?;
            Some((name.to_owned(), value.to_str().unwrap().to_owned()))
        });
        let facts = facts.collect();
        Some((facts, answer.bytes().await.unwrap()))
    }

    /// The keys of all objects below a folder, by name.
    pub async fn objects(&'static self, bucket: &str, folder: &str) -> Vec<String> {
        Owner::of(self).objects(bucket, folder).await.into_iter().map(|(key, _)| key).collect()
    }

    fn request(&self, method: Method, bucket: &str, key: &str) -> reqwest::RequestBuilder {
        let key = utf8_percent_encode(key, OF_OBJECT);
        reqwest::Client::new().request(method, format!("{}/{bucket}/{key}", self.endpoint()))
    }

    /// Its address.
    pub fn endpoint(&self) -> String {
        self.0.endpoint()
    }

    /// An installation on it, asked at this address.
    pub fn setup(&self, endpoint: String) -> AwsSetup {
        let bucket = |region: &Region| format!("voicemail-{region}/calls").parse().unwrap();
        AwsSetup {
            table: TABLE.to_owned(),
            buckets: regions().into_iter().map(|region| (region.clone(), bucket(&region))).collect(),
            masters: regions(),
            endpoint: Some(endpoint),
            credentials_file: Some(self.0.folder.join(KEYS)),
        }
    }
}

/// Starts one that ends with this process, with a table in each master region and a bucket in each region.
fn start(folder: &Path, ends_with: u32) -> u16 {
    let python = emulator::installed("venv/bin/python");
    let keys = "[default]\naws_access_key_id=test\naws_secret_access_key=test\n";
    std::fs::write(folder.join(KEYS), keys).unwrap();
    let port = emulator::start(folder, |port| {
        let mut command = Command::new(&python);
        command
            .args(["-c", START, &ends_with.to_string()])
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", port.to_string())
            .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}"))
            .env("MINISTACK_REGION", "us-east-1");
        command
    });
    let started = Ministack(Emulator::at(port, folder));
    for region in regions() {
        started.make_table(&region, &table(TABLE));
        started.make_bucket(&region, &format!("voicemail-{region}"), "");
    }
    port
}

/// The emulator of this process.
pub fn running() -> &'static Ministack {
    &RUNNING
}

/// A fresh tenant on the emulator of this process.
pub async fn open() -> Namespace {
    let ministack = tokio::task::spawn_blocking(running).await.unwrap();
    at(ministack.endpoint()).await
}

/// A fresh tenant, whose requests all go through a proxy.
pub async fn behind_a_proxy() -> (Namespace, Proxy) {
    let ministack = tokio::task::spawn_blocking(running).await.unwrap();
    let proxy = Proxy::before(ministack.endpoint()).await;
    (at(proxy.endpoint.clone()).await, proxy)
}

/// The same tenant, whose requests go to the emulator at once.
pub async fn past_the_proxy(space: &Namespace) -> Namespace {
    let aws = Aws::open(running().setup(running().endpoint())).await.unwrap();
    space.on(aws.tenant(&space.tenant))
}

#[async_trait]
impl Damages for Ministack {
    async fn open(&self) -> Namespace {
        open().await
    }

    fn parts_of_a_message(&self) -> &'static [&'static str] {
        &["facts", "w"]
    }

    async fn damage(&self, tenant: &Tenant, stored: Stored<'_>, text: &'static str) {
        let of_an_attempt = |facts: &Facts| format!("{}#{}#{}", facts.id, facts.attempt, facts.mailbox);
        let (partition, item, attribute) = match stored {
            Stored::Message(facts, part) => (format!("m#{}", facts.mailbox), facts.id.to_string(), part),
            Stored::Attempt(facts) => ("arriving".to_owned(), of_an_attempt(facts), "remains"),
            Stored::Marker(facts) => {
                (format!("s#{}", facts.subject.as_ref().unwrap()), of_an_attempt(facts), "marker")
            }
            Stored::Mailbox(id) => ("mailbox".to_owned(), id.to_string(), "body"),
            Stored::Case(key) => ("case".to_owned(), key.to_string(), "body"),
        };
        let (region, partition) = (tenant.master.clone(), format!("{}#{partition}", tenant.id));
        let damaged = move || running().replace(&region, [&partition, &item, attribute], text);
        tokio::task::spawn_blocking(damaged).await.unwrap();
    }
}

async fn at(endpoint: String) -> Namespace {
    let aws = Aws::open(running().setup(endpoint)).await.unwrap();
    Namespace::new(|tenant| aws.tenant(tenant), ())
}
