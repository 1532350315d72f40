//! Problems (RFC 9457), and how they are written.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use axum::BoxError;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use storage::{StorageError, causes};

use crate::code::Code;

/// Why a request was not done: a safe message for the client, and a cause for the log alone.
#[derive(Debug, Clone)]
pub struct Problem {
    /// What kind.
    pub code: Code,
    /// What happened and what to do; may repeat what the client just sent, so it never goes into a log.
    pub detail: Cow<'static, str>,
    /// Which fields are wrong.
    pub errors: Vec<Fault>,
    /// Below the contract: for the log.
    pub cause: Option<Arc<dyn StdError + Send + Sync>>,
    /// Seconds after which it is worth another try, where that is known better than the code tells.
    pub retry_after: Option<u64>,
    /// What the body tells beside what that of every problem does.
    pub members: Members,
}

/// More members of a problem's body (RFC 9457, 3.2), by name. Printed without their values, which may tell of callers.
#[derive(Clone, Default)]
pub struct Members(serde_json::Map<String, Value>);

impl fmt::Debug for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Fault {
    /// The field, header, parameter or path into the body.
    #[serde(rename = "where")]
    pub place: String,
    /// What it should be.
    pub detail: String,
}

/// The body of every answer that is not a success (RFC 9457).
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// Always `about:blank`: the code tells.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The same for each problem of a code.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What happened and what to do.
    detail: String,
    /// The request id.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    /// What a program asks for.
    code: &'static str,
    /// Which fields are wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Fault>,
}

#[derive(Serialize)]
struct WholeBody<'a> {
    #[serde(flatten)]
    problem: ProblemBody,
    #[serde(flatten)]
    members: &'a serde_json::Map<String, Value>,
}

/// After how many seconds a passing fault is worth another try.
const RETRY_AFTER_SECONDS: u64 = 2;

impl Fault {
    /// What is wrong at a place.
    pub fn new(place: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { place: place.into(), detail: detail.into() }
    }
}

impl Problem {
    /// A problem with a message for the client.
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        let members = Members::default();
        Self { code, detail: detail.into(), errors: Vec::new(), cause: None, retry_after: None, members }
    }

    /// As the failure of an event, for the log: the code and the cause, never the detail.
    pub fn into_error(self) -> BoxError {
        match self.cause {
            Some(cause) => format!("{}: {}", self.code.name(), causes(cause.as_ref())).into(),
            None => self.code.name().into(),
        }
    }

    /// A 404: it does not exist, or looks so to this principal.
    pub fn not_found(what: &'static str) -> Self {
        Self::new(Code::NotFound, format!("There is no such {what}."))
    }

    /// A 400 that names one field.
    pub fn bad(place: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::faults(vec![Fault::new(place, detail)])
    }

    /// A 400 that names fields.
    pub fn faults(errors: Vec<Fault>) -> Self {
        let detail = match errors.as_slice() {
            [only] => format!("{}: {}.", only.place, only.detail),
            _ => "Several fields are wrong; see errors.".to_owned(),
        };
        Self { errors, ..Self::new(Code::BadRequest, detail) }
    }

    /// The same, worth another try after so many seconds.
    pub fn after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// The same, with one more member of its body.
    #[must_use]
    pub fn with(mut self, name: &str, value: &impl Serialize) -> Self {
        self.members.0.insert(name.to_owned(), serde_json::to_value(value).unwrap_or_default());
        self
    }

    /// The same, with what caused it, for the log.
    #[must_use]
    pub fn caused_by(self, cause: impl Into<BoxError>) -> Self {
        Self { cause: Some(cause.into().into()), ..self }
    }

    /// The answer; `instance` is the request id. It carries the problem itself along as an extension, for the log.
    pub fn render(&self, instance: Option<&str>) -> Response {
        let status = self.code.status();
        let problem = ProblemBody {
            kind: "about:blank",
            title: self.code.title(),
            status: status.as_u16(),
            detail: self.detail.clone().into_owned(),
            instance: instance.map(str::to_owned),
            code: self.code.name(),
            errors: self.errors.clone(),
        };
        let body = WholeBody { problem, members: &self.members.0 };
        let body = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match self.code {
            Code::Unauthenticated => {
                // Two challenges, in two fields, for clients that read only the first of a list (RFC 9110, 11.6.1).
                for challenge in
                    ["Bearer realm=\"voicemail\"", "Basic realm=\"voicemail\", charset=\"UTF-8\""]
                {
                    headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
                }
            }
            Code::RateLimited | Code::RegionUnavailable | Code::StorageUnavailable | Code::Busy => {
                headers.insert(header::RETRY_AFTER, self.retry_after.unwrap_or(RETRY_AFTER_SECONDS).into());
            }
            _ => {}
        }
        response.extensions_mut().insert(self.clone());
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.render(None)
    }
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        let (code, detail) = match error {
            StorageError::Unavailable { .. } => (
                Code::StorageUnavailable,
                "The storage does not answer. Nothing is lost; repeat the request.",
            ),
            _ => (Code::Internal, "Something stored cannot be read. The log names it by the request id."),
        };
        Self::new(code, detail).caused_by(error)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    #[test]
    fn a_fault_of_the_storage_is_503_and_worth_a_repeat() {
        let error = StorageError::unavailable("reading a mailbox", "disk gone");
        let response = Problem::from(error).into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(response.headers().contains_key(header::RETRY_AFTER));
    }

    #[tokio::test]
    async fn more_members_stand_behind_those_of_every_problem_and_are_not_printed() {
        let problem = Problem::new(Code::Taken, "Somebody else has it.").with("message", &["of a caller"]);
        assert!(!format!("{problem:?}").contains("caller"));
        let body = axum::body::to_bytes(problem.into_response().into_body(), 1024).await.unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert!(text.ends_with(r#""code":"taken","message":["of a caller"]}"#), "{text}");
    }

    #[test]
    fn a_401_says_how_to_sign_in() {
        let response = Problem::new(Code::Unauthenticated, "No token.").into_response();
        assert_eq!(response.headers().get_all(header::WWW_AUTHENTICATE).iter().count(), 2);
    }
}
