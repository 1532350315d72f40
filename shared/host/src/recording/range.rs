//! Ranges (RFC 9110, 14): one range is answered, several are answered whole.

use std::ops::Range;

use axum::http::{HeaderMap, HeaderValue, header};

/// What a request wants of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All of it.
    Whole,
    /// These bytes.
    Range(Range<u64>),
    /// Bytes that are not there.
    Outside,
}

/// Reads `Range` and `If-Range`; what is not understood counts as not sent.
pub(crate) fn wanted(headers: &HeaderMap, tag: &HeaderValue, len: u64) -> Wanted {
    let Some(range) = headers.get(header::RANGE).and_then(|range| range.to_str().ok()) else {
        return Wanted::Whole;
    };
    if headers.get(header::IF_RANGE).is_some_and(|known| known != tag) {
        return Wanted::Whole;
    }
    let Ok(parsed) = http_range_header::parse_range_header(range) else { return Wanted::Whole };
    match parsed.validate(len).as_deref() {
        Ok([only]) => Wanted::Range(*only.start()..only.end().saturating_add(1)),
        Ok(_) => Wanted::Whole,
        Err(_) => Wanted::Outside,
    }
}

/// `Content-Range` of an answer with a range.
pub(crate) fn satisfied(range: &Range<u64>, len: u64) -> HeaderValue {
    content_range(&format!("{}-{}", range.start, range.end.saturating_sub(1)), len)
}

/// `Content-Range` of a 416.
pub(crate) fn unsatisfied(len: u64) -> HeaderValue {
    content_range("*", len)
}

fn content_range(range: &str, len: u64) -> HeaderValue {
    HeaderValue::from_str(&format!("bytes {range}/{len}")).unwrap_or(HeaderValue::from_static("bytes */*"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(range: &'static str) -> Wanted {
        let headers = HeaderMap::from_iter([(header::RANGE, HeaderValue::from_static(range))]);
        wanted(&headers, &HeaderValue::from_static("\"t\""), 100)
    }

    #[test]
    fn one_range_is_answered() {
        assert_eq!(asked("bytes=0-0"), Wanted::Range(0..1));
        assert_eq!(asked("bytes=10-19"), Wanted::Range(10..20));
        assert_eq!(asked("bytes=90-"), Wanted::Range(90..100));
        assert_eq!(asked("bytes=-10"), Wanted::Range(90..100));
        assert_eq!(asked("bytes=0-999"), Wanted::Range(0..100), "the end is where the recording ends");
    }

    #[test]
    fn a_range_behind_the_end_is_outside() {
        assert_eq!(asked("bytes=100-"), Wanted::Outside);
    }

    #[test]
    fn what_is_not_understood_and_several_ranges_are_answered_whole() {
        for range in ["items=0-1", "bytes=x", "", "bytes=0-1,5-6"] {
            assert_eq!(asked(range), Wanted::Whole, "{range}");
        }
    }

    #[test]
    fn a_range_of_another_version_is_answered_whole() {
        let headers = HeaderMap::from_iter([
            (header::RANGE, HeaderValue::from_static("bytes=0-0")),
            (header::IF_RANGE, HeaderValue::from_static("\"old\"")),
        ]);
        assert_eq!(wanted(&headers, &HeaderValue::from_static("\"t\""), 100), Wanted::Whole);
    }
}
