//! Errors as the contracts tell them: what happened and which request it was, never what it carried.

use crate::StorageError;

/// An answer that lacks what every answer has.
pub(crate) fn incomplete(context: &'static str) -> StorageError {
    StorageError::unavailable(context, "the answer is incomplete")
}

/// A step that others were faster at, again and again.
pub(crate) fn contended(context: &'static str) -> StorageError {
    StorageError::unavailable(context, "others change it all the time")
}
