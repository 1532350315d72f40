//! Measures the service against plain work of the same kind: `tests/ratios`.

fn main() -> std::process::ExitCode {
    tests::ratios::run()
}
