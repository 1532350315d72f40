//! Bodies, read under a limit of size, of patience and of memory.
//!
//! A body may come slowly, but not forever. After 20 s it must have come at 1 KiB/s on average: a large recording on a slow
//! line passes, and a client that sends single bytes is refused. All bodies of a process share 512 MiB of memory. A body that
//! gets none of it within a second is refused with 503 `busy`.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{HeaderMap, HeaderValue, header};
use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt as _};
use serde::de::DeserializeOwned;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::code::Code;
use crate::problem::Problem;

/// The usual limit of a JSON body: 1 MiB.
pub const JSON_LIMIT: usize = 1 << 20;

/// How long a body may take at any rate.
const GRACE_PERIOD: Duration = Duration::from_secs(20);

/// The rate at which a body that takes longer must have come on average.
const MIN_BYTES_PER_SECOND: u64 = 1024;

/// How many bytes the bodies of a process may hold together: several of the largest, hundreds of usual ones.
const MAX_BYTES_OF_ALL_BODIES: usize = 512 << 20;

/// For how many bytes memory is reserved before they come: two minutes of telephone audio.
const MAX_BYTES_RESERVED: usize = 1 << 20;

/// How long a body waits for its bytes of these.
const MAX_WAIT: Duration = Duration::from_secs(1);

static BODIES: Semaphore = Semaphore::const_new(MAX_BYTES_OF_ALL_BODIES);

/// A body that is read piece by piece: 413 `too-large` over its limit, 408 `timeout` when it does not arrive, 503 `busy`
/// when the process holds too much already. What came counts until this is dropped, or for as long as the bytes live that
/// [`Reader::keep`] is given.
pub struct Reader {
    pieces: BodyDataStream,
    limit: usize,
    came: usize,
    /// Whether more came than is taken.
    is_over: bool,
    begun: Instant,
    memory: &'static Semaphore,
    permits: Option<SemaphorePermit<'static>>,
}

/// The bytes of a body, which keep its permits.
struct HeldBytes {
    bytes: BytesMut,
    _permits: Option<SemaphorePermit<'static>>,
}

impl AsRef<[u8]> for HeldBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Reader {
    /// A body of which at most `limit` bytes are taken.
    pub fn new(body: Body, limit: usize) -> Self {
        Self::of(&BODIES, body, limit)
    }

    fn of(memory: &'static Semaphore, body: Body, limit: usize) -> Self {
        let pieces = body.into_data_stream();
        Self { pieces, limit, came: 0, is_over: false, begun: Instant::now(), memory, permits: None }
    }

    /// The next piece; nothing at the end.
    ///
    /// # Errors
    /// 413, 408 or 503, as above; 400 where the body ends before its end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        if self.is_over {
            return Err(too_large(self.limit));
        }
        let seconds = u64::try_from(self.came).unwrap_or(u64::MAX) / MIN_BYTES_PER_SECOND;
        let patience = self.begun + GRACE_PERIOD.max(Duration::from_secs(seconds));
        match tokio::time::timeout_at(patience, self.pieces.next()).await {
            Err(_) => Err(Problem::new(Code::Timeout, "The body did not arrive in time.")),
            Ok(None) => Ok(None),
            Ok(Some(Err(error))) => {
                Err(Problem::new(Code::BadRequest, "The body ended before its end.").caused_by(error))
            }
            Ok(Some(Ok(mut piece))) => {
                // What fits may say enough: in a function the whole body is one piece.
                let fits = piece.split_to(piece.len().min(self.limit - self.came));
                self.is_over = !piece.is_empty();
                self.reserve(fits.len()).await?;
                self.came += fits.len();
                Ok(Some(fits))
            }
        }
    }

    async fn reserve(&mut self, bytes: usize) -> Result<(), Problem> {
        let bytes = u32::try_from(bytes).map_err(|_| too_large(self.limit))?;
        let permits =
            tokio::time::timeout(MAX_WAIT, self.memory.acquire_many(bytes)).await.ok().and_then(Result::ok);
        let permits = permits.ok_or_else(|| {
            Problem::new(Code::Busy, "Too many large requests are under way; try again shortly.")
        })?;
        match &mut self.permits {
            Some(all) => all.merge(permits),
            none => *none = Some(permits),
        }
        Ok(())
    }

    /// How many bytes are to come by what the head says, so that they are not moved again and again as they come. Memory is
    /// taken as it is written to: a client that only says so has none.
    fn expected(&self) -> usize {
        Stream::size_hint(&self.pieces).0.min(self.limit).min(MAX_BYTES_RESERVED)
    }

    /// The whole body.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn whole(mut self) -> Result<Bytes, Problem> {
        let mut whole = BytesMut::with_capacity(self.expected());
        while let Some(piece) = self.next().await? {
            whole.extend_from_slice(&piece);
        }
        Ok(self.keep(whole))
    }

    /// What was made of this body: it counts as the body for as long as it lives.
    pub fn keep(self, bytes: BytesMut) -> Bytes {
        Bytes::from_owner(HeldBytes { bytes, _permits: self.permits })
    }
}

/// Refuses a body by what its headers say, before any of it is read: that it is over `limit` bytes, or compressed.
///
/// # Errors
/// 400: it is compressed; 413: it is too large.
pub fn announced(headers: &HeaderMap, limit: usize) -> Result<(), Problem> {
    let coded = |coding: &HeaderValue| !coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity");
    if headers.get_all(header::CONTENT_ENCODING).iter().any(coded) {
        return Err(Problem::bad("Content-Encoding", "none: send the body as it is"));
    }
    let said =
        headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let fits = said.is_none_or(|said| usize::try_from(said).is_ok_and(|said| said <= limit));
    if fits { Ok(()) } else { Err(too_large(limit)) }
}

/// Reads a JSON body of at most `limit` bytes, usually [`JSON_LIMIT`]. What is wrong with it is named by its place.
/// The `Content-Type` is not asked: what is no JSON is refused anyway.
///
/// # Errors
/// As [`announced`], [`Reader::next`] and [`parse`].
pub async fn json<T: DeserializeOwned>(headers: &HeaderMap, body: Body, limit: usize) -> Result<T, Problem> {
    announced(headers, limit)?;
    parse(&Reader::new(body, limit).whole().await?)
}

/// The same, where a request needs no body: without one it is as if nothing were said in it.
///
/// # Errors
/// As [`json`].
pub async fn json_or_nothing<T: DeserializeOwned + Default>(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
) -> Result<T, Problem> {
    announced(headers, limit)?;
    let bytes = Reader::new(body, limit).whole().await?;
    if matches!(bytes.trim_ascii(), b"" | b"null") { Ok(T::default()) } else { parse(&bytes) }
}

/// Reads a JSON object. What is wrong with it is named by its place.
///
/// # Errors
/// 400: it is no JSON object, or not of this shape.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // A list would be taken for the object's fields in the order in which they happen to be declared.
    if bytes.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
        return Err(Problem::bad("body", "a JSON object"));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let place = match error.path().to_string() {
            path if matches!(path.as_str(), "." | "?") => "body".to_owned(),
            path => path,
        };
        Problem::bad(place, error.into_inner().to_string())
    })?;
    json.end().map_err(|error| Problem::bad("body", error.to_string()))?;
    Ok(value)
}

fn too_large(limit: usize) -> Problem {
    Problem::new(Code::TooLarge, format!("The body may have at most {limit} bytes."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::StatusCode;
    use futures::stream;
    use serde::Deserialize;

    /// A body of `chunks` chunks of `size` bytes, one every `pause`.
    fn body(chunks: u64, size: usize, pause: Duration) -> Body {
        Body::from_stream(stream::unfold(0, move |sent| async move {
            if sent == chunks {
                return None;
            }
            tokio::time::sleep(pause).await;
            Some((Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; size])), sent + 1))
        }))
    }

    async fn read(body: Body, limit: usize) -> Result<Bytes, Problem> {
        Reader::new(body, limit).whole().await
    }

    #[tokio::test]
    async fn a_body_of_exactly_the_limit_is_read_and_one_byte_more_is_too_large() {
        let read = |size| read(body(3, size, Duration::ZERO), 300);
        assert_eq!(read(100).await.unwrap().len(), 300);
        assert_eq!(read(101).await.unwrap_err().code, Code::TooLarge);
    }

    #[test]
    fn a_body_that_says_it_is_too_large_is_refused_unread() {
        let said = |length: &str| {
            let headers = HeaderMap::from_iter([(header::CONTENT_LENGTH, length.parse().unwrap())]);
            announced(&headers, 300).map_err(|problem| problem.code.status())
        };
        assert_eq!(said("300"), Ok(()));
        assert_eq!(said("301"), Err(StatusCode::PAYLOAD_TOO_LARGE));
        assert_eq!(said("18446744073709551615"), Err(StatusCode::PAYLOAD_TOO_LARGE));
        assert!(announced(&HeaderMap::new(), 300).is_ok(), "its length is not said");
    }

    #[test]
    fn a_compressed_body_is_refused_unread() {
        let said = |coding: &'static str| {
            let headers =
                HeaderMap::from_iter([(header::CONTENT_ENCODING, HeaderValue::from_static(coding))]);
            announced(&headers, 300).map_err(|problem| problem.code)
        };
        assert_eq!((said("identity"), said("Identity")), (Ok(()), Ok(())));
        for coding in ["gzip", "br", "identity, gzip", "nonsense"] {
            assert_eq!(said(coding), Err(Code::BadRequest), "{coding}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_share_a_room_and_keep_their_place_until_they_are_dropped() {
        let room: &'static Semaphore = Box::leak(Box::new(Semaphore::new(300)));
        let read = |size| Reader::of(room, body(1, size, Duration::ZERO), 300).whole();
        let first = read(200).await.unwrap();
        assert_eq!(read(101).await.unwrap_err().code, Code::Busy);
        assert_eq!(read(100).await.unwrap().len(), 100);
        drop(first);
        assert_eq!(read(300).await.unwrap().len(), 300);
        assert_eq!(room.available_permits(), 300);
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_body_on_a_slow_line_passes() {
        let begun = Instant::now();
        // 64 KiB/s: more than a quarter of an hour for 60 MB.
        let read = read(body(960, 64 * 1024, Duration::from_secs(1)), 64 << 20).await;
        assert_eq!(read.unwrap().len(), 60 << 20);
        assert!(begun.elapsed() > Duration::from_mins(15));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_of_a_byte_a_second_or_none_ends_within_30_seconds() {
        for mut trickle in [body(u64::MAX, 1, Duration::from_secs(1)), body(1, 1, Duration::from_hours(1))] {
            let begun = Instant::now();
            let problem = read(std::mem::take(&mut trickle), 1000).await.unwrap_err();
            assert_eq!(problem.code, Code::Timeout);
            assert!(begun.elapsed() <= Duration::from_secs(30), "{:?}", begun.elapsed());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_in_the_middle_is_let_go() {
        let begun = Instant::now();
        let stops = body(1, 60_000, Duration::ZERO)
            .into_data_stream()
            .chain(body(1, 1, Duration::from_hours(1)).into_data_stream());
        assert_eq!(read(Body::from_stream(stops), 1 << 20).await.unwrap_err().code, Code::Timeout);
        assert!(begun.elapsed() < Duration::from_mins(1), "60 kB buy 59 s");
    }

    #[derive(Debug, Deserialize)]
    struct Shape {
        #[expect(dead_code, reason = "only whether it can be read counts")]
        ids: Vec<u32>,
    }

    async fn wrong(text: &'static str) -> (String, String) {
        let problem = json::<Shape>(&HeaderMap::new(), Body::from(text), 100).await.unwrap_err();
        assert_eq!(problem.code, Code::BadRequest, "{text}");
        let fault = problem.errors.into_iter().next().unwrap();
        (fault.place, fault.detail)
    }

    #[tokio::test]
    async fn what_is_wrong_with_a_json_body_is_named_by_its_place() {
        assert_eq!(wrong("{\"ids\":[1,true]}").await.0, "ids[1]");
        for text in ["", "{", "[]", "[[1]]", "null", "{\"ids\":[]} {}", "\u{0}", "{}"] {
            assert_eq!(wrong(text).await.0, "body", "{text}");
        }
        assert!(
            json::<Shape>(&HeaderMap::new(), Body::from("{\"ids\":[1],\"more\":2} \n"), 100).await.is_ok()
        );
    }
}
