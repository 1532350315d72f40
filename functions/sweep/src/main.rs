//! The function `sweep` on its own.

fn main() -> std::process::ExitCode {
    host::run(
        host::Function::new("sweep", sweep::routes)
            .storing()
            .on_schedule(|app| Box::pin(sweep::on_schedule(app))),
    )
}
