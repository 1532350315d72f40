//! How long requests may take.

use std::time::Duration;

/// A region next door answers a connection in 0.1 s.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// A request of metadata takes 10 ms, a slow one 100 ms.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_millis(2500);
/// A request is not sent again then. An operation has at most two steps of requests side by side, and a deposit's first may take
/// [`PUT_TIMEOUT`]: both together stay below the 29 s that API Gateway waits, so that it is us who answer, with 503.
pub(crate) const STEP_TIMEOUT: Duration = Duration::from_secs(8);
/// The put of a recording, all its tries together.
pub(crate) const PUT_TIMEOUT: Duration = Duration::from_secs(19);
/// `ping` answers within 2 s, so that it gives up before.
pub(crate) const PING_TIMEOUT: Duration = Duration::from_millis(1800);
/// The slowest upload that is believed to be alive: 4 MB take 2 s more.
const MIN_BYTES_A_SECOND: usize = 2 * 1024 * 1024;

/// How long one try to send so many bytes may take.
pub(crate) fn put_request_timeout(bytes: usize) -> Duration {
    let sending = u64::try_from(bytes / MIN_BYTES_A_SECOND).unwrap_or(u64::MAX);
    REQUEST_TIMEOUT.saturating_add(Duration::from_secs(sending)).min(PUT_TIMEOUT)
}
