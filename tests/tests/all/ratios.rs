//! The measurements of `tests/ratios` do not rot: a short round of each, without judging how fast it is.

use std::process::Command;

#[test]
fn each_ratio_can_be_measured() {
    let measured = Command::new(env!("CARGO_BIN_EXE_ratios")).arg("--once").output().unwrap();
    assert!(measured.status.success(), "{}", String::from_utf8_lossy(&measured.stderr));
    let table = String::from_utf8(measured.stdout).unwrap();
    for what in ["mwi-count", "deposit", "a page of 50"] {
        assert!(table.contains(what), "{what} is not in the table:\n{table}");
    }
}
