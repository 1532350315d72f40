//! What the Functions host of Azure sends to a custom handler: requests as its front ends and it itself leave them, and
//! invocations (`DefaultHttpWorkerService` in Azure/azure-functions-host).

use std::sync::Arc;

use axum::http::{HeaderName, HeaderValue, Request, header};
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{StreamExt as _, future, stream};

use super::Centre;
use super::gateway::Gateway;
use super::setting::Setting;

/// A case and its name.
pub type Case = (&'static str, fn(Centre) -> BoxFuture<'static, ()>);

/// How many cases run at once.
const ABREAST: usize = 4;

/// By which name clients know the app.
const APP: &str = "voicemail.azurewebsites.net";
const VERSION: &str = "4.1043.200.25374";

/// The same setting for a custom handler: at a port that was free a moment ago.
pub fn as_custom_handler(setting: Setting) -> Setting {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    setting.with("FUNCTIONS_CUSTOMHANDLER_PORT", &port.to_string())
}

/// Runs cases through one custom handler, each with a tenant of its own.
///
/// # Panics
/// One of them failed.
pub async fn all_through_a_custom_handler(cases: Vec<Case>) {
    let setting = Arc::new(as_custom_handler(Setting::new(cases.len())));
    let centre = Centre::gateway(&setting).await;
    let ran = stream::iter(cases.into_iter().enumerate()).map(|(n, (name, case))| {
        let centre = Centre { tenant: format!("t{n}"), ..centre.clone() };
        async move { tokio::spawn(case(centre)).await.err().map(|_| name) }
    });
    let failed: Vec<_> = ran.buffer_unordered(ABREAST).filter_map(future::ready).collect().await;
    assert!(failed.is_empty(), "{failed:?}");
}

/// Marks a request as one that came from outside.
pub fn from_outside(request: &mut Request<Bytes>) {
    let original = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let headers = request.headers_mut();
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let agent = format!("{agent} Azure-Functions-Host/{VERSION}");
    let marks = [
        ("host", APP),
        ("x-arr-log-id", "0b6f8a3e-4f5c-4a8e-9c8e-1f6f0a0d7b11"),
        ("client-ip", "192.0.2.7:51234"),
        ("x-forwarded-for", "192.0.2.7:51234"),
        ("x-forwarded-proto", "https"),
        ("x-original-url", &original),
        ("x-waws-unencoded-url", &original),
        ("was-default-hostname", APP),
        ("disguised-host", APP),
        ("x-site-deployment-id", "voicemail"),
        ("user-agent", agent.trim()),
    ];
    for (name, value) in marks.into_iter().chain(by_the_host()) {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    }
}

/// What the Functions host puts on whatever it sends.
fn by_the_host() -> [(&'static str, &'static str); 2] {
    [
        ("x-azure-functions-hostversion", VERSION),
        ("x-azure-functions-invocationid", "7d2f5c9e-2f55-4a6a-9f0d-6a5d8f4e8a10"),
    ]
}

/// An invocation of a function that a trigger starts.
#[derive(Clone)]
pub struct Invocation {
    path: String,
    headers: Vec<(String, String)>,
    envelope: String,
}

impl Invocation {
    /// As the Functions host makes it for a handler at `address`.
    pub fn of(function: &str, address: &str, envelope: &str) -> Self {
        let agent = format!("Azure-Functions-Host/{VERSION}");
        let own =
            [("host", address), ("user-agent", &agent), ("content-type", "application/json; charset=utf-8")];
        let headers = own.into_iter().chain(by_the_host());
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { path: format!("/{function}"), headers, envelope: envelope.to_owned() }
    }

    /// With a header in place of its own or beside the others.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(own, _)| own != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sends it, in two chunks and without a length; the status, and the body.
    pub async fn send(&self, gateway: &Gateway) -> (u16, String) {
        let headers = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
        let (first, second) =
            self.envelope.split_at(self.envelope.floor_char_boundary(self.envelope.len() / 2));
        let chunks = [first, second].into_iter().filter(|chunk| !chunk.is_empty()).chain([""]);
        let chunks = chunks.map(|chunk| format!("{:x}\r\n{chunk}\r\n", chunk.len()));
        let head =
            format!("POST {} HTTP/1.1\r\nconnection: close\r\ntransfer-encoding: chunked\r\n", self.path);
        let sent: String =
            [head].into_iter().chain(headers).chain(["\r\n".to_owned()]).chain(chunks).collect();
        let reply = gateway.exchange(sent.as_bytes()).await;
        let body = reply.text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        (reply.status, body.to_owned())
    }
}
