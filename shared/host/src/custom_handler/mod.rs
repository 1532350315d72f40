//! The front of a custom handler of Azure Functions: the Functions host passes requests on to the port that it names,
//! with their own method, path, head and body; what a timer or an event starts comes as `POST /<function>` with an
//! envelope, and an answer other than 2xx fails the invocation.
//!
//! Who comes from outside must not reach the functions of a trigger, and the paths alone do not keep them away. The host
//! passes on only what fits the route of a function, but the path that it passes on is another: .NET's `Uri` reads what
//! was escaped once more, so that `/v1/mailboxes/..%5C..%5Con-drop%3F/messages` fits the route of a deposit and arrives
//! as `/on-drop`. What tells them apart is the head. A request keeps its own `Host`, by which Azure's front ends found the
//! app, and has the marks that they put on each request; an invocation is made by the host itself, for the address where
//! this listens, and has none. (`DefaultHttpWorkerService` and `HttpRequestExtensions.ToHttpRequestMessage` in
//! Azure/azure-functions-host; there, too, a request without `X-ARR-LOG-ID` is one from within.) The same way leads to
//! `/metrics`, which is therefore not served here.

mod envelope;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::{BoxError, Json, Router};
use axum::{body::Body, routing::any};
use serde_json::{Value, json};
use web::body::Reader;
use web::{Code, Problem};

use self::envelope::Envelope;
use crate::app::App;
use crate::function::EventHandlers;
use crate::router::no_route;

/// Where the Functions host sends requests and invocations.
const PORT: &str = "FUNCTIONS_CUSTOMHANDLER_PORT";

/// The functions that a trigger starts, by the names of their folders; no operation has such a name.
const ON_SCHEDULE: &str = "/on-schedule";
const ON_DROP: &str = "/on-drop";

/// What Azure's front ends put on each request that comes from outside.
const FROM_OUTSIDE: [&str; 5] =
    ["x-arr-log-id", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-original-url"];

/// An envelope holds an event, which has a megabyte at most and is escaped up to three times.
const MAX_ENVELOPE_BYTES: usize = 8 << 20;

/// Where to listen, if the Functions host started this.
pub(crate) fn address() -> Result<Option<SocketAddr>, BoxError> {
    let Some(port) = std::env::var_os(PORT) else { return Ok(None) };
    let port = port.to_str().and_then(|port| port.parse().ok());
    let port = port.ok_or_else(|| format!("{PORT} is no port"))?;
    Ok(Some((Ipv4Addr::LOCALHOST, port).into()))
}

/// What triggers start, where this listens at `address`.
pub(crate) fn routes(events: EventHandlers, address: SocketAddr) -> Router<Arc<App>> {
    let schedule = async move |State(app): State<Arc<App>>, body: Body| on_schedule(&app, events, body).await;
    let drop = async move |State(app): State<Arc<App>>, body: Body| on_drop(&app, events, body).await;
    Router::new()
        .route(ON_SCHEDULE, any(schedule))
        .route(ON_DROP, any(drop))
        .route_layer(middleware::from_fn_with_state(Arc::from(address.to_string()), only_invocations))
}

async fn only_invocations(State(ours): State<Arc<str>>, request: Request, next: Next) -> Response {
    if request.method() == Method::POST && is_invocation(request.headers(), &ours) {
        return next.run(request).await;
    }
    no_route().into_response()
}

/// Whether the Functions host itself asks.
fn is_invocation(headers: &HeaderMap, ours: &str) -> bool {
    headers.get(header::HOST).is_some_and(|host| host.as_bytes() == ours.as_bytes())
        && headers.contains_key("x-azure-functions-invocationid")
        && !FROM_OUTSIDE.iter().any(|name| headers.contains_key(*name))
}

async fn on_schedule(app: &Arc<App>, events: EventHandlers, body: Body) -> Result<Json<Value>, Problem> {
    read(body).await?;
    let scheduled = events.on_schedule.ok_or_else(no_route)?;
    scheduled(app).await.map_err(failed)?;
    Ok(done())
}

async fn on_drop(app: &Arc<App>, events: EventHandlers, body: Body) -> Result<Json<Value>, Problem> {
    let objects = read(body).await?.objects().map_err(|_| unreadable())?;
    events.dropped(app, &objects).await.map_err(failed)?;
    Ok(done())
}

/// The envelope. Its content type is the host's affair, and so is how it comes: it has no length.
async fn read(body: Body) -> Result<Envelope, Problem> {
    let bytes = Reader::new(body, MAX_ENVELOPE_BYTES).whole().await?;
    serde_json::from_slice(&bytes).map_err(|_| unreadable())
}

/// What is wrong with it is not repeated: it may be anything that somebody dropped.
fn unreadable() -> Problem {
    Problem::new(Code::BadRequest, "This is no invocation that can be read.")
}

fn failed(error: BoxError) -> Problem {
    Problem::new(Code::Internal, "The invocation failed; the log tells why.").caused_by(error)
}

/// What the host reads of an invocation that is done.
fn done() -> Json<Value> {
    Json(json!({"Outputs": {}, "Logs": [], "ReturnValue": null}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_functions_host_made_itself_is_an_invocation() {
        let ours = [
            ("host", "127.0.0.1:7071"),
            ("x-azure-functions-invocationid", "1b0d"),
            ("x-azure-functions-hostversion", "4.1043.200.0"),
            ("user-agent", "Azure-Functions-Host/4.1043.200.0"),
        ];
        let headers = |of: &[(&'static str, &str)]| -> HeaderMap {
            of.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
        };
        assert!(is_invocation(&headers(&ours), "127.0.0.1:7071"));
        for name in FROM_OUTSIDE {
            let marked = [&ours[..], &[(name, "x")]].concat();
            assert!(!is_invocation(&headers(&marked), "127.0.0.1:7071"), "{name}");
        }
        for host in ["voicemail.azurewebsites.net", "127.0.0.1", "127.0.0.1:7072", "localhost:7071", ""] {
            let elsewhere = [&[("host", host)], &ours[1..]].concat();
            assert!(!is_invocation(&headers(&elsewhere), "127.0.0.1:7071"), "{host}");
        }
        assert!(!is_invocation(&headers(&ours[..1]), "127.0.0.1:7071"));
    }
}
