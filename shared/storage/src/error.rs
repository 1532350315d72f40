//! What can go wrong below the contracts. Expected outcomes are values of the calls, not errors.

use std::error::Error as StdError;

/// A call could not be done. Every call may be repeated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The storage did not answer, or refused: unknown whether the call had its effect.
    #[error("the storage is not available: {context}")]
    Unavailable {
        /// What was being done, without anything personal.
        context: &'static str,
        /// The backend's own error.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// What is stored cannot be read as what it should be.
    #[error("what is stored cannot be read: {context}")]
    Corrupt {
        /// What was being read, without anything personal.
        context: String,
    },
    /// What should be written once is there with other content.
    #[error("already there: {context}")]
    Conflict {
        /// What was being written.
        context: &'static str,
    },
}

impl StorageError {
    /// An unavailable storage, with the backend's error.
    pub fn unavailable(context: &'static str, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Unavailable { context, source: source.into() }
    }

    /// Something stored that cannot be read.
    #[cfg(any(feature = "aws", feature = "azure"))]
    pub(crate) fn corrupt(context: String) -> Self {
        Self::Corrupt { context }
    }
}

/// What a call of a contract returns.
pub type Result<T> = std::result::Result<T, StorageError>;

/// An error and what is below it, in one line, for the log: its own text alone seldom says why.
pub fn causes(error: &dyn StdError) -> String {
    let chain = std::iter::successors(Some(error), |error| StdError::source(*error));
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
