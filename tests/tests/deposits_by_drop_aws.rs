//! Deposits by a drop into a bucket and by an upload link, and the storage's own links to play, on AWS.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::Hold;
use host::{BoxError, Host};
use serde_json::{Value, json};
use tests::cloud::Cloud;
use tests::fixture::HOUR;
use tests::http::{Call, Centre, Setting, id, wav};
use tests::proxy::{Proxy, Weather};

/// More than the ten minutes after which a drop counts as late.
const LATE: Duration = Duration::from_mins(11);

/// Facts by their names.
type Facts<'a> = &'a [(&'a str, &'a str)];

/// An installation with a mailbox of Alice, and a service that takes its drops.
struct Office {
    cloud: Cloud,
    centre: Centre,
    host: Host,
}

impl Office {
    async fn new() -> Self {
        Self::of(Cloud::new().await).await
    }

    async fn behind_a_proxy() -> (Self, Proxy) {
        let (cloud, proxy) = Cloud::behind_a_proxy().await;
        (Self::of(cloud).await, proxy)
    }

    async fn of(cloud: Cloud) -> Self {
        let (centre, host) = cloud.service().await;
        centre.personal("5001", "alice").await;
        Self { cloud, centre, host }
    }

    async fn drop(&self, key: &str, facts: Facts<'_>, bytes: Bytes) {
        self.cloud.drop(key, facts, bytes).await;
    }

    /// What an event of this drop makes of it.
    async fn told(&self, key: &str) -> Result<(), BoxError> {
        deposit::on_drop(&self.host, &self.cloud.key(&self.host, key)).await
    }

    /// A drop and its event.
    async fn dropped(&self, key: &str, facts: Facts<'_>) {
        self.drop(key, facts, wav(1000)).await;
        self.told(key).await.unwrap();
    }

    async fn messages(&self) -> Vec<Value> {
        let page = self.centre.admin().get("5001/messages").await.is(200).json();
        page["messages"].as_array().unwrap().clone()
    }

    /// The one message.
    async fn message(&self) -> Value {
        let mut messages = self.messages().await;
        assert_eq!(messages.len(), 1, "{messages:?}");
        messages.remove(0)
    }

    /// That no drop waits and none was rejected.
    async fn is_clear(&self) {
        assert_eq!(self.cloud.objects("incoming").await, [""; 0]);
        assert_eq!(self.cloud.objects("rejected").await, [""; 0]);
    }

    /// Where the recording of a message leads.
    async fn link(&self, message: &Value, query: &str) -> String {
        let path = format!("5001/messages/{}/audio{query}", id(message));
        let answer = self.centre.agent("alice").get(&path).await.is(307);
        assert!(answer.body.is_empty(), "the bytes come from the storage");
        answer.header("location").to_owned()
    }
}

/// Asks a link as a player does, that has nothing else.
async fn play(link: &str) -> (u16, BTreeMap<String, String>, Bytes) {
    let answer = reqwest::Client::builder().no_proxy().build().unwrap().get(link).send().await.unwrap();
    let headers = answer.headers().iter();
    let headers =
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    (answer.status().as_u16(), headers, answer.bytes().await.unwrap())
}

#[tokio::test]
async fn a_drop_becomes_a_message_with_its_facts_and_is_taken_away() {
    let office = Office::new().await;
    let received_at = office.centre.ago(90);
    let facts = [
        ("caller-id", "+49 30 1234567"),
        ("caller-name", "J%C3%BCrgen%20M."),
        ("urgent", "true"),
        ("received-at", received_at.as_str()),
        ("call-id", "c-1"),
    ];
    office.dropped("t0/5001/2026/+49 30 Müller & Co.wav", &facts).await;
    let message = office.message().await;
    for (name, value) in [
        ("caller_id", json!("+49301234567")),
        ("caller_name", json!("Jürgen M.")),
        ("urgent", json!(true)),
        ("received_at", json!(received_at)),
        ("duration_ms", json!(1000)),
        ("media_type", json!("audio/wav")),
        ("region", json!("eu-central-1")),
    ] {
        assert_eq!(message[name], value, "{name}");
    }
    let (status, _, bytes) = play(&office.link(&message, "").await).await;
    assert_eq!((status, bytes), (200, wav(1000)));
    office.is_clear().await;
    // The same call over HTTP is the same message.
    let call = Call::new().with("call_id", "c-1").with("received_at", received_at);
    let repeat = office.centre.platform().deposit("5001", &call).await.is(200).json();
    assert_eq!(id(&repeat), id(&message));
}

#[tokio::test]
async fn a_drop_without_facts_is_a_message_of_nobody_when_it_was_dropped() {
    let office = Office::new().await;
    office.drop("t0/5001/a.wav", &[], wav(1000)).await;
    office.centre.pass(Duration::from_mins(1));
    office.told("t0/5001/a.wav").await.unwrap();
    let message = office.message().await;
    assert_eq!((&message["caller_id"], &message["urgent"]), (&Value::Null, &json!(false)));
    // By the storage's clock, in whole seconds.
    let received_at = message["received_at"].as_str().unwrap();
    assert!(received_at > office.centre.ago(90).as_str() && received_at.contains(".000Z"), "{received_at}");
}

#[tokio::test]
async fn a_repeated_event_is_one_message_also_where_the_drop_was_not_taken_away() {
    let (office, proxy) = Office::behind_a_proxy().await;
    for (facts, millis) in [(&[][..], 1000), (&[("caller-id", "+49301234567")], 2000)] {
        office.drop("t0/5001/a.wav", facts, wav(millis)).await;
        proxy.forecast(|request| if request == "DeleteObject" { Weather::Failing } else { Weather::Fair });
        office.told("t0/5001/a.wav").await.unwrap_err();
        assert_eq!(office.cloud.objects("incoming").await, ["incoming/t0/5001/a.wav"]);
        let message = office.message().await;
        proxy.forecast(|_| Weather::Fair);
        for _ in 0..3 {
            office.told("t0/5001/a.wav").await.unwrap();
            assert_eq!(office.message().await, message);
        }
        office.centre.admin().delete(&format!("5001/messages/{}", id(&message))).await.is(200);
    }
    office.is_clear().await;
}

#[tokio::test]
async fn two_events_of_a_drop_at_once_are_one_message() {
    let office = Office::new().await;
    office.drop("t0/5001/a.wav", &[], wav(1000)).await;
    let both = futures::join!(office.told("t0/5001/a.wav"), office.told("t0/5001/a.wav"));
    assert!(both.0.is_ok() && both.1.is_ok(), "{both:?}");
    office.message().await;
    office.is_clear().await;
}

#[tokio::test]
async fn an_event_of_what_is_gone_or_never_was_makes_nothing() {
    let office = Office::new().await;
    office.told("t0/5001/never.wav").await.unwrap();
    assert_eq!(office.messages().await, [Value::Null; 0]);
    office.is_clear().await;
}

#[tokio::test]
async fn what_can_never_be_deposited_is_rejected_with_the_reason_and_gone_within_a_day() {
    let office = Office::new().await;
    let (admin, centre) = (office.centre.admin(), &office.centre);
    centre.personal("full", "alice").await;
    centre.settings("full", json!({"max_messages": 1})).await;
    centre.deposit("full", &Call::new()).await;
    centre.personal("brief", "alice").await;
    centre.settings("brief", json!({"max_message_seconds": 1})).await;
    let off = json!({"kind": "personal", "user": "alice", "enabled": false});
    admin.put("off").json(off).await.is(201);
    let cases: [(&str, Facts<'_>, Bytes, &str); 10] = [
        ("t0/5001/not audio+.txt", &[], Bytes::from_static(b"not audio at all"), "unsupported-audio"),
        ("t0/5001/cut.wav", &[], wav(1000).slice(..4000), "broken-audio"),
        ("t0/5001/empty.wav", &[], Bytes::new(), "broken-audio"),
        ("t0/5001/bad-facts.wav", &[("received-at", "yesterday")], wav(9), "bad-request"),
        ("t0/5001/no-time.wav", &[("call-id", "c-1")], wav(9), "bad-request"),
        ("t0/none/a.wav", &[], wav(9), "not-found"),
        ("t0/no mailbox at all/a.wav", &[], wav(9), "not-found"),
        ("t0/full/a.wav", &[], wav(9), "mailbox-full"),
        ("t0/off/a.wav", &[], wav(9), "mailbox-disabled"),
        ("t0/brief/a.wav", &[], wav(1001), "too-long"),
    ];
    for (key, facts, bytes, reason) in &cases {
        office.drop(key, facts, bytes.clone()).await;
        // Not retried: the event is done.
        office.told(key).await.unwrap();
        assert_eq!(office.cloud.reason(key).await.as_deref(), Some(*reason), "{key}");
    }
    office.drop("t0/5001/huge.wav", &[], vec![0; (64 << 20) + 1].into()).await;
    office.told("t0/5001/huge.wav").await.unwrap();
    assert_eq!(office.cloud.reason("t0/5001/huge.wav").await.as_deref(), Some("too-large"));
    // What lies at no mailbox's folder is rejected, too.
    office.drop("t0/a.wav", &[], wav(9)).await;
    office.told("t0/a.wav").await.unwrap();
    assert_eq!(office.cloud.reason("t0/a.wav").await.as_deref(), Some("not-found"));

    assert_eq!(office.cloud.objects("incoming").await, [""; 0]);
    assert_eq!(office.messages().await, [Value::Null; 0]);
    // Audio of messages alone: the one that fills a mailbox.
    assert_eq!(office.cloud.objects("t0").await.len(), 1);
    centre.pass(22 * HOUR);
    deposit::on_schedule(&office.host).await.unwrap();
    assert_eq!(office.cloud.objects("rejected").await.len(), cases.len() + 2, "whoever asks why can look");
    centre.pass(2 * HOUR);
    deposit::on_schedule(&office.host).await.unwrap();
    office.is_clear().await;
}

#[tokio::test]
async fn a_drop_in_a_region_that_is_not_the_tenants_is_rejected() {
    let mut cloud = Cloud::new().await;
    let elsewhere =
        json!([{"tenant": "t0", "country": "DE", "master": "us-east-1", "regions": ["us-east-1"]}]);
    cloud.setting = Arc::new(Setting::new(1).with("VOICEMAIL_TENANTS", &elsewhere.to_string()));
    let office = Office::of(cloud).await;
    office.dropped("t0/5001/a.wav", &[]).await;
    assert_eq!(office.cloud.reason("t0/5001/a.wav").await.as_deref(), Some("not-found"));
    assert_eq!(office.messages().await, [Value::Null; 0]);
}

#[tokio::test]
async fn a_drop_of_a_call_that_is_gone_leaves_nothing_not_even_among_what_was_rejected() {
    let office = Office::new().await;
    let received_at = office.centre.ago(5);
    let facts = [("call-id", "c-1"), ("received-at", received_at.as_str())];
    office.dropped("t0/5001/a.wav", &facts).await;
    let message = office.message().await;
    office.centre.admin().delete(&format!("5001/messages/{}", id(&message))).await.is(200);
    office.centre.pass(25 * HOUR);
    assert_eq!(office.centre.sweep().await["purged"], 1);
    office.dropped("t0/5001/b.wav", &facts).await;
    assert_eq!(office.messages().await, [Value::Null; 0]);
    office.is_clear().await;
}

#[tokio::test]
async fn a_fault_of_the_storage_fails_the_event_and_the_drop_stays_and_the_schedule_takes_it() {
    let (office, proxy) = Office::behind_a_proxy().await;
    office.drop("t0/5001/a.wav", &[("caller-id", "+49301234567")], wav(1000)).await;
    for request in ["HeadObject", "GetObject", "PutObject", "PutItem", "Query"] {
        proxy.forecast(move |asked| if asked == request { Weather::Failing } else { Weather::Fair });
        let failed = office.told("t0/5001/a.wav").await.unwrap_err().to_string();
        assert!(failed.starts_with("storage-unavailable: ") && !failed.contains("301234567"), "{failed}");
        proxy.forecast(|_| Weather::Fair);
        assert_eq!(office.cloud.objects("incoming").await, ["incoming/t0/5001/a.wav"], "{request}");
        assert_eq!(office.messages().await, [Value::Null; 0], "{request}");
    }
    office.drop("t0/5001/b.txt", &[], Bytes::from_static(b"no audio")).await;
    deposit::on_schedule(&office.host).await.unwrap();
    assert_eq!(office.cloud.objects("incoming").await.len(), 2, "its event may still come");
    office.centre.pass(LATE);
    proxy.forecast(|asked| if asked == "PutItem" { Weather::Failing } else { Weather::Fair });
    deposit::on_schedule(&office.host).await.unwrap_err();
    assert_eq!(
        office.cloud.objects("incoming").await,
        ["incoming/t0/5001/a.wav"],
        "one that fails stops no other"
    );
    assert_eq!(office.cloud.reason("t0/5001/b.txt").await.as_deref(), Some("unsupported-audio"));
    proxy.forecast(|_| Weather::Fair);
    deposit::on_schedule(&office.host).await.unwrap();
    assert_eq!(office.message().await["caller_id"], "+49301234567");
    assert_eq!(office.cloud.objects("incoming").await, [""; 0]);
}

#[tokio::test]
async fn what_is_put_to_an_upload_link_is_the_message_whose_id_was_told() {
    let office = Office::new().await;
    let platform = office.centre.platform();
    let facts = json!({"caller_id": "+49 30 1234567", "caller_name": "Jürgen M.", "urgent": true});
    let link = platform.post("5001/uploads").json(facts).await.is(201).json();
    assert_eq!(link["method"], "PUT");
    assert!(!link["url"].as_str().unwrap().contains("1234567"), "a URL is written to logs: {link}");
    for (header, _) in link["headers"].as_object().unwrap() {
        assert!(header.starts_with("x-amz-meta-"), "{header}");
    }
    let upload = async |headers: bool| {
        let request =
            reqwest::Client::builder().no_proxy().build().unwrap().put(link["url"].as_str().unwrap());
        let sent = link["headers"].as_object().unwrap().iter().filter(|_| headers);
        let request =
            sent.fold(request, |request, (name, value)| request.header(name, value.as_str().unwrap()));
        request.body(wav(120_000)).send().await.unwrap().status().as_u16()
    };
    assert_eq!(upload(false).await, 403, "the facts are signed");
    office.is_clear().await;
    let key = format!("t0/5001/{}", id(&link));
    // What is put there twice is one message.
    for _ in 0..2 {
        assert_eq!(upload(true).await, 200);
        office.told(&key).await.unwrap();
        let message = office.message().await;
        assert_eq!(id(&message), id(&link));
        assert_eq!(
            (&message["caller_id"], &message["caller_name"]),
            (&json!("+49301234567"), &json!("Jürgen M."))
        );
        assert_eq!((&message["urgent"], &message["duration_ms"]), (&json!(true), &json!(120_000)));
    }
    office.is_clear().await;
}

#[tokio::test]
async fn a_link_is_given_only_where_a_recording_would_be_taken() {
    let office = Office::new().await;
    let (platform, centre) = (office.centre.platform(), &office.centre);
    platform.post("none/uploads").await.refused(404, "not-found");
    platform.post("5001/uploads").header("voicemail-call-id", "c-1").await.refused(400, "bad-request");
    centre.agent("alice").post("5001/uploads").await.refused(403, "forbidden");
    centre.settings("5001", json!({"max_messages": 1})).await;
    let received_at = centre.ago(5);
    let call = Call::new().with("call_id", "c-1").with("received_at", received_at.as_str());
    let message = centre.deposit("5001", &call).await;
    platform.post("5001/uploads").await.refused(409, "mailbox-full");
    let repeat = json!({"call_id": "c-1", "received_at": received_at});
    let link = platform.post("5001/uploads").json(repeat).await.is(201).json();
    assert_eq!(id(&link), id(&message), "a repeat is the message that is there");
}

#[tokio::test]
async fn a_deposit_that_is_too_large_for_a_request_is_told_of_the_links() {
    let office = Office::new().await;
    office.centre.settings("5001", json!({"max_message_seconds": 1})).await;
    let call = Call::new().audio(wav(30_000));
    let refused = office.centre.platform().deposit("5001", &call).await.refused(413, "too-large");
    assert!(refused["detail"].as_str().unwrap().contains("/uploads"), "{refused}");
}

#[tokio::test]
async fn a_recording_is_played_by_a_link_of_five_minutes_that_needs_no_token() {
    let office = Office::new().await;
    let message = office.centre.deposit("5001", &Call::from("+49301234567")).await;
    for (query, disposition) in
        [("", None), ("?download=1", Some(format!("attachment; filename=\"{}.wav\"", id(&message))))]
    {
        let link = office.link(&message, query).await;
        assert!(link.contains("X-Amz-Expires=300") && !link.contains("49301234567"), "{link}");
        let (status, headers, bytes) = play(&link).await;
        assert_eq!((status, bytes), (200, wav(1000)));
        assert_eq!(headers["content-type"], "audio/wav");
        assert_eq!(headers.get("content-disposition"), disposition.as_ref());
    }
    let path = format!("5001/messages/{}/audio?link=1", id(&message));
    let link = office.centre.agent("alice").get(&path).await.is(200).json();
    assert_eq!(play(link["url"].as_str().unwrap()).await.0, 200);
    let changed = link["url"].as_str().unwrap().replace("X-Amz-Expires=300", "X-Amz-Expires=3000");
    assert_eq!(play(&changed).await.0, 403, "its end is signed");
    office.centre.neighbour().admin().get(&path).await.refused(404, "not-found");
    // Forgotten, or with a mailbox that was deleted: no link is given any more.
    let tenant = office.host.tenant(&"t0".parse().unwrap()).unwrap();
    let (mailbox, message) = ("5001".parse().unwrap(), id(&message).parse().unwrap());
    let hidden = Hold::Mailbox { purge_at: office.centre.now().plus(HOUR) };
    tenant.index().hold(&mailbox, message, &hidden).await.unwrap().unwrap();
    for query in ["", "?link=1", "?download=1"] {
        let path = format!("5001/messages/{message}/audio{query}");
        office.centre.agent("alice").get(&path).await.refused(404, "not-found");
    }
}
