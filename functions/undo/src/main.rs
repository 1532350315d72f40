//! The function `undo` on its own.

fn main() -> std::process::ExitCode {
    host::run(host::Function::new("undo", undo::routes).playing())
}
