//! Entity tags (RFC 9110, 8.8.3 and 13): conditional reads and writes.

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::code::Code;
use crate::problem::Problem;

/// The tag of a version.
pub fn of_version(version: u64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\"")).unwrap_or(HeaderValue::from_static("\"0\""))
}

/// The tag of a representation: 96 bits of its SHA-256.
pub fn of_bytes(bytes: &[u8]) -> HeaderValue {
    let digest =
        Sha256::digest(bytes).iter().take(12).fold(0_u128, |digits, byte| digits << 8 | u128::from(*byte));
    HeaderValue::from_str(&format!("\"{digest:024x}\"")).unwrap_or(HeaderValue::from_static("\"0\""))
}

/// Answers JSON with its tag, or 304 where the client has it already.
pub fn json(headers: &HeaderMap, body: &impl Serialize) -> Response {
    bytes(headers, HeaderValue::from_static("application/json"), serde_json::to_vec(body).unwrap_or_default())
}

/// Answers bytes with their tag, or 304 where the client has them already.
pub fn bytes(headers: &HeaderMap, content_type: HeaderValue, bytes: impl Into<Bytes>) -> Response {
    let bytes = bytes.into();
    tagged(headers, of_bytes(&bytes), ([(header::CONTENT_TYPE, content_type)], bytes))
}

/// Answers what has this tag, or 304 where the client has it already.
pub fn tagged(headers: &HeaderMap, tag: HeaderValue, answer: impl IntoResponse) -> Response {
    if names(headers, &header::IF_NONE_MATCH, &tag) == Some(true) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response();
    }
    ([(header::ETAG, tag)], answer).into_response()
}

/// Whether a condition's list names the tag; `None` where the header is not there. A weak tag names what a strong one
/// does, but for `If-Match`, which compares strongly (RFC 9110, 13.1.1).
pub fn names(headers: &HeaderMap, condition: &HeaderName, tag: &HeaderValue) -> Option<bool> {
    let mut lists = headers.get_all(condition).iter().peekable();
    lists.peek()?;
    let tag = tag.to_str().unwrap_or_default();
    let named = |entry: &str| {
        let entry = entry.trim();
        let weak = entry.strip_prefix("W/").filter(|_| *condition != header::IF_MATCH);
        entry == "*" || weak.unwrap_or(entry) == tag
    };
    Some(lists.any(|list| list.to_str().is_ok_and(|list| list.split(',').any(named))))
}

/// Whether a write may be done: not where `If-Match` is there and does not name the version that is stored (`None`: nothing
/// is), nor where `If-None-Match` does name it.
///
/// # Errors
/// 412: the condition does not hold.
pub fn precondition(headers: &HeaderMap, version: Option<u64>) -> Result<(), Problem> {
    let named = |condition| match version {
        Some(version) => names(headers, condition, &of_version(version)),
        None => headers.contains_key(condition).then_some(false),
    };
    if named(&header::IF_MATCH) == Some(false) || named(&header::IF_NONE_MATCH) == Some(true) {
        return Err(Problem::new(
            Code::EtagMismatch,
            "It is not the version that your condition names; read it again.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn a_condition_may_list_tags_and_weak_ones_and_a_star() {
        let tag = of_version(7);
        for list in ["\"7\"", "\"6\", \"7\"", "W/\"7\"", "*"] {
            let named = |name: HeaderName| names(&headers(name.clone(), list), &name, &tag);
            assert_eq!(named(header::IF_NONE_MATCH), Some(true), "{list}");
            assert_eq!(
                named(header::IF_MATCH),
                Some(!list.starts_with("W/")),
                "{list}: it compares strongly"
            );
        }
        assert_eq!(names(&headers(header::IF_MATCH, "\"70\""), &header::IF_MATCH, &tag), Some(false));
        assert_eq!(names(&HeaderMap::new(), &header::IF_MATCH, &tag), None);
    }

    #[test]
    fn a_write_is_refused_where_its_condition_does_not_hold() {
        assert!(precondition(&headers(header::IF_MATCH, "\"7\""), Some(7)).is_ok());
        assert!(precondition(&headers(header::IF_MATCH, "\"7\""), Some(8)).is_err());
        assert!(precondition(&headers(header::IF_MATCH, "*"), None).is_err());
        assert!(precondition(&headers(header::IF_NONE_MATCH, "*"), Some(1)).is_err());
        assert!(precondition(&headers(header::IF_NONE_MATCH, "*"), None).is_ok());
    }

    #[test]
    fn what_the_client_has_already_is_not_sent_again() {
        let first = json(&HeaderMap::new(), &[1, 2]);
        let tag = first.headers()[header::ETAG].clone();
        let again = json(&HeaderMap::from_iter([(header::IF_NONE_MATCH, tag)]), &[1, 2]);
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    }
}
