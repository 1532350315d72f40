//! The blobs of a container past the contracts, as the owner of its account sees and changes them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;
use domain::{Facts, Region, Tenant};
use futures::future::join_all;
use futures::{StreamExt as _, stream};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use reqwest::{Method, RequestBuilder};
use serde_json::{Map, Value};

use crate::azurite::{Azurite, CONTAINER, account, open, signature};
use crate::damage::{Damages, Stored};
use crate::emulator::done;
use crate::faults::{Contents, content};
use crate::fixture::Namespace;
use crate::xml::{plain, within};

/// What is escaped in the path of a blob.
const OF_BLOB: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The first version that takes tags with a put.
pub const VERSION: &str = "2019-12-12";
/// How many requests are under way at once.
const ABREAST: usize = 8;

/// A blob and all that is put with it.
#[derive(Debug, Clone)]
pub struct Blob {
    /// Its name in the container.
    pub name: String,
    /// Its metadata.
    pub metadata: BTreeMap<String, String>,
    /// Its index tags.
    pub tags: BTreeMap<String, String>,
    /// The type of its content.
    pub media_type: String,
    /// Its content.
    pub content: Bytes,
}

impl Blob {
    /// All that it tells: its metadata, JSON as such, its tags, its type, and its content.
    fn told(&self) -> String {
        let read = |value: &String| {
            let text = percent_decode_str(value).decode_utf8().unwrap();
            serde_json::from_str(&text).unwrap_or_else(|_| Value::from(text))
        };
        let metadata = self.metadata.iter().map(|(name, value)| (name.clone(), read(value)));
        let mut told: Map<_, _> = metadata.collect();
        told.insert(
            "tags".to_owned(),
            self.tags.iter().map(|(key, tag)| (key.clone(), tag.clone())).collect(),
        );
        told.insert("type".to_owned(), self.media_type.clone().into());
        told.insert("content".to_owned(), content(&self.content).into());
        Value::from(told).to_string()
    }
}

/// All that containers hold, each blob by its region and its name.
pub async fn contents(containers: &[(Region, Blobs)]) -> Contents {
    let all = containers.iter().map(async |(region, blobs)| (region, blobs.all("").await));
    let all = join_all(all).await;
    let blobs = all.iter().flat_map(|(region, blobs)| blobs.iter().map(move |blob| (region, blob)));
    blobs.map(|(region, blob)| (format!("{region} {}", blob.name), blob.told())).collect()
}

/// A container.
#[derive(Debug, Clone)]
pub struct Blobs {
    client: reqwest::Client,
    url: String,
    sas: String,
}

impl Blobs {
    /// A container of a region's account.
    pub fn of(azurite: &Azurite, client: &reqwest::Client, region: &Region, container: &str) -> Self {
        let account = account(region);
        let url = format!("{}/{account}/{container}", azurite.endpoint());
        Self { client: client.clone(), url, sas: sas(&account) }
    }

    fn request(&self, method: Method, rest: &str) -> RequestBuilder {
        let mark = if rest.contains('?') { '&' } else { '?' };
        let url = format!("{}{rest}{mark}{}", self.url, self.sas);
        self.client.request(method, url).header("x-ms-version", VERSION)
    }

    fn blob(&self, method: Method, name: &str) -> RequestBuilder {
        self.request(method, &format!("/{}", utf8_percent_encode(name, OF_BLOB)))
    }

    /// Makes the container.
    pub async fn make(&self) {
        done(self.request(Method::PUT, "?restype=container")).await;
    }

    /// Deletes it with all that lies in it.
    pub async fn remove(&self) {
        done(self.request(Method::DELETE, "?restype=container")).await;
    }

    /// The blobs whose names begin so, by name.
    pub async fn all(&self, prefix: &str) -> Vec<Blob> {
        let prefix = utf8_percent_encode(prefix, NON_ALPHANUMERIC);
        let list = format!("?restype=container&comp=list&include=metadata,tags&prefix={prefix}");
        let list = done(self.request(Method::GET, &list)).await.text().await.unwrap();
        assert!(within(&list, "NextMarker").is_none_or(str::is_empty), "few blobs: {list}");
        let listed = list.split("<Blob>").skip(1).map(str::to_owned);
        stream::iter(listed).map(|listed| self.read(listed)).buffered(ABREAST).collect().await
    }

    /// A blob of a listing, with its content.
    async fn read(&self, listed: String) -> Blob {
        let text = |tag: &str| plain(within(&listed, tag).unwrap());
        let name = text("Name");
        let content = match text("Content-Length").as_str() {
            "0" => Bytes::new(),
            _ => done(self.blob(Method::GET, &name)).await.bytes().await.unwrap(),
        };
        let tag = |tag: &str| (plain(within(tag, "Key").unwrap()), plain(within(tag, "Value").unwrap()));
        let tags = within(&listed, "TagSet").unwrap_or_default().split("<Tag>").skip(1).map(tag).collect();
        let metadata = entries(within(&listed, "Metadata").unwrap_or_default());
        Blob { name, metadata, tags, media_type: text("Content-Type"), content }
    }

    /// Writes a blob, whatever is there.
    pub async fn put(&self, blob: &Blob) {
        let put = self.blob(Method::PUT, &blob.name).header("x-ms-blob-type", "BlockBlob");
        let put = put.header("content-type", &blob.media_type).header("content-length", blob.content.len());
        let metadata = blob.metadata.iter().map(|(name, value)| (format!("x-ms-meta-{name}"), value));
        let put = metadata.fold(put, |put, (name, value)| put.header(name, value));
        let part = |text: &String| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let tags: Vec<_> =
            blob.tags.iter().map(|(key, value)| format!("{}={}", part(key), part(value))).collect();
        let put = if tags.is_empty() { put } else { put.header("x-ms-tags", tags.join("&")) };
        done(put.body(blob.content.clone())).await;
    }
}

/// The id of a message as its blob's name has it, and the other way round.
pub fn inverse(id: &str) -> String {
    id.chars().map(|c| c.to_digit(16).map_or(c, |digit| char::from_digit(15 - digit, 16).unwrap())).collect()
}

/// What lets the owner of an account do anything with what lies in it: a SAS of the account, as a query.
pub fn sas(account: &str) -> String {
    let (permissions, expiry) = ("rwdlact", "2099-01-01T00:00:00Z");
    let text = [account, permissions, "b", "sco", "", expiry, "", "", VERSION, ""].join("\n");
    let signed = signature(&text);
    let signature = utf8_percent_encode(&signed, NON_ALPHANUMERIC);
    format!("sv={VERSION}&ss=b&srt=sco&se={expiry}&sp={permissions}&sig={signature}")
}

/// Elements that follow one another, by name.
fn entries(mut xml: &str) -> BTreeMap<String, String> {
    let mut entries = BTreeMap::new();
    while let Some((tag, rest)) = xml.strip_prefix('<').and_then(|xml| xml.split_once('>')) {
        xml = rest;
        if let Some(empty) = tag.strip_suffix('/') {
            entries.insert(empty.trim_end().to_owned(), String::new());
            continue;
        }
        let (value, rest) = xml.split_once(&format!("</{tag}>")).unwrap();
        entries.insert(tag.to_owned(), plain(value));
        xml = rest;
    }
    entries
}

#[async_trait]
impl Damages for Azurite {
    async fn open(&self) -> Namespace {
        open().await
    }

    fn parts_of_a_message(&self) -> &'static [&'static str] {
        &["facts", "state", "taking"]
    }

    async fn damage(&self, tenant: &Tenant, stored: Stored<'_>, text: &'static str) {
        let of_an_attempt = |facts: &Facts| format!("{}!{}!{}", facts.id, facts.attempt, facts.mailbox);
        // Records are content, all else is metadata.
        let (name, part) = match stored {
            Stored::Message(facts, part) => {
                (format!("m/{}!{}", facts.mailbox, inverse(&facts.id.to_string())), Some(part))
            }
            Stored::Attempt(facts) => (format!("arriving/{}", of_an_attempt(facts)), Some("remains")),
            Stored::Marker(facts) => {
                let subject = facts.subject.as_ref().unwrap();
                (format!("callers/{subject}/{}", of_an_attempt(facts)), Some("marker"))
            }
            Stored::Mailbox(id) => (format!("mailbox/{id}!"), None),
            Stored::Case(key) => (format!("case/{key}"), None),
        };
        let blobs = Blobs::of(self, &crate::emulator::client(), &tenant.master, CONTAINER);
        let found = blobs.all(&format!("index/{}/{name}", tenant.id)).await;
        let [mut blob] = <[Blob; 1]>::try_from(found).unwrap();
        match part {
            Some(part) => assert!(blob.metadata.insert(part.to_owned(), text.to_owned()).is_some()),
            None => blob.content = text.into(),
        }
        blobs.put(&blob).await;
    }
}
