//! What surrounds every route: request id, trace, limit, problems, log and numbers.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use domain::Random;
use futures::FutureExt as _;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::code::Code;
use crate::metrics::{UnderWay, answered};
use crate::problem::Problem;
use crate::{random, trace};

/// How long a request waits for its turn before it is told that the service is busy.
const MAX_TURN_WAIT: Duration = Duration::from_secs(1);

/// Routes that are answered however much is under way.
const UNLIMITED_ROUTES: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// The fewest digits that a log must not show in what somebody sent: numbers of subscribers have as many in most places.
const MIN_NUMBER_DIGITS: usize = 7;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the layer around every route needs.
pub struct LayerContext {
    /// Where ids of requests and traces come from.
    pub random: Arc<dyn Random>,
    /// Whether answers are counted by status, as `/metrics` tells them.
    pub counts: bool,
}

/// Surrounds a request.
pub async fn surround(State(layer): State<Arc<LayerContext>>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let random = &layer.random;
    let id = request_id(request.headers(), random.as_ref());
    let logged = if may_hold_a_number(&id) { random::hex16(random.as_ref()) } else { id.clone() };
    let trace_id = trace::trace_id(request.headers(), random.as_ref());
    let method = method_name(request.method());
    // Never the path itself: it names mailboxes and messages.
    let route =
        request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default().to_owned();
    // Of the highest level, or a quieter log would lose the ids of the lines that are left.
    let span = tracing::error_span!("request", request_id = logged, trace_id, method, route);
    let work = async move {
        let under_way = layer.counts.then(UnderWay::new);
        let answer = AssertUnwindSafe(next.run(request)).catch_unwind().await;
        let answer = answer.unwrap_or_else(|_| {
            // What the panic said is in the log already, by the hook.
            Problem::new(Code::Internal, "The service failed. The log names it by the request id.")
                .into_response()
        });
        let response = finished(answer, &id);
        drop(under_way);
        let (status, took) = (response.status(), begun.elapsed());
        answered(&route, method, status, took, layer.counts);
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        tracing::info!(target: "access", method, route, status = status.as_u16(), ms, "answered");
        response
    };
    // In a task of its own: a client that goes away leaves nothing half done and no change without its audit line, and
    // its turn is over when its work is.
    let done = tokio::spawn(work.instrument(span)).await;
    done.unwrap_or_else(|_| Problem::new(Code::Internal, "The service is stopping.").into_response())
}

/// Runs the route when it is the request's turn.
pub async fn in_turn(State(turns): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
    let _turn = if UNLIMITED_ROUTES.contains(&route) {
        None
    } else {
        let Ok(Ok(turn)) = tokio::time::timeout(MAX_TURN_WAIT, turns.acquire()).await else {
            return Problem::new(Code::Busy, "Too much is under way; repeat the request.").into_response();
        };
        Some(turn)
    };
    next.run(request).await
}

/// The answer with its request id, every failure of it a problem, and no store unless it says otherwise.
fn finished(mut response: Response, id: &str) -> Response {
    let problem = response.extensions_mut().remove::<Problem>().or_else(|| bare(&response));
    if let Some(problem) = problem {
        log(&problem);
        let (parts, body) = problem.render(Some(id)).into_parts();
        *response.body_mut() = body;
        response.headers_mut().remove(header::CONTENT_LENGTH);
        for name in parts.headers.keys() {
            response.headers_mut().remove(name);
        }
        // Allow, Content-Range and the like stay.
        response.headers_mut().extend(parts.headers);
        *response.status_mut() = parts.status;
    }
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, HeaderValue::from_str(id).unwrap_or(HeaderValue::from_static("-")));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The problem of an answer that failed without saying why, as the router's own do.
fn bare(response: &Response) -> Option<Problem> {
    let (code, detail) = match response.status() {
        StatusCode::NOT_FOUND => (Code::NotFound, "There is no such thing here."),
        StatusCode::METHOD_NOT_ALLOWED => {
            (Code::MethodNotAllowed, "The header Allow says which methods there are.")
        }
        StatusCode::REQUEST_TIMEOUT => (Code::Timeout, "The request did not arrive in time."),
        StatusCode::PAYLOAD_TOO_LARGE => (Code::TooLarge, "The body is too large."),
        StatusCode::UNAUTHORIZED => (Code::Unauthenticated, "Sign in."),
        StatusCode::FORBIDDEN => (Code::Forbidden, "This is not allowed."),
        status if status.is_client_error() => (Code::BadRequest, "The request cannot be understood."),
        status if status.is_server_error() => (Code::Internal, "The service failed."),
        _ => return None,
    };
    Some(Problem::new(code, detail))
}

/// Logs the cause of a problem. Never its detail, which may repeat what the client sent.
fn log(problem: &Problem) {
    let code = problem.code.name();
    let cause = problem.cause.as_deref().map(|cause| storage::causes(cause)).unwrap_or_default();
    if problem.code == Code::Internal {
        tracing::error!(code, cause, "failed");
    } else if problem.cause.is_some() {
        tracing::warn!(code, cause, "not done");
    }
}

/// The request's id: the client's own, if it is one, or a new one.
fn request_id(headers: &HeaderMap, random: &dyn Random) -> String {
    let own = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let is_id = |id: &&str| {
        (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    own.filter(is_id).map_or_else(|| random::hex16(random), str::to_owned)
}

/// Whether somebody may have put a telephone number into a request id, which then must not stand in the log: seven
/// digits in a row, hyphens apart, in what is neither a UUID nor 32 hex digits, where chance alone often puts as many.
fn may_hold_a_number(id: &str) -> bool {
    let plain: String = id.chars().filter(|c| *c != '-').collect();
    let is_random = plain.len() == 32
        && matches!(id.len(), 32 | 36)
        && plain.bytes().all(|byte| byte.is_ascii_hexdigit())
        && plain.bytes().any(|byte| byte.is_ascii_alphabetic());
    !is_random && plain.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() >= MIN_NUMBER_DIGITS)
}

/// The method, where it is one that is known: any text can be sent for one.
fn method_name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "PATCH" => "PATCH",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
