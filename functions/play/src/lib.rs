//! Play: the recording of a message, whole or a range of it, or a link that plays it for minutes. Changes nothing.

mod link;
mod range;

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::{AudioKey, Code, Message};
use host::wire::Sound;
use host::{Host, Operation, Path, Principal, Problem, ProblemBody, Query, Tenancy, audit, etag, message_id};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use range::Wanted;

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
    if lets_hear(&parts.method, answer.status()) {
        audit(&who, Operation::Play, &[("mailbox", access.id()), ("message", &message.facts.id)]);
    }
    Ok(answer)
}

/// Whether an answer hands out sound, or a link to it: what is only asked about was not listened to.
fn lets_hear(method: &Method, status: StatusCode) -> bool {
    let is_whole = method == Method::GET && status.is_success();
    is_whole || status == StatusCode::TEMPORARY_REDIRECT
}

/// Answers the bytes.
async fn stream(
    tenancy: &Arc<Tenancy>,
    message: &Message,
    how: &How,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let facts = &message.facts;
    let tag = etag::of_bytes(facts.audio.to_string().as_bytes());
    if etag::names(headers, &header::IF_NONE_MATCH, &tag) == Some(true) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let wanted = range::wanted(headers, &tag, facts.bytes);
    let range = match &wanted {
        Wanted::Whole => None,
        Wanted::Range(range) => Some(range.clone()),
        Wanted::Outside => {
            let mut refusal =
                Problem::new(Code::Range, "The range lies outside the recording.").into_response();
            refusal.headers_mut().insert(header::CONTENT_RANGE, range::unsatisfied(facts.bytes));
            return Ok(refusal);
        }
    };
    let audio = tenancy.recordings(&facts.region)?.get(&facts.audio, range).await?;
    // Purged between the look and now; anything else would be a loss, which the log must tell.
    let Some(audio) = audio else {
        link::message(tenancy, &facts.mailbox, facts.id).await?;
        return Err(Problem::new(
            Code::Internal,
            "The recording cannot be read. The log names it by the request id.",
        ));
    };
    let mut response = Body::from_stream(audio.bytes).into_response();
    let answer = response.headers_mut();
    answer.insert(header::ETAG, tag);
    answer.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    answer.insert(header::CONTENT_LENGTH, HeaderValue::from(audio.len));
    answer.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(media_type) = HeaderValue::from_str(&facts.media_type) {
        answer.insert(header::CONTENT_TYPE, media_type);
    }
    if let (true, Ok(name)) = (is_set(how.download.as_ref()), attachment(&facts.audio)) {
        answer.insert(header::CONTENT_DISPOSITION, name);
    }
    if let Wanted::Range(range) = wanted {
        answer.insert(header::CONTENT_RANGE, range::satisfied(&range, facts.bytes));
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

fn is_set(flag: Option<&String>) -> bool {
    flag.is_some_and(|flag| flag == "1" || flag == "true")
}

/// The name under which a recording is kept: its message's id, nothing of the caller.
fn file_name(audio: &AudioKey) -> String {
    format!("{}.{}", audio.id, audio.extension)
}

fn attachment(audio: &AudioKey) -> Result<HeaderValue, header::InvalidHeaderValue> {
    HeaderValue::from_str(&format!("attachment; filename=\"{}\"", file_name(audio)))
}
