//! Errors as the contracts tell them: what happened and which request it was, never what it carried.

use crate::StorageError;

/// What the storage said, or why it said nothing.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Said(pub(crate) String);

/// An answer that lacks what every answer has.
pub(crate) fn incomplete(context: &'static str) -> StorageError {
    StorageError::unavailable(context, Said("the answer is incomplete".to_owned()))
}

/// A step that others were faster at, again and again.
pub(crate) fn contended(context: &'static str) -> StorageError {
    StorageError::unavailable(context, Said("others change it all the time".to_owned()))
}
