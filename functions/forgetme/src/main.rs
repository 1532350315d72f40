//! The function `forgetme` on its own.

fn main() -> std::process::ExitCode {
    host::run(host::Function::new("forgetme", forgetme::routes).playing())
}
