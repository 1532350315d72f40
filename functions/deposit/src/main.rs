//! The function `deposit` on its own.

fn main() -> std::process::ExitCode {
    host::run(
        host::Function::new("deposit", deposit::routes)
            .storing()
            .on_drop(|app, key| Box::pin(deposit::on_drop(app, key)))
            .on_schedule(|app| Box::pin(deposit::on_schedule(app))),
    )
}
