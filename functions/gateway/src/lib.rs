//! Every function in one process: the service on one machine.

mod demo;

use std::sync::Arc;
use std::time::Duration;

use axum::{BoxError, Router};
use futures::future::BoxFuture;
use host::{App, StartContext};
use tokio::time::MissedTickBehavior;
use utoipa_axum::router::OpenApiRouter;

/// The routes of every function.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    [
        deposit::routes(),
        list::routes(),
        play::routes(),
        mark_read::routes(),
        delete::routes(),
        undo::routes(),
        mwi_count::routes(),
        mailboxes::routes(),
        forgetme::routes(),
        exportme::routes(),
        sweep::routes(),
    ]
    .into_iter()
    .fold(OpenApiRouter::new(), OpenApiRouter::merge)
}

/// Makes the demo's mailboxes and the route where its client gets tokens, where this is the demo. Begins with what a schedule
/// does: the sweep, and the drops that no event brought.
///
/// # Errors
/// The demo cannot be made.
pub fn start(context: StartContext) -> BoxFuture<'static, Result<Router<Arc<App>>, BoxError>> {
    Box::pin(async move {
        if context.demo {
            demo::make(&context.app).await?;
            demo::welcome(context.address)?;
        }
        if let Some(every) = context.sweep_every {
            tokio::spawn(tick_for_ever(context.app, every));
        }
        Ok(context.demo_secret.map_or_else(Router::new, demo::tokens))
    })
}

/// Sweeps, and takes the drops that no event brought.
///
/// # Errors
/// Something could not be done; the log says what, and the next run tries again.
pub async fn on_schedule(app: &App) -> Result<(), BoxError> {
    let swept = sweep::on_schedule(app).await;
    deposit::on_schedule(app).await.and(swept)
}

async fn tick_for_ever(app: Arc<App>, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // What fails of it is in the log.
        let _ = on_schedule(&app).await;
    }
}
