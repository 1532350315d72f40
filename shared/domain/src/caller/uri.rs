//! URIs and addresses: `tel:` (RFC 3966), `sip:` and `sips:` (RFC 3261, 19.1), `callto:`, a name-addr around one, `user@host`.

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::parameters::{decoded, parameters};
use super::spelling::{self, Spelling};

const SCHEMES: [&str; 4] = ["tel:", "sips:", "sip:", "callto:"];

/// The user and the host that a caller ID names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CallerAddress {
    /// A number or a name. Empty where a URI has a host alone.
    pub(super) user: String,
    /// The host, without its port; an IPv6 address in its brackets.
    pub(super) host: Option<String>,
    /// It stood in a URI, where parameters are no part of a name.
    is_uri: bool,
}

impl CallerAddress {
    /// The number that it is.
    pub(super) fn number(&self) -> Option<Spelling> {
        spelling::digits(&self.user, self.host.is_some())
    }

    /// What is kept of it where it is no number.
    pub(super) fn text(&self) -> Cow<'_, str> {
        let name = if self.is_uri { parameters(&self.user).0 } else { &self.user };
        match &self.host {
            None => Cow::Borrowed(name),
            Some(host) if name.is_empty() => Cow::Borrowed(host),
            Some(host) => Cow::Owned(format!("{name}@{host}")),
        }
    }
}

/// Reads one caller ID: a URI, `user@host`, or a number or text without a host.
pub(super) fn read(text: &str) -> CallerAddress {
    let text = inside(text);
    let Some(rest) = without_scheme(text) else {
        let (user, host) = match text.split_once('@') {
            Some((user, rest)) => (user.trim(), Some(host(rest))),
            None if is_ipv4(text) && !is_in_pairs(text) => ("", Some(text.to_owned())),
            None => (text, None),
        };
        return CallerAddress { user: user.to_owned(), host, is_uri: false };
    };
    let is_sip = text.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("sip"));
    let (user, host) = match rest.split_once('@') {
        Some((user, rest)) => (user, Some(host(rest))),
        None => match Some(host(rest)).filter(|host| is_sip && is_machine(host)) {
            Some(host) => ("", Some(host)),
            None => (rest, None),
        },
    };
    // A password, and headers, are no part of who called; parameters may be the number's.
    let user = user.split([':', '?']).next().unwrap_or(user);
    CallerAddress { user: decoded(user), host, is_uri: true }
}

/// Whether something stands behind the host that is no part of an address.
pub(super) fn has_more(text: &str) -> bool {
    let rest = inside(text).split_once('@').map_or("", |(_, rest)| rest);
    let behind = rest.find([';', '?', '>', ' ']).and_then(|end| rest.get(end..)).unwrap_or_default();
    behind.starts_with(' ')
        && !behind.trim_start().is_empty()
        && !behind.trim_start().starts_with([';', '?', '>'])
}

/// What stands in `<…>` of a name-addr (RFC 3261, 20.10), else the whole.
fn inside(text: &str) -> &str {
    let Some((_, rest)) = text.rsplit_once('<') else { return text };
    rest.split_once('>').map_or(rest, |(inside, _)| inside).trim()
}

fn without_scheme(text: &str) -> Option<&str> {
    let begins =
        |scheme: &&str| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    let scheme = SCHEMES.into_iter().find(|scheme| begins(scheme))?;
    let rest = text.get(scheme.len()..)?;
    Some(rest.strip_prefix("//").unwrap_or(rest).trim())
}

/// Whether the host of a URI without a user is a machine, and no number.
fn is_machine(host: &str) -> bool {
    is_ipv4(host) || host.starts_with('[') || host.contains(char::is_alphabetic)
}

/// Whether it is an IPv4 address.
pub(super) fn is_ipv4(text: &str) -> bool {
    text.parse::<Ipv4Addr>().is_ok()
}

/// Whether a text may as well be a number, written in pairs as in Denmark: `12.34.56.78`.
fn is_in_pairs(text: &str) -> bool {
    text.split('.').all(|part| part.len() == 2)
}

/// The host, without port, parameters and headers. An IPv6 address, with or without brackets, in its one form (RFC 5952).
fn host(rest: &str) -> String {
    let whole = rest.get(..rest.find([';', '?', '>', ' ', ',']).unwrap_or(rest.len())).unwrap_or(rest);
    let (address, _) = whole.strip_prefix('[').and_then(|rest| rest.split_once(']')).unwrap_or((whole, ""));
    match address.parse::<Ipv6Addr>() {
        Ok(address) => format!("[{address}]"),
        Err(_) if whole.starts_with('[') => format!("[{address}]"),
        Err(_) => whole.split(':').next().unwrap_or(whole).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_names_a_user_at_a_host() {
        for (text, user, host) in [
            ("tel:+49-30-1234567;ext=12", "+49-30-1234567;ext=12", None),
            ("tel://+49301234567", "+49301234567", None),
            ("callto:+49301234567", "+49301234567", None),
            ("SIPS:+4930:secret@pbx.example:5061;transport=tls", "+4930", Some("pbx.example")),
            ("sip:%2B4930%20123@pbx", "+4930 123", Some("pbx")),
            ("\"Doe, J\" <sip:alice@[2001:db8::1]:5060;x=y>;tag=1", "alice", Some("[2001:db8::1]")),
            ("sip:gw1.example.com:5060;transport=udp", "", Some("gw1.example.com")),
            ("sip:[2001:db8::2]", "", Some("[2001:db8::2]")),
            ("sip:10.0.0.1:5060", "", Some("10.0.0.1")),
            ("sip:20.20.30.40", "", Some("20.20.30.40")),
            ("20.20.30.40", "20.20.30.40", None),
            ("alice@2001:DB8::1", "alice", Some("[2001:db8::1]")),
            ("sip:alice@[2001:0db8:0:0::1]", "alice", Some("[2001:db8::1]")),
            ("sip:2001:db8::2", "", Some("[2001:db8::2]")),
            ("sip:5001", "5001", None),
            ("sip:+49301234567;user=phone", "+49301234567;user=phone", None),
            ("alice@pbx.example;tag=1", "alice", Some("pbx.example")),
            ("Front Desk", "Front Desk", None),
        ] {
            let address = read(text);
            assert_eq!((address.user.as_str(), address.host.as_deref()), (user, host), "{text}");
        }
    }
}
