//! How long the storage keeps what it keeps for its own safety alone. None of it holds anything personal.

use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);

/// How long a purged message leaves a tombstone: longer than a platform repeats a call, which would bring it back.
pub const TOMBSTONE_LIFETIME: Duration = DAY.saturating_mul(30);

/// How long a fence keeps an attempt from being created, from the hour in which its recording was put: longer than a tombstone, as the
/// attempt may have begun when that hour ended.
pub const FENCE_LIFETIME: Duration = DAY.saturating_mul(31);

/// How long a closed case is named by its callers: a deposit that is in its scope may come as late as a repeat.
pub const CLOSED_CASE_LIFETIME: Duration = DAY.saturating_mul(30);
