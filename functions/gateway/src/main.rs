//! The voicemail service.

fn main() -> std::process::ExitCode {
    host::run(host::Function::new("gateway", gateway::routes).storing().starting(gateway::start).measured())
}
