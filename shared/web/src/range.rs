//! Ranges (RFC 9110, 14): one range is answered, several are answered whole.

use std::ops::Range;

use axum::http::{HeaderMap, HeaderValue, header};

/// What a request wants of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RequestedRange {
    /// All of it.
    Whole,
    /// These bytes.
    Range(Range<u64>),
    /// Bytes that are not there.
    Outside,
}

/// Reads `Range` and `If-Range`; what is not understood counts as not sent.
pub(super) fn wanted(headers: &HeaderMap, tag: &HeaderValue, len: u64) -> RequestedRange {
    let Some(range) = headers.get(header::RANGE).and_then(|range| range.to_str().ok()) else {
        return RequestedRange::Whole;
    };
    if headers.get(header::IF_RANGE).is_some_and(|known| known != tag) {
        return RequestedRange::Whole;
    }
    let Ok(parsed) = http_range_header::parse_range_header(range) else { return RequestedRange::Whole };
    match parsed.validate(len).as_deref() {
        Ok([only]) => RequestedRange::Range(*only.start()..only.end().saturating_add(1)),
        Ok(_) => RequestedRange::Whole,
        Err(_) => RequestedRange::Outside,
    }
}

/// `Content-Range` of an answer with a range.
pub(super) fn satisfied(range: &Range<u64>, len: u64) -> HeaderValue {
    content_range(&format!("{}-{}", range.start, range.end.saturating_sub(1)), len)
}

/// `Content-Range` of a 416.
pub(super) fn unsatisfied(len: u64) -> HeaderValue {
    content_range("*", len)
}

fn content_range(range: &str, len: u64) -> HeaderValue {
    HeaderValue::from_str(&format!("bytes {range}/{len}")).unwrap_or(HeaderValue::from_static("bytes */*"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(range: &'static str) -> RequestedRange {
        let headers = HeaderMap::from_iter([(header::RANGE, HeaderValue::from_static(range))]);
        wanted(&headers, &HeaderValue::from_static("\"t\""), 100)
    }

    #[test]
    fn one_range_is_answered() {
        assert_eq!(asked("bytes=0-0"), RequestedRange::Range(0..1));
        assert_eq!(asked("bytes=10-19"), RequestedRange::Range(10..20));
        assert_eq!(asked("bytes=90-"), RequestedRange::Range(90..100));
        assert_eq!(asked("bytes=-10"), RequestedRange::Range(90..100));
        assert_eq!(
            asked("bytes=0-999"),
            RequestedRange::Range(0..100),
            "the end is where the recording ends"
        );
    }

    #[test]
    fn a_range_behind_the_end_is_outside() {
        assert_eq!(asked("bytes=100-"), RequestedRange::Outside);
    }

    #[test]
    fn what_is_not_understood_and_several_ranges_are_answered_whole() {
        for range in ["items=0-1", "bytes=x", "", "bytes=0-1,5-6"] {
            assert_eq!(asked(range), RequestedRange::Whole, "{range}");
        }
    }

    #[test]
    fn a_range_of_another_version_is_answered_whole() {
        let headers = HeaderMap::from_iter([
            (header::RANGE, HeaderValue::from_static("bytes=0-0")),
            (header::IF_RANGE, HeaderValue::from_static("\"old\"")),
        ]);
        assert_eq!(wanted(&headers, &HeaderValue::from_static("\"t\""), 100), RequestedRange::Whole);
    }
}
