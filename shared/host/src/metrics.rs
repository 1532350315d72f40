//! Numbers about requests, as Prometheus reads them. Labels are routes, methods and statuses, never ids or numbers.

use std::time::Duration;

use axum::http::StatusCode;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};

const REQUESTS: &str = "voicemail_requests_total";
const SECONDS: &str = "voicemail_request_seconds";
const UNDER_WAY: &str = "voicemail_requests_under_way";

/// The upper bounds of the histogram's buckets in seconds: from an answer out of memory to a long upload.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// How often what was recorded is summed up, as the exporters of the library's own do.
const UPKEEP: Duration = Duration::from_secs(5);

/// The recorder of this process, which `/metrics` renders.
#[derive(Debug, Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Begins to record; once in a process, on its runtime.
    pub fn install() -> Result<Self, BuildError> {
        let handle = PrometheusBuilder::new().set_buckets(&BUCKETS)?.install_recorder()?;
        describe();
        let recorder = handle.clone();
        // Else each duration would be kept until somebody asks for /metrics, for ever where nobody does.
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(UPKEEP);
            loop {
                ticks.tick().await;
                recorder.run_upkeep();
            }
        });
        Ok(Self(handle))
    }

    /// What was recorded, in the text format of Prometheus.
    pub fn render(&self) -> String {
        self.0.run_upkeep();
        self.0.render()
    }
}

/// Says what the numbers are, to whoever collects them.
pub(crate) fn describe() {
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
