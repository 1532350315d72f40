//! One recording: fetched whole, or not at all.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};

use ureq::Body;
use ureq::http::{Response, Uri, header};

use crate::ended::Ended;
use crate::output::{Output, cannot};
use crate::service::Service;
use crate::web::{Fault, judged};

/// The most redirects that are followed: the service to its storage, and the storage to another of its hosts.
const MAX_REDIRECTS: usize = 5;

/// A recording of an export.
pub(crate) struct Recording<'a> {
    /// The file to make.
    pub(crate) name: &'a str,
    /// Where the service has it.
    pub(crate) path: String,
    /// How large it is.
    pub(crate) bytes: u64,
}

impl Recording<'_> {
    /// Fetches it; `before` bytes of the whole export are there.
    pub(crate) fn fetch(&self, service: &mut Service, output: &mut Output, before: u64) -> Result<(), Ended> {
        let fetched = service.signed(output, |service, authorization, output| {
            let mut file = output.part(self.name)?;
            let answer = open(service, &self.path, authorization)?;
            self.copy(answer, &mut file, output, before)?;
            Ok(output.whole(self.name, &file)?)
        });
        if fetched.is_err() {
            output.discard(self.name);
        }
        fetched
    }

    fn copy(
        &self,
        answer: Response<Body>,
        file: &mut File,
        output: &Output,
        before: u64,
    ) -> Result<(), Fault> {
        // One byte more than there should be shows that there are more.
        let mut reader = answer.into_body().into_with_config().limit(self.bytes.saturating_add(1)).reader();
        let mut buffer = vec![0; 64 * 1024];
        let mut bytes = 0;
        loop {
            let some = match reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(some) => buffer.get(..some).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    return Err(Fault::Passing(format!("{} was cut off: {error}.", self.name), None));
                }
            };
            file.write_all(some).map_err(|error| cannot(&output.path(self.name), &error))?;
            bytes += some.len() as u64;
            output.at(before + bytes);
            if bytes > self.bytes {
                break;
            }
        }
        if bytes == self.bytes {
            return Ok(());
        }
        let which = if bytes > self.bytes { "longer" } else { "shorter" };
        Err(Fault::Passing(
            format!("{} came {which} than the {} bytes that it has.", self.name, self.bytes),
            None,
        ))
    }
}

/// Asks the service, and goes where it says; from then on without the token, which is nobody else's.
fn open(service: &Service, path: &str, authorization: &str) -> Result<Response<Body>, Fault> {
    let mut url = format!("{}{path}", service.base);
    let mut authorization = Some(authorization);
    for _ in 0..=MAX_REDIRECTS {
        let answer = service.web.send(&url, authorization, None)?;
        let status = answer.status();
        if status.is_redirection() {
            let to = answer.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
            url = to.and_then(|to| redirected(&url, to)).ok_or_else(|| {
                Fault::Final(Ended::Failed("The service leads to where nobody should go.".into()))
            })?;
            authorization = None;
        } else if authorization.is_none() && !status.is_success() {
            // A link lives for minutes: the next try asks for a fresh one.
            return Err(Fault::Passing(format!("The storage answered {}.", status.as_u16()), None));
        } else {
            return judged(answer);
        }
    }
    Err(Fault::Final(Ended::Failed("The service leads in a circle.".into())))
}

/// Where a `Location` leads, unless away from HTTPS.
fn redirected(from: &str, to: &str) -> Option<String> {
    let uri: Uri = from.parse().ok()?;
    if to.starts_with('/') && !to.starts_with("//") {
        return Some(format!("{}://{}{to}", uri.scheme_str()?, uri.authority()?));
    }
    let is_safe =
        to.starts_with("https://") || (to.starts_with("http://") && uri.scheme_str() == Some("http"));
    is_safe.then(|| to.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_leads_anywhere_but_away_from_https() {
        let from = "https://a.example:444/v1/x?y";
        let leads = |from, to| redirected(from, to);
        assert_eq!(leads(from, "/z?s").as_deref(), Some("https://a.example:444/z?s"));
        assert_eq!(leads(from, "https://b.example/z").as_deref(), Some("https://b.example/z"));
        assert_eq!(leads("http://a/x", "http://b/z").as_deref(), Some("http://b/z"));
        for to in ["http://b.example/z", "//b.example/z", "ftp://b.example/z", "z", ""] {
            assert_eq!(leads(from, to), None, "{to}");
        }
    }
}
