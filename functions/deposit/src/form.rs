//! A form of two parts: the facts of a call (`message`, JSON), then the recording (`audio`).

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};
use futures::stream::{self, Stream};
use web::Problem;
use web::body::{self, Reader};

use crate::call::UncheckedCall;

/// What may stand before the audio begins, and again behind it: as much as a request's head, which says the same.
/// Until a part has begun it is searched from its beginning with each piece that comes.
const MAX_OTHER_BYTES: usize = 64 << 10;
/// The largest piece that is searched at once, so that little is read beyond what is asked for.
const MAX_PIECE_BYTES: usize = 16 << 10;
/// The longest boundary (RFC 2046, 5.1.1).
const MAX_BOUNDARY_CHARS: usize = 70;

/// The boundary of a form; `None` where the body is none.
pub(crate) fn boundary(content_type: &str) -> Result<Option<String>, Problem> {
    if !content_type.trim_start().to_ascii_lowercase().starts_with("multipart/form-data") {
        return Ok(None);
    }
    let boundary = multer::parse_boundary(content_type).ok();
    let boundary = boundary.filter(|boundary| (1..=MAX_BOUNDARY_CHARS).contains(&boundary.len()));
    boundary.map(Some).ok_or_else(|| {
        Problem::bad("Content-Type", "multipart/form-data with a boundary of 1 to 70 characters")
    })
}

/// Reads the facts, which come first, and then the audio, if `check` of the facts says so. The audio comes as a result of
/// its own: a repeat is answered whatever it brings.
pub(crate) async fn read<T>(
    mut reader: Reader,
    boundary: String,
    check: impl FnOnce(UncheckedCall) -> Result<(T, Result<(), Problem>), Problem>,
) -> Result<(T, Result<Bytes, Problem>), Problem> {
    let (may_come, mut audio) = (AtomicUsize::new(MAX_OTHER_BYTES), BytesMut::new());
    let mut form = multer::Multipart::new(pieces(&mut reader, &may_come), boundary);
    let facts = part(&mut form, "message").await?.bytes().await.map_err(bad)?;
    let (facts, go_on) = check(body::parse(&facts)?)?;
    if let Err(problem) = go_on {
        return Ok((facts, Err(problem)));
    }
    let read = async {
        let mut part = part(&mut form, "audio").await?;
        may_come.store(usize::MAX, Ordering::Relaxed);
        while let Some(piece) = part.chunk().await.map_err(bad)? {
            audio.extend_from_slice(&piece);
        }
        drop(part);
        may_come.store(MAX_OTHER_BYTES, Ordering::Relaxed);
        match form.next_field().await.map_err(bad)? {
            None => Ok(()),
            Some(_) => Err(Problem::bad("body", "two parts, `message` and `audio`, and no other")),
        }
    };
    let read = read.await;
    drop(form);
    let whole = async {
        read?;
        // Nothing counts behind the last boundary, and a client that is still sending is not cut off.
        while reader.next().await?.is_some() {}
        Ok(())
    };
    let whole: Result<(), Problem> = whole.await;
    Ok((facts, whole.map(|()| reader.keep(audio))))
}

/// The next part, which must have this name.
async fn part<'a>(form: &mut multer::Multipart<'a>, name: &str) -> Result<multer::Field<'a>, Problem> {
    let part = form.next_field().await.map_err(bad)?.filter(|part| part.name() == Some(name));
    part.ok_or_else(|| Problem::bad("body", "first a part `message` (JSON), then a part `audio`"))
}

/// What comes of a body, in pieces, and not more than `may_come` until that is set anew.
fn pieces<'a>(
    reader: &'a mut Reader,
    may_come: &'a AtomicUsize,
) -> impl Stream<Item = Result<Bytes, Refusal>> + Send + 'a {
    stream::try_unfold((reader, Bytes::new()), move |(reader, mut rest)| async move {
        // The library takes all that is ready before it looks at any of it.
        tokio::task::yield_now().await;
        while rest.is_empty() {
            match reader.next().await.map_err(Refusal)? {
                Some(piece) => rest = piece,
                None => return Ok(None),
            }
        }
        let piece = rest.split_to(rest.len().min(MAX_PIECE_BYTES));
        let left = may_come.load(Ordering::Relaxed).checked_sub(piece.len());
        let left =
            left.ok_or_else(|| Refusal(Problem::bad("body", "at most 64 KiB beside the part `audio`")))?;
        may_come.store(left, Ordering::Relaxed);
        Ok(Some((piece, (reader, rest))))
    })
}

/// Why no more of a body is read, on its way through the library.
#[derive(Debug, thiserror::Error)]
#[error("refused")]
struct Refusal(Problem);

fn bad(error: multer::Error) -> Problem {
    match error {
        multer::Error::StreamReadFailed(error) => match error.downcast::<Refusal>() {
            Ok(refusal) => refusal.0,
            Err(_) => Problem::bad("body", "a whole multipart/form-data body"),
        },
        _ => Problem::bad("body", "a whole multipart/form-data body"),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use futures::StreamExt as _;

    use super::*;

    const GOOD: &str = "--x\nContent-Disposition: form-data; name=\"message\"\n\n{\"caller_id\":\"1\"}\n\
        --x\nContent-Disposition: form-data; name=\"audio\"; filename=\"a.wav\"\nContent-Type: audio/wav\n\nRIFF\n--x--\n";

    /// What is read of a form that comes in pieces of this size.
    async fn parts(text: &str, size: usize) -> Result<(Option<String>, Bytes), Problem> {
        let text = text.replace('\n', "\r\n").into_bytes();
        let pieces: Vec<_> = text.chunks(size).map(Bytes::copy_from_slice).collect();
        let body = Body::from_stream(stream::iter(pieces).map(Ok::<_, std::io::Error>));
        let (caller, audio) =
            read(Reader::new(body, 1 << 20), "x".into(), |sent| Ok((sent.caller_id, Ok(())))).await?;
        Ok((caller, audio?))
    }

    #[tokio::test]
    async fn a_form_has_the_facts_first_and_then_the_audio_however_it_comes() {
        for size in [1, 2, 3, 7, 50, 1000] {
            let (caller, audio) = parts(GOOD, size).await.unwrap();
            assert_eq!((caller.as_deref(), audio.as_ref()), (Some("1"), b"RIFF".as_ref()));
        }
        let long = "x".repeat(100_000);
        let (_, audio) = parts(&GOOD.replace("RIFF", &long), 1 << 20).await.unwrap();
        assert_eq!(audio, long);
    }

    #[tokio::test]
    async fn a_form_that_is_cut_off_or_in_another_order_is_refused() {
        let other = GOOD.replace("\"message\"", "\"x\"").replace("\"audio\"", "\"message\"");
        let mut bad = vec![other];
        bad.extend((0..GOOD.len() - 2).map(|end| GOOD.chars().take(end).collect()));
        for text in bad {
            assert!(parts(&text, 1000).await.is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn a_form_of_more_parts_is_refused() {
        for name in ["audio", "message", "other"] {
            let third = format!("--x\nContent-Disposition: form-data; name=\"{name}\"\n\nRIFF\n--x--");
            assert!(parts(&GOOD.replace("--x--", &third), 1000).await.is_err(), "{name}");
        }
    }

    #[tokio::test]
    async fn what_is_beside_the_audio_has_at_most_64_kib() {
        let long = "x".repeat(MAX_OTHER_BYTES);
        for place in ["--x\n", "{", "Content-Type"] {
            let text = GOOD.replacen(place, &format!("{long}{place}"), 1);
            let fault = parts(&text, 1000).await.unwrap_err().errors;
            assert_eq!(fault.first().unwrap().detail, "at most 64 KiB beside the part `audio`");
        }
        let third = format!("--x\nContent-Disposition: {long}");
        assert!(parts(&GOOD.replace("--x--", &third), 1000).await.is_err());
    }

    #[test]
    fn a_boundary_has_1_to_70_characters() {
        let of = |length| boundary(&format!("Multipart/Form-Data; boundary={}", "x".repeat(length)));
        assert_eq!(of(70).unwrap().unwrap().len(), 70);
        for length in [0, 71, 60_000] {
            assert!(of(length).is_err(), "{length}");
        }
        assert!(boundary("audio/wav").unwrap().is_none());
    }
}
