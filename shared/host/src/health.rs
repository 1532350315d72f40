//! Whether this process lives, and whether what it needs does.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use futures::FutureExt as _;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::Instant;
use web::{Code, Problem};

use crate::app::App;

/// How long an answer is given again: whoever asks more often, without a token, costs the storage nothing.
const ANSWER_LIFETIME: Duration = Duration::from_secs(1);

/// How the storage was when it was last asked.
pub(crate) type LastReadiness = Arc<Mutex<Option<(Instant, Result<(), Problem>)>>>;

/// The process answers.
pub(crate) async fn lives() -> Response {
    Json(json!({"status": "up"})).into_response()
}

/// Every tenant's index and regions answer; else 503, which names neither.
pub(crate) async fn is_ready(app: &App, last: LastReadiness) -> Result<Response, Problem> {
    // Held while the storage is asked, so that it is asked once however many wait.
    let mut last = last.lock().await;
    let answer = match last.as_ref() {
        Some((at, answer)) if at.elapsed() < ANSWER_LIFETIME => answer.clone(),
        _ => {
            let answer = ping(app).await;
            *last = Some((Instant::now(), answer.clone()));
            answer
        }
    };
    answer.map(|()| Json(json!({"status": "ready"})).into_response())
}

async fn ping(app: &App) -> Result<(), Problem> {
    let pings = app.tenants().flat_map(|tenancy| {
        let metadata = async { tenancy.metadata().ping().await.map_err(Problem::from) }.boxed();
        let regions = tenancy.regions().map(|(_, recordings)| {
            async {
                let down = || Problem::new(Code::RegionUnavailable, "A region does not answer.");
                recordings.ping().await.map_err(|error| down().caused_by(error))
            }
            .boxed()
        });
        std::iter::once(metadata).chain(regions).collect::<Vec<_>>()
    });
    futures::future::try_join_all(pings).await.map(|_| ())
}
