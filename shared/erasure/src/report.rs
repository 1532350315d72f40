//! What a request did, or why it could not be done.

use domain::{Case, RegionReport};
use storage::StorageError;

use crate::pass::Pass;
use crate::regions::RegionDown;

/// Why a request could not be done. Whatever can be expected is a value.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A region does not answer; nothing was changed anywhere.
    #[error(transparent)]
    Down(#[from] RegionDown),
    /// The storage failed; safe to repeat.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// What a request did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The cases as they stand: one, or those that an undo of numbers found.
    pub cases: Vec<Case>,
    /// How many messages were hidden, or are back, for each caller.
    pub pass: Pass,
    /// The same for each region, the master first.
    pub regions: Vec<RegionReport>,
}
