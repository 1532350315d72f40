//! A caller as a keyed hash: what names, keys, tags, indexes, cases and logs may show.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::ZeroizeOnDrop;

use crate::caller::Caller;
use crate::names::{MailboxId, TenantId, name};

/// The version of the key, first in every subject, so that a later key can live beside this one.
const VERSION: &str = "1.";

name!(
    /// HMAC-SHA-256 of a caller under the tenant's key, as `1.` and 43 characters of URL-safe Base64.
    Subject, is_subject, "a subject is `1.` and 43 characters of URL-safe Base64"
);

fn is_subject(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    text.strip_prefix(VERSION).is_some_and(|hash| hash.len() == 43 && hash.bytes().all(plain))
}

impl Subject {
    /// The hash alone: 43 characters.
    pub fn hash(&self) -> &str {
        self.0.strip_prefix(VERSION).unwrap_or(&self.0)
    }
}

/// A tenant's keys: HMAC of the tenant's id, and of what a key is for, under the installation's subject key. Never
/// printed, wiped when dropped. No id of a tenant holds a NUL, and a caller may be any text: so no caller of any tenant
/// has a hash that is one of these keys.
#[derive(Clone, ZeroizeOnDrop)]
pub struct TenantKey {
    callers: [u8; 32],
    calls: [u8; 32],
    links: [u8; 32],
}

impl TenantKey {
    /// Derives them.
    pub fn new(installation: &[u8], tenant: &TenantId) -> Self {
        let key = |purpose: &[u8]| hmac(installation, &[tenant.as_str().as_bytes(), purpose]);
        Self { callers: key(b""), calls: key(b"\0calls"), links: key(b"\0links") }
    }

    /// The hash of a caller.
    pub fn subject(&self, caller: &Caller) -> Subject {
        let hash = hmac(&self.callers, &[caller.reveal().as_bytes()]);
        Subject(format!("{VERSION}{}", BASE64_URL_SAFE_NO_PAD.encode(hash)))
    }

    /// The signature of a link that says this.
    pub fn sign_link(&self, says: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(hmac(&self.links, &[says.as_bytes()]))
    }

    /// The random part of a call's message id.
    pub(crate) fn call(&self, mailbox: &MailboxId, call_id: &str) -> [u8; 10] {
        let hash = hmac(&self.calls, &[mailbox.as_str().as_bytes(), &[0], call_id.as_bytes()]);
        let mut bytes = [0; 10];
        bytes.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        bytes
    }
}

impl fmt::Debug for TenantKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TenantKey(…)")
    }
}

#[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::Country;

    fn key(tenant: &str) -> TenantKey {
        TenantKey::new(b"a secret of the installation, 32+", &tenant.parse().unwrap())
    }

    #[test]
    fn a_subject_is_the_hash_of_the_caller_under_the_tenants_key() {
        let caller = Caller::read("030 1234", "DE".parse::<Country>().unwrap()).unwrap();
        let subject = key("a").subject(&caller);
        assert_eq!(subject, key("a").subject(&caller));
        assert_ne!(subject, key("b").subject(&caller));
        assert_eq!(subject.as_str().parse::<Subject>(), Ok(subject.clone()));
        assert_eq!(subject.as_str().len(), 45);
        assert!(!subject.as_str().contains("30"), "or the hash is not one");
    }

    #[test]
    fn no_callers_hash_is_a_key() {
        let hmac_of = |text: &str| {
            let caller: Caller = serde_json::from_value(text.into()).unwrap();
            BASE64_URL_SAFE_NO_PAD
                .decode(key("a").subject(&caller).as_str().trim_start_matches("1."))
                .unwrap()
        };
        for text in ["link", "links", "\0links", "call id", "calls", "\0calls", "a\0links", ""] {
            assert!(
                [key("a").callers, key("a").calls, key("a").links].iter().all(|key| key[..] != hmac_of(text))
            );
        }
    }

    #[test]
    fn a_key_never_prints() {
        assert_eq!(format!("{:?}", key("a")), "TenantKey(…)");
    }
}
