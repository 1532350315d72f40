//! The function `play` on its own.

fn main() -> std::process::ExitCode {
    host::run(host::Function::new("play", play::routes).playing())
}
