//! What a target may cost, whatever it is given.

use std::time::{Duration, Instant};

/// The longest that one input may keep a processor.
const SLOWEST: Duration = Duration::from_secs(1);

/// Runs it.
///
/// # Panics
///
/// Where it keeps the processor for longer than a second.
pub fn cheap<T>(run: impl Fn() -> T) -> T {
    let begun = Instant::now();
    let ran = run();
    // On a machine that is busy with something else it may merely have waited.
    if begun.elapsed() >= SLOWEST {
        let before = on_processor();
        run();
        let took = on_processor().saturating_sub(before);
        assert!(took < SLOWEST, "{took:?} for one input");
    }
    ran
}

/// How long this thread has run (proc(5)).
fn on_processor() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(told.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or_default())
}
