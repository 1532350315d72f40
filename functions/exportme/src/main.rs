//! The function `exportme` on its own.

fn main() -> std::process::ExitCode {
    host::run(host::Function::new("exportme", exportme::routes).playing())
}
