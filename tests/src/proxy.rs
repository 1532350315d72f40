//! Stands between a storage and its service: counts the real requests, how many of them had to wait for one another, and
//! does to chosen ones what a network and a busy service do.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

use crate::counting::{Counter, Trips};

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// It is answered.
    Fair,
    /// The service is busy and says so, and does not do it.
    Throttled,
    /// The service fails.
    Failing,
    /// It is done, and the connection is cut before its answer.
    AnswerLost,
    /// Nothing comes.
    Silent,
    /// It waits until it is let through.
    Held,
}

/// Of a request by its name and its target.
type Forecast = Box<dyn FnMut(&str, &str) -> Weather + Send>;

/// A proxy on a port of its own.
pub struct Proxy {
    /// Where it is asked.
    pub endpoint: String,
    address: SocketAddr,
    serving: Mutex<JoinHandle<()>>,
    sky: Arc<Sky>,
}

struct Sky {
    service: String,
    client: reqwest::Client,
    counter: Counter,
    forecast: Mutex<Forecast>,
    gate: Notify,
}

impl Proxy {
    /// In front of the service at this address.
    pub async fn before(service: String) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let sky = Arc::new(Sky {
            service,
            client: crate::emulator::client(),
            counter: Counter::default(),
            forecast: Mutex::new(Box::new(|_, _| Weather::Fair)),
            gate: Notify::new(),
        });
        let serving = Mutex::new(tokio::spawn(serve(listener, Arc::clone(&sky))));
        Self { endpoint: format!("http://{address}"), address, serving, sky }
    }

    /// Nobody listens there any more, and whoever is connected is cut off.
    pub async fn close(&self) {
        self.serving.lock().unwrap().abort();
        while TcpStream::connect(self.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    }

    /// Listens there again.
    pub async fn open(&self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        *self.serving.lock().unwrap() = tokio::spawn(serve(listener, Arc::clone(&self.sky)));
    }

    /// The requests since the last time, by name.
    pub fn take(&self) -> Trips {
        self.sky.counter.take()
    }

    /// Lets a request through that is held, or the next one that will be.
    pub fn let_through(&self) {
        self.sky.gate.notify_one();
    }

    /// What happens to each request from now on.
    pub fn forecast(&self, mut forecast: impl FnMut(&str) -> Weather + Send + 'static) {
        self.forecast_of(move |request, _| forecast(request));
    }

    /// What happens to each request from now on, by its name and its target: the path and the query.
    pub fn forecast_of(&self, forecast: impl FnMut(&str, &str) -> Weather + Send + 'static) {
        *self.sky.forecast.lock().unwrap() = Box::new(forecast);
    }

    /// This happens to the first `times` requests of this name, and fair weather after them.
    pub fn weather(&self, weather: Weather, name: &'static str, times: usize) {
        let mut left = times;
        self.forecast(move |request| {
            if request != name || left == 0 {
                return Weather::Fair;
            }
            left -= 1;
            weather
        });
    }
}

/// `DynamoDB`'s operations.
const DYNAMODB: [&str; 9] = [
    "BatchGetItem",
    "BatchWriteItem",
    "DeleteItem",
    "DescribeTable",
    "GetItem",
    "PutItem",
    "Query",
    "TransactWriteItems",
    "UpdateItem",
];

/// The name of a request: `DynamoDB`'s operation, or S3's or Blob Storage's method and what of an object or blob it is about.
fn name(request: &Request) -> &'static str {
    if let Some(target) = request.headers().get("x-amz-target") {
        let operation = target.to_str().unwrap().split('.').next_back().unwrap();
        return DYNAMODB.into_iter().find(|known| *known == operation).expect("an operation that is named");
    }
    if request.headers().contains_key("x-ms-version") {
        return of_azure(request);
    }
    let query = request.uri().query().unwrap_or_default();
    let is_tagging = query.split('&').any(|part| part == "tagging");
    let is_copy = request.headers().contains_key("x-amz-copy-source");
    match (request.method().as_str(), is_tagging, is_copy) {
        ("PUT", true, _) => "PutObjectTagging",
        ("GET", true, _) => "GetObjectTagging",
        ("PUT", _, true) => "CopyObject",
        ("PUT", ..) => "PutObject",
        ("HEAD", ..) => "HeadObject",
        ("DELETE", ..) => "DeleteObject",
        _ if query.contains("list-type") => "ListObjectsV2",
        _ => "GetObject",
    }
}

/// The operation of Blob Storage, as its documents call it.
fn of_azure(request: &Request) -> &'static str {
    let query = request.uri().query().unwrap_or_default();
    let given = |name: &str| {
        let mut parts = query.split('&').filter_map(|part| part.split_once('='));
        parts.find(|(key, _)| *key == name).map_or("", |(_, value)| value)
    };
    match (request.method().as_str(), given("restype"), given("comp")) {
        ("PUT", "", "") => "PutBlob",
        ("PUT", "", "metadata") => "SetBlobMetadata",
        ("PUT", "", "tags") => "SetBlobTags",
        ("GET", "", "") => "GetBlob",
        ("GET", "", "tags") => "GetBlobTags",
        ("HEAD", "", "") => "GetBlobProperties",
        ("DELETE", "", "") => "DeleteBlob",
        ("GET", "container", "list") => "ListBlobs",
        ("GET" | "HEAD", "container", "") => "GetContainerProperties",
        ("PUT", "container", "") => "CreateContainer",
        ("GET" | "HEAD", "account", "properties") => "GetAccountInformation",
        ("GET", "service", "properties") => "GetBlobServiceProperties",
        ("POST", "service", "userdelegationkey") => "GetUserDelegationKey",
        (method, ..) => panic!("an operation that is named: {method} ?{query}"),
    }
}

async fn serve(listener: TcpListener, sky: Arc<Sky>) {
    // Ends with this task.
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let sky = Arc::clone(&sky);
        let answers = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            pass(Arc::clone(&sky), request.map(Body::new))
        });
        connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answers));
        while connections.try_join_next().is_some() {}
    }
}

/// The answer, or the end of the connection.
async fn pass(sky: Arc<Sky>, request: Request) -> std::io::Result<Response> {
    let name = name(&request);
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let weather = (sky.forecast.lock().unwrap())(name, target);
    let depth = sky.counter.begins(name);
    let answer = match weather {
        Weather::Fair => Ok(forward(&sky, request).await),
        Weather::Throttled => Ok(refusal(name, true)),
        Weather::Failing => Ok(refusal(name, false)),
        Weather::AnswerLost => {
            forward(&sky, request).await;
            Err(std::io::ErrorKind::ConnectionAborted.into())
        }
        Weather::Held => {
            sky.gate.notified().await;
            Ok(forward(&sky, request).await)
        }
        Weather::Silent => {
            tokio::time::sleep(Duration::from_mins(1)).await;
            Err(std::io::ErrorKind::TimedOut.into())
        }
    };
    sky.counter.ends(depth);
    answer
}

/// What the service says that is busy, or that fails.
fn refusal(name: &str, is_busy: bool) -> Response {
    let failing = StatusCode::INTERNAL_SERVER_ERROR;
    if DYNAMODB.contains(&name) {
        let (status, code) = if is_busy {
            (StatusCode::BAD_REQUEST, "ThrottlingException")
        } else {
            (failing, "InternalServerError")
        };
        let body = format!(
            r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":"as the test wants it"}}"#
        );
        return (status, [(header::CONTENT_TYPE, "application/x-amz-json-1.0")], body).into_response();
    }
    let is_s3 = name.contains("Object");
    let (status, code) = match (is_busy, is_s3) {
        (true, true) => (StatusCode::SERVICE_UNAVAILABLE, "SlowDown"),
        (true, false) => (StatusCode::SERVICE_UNAVAILABLE, "ServerBusy"),
        (false, _) => (failing, "InternalError"),
    };
    let body = format!("<Error><Code>{code}</Code><Message>as the test wants it</Message></Error>");
    let mut answer = (status, [(header::CONTENT_TYPE, "application/xml")], body).into_response();
    if !is_s3 {
        answer.headers_mut().insert("x-ms-error-code", HeaderValue::from_static(code));
    }
    answer
}

async fn forward(sky: &Sky, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let url = format!("{}{}", sky.service, parts.uri.path_and_query().unwrap());
    // Of an empty body nobody else would tell its length, and Blob Storage asks for it. The host is signed by a link of S3.
    let kept = [header::CONTENT_LENGTH, header::HOST].map(|name| (parts.headers.get(&name).cloned(), name));
    let mut headers = end_to_end(parts.headers);
    headers.extend(kept.into_iter().filter_map(|(value, name)| Some((name, value?))));
    let sent = sky.client.request(parts.method, url).headers(headers).body(body).send();
    let answer = sent.await.unwrap();
    let mut passed = Response::new(Body::empty());
    *passed.status_mut() = answer.status();
    *passed.headers_mut() = end_to_end(answer.headers().clone());
    // The length of an answer to HEAD is that of what it does not bring.
    if let Some(length) = answer.headers().get(header::CONTENT_LENGTH) {
        passed.headers_mut().insert(header::CONTENT_LENGTH, length.clone());
    }
    *passed.body_mut() = Body::from(answer.bytes().await.unwrap());
    passed
}

/// Headers without those of the connection.
fn end_to_end(mut headers: HeaderMap) -> HeaderMap {
    for name in [header::CONNECTION, header::CONTENT_LENGTH, header::HOST, header::TRANSFER_ENCODING] {
        headers.remove(name);
    }
    headers
}
