//! Requests over HTTP and HTTPS, and what comes of them.

use std::sync::Arc;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use ureq::http::{Method, Request, Response, StatusCode, Uri, header};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body, Error, Proxy};

use crate::ended::Ended;
use crate::refusal;

/// How long a connection may take, an answer to begin, and a part of it to come. A request hides for up to 10 s.
const TIMEOUTS: [Duration; 3] = [Duration::from_secs(10), Duration::from_mins(2), Duration::from_mins(1)];
/// What needs no escape (RFC 3986, 2.3).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The largest answer but for media: 1,000 entries are less than 1 MB.
const MAX_ANSWER_BYTES: u64 = 64 * 1024 * 1024;

/// Why a request was not done.
pub(crate) enum Fault {
    /// It may go better the next time: why, and when the service said.
    Passing(String, Option<Duration>),
    /// The sign-in is not taken.
    NotSignedIn(String),
    /// It will not.
    Final(Ended),
}

impl From<Ended> for Fault {
    fn from(ended: Ended) -> Self {
        Self::Final(ended)
    }
}

/// A client that follows no redirect.
pub(crate) struct Web(Agent);

impl Web {
    /// A client under the authorities of the system, or of `SSL_CERT_FILE`.
    pub(crate) fn new(safe: bool) -> Self {
        let found = rustls_native_certs::load_native_certs();
        let roots: Vec<_> = found.certs.iter().map(|root| Certificate::from_der(root).to_owned()).collect();
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::from(roots))
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()));
        // A proxy is there for HTTPS, which it cannot read.
        let proxy = if safe { Proxy::try_from_env() } else { None };
        let [connect, begin, read] = TIMEOUTS;
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(connect))
            .timeout_recv_response(Some(begin))
            .timeout_per_read(Some(read))
            .user_agent(concat!("voicemail-gdpr/", env!("CARGO_PKG_VERSION")))
            .proxy(proxy)
            .tls_config(tls.build())
            .build();
        Self(config.new_agent())
    }

    /// One request.
    pub(crate) fn send(
        &self,
        url: &str,
        authorization: Option<&str>,
        body: Option<(&str, &str)>,
    ) -> Result<Response<Body>, Fault> {
        let method = if body.is_some() { Method::POST } else { Method::GET };
        let mut request = Request::builder().method(method).uri(url);
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let sent = match body {
            None => request.body(()).map_err(Error::from).and_then(|request| self.0.run(request)),
            Some((kind, body)) => {
                let request = request.header(header::CONTENT_TYPE, kind).body(body.to_owned());
                request.map_err(Error::from).and_then(|request| self.0.run(request))
            }
        };
        sent.map_err(|error| broken(url, error))
    }
}

/// An address without its final slash.
pub(crate) fn address(name: &str, text: &str) -> Result<String, Ended> {
    let uri: Option<Uri> = text.parse().ok();
    let is_one = uri.as_ref().is_some_and(|uri| {
        let scheme = matches!(uri.scheme_str(), Some("https" | "http"));
        let place = uri.authority().is_some_and(|it| !it.host().is_empty() && !it.as_str().contains('@'));
        scheme && place && uri.query().is_none()
    });
    if is_one {
        return Ok(text.trim_end_matches('/').to_owned());
    }
    Err(Ended::Usage(format!("{name} is no https:// or http:// address, without a user and a query.")))
}

/// The answer, if it is a success.
pub(crate) fn judged(mut response: Response<Body>) -> Result<Response<Body>, Fault> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let after = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    let after = after.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
    // A refusal whose reason cannot be read is one all the same.
    let body = response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_vec().unwrap_or_default();
    let sentence = refusal::sentence(status.as_u16(), &String::from_utf8_lossy(&body));
    Err(match status {
        StatusCode::UNAUTHORIZED => Fault::NotSignedIn(sentence),
        StatusCode::REQUEST_TIMEOUT
        | StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Fault::Passing(sentence, after),
        _ => Fault::Final(Ended::Failed(sentence)),
    })
}

/// The JSON of an answer.
pub(crate) fn json(mut response: Response<Body>) -> Result<Value, Fault> {
    let cut = |error| Fault::Passing(format!("The answer was cut off: {error}."), None);
    let body = response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_vec().map_err(cut)?;
    let wrong =
        |_| Fault::Final(Ended::Failed("The answer is no JSON: is --url that of the service?".into()));
    serde_json::from_slice(&body).map_err(wrong)
}

/// Why there is no answer. An address may be a link that lets its bearer in, so of it only the host is told.
fn broken(url: &str, error: Error) -> Fault {
    let uri: Option<Uri> = url.parse().ok();
    let host = uri.as_ref().and_then(Uri::host).unwrap_or("the service");
    let unsafe_ =
        |why: String| Fault::Final(Ended::Failed(format!("There is no safe connection to {host}: {why}.")));
    match error {
        Error::HostNotFound => Fault::Passing(format!("Nobody knows where {host} is."), None),
        Error::Timeout(_) => Fault::Passing(format!("{host} does not answer in time."), None),
        Error::BadUri(_) | Error::Http(_) => {
            Fault::Final(Ended::Failed(format!("No request can be made to {host}.")))
        }
        Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => unsafe_(error.to_string()),
        Error::Rustls(error) => unsafe_(error.to_string()),
        Error::Tls(why) => unsafe_(why.to_owned()),
        error => Fault::Passing(format!("The connection to {host} failed: {error}."), None),
    }
}

/// A path of these segments, and the parameters that have a value.
pub(crate) fn path(segments: &[&str], query: &[(&str, Option<&str>)]) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, UNRESERVED).to_string();
    let path: String = segments.iter().map(|segment| format!("/{}", encoded(segment))).collect();
    let query: Vec<_> = query
        .iter()
        .filter_map(|(name, value)| value.map(|value| format!("{name}={}", encoded(value))))
        .collect();
    if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
}
