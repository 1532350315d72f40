//! What comes in: a body of audio with the facts as headers, or a form of two parts.

use std::convert::Infallible;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use domain::{Code, Mailbox, Settings, Timestamp};
use host::wire::Sound;
use host::{Problem, body};
use utoipa::ToSchema;

use crate::call::{Call, Sent};

/// The most that a second of telephone audio takes: 48 kHz, 16 bit, stereo.
const BYTES_A_SECOND: usize = 192_000;
/// Room for headers, tags and the other part of a form.
const OVERHEAD: usize = 256 << 10;
/// The most that is taken at all, as each deposit is held in memory: an hour of 8 kHz 16-bit audio (57.6 MB) fits.
const MAX_BYTES: usize = 64 << 20;

/// The form, for the document.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct Form {
    /// The facts.
    message: Sent,
    /// The recording.
    audio: Sound,
}

/// Reads the facts and the audio. The audio comes as a result of its own: a repeat is answered whatever it brings.
pub(crate) async fn read(
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
    let Some(boundary) = boundary(headers)? else {
        let call = Sent::in_headers(headers)?.check(now)?;
        // A refusal that no repeat can change comes before the body is read.
        if !mailbox_is_there && call.call_id.is_none() {
            return Err(Problem::not_found("mailbox"));
        }
        return Ok((call, whole(headers, content, limit).await));
    };
    let form = whole(headers, content, limit).await?;
    let (call, audio) = parts(form.clone(), boundary).await?;
    Ok((call.check(now)?, Ok(Bytes::from_owner(Part { audio, _form: form }))))
}

fn limit(mailbox: Option<&Mailbox>) -> usize {
    let seconds =
        mailbox.map_or(Settings::default().max_message_seconds, |it| it.settings.max_message_seconds);
    usize::try_from(seconds)
        .unwrap_or(usize::MAX)
        .saturating_mul(BYTES_A_SECOND)
        .saturating_add(OVERHEAD)
        .min(MAX_BYTES)
}

/// The audio of a form, and the form itself: its place in memory is the one that is counted.
struct Part {
    audio: Bytes,
    _form: Bytes,
}

impl AsRef<[u8]> for Part {
    fn as_ref(&self) -> &[u8] {
        &self.audio
    }
}

async fn whole(headers: &HeaderMap, content: Body, limit: usize) -> Result<Bytes, Problem> {
    body::within(headers, limit)?;
    body::read(content, limit).await
}

/// The boundary of a form; `None` where the body is none.
fn boundary(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !content_type.trim_start().to_ascii_lowercase().starts_with("multipart/form-data") {
        return Ok(None);
    }
    let boundary = multer::parse_boundary(content_type);
    boundary.map(Some).map_err(|_| Problem::bad("Content-Type", "multipart/form-data with a boundary"))
}

async fn parts(form: Bytes, boundary: String) -> Result<(Sent, Bytes), Problem> {
    let bad = |_: multer::Error| Problem::bad("body", "a whole multipart/form-data body");
    let missing = || Problem::bad("body", "first a part `message` (JSON), then a part `audio`");
    let stream = futures::stream::once(std::future::ready(Ok::<_, Infallible>(form)));
    let mut form = multer::Multipart::new(stream, boundary);
    let message = form.next_field().await.map_err(bad)?.filter(|part| part.name() == Some("message"));
    let message = message.ok_or_else(missing)?.bytes().await.map_err(bad)?;
    let sent = body::parse(&message)?;
    let audio = form.next_field().await.map_err(bad)?.filter(|part| part.name() == Some("audio"));
    let audio = audio.ok_or_else(missing)?.bytes().await.map_err(bad)?;
    Ok((sent, audio))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> Bytes {
        Bytes::from(text.replace('\n', "\r\n"))
    }

    const GOOD: &str = "--x\nContent-Disposition: form-data; name=\"message\"\n\n{\"caller_id\":\"1\"}\n\
        --x\nContent-Disposition: form-data; name=\"audio\"; filename=\"a.wav\"\nContent-Type: audio/wav\n\nRIFF\n--x--\n";

    #[tokio::test]
    async fn a_form_has_the_facts_first_and_then_the_audio() {
        let (sent, audio) = parts(form(GOOD), "x".into()).await.unwrap();
        assert_eq!((sent.caller_id.as_deref(), audio.as_ref()), (Some("1"), b"RIFF".as_ref()));
    }

    #[tokio::test]
    async fn a_form_that_is_cut_off_or_in_another_order_is_refused() {
        let other = GOOD.replace("\"message\"", "\"x\"").replace("\"audio\"", "\"message\"");
        let mut bad = vec![other];
        bad.extend((0..GOOD.len() - 5).map(|end| GOOD.chars().take(end).collect()));
        for text in bad {
            assert!(parts(form(&text), "x".into()).await.is_err(), "{text}");
        }
    }

    #[test]
    fn an_hour_of_plain_telephone_audio_fits() {
        const { assert!(3600 * 8000 * 2 + 4096 < MAX_BYTES) }
    }
}
