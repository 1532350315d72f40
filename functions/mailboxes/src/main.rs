//! The function `mailboxes` on its own.

fn main() -> std::process::ExitCode {
    host::run(host::Function::new("mailboxes", mailboxes::routes))
}
