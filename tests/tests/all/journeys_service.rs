//! What every answer has, problems, and the routes that need no token.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Method, Request};
use futures::StreamExt as _;
use serde_json::{Value, json};
use tests::http::{Call, Centre, Front, Setting, id};

async fn the_clients_request_id_comes_back_where_it_is_one_and_else_a_new_one(centre: Centre) {
    let who = centre.agent("alice");
    for own in ["a", "0b7d5a1e-2f5e-4b7c-9a3e-1c2d3e4f5a6b", &"Z".repeat(64)] {
        for path in ["/v1/mwi", "/v1/nothing", "/healthz"] {
            assert_eq!(who.get(path).header("x-request-id", own).await.header("x-request-id"), own);
        }
    }
    let mut made = BTreeSet::new();
    for bad in ["", "a b", "a_b", "ä", "a.b", "x\"y", &"Z".repeat(65)] {
        let answer = who.get("/v1/mwi").header("x-request-id", bad).await.is(200);
        assert_ne!(answer.header("x-request-id"), bad);
        made.insert(answer.header("x-request-id").to_owned());
    }
    made.insert(who.get("/v1/mwi").await.header("x-request-id").to_owned());
    assert_eq!(made.len(), 8, "each its own");
}

async fn a_problem_has_every_field_and_its_instance_is_the_request_id(centre: Centre) {
    let answer = centre.agent("alice").get("5001").header("x-request-id", "my-request").await;
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let problem = answer.refused(404, "not-found");
    let names: Vec<_> = problem.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["code", "detail", "instance", "status", "title", "type"]);
    assert_eq!((&problem["status"], &problem["instance"]), (&json!(404), &json!("my-request")));
    let bad = centre.agent("alice").get("/v1/mwi").await.is(200);
    assert!(!bad.has("www-authenticate"));
    centre.personal("5001", "alice").await;
    let bad = centre.agent("alice").get("5001/messages?limit=0").await.refused(400, "bad-request");
    let [fault] = bad["errors"].as_array().unwrap().as_slice() else { panic!("{bad}") };
    assert_eq!(fault["where"], "limit");
    assert_eq!(fault.as_object().unwrap().len(), 2);
}

async fn an_unknown_path_is_404_with_and_without_a_token(centre: Centre) {
    for path in [
        "/",
        "/v1",
        "/v1/",
        "/v2/mwi",
        "/v1/mwi/",
        "/v1/mailboxes/5001/",
        "/v1/nothing",
        "/%2e%2e/etc/passwd",
        "//",
    ] {
        centre.agent("alice").get(path).await.refused(404, "not-found");
        centre.nobody().get(path).await.refused(404, "not-found");
    }
}

async fn an_unknown_method_is_405_and_says_which_there_are(centre: Centre) {
    for (path, allowed) in [
        ("/v1/mwi", &["GET"][..]),
        ("/v1/mailboxes", &["GET"]),
        ("/v1/mailboxes/5001", &["GET", "PUT", "DELETE"]),
        ("/v1/mailboxes/5001/messages", &["GET", "POST"]),
        ("/v1/mailboxes/5001/messages/x", &["GET", "DELETE"]),
        ("/v1/mailboxes/5001/messages/x/read", &["PUT", "DELETE"]),
        ("/v1/gdpr/sweep", &["POST"]),
        ("/v1/gdpr/forgetme", &["POST"]),
        ("/v1/gdpr/cases/x", &["GET"]),
        ("/v1/gdpr/files/x", &["GET"]),
        ("/healthz", &["GET"]),
    ] {
        let refused = centre.agent("alice").ask(Method::PATCH, path).await;
        let said: BTreeSet<_> = refused.header("allow").split(',').map(str::trim).collect();
        let allowed: BTreeSet<_> = allowed.iter().copied().collect();
        assert!(said.is_superset(&allowed), "{path}: {said:?}");
        assert!(said.iter().all(|method| allowed.contains(method) || *method == "HEAD"), "{path}: {said:?}");
        refused.refused(405, "method-not-allowed");
    }
}

async fn it_says_that_it_lives_and_is_ready_without_a_token(centre: Centre) {
    centre.nobody().get("/healthz").await.is(200).json();
    centre.nobody().get("/readyz").await.is(200).json();
    centre.nobody().head("/healthz").await.is(200);
}

async fn the_document_is_openapi_3_1_and_names_what_a_client_needs(centre: Centre) {
    let answer = centre.nobody().get("/openapi.json").await.is(200);
    let document = answer.json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
    let schemes = document["components"]["securitySchemes"].as_object().unwrap();
    let schemes: BTreeSet<_> = schemes.values().map(|scheme| scheme["scheme"].as_str().unwrap()).collect();
    assert_eq!(schemes, ["basic", "bearer"].into());
    let names = json!([
        "id",
        "mailbox",
        "folder",
        "caller_id",
        "caller_name",
        "received_at",
        "duration_ms",
        "media_type",
        "bytes",
        "urgent",
        "region",
        "read_at",
        "read_by",
        "purge_at",
        "taken"
    ]);
    let message = document["components"]["schemas"]["Message"]["properties"].as_object().unwrap();
    let names: BTreeSet<_> = names.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert_eq!(message.keys().map(String::as_str).collect::<BTreeSet<_>>(), names);
    let rows = ["deposit", "list", "play", "mark-read", "delete", "undo", "mwi-count", "sweep", "mailboxes"];
    let rows = rows.into_iter().chain(["forgetme", "undoforget", "exportme"]);
    let text = document.to_string();
    assert!({ rows }.all(|row| text.contains(&format!("\"operationId\":\"{row}\""))));
}

#[tokio::test]
async fn the_gateway_counts_requests_for_whoever_asks_and_names_no_mailbox() {
    let centre = Centre::gateway(&Arc::new(Setting::new(1))).await;
    centre.personal("50071", "alice").await;
    let message = id(&centre.deposit("50071", &Call::from("+4915112345678")).await);
    centre.agent("alice").get(&format!("50071/messages/{message}")).await.is(200);
    let metrics = centre.nobody().get("/metrics").await.is(200);
    assert!(metrics.header("content-type").starts_with("text/plain"));
    let text = metrics.text();
    assert!(text.contains("/v1/mailboxes/{mailbox}/messages/{id}") && text.contains("# TYPE"), "{text}");
    for hidden in ["50071", &message, "15112345678", "alice", "t0"] {
        assert!(!text.contains(hidden), "{hidden} in {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_arrive_is_408() {
    let centre = Centre::in_process().await;
    centre.personal("5001", "alice").await;
    let Front::InProcess(service) = &centre.front else { unreachable!() };
    for (path, who) in [("5001/messages", centre.platform()), ("5001/messages/read", centre.agent("alice"))] {
        let begun = futures::stream::iter([Ok::<_, std::io::Error>("RIFF")]);
        let body = Body::from_stream(begun.chain(futures::stream::pending()));
        let request = Request::post(format!("/v1/mailboxes/{path}"));
        let request = request.header("authorization", who.credentials().unwrap()).body(body).unwrap();
        let answer = service.send(request).await;
        assert_eq!(answer.status(), 408);
        let problem: Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!(problem["code"], "timeout");
    }
    assert!(centre.recordings().is_empty());
}

#[tokio::test]
async fn a_page_of_a_configured_origin_may_ask_and_one_of_another_may_not() {
    let centre = Centre::of(Setting::new(1).with("VOICEMAIL_ORIGINS", "https://desk.example.com")).await;
    for (origin, allowed) in
        [("https://desk.example.com", "https://desk.example.com"), ("https://evil.example.com", "")]
    {
        let preflight = centre.nobody().ask(Method::OPTIONS, "/v1/mwi").header("origin", origin);
        let preflight = preflight.header("access-control-request-method", "GET");
        let preflight = preflight.header("access-control-request-headers", "authorization").await.is(200);
        assert_eq!(preflight.header("access-control-allow-origin"), allowed);
        let answer = centre.agent("alice").get("/v1/mwi").header("origin", origin).await.is(200);
        assert_eq!(answer.header("access-control-allow-origin"), allowed);
    }
    let closed = Centre::in_process().await;
    let answer =
        closed.agent("alice").get("/v1/mwi").header("origin", "https://desk.example.com").await.is(200);
    assert!(!answer.has("access-control-allow-origin"), "without origins nobody may");
}

tests::journeys![
    the_clients_request_id_comes_back_where_it_is_one_and_else_a_new_one,
    a_problem_has_every_field_and_its_instance_is_the_request_id,
    an_unknown_path_is_404_with_and_without_a_token,
    an_unknown_method_is_405_and_says_which_there_are,
    it_says_that_it_lives_and_is_ready_without_a_token,
    the_document_is_openapi_3_1_and_names_what_a_client_needs,
];
