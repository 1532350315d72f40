//! The function `mwi-count` on its own.

fn main() -> std::process::ExitCode {
    host::run(host::Function::new("mwi-count", mwi_count::routes))
}
