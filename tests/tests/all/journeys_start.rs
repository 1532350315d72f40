//! How a service is configured: what it refuses to start with, secrets that change, regions, an outage of its volume.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tests::http::{Call, Centre, Gateway, PASSWORD, SECRET, Setting, id};

/// What a gateway with this setting writes before it refuses to start.
async fn refused(setting: Setting) -> String {
    tokio::task::spawn_blocking(move || Gateway::refused(&setting)).await.unwrap()
}

/// Asks until the answer has this status. A file is looked at once a second; far more is a fault.
async fn becomes(status: u16, mut ask: impl AsyncFnMut() -> u16) {
    let begun = Instant::now();
    loop {
        let got = ask().await;
        if got == status {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "still {got}, not {status}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn all_that_is_wrong_with_the_configuration_is_told_at_once_by_name_and_no_secret() {
    let bad = [
        ("VOICEMAIL_LISTEN", "somewhere"),
        ("VOICEMAIL_STORAGE", "tape"),
        ("VOICEMAIL_SETUP", "maybe"),
        ("VOICEMAIL_TENANTS", "/nowhere/tenants.json"),
        ("VOICEMAIL_USERS", "/nowhere/users.json"),
        ("VOICEMAIL_TOKEN_SECRET", "hunter2"),
        ("VOICEMAIL_SUBJECT_KEY", "hunter3"),
        ("VOICEMAIL_TRASH_WINDOW", "soon"),
        ("VOICEMAIL_ERASE_AFTER", "25h"),
        ("VOICEMAIL_SWEEP_EVERY", "11m"),
        ("VOICEMAIL_MAX_REQUESTS", "0"),
        ("VOICEMAIL_ORIGINS", "*"),
    ];
    let setting = bad.iter().fold(Setting::new(1), |setting, (name, value)| setting.with(name, value));
    let written = refused(setting).await;
    for (name, _) in bad {
        assert!(written.contains(name), "{name} in {written}");
    }
    assert!(!written.contains("hunter"), "{written}");
}

#[tokio::test]
async fn an_empty_root_is_refused_where_setup_is_never() {
    let written = refused(Setting::new(1).with("VOICEMAIL_SETUP", "never")).await;
    assert!(written.to_lowercase().contains("mounted"), "{written}");
    let setting = Arc::new(Setting::new(1).with("VOICEMAIL_SETUP", "auto"));
    Centre::of_shared(&setting).await.personal("5001", "alice").await;
}

#[tokio::test]
async fn the_demo_is_refused_on_an_address_that_is_not_loopback() {
    let demo = Setting::new(1).without("VOICEMAIL_TENANTS").without("VOICEMAIL_USERS");
    let written = refused(demo.with("VOICEMAIL_LISTEN", "0.0.0.0:0")).await;
    assert!(written.contains("VOICEMAIL_LISTEN"), "{written}");
}

#[tokio::test]
async fn a_variable_that_is_not_known_is_told() {
    let setting = Arc::new(Setting::new(1).with("VOICEMAIL_TRASH_WIDNOW", "1h"));
    let centre = Centre::gateway(&setting).await;
    let process = Arc::clone(centre.process());
    tokio::task::spawn_blocking(move || process.wait_for("VOICEMAIL_TRASH_WIDNOW")).await.unwrap();
}

#[tokio::test]
async fn a_token_secret_in_a_file_is_read_again_when_it_changes() {
    let setting = Setting::new(1).without("VOICEMAIL_TOKEN_SECRET");
    let file = setting.file("secret", &format!("{SECRET}\n"));
    let centre = Centre::of(setting.with("VOICEMAIL_TOKEN_SECRET_FILE", &file)).await;
    let alice = centre.agent("alice");
    alice.get("/v1/mwi").await.is(200);
    std::fs::write(&file, "another secret of more than thirty-two bytes").unwrap();
    becomes(401, async || alice.get("/v1/mwi").await.status).await;
    std::fs::write(&file, SECRET).unwrap();
    becomes(200, async || alice.get("/v1/mwi").await.status).await;
}

#[tokio::test]
async fn a_users_file_is_read_again_when_it_changes() {
    let setting = Setting::new(1);
    let file = setting.environment()["VOICEMAIL_USERS"].clone();
    let centre = Centre::of(setting).await;
    let alice = centre.password("alice", PASSWORD);
    alice.get("/v1/mwi").await.is(200);
    let users = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, "[]").unwrap();
    becomes(401, async || alice.get("/v1/mwi").await.status).await;
    std::fs::write(&file, users).unwrap();
    becomes(200, async || alice.get("/v1/mwi").await.status).await;
}

#[tokio::test]
async fn deposits_go_to_the_region_of_the_process_or_to_the_master_and_play_everywhere() {
    let setting = Arc::new(Setting::new(1));
    let here = Centre::of_shared(&setting).await;
    here.personal("5001", "alice").await;
    for (region, expected) in [("us-east-1", "us-east-1"), ("ap-south-1", "eu-central-1")] {
        let there = here.beside_with("VOICEMAIL_REGION", region).await;
        let call = Call::from("+49301234567");
        let message = there.deposit("5001", &call).await;
        assert_eq!(message["region"], expected);
        assert!(here.recordings().iter().any(|path| path.display().to_string().contains(expected)));
        let audio = here.agent("alice").get(&format!("5001/messages/{}/audio", id(&message))).await.is(200);
        assert_eq!(audio.body, *call.bytes());
    }
    assert_eq!(here.counts("5001").await, [2, 0, 0, 0]);
}

#[tokio::test]
async fn while_its_volume_is_away_it_lives_is_not_ready_and_answers_503_and_then_goes_on() {
    let centre = Centre::in_process().await;
    centre.personal("5001", "alice").await;
    let message = id(&centre.deposit("5001", &Call::new()).await);
    let alice = centre.agent("alice");
    let away = centre.front.data().with_extension("away");
    std::fs::rename(centre.front.data(), &away).unwrap();
    for path in [
        format!("5001/messages/{message}"),
        format!("5001/messages/{message}/audio"),
        "5001/messages".to_owned(),
    ] {
        alice.get(&path).await.refused(503, "storage-unavailable");
    }
    alice.get("5001/mwi").await.refused(503, "storage-unavailable");
    alice.delete(&format!("5001/messages/{message}")).await.refused(503, "storage-unavailable");
    alice.post(&format!("5001/messages/{message}/undo")).await.refused(503, "storage-unavailable");
    centre.platform().deposit("5001", &Call::new()).await.refused(503, "storage-unavailable");
    centre
        .admin()
        .put("5002")
        .json(json!({"kind": "personal", "user": "bob"}))
        .await
        .refused(503, "storage-unavailable");
    assert_eq!(centre.nobody().get("/readyz").await.status, 503);
    centre.nobody().get("/healthz").await.is(200);
    assert!(!centre.front.data().exists(), "nothing is made where the volume was");
    std::fs::rename(&away, centre.front.data()).unwrap();
    assert_eq!(centre.counts("5001").await, [1, 0, 0, 0]);
    alice.get(&format!("5001/messages/{message}/audio")).await.is(200);
    becomes(200, async || centre.nobody().get("/readyz").await.status).await;
}

#[tokio::test]
async fn while_a_regions_volume_is_away_its_recordings_are_503_and_the_rest_works() {
    let centre = Centre::in_process().await;
    centre.personal("5001", "alice").await;
    let message = id(&centre.deposit("5001", &Call::new()).await);
    let alice = centre.agent("alice");
    let region = centre.front.data().join("recordings/eu-central-1");
    let away = centre.front.data().join("away");
    std::fs::rename(&region, &away).unwrap();
    assert_eq!(alice.get(&format!("5001/messages/{message}/audio")).await.status, 503);
    assert_eq!(centre.platform().deposit("5001", &Call::new()).await.status, 503);
    assert_eq!(centre.nobody().get("/readyz").await.status, 503);
    assert_eq!(centre.counts("5001").await, [1, 0, 0, 0]);
    assert_eq!(centre.ids("5001", "").await, std::slice::from_ref(&message));
    std::fs::rename(&away, &region).unwrap();
    alice.get(&format!("5001/messages/{message}/audio")).await.is(200);
    centre.deposit("5001", &Call::new()).await;
    assert_eq!((centre.counts("5001").await, centre.recordings().len()), ([2, 0, 0, 0], 2));
}
