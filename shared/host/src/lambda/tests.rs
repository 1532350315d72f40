#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use lambda_http::Request;
use lambda_http::request::LambdaRequest;
use serde_json::{Value, json};

use super::event::Event;
use crate::function::Object;

fn read(event: &Value) -> Result<Event, serde_json::Error> {
    serde_json::from_str(&event.to_string())
}

/// A request as an HTTP API hands it over (payload format 2.0).
fn request(path: &str, query: &str, headers: &Value) -> Value {
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query, "headers": headers,
        "requestContext": {
            "accountId": "1", "apiId": "a", "domainName": "a.example", "domainPrefix": "a", "requestId": "r",
            "routeKey": "$default", "stage": "$default", "time": "12/Mar/2026:19:03:58 +0000", "timeEpoch": 1,
            "http": {"method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "x"}
        },
        "isBase64Encoded": false
    })
}

fn arrived(event: &Value) -> Request {
    let Event::Http(request) = read(event).unwrap() else { panic!("a request is a request") };
    LambdaRequest::ApiGatewayV2(*request).into()
}

fn dropped(key: &str) -> Value {
    json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "awsRegion": "eu-central-1",
        "s3": {"bucket": {"name": "b"}, "object": {"key": key, "size": 1, "eTag": "e", "sequencer": "1"}}}]})
}

#[test]
fn a_path_comes_through_as_the_client_meant_it() {
    for (path, uri) in [
        ("/v1/mwi", "/v1/mwi"),
        ("/v1/gdpr/cases/a b%41#?ü", "/v1/gdpr/cases/a%20b%2541%23%3F%C3%BC"),
        ("", "/"),
        ("//[/x", "/[/x"),
    ] {
        assert_eq!(arrived(&request(path, "", &json!({}))).uri().path(), uri, "{path}");
    }
    let query = arrived(&request("/x", "a=b%20c&d=\"<é>\"", &json!({})));
    assert_eq!(query.uri().query(), Some("a=b%20c&d=%22%3C%C3%A9%3E%22"));
}

#[test]
fn no_header_or_address_makes_a_request_panic() {
    let hosts = ["", "[", "a b", "x:99999", "\u{e9}", "http://"];
    for path in ["/", "", "x", "/\\..\\..//%2e%2e/", "/\u{7f}\u{0}\n", "http://[", "/a?b#c"] {
        for host in hosts {
            let headers = json!({"host": host, "x-forwarded-proto": host});
            let arrived = std::panic::catch_unwind(|| arrived(&request(path, host, &headers)));
            assert!(arrived.is_ok(), "{path:?} at {host:?}");
        }
    }
}

#[test]
fn a_request_whose_body_reads_like_an_event_is_a_request() {
    let mut event = request("/", "", &json!({}));
    event["body"] = dropped("incoming/t/1/x.wav").to_string().into();
    event["source"] = "aws.events".into();
    event["Records"] = dropped("incoming/t/1/x.wav")["Records"].clone();
    assert!(matches!(read(&event), Ok(Event::Http(_))));
}

#[test]
fn the_key_of_an_object_is_decoded() {
    let Ok(Event::Objects(objects)) = read(&dropped("incoming/t/5001/Mu%CC%88ller+a%2Bb.wav")) else {
        panic!("an event of a bucket is one")
    };
    assert_eq!(objects, [Object { bucket: "b".into(), key: "incoming/t/5001/Mu\u{308}ller a+b.wav".into() }]);
}

#[test]
fn a_schedule_is_told_by_its_source() {
    for source in ["aws.events", "aws.scheduler"] {
        assert!(matches!(read(&json!({"source": source, "detail": {}})), Ok(Event::Schedule)));
    }
}

#[test]
fn what_is_no_event_is_refused_and_not_repeated() {
    let mut other = dropped("k");
    other["Records"][0]["eventSource"] = "aws:sqs +493012345".into();
    let mut half = dropped("k");
    half["Records"][0]["s3"] = json!({"bucket": "+493012345"});
    let broken = json!({"requestContext": {"http": "+493012345"}});
    for event in [other, half, broken, json!({}), json!([]), json!("+493012345"), json!({"source": "me"})] {
        let refused = read(&event).unwrap_err().to_string();
        assert!(!refused.contains("493012345"), "{refused}");
    }
}
