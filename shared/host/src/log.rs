//! The log: JSON lines on the standard error, times in RFC 3339, the level from `RUST_LOG` (default `info`).

use std::io::Write as _;

use tracing::Subscriber;
use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Begins to log.
pub(crate) fn start() {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    // A second start keeps the first.
    let _ = lines(std::io::stderr, filter).try_init();
    std::panic::set_hook(Box::new(|panic| {
        // A message that was put together may hold what a caller sent; one that stands in the code does not.
        let said = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("(not shown)");
        let place = panic.location().map(ToString::to_string);
        tracing::error!(said, place, "a panic");
    }));
}

/// Log lines to `writer`. Audit lines are written at any level.
pub(crate) fn lines(
    writer: impl for<'a> MakeWriter<'a> + Send + Sync + 'static,
    filter: EnvFilter,
) -> impl Subscriber + Send + Sync {
    let filter = match "audit=info".parse() {
        Ok(audit) => filter.add_directive(audit),
        Err(_) => filter,
    };
    let lines = tracing_subscriber::fmt().json().flatten_event(true).with_span_list(false);
    lines.with_writer(writer).with_env_filter(filter).finish()
}

/// Says a line on the standard output, for a person or a script that waits for it.
pub fn say(line: impl std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    // A closed output is no reason to stop.
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}
