//! The function `mark-read` on its own.

fn main() -> std::process::ExitCode {
    host::run(host::Function::new("mark-read", mark_read::routes))
}
