//! The connections: how long they wait and how often they try.
//!
//! The SDK's own client is reqwest, whose TLS brings a second cryptography; this one is hyper and ring, as all TLS here.

use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use azure_core::error::ErrorKind;
use azure_core::http::headers::{HeaderName, HeaderValue, Headers};
use azure_core::http::request::Body;
use azure_core::http::{
    AsyncRawResponse, ClientOptions, ExponentialRetryOptions, HttpClient, Request, RetryOptions, Transport,
};
use azure_core::{Error, Result};
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::cloud::limits::{CONNECT_TIMEOUT, REQUEST_TIMEOUT, STEP_TIMEOUT, put_request_timeout};

/// A request is tried twice more: after a connection that had gone stale, and after a server that was busy.
const MAX_RETRIES: u32 = 2;
/// What all clients share.
#[derive(Debug, Clone)]
pub(super) struct Connections(legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl Connections {
    /// # Errors
    /// The system's authorities cannot be read.
    pub(super) fn new() -> io::Result<Self> {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_connect_timeout(Some(CONNECT_TIMEOUT));
        http.set_nodelay(true);
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let tls = HttpsConnectorBuilder::new().with_provider_and_native_roots(ring)?;
        let connector = tls.https_or_http().enable_http1().wrap_connector(http);
        Ok(Self(legacy::Client::builder(TokioExecutor::new()).build(connector)))
    }

    /// Options of a client that tries again.
    pub(super) fn options(&self) -> ClientOptions {
        let retry = RetryOptions::exponential(ExponentialRetryOptions {
            max_retries: MAX_RETRIES,
            max_total_elapsed: azure_core::time::Duration::try_from(STEP_TIMEOUT).unwrap_or_default(),
            ..Default::default()
        });
        let transport = Some(Transport::new(Arc::new(self.clone())));
        ClientOptions { retry, transport, ..Default::default() }
    }
}

#[async_trait]
impl HttpClient for Connections {
    async fn execute_request(&self, request: &Request) -> Result<AsyncRawResponse> {
        let Body::Bytes(body) = request.body().clone() else {
            return Err(Error::with_message(ErrorKind::Other, "a request without its bytes"));
        };
        let timeout = put_request_timeout(body.len());
        let mut ours =
            hyper::Request::builder().method(request.method().as_str()).uri(request.url().as_str());
        for (name, value) in request.headers().iter() {
            ours = ours.header(name.as_str(), value.as_str());
        }
        let ours = ours
            .body(Full::new(body))
            .map_err(|error| Error::with_error(ErrorKind::Other, error, "the request could not be made"))?;
        let answer = tokio::time::timeout(timeout, self.0.request(ours));
        let answer = answer.await.map_err(|_| Error::with_message(ErrorKind::Io, "no answer in time"))?;
        let answer = answer.map_err(|error| {
            let kind = if error.is_connect() { ErrorKind::Connection } else { ErrorKind::Io };
            Error::with_error(kind, error, "no answer")
        })?;
        let (parts, body) = answer.into_parts();
        let mut headers = Headers::new();
        for (name, value) in &parts.headers {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            headers.insert(HeaderName::from(name.as_str().to_owned()), HeaderValue::from(value));
        }
        let bytes = stream::try_unfold(body, next).boxed();
        Ok(AsyncRawResponse::new(parts.status.as_u16().into(), headers, bytes))
    }
}

/// The next bytes of an answer.
async fn next(mut body: Incoming) -> Result<Option<(Bytes, Incoming)>> {
    loop {
        let frame = tokio::time::timeout(REQUEST_TIMEOUT, body.frame()).await;
        let frame = frame.map_err(|_| Error::with_message(ErrorKind::Io, "the answer stopped"))?;
        let Some(frame) = frame else { return Ok(None) };
        let frame =
            frame.map_err(|error| Error::with_error(ErrorKind::Io, error, "the answer was cut off"))?;
        if let Ok(bytes) = frame.into_data() {
            return Ok(Some((bytes, body)));
        }
    }
}
