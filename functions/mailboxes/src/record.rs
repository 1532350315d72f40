//! A mailbox or a group as a record with a version: answered under it, and changed only from the version that was seen.

use axum::Json;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use storage::{Expect, Versioned, WriteOutcome};
use web::{Code, Problem, etag};

/// How often a write without a condition is tried against others' writes.
const MAX_TRIES: usize = 8;

/// A record that was written.
pub(crate) struct Change<V> {
    /// What was sent.
    pub(crate) sent: V,
    /// Whether there was none before.
    pub(crate) made: bool,
    /// Its version.
    pub(crate) version: u64,
}

/// Reads what is there, asks the request's conditions, and writes upon exactly that; from the beginning where somebody
/// else came between. What is `sent` is looked at after the first look at the conditions, as the contract orders it.
pub(crate) async fn change<T, V: Clone, Read, Write>(
    headers: &HeaderMap,
    read: impl Fn() -> Read,
    sent: impl Future<Output = Result<V, Problem>>,
    write: impl Fn(V, Option<Versioned<T>>) -> Write,
) -> Result<Change<V>, Problem>
where
    Read: Future<Output = Result<Option<Versioned<T>>, Problem>>,
    Write: Future<Output = Result<WriteOutcome, Problem>>,
{
    let version = |current: &Option<Versioned<T>>| current.as_ref().map(|current| current.version);
    let mut current = read().await?;
    etag::precondition(headers, version(&current))?;
    let sent = sent.await?;
    for _ in 0..MAX_TRIES {
        let made = current.is_none();
        if let WriteOutcome::Version(version) = write(sent.clone(), current).await? {
            return Ok(Change { sent, made, version });
        }
        current = read().await?;
        etag::precondition(headers, version(&current))?;
    }
    Err(Problem::new(Code::Busy, "Others change it at the same time; repeat the request."))
}

/// What a write expects to replace.
pub(crate) fn expect<T>(current: Option<&Versioned<T>>) -> Expect {
    current.map_or(Expect::Absent, |current| Expect::Version(current.version))
}

/// Answers a record under its version, or 304 where the client has it.
pub(crate) fn shown(headers: &HeaderMap, version: u64, body: &impl Serialize) -> Response {
    etag::tagged(headers, etag::of_version(version), Json(body))
}

/// Answers a record that was made or replaced.
pub(crate) fn written(made: bool, version: u64, body: &impl Serialize) -> Response {
    let status = if made { StatusCode::CREATED } else { StatusCode::OK };
    (status, [(header::ETAG, etag::of_version(version))], Json(body)).into_response()
}
