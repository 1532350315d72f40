//! The steps of the storages, as `docs/protocol.md` tells them. `docs/protocol_check.py` takes every order of them, with crashes and
//! lost answers, and leaves each rule out once.
//!
//! `VOICEMAIL_TESTS=long`: the whole, in two minutes or three instead of half a minute.

use std::path::Path;
use std::process::Command;

use tests::http::is_long;

/// A run that checks less has lost some of them.
const SCENARIOS: usize = 107;
const CONTROLS: usize = 80;

#[test]
fn the_steps_of_the_protocol_hold_and_each_rule_left_out_breaks_a_promise() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs");
    let form = if is_long() { "long" } else { "short" };
    let run = Command::new("python3").arg(docs.join("protocol_check.py")).arg(form).output();
    let run = run.expect("python3 is there; tests/run installs it");
    let told = String::from_utf8_lossy(&run.stdout);
    let all = format!("{told}{}", String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{all}");
    // `short: 86 of 86 scenarios hold, 73 of 73 controls break, …`
    let summary = told.lines().last().unwrap_or_default();
    let count = |what: &str| -> usize {
        let numbers = summary.split([':', ',']).map(str::trim).find_map(|part| part.strip_suffix(what));
        let held = numbers.and_then(|numbers| numbers.split_whitespace().next()?.parse().ok());
        held.unwrap_or_else(|| panic!("it tells how many {what}: {all}"))
    };
    assert!(summary.starts_with(form), "{all}");
    assert!(count("scenarios hold") >= SCENARIOS, "{all}");
    assert!(count("controls break") >= CONTROLS, "{all}");
}
