//! Numbers in CloudWatch's embedded metric format: lines of the log that CloudWatch reads as metrics, with no call.

use metrics_cloudwatch_embedded::{Builder, Collector};

use crate::function::BoxError;

/// The namespace of all metrics.
const NAMESPACE: &str = "Voicemail";

/// What was measured since the last flush.
#[derive(Clone, Copy)]
pub(crate) struct Embedded(&'static Collector);

impl Embedded {
    /// Begins to record; once in a process.
    pub(super) fn install() -> Result<Self, BoxError> {
        Builder::new().cloudwatch_namespace(NAMESPACE).init().map(Self)
    }

    /// Writes what was measured since the last time.
    pub(super) fn flush(self) {
        if let Err(error) = self.0.flush(std::io::stdout().lock()) {
            tracing::warn!(%error, "the metrics of an invocation are lost");
        }
    }
}
