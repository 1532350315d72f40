//! `gdpr`, the command line tool of data protection officers: Forget Me, its undo, Export Me, and how a case stands.
//!
//! One thing is done at a time, so there is no runtime. What the person asked about is in `output.json` and in the media
//! alone; `execution.log` and whatever is written to the terminal say what happened, without a caller's number.

mod args;
mod certificate;
mod credential;
mod download;
mod ended;
mod export;
mod input;
mod interrupt;
mod numbers;
mod operation;
mod output;
mod refusal;
mod service;
mod web;

use std::io::Write as _;
use std::process::ExitCode;

use args::Args;
use ended::Ended;

/// The `main` of the tool: 0 done, 1 refused or failed, 2 wrong usage.
pub fn run() -> ExitCode {
    let (code, sentence) = match Args::read().and_then(|args| operation::run(&args)) {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Ended::Failed(sentence)) => (1, sentence),
        Err(Ended::Usage(sentence)) => (2, format!("{sentence} See gdpr --help.")),
    };
    // Where nobody reads it any more, the code still tells.
    let _ = writeln!(std::io::stderr(), "gdpr: {sentence}");
    ExitCode::from(code)
}
