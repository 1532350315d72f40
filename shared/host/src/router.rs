//! A function's routes with everything around them, the same on a socket, in a function and in a test.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::{Json, Router, middleware};
use axum::{body::Bytes, extract::State, routing::get};
use jsonwebtoken::jwk::JwkSet;
use tokio::sync::Semaphore;
use tower_http::cors::{AllowHeaders, CorsLayer, ExposeHeaders};
use utoipa_axum::router::OpenApiRouter;
use web::layers::{LayerContext, in_turn, surround};
use web::{Code, Problem, etag, openapi};

use crate::app::App;
use crate::health;
use crate::metrics::Metrics;

/// How the routes are served.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many requests may be under way; those over it wait up to a second, then 503 `busy`.
    pub max_requests: usize,
    /// The origins that CORS allows.
    pub origins: Vec<HeaderValue>,
    /// Serves `/metrics`.
    pub metrics: Option<Metrics>,
    /// What `/openapi.json` answers, where it is not the document of the routes.
    pub document: Option<&'static str>,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_requests: 512, origins: Vec::new(), metrics: None, document: None }
    }
}

/// What a page of another origin may read of an answer's head.
const EXPOSED: [HeaderName; 8] = [
    header::ACCEPT_RANGES,
    header::CONTENT_DISPOSITION,
    header::CONTENT_RANGE,
    header::ETAG,
    header::LOCATION,
    header::RETRY_AFTER,
    header::WWW_AUTHENTICATE,
    HeaderName::from_static("x-request-id"),
];

/// The routes with everything around them, and `/healthz`, `/readyz` and `/openapi.json` beside them.
pub fn router(app: Arc<App>, routes: OpenApiRouter<Arc<App>>, options: &Options) -> Router {
    let (routes, its) = routes.split_for_parts();
    let document = options.document.map_or_else(|| openapi::text(its).into(), Bytes::from);
    let json = HeaderValue::from_static("application/json");
    let last = health::LastReadiness::default();
    let mut routes = routes
        .route("/healthz", get(health::lives))
        .route(
            "/readyz",
            get(|State(app): State<Arc<App>>| async move { health::is_ready(&app, last).await }),
        )
        .route("/.well-known/voicemail-jwks.json", get(key_set))
        .route("/openapi.json", get(async |headers: HeaderMap| etag::bytes(&headers, json, document)))
        .fallback(async || no_route());
    if let Some(metrics) = options.metrics.clone() {
        let text = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
        routes = routes.route("/metrics", get(async move || (text, metrics.render())));
    }
    let turns = Arc::new(Semaphore::new(options.max_requests));
    let layer = LayerContext { random: Arc::clone(&app.random), counts: options.metrics.is_some() };
    let mut routes = routes.with_state(app).layer(middleware::from_fn_with_state(turns, in_turn));
    // Around the turns: a page of another origin must be able to read that the service is busy, too.
    if !options.origins.is_empty() {
        let cors = CorsLayer::new()
            .allow_origin(options.origins.clone())
            .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers(ExposeHeaders::from(EXPOSED));
        routes = routes.layer(cors);
    }
    routes.layer(middleware::from_fn_with_state(Arc::new(layer), surround))
}

/// What is asked for where nothing is.
pub(crate) fn no_route() -> Problem {
    Problem::new(Code::NotFound, "There is no such route; see /openapi.json.")
}

/// The public keys of certificates of erasure.
async fn key_set(State(app): State<Arc<App>>) -> Json<JwkSet> {
    Json(app.certificate_key.key_set())
}

#[cfg(test)]
#[path = "router_tests.rs"]
mod tests;
