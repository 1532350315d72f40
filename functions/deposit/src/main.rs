//! The function `deposit` on its own.

fn main() -> std::process::ExitCode {
    host::run(host::Function::new("deposit", deposit::routes))
}
