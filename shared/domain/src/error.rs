//! What a client can be told: the codes of the wire. Their statuses and titles are the host's, in one table.

/// Why a request was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// No token, or a bad one.
    Unauthenticated,
    /// The caller lacks the role.
    Forbidden,
    /// There is no such thing, or it is not this caller's.
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
