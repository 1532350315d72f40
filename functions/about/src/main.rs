//! The function `about` on its own.

fn main() -> std::process::ExitCode {
    host::run(host::Function::new("about", about::routes).playing().documented(about::DOCUMENT))
}
