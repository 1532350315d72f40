//! The recorder of the numbers about this process, as Prometheus reads them.

use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};

/// The upper bounds of the histogram's buckets in seconds: from an answer out of memory to a long upload.
const BUCKET_SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// How often what was recorded is summed up, as the exporters of the library's own do.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// The recorder of this process, which `/metrics` renders.
#[derive(Debug, Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Begins to record; once in a process, on its runtime.
    ///
    /// # Errors
    /// There is a recorder already.
    pub fn install() -> Result<Self, BuildError> {
        let handle = PrometheusBuilder::new().set_buckets(&BUCKET_SECONDS)?.install_recorder()?;
        web::metrics::describe();
        let recorder = handle.clone();
        // Else each duration would be kept until somebody asks for /metrics, for ever where nobody does.
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(UPKEEP_INTERVAL);
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
