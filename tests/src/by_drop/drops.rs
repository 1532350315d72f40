//! Drops, their events, and the schedule that takes those that no event brought.
#![expect(missing_docs, reason = "the name of a case is its documentation")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Facts, Office, play};
use crate::cloud::{Cloud, Emulated, Step};
use crate::fixture::HOUR;
use crate::http::{Call, Setting, id, wav};
use crate::proxy::Weather;

/// More than the ten minutes after which a drop counts as late.
const LATE: Duration = Duration::from_mins(11);

pub async fn a_drop_becomes_a_message_with_its_facts_and_is_taken_away(on: Emulated) {
    let office = Office::new(on).await;
    let received_at = office.centre.ago(90);
    let facts = [
        // With the marks that a name pasted from elsewhere brings, U+202A and U+2011.
        ("caller-id", "%E2%80%AA%2B49%E2%80%9130 1234567"),
        ("caller-name", "J%C3%BCrgen%20M.%E2%80%AE"),
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

pub async fn a_drop_without_facts_is_a_message_of_nobody_when_it_was_dropped(on: Emulated) {
    let office = Office::new(on).await;
    office.drop("t0/5001/a.wav", &[], wav(1000)).await;
    office.centre.pass(Duration::from_mins(1));
    office.told("t0/5001/a.wav").await.unwrap();
    let message = office.message().await;
    assert_eq!((&message["caller_id"], &message["urgent"]), (&Value::Null, &json!(false)));
    // By the storage's clock, in whole seconds.
    let received_at = message["received_at"].as_str().unwrap();
    assert!(received_at > office.centre.ago(90).as_str() && received_at.contains(".000Z"), "{received_at}");
}

pub async fn a_repeated_event_is_one_message_also_where_the_drop_was_not_taken_away(on: Emulated) {
    let (office, proxy) = Office::behind_a_proxy(on).await;
    for (facts, millis) in [(&[][..], 1000), (&[("caller-id", "+49301234567")], 2000)] {
        office.drop("t0/5001/a.wav", facts, wav(millis)).await;
        office.cloud.fails(&proxy, Step::TakeAway);
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

pub async fn two_events_of_a_drop_at_once_are_one_message(on: Emulated) {
    let office = Office::new(on).await;
    office.drop("t0/5001/a.wav", &[], wav(1000)).await;
    let both = futures::join!(office.told("t0/5001/a.wav"), office.told("t0/5001/a.wav"));
    assert!(both.0.is_ok() && both.1.is_ok(), "{both:?}");
    office.message().await;
    office.is_clear().await;
}

pub async fn an_event_of_what_is_gone_or_never_was_makes_nothing(on: Emulated) {
    let office = Office::new(on).await;
    office.told("t0/5001/never.wav").await.unwrap();
    assert_eq!(office.messages().await, [Value::Null; 0]);
    office.is_clear().await;
}

pub async fn what_can_never_be_deposited_is_rejected_with_the_reason_and_gone_within_a_day(on: Emulated) {
    let office = Office::new(on).await;
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
    assert_eq!(office.cloud.recordings().await.len(), 1);
    centre.pass(22 * HOUR);
    deposit::on_schedule(&office.app).await.unwrap();
    assert_eq!(office.cloud.objects("rejected").await.len(), cases.len() + 2, "whoever asks why can look");
    centre.pass(2 * HOUR);
    deposit::on_schedule(&office.app).await.unwrap();
    office.is_clear().await;
}

pub async fn a_drop_in_a_region_that_is_not_the_tenants_is_rejected(on: Emulated) {
    let mut cloud = Cloud::new(on).await;
    let elsewhere =
        json!([{"tenant": "t0", "country": "DE", "master": "us-east-1", "regions": ["us-east-1"]}]);
    cloud.setting = Arc::new(Setting::new(1).with("VOICEMAIL_TENANTS", &elsewhere.to_string()));
    let office = Office::of(cloud).await;
    office.dropped("t0/5001/a.wav", &[]).await;
    assert_eq!(office.cloud.reason("t0/5001/a.wav").await.as_deref(), Some("not-found"));
    assert_eq!(office.messages().await, [Value::Null; 0]);
}

pub async fn a_drop_of_a_call_that_is_gone_leaves_nothing_not_even_among_what_was_rejected(on: Emulated) {
    let office = Office::new(on).await;
    let received_at = office.centre.ago(5);
    let facts = [("call-id", "c-1"), ("received-at", received_at.as_str())];
    office.dropped("t0/5001/a.wav", &facts).await;
    let message = office.message().await;
    office.centre.admin().delete(&format!("5001/messages/{}", id(&message))).await.is(200);
    office.centre.pass(25 * HOUR);
    let swept = office.centre.sweep().await;
    assert_eq!(swept["purged"], 1, "{swept}");
    office.dropped("t0/5001/b.wav", &facts).await;
    assert_eq!(office.messages().await, [Value::Null; 0]);
    office.is_clear().await;
}

pub async fn a_fault_of_the_storage_fails_the_event_and_the_drop_stays_and_the_schedule_takes_it(
    on: Emulated,
) {
    let (office, proxy) = Office::behind_a_proxy(on).await;
    office.drop("t0/5001/a.wav", &[("caller-id", "+49301234567")], wav(1000)).await;
    for step in [Step::Look, Step::Read, Step::Put, Step::Insert, Step::Count] {
        office.cloud.fails(&proxy, step);
        let failed = office.told("t0/5001/a.wav").await.unwrap_err().to_string();
        assert!(failed.starts_with("storage-unavailable: ") && !failed.contains("301234567"), "{failed}");
        proxy.forecast(|_| Weather::Fair);
        assert_eq!(office.cloud.objects("incoming").await, ["incoming/t0/5001/a.wav"], "{step:?}");
        assert_eq!(office.messages().await, [Value::Null; 0], "{step:?}");
    }
    office.drop("t0/5001/b.txt", &[], Bytes::from_static(b"no audio")).await;
    deposit::on_schedule(&office.app).await.unwrap();
    assert_eq!(office.cloud.objects("incoming").await.len(), 2, "its event may still come");
    office.centre.pass(LATE);
    office.cloud.fails(&proxy, Step::Insert);
    deposit::on_schedule(&office.app).await.unwrap_err();
    assert_eq!(
        office.cloud.objects("incoming").await,
        ["incoming/t0/5001/a.wav"],
        "one that fails stops no other"
    );
    assert_eq!(office.cloud.reason("t0/5001/b.txt").await.as_deref(), Some("unsupported-audio"));
    proxy.forecast(|_| Weather::Fair);
    deposit::on_schedule(&office.app).await.unwrap();
    assert_eq!(office.message().await["caller_id"], "+49301234567");
    assert_eq!(office.cloud.objects("incoming").await, [""; 0]);
}
