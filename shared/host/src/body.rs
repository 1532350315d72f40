//! Bodies, read under a limit of size and of patience.
//!
//! A body may come slowly, but not forever: after [`GRACE`] it must have come at [`LEAST_RATE`] on average, so that a
//! large recording on a slow line passes and a client that trickles single bytes is let go.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use domain::Code;
use futures::StreamExt as _;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::problem::Problem;

/// The usual limit of a JSON body: 1 MiB.
pub const JSON_LIMIT: usize = 1 << 20;

/// How long a body may take at any rate.
const GRACE: Duration = Duration::from_secs(20);

/// Bytes per second that a body which takes longer must have brought on average.
const LEAST_RATE: u64 = 1024;

/// How much memory is set aside for a body whose length is said, before any of it came.
const FORETHOUGHT: usize = 1 << 20;

/// Reads a whole body: 413 `too-large` over `limit` bytes, 408 `timeout` when it does not arrive.
pub async fn read(body: Body, limit: usize) -> Result<Bytes, Problem> {
    let begun = Instant::now();
    let expected = http_body::Body::size_hint(&body).lower();
    let mut chunks = body.into_data_stream();
    let mut whole =
        BytesMut::with_capacity(usize::try_from(expected).unwrap_or(0).min(limit).min(FORETHOUGHT));
    loop {
        let came = u64::try_from(whole.len()).unwrap_or(u64::MAX);
        let patience = begun + GRACE.max(Duration::from_secs(came / LEAST_RATE));
        match tokio::time::timeout_at(patience, chunks.next()).await {
            Err(_) => return Err(Problem::new(Code::Timeout, "The body did not arrive in time.")),
            Ok(None) => return Ok(whole.freeze()),
            Ok(Some(Err(error))) => {
                let problem = Problem::new(Code::BadRequest, "The body ended before its end.");
                return Err(Problem { cause: Some(std::sync::Arc::new(error)), ..problem });
            }
            Ok(Some(Ok(chunk))) if chunk.len() > limit - whole.len() => return Err(too_large(limit)),
            Ok(Some(Ok(chunk))) => whole.extend_from_slice(&chunk),
        }
    }
}

/// Refuses a body that says in its `Content-Length` that it is over `limit` bytes, before any of it is read.
pub fn within(headers: &HeaderMap, limit: usize) -> Result<(), Problem> {
    let said =
        headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if said.is_some_and(|said| usize::try_from(said).is_ok_and(|said| said <= limit)) || said.is_none() {
        return Ok(());
    }
    Err(too_large(limit))
}

/// Reads a JSON body of at most `limit` bytes, usually [`JSON_LIMIT`]. What is wrong with it is named by its place.
/// The `Content-Type` is not asked: what is no JSON is refused anyway.
pub async fn json<T: DeserializeOwned>(headers: &HeaderMap, body: Body, limit: usize) -> Result<T, Problem> {
    within(headers, limit)?;
    parse(&read(body, limit).await?)
}

/// Reads JSON. What is wrong with it is named by its place.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let place = match error.path().to_string() {
            path if path == "." => "body".to_owned(),
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
