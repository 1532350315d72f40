//! The function `delete` on its own.

fn main() -> std::process::ExitCode {
    host::run(host::Function::new("delete", delete::routes))
}
