//! Ctrl-C, and the end that a pipeline asks for: one sentence, and the exit code of what was not done.

use std::fs::File;
use std::io::Write as _;

const SENTENCE: &str =
    "Interrupted. No file is half under its final name; the same command once more goes on from here.";

/// From now on an interruption is told, in this log as well. Where somebody has decided otherwise, as `nohup` does, it stays so.
pub(crate) fn is_told(mut log: File) {
    let _ = ctrlc::try_set_handler(move || {
        let _ = writeln!(log, "{:.3} {SENTENCE}", jiff::Timestamp::now());
        // Below a progress bar.
        let _ = writeln!(std::io::stderr(), "\ngdpr: {SENTENCE}");
        std::process::exit(1);
    });
}
