//! What Lambda invokes a function with. What an HTTP client sends stands within the envelope of a request, so that it
//! cannot pose as anything else.

use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use lambda_http::http::header;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::function::Object;

/// What must be escaped where the path came decoded, as HTTP APIs hand it over.
const OF_PATH: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'<').add(b'>').add(b'?').add(b'`');
/// What must not stand in a query as it is; escapes that are there stay.
const OF_QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>');

/// An invocation.
#[derive(Debug)]
pub(super) enum Event {
    /// A request of an HTTP API.
    Http(Box<ApiGatewayV2httpRequest>),
    /// Objects came into a bucket.
    Objects(Vec<Object>),
    /// A schedule says that it is time.
    Schedule,
}

/// What tells one kind of event from another.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shape {
    request_context: Option<IgnoredAny>,
    #[serde(rename = "Records")]
    records: Option<Vec<Record>>,
    source: Option<String>,
}

/// A record of an S3 event notification: the parts of it that say which object.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    event_source: String,
    s3: S3,
}

#[derive(Deserialize)]
struct S3 {
    bucket: Bucket,
    object: Key,
}

#[derive(Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Deserialize)]
struct Key {
    key: String,
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        // What is wrong is not repeated: it may be anything that somebody dropped.
        let unknown = |what: &str| D::Error::custom(format!("{what} that this function cannot read"));
        let shape: Shape = serde_json::from_str(raw.get()).map_err(|_| unknown("an event"))?;
        if shape.request_context.is_some() {
            let request = serde_json::from_str(raw.get()).map_err(|_| unknown("a request"))?;
            return Ok(Self::Http(Box::new(safe(request))));
        }
        match (shape.records, shape.source.as_deref()) {
            (Some(records), _) if records.iter().all(|record| record.event_source == "aws:s3") => {
                Ok(Self::Objects(records.into_iter().map(Object::from).collect()))
            }
            (None, Some("aws.events" | "aws.scheduler")) => Ok(Self::Schedule),
            _ => Err(unknown("an event")),
        }
    }
}

impl From<Record> for Object {
    fn from(Record { s3: S3 { bucket, object }, .. }: Record) -> Self {
        // Keys come URL-encoded, with `+` for a space.
        let key = object.key.replace('+', " ");
        Self { bucket: bucket.name, key: percent_decode_str(&key).decode_utf8_lossy().into_owned() }
    }
}

/// A request whose parts make an address whatever the client sent, as `lambda_http` panics where they do not: the path
/// is escaped, and the host, which no route asks for, is left out.
fn safe(mut request: ApiGatewayV2httpRequest) -> ApiGatewayV2httpRequest {
    request.headers.remove(header::HOST);
    request.request_context.domain_name = None;
    request.request_context.stage = None;
    let path = request.raw_path.unwrap_or_default();
    request.raw_path = Some(format!("/{}", utf8_percent_encode(path.trim_start_matches('/'), OF_PATH)));
    request.raw_query_string =
        request.raw_query_string.map(|query| utf8_percent_encode(&query, OF_QUERY).to_string());
    request
}
