//! A program of the service: its name, its routes, and what else calls it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::{BoxError, Router};
use futures::future::BoxFuture;
use identity::Secret;
use storage::DropKey;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::storage_use::StorageUse;

/// What a start hook is: it runs once, after storage is open and the address is taken, before anything is answered.
/// Only on a socket. The routes that it gives are served beside the function's, and are no part of the contract.
pub type StartHook = fn(StartContext) -> BoxFuture<'static, Result<Router<Arc<App>>, BoxError>>;

/// What takes a recording that was dropped into a bucket. An error has the event sent again.
pub type OnDrop = for<'a> fn(&'a Arc<App>, &'a DropKey) -> BoxFuture<'a, Result<(), BoxError>>;

/// What a schedule calls. An error is told to who watches the schedule.
pub type OnSchedule = for<'a> fn(&'a Arc<App>) -> BoxFuture<'a, Result<(), BoxError>>;

/// A program.
#[derive(Debug, Clone, Copy)]
pub struct Function {
    pub(crate) name: &'static str,
    pub(crate) routes: fn() -> OpenApiRouter<Arc<App>>,
    pub(crate) start: Option<StartHook>,
    pub(crate) document: Option<&'static str>,
    pub(crate) measured: bool,
    pub(crate) storage: StorageUse,
    pub(crate) events: EventHandlers,
}

/// What a function does for events that are no HTTP requests.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct EventHandlers {
    pub(crate) on_drop: Option<OnDrop>,
    pub(crate) on_schedule: Option<OnSchedule>,
}

/// An object of a bucket, or a blob of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) bucket: String,
    pub(crate) key: String,
}

impl EventHandlers {
    /// For objects that came into a bucket. All of them are tried, also where one fails.
    pub(crate) async fn dropped(&self, app: &Arc<App>, objects: &[Object]) -> Result<(), BoxError> {
        let on_drop = self.on_drop.ok_or("this function takes no drops")?;
        let mut failed = None;
        for Object { bucket, key } in objects {
            let Some(drop) = app.drop_key(bucket, key) else {
                tracing::warn!(
                    bucket,
                    "an event tells of an object that is no drop of a tenant of this installation"
                );
                continue;
            };
            if let Err(error) = on_drop(app, &drop).await {
                failed = Some(error);
            }
        }
        failed.map_or(Ok(()), Err)
    }
}

/// What a start hook is given.
#[derive(Clone)]
pub struct StartContext {
    /// The app.
    pub app: Arc<App>,
    /// Where it will answer.
    pub address: SocketAddr,
    /// Whether this is the demo: its tenant and users are made up.
    pub demo: bool,
    /// In the demo, and unless an issuer signs tokens, what they are signed with.
    pub demo_secret: Option<Secret>,
    /// How often to sweep; `None`: something else does.
    pub sweep_every: Option<Duration>,
}

impl Function {
    /// A function that serves these routes.
    pub const fn new(name: &'static str, routes: fn() -> OpenApiRouter<Arc<App>>) -> Self {
        Self {
            name,
            routes,
            start: None,
            document: None,
            measured: false,
            storage: StorageUse::METADATA,
            events: EventHandlers { on_drop: None, on_schedule: None },
        }
    }

    /// Runs `start` before anything is answered; if it fails, the program ends.
    pub const fn starting(self, start: StartHook) -> Self {
        Self { start: Some(start), ..self }
    }

    /// Serves this as `/openapi.json`, in place of the document of its own routes.
    pub const fn documented(self, document: &'static str) -> Self {
        Self { document: Some(document), ..self }
    }

    /// Serves `/metrics`.
    pub const fn measured(self) -> Self {
        Self { measured: true, ..self }
    }

    /// Hands out recordings.
    pub const fn playing(self) -> Self {
        Self { storage: StorageUse::RECORDINGS, ..self }
    }

    /// Stores or erases recordings, so that its start looks whether the storage is fit for that.
    pub const fn storing(self) -> Self {
        Self { storage: StorageUse::STORE, ..self }
    }

    /// Takes recordings that are dropped into a bucket.
    pub const fn on_drop(mut self, on_drop: OnDrop) -> Self {
        self.events.on_drop = Some(on_drop);
        self
    }

    /// Does what a schedule asks for.
    pub const fn on_schedule(mut self, on_schedule: OnSchedule) -> Self {
        self.events.on_schedule = Some(on_schedule);
        self
    }
}
