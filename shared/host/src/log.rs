//! The log: JSON lines on the standard error, times in RFC 3339, the level from `RUST_LOG` (default `info`).

use std::io::Write as _;

use tracing::Subscriber;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// What Azure's SDK says of its requests: their addresses, in which a platform's names of its drops stand, and so may a number.
const OF_REQUESTS: &str = "typespec_client_core::http::policies";

/// Begins to log.
pub(crate) fn start() {
    let wanted = std::env::var("RUST_LOG").ok().and_then(|wanted| wanted.parse().ok());
    let wanted = wanted.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
    // A second start keeps the first.
    let _ = lines(std::io::stderr, wanted).try_init();
    std::panic::set_hook(Box::new(|panic| {
        // A message that was put together may hold what a client sent; one that stands in the code does not.
        let said = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("(not shown)");
        let place = panic.location().map(ToString::to_string);
        tracing::error!(said, place, "a panic");
    }));
}

/// Log lines to `writer`, of the targets and levels that are wanted. Audit lines are written at any level, and what tells names
/// of objects at none.
pub(crate) fn lines(
    writer: impl for<'a> MakeWriter<'a> + Send + Sync + 'static,
    wanted: Targets,
) -> impl Subscriber + Send + Sync {
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_span_list(false);
    let lines = lines.with_writer(writer);
    let wanted = wanted.with_target("audit", LevelFilter::INFO).with_target(OF_REQUESTS, LevelFilter::OFF);
    tracing_subscriber::registry().with(lines).with(wanted)
}

/// Says a line on the standard output, for a person or a script that waits for it.
pub fn say(line: impl std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    // A closed output is no reason to stop.
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}
