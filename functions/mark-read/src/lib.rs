//! mark-read
