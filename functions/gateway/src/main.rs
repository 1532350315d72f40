//! The voicemail service.

fn main() -> std::process::ExitCode {
    let all = host::Function::new("gateway", gateway::routes).storing().starting(gateway::start).measured();
    host::run(
        all.on_drop(|host, key| Box::pin(deposit::on_drop(host, key)))
            .on_schedule(|host| Box::pin(gateway::on_schedule(host))),
    )
}
