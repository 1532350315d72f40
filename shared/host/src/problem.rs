//! Problems (RFC 9457): the one table from code to status, and how a problem is written.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::Code;
use serde::Serialize;
use storage::{StorageError, causes};

use crate::function::BoxError;

/// Why a request was not done: a safe message for the caller, and a cause for the log alone.
#[derive(Debug, Clone)]
pub struct Problem {
    /// What kind.
    pub code: Code,
    /// What happened and what to do; may repeat what the caller just sent, so it never goes into a log.
    pub detail: Cow<'static, str>,
    /// Which fields are wrong.
    pub errors: Vec<Fault>,
    /// Below the contract: for the log.
    pub cause: Option<Arc<dyn StdError + Send + Sync>>,
    /// Seconds after which it is worth another attempt, where that is known better than the code tells.
    pub retry_after: Option<u64>,
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

/// Seconds after which a passing fault is worth another attempt.
const RETRY_AFTER: u64 = 2;

/// What the wire calls a code, its status and its title.
const fn row(code: Code) -> (&'static str, StatusCode, &'static str) {
    match code {
        Code::Unauthenticated => ("unauthenticated", StatusCode::UNAUTHORIZED, "Not signed in"),
        Code::Forbidden => ("forbidden", StatusCode::FORBIDDEN, "Not allowed"),
        Code::NotFound => ("not-found", StatusCode::NOT_FOUND, "Not found"),
        Code::MethodNotAllowed => {
            ("method-not-allowed", StatusCode::METHOD_NOT_ALLOWED, "Method not allowed")
        }
        Code::Timeout => ("timeout", StatusCode::REQUEST_TIMEOUT, "Request took too long"),
        Code::BadRequest => ("bad-request", StatusCode::BAD_REQUEST, "Bad request"),
        Code::UnsupportedAudio => {
            ("unsupported-audio", StatusCode::UNSUPPORTED_MEDIA_TYPE, "Not audio that is taken")
        }
        Code::BrokenAudio => ("broken-audio", StatusCode::UNPROCESSABLE_ENTITY, "Broken audio"),
        Code::UnusableNumber => ("unusable-number", StatusCode::UNPROCESSABLE_ENTITY, "Unusable number"),
        Code::TooLong => ("too-long", StatusCode::PAYLOAD_TOO_LARGE, "Message too long"),
        Code::TooLarge => ("too-large", StatusCode::PAYLOAD_TOO_LARGE, "Body too large"),
        Code::MailboxFull => ("mailbox-full", StatusCode::CONFLICT, "Mailbox full"),
        Code::MailboxDisabled => ("mailbox-disabled", StatusCode::CONFLICT, "Mailbox disabled"),
        Code::KindFixed => ("kind-fixed", StatusCode::CONFLICT, "Kind cannot change"),
        Code::CaseConflict => ("case-conflict", StatusCode::CONFLICT, "Case in use"),
        Code::Gone => ("gone", StatusCode::GONE, "Gone"),
        Code::EtagMismatch => ("etag-mismatch", StatusCode::PRECONDITION_FAILED, "Changed meanwhile"),
        Code::Range => ("range", StatusCode::RANGE_NOT_SATISFIABLE, "Range outside the recording"),
        Code::RateLimited => ("rate-limited", StatusCode::TOO_MANY_REQUESTS, "Too many failures"),
        Code::RegionUnavailable => {
            ("region-unavailable", StatusCode::SERVICE_UNAVAILABLE, "Region unavailable")
        }
        Code::StorageUnavailable => {
            ("storage-unavailable", StatusCode::SERVICE_UNAVAILABLE, "Storage unavailable")
        }
        Code::Busy => ("busy", StatusCode::SERVICE_UNAVAILABLE, "Busy"),
        Code::NotSupported => ("not-supported", StatusCode::NOT_IMPLEMENTED, "Not supported here"),
        Code::Internal => ("internal", StatusCode::INTERNAL_SERVER_ERROR, "A defect of the service"),
    }
}

impl Problem {
    /// A problem with a message for the caller.
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: detail.into(), errors: Vec::new(), cause: None, retry_after: None }
    }

    /// As the failure of an event, for the log: the code and the cause, never the detail.
    pub fn into_error(self) -> BoxError {
        match self.cause {
            Some(cause) => format!("{}: {}", row(self.code).0, causes(cause.as_ref())).into(),
            None => row(self.code).0.into(),
        }
    }

    /// A 404: it does not exist, or looks so to this caller.
    pub fn not_found(what: &'static str) -> Self {
        Self::new(Code::NotFound, format!("There is no such {what}."))
    }

    /// A 400 that names one field.
    pub fn bad(place: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::faults(vec![Fault { place: place.into(), detail: detail.into() }])
    }

    /// A 400 that names fields.
    pub fn faults(errors: Vec<Fault>) -> Self {
        let detail = match errors.as_slice() {
            [only] => format!("{}: {}.", only.place, only.detail),
            _ => "Several fields are wrong; see errors.".to_owned(),
        };
        Self { errors, ..Self::new(Code::BadRequest, detail) }
    }

    /// The same, worth another attempt after so many seconds.
    pub fn after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// The name that the wire gives the code.
    pub fn code_name(&self) -> &'static str {
        row(self.code).0
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        row(self.code).1
    }

    /// The answer; `instance` is the request id. It carries the problem itself along as an extension, for the log.
    pub fn render(&self, instance: Option<&str>) -> Response {
        let (code, status, title) = row(self.code);
        let body = ProblemBody {
            kind: "about:blank",
            title,
            status: status.as_u16(),
            detail: self.detail.clone().into_owned(),
            instance: instance.map(str::to_owned),
            code,
            errors: self.errors.clone(),
        };
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
                headers.insert(header::RETRY_AFTER, self.retry_after.unwrap_or(RETRY_AFTER).into());
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
        let problem = match error {
            StorageError::Unavailable { .. } => Self::new(
                Code::StorageUnavailable,
                "The storage does not answer. Nothing is lost; repeat the request.",
            ),
            _ => Self::new(
                Code::Internal,
                "Something stored cannot be read. The log names it by the request id.",
            ),
        };
        Self { cause: Some(Arc::new(error)), ..problem }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_of_the_storage_is_503_and_worth_a_repeat() {
        let error = StorageError::unavailable("reading a mailbox", "disk gone");
        let response = Problem::from(error).into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(response.headers().contains_key(header::RETRY_AFTER));
    }

    #[test]
    fn a_401_says_how_to_sign_in() {
        let response = Problem::new(Code::Unauthenticated, "No token.").into_response();
        assert_eq!(response.headers().get_all(header::WWW_AUTHENTICATE).iter().count(), 2);
    }
}
