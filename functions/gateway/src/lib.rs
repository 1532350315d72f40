//! Every function in one process: the service on one machine.

mod demo;

use std::time::Duration;

use axum::Router;
use futures::future::BoxFuture;
use host::{BoxError, Host, Started};
use tokio::time::MissedTickBehavior;
use utoipa_axum::router::OpenApiRouter;

/// The routes of every function.
pub fn routes() -> OpenApiRouter<Host> {
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

/// Makes the demo's mailboxes and the place where its client gets tokens, where this is the demo, and begins with what a schedule does: the sweep, and drops that no
/// event brought.
pub fn start(started: Started) -> BoxFuture<'static, Result<Router<Host>, BoxError>> {
    Box::pin(async move {
        if started.demo {
            demo::make(&started.host).await?;
            demo::welcome(started.address)?;
        }
        if let Some(every) = started.sweep_every {
            tokio::spawn(tick_for_ever(started.host, every));
        }
        Ok(started.demo_secret.map_or_else(Router::new, demo::tokens))
    })
}

/// Sweeps, and takes the drops that no event brought.
///
/// # Errors
/// Something could not be done; the log says what, and the next run tries again.
pub async fn on_schedule(host: &Host) -> Result<(), BoxError> {
    let swept = sweep::on_schedule(host).await;
    deposit::on_schedule(host).await.and(swept)
}

async fn tick_for_ever(host: Host, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // What fails of it is in the log.
        let _ = on_schedule(&host).await;
    }
}
