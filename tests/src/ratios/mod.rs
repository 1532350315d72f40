//! How fast the service is against plain work of the same kind. Alternatives take turns in short rounds of one run, so
//! that whatever else the machine does slows each of them; what counts is the median of the rounds' ratios.

mod client;
mod deposit;
mod mwi;
mod page;
mod service;

use std::process::ExitCode;
use std::time::Duration;

use self::service::Running;

/// How much is measured.
struct Plan {
    rounds: usize,
    /// For how long requests are counted in a round.
    time: Duration,
    /// How many messages each client deposits in a round.
    deposits: usize,
    /// How many messages the large mailbox holds.
    messages: usize,
    /// How many pages are read in a round.
    pages: usize,
    /// Whether it ends in a failure where a ratio is missed.
    judges: bool,
}

const WHOLE: Plan = Plan {
    rounds: 15,
    time: Duration::from_millis(300),
    deposits: 8,
    messages: 10_000,
    pages: 20,
    judges: true,
};
const ONCE: Plan =
    Plan { rounds: 1, time: Duration::from_millis(100), deposits: 1, messages: 200, pages: 2, judges: false };

/// A comparison.
struct Row {
    what: String,
    /// What was measured of the service, and of what it is compared with.
    figures: [String; 2],
    /// The service's speed in that of the other.
    ratio: f64,
    /// What was asked for, and whether it is so.
    floor: Option<(&'static str, bool)>,
}

/// The program: measures, or is the service that is measured.
pub fn run() -> ExitCode {
    let plan = match std::env::args().nth(1).as_deref() {
        Some(service::ARGUMENT) => return service::serve(),
        Some("--once") => ONCE,
        _ => WHOLE,
    };
    let service = Running::start();
    let rows =
        [mwi::measure(&service, &plan), deposit::measure(&service, &plan), page::measure(&service, &plan)];
    let rows: Vec<Row> = rows.into_iter().flatten().collect();
    host::say(format_args!("{:<68} {:>9} {:>9} {:>6}", "", "service", "other", "ratio"));
    let mut missed = false;
    for Row { what, figures: [ours, plain], ratio, floor } in rows {
        let floor = match floor.filter(|_| plan.judges) {
            Some((asked, true)) => format!("  {asked}"),
            Some((asked, false)) => {
                missed = true;
                format!("  {asked}: MISSED")
            }
            None => String::new(),
        };
        host::say(format_args!("{what:<68} {ours:>9} {plain:>9} {ratio:>6.2}{floor}"));
    }
    if missed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Lets alternatives take turns, each first in as many rounds as the others; their figures, round by round.
fn in_turns<const N: usize>(rounds: usize, mut measure: impl FnMut(usize) -> f64) -> Vec<[f64; N]> {
    (0..rounds)
        .map(|round| {
            let mut figures = [0.0; N];
            for turn in 0..N {
                let which = (round + turn) % N;
                figures[which] = measure(which);
            }
            figures
        })
        .collect()
}

/// The one in the middle.
fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = figures.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
