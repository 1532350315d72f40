//! An answer, with what every answer must have checked before a case sees it.

use axum::http::{HeaderMap, Method, Response};
use bytes::Bytes;
use serde_json::Value;

/// The status of each code, as the contract lists them.
const CODES: &[(&str, u16)] = &[
    ("unauthenticated", 401),
    ("forbidden", 403),
    ("not-found", 404),
    ("method-not-allowed", 405),
    ("timeout", 408),
    ("bad-request", 400),
    ("unsupported-audio", 415),
    ("broken-audio", 422),
    ("unusable-number", 422),
    ("too-long", 413),
    ("too-large", 413),
    ("mailbox-full", 409),
    ("mailbox-disabled", 409),
    ("kind-fixed", 409),
    ("case-conflict", 409),
    ("taken", 409),
    ("gone", 410),
    ("etag-mismatch", 412),
    ("range", 416),
    ("rate-limited", 429),
    ("region-unavailable", 503),
    ("storage-unavailable", 503),
    ("busy", 503),
    ("not-supported", 501),
    // Not in the list of the contract: something stored cannot be read.
    ("internal", 500),
];

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// What was asked, for whoever reads a failure.
    pub asked: String,
}

impl Answer {
    /// Checks what every answer must have: a request id, no caching, and a whole problem where it is one.
    pub(super) fn read(
        asked: String,
        method: &Method,
        sent_id: Option<&str>,
        response: Response<Bytes>,
    ) -> Self {
        let (parts, body) = response.into_parts();
        let answer = Self { status: parts.status.as_u16(), headers: parts.headers, body, asked };
        let request_id = answer.header("x-request-id");
        let usable = |id: &&str| {
            (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        assert!(usable(&request_id), "{answer:?}");
        if let Some(sent) = sent_id.filter(usable) {
            assert_eq!(request_id, sent, "{answer:?}");
        }
        assert_eq!(answer.header("cache-control"), "no-store", "{answer:?}");
        if parts.status.is_client_error() || parts.status.is_server_error() {
            answer.is_a_problem(method);
        }
        answer
    }

    fn is_a_problem(&self, method: &Method) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let needs: &[&str] = match self.status {
            401 => &["www-authenticate"],
            405 => &["allow"],
            416 => &["content-range"],
            429 | 503 => &["retry-after"],
            _ => &[],
        };
        assert!(needs.iter().all(|name| self.headers.contains_key(*name)), "{needs:?} in {self:?}");
        if method == Method::HEAD {
            return;
        }
        let problem = self.json();
        let text = |name: &str| problem[name].as_str().filter(|text| !text.is_empty());
        assert!(["type", "title", "detail", "code"].iter().all(|name| text(name).is_some()), "{self:?}");
        assert_eq!(problem["status"], self.status, "{self:?}");
        assert_eq!(text("instance"), Some(self.header("x-request-id")), "{self:?}");
        let listed = CODES.iter().find(|(code, _)| Some(*code) == text("code"));
        assert_eq!(listed.map(|(_, status)| *status), Some(self.status), "{self:?}");
        let is_fault = |fault: &Value| fault["where"].is_string() && fault["detail"].is_string();
        let faults = problem["errors"].as_array();
        let whole = faults.is_some_and(|faults| !faults.is_empty() && faults.iter().all(is_fault));
        assert!(whole || !matches!(self.status, 400 | 422), "400 and 422 say where: {self:?}");
    }

    /// This status, or the case fails.
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// A problem of this status and code; gives its body.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        let problem = self.is(status).json();
        assert_eq!(problem["code"], code, "{problem}");
        problem
    }

    /// A 400; gives which fields are wrong.
    #[track_caller]
    pub fn faults(self) -> Vec<String> {
        let problem = self.refused(400, "bad-request");
        let faults = problem["errors"].as_array().unwrap();
        faults.iter().map(|fault| fault["where"].as_str().unwrap().to_owned()).collect()
    }

    /// Its body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        let is_json = self.header("content-type").split(';').next().unwrap_or_default().ends_with("json");
        assert!(is_json, "{self:?}");
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Its body as text.
    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// A header's value; empty where it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Whether a header is there.
    pub fn has(&self, name: &str) -> bool {
        self.headers.contains_key(name)
    }
}
