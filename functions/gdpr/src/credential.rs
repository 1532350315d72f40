//! How the tool signs in.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::args::GivenCredential;
use crate::ended::Ended;

/// A credential, ready to be sent. It has no `Debug`, so that nothing can print it.
#[derive(Clone)]
pub(crate) enum Credential {
    /// The `Authorization` of each request.
    User(String),
    /// The `Authorization` of the request for a token.
    Client(String),
}

impl Credential {
    /// Reads what was given: the credential, or `@FILE`, less a final line end.
    pub(crate) fn read(given: &GivenCredential, basic: bool) -> Result<Self, Ended> {
        let (GivenCredential::User(text) | GivenCredential::Client(text)) = given;
        let text = match text.strip_prefix('@') {
            Some(path) => &std::fs::read_to_string(path).map_err(|error| {
                Ended::Usage(format!("The file of the credential cannot be read: {error}."))
            })?,
            None => text,
        };
        let text = text.trim_end_matches(['\r', '\n']);
        match given {
            GivenCredential::Client(_) => pair(text).map(Self::Client).ok_or_else(|| {
                Ended::Usage("The client credentials are neither id:secret nor the Base64 of that.".into())
            }),
            GivenCredential::User(_) if basic => pair(text).map(Self::User).ok_or_else(|| {
                Ended::Usage("The token is neither tenant\\user:password nor the Base64 of that.".into())
            }),
            GivenCredential::User(_) => bearer(text).map(Self::User).ok_or_else(|| {
                Ended::Usage("The token is no bearer token; for a password say --basic.".into())
            }),
        }
    }
}

/// `Authorization: Bearer`, for what RFC 6750 lets be a token.
pub(crate) fn bearer(text: &str) -> Option<String> {
    let is_one = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    (!text.is_empty() && text.bytes().all(is_one)).then(|| format!("Bearer {text}"))
}

/// `Authorization: Basic` for `a:b`, or for the Base64 of it, which has no colon.
fn pair(text: &str) -> Option<String> {
    if text.contains(':') {
        return Some(format!("Basic {}", BASE64_STANDARD.encode(text)));
    }
    let decoded = BASE64_STANDARD.decode(text).ok()?;
    decoded.contains(&b':').then(|| format!("Basic {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(given: &GivenCredential, basic: bool) -> Option<String> {
        match Credential::read(given, basic) {
            Ok(Credential::User(header) | Credential::Client(header)) => Some(header),
            Err(ended) => {
                assert!(matches!(ended, Ended::Usage(_)));
                None
            }
        }
    }

    #[test]
    fn a_pair_is_taken_as_it_is_or_as_its_base64() {
        // RFC 7617, 2
        let sent = Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==".to_owned());
        for text in ["Aladdin:open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="] {
            assert_eq!(header(&GivenCredential::Client(text.into()), false), sent);
            assert_eq!(header(&GivenCredential::User(text.into()), true), sent);
        }
        for text in ["", "Aladdin", "b3BlbiBzZXNhbWU="] {
            assert_eq!(header(&GivenCredential::Client(text.into()), false), None, "{text}");
        }
    }

    #[test]
    fn a_credential_may_be_in_a_file_and_loses_its_line_end() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "abc.def.ghi\r\n").unwrap();
        let given = GivenCredential::User(format!("@{}", file.display()));
        assert_eq!(header(&given, false).as_deref(), Some("Bearer abc.def.ghi"));
        assert_eq!(header(&GivenCredential::User("@/no/such/file".into()), false), None);
    }

    #[test]
    fn what_could_be_no_token_is_never_sent() {
        for text in ["", "two words", "line\nend", "t\u{f6}ken"] {
            assert_eq!(header(&GivenCredential::User(text.into()), false), None, "{text}");
        }
    }
}
