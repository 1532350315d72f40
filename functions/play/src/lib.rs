//! Play: the recording of a message, whole or a range of it, or a link that plays it for minutes. Changes nothing.

mod link;

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::Message;
use host::wire::Sound;
use host::{
    Host, Operation, Path, Principal, Problem, ProblemBody, Query, Tenancy, audit, message_id, recording,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Its routes.
pub fn routes() -> OpenApiRouter<Host> {
    OpenApiRouter::new().routes(routes!(play))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct How {
    /// `1`: as a file to keep, with `Content-Disposition`.
    download: Option<String>,
    /// `1`: answers a link in place of the bytes.
    link: Option<String>,
    /// Of a link: its tenant, its end in milliseconds since 1970, and its signature.
    #[param(ignore)]
    tenant: Option<String>,
    #[param(ignore)]
    expires: Option<String>,
    #[param(ignore)]
    signature: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Link {
    /// Plays the recording, with no token; relative to this service, or absolute.
    url: String,
    /// Until then.
    expires_at: String,
}

/// The recording of a message, also in the trash. Ranges are honoured; a redirect leads to a link of at most 5 minutes.
#[utoipa::path(
    get, path = "/v1/mailboxes/{mailbox}/messages/{id}/audio", operation_id = "play", tag = "play",
    params(("mailbox" = String, Path, description = "The mailbox"), ("id" = String, Path, description = "The message"), How),
    responses(
        (status = 200, content((Sound = "audio/*"), (Link = "application/json"))),
        (status = 206, description = "The range asked for", content_type = "audio/*", body = Sound),
        (status = 304), (status = 307, headers(("Location" = String))),
        (status = 400, body = ProblemBody), (status = 404, body = ProblemBody), (status = 416, body = ProblemBody)
    )
)]
async fn play(
    State(host): State<Host>,
    path: Result<Path<(String, String)>, Problem>,
    how: Result<Query<How>, Problem>,
    request: Request,
) -> Result<Response, Problem> {
    let (mut parts, _) = request.into_parts();
    // A range is of a GET alone (RFC 9110, 14.2).
    if parts.method != Method::GET {
        parts.headers.remove(header::RANGE);
    }
    let is_signed = matches!(&how, Ok(Query(how)) if how.signature.is_some());
    let who = if is_signed { None } else { Some(Principal::from_request_parts(&mut parts, &host).await?) };
    let (Path((mailbox, id)), Query(how)) = (path?, how?);
    let id = message_id(&id);
    let Some(who) = who else {
        let (tenancy, message) = link::open(&host, &how, &mailbox, id?).await?;
        return stream(&tenancy, &message, &how, &parts.headers).await;
    };
    let access = host.open(&who, Operation::Play, &mailbox).await?;
    let message = link::message(&access.tenancy, access.id(), id?).await?;
    let asks_link = is_set(how.link.as_ref());
    let linked = link::of_storage(&host, &access.tenancy, &message, &how).await?;
    let answer = match (linked, asks_link) {
        (Some(link), true) => Json(link).into_response(),
        (Some(Link { url, .. }), false) => {
            (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, url)]).into_response()
        }
        (None, true) => Json(link::own(&host, &access, &message, &how).await?).into_response(),
        (None, false) => stream(&access.tenancy, &message, &how, &parts.headers).await?,
    };
    if recording::lets_hear(&parts.method, answer.status()) {
        audit(&who, Operation::Play, &[("mailbox", access.id()), ("message", &message.facts.id)]);
    }
    Ok(answer)
}

/// Answers the bytes.
async fn stream(
    tenancy: &Arc<Tenancy>,
    message: &Message,
    how: &How,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let answer = recording::answer(tenancy, &message.facts, headers, is_set(how.download.as_ref())).await?;
    if let Some(answer) = answer {
        return Ok(answer);
    }
    // Purged between the look and now, or a loss.
    link::message(tenancy, &message.facts.mailbox, message.facts.id).await?;
    Err(recording::lost())
}

fn is_set(flag: Option<&String>) -> bool {
    flag.is_some_and(|flag| flag == "1" || flag == "true")
}
