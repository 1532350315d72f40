//! A custom handler as the Functions host invokes it: by an event of Event Grid and on a timer.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::azurite::Azurite;
use tests::by_drop::upload;
use tests::cloud::{AZURE, AzurePlace, Cloud, Step};
use tests::http::{id, wav};
use tests::proxy::{Proxy, Weather};
use tests::triggers::Triggered;

tests::triggers!(AZURE);

/// More than the ten minutes after which a drop counts as late.
const LATE: Duration = Duration::from_mins(11);

/// An installation where each drop is late: the clock of its emulator, which lies in this folder, is behind.
async fn where_drops_are_late(folder: &TempDir) -> (Cloud, Proxy) {
    let path = folder.path().to_owned();
    let azurite = tokio::task::spawn_blocking(move || Azurite::behind(&path, LATE)).await.unwrap();
    let proxy = Proxy::before(azurite.endpoint()).await;
    (Cloud::at(Arc::new(AzurePlace::at(azurite, proxy.endpoint.clone()))), proxy)
}

fn in_a_string(value: &Value) -> Value {
    value.to_string().into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_is_done_in_whatever_the_functions_host_wraps_it_and_as_a_cloud_event() {
    let cloud = Cloud::new(AZURE).await;
    let (centre, _) = cloud.service().await;
    centre.personal("5001", "alice").await;
    let handler = cloud.place.process(&cloud.setting).await;
    let event = cloud.event("t0/5001/a.wav");
    let mut cloud_event = event.clone();
    let fields = cloud_event.as_object_mut().unwrap();
    for (own, other) in [("topic", "source"), ("eventType", "type"), ("eventTime", "time")] {
        let value = fields.remove(own).unwrap();
        fields.insert(other.to_owned(), value);
    }
    fields.insert("specversion".to_owned(), "1.0".into());
    let events = [
        event.clone(),
        in_a_string(&event),
        in_a_string(&in_a_string(&event)),
        json!([event]),
        in_a_string(&json!([event])),
        in_a_string(&cloud_event),
    ];
    for (n, event) in events.iter().enumerate() {
        cloud.drop("t0/5001/a.wav", &[("caller-name", "M%C3%BCller")], wav(1000)).await;
        for _ in 0..2 {
            handler.process().told("on-drop", &json!({"event": event})).await.unwrap();
            assert_eq!(centre.ids("5001", "").await.len(), n + 1, "{event}");
        }
    }
    assert_eq!(cloud.objects("incoming").await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_timer_takes_the_drops_that_no_event_told_and_those_whose_event_failed() {
    let folder = TempDir::new().unwrap();
    let (cloud, proxy) = where_drops_are_late(&folder).await;
    let deposit = Triggered::on(cloud).await;
    deposit.cloud.drop("t0/5001/told.wav", &[("caller-id", "+49301234567")], wav(1000)).await;
    deposit.cloud.drop("t0/5001/untold.wav", &[], wav(2000)).await;
    deposit.cloud.drop("t0/5001/untold.txt", &[], "no audio".into()).await;
    deposit.cloud.fails(&proxy, Step::Insert);
    let failed = deposit.function.dropped(&deposit.cloud.event("t0/5001/told.wav")).await.unwrap_err();
    assert!(failed.starts_with("500: ") && !failed.contains("301234567"), "{failed}");
    // One that fails keeps no other from its turn, and is told to who watches the timer.
    let failed = deposit.function.scheduled().await.unwrap_err();
    assert!(failed.starts_with("500: ") && !failed.contains("301234567"), "{failed}");
    let left = ["incoming/t0/5001/told.wav", "incoming/t0/5001/untold.wav"];
    assert_eq!(deposit.cloud.objects("incoming").await, left);
    assert_eq!(deposit.cloud.reason("t0/5001/untold.txt").await.as_deref(), Some("unsupported-audio"));
    assert_eq!(deposit.messages().await, 0);
    proxy.forecast(|_| Weather::Fair);
    for _ in 0..2 {
        deposit.function.scheduled().await.unwrap();
        assert_eq!(deposit.messages().await, 2);
        assert_eq!(deposit.cloud.objects("incoming").await, [""; 0]);
    }
    // The event comes once more, too late.
    deposit.function.dropped(&deposit.cloud.event("t0/5001/told.wav")).await.unwrap();
    assert_eq!(deposit.messages().await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_put_to_an_upload_link_of_a_custom_handler_is_played_by_its_redirect() {
    let cloud = Cloud::new(AZURE).await;
    let handler = cloud.place.process(&cloud.setting).await;
    handler.personal("5001", "alice").await;
    let facts = json!({"caller_id": "030 1234567", "urgent": true});
    let link = handler.platform().post("5001/uploads").json(facts).await.is(201).json();
    let message = id(&link);
    assert_eq!(upload(&link, wav(60_000)).await, 201);
    let event = in_a_string(&cloud.event(&format!("t0/5001/{message}")));
    handler.process().told("on-drop", &json!({"event": event})).await.unwrap();
    let alice = handler.agent("alice");
    let shown = alice.get(&format!("5001/messages/{message}")).await.is(200).json();
    assert_eq!((&shown["caller_id"], &shown["urgent"]), (&json!("+49301234567"), &json!(true)));
    let audio = alice.get(&format!("5001/messages/{message}/audio")).await.is(307);
    let played = reqwest::get(audio.header("location")).await.unwrap();
    assert_eq!(played.status(), 200);
    assert_eq!(played.bytes().await.unwrap(), wav(60_000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_log_tells_how_a_platform_calls_a_drop_whatever_fails() {
    let (cloud, proxy) = Cloud::behind_a_proxy(AZURE).await;
    cloud.service().await.0.personal("5001", "alice").await;
    let all = Arc::new(cloud.setting.copy().with("RUST_LOG", "trace"));
    let handler = cloud.place.process(&all).await;
    let drop = "t0/5001/+49301234567.wav";
    cloud.drop(drop, &[("caller-id", "+49301234567")], wav(1000)).await;
    let event = json!({"event": cloud.event(drop).to_string()});
    for step in [Step::Look, Step::Read, Step::TakeAway] {
        cloud.fails(&proxy, step);
        handler.process().told("on-drop", &event).await.unwrap_err();
    }
    proxy.close().await;
    handler.process().told("on-drop", &event).await.unwrap_err();
    let log = handler.process().stopped().await;
    assert!(log.contains("storage is not available"), "{log}");
    assert!(!log.contains("301234567"), "{log}");
}
