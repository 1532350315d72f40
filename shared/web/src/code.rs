//! Why a request was not done: the codes of the wire, in one table with their statuses and titles.

use axum::http::StatusCode;

/// Why a request was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// No token, or a bad one.
    Unauthenticated,
    /// The principal lacks the role.
    Forbidden,
    /// There is no such thing, or it is not this principal's.
    NotFound,
    /// The path is known, the method is not.
    MethodNotAllowed,
    /// The request took too long to arrive.
    Timeout,
    /// The request cannot be understood.
    BadRequest,
    /// Not audio, or not of a kind that is taken.
    UnsupportedAudio,
    /// Audio that is empty or cut off.
    BrokenAudio,
    /// A caller that can never be found.
    UnusableNumber,
    /// Longer than the mailbox allows.
    TooLong,
    /// Larger than is taken.
    TooLarge,
    /// The mailbox holds all it may.
    MailboxFull,
    /// The mailbox takes no messages.
    MailboxDisabled,
    /// A mailbox's kind cannot change.
    KindFixed,
    /// The case id is in use for other numbers.
    CaseConflict,
    /// Somebody else has taken the message.
    Taken,
    /// It was there and is purged, or never to be shown again.
    Gone,
    /// The thing changed meanwhile.
    EtagMismatch,
    /// The range lies outside the recording.
    Range,
    /// Too many failures; try later.
    RateLimited,
    /// A region does not answer; nothing was changed anywhere.
    RegionUnavailable,
    /// The storage does not answer; safe to repeat.
    StorageUnavailable,
    /// Too much under way; try later.
    Busy,
    /// This installation cannot do that.
    NotSupported,
    /// A defect of ours.
    Internal,
}

impl Code {
    /// Its name on the wire.
    pub const fn name(self) -> &'static str {
        self.row().0
    }

    /// Its HTTP status.
    pub const fn status(self) -> StatusCode {
        self.row().1
    }

    /// The title of its problems.
    pub(crate) const fn title(self) -> &'static str {
        self.row().2
    }

    /// Its name, status and title.
    const fn row(self) -> (&'static str, StatusCode, &'static str) {
        match self {
            Self::Unauthenticated => ("unauthenticated", StatusCode::UNAUTHORIZED, "Not signed in"),
            Self::Forbidden => ("forbidden", StatusCode::FORBIDDEN, "Not allowed"),
            Self::NotFound => ("not-found", StatusCode::NOT_FOUND, "Not found"),
            Self::MethodNotAllowed => {
                ("method-not-allowed", StatusCode::METHOD_NOT_ALLOWED, "Method not allowed")
            }
            Self::Timeout => ("timeout", StatusCode::REQUEST_TIMEOUT, "Request took too long"),
            Self::BadRequest => ("bad-request", StatusCode::BAD_REQUEST, "Bad request"),
            Self::UnsupportedAudio => {
                ("unsupported-audio", StatusCode::UNSUPPORTED_MEDIA_TYPE, "Not audio that is taken")
            }
            Self::BrokenAudio => ("broken-audio", StatusCode::UNPROCESSABLE_ENTITY, "Broken audio"),
            Self::UnusableNumber => ("unusable-number", StatusCode::UNPROCESSABLE_ENTITY, "Unusable number"),
            Self::TooLong => ("too-long", StatusCode::PAYLOAD_TOO_LARGE, "Message too long"),
            Self::TooLarge => ("too-large", StatusCode::PAYLOAD_TOO_LARGE, "Body too large"),
            Self::MailboxFull => ("mailbox-full", StatusCode::CONFLICT, "Mailbox full"),
            Self::MailboxDisabled => ("mailbox-disabled", StatusCode::CONFLICT, "Mailbox disabled"),
            Self::KindFixed => ("kind-fixed", StatusCode::CONFLICT, "Kind cannot change"),
            Self::CaseConflict => ("case-conflict", StatusCode::CONFLICT, "Case in use"),
            Self::Taken => ("taken", StatusCode::CONFLICT, "Taken by another"),
            Self::Gone => ("gone", StatusCode::GONE, "Gone"),
            Self::EtagMismatch => ("etag-mismatch", StatusCode::PRECONDITION_FAILED, "Changed meanwhile"),
            Self::Range => ("range", StatusCode::RANGE_NOT_SATISFIABLE, "Range outside the recording"),
            Self::RateLimited => ("rate-limited", StatusCode::TOO_MANY_REQUESTS, "Too many failures"),
            Self::RegionUnavailable => {
                ("region-unavailable", StatusCode::SERVICE_UNAVAILABLE, "Region unavailable")
            }
            Self::StorageUnavailable => {
                ("storage-unavailable", StatusCode::SERVICE_UNAVAILABLE, "Storage unavailable")
            }
            Self::Busy => ("busy", StatusCode::SERVICE_UNAVAILABLE, "Busy"),
            Self::NotSupported => ("not-supported", StatusCode::NOT_IMPLEMENTED, "Not supported here"),
            Self::Internal => ("internal", StatusCode::INTERNAL_SERVER_ERROR, "A defect of the service"),
        }
    }
}
