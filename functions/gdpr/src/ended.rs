//! Why a run ends.

/// Why the tool ends without having done what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It was called wrongly.
    Usage(String),
    /// It was refused, or failed.
    Failed(String),
}
