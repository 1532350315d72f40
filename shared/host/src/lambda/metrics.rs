//! Numbers in the embedded metric format: lines of the log that become metrics, with no call.

use axum::BoxError;
use metrics_cloudwatch_embedded::{Builder, Collector};
use web::metrics::describe;

/// The namespace of all metrics.
const NAMESPACE: &str = "Voicemail";

/// What was measured since the last flush.
#[derive(Clone, Copy)]
pub(crate) struct EmfRecorder(&'static Collector);

impl EmfRecorder {
    /// Begins to record; once in a process.
    pub(crate) fn install() -> Result<Self, BoxError> {
        let collector = Builder::new().cloudwatch_namespace(NAMESPACE).init()?;
        describe();
        Ok(Self(collector))
    }

    /// Writes what was measured since the last time.
    pub(super) fn flush(self) {
        if let Err(error) = self.0.flush(std::io::stdout().lock()) {
            tracing::warn!(%error, "the metrics of an invocation are lost");
        }
    }
}
