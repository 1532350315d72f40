use axum::http::HeaderValue;

use super::*;

fn now() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

fn json(text: &str) -> Result<Call, Vec<String>> {
    let sent: UncheckedCall = serde_json::from_str(text).unwrap();
    sent.check(now()).map_err(|problem| problem.errors.into_iter().map(|fault| fault.place).collect())
}

#[test]
fn headers_and_json_say_the_same() {
    let headers = HeaderMap::from_iter([
        (HeaderName::from_static("voicemail-caller-id"), HeaderValue::from_static("+49 30 1234567")),
        (HeaderName::from_static("voicemail-caller-name"), HeaderValue::from_static("J%C3%BCrgen")),
        (HeaderName::from_static("voicemail-urgent"), HeaderValue::from_static("true")),
        ("voicemail-received-at".parse().unwrap(), HeaderValue::from_static("2026-11-22T09:59:00Z")),
        (HeaderName::from_static("voicemail-call-id"), HeaderValue::from_static("c1")),
    ]);
    let call = UncheckedCall::in_headers(&headers).unwrap().check(now()).unwrap();
    assert_eq!(call.caller_name.as_ref().unwrap().reveal(), "Jürgen");
    let same = r#"{"caller_id":"+49 30 1234567","caller_name":"Jürgen","urgent":true,
        "received_at":"2026-11-22T09:59:00Z","call_id":"c1","unknown":[1]}"#;
    assert_eq!(json(same), Ok(call));
}

#[test]
fn every_wrong_fact_is_named() {
    let long = "x".repeat(257);
    let text = format!(
        r#"{{"caller_id":"{long}","caller_name":"{long}","urgent":"yes","received_at":"today","call_id":"{long}"}}"#
    );
    let all = ["caller_id", "caller_name", "urgent", "received_at", "call_id"];
    assert_eq!(json(&text).unwrap_err(), all);
}

#[test]
fn what_is_neither_true_nor_false_is_told_so() {
    let wrong = serde_json::from_str::<UncheckedCall>(r#"{"urgent":1}"#).err().unwrap();
    assert!(wrong.to_string().starts_with("true or false"), "{wrong}");
}

#[test]
fn a_call_was_taken_between_2000_and_in_five_minutes() {
    for bad in ["1999-12-31T23:59:59Z", "2026-11-22T10:05:01Z", "2026-11-22"] {
        assert_eq!(
            json(&format!(r#"{{"received_at":"{bad}"}}"#)),
            Err(vec!["received_at".to_owned()]),
            "{bad}"
        );
    }
    for good in ["2000-01-01T00:00:00Z", "2026-11-22T10:05:00Z", "2026-11-22T11:00:00+01:00"] {
        assert!(json(&format!(r#"{{"received_at":"{good}"}}"#)).is_ok(), "{good}");
    }
}

#[test]
fn a_call_id_needs_a_received_at() {
    assert_eq!(json(r#"{"call_id":"c1"}"#), Err(vec!["received_at".to_owned()]));
}

#[test]
fn a_fact_that_is_sent_twice_is_refused() {
    let mut headers = HeaderMap::new();
    headers.append("voicemail-call-id", HeaderValue::from_static("a"));
    headers.append("voicemail-call-id", HeaderValue::from_static("b"));
    assert!(UncheckedCall::in_headers(&headers).is_err());
}
