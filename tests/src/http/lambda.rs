//! The service as functions of AWS Lambda, each a process that asks a runtime API for its next event; requests come as an
//! HTTP API hands them over.

use std::collections::{BTreeMap, HashMap};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use super::gateway;
use super::setting::Setting;

/// How many of them work at once. With more, a change is seen by the others some seconds later, which cases are not about.
const PROCESSES: usize = 1;

/// The answer to an event: what the function returned, or how it failed.
pub type Answered = Result<Value, Value>;

/// Functions that run; they are killed when this is dropped, as Lambda does.
pub struct Lambda {
    /// What they were started with.
    pub setting: Arc<Setting>,
    api: Arc<Api>,
    children: Vec<Child>,
}

/// The runtime API, as its documentation says (2018-06-01).
struct Api {
    events: mpsc::UnboundedSender<(String, Value)>,
    waiting: tokio::sync::Mutex<mpsc::UnboundedReceiver<(String, Value)>>,
    answers: Mutex<HashMap<String, oneshot::Sender<Answered>>>,
    next: AtomicU64,
}

/// The functions that the cases of this process share while one of them runs.
static SHARED: Mutex<Weak<Lambda>> = Mutex::new(Weak::new());

impl Lambda {
    /// The functions that cases share.
    pub fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let lambda = Arc::new(Self::start(Arc::new(Setting::new(gateway::cases()))));
            *shared = Arc::downgrade(&lambda);
            lambda
        })
    }

    /// Starts them, of all routes.
    pub fn start(setting: Arc<Setting>) -> Self {
        Self::start_function("gateway", setting)
    }

    /// Starts a function; the API answers on a thread of its own, so that cases with runtimes of their own can share it.
    pub fn start_function(function: &str, setting: Arc<Setting>) -> Self {
        let (events, waiting) = mpsc::unbounded_channel();
        let (waiting, answers) = (tokio::sync::Mutex::new(waiting), Mutex::default());
        let api = Arc::new(Api { events, waiting, answers, next: AtomicU64::new(1) });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let routes = routes(Arc::clone(&api));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), routes).await.unwrap();
            });
        });
        let start = || {
            let mut command = setting.command(&gateway::program(function, "aws"));
            command.envs([
                ("AWS_LAMBDA_RUNTIME_API", address.to_string().as_str()),
                ("AWS_LAMBDA_FUNCTION_NAME", "voicemail"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
                ("RUST_LOG", "warn"),
            ]);
            command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap()
        };
        Self { api, children: (0..PROCESSES).map(|_| start()).collect(), setting }
    }

    /// Invokes one of them.
    ///
    /// # Errors
    /// What the function says of an invocation that failed.
    pub async fn invoke(&self, event: Value) -> Answered {
        let id = format!("00000000-0000-4000-8000-{:012}", self.api.next.fetch_add(1, Ordering::Relaxed));
        let (sender, receiver) = oneshot::channel();
        self.api.answers.lock().unwrap().insert(id.clone(), sender);
        self.api.events.send((id, event)).unwrap();
        receiver.await.expect("the function answers")
    }

    /// Sends a request as an HTTP API does.
    pub async fn send(&self, request: Request<Bytes>) -> Response<Bytes> {
        match self.invoke(event(&request)).await {
            Ok(answer) => response(&answer),
            // What an HTTP API makes of a function that failed.
            Err(failure) => panic!("the function failed: {failure}"),
        }
    }
}

impl Drop for Lambda {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn routes(api: Arc<Api>) -> Router {
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(answered))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(failed))
        .route("/2018-06-01/runtime/init/error", post(unable))
        .layer(axum::extract::DefaultBodyLimit::disable())
        .with_state(api)
}

async fn next(State(api): State<Arc<Api>>) -> Response<axum::body::Body> {
    let Some((id, event)) = api.waiting.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let headers = [
        ("lambda-runtime-aws-request-id", id),
        ("lambda-runtime-deadline-ms", "9999999999999".to_owned()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:eu-central-1:1:function:voicemail".to_owned(),
        ),
    ];
    (
        headers.map(|(name, value)| (HeaderName::from_static(name), value)).into_iter().collect::<Names>().0,
        event.to_string(),
    )
        .into_response()
}

/// Headers of an answer.
struct Names(HeaderMap);

impl FromIterator<(HeaderName, String)> for Names {
    fn from_iter<I: IntoIterator<Item = (HeaderName, String)>>(headers: I) -> Self {
        Self(
            headers.into_iter().map(|(name, value)| (name, HeaderValue::from_str(&value).unwrap())).collect(),
        )
    }
}

/// A function cannot start: everybody who waits is told.
async fn unable(State(api): State<Arc<Api>>, body: Bytes) -> StatusCode {
    let failure: Value = serde_json::from_slice(&body).unwrap();
    for (_, waits) in api.answers.lock().unwrap().drain() {
        let _ = waits.send(Err(failure.clone()));
    }
    StatusCode::ACCEPTED
}

async fn answered(State(api): State<Arc<Api>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    tell(&api, &id, Ok(serde_json::from_slice(&body).unwrap()))
}

async fn failed(State(api): State<Arc<Api>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    tell(&api, &id, Err(serde_json::from_slice(&body).unwrap()))
}

fn tell(api: &Api, id: &str, answer: Answered) -> StatusCode {
    let waits = api.answers.lock().unwrap().remove(id).expect("an invocation is answered once");
    // A case that was ended waits no more.
    let _ = waits.send(answer);
    StatusCode::ACCEPTED
}

/// A request as an event (payload format 2.0): the path decoded, headers of one name joined by commas.
fn event(request: &Request<Bytes>) -> Value {
    let (method, uri) = (request.method().as_str(), request.uri());
    let path = percent_decode_str(uri.path()).decode_utf8_lossy();
    let mut headers = BTreeMap::<_, String>::new();
    for (name, value) in request.headers() {
        let value = String::from_utf8_lossy(value.as_bytes());
        headers
            .entry(name.as_str())
            .and_modify(|all| all.extend([",", &value]))
            .or_insert(value.into_owned());
    }
    headers.insert("host", "voicemail.example.com".to_owned());
    headers.insert("content-length", request.body().len().to_string());
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": uri.query().unwrap_or_default(),
        "headers": headers, "isBase64Encoded": true, "body": BASE64_STANDARD.encode(request.body()),
        "requestContext": {
            "accountId": "1", "apiId": "a", "domainName": "voicemail.example.com", "domainPrefix": "voicemail",
            "requestId": "r=", "routeKey": "$default", "stage": "$default", "time": "12/Mar/2026:19:03:58 +0000",
            "timeEpoch": 1, "http": {"method": method, "path": path, "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1", "userAgent": "tests"}
        }
    })
}

/// What an HTTP API makes of a function's answer.
fn response(answer: &Value) -> Response<Bytes> {
    let body = answer["body"].as_str().unwrap_or_default();
    let is_encoded = answer["isBase64Encoded"] == true;
    let body =
        if is_encoded { BASE64_STANDARD.decode(body).unwrap().into() } else { Bytes::from(body.to_owned()) };
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(u16::try_from(answer["statusCode"].as_u64().unwrap()).unwrap()).unwrap();
    for (name, value) in answer["headers"].as_object().into_iter().flatten() {
        response.headers_mut().insert(
            name.parse::<HeaderName>().unwrap(),
            HeaderValue::from_str(value.as_str().unwrap()).unwrap(),
        );
    }
    if !response.headers().contains_key(header::CONTENT_LENGTH) && !response.body().is_empty() {
        let length = response.body().len().into();
        response.headers_mut().insert(header::CONTENT_LENGTH, length);
    }
    response
}
