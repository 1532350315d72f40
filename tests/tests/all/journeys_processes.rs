//! Real gateways as processes: two on one folder, a stop under way, a restart, and what is written to the log.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::http::{Call, Centre, Gateway, PASSWORD, Person, Setting, id, wav};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Two gateways on one folder, with the mailbox 5001 of Alice.
async fn two() -> (Centre, Centre) {
    let setting = Arc::new(Setting::new(1));
    let here = Centre::gateway(&setting).await;
    here.personal("5001", "alice").await;
    let there = here.beside().await;
    assert_ne!(here.process().address, there.process().address);
    (here, there)
}

/// The head of a deposit of so many bytes, as it goes over the wire.
fn head(who: &Person, gateway: &Gateway, length: usize) -> String {
    let (host, credentials) = (&gateway.address, who.credentials().unwrap_or_default());
    format!(
        "POST /v1/mailboxes/5001/messages HTTP/1.1\r\nHost: {host}\r\nAuthorization: {credentials}\r\n\
         Content-Type: audio/wav\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )
}

/// Tries until it is so, for at most this long.
async fn within(limit: Duration, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() <= limit, "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn what_one_process_does_the_other_shows_at_once() {
    let (here, there) = two().await;
    let call = Call::from("+49301234567").with("call_id", "c1").with("received_at", here.ago(60));
    let message = here.deposit("5001", &call).await;
    let path = format!("5001/messages/{}", id(&message));
    for (one, other) in [(&here, &there), (&there, &here)] {
        let (alice, elsewhere) = (one.agent("alice"), other.agent("alice"));
        assert_eq!(other.platform().deposit("5001", &call).await.is(200).json(), message, "a repeat");
        assert_eq!(elsewhere.get(&path).await.is(200).json(), message);
        assert_eq!(elsewhere.get(&format!("{path}/audio")).await.is(200).body, *call.bytes());
        let link = alice.get(&format!("{path}/audio?link=1")).await.is(200).json();
        assert_eq!(other.nobody().get(link["url"].as_str().unwrap()).await.is(200).body, *call.bytes());
        let old = alice.put(&format!("{path}/read")).await.is(200).json();
        assert_eq!(elsewhere.get(&path).await.is(200).json(), old);
        assert_eq!(other.counts("5001").await, [0, 1, 0, 0]);
        let deleted = alice.delete(&path).await.is(200).json();
        assert_eq!(other.ids("5001", "trash").await, [id(&message)]);
        assert_eq!(elsewhere.delete(&path).await.is(200).json(), deleted, "the same deadline");
        assert_eq!(elsewhere.post(&format!("{path}/undo")).await.is(200).json(), old);
        assert_eq!(one.ids("5001", "old").await, [id(&message)]);
        elsewhere.delete(&format!("{path}/read")).await.is(200);
        assert_eq!(one.counts("5001").await, [1, 0, 0, 0]);
    }
    here.personal("5002", "alice").await;
    there.agent("alice").get("5002").await.is(200);
    there.deposit("5002", &Call::new()).await;
    assert_eq!(here.counts("5002").await, [1, 0, 0, 0]);
}

#[tokio::test]
async fn of_deposits_of_one_call_at_two_processes_one_is_created() {
    let (here, there) = two().await;
    for round in 0..5 {
        let call = Call::new().with("call_id", round.to_string()).with("received_at", here.ago(60));
        let (one, other) = (here.platform(), there.platform());
        let answers = tokio::join!(one.deposit("5001", &call), other.deposit("5001", &call));
        let mut statuses = [answers.0.status, answers.1.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 201]);
        assert_eq!(id(&answers.0.json()), id(&answers.1.json()));
    }
    assert_eq!((here.counts("5001").await, here.recordings().len()), ([5, 0, 0, 0], 5));
}

#[tokio::test]
async fn settings_and_membership_are_in_force_in_the_other_process_within_10_s() {
    let (here, there) = two().await;
    here.group("5100", "sales", &["alice", "bob"]).await;
    there.deposit("5001", &Call::new()).await;
    there.agent("bob").get("5100/mwi").await.is(200);
    let limit = Duration::from_secs(10);
    here.settings("5001", json!({"max_messages": 1})).await;
    here.members("sales", &["alice"]).await;
    let refused = async || there.platform().deposit("5001", &Call::new().audio(wav(50))).await.status == 409;
    let left = async || there.agent("bob").get("5100/mwi").await.status == 404;
    tokio::join!(
        within(limit, "the limit is not in force", refused),
        within(limit, "bob still sees sales", left)
    );
}

#[tokio::test]
async fn a_stop_ends_the_request_under_way_properly_and_a_restart_finds_everything() {
    let setting = Setting::new(1).without("VOICEMAIL_SUBJECT_KEY").without("VOICEMAIL_SWEEP_EVERY");
    let setting = Arc::new(setting);
    let before = Centre::gateway(&setting).await;
    before.personal("5001", "alice").await;
    let call = Call::from("+49301234567").with("call_id", "c1").with("received_at", before.ago(60));
    let first = before.deposit("5001", &call).await;
    let (audio, gateway) = (wav(1000), Arc::clone(before.process()));
    let mut connection = gateway.connect().await;
    connection.write_all(head(&before.platform(), &gateway, audio.len()).as_bytes()).await.unwrap();
    connection.write_all(&audio[..100]).await.unwrap();
    // Another request that was sent later and is answered: the first one has arrived too.
    before.agent("alice").get("5001").await.is(200);
    gateway.terminate();
    let address = gateway.address.clone();
    let refuses = async || tokio::net::TcpStream::connect(&address).await.is_err();
    within(Duration::from_secs(10), "it still takes connections", refuses).await;
    connection.write_all(&audio[100..]).await.unwrap();
    let answer = Gateway::rest(connection).await;
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    assert!(tokio::task::spawn_blocking(move || gateway.ended()).await.unwrap().success());
    let after = Centre::gateway(&setting).await;
    assert_eq!(after.counts("5001").await, [2, 0, 0, 0]);
    assert_eq!(after.platform().deposit("5001", &call).await.is(200).json(), first, "the key is the same");
    let path = format!("5001/messages/{}/audio", id(&first));
    assert_eq!(after.agent("alice").get(&path).await.is(200).body, *call.bytes());
}

#[tokio::test]
async fn whatever_was_acknowledged_is_there_after_a_crash_and_what_was_not_can_be_repeated() {
    const EACH: usize = 12;
    let setting = Arc::new(Setting::new(1));
    let before = Centre::gateway(&setting).await;
    before.personal("5001", "alice").await;
    before.settings("5001", json!({"max_messages": 1000})).await;
    let received_at = before.ago(60);
    let call = |n: usize| {
        let length = u32::try_from(n).unwrap() + 50;
        Call::new().audio(wav(length)).with("call_id", n.to_string()).with("received_at", received_at.clone())
    };
    // Several platforms at once, each one call after the other; the machine fails in the middle.
    let (platform, acknowledged) = (before.platform(), std::sync::Mutex::new(Vec::new()));
    let (one, many, done) = (&platform, &acknowledged, std::cell::Cell::new(0));
    let storm = futures::future::join_all((0..4).map(|lane| {
        let (call, done, gateway) = (&call, &done, before.process());
        async move {
            for n in (0..EACH).map(|step| lane * EACH + step) {
                let Some(answer) = one.deposit("5001", &call(n)).unless_broken().await else { return };
                many.lock().unwrap().push((n, answer.is(201).json()));
                done.set(done.get() + 1);
                if done.get() == 2 * EACH {
                    gateway.kill();
                }
            }
        }
    }));
    storm.await;
    let after = Centre::gateway(&setting).await;
    let alice = after.agent("alice");
    let acknowledged = acknowledged.into_inner().unwrap();
    assert!(acknowledged.len() >= 2 * EACH && acknowledged.len() < 4 * EACH, "{}", acknowledged.len());
    for (n, message) in &acknowledged {
        assert_eq!(after.platform().deposit("5001", &call(*n)).await.is(200).json(), *message);
        let audio = alice.get(&format!("5001/messages/{}/audio", id(message))).await.is(200);
        assert_eq!(audio.body, *call(*n).bytes());
    }
    for n in 0..4 * EACH {
        let again = after.platform().deposit("5001", &call(n)).await;
        assert!(matches!(again.status, 200 | 201), "{again:?}");
    }
    assert_eq!(after.counts("5001").await, [4 * EACH as u64, 0, 0, 0]);
    for message in after.ids("5001", "").await {
        alice.get(&format!("5001/messages/{message}/audio")).await.is(200);
    }
}

#[tokio::test]
async fn a_refusal_comes_before_the_body_is_read() {
    let centre = Centre::gateway(&Arc::new(Setting::new(1))).await;
    centre.personal("5001", "alice").await;
    let gateway = centre.process();
    for (who, length, status) in [
        (centre.platform(), 1 << 30, "413"),
        (centre.authorization("Bearer x"), 1000, "401"),
        (centre.agent("alice"), 1000, "403"),
        (centre.neighbour().platform(), 1000, "404"),
    ] {
        let mut connection = gateway.connect().await;
        connection.write_all(head(&who, gateway, length).as_bytes()).await.unwrap();
        let mut start = [0; 512];
        let read = tokio::time::timeout(Duration::from_secs(10), connection.read(&mut start)).await;
        let read = read.expect("refused at once").unwrap();
        let answer = String::from_utf8_lossy(&start[..read]).to_lowercase();
        assert!(answer.starts_with(&format!("http/1.1 {status} ")), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
    assert!(centre.recordings().is_empty());
}

#[tokio::test]
async fn a_deposit_that_is_cut_off_on_the_wire_leaves_nothing() {
    let centre = Centre::gateway(&Arc::new(Setting::new(1))).await;
    centre.personal("5001", "alice").await;
    let (gateway, audio) = (centre.process(), wav(1000));
    for sent in [0, 100, audio.len() - 1] {
        let mut connection = gateway.connect().await;
        connection.write_all(head(&centre.platform(), gateway, audio.len()).as_bytes()).await.unwrap();
        connection.write_all(&audio[..sent]).await.unwrap();
        connection.shutdown().await.unwrap();
        // Read to the end: the service is done with it.
        Gateway::rest(connection).await;
    }
    assert_eq!(centre.counts("5001").await, [0; 4]);
    assert!(centre.recordings().is_empty());
}

#[tokio::test]
async fn over_the_limit_of_requests_under_way_it_is_503_busy_after_a_short_wait() {
    let centre = Centre::gateway(&Arc::new(Setting::new(1).with("VOICEMAIL_MAX_REQUESTS", "1"))).await;
    centre.personal("5001", "alice").await;
    let (gateway, audio) = (centre.process(), wav(1000));
    let mut connection = gateway.connect().await;
    connection.write_all(head(&centre.platform(), gateway, audio.len()).as_bytes()).await.unwrap();
    connection.write_all(&audio[..100]).await.unwrap();
    let alice = centre.agent("alice");
    // Once the slow one has its turn, whoever comes is told within seconds that the service is busy.
    let mut busy = alice.get("5001").await;
    while busy.status == 200 {
        busy = alice.get("5001").await;
    }
    let retry_after: u64 = busy.header("retry-after").parse().unwrap();
    assert!(retry_after > 0);
    busy.refused(503, "busy");
    centre.nobody().get("/healthz").await.is(200);
    connection.write_all(&audio[100..]).await.unwrap();
    assert!(Gateway::rest(connection).await.starts_with("HTTP/1.1 201 "));
    alice.get("5001").await.is(200);
}

#[tokio::test]
async fn the_gateway_sweeps_by_itself() {
    let setting = Setting::new(1).with("VOICEMAIL_SWEEP_EVERY", "100ms").with("VOICEMAIL_TRASH_WINDOW", "1s");
    let centre = Centre::gateway(&Arc::new(setting)).await;
    centre.personal("5001", "alice").await;
    let path = format!("5001/messages/{}", id(&centre.deposit("5001", &Call::new()).await));
    let alice = centre.agent("alice");
    alice.delete(&path).await.is(200);
    let purged = async || alice.get(&path).await.status == 404 && centre.recordings().is_empty();
    within(Duration::from_secs(20), "it is not purged", purged).await;
    alice.post(&format!("{path}/undo")).await.refused(410, "gone");
}

#[tokio::test]
async fn the_log_tells_who_did_what_and_never_a_number_a_name_a_password_or_a_token() {
    let centre = Centre::gateway(&Arc::new(Setting::new(1))).await;
    centre.personal("5001", "alice").await;
    let alice = centre.agent("alice");
    let call =
        Call::from("+4915112345678").with("caller_name", "Zaphod Beeblebrox").with("call_id", "call-424242");
    let message = id(&centre.deposit("5001", &call.with("received_at", centre.ago(60))).await);
    let path = format!("5001/messages/{message}");
    let tokens = alice.credentials().unwrap();
    let link =
        alice.get(&format!("{path}/audio?link=1")).await.is(200).json()["url"].as_str().unwrap().to_owned();
    centre.nobody().get(&link).await.is(200);
    let played = alice.get(&format!("{path}/audio")).await.is(200);
    alice.get(&format!("{path}/audio")).header("range", "bytes=0-9").await.is(206);
    // Nobody listened by these.
    alice.head(&format!("{path}/audio")).await.is(200);
    alice.head(&format!("{path}/audio?link=1")).await.is(200);
    alice.get(&format!("{path}/audio")).header("if-none-match", played.header("etag")).await.is(304);
    alice.get(&format!("{path}/audio")).header("range", "bytes=9999999-").await.is(416);
    alice.put(&format!("{path}/read")).await.is(200);
    alice.put(&format!("{path}/taken")).await.is(200);
    let admin = centre.admin();
    let refused = admin.put(&format!("{path}/taken")).await.refused(409, "taken");
    assert_eq!(refused["message"]["caller_id"], "+4915112345678", "which the log does not show");
    admin.put(&format!("{path}/taken?over=1")).await.is(200);
    alice.delete(&format!("{path}/taken")).await.is(200);
    alice.delete(&path).await.is(200);
    alice.post(&format!("{path}/undo")).await.is(200);
    centre.settings("5001", json!({"max_messages": 5})).await;
    centre.sweep().await;
    let broken = Call::from("+4915112345678").with("urgent", "+4915112345678").audio("no audio");
    centre.platform().deposit("5001", &broken).await.is(400);
    centre
        .platform()
        .deposit_parts("5001", &[("message", b"{\"caller_id\":\"+4915112345678\"")])
        .await
        .is(400);
    alice.get("5001/messages?cursor=4915112345678&caller=%2B4915112345678").await.is(400);
    centre.authorization(&format!("Basic {PASSWORD}")).get("/v1/mwi").await.is(401);
    alice.get("/v1/mwi").header("x-request-id", "the-last-request").await.is(200);
    let written = centre.process().stopped().await;
    assert!(written.contains("the-last-request"), "{written}");
    let signature = link.rsplit("signature=").next().unwrap();
    let token = tokens.rsplit('.').next().unwrap();
    for secret in
        ["5112345678", "Zaphod", "Beeblebrox", "424242", PASSWORD, token, signature, "a token secret"]
    {
        assert!(!written.contains(secret), "{secret} in the log:\n{written}");
    }
    has_audit_lines(&written, &message);
}

/// Each operation that is audited has its line: user, tenant, operation, ids, time.
fn has_audit_lines(written: &str, message: &str) {
    let lines = written.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let audit: Vec<Value> = lines.filter(|line| line["target"] == "audit").collect();
    for (user, operation, named) in [
        ("alice", "play", message),
        ("alice", "take", message),
        ("admin", "take-over", message),
        ("admin", "take-over", "from=alice"),
        ("alice", "give-back", message),
        ("alice", "delete", message),
        ("alice", "undo", message),
        ("admin", "provision", "5001"),
        ("dpo", "sweep", "t0"),
    ] {
        let is_it = |line: &&Value| line["operation"] == operation && line["user"] == user;
        let line = audit.iter().find(is_it).unwrap_or_else(|| panic!("{operation} by {user} in {audit:?}"));
        assert_eq!(line["tenant"], "t0", "{line}");
        assert!(line["ids"].as_str().unwrap().contains(named), "{line}");
        assert!(line["timestamp"].as_str().unwrap().contains('T'), "{line}");
        assert!(line.to_string().contains("request_id"), "{line}");
    }
    let takes = audit.iter().filter(|line| line["operation"] == "take").count();
    assert_eq!(takes, 1, "what is refused is none");
    let plays = audit.iter().filter(|line| line["operation"] == "play").count();
    assert_eq!(plays, 3, "a link, the whole and a part: whoever was given sound or a way to it listened");
}
