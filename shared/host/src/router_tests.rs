//! What surrounds every route, as clients see it.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use http_body_util::BodyExt as _;
use identity::{Operation, Principal, audit};
use serde_json::Value;
use storage::StorageError;
use tower::ServiceExt as _;
use utoipa_axum::routes;
use web::Path;

use super::*;
use crate::testing::{TestApp, testing};

#[utoipa::path(get, path = "/v1/who/{id}", operation_id = "who", params(("id" = String, Path)),
    responses((status = 200, description = "Who asks.")))]
async fn who(principal: Principal, path: Path<String>) -> String {
    format!("{} {}", principal.user, path.0)
}

async fn defect() {
    let sent = "hunter2".to_owned();
    panic!("about {sent}");
}

fn sample() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(who))
        .route("/panic", get(defect))
        .route("/slow", get(async || tokio::time::sleep(Duration::from_secs(10)).await))
        .route("/post", post(async || ()))
        .route("/bare", get(async || StatusCode::IM_A_TEAPOT))
        .route("/cached", get(async || ([(header::CACHE_CONTROL, "max-age=60")], "x")))
        .route(
            "/range",
            get(async || {
                let problem = Problem::new(Code::Range, "Outside.");
                ([(header::CONTENT_RANGE, "bytes */7")], problem).into_response()
            }),
        )
        .route(
            "/storage",
            get(async || {
                Err::<(), Problem>(
                    StorageError::unavailable("reading a mailbox", io::Error::other("disk gone")).into(),
                )
            }),
        )
}

async fn surrounded(options: &Options) -> (Router, TestApp) {
    let testing = testing().await;
    (router(Arc::clone(&testing.app), sample(), options), testing)
}

async fn send(router: &Router, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn json(response: Response) -> Value {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&bytes).unwrap()
}

fn text<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_request_id_comes_back_and_what_is_none_is_replaced() {
    let (router, _testing) = surrounded(&Options::default()).await;
    let longest = "a".repeat(64);
    for own in ["A-1", &longest] {
        let response = send(&router, "GET", "/healthz", &[("x-request-id", own)]).await;
        assert_eq!(text(&response, "x-request-id"), own);
    }
    for none in ["", "a b", "a_b", "a\"b", &"a".repeat(65)] {
        let response = send(&router, "GET", "/healthz", &[("x-request-id", none)]).await;
        let id = text(&response, "x-request-id");
        assert!(id.len() == 32 && id != none, "{none:?} → {id:?}");
    }
    let fresh = [send(&router, "GET", "/", &[]).await, send(&router, "GET", "/", &[]).await];
    let [first, second] = fresh.each_ref().map(|response| text(response, "x-request-id"));
    assert_ne!(first, second);
}

#[tokio::test]
async fn every_failure_is_a_problem_with_the_request_id_in_it() {
    let (router, _testing) = surrounded(&Options::default()).await;
    for (method, path, status, code) in [
        ("GET", "/nowhere", 404, "not-found"),
        ("DELETE", "/post", 405, "method-not-allowed"),
        ("GET", "/v1/who/7", 401, "unauthenticated"),
        ("GET", "/bare", 400, "bad-request"),
        ("GET", "/panic", 500, "internal"),
        ("GET", "/storage", 503, "storage-unavailable"),
        ("GET", "/range", 416, "range"),
    ] {
        let response = send(&router, method, path, &[("x-request-id", "id-7")]).await;
        assert_eq!(response.status().as_u16(), status, "{path}");
        assert_eq!(text(&response, "content-type"), "application/problem+json", "{path}");
        assert_eq!(text(&response, "cache-control"), "no-store", "{path}");
        let declared = text(&response, "content-length").to_owned();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        assert!(declared.is_empty() || declared == bytes.len().to_string(), "{path}: {declared}");
        let body: Value = serde_json::from_slice(&bytes).unwrap();
        let said = |name: &str| body.get(name).cloned().unwrap_or_default();
        assert_eq!(
            (said("code"), said("instance"), said("status")),
            (code.into(), "id-7".into(), status.into())
        );
        assert!(!body.to_string().contains("hunter2") && !body.to_string().contains("disk gone"), "{body}");
    }
}

#[tokio::test]
async fn what_a_failure_says_in_its_head_stays() {
    let (router, _testing) = surrounded(&Options::default()).await;
    assert_eq!(text(&send(&router, "DELETE", "/post", &[]).await, "allow"), "POST");
    assert_eq!(text(&send(&router, "GET", "/range", &[]).await, "content-range"), "bytes */7");
    let unauthenticated = send(&router, "GET", "/v1/who/7", &[]).await;
    assert_eq!(unauthenticated.headers().get_all("www-authenticate").iter().count(), 2);
    assert_eq!(text(&send(&router, "GET", "/storage", &[]).await, "retry-after"), "2");
}

#[tokio::test]
async fn anybody_may_have_the_key_that_checks_certificates() {
    let (router, _testing) = surrounded(&Options::default()).await;
    let set = json(send(&router, "GET", "/.well-known/voicemail-jwks.json", &[]).await).await;
    let member =
        |name: &str| set.pointer(&format!("/keys/0/{name}")).and_then(Value::as_str).map(str::to_owned);
    assert_eq!(member("crv").as_deref(), Some("Ed25519"));
    assert!(member("kid").is_some() && member("x").is_some() && member("d").is_none());
}

#[tokio::test]
async fn an_answer_is_not_stored_unless_it_says_otherwise() {
    let (router, _testing) = surrounded(&Options::default()).await;
    assert_eq!(text(&send(&router, "GET", "/healthz", &[]).await, "cache-control"), "no-store");
    assert_eq!(text(&send(&router, "GET", "/cached", &[]).await, "cache-control"), "max-age=60");
}

#[tokio::test]
async fn a_signed_in_user_gets_through() {
    let (router, _testing) = surrounded(&Options::default()).await;
    // t\alice:voicemail
    let response =
        send(&router, "GET", "/v1/who/7", &[("authorization", "Basic dFxhbGljZTp2b2ljZW1haWw=")]).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "alice 7");
}

#[tokio::test(start_paused = true)]
async fn over_the_limit_a_request_waits_a_second_and_is_then_told_to_come_back() {
    let origins = vec![HeaderValue::from_static("https://desk.example")];
    let options = Options { max_requests: 1, origins, ..Options::default() };
    let (router, _testing) = surrounded(&options).await;
    let slow = tokio::spawn({
        let router = router.clone();
        async move { send(&router, "GET", "/slow", &[]).await.status() }
    });
    tokio::task::yield_now().await;
    let begun = tokio::time::Instant::now();
    let busy = send(&router, "POST", "/post", &[("origin", "https://desk.example")]).await;
    assert_eq!(busy.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(text(&busy, "access-control-allow-origin"), "https://desk.example", "a page may read it");
    assert_eq!(begun.elapsed().as_secs(), 1);
    assert_eq!(text(&busy, "retry-after"), "2");
    assert_eq!(json(busy).await.get("code").unwrap(), "busy");
    assert_eq!(send(&router, "GET", "/healthz", &[]).await.status(), StatusCode::OK, "whatever is under way");
    assert_eq!(slow.await.unwrap(), StatusCode::OK);
    assert_eq!(send(&router, "POST", "/post", &[]).await.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_client_went_away_is_done_and_has_its_turn_until_then() {
    let (router, _testing) = surrounded(&Options { max_requests: 1, ..Options::default() }).await;
    let left = tokio::time::timeout(Duration::from_secs(1), send(&router, "GET", "/slow", &[])).await;
    assert!(left.is_err());
    assert_eq!(send(&router, "POST", "/post", &[]).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    tokio::time::sleep(Duration::from_secs(8)).await;
    assert_eq!(send(&router, "POST", "/post", &[]).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn it_is_ready_while_every_index_and_region_answers() {
    let (router, testing) = surrounded(&Options::default()).await;
    assert_eq!(send(&router, "GET", "/readyz", &[]).await.status(), StatusCode::OK);
    std::fs::remove_dir_all(testing.folder.path()).unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let response = send(&router, "GET", "/readyz", &[]).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let body = json(response).await.to_string();
    assert!(!body.contains(testing.folder.path().to_str().unwrap()), "{body}");
}

#[tokio::test]
async fn a_document_that_is_given_is_answered_in_place_of_the_one_of_the_routes() {
    let options = Options { document: Some(r#"{"of": "all"}"#), ..Options::default() };
    let (router, _testing) = surrounded(&options).await;
    let answer = send(&router, "GET", "/openapi.json", &[]).await;
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert_eq!(json(answer).await, serde_json::json!({"of": "all"}));
}

#[tokio::test]
async fn the_document_tells_how_to_sign_in_and_that_anything_may_fail() {
    let (router, _testing) = surrounded(&Options::default()).await;
    let document = json(send(&router, "GET", "/openapi.json", &[]).await).await;
    let at = |pointer: &str| document.pointer(pointer).cloned().unwrap_or_default();
    assert_eq!(at("/openapi"), "3.1.0");
    assert_eq!(at("/info/title"), "Voicemail");
    assert_eq!(at("/info/version"), env!("CARGO_PKG_VERSION"));
    assert_eq!(at("/security"), serde_json::json!([{"bearer": []}, {"basic": []}]));
    assert_eq!(at("/components/securitySchemes/basic/scheme"), "basic");
    let problem =
        at("/components/responses/ServiceUnavailable/content/application~1problem+json/schema/$ref");
    assert_eq!(problem, "#/components/schemas/Problem");
    let refusal = at("/paths/~1v1~1who~1{id}/get/responses/503/$ref");
    assert_eq!(refusal, "#/components/responses/ServiceUnavailable");
    assert_eq!(at("/components/schemas/Problem/properties/code/type"), "string");
    assert!(at("/components/schemas/Fault").is_object());
}

#[tokio::test]
async fn only_the_origins_that_are_listed_may_read_answers() {
    let origins = vec![HeaderValue::from_static("https://desk.example")];
    let (router, _testing) = surrounded(&Options { origins, ..Options::default() }).await;
    let allowed = send(&router, "GET", "/healthz", &[("origin", "https://desk.example")]).await;
    assert_eq!(text(&allowed, "access-control-allow-origin"), "https://desk.example");
    assert!(text(&allowed, "access-control-expose-headers").contains("etag"));
    let other = send(&router, "GET", "/healthz", &[("origin", "https://evil.example")]).await;
    assert_eq!(text(&other, "access-control-allow-origin"), "");
    let ask = [
        ("origin", "https://desk.example"),
        ("access-control-request-method", "PUT"),
        ("access-control-request-headers", "authorization"),
    ];
    let preflight = send(&router, "OPTIONS", "/v1/who/7", &ask).await;
    assert_eq!(preflight.status(), StatusCode::OK);
    assert_eq!(text(&preflight, "access-control-allow-headers"), "authorization");
    assert!(!text(&preflight, "x-request-id").is_empty());
}

/// Log lines, gathered.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_has_ids_route_and_cause_and_nothing_that_was_sent() {
    let (router, _testing) = surrounded(&Options::default()).await;
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = crate::log::lines(move || writer.clone(), "info".parse().unwrap());
    let _guard = tracing::subscriber::set_default(subscriber);
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let headers = [
        ("x-request-id", "id-7"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ("authorization", "Bearer hunter2"),
        ("voicemail-caller-id", "+493012345678"),
    ];
    send(&router, "GET", "/storage?q=hunter2", &headers).await;
    send(&router, "GET", "/v1/who/hunter2", &headers).await;
    send(&router, "GET", "/hunter2", &headers).await;
    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let all: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let failed = all.iter().find(|line| line.get("level").unwrap() == "WARN").unwrap();
    assert_eq!(failed.get("cause").unwrap(), "the storage is not available: reading a mailbox: disk gone");
    assert_eq!(failed.pointer("/span/request_id").unwrap(), "id-7");
    assert_eq!(failed.pointer("/span/trace_id").unwrap(), trace);
    let access: Vec<_> = all.iter().filter(|line| line.get("target").unwrap() == "access").collect();
    let said: Vec<_> = access.iter().map(|l| (l.get("route").unwrap(), l.get("status").unwrap())).collect();
    let expected: Vec<(Value, Value)> =
        vec![("/storage".into(), 503.into()), ("/v1/who/{id}".into(), 401.into()), ("".into(), 404.into())];
    assert_eq!(said, expected.iter().map(|(route, status)| (route, status)).collect::<Vec<_>>());
    assert!(!log.contains("hunter2") && !log.contains("30123"), "{log}");
}

#[tokio::test]
async fn a_request_id_that_may_hold_a_number_is_answered_and_not_logged() {
    let (router, _testing) = surrounded(&Options::default()).await;
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = crate::log::lines(move || writer.clone(), "info".parse().unwrap());
    let _guard = tracing::subscriber::set_default(subscriber);
    let kept =
        ["id-7", "123456", "0b7d5a1e-1234-4567-8901-1c2d3e4f5a6b", "4bf92f3577b34da6a3ce929d0e0e4736", "Z9"];
    let hidden = ["4915112345678", "49-151-12345678", "call-4915112345678", "0004915112345678aa"];
    for id in kept.iter().chain(&hidden) {
        let response = send(&router, "GET", "/healthz", &[("x-request-id", *id)]).await;
        assert_eq!(text(&response, "x-request-id"), *id);
    }
    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(kept.iter().all(|id| log.contains(*id)), "{log}");
    assert!(!hidden.iter().any(|id| log.contains(*id)), "{log}");
    assert_eq!(log.matches("request_id").count(), kept.len() + hidden.len(), "each line has one");
}

#[tokio::test]
async fn an_audit_line_names_user_tenant_operation_and_ids() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = crate::log::lines(move || writer.clone(), "warn".parse().unwrap());
    let _guard = tracing::subscriber::set_default(subscriber);
    let who = Principal {
        tenant: "t".parse().ok(),
        user: "alice".parse().unwrap(),
        groups: [].into(),
        roles: [].into(),
        client: None,
    };
    audit(&who, Operation::Play, &[("mailbox", &"5001"), ("message", &"m1")]);
    let line: Value = serde_json::from_slice(&lines.0.lock().unwrap()).expect("a line, whatever the level");
    for (name, value) in [
        ("target", "audit"),
        ("user", "alice"),
        ("tenant", "t"),
        ("operation", "play"),
        ("ids", "mailbox=5001 message=m1"),
    ] {
        assert_eq!(line.get(name).unwrap(), value);
    }
    assert!(line.get("timestamp").unwrap().as_str().unwrap().ends_with('Z'));
}
