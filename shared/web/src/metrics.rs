//! Numbers about requests. Labels are routes, methods and statuses, never ids or telephone numbers.

use std::time::Duration;

use axum::http::StatusCode;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

const REQUESTS: &str = "voicemail_requests_total";
const SECONDS: &str = "voicemail_request_seconds";
const UNDER_WAY: &str = "voicemail_requests_under_way";

/// Says what the numbers are, to whoever collects them.
pub fn describe() {
    describe_counter!(REQUESTS, "Requests answered, by route, method and status.");
    describe_histogram!(SECONDS, Unit::Seconds, "From a request's head to its answer's head, by route.");
    describe_gauge!(UNDER_WAY, "Requests under way.");
}

/// A request that is under way for as long as this lives.
pub(crate) struct UnderWay(());

impl UnderWay {
    pub(crate) fn new() -> Self {
        gauge!(UNDER_WAY).increment(1);
        Self(())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        gauge!(UNDER_WAY).decrement(1);
    }
}

/// Measures an answer; counts it too where numbers by status cost nothing.
pub(crate) fn answered(
    route: &str,
    method: &'static str,
    status: StatusCode,
    took: Duration,
    is_counted: bool,
) {
    let route = route.to_owned();
    histogram!(SECONDS, "route" => route.clone()).record(took);
    if !is_counted {
        return;
    }
    counter!(REQUESTS, "route" => route, "method" => method, "status" => status.as_u16().to_string())
        .increment(1);
}
