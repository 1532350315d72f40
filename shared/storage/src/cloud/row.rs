//! What lies under a message's id.

use domain::{Attempt, Message, ReleaseOutcome, TakeOutcome, Timestamp};

use crate::stored::FirstUnreadable;
use crate::{Lookup, Result};

/// What lies under a message's id.
#[derive(Debug)]
pub(crate) enum Row {
    Nothing,
    Message(Box<Message>),
    /// It was purged then.
    Tombstone(Timestamp),
    /// Of attempts that can never be created; it may go then.
    Fence(Timestamp),
}

impl Row {
    /// What a client of the contract may know of it.
    pub(crate) fn found(self) -> Lookup {
        match self {
            Self::Nothing | Self::Fence(_) => Lookup::Nothing,
            Self::Message(message) if !message.claimed => Lookup::Message(message),
            Self::Message(_) | Self::Tombstone(_) => Lookup::Gone,
        }
    }

    /// Whether this attempt was committed and its message is not purged.
    pub(crate) fn is_of(&self, attempt: &Attempt) -> bool {
        matches!(self, Self::Message(message) if message.facts.attempt == *attempt)
    }
}

/// What was read. What is damaged is passed over: one row must not hide or stop all others.
pub(crate) fn passing_over(row: Result<Row>) -> Result<Row> {
    Ok(FirstUnreadable::default().read(row)?.unwrap_or(Row::Nothing))
}

/// Whether what was read may be the message of an attempt, as also what cannot be read may be.
pub(crate) fn may_be_of(row: Result<Row>, attempt: &Attempt) -> Result<bool> {
    Ok(FirstUnreadable::default().read(row)?.is_none_or(|row| row.is_of(attempt)))
}

/// What became of a change of a message by a rule.
#[derive(Debug)]
pub(crate) enum ChangeOutcome<T> {
    Nothing,
    Gone,
    /// The message after it, and what the rule returned.
    Message(Box<Message>, T),
}

impl ChangeOutcome<bool> {
    /// The message, if the rule could be applied to it.
    pub(crate) fn changed(self) -> Option<Message> {
        match self {
            Self::Message(message, true) => Some(*message),
            _ => None,
        }
    }
}

impl ChangeOutcome<TakeOutcome> {
    /// What became of the take.
    pub(crate) fn taken(self) -> TakeOutcome {
        match self {
            Self::Message(_, taken) => taken,
            Self::Gone | Self::Nothing => TakeOutcome::NotVisible,
        }
    }
}

impl ChangeOutcome<ReleaseOutcome> {
    /// What became of the release.
    pub(crate) fn released(self) -> ReleaseOutcome {
        match self {
            Self::Message(_, released) => released,
            Self::Gone => ReleaseOutcome::Gone,
            Self::Nothing => ReleaseOutcome::Missing,
        }
    }
}
