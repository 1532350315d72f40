//! The function `deposit` on its own.

fn main() -> std::process::ExitCode {
    host::run(
        host::Function::new("deposit", deposit::routes)
            .storing()
            .on_drop(|host, key| Box::pin(deposit::on_drop(host, key)))
            .on_schedule(|host| Box::pin(deposit::on_schedule(host))),
    )
}
