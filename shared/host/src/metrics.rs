//! Numbers about requests, as Prometheus reads them.

/// The recorder that `/metrics` renders.
#[derive(Debug, Clone)]
pub struct Metrics(metrics_exporter_prometheus::PrometheusHandle);
