//! What platforms drop, on S3: the sentences of the contract.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use domain::{Clock as _, SystemClock, Timestamp};
use reqwest::{Method, StatusCode};
use storage::aws::Aws;
use storage::{DropKey, DropProperties, Drops, Storage as _, StorageError};
use tests::fixture::{HOUR, Namespace};
use tests::ministack::{behind_a_proxy, open, running};
use tests::proxy::Weather;

const BUCKET: &str = "voicemail-eu-central-1";
/// What a platform may call a recording.
const NAMES: [&str; 7] = [
    "call.wav",
    "2026/11/22/call.wav",
    "+49 30 1234567.wav",
    "Müller & Söhne?a=b#c.wav",
    "100%25 + 1.wav",
    "/twice//slashed.wav",
    "bell\u{7}.wav",
];

/// A tenant, and what a platform does for it.
struct Platform(Namespace);

impl Platform {
    async fn new() -> Self {
        Self(open().await)
    }

    fn drops(&self) -> &dyn Drops {
        &*self.0.storage.drops[&self.0.tenant.master]
    }

    fn key(&self, name: &str) -> DropKey {
        let (tenant, region) = (self.0.tenant.id.clone(), self.0.tenant.master.clone());
        DropKey { tenant, region, mailbox: "5001".to_owned(), name: name.to_owned() }
    }

    /// Where a drop lies; `what`: `incoming` or `rejected`.
    fn object(&self, what: &str, name: &str) -> String {
        format!("calls/{what}/{}/5001/{name}", self.0.tenant.id)
    }

    async fn put(&self, name: &str, facts: &[(&str, &str)], bytes: &str) {
        let facts: Vec<_> =
            facts.iter().map(|(name, value)| (format!("x-amz-meta-{name}"), *value)).collect();
        let facts: Vec<_> = facts.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let object = self.object("incoming", name);
        running().put_object(BUCKET, &object, &facts, Bytes::from(bytes.to_owned())).await;
    }

    /// Puts a drop and looks at it.
    async fn dropped(&self, name: &str, bytes: &str) -> (DropKey, DropProperties) {
        self.put(name, &[], bytes).await;
        let key = self.key(name);
        let dropped = self.look(&key).await.unwrap();
        (key, dropped)
    }

    async fn look(&self, key: &DropKey) -> Option<DropProperties> {
        self.drops().look(key).await.unwrap()
    }

    async fn read(&self, key: &DropKey, dropped: &DropProperties) -> Option<Bytes> {
        self.drops().read(key, dropped).await.unwrap()
    }

    async fn waiting(&self, before: Timestamp, limit: usize) -> Vec<String> {
        let waiting = self.drops().waiting(before, limit).await.unwrap();
        waiting.into_iter().map(|key| key.name).collect()
    }

    /// What lies in a folder, by name.
    async fn names(&self, what: &str) -> Vec<String> {
        let folder = self.object(what, "");
        let objects = running().objects(BUCKET, &folder).await;
        objects.iter().map(|object| object.strip_prefix(&folder).unwrap().to_owned()).collect()
    }
}

/// Later than anything that was put by now.
fn later() -> Timestamp {
    SystemClock.now().plus(HOUR)
}

#[tokio::test]
async fn an_event_tells_of_a_drop_of_this_installation_or_of_none() {
    let platform = Platform::new().await;
    let aws = Aws::open(running().setup(running().endpoint())).await.unwrap();
    for name in NAMES {
        assert_eq!(aws.drop_key(BUCKET, &platform.object("incoming", name)), Some(platform.key(name)));
    }
    let other = DropKey { region: "us-east-1".parse().unwrap(), ..platform.key("a.wav") };
    assert_eq!(aws.drop_key("voicemail-us-east-1", &platform.object("incoming", "a.wav")), Some(other));
    let tenant = platform.0.tenant.id.as_str();
    let nowhere = aws.drop_key(BUCKET, &format!("calls/incoming/{tenant}/a.wav")).unwrap();
    assert_eq!((nowhere.mailbox.as_str(), nowhere.name.as_str()), ("a.wav", ""), "names no mailbox");
    for object in [
        format!("calls/rejected/{tenant}/5001/a.wav"),
        format!("incoming/{tenant}/5001/a.wav"),
        format!("other/incoming/{tenant}/5001/a.wav"),
        format!("calls/{tenant}/2026112210/a.wav"),
        "calls/incoming/Not a tenant/5001/a.wav".to_owned(),
        "calls/incoming/a.wav".to_owned(),
        // Folders as a console makes them.
        format!("calls/incoming/{tenant}/"),
        format!("calls/incoming/{tenant}/5001/"),
        String::new(),
    ] {
        assert_eq!(aws.drop_key(BUCKET, &object), None, "{object}");
    }
    assert_eq!(aws.drop_key("voicemail", &platform.object("incoming", "a.wav")), None);
}

#[tokio::test]
async fn a_look_tells_facts_time_size_and_content_or_that_nothing_lies_there() {
    let platform = Platform::new().await;
    let key = platform.key("a.wav");
    assert_eq!(platform.look(&key).await, None);
    let before = SystemClock.now().minus(Duration::from_secs(1));
    let sent = [("caller-id", "+49301234567"), ("caller-name", "J%C3%BCrgen"), ("call-id", "c1")];
    platform.put("a.wav", &sent, "eight by").await;
    let dropped = platform.look(&key).await.unwrap();
    assert!(before <= dropped.at && dropped.at <= SystemClock.now(), "{:?}", dropped.at);
    assert_eq!(dropped.bytes, 8);
    assert_eq!(dropped.facts, sent.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    assert_eq!(platform.look(&key).await, Some(dropped.clone()), "the same as long as it lies there");

    platform.put("b.wav", &[], "eight by").await;
    let elsewhere = platform.look(&platform.key("b.wav")).await.unwrap();
    assert_eq!(elsewhere.facts, BTreeMap::new(), "any may be missing");
    platform.put("a.wav", &[], "others..").await;
    let other = platform.look(&key).await.unwrap();
    let versions = [&dropped, &elsewhere, &other].map(|dropped| dropped.version.as_str());
    assert!(versions.iter().collect::<std::collections::BTreeSet<_>>().len() == 3, "{versions:?}");
}

#[tokio::test]
async fn what_is_read_is_what_was_looked_at() {
    let platform = Platform::new().await;
    for name in NAMES {
        let (key, dropped) = platform.dropped(name, name).await;
        assert_eq!(platform.read(&key, &dropped).await.unwrap(), name);
        platform.put(name, &[], "something else").await;
        assert_eq!(platform.read(&key, &dropped).await, None, "{name}: something else lies there by now");
        let (key, dropped) = platform.dropped(name, "").await;
        assert_eq!(platform.read(&key, &dropped).await.unwrap(), "", "{name}: nothing was said");
        platform.drops().delete(&key, &dropped).await.unwrap();
        assert_eq!(platform.read(&key, &dropped).await, None, "{name}: it is gone");
    }
}

#[tokio::test]
async fn what_is_deleted_is_what_was_looked_at_however_often() {
    let platform = Platform::new().await;
    for name in NAMES {
        let (key, dropped) = platform.dropped(name, "one").await;
        for _ in 0..2 {
            platform.drops().delete(&key, &dropped).await.unwrap();
            assert_eq!(platform.look(&key).await, None, "{name}");
        }
        let (key, other) = platform.dropped(name, "two").await;
        platform.drops().delete(&key, &dropped).await.unwrap();
        assert_eq!(platform.look(&key).await, Some(other), "{name}: what else lies there by now stays");
    }
}

#[tokio::test]
async fn what_is_rejected_is_moved_aside_with_its_facts_and_why_and_nothing_else_is() {
    let platform = Platform::new().await;
    for name in NAMES {
        platform.put(name, &[("caller-id", "+49301234567")], name).await;
        let key = platform.key(name);
        let dropped = platform.look(&key).await.unwrap();
        for _ in 0..2 {
            platform.drops().reject(&key, &dropped, "unsupported-audio").await.unwrap();
        }
        assert_eq!(platform.look(&key).await, None, "{name}");
        let (facts, bytes) = running().object(BUCKET, &platform.object("rejected", name)).await.unwrap();
        let expected = [("caller-id", "+49301234567"), ("rejected-because", "unsupported-audio")];
        assert_eq!(facts, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
        assert_eq!(bytes, name);
    }
    let (key, dropped) = platform.dropped("again.wav", "one").await;
    platform.put("again.wav", &[], "two").await;
    platform.drops().reject(&key, &dropped, "unsupported-audio").await.unwrap();
    assert_eq!(platform.names("incoming").await, ["again.wav"], "what else lies there by now stays");
    assert_eq!(platform.names("rejected").await.len(), NAMES.len());
}

#[tokio::test]
async fn what_is_too_large_to_be_copied_leaves_its_facts_and_why() {
    let platform = Platform::new().await;
    let (key, dropped) = platform.dropped("film.mov", "not that large here").await;
    let large = DropProperties { bytes: 6 << 30, ..dropped };
    platform.drops().reject(&key, &large, "too-large").await.unwrap();
    assert_eq!(platform.look(&key).await, None);
    let (facts, bytes) = running().object(BUCKET, &platform.object("rejected", "film.mov")).await.unwrap();
    assert_eq!((facts["rejected-because"].as_str(), bytes.len()), ("too-large", 0));
}

#[tokio::test]
async fn what_waits_is_older_than_asked_and_no_more_than_asked_and_the_tenants_own() {
    let platform = Platform::new().await;
    for name in NAMES {
        platform.put(name, &[], "x").await;
    }
    let neighbour = platform.object("incoming", "a.wav").replacen("calls/incoming/", "calls/incoming/x", 1);
    running().put_object(BUCKET, &neighbour, &[], Bytes::new()).await;
    let (key, dropped) = platform.dropped("bad.wav", "x").await;
    platform.drops().reject(&key, &dropped, "broken-audio").await.unwrap();
    let mut waiting = platform.waiting(later(), 100).await;
    waiting.sort_unstable();
    let mut expected = NAMES.to_vec();
    expected.sort_unstable();
    assert_eq!(waiting, expected);
    assert_eq!(platform.waiting(later(), 3).await.len(), 3);
    assert_eq!(platform.waiting(SystemClock.now().minus(HOUR), 100).await, [""; 0], "they came after that");
}

#[tokio::test]
async fn more_drops_than_a_page_of_the_listing_all_wait() {
    let platform = Platform::new().await;
    let names: Vec<_> = (0..1003).map(|n| format!("{n:04}.wav")).collect();
    for some in names.chunks(50) {
        futures::future::join_all(some.iter().map(|name| platform.put(name, &[], "x"))).await;
    }
    assert_eq!(platform.waiting(later(), 2000).await, names);
    assert_eq!(platform.waiting(later(), 1001).await, names[..1001]);
}

#[tokio::test]
async fn what_was_rejected_before_is_cleared_and_counted_and_nothing_else_is() {
    let platform = Platform::new().await;
    for name in NAMES {
        let (key, dropped) = platform.dropped(name, "x").await;
        platform.drops().reject(&key, &dropped, "broken-audio").await.unwrap();
    }
    platform.put("waits.wav", &[], "x").await;
    let drops = platform.drops();
    assert_eq!(drops.clear_rejected(SystemClock.now().minus(HOUR)).await.unwrap(), 0);
    assert_eq!(platform.names("rejected").await.len(), NAMES.len());
    assert_eq!(drops.clear_rejected(later()).await.unwrap(), NAMES.len() as u64);
    assert_eq!(platform.names("rejected").await, [""; 0]);
    assert_eq!(drops.clear_rejected(later()).await.unwrap(), 0, "a repeat");
    assert_eq!(platform.names("incoming").await, ["waits.wav"]);
}

/// Sends a request as a client that has a link and nothing else.
async fn send(
    method: Method,
    url: &str,
    headers: &BTreeMap<String, String>,
    body: &'static str,
) -> StatusCode {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.request(method, url).body(body);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
    request.send().await.unwrap().status()
}

/// That S3 refuses headers of its own that are not signed, so more facts, is not shown: the emulator takes them.
#[tokio::test]
async fn a_link_drops_a_recording_of_these_facts_there_and_nothing_else() {
    let platform = Platform::new().await;
    let key = platform.key("0199c3a0.wav");
    let facts: BTreeMap<_, _> = [("caller-id", "%2B49301234567"), ("urgent", "true")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let link = platform.drops().upload(&key, &facts, HOUR).await.unwrap().unwrap();
    assert!(!link.url.contains("49301234567"), "a URL is written to logs: {}", link.url);
    assert!(link.headers.keys().eq(["x-amz-meta-caller-id", "x-amz-meta-urgent"]), "{:?}", link.headers);
    let mut fewer = link.headers.clone();
    fewer.remove("x-amz-meta-caller-id").unwrap();
    let mut others = link.headers.clone();
    others.insert("x-amz-meta-caller-id".to_owned(), "%2B49307654321".to_owned());
    let elsewhere = link.url.replacen("0199c3a0", "0199c3a1", 1);
    for (what, method, url, headers) in [
        ("no facts", Method::PUT, &link.url, &BTreeMap::new()),
        ("fewer facts", Method::PUT, &link.url, &fewer),
        ("other facts", Method::PUT, &link.url, &others),
        ("another place", Method::PUT, &elsewhere, &link.headers),
        ("a look", Method::GET, &link.url, &link.headers),
        ("a delete", Method::DELETE, &link.url, &link.headers),
    ] {
        assert_eq!(send(method, url, headers, "x").await, StatusCode::FORBIDDEN, "{what}");
    }
    assert_eq!(platform.names("incoming").await, [""; 0]);
    assert_eq!(send(Method::PUT, &link.url, &link.headers, "audio").await, StatusCode::OK);
    let dropped = platform.look(&key).await.unwrap();
    assert_eq!(dropped.facts, facts);
    assert_eq!(platform.read(&key, &dropped).await.unwrap(), "audio");
}

#[tokio::test]
async fn a_link_to_upload_to_ends() {
    let platform = Platform::new().await;
    let (key, no_facts) = (platform.key("a.wav"), BTreeMap::new());
    let link = platform.drops().upload(&key, &no_facts, Duration::from_secs(1)).await.unwrap().unwrap();
    let begun = Instant::now();
    while send(Method::PUT, &link.url, &link.headers, "x").await != StatusCode::FORBIDDEN {
        assert!(begun.elapsed() < Duration::from_secs(30), "it never ends");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_step_whose_answer_is_lost_is_done_once_and_a_failure_names_no_caller() {
    let (space, proxy) = behind_a_proxy().await;
    let platform = Platform(space);
    let name = "+49301234567.wav";
    for request in ["HeadObject", "GetObject", "CopyObject", "DeleteObject"] {
        let (key, dropped) = platform.dropped(name, "x").await;
        proxy.weather(Weather::AnswerLost, request, 2);
        assert_eq!(platform.look(&key).await, Some(dropped.clone()), "{request}");
        assert_eq!(platform.read(&key, &dropped).await.unwrap(), "x", "{request}");
        platform.drops().reject(&key, &dropped, "broken-audio").await.unwrap();
        assert_eq!(
            (platform.look(&key).await, platform.names("rejected").await),
            (None, vec![name.to_owned()])
        );
        let (key, dropped) = platform.dropped(name, "x").await;
        proxy.weather(Weather::AnswerLost, request, 2);
        platform.drops().delete(&key, &dropped).await.unwrap();
        assert_eq!(platform.look(&key).await, None);
    }
    let (key, dropped) = platform.dropped(name, "x").await;
    proxy.forecast(|_| Weather::Failing);
    let drops = platform.drops();
    let (look, read, delete, reject, waiting, clear) = futures::join!(
        drops.look(&key),
        drops.read(&key, &dropped),
        drops.delete(&key, &dropped),
        drops.reject(&key, &dropped, "broken-audio"),
        drops.waiting(later(), 9),
        drops.clear_rejected(later()),
    );
    for failed in [
        look.unwrap_err(),
        read.unwrap_err(),
        delete.unwrap_err(),
        reject.unwrap_err(),
        waiting.unwrap_err(),
        clear.unwrap_err(),
    ] {
        assert!(matches!(failed, StorageError::Unavailable { .. }), "{failed:?}");
        assert!(!format!("{failed:?}").contains("49301234567"), "{failed:?}");
    }
    proxy.forecast(|_| Weather::Fair);
    assert_eq!(platform.look(&key).await, Some(dropped), "it waits");
}
