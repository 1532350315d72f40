//! The W3C trace context (`traceparent`, level 1): the trace that a request belongs to.

use axum::http::HeaderMap;
use domain::Random;

use crate::random;

/// The trace id that the client sent, or a new one: 32 lowercase hex digits.
pub(crate) fn trace_id(headers: &HeaderMap, random: &dyn Random) -> String {
    let mut sent = headers.get_all("traceparent").iter();
    let one = match (sent.next(), sent.next()) {
        (Some(one), None) => one.to_str().ok().and_then(parse),
        _ => None,
    };
    one.map_or_else(|| random::hex16(random), str::to_owned)
}

/// `00-<trace id>-<parent id>-<flags>`; a later version may have more behind it (section 3.2 and 4.3).
fn parse(text: &str) -> Option<&str> {
    let mut parts = text.trim().split('-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |text: &str, len: usize| {
        text.len() == len && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let is_id = |text: &str, len: usize| is_hex(text, len) && text.bytes().any(|b| b != b'0');
    let whole = is_hex(version, 2) && version != "ff" && (version != "00" || parts.next().is_none());
    (whole && is_id(trace, 32) && is_id(parent, 16) && is_hex(flags, 2)).then_some(trace)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::SeededRandom;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn traced(value: &str) -> String {
        let headers = HeaderMap::from_iter([("traceparent".parse().unwrap(), value.parse().unwrap())]);
        trace_id(&headers, &SeededRandom::new(1))
    }

    #[test]
    fn a_trace_goes_on() {
        for text in ["00-{}-00f067aa0ba902b7-01", "cc-{}-00f067aa0ba902b7-00-what-comes-later"] {
            assert_eq!(traced(&text.replace("{}", TRACE)), TRACE);
        }
    }

    #[test]
    fn what_is_no_trace_begins_a_new_one() {
        let zeros = "0".repeat(32);
        for text in [
            "",
            TRACE,
            "00-{}-00f067aa0ba902b7",
            "00-{}-00f067aa0ba902b7-01-more",
            "ff-{}-00f067aa0ba902b7-01",
            "00-{}-0000000000000000-01",
            &format!("00-{zeros}-00f067aa0ba902b7-01"),
            &format!("00-{}-00f067aa0ba902b7-01", TRACE.to_uppercase()),
        ] {
            let trace = traced(&text.replace("{}", TRACE));
            assert!(trace.len() == 32 && trace != TRACE && trace != zeros, "{text}");
        }
    }
}
