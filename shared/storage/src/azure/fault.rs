//! Errors of the SDK as the contracts tell them: what happened and which request it was, never what it carried.

use azure_core::error::ErrorKind;
use azure_core::http::StatusCode;

use crate::{Result, StorageError, causes};

/// A request that could not be done.
pub(super) fn fault(context: &'static str) -> impl Fn(azure_core::Error) -> StorageError {
    move |error| {
        let reason = match error.kind() {
            ErrorKind::HttpResponse { status, error_code, .. } => {
                let code = error_code.as_deref().unwrap_or("no code");
                if matches!(status, StatusCode::Unauthorized | StatusCode::Forbidden) {
                    tracing::error!(
                        code,
                        "Azure refuses {context}: the key, the SAS or the identity's roles do not allow it"
                    );
                }
                format!("{} {code}", u16::from(*status))
            }
            ErrorKind::Connection => format!("no connection: {}", causes(&error)),
            ErrorKind::Io => format!("no answer: {}", causes(&error)),
            ErrorKind::Credential => {
                tracing::error!(error = causes(&error), "Azure is not asked for {context}");
                format!("no key: {}", causes(&error))
            }
            _ => format!("the request could not be made: {}", causes(&error)),
        };
        StorageError::unavailable(context, reason)
    }
}

/// What was answered; `None`: one of these statuses of HTTP.
pub(super) fn none_on<T>(
    statuses: &[u16],
    context: &'static str,
    answer: azure_core::Result<T>,
) -> Result<Option<T>> {
    match answer {
        Err(error) if statuses.iter().any(|status| is(*status, &error)) => Ok(None),
        answer => answer.map(Some).map_err(fault(context)),
    }
}

/// Whether the storage answered with this status of HTTP.
pub(super) fn is(status: u16, error: &azure_core::Error) -> bool {
    error.http_status().is_some_and(|its| u16::from(its) == status)
}
