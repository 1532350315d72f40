//! The service, as one who signs in: requests that are repeated after passing faults, and a token where one is needed.

use std::time::Duration;

use serde_json::Value;

use crate::args::Args;
use crate::credential::{Credential, bearer};
use crate::ended::Ended;
use crate::output::Output;
use crate::web::{Fault, Web, address, json, judged};

/// The longest wait that is accepted of `Retry-After`.
const MAX_WAIT: Duration = Duration::from_mins(5);
/// The service.
pub(crate) struct Service {
    pub(crate) web: Web,
    pub(crate) base: String,
    credential: Credential,
    token_url: String,
    token: Option<String>,
    retries: u32,
}

impl Service {
    /// The service at `--url`; nothing is asked yet.
    pub(crate) fn new(args: &Args, credential: Credential) -> Result<Self, Ended> {
        let token_url = match (&credential, std::env::var("GWS_URL")) {
            (Credential::User(_), _) => String::new(),
            (Credential::Client(_), Ok(base)) => format!("{}{}", address("GWS_URL", &base)?, args.token_path),
            (Credential::Client(_), Err(_)) => {
                return Err(Ended::Usage("GWS_URL is not set: where tokens are asked for.".into()));
            }
        };
        let base = address("--url", &args.url)?;
        let web = Web::new(base.starts_with("https:"));
        Ok(Self { web, base, credential, token_url, token: None, retries: args.retries })
    }

    /// GET, or POST of a body: the JSON that is answered.
    pub(crate) fn ask(
        &mut self,
        output: &mut Output,
        path: &str,
        body: Option<&str>,
    ) -> Result<Value, Ended> {
        self.signed(output, |service, authorization, _| {
            let url = format!("{}{path}", service.base);
            let body = body.map(|body| ("application/json", body));
            json(judged(service.web.send(&url, Some(authorization), body)?)?)
        })
    }

    /// Does it signed in, with a fresh token if a client's has expired meanwhile.
    pub(crate) fn signed<T>(
        &mut self,
        output: &mut Output,
        mut once: impl FnMut(&Self, &str, &mut Output) -> Result<T, Fault>,
    ) -> Result<T, Ended> {
        let mut may_renew = self.token.is_some();
        loop {
            let authorization = self.authorization(output)?;
            let done = persist(self.retries, output, |output| once(self, &authorization, output));
            match done {
                Ok(done) => return Ok(done),
                Err(Fault::NotSignedIn(_)) if may_renew => (self.token, may_renew) = (None, false),
                Err(Fault::NotSignedIn(why) | Fault::Passing(why, _)) => return Err(Ended::Failed(why)),
                Err(Fault::Final(ended)) => return Err(ended),
            }
        }
    }

    fn authorization(&mut self, output: &mut Output) -> Result<String, Ended> {
        let client = match (&self.credential, &self.token) {
            (Credential::User(header), _) | (_, Some(header)) => return Ok(header.clone()),
            (Credential::Client(client), None) => client,
        };
        let form = ("application/x-www-form-urlencoded", "grant_type=client_credentials");
        let asked = persist(self.retries, output, |_| {
            json(judged(self.web.send(&self.token_url, Some(client), Some(form))?)?)
        });
        let answer = asked.map_err(|fault| match fault {
            Fault::Final(Ended::Failed(why)) | Fault::NotSignedIn(why) | Fault::Passing(why, _) => {
                Ended::Failed(format!("No token for the client: {why}"))
            }
            Fault::Final(ended) => ended,
        })?;
        let token = answer.get("access_token").and_then(Value::as_str).and_then(bearer);
        let token = token.ok_or_else(|| Ended::Failed("The answer to the client holds no token.".into()))?;
        self.token = Some(token.clone());
        Ok(token)
    }
}

/// Repeats after passing faults, as often as that is allowed, and when the service says.
fn persist<T>(
    retries: u32,
    output: &mut Output,
    mut once: impl FnMut(&mut Output) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let mut tried = 0;
    loop {
        let (why, after) = match once(output) {
            Err(Fault::Passing(why, after)) => (why, after),
            other => return other,
        };
        let wait = after.unwrap_or_else(|| Duration::from_secs(1 << tried.min(5)));
        if tried == retries || wait > MAX_WAIT {
            return Err(Fault::Passing(why, after));
        }
        tried += 1;
        output.say(&format!("{why} Trying again in {} s.", wait.as_secs()))?;
        std::thread::sleep(wait);
    }
}
