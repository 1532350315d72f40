//! mailboxes
