//! Errors of the SDK as the contracts tell them: what happened and which request it was, never what it carried.

use std::error::Error as StdError;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::RequestId as _;

use crate::{Result, StorageError, causes};

/// Codes of a request that no repetition mends: keys or a role's policy must be changed.
const DENIED: [&str; 9] = [
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "MissingAuthenticationTokenException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// A request that could not be done.
pub(super) fn fault<E>(context: &'static str) -> impl Fn(SdkError<E, HttpResponse>) -> StorageError
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    move |error| {
        let reason = match &error {
            SdkError::ServiceError(service) => {
                let (status, err) = (service.raw().status().as_u16(), service.err());
                let code = err.code().unwrap_or("no code");
                let is_denied = DENIED.contains(&code) || status == 403;
                if is_denied {
                    tracing::error!(
                        code,
                        "AWS refuses {context}: the keys or the role's policy do not allow it"
                    );
                }
                // Who is denied is told of what: of a drop by its name, which may be a number.
                let message = if is_denied { None } else { err.message() }.unwrap_or("no message");
                let request = error.request_id().unwrap_or("unknown");
                format!("{status} {code}: {message} (request {request})")
            }
            SdkError::TimeoutError(_) => "no answer in time".to_owned(),
            SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
                Some(error) => format!("no connection: {}", causes(error)),
                None => "no connection".to_owned(),
            },
            SdkError::ResponseError(_) => "an answer that cannot be read".to_owned(),
            error => format!("the request could not be made: {}", causes(error)),
        };
        StorageError::unavailable(context, reason)
    }
}

/// What was answered; `None`: one of these statuses of HTTP.
pub(super) fn none_on<T, E>(
    statuses: &[u16],
    context: &'static str,
    answer: std::result::Result<T, SdkError<E, HttpResponse>>,
) -> Result<Option<T>>
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    match answer {
        Err(error) if statuses.iter().any(|status| is(*status, &error)) => Ok(None),
        answer => answer.map(Some).map_err(fault(context)),
    }
}

/// Whether the storage answered with this status of HTTP.
pub(super) fn is<E>(status: u16, error: &SdkError<E, HttpResponse>) -> bool {
    error.raw_response().is_some_and(|answer| answer.status().as_u16() == status)
}
