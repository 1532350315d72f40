//! The voicemail service.

fn main() -> std::process::ExitCode {
    let all = host::Function::new("gateway", gateway::routes).storing().starting(gateway::start).measured();
    host::run(
        all.on_drop(|app, key| Box::pin(deposit::on_drop(app, key)))
            .on_schedule(|app| Box::pin(gateway::on_schedule(app))),
    )
}
