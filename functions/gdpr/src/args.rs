//! What the tool is called with.

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use clap::{Parser, ValueEnum};

use crate::ended::Ended;

const AFTER: &str = "\
Exactly one of --user and --client is needed; each may also come from the environment (GDPR_USER, GDPR_CLIENT), \
and be @FILE, a file that holds it. Where it is given as an option, the tool starts itself again without it, so that the list of \
processes does not show it.

Exit code: 0 done, 1 refused or failed (also a Forget Me whose case was undone), 2 wrong usage.";

/// Forgets a caller, takes that back, exports what a caller left, or tells how a case stands.
#[derive(Parser)]
#[command(name = "gdpr", version, after_help = AFTER)]
pub(crate) struct Args {
    /// The request: a JSON file, or a folder that holds it as input.json
    #[arg(short, long, value_name = "PATH")]
    pub(crate) input: PathBuf,
    /// Gets output.json, execution.log, and for an export the media
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// A user's token: a bearer token, or with --basic a user and a password
    #[arg(short, long, value_name = "TOKEN", conflicts_with = "client")]
    user: Option<String>,
    /// The user's token is tenant\user:password, or its Base64
    #[arg(long, conflicts_with = "client")]
    pub(crate) basic: bool,
    /// Client credentials, id:secret or their Base64; `$GWS_URL` gives the token
    #[arg(short, long, value_name = "CREDENTIAL")]
    client: Option<String>,
    /// What to do
    #[arg(short = 'p', long, value_enum, ignore_case = true)]
    pub(crate) operation: Operation,
    /// The service
    #[arg(long, env = "VOICEMAIL_URL")]
    pub(crate) url: String,
    /// Where below `$GWS_URL` tokens are asked for
    #[arg(long, value_name = "PATH", default_value = "/auth/v3/oauth/token")]
    pub(crate) token_path: String,
    /// How often a request is repeated after a passing fault
    #[arg(long, value_name = "TIMES", default_value_t = 4, value_parser = clap::value_parser!(u32).range(..=100))]
    pub(crate) retries: u32,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Operation {
    /// Hide all messages of these callers, and erase them within a day
    Forgetme,
    /// Take a Forget Me back
    #[value(alias = "undoforgot")]
    Undoforget,
    /// Fetch all messages of these callers
    Exportme,
    /// How a case stands, and its certificate once all is erased
    Status,
}

impl Operation {
    /// Its name.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// A credential as it was given, by the option or the variable.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum GivenCredential {
    /// Of a user.
    User(String),
    /// Of a client.
    Client(String),
}

impl Args {
    /// Reads the command line. Where it holds a credential, the process is replaced by one whose command line does not.
    pub(crate) fn read() -> Result<Self, Ended> {
        let args = Self::parse();
        let secret = |given: &Option<String>| given.clone().filter(|text| !text.starts_with('@'));
        match (secret(&args.user), secret(&args.client)) {
            (Some(user), _) => Err(args.again(("GDPR_USER", user), "GDPR_CLIENT")),
            (_, Some(client)) => Err(args.again(("GDPR_CLIENT", client), "GDPR_USER")),
            _ => Ok(args),
        }
    }

    /// Becomes the same with the credential in the environment, which only the same user can read; comes back only where that
    /// fails.
    fn again(&self, (name, secret): (&str, String), other: &str) -> Ended {
        let program = match std::env::current_exe() {
            Ok(program) => program,
            Err(error) => return Ended::Failed(format!("The tool cannot start itself again: {error}.")),
        };
        let mut again = Command::new(program);
        if let Some(own) = std::env::args_os().next() {
            again.arg0(own);
        }
        again.arg("--input").arg(&self.input).arg("--output").arg(&self.output);
        again.args(["--operation", &self.operation.name(), "--url", &self.url]);
        again.args(["--token-path", &self.token_path, "--retries", &self.retries.to_string()]);
        if self.basic {
            again.arg("--basic");
        }
        Ended::Failed(format!(
            "The tool cannot start itself again: {}.",
            again.env(name, secret).env_remove(other).exec()
        ))
    }

    /// The one credential: an option stands before the environment.
    pub(crate) fn given(&self, variable: impl Fn(&str) -> Option<String>) -> Result<GivenCredential, Ended> {
        let (user, client) = match (&self.user, &self.client) {
            (None, None) => (variable("GDPR_USER"), variable("GDPR_CLIENT")),
            (user, client) => (user.clone(), client.clone()),
        };
        match (user, client) {
            (Some(user), None) => Ok(GivenCredential::User(user)),
            (None, Some(client)) if !self.basic => Ok(GivenCredential::Client(client)),
            (None, Some(_)) => Err(Ended::Usage("--basic belongs to a user's token.".into())),
            _ => Err(Ended::Usage(
                "Exactly one of --user and --client is needed (or GDPR_USER or GDPR_CLIENT).".into(),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(more: &[&str]) -> Result<Args, clap::Error> {
        let least = ["gdpr", "-i", "in", "-o", "out", "-p", "exportme", "--url", "http://x"];
        Args::try_parse_from(least.iter().chain(more))
    }

    #[test]
    fn exactly_one_of_user_and_client_is_taken_and_an_option_stands_before_the_environment() {
        let both = |name: &str| Some(format!("{name} of the environment"));
        let user = args(&["-u", "a"]).unwrap().given(both);
        assert!(user.is_ok_and(|given| given == GivenCredential::User("a".into())));
        let client = args(&["-c", "a:b"]).unwrap().given(both);
        assert!(client.is_ok_and(|given| given == GivenCredential::Client("a:b".into())));
        assert!(args(&["-u", "a", "-c", "b"]).is_err());
        assert!(args(&["-c", "a:b", "--basic"]).is_err());
        let none = args(&[]).unwrap();
        assert!(matches!(none.given(both), Err(Ended::Usage(_))));
        assert!(matches!(none.given(|_| None), Err(Ended::Usage(_))));
        let one = none.given(|name| (name == "GDPR_USER").then(|| "a".into()));
        assert!(one.is_ok_and(|given| given == GivenCredential::User("a".into())));
    }

    #[test]
    fn undoforgot_is_undoforget() {
        let operation = Args::try_parse_from(["gdpr", "-i=a", "-o=b", "-p", "undoforgot", "--url=http://x"]);
        assert_eq!(operation.unwrap().operation, Operation::Undoforget);
    }
}
