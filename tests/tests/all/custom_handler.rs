//! The gateway as a custom handler of Azure Functions: what a trigger starts, and who cannot start it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use serde_json::{Value, json};
use tests::http::{Centre, Front, Gateway, Invocation, Setting, as_custom_handler};

async fn handler() -> (Centre, Arc<Gateway>) {
    let setting = as_custom_handler(Setting::new(1).without("VOICEMAIL_SWEEP_EVERY"));
    let centre = Centre::gateway(&Arc::new(setting)).await;
    let Front::Socket { gateway, .. } = &centre.front else { unreachable!() };
    let gateway = Arc::clone(gateway);
    (centre, gateway)
}

/// A timer's envelope, as Microsoft documents it, or in a string, as the host puts what it holds as text.
fn timer(in_a_string: bool) -> Value {
    let timer = json!({
        "Schedule": {"AdjustForDST": true}, "IsPastDue": false,
        "ScheduleStatus": {"Last": "2026-11-24T08:00:00.0036+00:00", "Next": "2026-11-24T08:05:00+00:00"}
    });
    let timer = if in_a_string { timer.to_string().into() } else { timer };
    json!({"Data": {"timer": timer}, "Metadata": {"sys": {"MethodName": "on-schedule", "RandGuid": "1"}}})
}

/// An event of a blob that came, which no tenant of a folder has.
fn created() -> Value {
    let event = json!({
        "topic": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/acme",
        "subject": "/blobServices/default/containers/voicemail/blobs/incoming/t0/5001/+49301234567.wav",
        "eventType": "Microsoft.Storage.BlobCreated", "data": {"api": "PutBlob"}
    });
    json!({"Data": {"event": event.to_string()}, "Metadata": {}})
}

async fn invoke(gateway: &Gateway, function: &str, envelope: &Value) -> (u16, Value) {
    let (status, body) =
        Invocation::of(function, &gateway.address, &envelope.to_string()).send(gateway).await;
    (status, serde_json::from_str(&body).unwrap())
}

#[tokio::test]
async fn a_timer_sweeps_and_nothing_else_does() {
    let (_, gateway) = handler().await;
    let done = json!({"Outputs": {}, "Logs": [], "ReturnValue": null});
    for in_a_string in [false, true] {
        assert_eq!(invoke(&gateway, "on-schedule", &timer(in_a_string)).await, (200, done.clone()));
    }
    let swept = gateway.stopped().await.lines().filter(|line| line.contains("\"swept\"")).count();
    assert_eq!(swept, 2, "its own schedule is off");
}

#[tokio::test]
async fn an_event_of_what_is_no_drop_of_ours_is_done_and_one_that_cannot_be_read_fails() {
    let (_, gateway) = handler().await;
    let done = json!({"Outputs": {}, "Logs": [], "ReturnValue": null});
    assert_eq!(invoke(&gateway, "on-drop", &created()).await, (200, done));
    let event = |event: Value| json!({"Data": {"event": event}, "Metadata": {}});
    let unreadable = [
        json!({}),
        json!([]),
        json!("{}"),
        event(json!(null)),
        event(json!("+49301234567")),
        event(json!({"subject": "+49301234567"})),
        timer(false),
    ];
    for envelope in unreadable {
        let (status, answer) = invoke(&gateway, "on-drop", &envelope).await;
        assert_eq!(status, 400, "{envelope}");
        assert!(!answer.to_string().contains("301234567"), "{answer}");
    }
    for broken in ["", "{", "\u{feff}", "null"] {
        let invocation = Invocation::of("on-drop", &gateway.address, broken);
        assert_eq!(invocation.send(&gateway).await.0, 400, "{broken}");
    }
    assert!(!gateway.stopped().await.contains("301234567"));
}

#[tokio::test]
async fn a_sweep_that_fails_fails_the_invocation() {
    let (centre, gateway) = handler().await;
    centre.personal("5001", "alice").await;
    std::fs::remove_dir_all(gateway.setting.data()).unwrap();
    assert_eq!(invoke(&gateway, "on-schedule", &timer(false)).await.0, 500);
}

#[tokio::test]
async fn who_comes_from_outside_reaches_no_trigger_and_no_numbers() {
    let (centre, gateway) = handler().await;
    let outside = [
        ("host", "voicemail.azurewebsites.net"),
        ("x-arr-log-id", "1"),
        ("x-forwarded-for", "192.0.2.7"),
        ("x-forwarded-host", "x"),
        ("x-original-url", "/v1/mwi"),
    ];
    for function in ["on-schedule", "on-drop"] {
        for (name, value) in outside {
            let posing = Invocation::of(function, &gateway.address, &timer(false).to_string());
            assert_eq!(posing.with(name, value).send(&gateway).await.0, 404, "{function} with {name}");
        }
        for person in [centre.nobody(), centre.admin()] {
            person.post(&format!("/{function}")).json(timer(false)).await.is(404);
            person.get(&format!("/{function}")).await.is(404);
        }
    }
    centre.nobody().get("/metrics").await.is(404);
    assert!(!gateway.stopped().await.contains("\"swept\""));
}

#[tokio::test]
async fn the_functions_host_finds_it_ready_where_it_said() {
    let (centre, gateway) = handler().await;
    let port = gateway.setting.environment().get("FUNCTIONS_CUSTOMHANDLER_PORT").unwrap();
    assert_eq!(gateway.address, format!("127.0.0.1:{port}"));
    centre.nobody().get("/").await.is(404);
    centre.nobody().get("/readyz").await.is(200);
}

#[tokio::test]
async fn a_port_that_is_none_is_refused() {
    let setting = Setting::new(1).with("FUNCTIONS_CUSTOMHANDLER_PORT", "http");
    let written = tokio::task::spawn_blocking(move || Gateway::refused(&setting)).await.unwrap();
    assert!(written.contains("FUNCTIONS_CUSTOMHANDLER_PORT is no port"), "{written}");
}
