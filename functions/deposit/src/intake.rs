//! What comes in: a body of audio with the facts as headers, or a form of two parts.

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use domain::{Mailbox, Settings, Timestamp};
use utoipa::ToSchema;
use web::body::{self, Reader};
use web::wire::Sound;
use web::{Code, Problem};

use crate::call::{Call, UncheckedCall};
use crate::form;

/// The most that a second of telephone audio takes: 48 kHz, 16 bit, stereo.
const BYTES_A_SECOND: usize = 192_000;
/// Room for headers, tags and the other part of a form.
const OVERHEAD_BYTES: usize = 256 << 10;
/// The most that is taken at all, as each deposit is held in memory: an hour of 8 kHz 16-bit audio (57.6 MB) fits.
pub(crate) const MAX_BYTES: usize = 64 << 20;
/// How much of a recording is read without a thread of its own: 1 MiB takes some milliseconds.
const MAX_INLINE_BYTES: usize = 1 << 20;

/// The form, for the document.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct Form {
    /// The facts.
    message: UncheckedCall,
    /// The recording.
    audio: Sound,
}

/// Reads the facts and the audio. The audio comes as a result of its own: a repeat is answered whatever it brings.
///
/// # Errors
/// 400, 404, 408, 413 or 503: the facts cannot be used, there is no such mailbox, or the body does not arrive.
pub async fn read(
    headers: &HeaderMap,
    content: Body,
    mailbox: Option<&Mailbox>,
    now: Timestamp,
) -> Result<(Call, Result<Bytes, Problem>), Problem> {
    let taken = taken(headers, content, limit(mailbox), mailbox.is_some(), now).await;
    // What is no call cannot be the repeat of one: that there is no such mailbox comes before what is wrong with it.
    let is_no_call = |code| matches!(code, Code::BadRequest | Code::TooLarge);
    taken.map_err(|problem| match mailbox {
        None if is_no_call(problem.code) => Problem::not_found("mailbox"),
        _ => problem,
    })
}

async fn taken(
    headers: &HeaderMap,
    content: Body,
    limit: usize,
    mailbox_is_there: bool,
    now: Timestamp,
) -> Result<(Call, Result<Bytes, Problem>), Problem> {
    let check = |sent: UncheckedCall| {
        let call = sent.check(now)?;
        // A refusal that no repeat can change comes before the recording is read.
        if !mailbox_is_there && call.call_id.is_none() {
            return Err(Problem::not_found("mailbox"));
        }
        Ok((call, body::announced(headers, limit)))
    };
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let reader = Reader::new(content, limit);
    if let Some(boundary) = form::boundary(content_type.unwrap_or_default())? {
        return form::read(reader, boundary, check).await;
    }
    let (call, fits) = check(UncheckedCall::in_headers(headers)?)?;
    let audio = match fits {
        Ok(()) => reader.whole().await,
        Err(problem) => Err(problem),
    };
    Ok((call, audio))
}

fn limit(mailbox: Option<&Mailbox>) -> usize {
    let seconds =
        mailbox.map_or(Settings::default().max_message_seconds, |it| it.settings.max_message_seconds);
    usize::try_from(seconds)
        .unwrap_or(usize::MAX)
        .saturating_mul(BYTES_A_SECOND)
        .saturating_add(OVERHEAD_BYTES)
        .min(MAX_BYTES)
}

/// Reads what the recording is; a long one where nobody else waits meanwhile.
pub(crate) async fn inspect(audio: &Bytes) -> Result<Result<audio::Recording, audio::Refusal>, Problem> {
    if audio.len() <= MAX_INLINE_BYTES {
        return Ok(audio::inspect(audio));
    }
    let audio = audio.clone();
    tokio::task::spawn_blocking(move || audio::inspect(&audio)).await.map_err(|error| {
        Problem::new(Code::Internal, "The recording could not be read. Nothing is stored.").caused_by(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_of_plain_telephone_audio_fits() {
        const { assert!(3600 * 8000 * 2 + 4096 < MAX_BYTES) }
    }
}
