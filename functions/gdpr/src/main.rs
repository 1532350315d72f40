//! The tool of data protection officers.

fn main() -> std::process::ExitCode {
    gdpr::run()
}
