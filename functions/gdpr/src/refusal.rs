//! What an answer that is no success comes to, in one sentence.

use serde_json::Value;

/// The longest text of the service that is repeated.
const MAX_TEXT_CHARS: usize = 300;

/// One sentence for a problem (RFC 9457) of the service. What a 400 or 422 says may repeat a caller's number, so of these
/// only the code and the places are told: a pipeline keeps what it is shown.
pub(crate) fn sentence(status: u16, body: &str) -> String {
    let problem: Value = serde_json::from_str(body).unwrap_or_default();
    let text = |name: &str| problem.get(name).and_then(Value::as_str).map(plain);
    let Some(code) = text("code") else { return format!("The service answered {status}.") };
    let request = text("instance").map(|id| format!(", request {id}")).unwrap_or_default();
    let mark = format!("({code}, {status}{request})");
    if status == 401 {
        return format!("The sign-in is not accepted, or has expired {mark}.");
    }
    if !matches!(status, 400 | 422) {
        let detail = text("detail").unwrap_or_default();
        return format!("The service refused: {} {mark}.", detail.trim_end_matches('.'));
    }
    let errors = problem.get("errors").and_then(Value::as_array);
    let places: Vec<_> = errors
        .into_iter()
        .flatten()
        .filter_map(|error| error.get("where").and_then(Value::as_str).map(plain))
        .collect();
    match places.as_slice() {
        [] => format!("The service cannot use the request {mark}."),
        places => format!("The service cannot use the request, at {} {mark}.", places.join(", ")),
    }
}

/// Text of another, fit for a terminal and a log: one line, not long.
fn plain(text: &str) -> String {
    text.chars().filter(|char| !char.is_control()).take(MAX_TEXT_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_number_is_told_by_its_place_and_never_repeated() {
        let body = r#"{"status":422,"code":"unusable-number","detail":"\"+49301234567\" is none.","instance":"r1",
            "errors":[{"where":"consumers[0].consumer[1].phone","detail":"+49301234567 is none"}]}"#;
        let said = sentence(422, body);
        assert_eq!(
            said,
            "The service cannot use the request, at consumers[0].consumer[1].phone (unusable-number, 422, request r1)."
        );
    }

    #[test]
    fn a_region_that_is_down_is_named_and_text_of_others_stays_one_line() {
        let body = r#"{"code":"region-unavailable","detail":"The region us-east-1 is\n\u001b[2J down.","instance":"r"}"#;
        let said = sentence(503, body);
        assert_eq!(
            said,
            "The service refused: The region us-east-1 is[2J down (region-unavailable, 503, request r)."
        );
    }

    #[test]
    fn what_is_no_problem_is_told_by_its_status() {
        assert_eq!(sentence(502, "<html>Bad Gateway</html>"), "The service answered 502.");
        assert_eq!(sentence(404, ""), "The service answered 404.");
    }
}
