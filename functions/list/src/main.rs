//! The function `list` on its own.

fn main() -> std::process::ExitCode {
    host::run(host::Function::new("list", list::routes))
}
