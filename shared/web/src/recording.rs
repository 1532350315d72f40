//! How a recording is answered: whole or a range of it.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::Facts;
use storage::TenantStorage;

use crate::code::Code;
use crate::problem::Problem;
use crate::range::RequestedRange;
use crate::{etag, range};

/// Answers the bytes of a recording, or those that `Range` asks for; with `Content-Disposition` for one who keeps it as a
/// file. `None`: there is no recording any more.
///
/// # Errors
/// 503: the storage does not answer.
pub async fn answer(
    storage: &TenantStorage,
    facts: &Facts,
    headers: &HeaderMap,
    as_file: bool,
) -> Result<Option<Response>, Problem> {
    let tag = etag::of_bytes(facts.audio.to_string().as_bytes());
    if etag::names(headers, &header::IF_NONE_MATCH, &tag) == Some(true) {
        return Ok(Some((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response()));
    }
    let wanted = range::wanted(headers, &tag, facts.bytes);
    let range = match &wanted {
        RequestedRange::Whole => None,
        RequestedRange::Range(range) => Some(range.clone()),
        RequestedRange::Outside => {
            let mut refusal =
                Problem::new(Code::Range, "The range lies outside the recording.").into_response();
            refusal.headers_mut().insert(header::CONTENT_RANGE, range::unsatisfied(facts.bytes));
            return Ok(Some(refusal));
        }
    };
    let audio = storage.recordings_in(&facts.region)?.get(&facts.audio, range).await?;
    let Some(audio) = audio else { return Ok(None) };
    let mut response = Body::from_stream(audio.bytes).into_response();
    let answer = response.headers_mut();
    answer.insert(header::ETAG, tag);
    answer.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    answer.insert(header::CONTENT_LENGTH, HeaderValue::from(audio.len));
    answer.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(media_type) = HeaderValue::from_str(&facts.media_type) {
        answer.insert(header::CONTENT_TYPE, media_type);
    }
    let attachment = HeaderValue::from_str(&storage::offered_as(&facts.audio.file_name()));
    if let (true, Ok(attachment)) = (as_file, attachment) {
        answer.insert(header::CONTENT_DISPOSITION, attachment);
    }
    if let RequestedRange::Range(range) = wanted {
        answer.insert(header::CONTENT_RANGE, range::satisfied(&range, facts.bytes));
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(Some(response))
}

/// Whether an answer hands out sound, or a link to it: what is only asked about was not listened to.
pub fn lets_hear(method: &Method, status: StatusCode) -> bool {
    let is_whole = method == Method::GET && status.is_success();
    is_whole || status == StatusCode::TEMPORARY_REDIRECT
}

/// A recording that is there by its message, and is not: a loss, which the log must tell.
pub fn lost() -> Problem {
    Problem::new(Code::Internal, "The recording cannot be read. The log names it by the request id.")
}
