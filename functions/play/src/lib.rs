//! Play: the recording of a message, whole or a range of it, or a link that plays it for minutes. Changes nothing.

mod link;
mod query;

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::Message;
use host::{App, Tenancy};
use identity::{Operation, Principal, audit};
use utoipa_axum::{router::OpenApiRouter, routes};
use web::wire::{Sound, message_id};
use web::{Path, Problem, ProblemBody, Query, recording};

use link::Link;
use query::PlayQuery;

/// Its routes.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(play))
}

/// The recording of a message, also in the trash. Ranges are honoured; a redirect leads to a link of at most 5 minutes.
#[utoipa::path(
    get, path = "/v1/mailboxes/{mailbox}/messages/{id}/audio", operation_id = "play", tag = "play",
    params(("mailbox" = String, Path, description = "The mailbox"), ("id" = String, Path, description = "The message"), PlayQuery),
    responses(
        (status = 200, content((Sound = "audio/*"), (Link = "application/json"))),
        (status = 206, description = "The range asked for", content_type = "audio/*", body = Sound),
        (status = 304), (status = 307, headers(("Location" = String))),
        (status = 400, body = ProblemBody), (status = 404, body = ProblemBody), (status = 416, body = ProblemBody)
    )
)]
async fn play(
    State(app): State<Arc<App>>,
    path: Result<Path<(String, String)>, Problem>,
    query: Result<Query<PlayQuery>, Problem>,
    request: Request,
) -> Result<Response, Problem> {
    let (mut parts, _) = request.into_parts();
    // A range is of a GET alone (RFC 9110, 14.2).
    if parts.method != Method::GET {
        parts.headers.remove(header::RANGE);
    }
    let is_signed = matches!(&query, Ok(Query(query)) if query.signature.is_some());
    let who = if is_signed { None } else { Some(Principal::from_request_parts(&mut parts, &app).await?) };
    let (Path((mailbox, id)), Query(query)) = (path?, query?);
    let id = message_id(&id);
    let Some(who) = who else {
        let (tenancy, message) = link::open(&app, &query, &mailbox, id?).await?;
        return stream(&tenancy, &message, &query, &parts.headers).await;
    };
    let access = app.open(&who, Operation::Play, &mailbox).await?;
    let message = link::message(&access.tenancy, access.id(), id?).await?;
    let linked = link::of_storage(&app, &access.tenancy, &message, &query).await?;
    let answer = match (linked, query.asks_link()) {
        (Some(link), true) => Json(link).into_response(),
        (Some(Link { url, .. }), false) => {
            (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, url)]).into_response()
        }
        (None, true) => Json(link::own(&app, &access, &message, &query).await?).into_response(),
        (None, false) => stream(&access.tenancy, &message, &query, &parts.headers).await?,
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
    query: &PlayQuery,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let answer = recording::answer(&tenancy.storage, &message.facts, headers, query.asks_file()).await?;
    if let Some(answer) = answer {
        return Ok(answer);
    }
    // Purged between the look and now, or a loss.
    link::message(tenancy, &message.facts.mailbox, message.facts.id).await?;
    Err(recording::lost())
}
