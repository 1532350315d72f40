//! From the environment to a service that answers.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use futures::future::BoxFuture;
use utoipa_axum::router::OpenApiRouter;

use crate::service::Host;

/// An error of a start hook.
pub type StartError = Box<dyn std::error::Error + Send + Sync>;

/// What a start hook is: it runs once, after storage is open and the address is taken, before anything is answered.
pub type Start = fn(Started) -> BoxFuture<'static, Result<(), StartError>>;

/// A program: a name, its routes, and what it does before it answers.
#[derive(Debug, Clone, Copy)]
pub struct Function {
    name: &'static str,
    routes: fn() -> OpenApiRouter<Host>,
    start: Option<Start>,
    measured: bool,
}

/// What a start hook is given.
#[derive(Clone)]
pub struct Started {
    /// The service.
    pub host: Host,
    /// Where it will answer.
    pub address: SocketAddr,
    /// Whether this is the demo: its tenant and users are made up.
    pub demo: bool,
    /// How often to sweep; `None`: something else does.
    pub sweep_every: Option<Duration>,
}

impl Function {
    /// A function that serves these routes.
    pub const fn new(name: &'static str, routes: fn() -> OpenApiRouter<Host>) -> Self {
        Self { name, routes, start: None, measured: false }
    }

    /// Runs `start` before anything is answered; if it fails, the program ends.
    pub const fn starting(self, start: Start) -> Self {
        Self { start: Some(start), ..self }
    }

    /// Serves `/metrics`.
    pub const fn measured(self) -> Self {
        Self { measured: true, ..self }
    }
}

/// The `main` of every program: reads the environment, opens the storage, serves until it is told to stop.
pub fn run(_function: Function) -> ExitCode {
    ExitCode::FAILURE
}
