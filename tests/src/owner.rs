//! The items of tables and the objects of buckets past the contracts, as the owner of them sees and copies them.

use bytes::Bytes;
use domain::Region;
use futures::{StreamExt as _, stream};
use percent_encoding::{percent_decode_str, utf8_percent_encode};
use reqwest::{Method, RequestBuilder};
use serde_json::{Map, Value, json};

use crate::emulator::done;
use crate::faults::{Contents, content};
use crate::ministack::{Ministack, OF_OBJECT};
use crate::xml::{plain, within};

/// An item of a table.
pub type Item = Map<String, Value>;

/// How many requests are under way at once.
const ABREAST: usize = 8;

/// Who may ask everything of an emulator.
pub struct Owner {
    /// The emulator.
    pub ministack: &'static Ministack,
    client: reqwest::Client,
}

/// A request signed by nobody: the emulator reads the region from it and no more.
fn signed(ask: RequestBuilder, region: &Region, service: &str) -> RequestBuilder {
    let scope = format!("20260101/{region}/{service}/aws4_request");
    let signed = format!("AWS4-HMAC-SHA256 Credential=test/{scope}, SignedHeaders=host, Signature=0");
    ask.header("authorization", signed)
}

/// Items, each by its keys.
pub fn rows(items: &[Item]) -> Contents {
    let text = |item: &Item, name: &str| item[name]["S"].as_str().unwrap().to_owned();
    let row = |item: &Item| (format!("{} {}", text(item, "pk"), text(item, "sk")), json!(item).to_string());
    items.iter().map(row).collect()
}

impl Owner {
    /// Of what lies on this emulator.
    pub fn of(ministack: &'static Ministack) -> Self {
        Self { ministack, client: crate::emulator::client() }
    }

    /// A request to the tables of a region.
    pub async fn dynamodb(&self, region: &Region, operation: &str, request: Value) -> Value {
        let ask = self.client.post(self.ministack.endpoint()).body(request.to_string());
        let ask = ask.header("x-amz-target", format!("DynamoDB_20120810.{operation}"));
        let ask = ask.header("content-type", "application/x-amz-json-1.0");
        let answer = done(signed(ask, region, "dynamodb")).await.bytes().await.unwrap();
        serde_json::from_slice(&answer).unwrap()
    }

    /// The items of a table.
    pub async fn items(&self, region: &Region, table: &str) -> Vec<Item> {
        let scan = json!({"TableName": table, "ConsistentRead": true});
        let mut found = self.dynamodb(region, "Scan", scan).await;
        assert!(found["LastEvaluatedKey"].is_null(), "few items");
        serde_json::from_value(found["Items"].take()).unwrap()
    }

    fn s3(&self, method: Method, rest: &str) -> RequestBuilder {
        self.client.request(method, format!("{}/{rest}", self.ministack.endpoint()))
    }

    fn object(&self, method: Method, bucket: &str, key: &str, rest: &str) -> RequestBuilder {
        self.s3(method, &format!("{bucket}/{}{rest}", utf8_percent_encode(key, OF_OBJECT)))
    }

    /// The objects of a bucket below a folder: key and `ETag`.
    pub async fn objects(&self, bucket: &str, folder: &str) -> Vec<(String, String)> {
        let folder = utf8_percent_encode(folder, OF_OBJECT);
        let list = format!("{bucket}?list-type=2&encoding-type=url&prefix={folder}");
        let list = done(self.s3(Method::GET, &list)).await.text().await.unwrap();
        assert!(list.contains("<IsTruncated>false</IsTruncated>"), "few objects: {list}");
        let listed = list.split("<Contents>").skip(1).map(|object| {
            let key = percent_decode_str(within(object, "Key").unwrap()).decode_utf8().unwrap().into_owned();
            (key, plain(within(object, "ETag").unwrap()))
        });
        listed.collect()
    }

    /// Copies an object, its tags included.
    pub async fn copy(&self, key: &str, from: &str, to: &str) {
        let copy = self.object(Method::PUT, to, key, "");
        done(copy.header("x-amz-copy-source", format!("{from}/{key}"))).await;
    }

    /// All objects of a bucket below a folder, each by its key below it.
    pub async fn contents(&self, bucket: &str, folder: &str) -> Contents {
        let told = |(key, _): (String, String)| async move {
            let told = self.told(bucket, &key).await.to_string();
            (key.strip_prefix(folder).unwrap().to_owned(), told)
        };
        stream::iter(self.objects(bucket, folder).await).map(told).buffered(ABREAST).collect().await
    }

    /// All that an object tells: its metadata, its tags, its type, and its content.
    async fn told(&self, bucket: &str, key: &str) -> Value {
        let object = done(self.object(Method::GET, bucket, key, "")).await;
        let headers = object.headers().iter();
        let header = |name: &str| object.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let metadata = headers.filter_map(|(name, value)| {
            let name = name.as_str().strip_prefix("x-amz-meta-")?;
            Some((name.to_owned(), Value::from(value.to_str().unwrap())))
        });
        let mut told: Map<_, _> = metadata.collect();
        told.insert("type".to_owned(), header("content-type").into());
        let bytes: Bytes = object.bytes().await.unwrap();
        told.insert("content".to_owned(), content(&bytes).into());
        let tags = done(self.object(Method::GET, bucket, key, "?tagging")).await.text().await.unwrap();
        let part = |tag: &str, name: &str| plain(within(tag, name).unwrap());
        let tags = tags.split("<Tag>").skip(1).map(|tag| (part(tag, "Key"), part(tag, "Value")));
        told.insert("tags".to_owned(), tags.collect());
        told.into()
    }
}
