//! One request for a key set: bounded in time and size; no proxy, no cookie, no redirect that is followed.

use std::time::Duration;

use axum::http::{Request, StatusCode, Uri, header, uri::Scheme};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use web::causes;

/// How long the whole answer may take.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// How large it may be.
pub(super) const MAX_KEY_SET_BYTES: usize = 1024 * 1024;

/// Where a key set is, and the way there.
pub(super) struct KeySetUrl {
    uri: Uri,
    client: Client,
}

enum Client {
    Plain(legacy::Client<HttpConnector, Empty<Bytes>>),
    Tls(legacy::Client<HttpsConnector<HttpConnector>, Empty<Bytes>>),
}

impl KeySetUrl {
    /// An address of `https` (under the certificate authorities of the system, or of `SSL_CERT_FILE`) or of `http`.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let is_none = || "is no https:// or http:// address, without a user and a password".to_owned();
        let uri: Uri = text.parse().map_err(|_| is_none())?;
        if uri
            .authority()
            .is_none_or(|authority| authority.host().is_empty() || authority.as_str().contains('@'))
        {
            return Err(is_none());
        }
        // Connections are not kept: there is one request in minutes.
        let mut builder = legacy::Client::builder(TokioExecutor::new());
        builder.pool_max_idle_per_host(0);
        let client = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => Client::Plain(builder.build_http()),
            Some(scheme) if *scheme == Scheme::HTTPS => {
                let tls = HttpsConnectorBuilder::new()
                    .with_provider_and_native_roots(rustls::crypto::ring::default_provider())
                    .map_err(|error| format!("needs the system's certificate authorities: {error}"))?;
                Client::Tls(builder.build(tls.https_only().enable_http1().build()))
            }
            _ => return Err(is_none()),
        };
        Ok(Self { uri, client })
    }

    /// The host, for the log: an address may say more than everybody should know.
    pub(super) fn host(&self) -> &str {
        self.uri.host().unwrap_or_default()
    }

    /// What is there now, or why it cannot be had.
    pub(super) async fn fetch(&self) -> Result<Bytes, String> {
        let answer = tokio::time::timeout(FETCH_TIMEOUT, self.ask()).await;
        answer
            .unwrap_or_else(|_| Err(format!("there is no whole answer after {} s", FETCH_TIMEOUT.as_secs())))
    }

    async fn ask(&self) -> Result<Bytes, String> {
        let request = Request::get(self.uri.clone())
            .header(header::ACCEPT, "application/jwk-set+json, application/json")
            .header(header::USER_AGENT, "voicemail")
            .body(Empty::new())
            .map_err(|error| error.to_string())?;
        let response = match &self.client {
            Client::Plain(client) => client.request(request),
            Client::Tls(client) => client.request(request),
        };
        let response = response.await.map_err(|error| causes(&error))?;
        if response.status() != StatusCode::OK {
            return Err(format!("the answer is {}", response.status()));
        }
        let body = Limited::new(response.into_body(), MAX_KEY_SET_BYTES).collect().await;
        Ok(body.map_err(|error| causes(error.as_ref()))?.to_bytes())
    }
}
