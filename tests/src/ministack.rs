//! S3 and `DynamoDB` on this machine: ministack, with the table and the buckets that an installation has. One for each
//! process of tests; under nextest, which starts a process for each test, one for all tests that a slot of it runs after
//! one another, since a start takes longer than most of them.
//!
//! What it cannot show: that a copy is refused whose destination was deleted meanwhile (it copies at once, and ignores
//! `If-Match` there), the lifecycle, policies, encryption under keys, and a global index that lags. The table has no time
//! to live here, since tests have times of their own.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use bytes::Bytes;
use domain::Region;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use storage::Storage as _;
use storage::aws::{Aws, AwsSetup};
use tempfile::TempDir;

use crate::fixture::{Namespace, regions};
use crate::proxy::Proxy;

/// Ends with the process of this number, however that ends.
const START: &str = "import os, select, sys, threading; \
    whose = os.pidfd_open(int(sys.argv.pop())); \
    threading.Thread(target=lambda: (select.select([whose], [], []), os._exit(0)), daemon=True).start(); \
    from ministack.app import main; main()";

/// What is escaped in the path of an object.
const OF_OBJECT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The file of keys in its folder, and that of the port, which is there once it is furnished.
const KEYS: &str = "keys";
const PORT: &str = "port";
const TABLE: &str = "voicemail";
/// How long it may take to start on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running emulator.
pub struct Ministack {
    port: u16,
    folder: PathBuf,
    /// Where its folder ends with this process.
    _keep: Option<TempDir>,
}

static RUNNING: LazyLock<Ministack> = LazyLock::new(Ministack::get);

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
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["r_at", "urgent"]},
        }],
        "GlobalSecondaryIndexes": [{
            "IndexName": "due",
            "KeySchema": [key("tenant", "HASH"), key("due", "RANGE")],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }],
    })
}

impl Ministack {
    /// The one of this slot of nextest, or one for this process alone.
    fn get() -> Self {
        let Some(folder) = folder_of_slot() else {
            let folder = tempfile::tempdir().unwrap();
            let port = start(folder.path(), std::process::id());
            return Self { port, folder: folder.path().to_owned(), _keep: Some(folder) };
        };
        let port = std::fs::read_to_string(folder.join(PORT)).ok().and_then(|port| port.parse().ok());
        let port = port.filter(|port| answers(*port)).unwrap_or_else(|| {
            std::fs::create_dir_all(&folder).unwrap();
            let port = start(&folder, std::os::unix::process::parent_id());
            std::fs::write(folder.join(PORT), port.to_string()).unwrap();
            port
        });
        Self { port, folder, _keep: None }
    }

    /// A table in each master region, a bucket in each region.
    fn furnish(&self) {
        for region in regions() {
            self.make_table(&region, &table(TABLE));
            self.make_bucket(&region, &format!("voicemail-{region}"), "");
        }
    }

    /// Makes a table.
    pub fn make_table(&self, region: &Region, table: &Value) {
        let target = "X-Amz-Target: DynamoDB_20120810.CreateTable";
        self.ask(region, "dynamodb", "POST /", target, &table.to_string());
    }

    /// Damages an item: this attribute of it holds something else.
    pub fn damage(&self, region: &Region, [partition, item, attribute]: [&str; 3], text: &str) {
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
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        let header = if header.is_empty() { "X-None: 0" } else { header };
        write!(
            stream,
            "{line} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\nContent-Length: {}\r\n{header}\r\n\
             Content-Type: application/x-amz-json-1.0\r\nAuthorization: AWS4-HMAC-SHA256 \
             Credential=test/20260101/{region}/{service}/aws4_request, SignedHeaders=host, Signature=0\r\n\r\n{body}",
            self.port,
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
    pub async fn objects(&self, bucket: &str, folder: &str) -> Vec<String> {
        let (bucket, folder) =
            (format!("{}/{bucket}", self.endpoint()), utf8_percent_encode(folder, OF_OBJECT));
        let list = reqwest::get(format!("{bucket}?list-type=2&encoding-type=url&prefix={folder}")).await;
        let list = list.unwrap().text().await.unwrap();
        assert!(list.contains("<IsTruncated>false</IsTruncated>"), "{list}");
        let keys = list.split("<Key>").skip(1).map(|rest| rest.split("</Key>").next().unwrap());
        keys.map(|key| percent_decode_str(key).decode_utf8().unwrap().into_owned()).collect()
    }

    fn request(&self, method: Method, bucket: &str, key: &str) -> reqwest::RequestBuilder {
        let key = utf8_percent_encode(key, OF_OBJECT);
        reqwest::Client::new().request(method, format!("{}/{bucket}/{key}", self.endpoint()))
    }

    /// Its address.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// An installation on it, asked at this address.
    pub fn setup(&self, endpoint: String) -> AwsSetup {
        let bucket = |region: &Region| format!("voicemail-{region}/calls").parse().unwrap();
        AwsSetup {
            table: TABLE.to_owned(),
            buckets: regions().into_iter().map(|region| (region.clone(), bucket(&region))).collect(),
            masters: regions(),
            endpoint: Some(endpoint),
            credentials_file: Some(self.folder.join(KEYS)),
        }
    }
}

/// Where the emulator of this slot of this run of nextest lies; what is left of earlier runs goes.
fn folder_of_slot() -> Option<PathBuf> {
    let told = |name| std::env::var(name).ok();
    let (run, slot) = (told("NEXTEST_RUN_ID")?, told("NEXTEST_TEST_GLOBAL_SLOT")?);
    let runs = std::env::current_exe().unwrap().parent().unwrap().join("ministack");
    for earlier in std::fs::read_dir(&runs).into_iter().flatten().flatten() {
        if earlier.file_name() != run.as_str() {
            // Another slot may do the same.
            let _ = std::fs::remove_dir_all(earlier.path());
        }
    }
    Some(runs.join(run).join(slot))
}

/// Starts one that ends with this process; its port.
fn start(folder: &Path, ends_with: u32) -> u16 {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let python = root.join("target/tools/venv/bin/python");
    assert!(python.exists(), "{} is missing: tests/run installs it", python.display());
    let keys = "[default]\naws_access_key_id=test\naws_secret_access_key=test\n";
    std::fs::write(folder.join(KEYS), keys).unwrap();
    let port = (0..5).find_map(|_| try_start(&python, folder, ends_with)).expect("ministack starts");
    let started = Ministack { port, folder: folder.to_owned(), _keep: None };
    started.furnish();
    port
}

/// `None`: another process took the port meanwhile.
fn try_start(python: &Path, folder: &Path, ends_with: u32) -> Option<u16> {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let mut child = Command::new(python)
        .args(["-c", START, &ends_with.to_string()])
        .current_dir(folder)
        .env("BIND_HOST", "127.0.0.1")
        .env("GATEWAY_PORT", port.to_string())
        .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}"))
        .env("MINISTACK_REGION", "us-east-1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // It outlives a test that nextest ends with all that the test started.
        .process_group(0)
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE && child.try_wait().unwrap().is_none() {
        if answers(port) {
            return Some(port);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = child.kill();
    None
}

fn answers(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
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

async fn at(endpoint: String) -> Namespace {
    let aws = Aws::open(running().setup(endpoint)).await.unwrap();
    Namespace::new(|tenant| aws.tenant(tenant), ())
}
