//! Names of things: validated once, safe as a part of a file name or a key ever after.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::random::Random;

/// The text cannot be this kind of name; says which texts can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadName(pub(crate) &'static str);

/// What is read and written by serde as its text.
macro_rules! by_its_text {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = $crate::names::BadName;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(it: $name) -> String {
                it.to_string()
            }
        }
    };
}
pub(crate) use by_its_text;

/// A text that a rule allows.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $valid:expr, $rule:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::names::BadName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                if ($valid)(text) { Ok(Self(text.to_owned())) } else { Err($crate::names::BadName($rule)) }
            }
        }

        $crate::names::by_its_text!($name);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

pub(crate) use name;

name!(
    /// A mailbox, for example `5001`. Leading zeros count.
    MailboxId, is_plain, "an id has 1 to 64 of A-Z a-z 0-9 . _ - and does not start with a dot"
);
name!(
    /// A user, as the token's `sub` names them.
    UserId, is_plain, "an id has 1 to 64 of A-Z a-z 0-9 . _ - and does not start with a dot"
);
name!(
    /// A group of users.
    GroupId, is_plain, "an id has 1 to 64 of A-Z a-z 0-9 . _ - and does not start with a dot"
);
name!(
    /// A tenant.
    TenantId, is_tenant, "a tenant id has 1 to 60 of a-z 0-9 -"
);
name!(
    /// A region, for example `eu-central-1`.
    Region, is_tenant, "a region has 1 to 60 of a-z 0-9 -"
);
name!(
    /// The nonce of one deposit attempt: 64 random bits as 16 hex digits. All that the attempt makes before the commit
    /// carries it, so that it takes back its own things only.
    Attempt, |text| is_hex(text, 16), "an attempt is 16 hex digits"
);
name!(
    /// A data protection case in file names and keys: the first 32 hex digits of SHA-256(tenant, NUL, case id), so that
    /// no case id of a customer becomes a name.
    CaseKey, |text| is_hex(text, 32), "a case key is 32 hex digits"
);

fn is_plain(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && !text.starts_with('.')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

fn is_tenant(text: &str) -> bool {
    (1..=60).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn is_hex(text: &str, len: usize) -> bool {
    text.len() == len && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

pub(crate) fn hex(bytes: impl IntoIterator<Item = u8>) -> String {
    bytes.into_iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Attempt {
    /// A fresh one.
    pub fn draw(random: &dyn Random) -> Self {
        Self(hex(random.bytes().into_iter().take(8)))
    }
}

impl CaseKey {
    /// The key of a tenant's case.
    pub fn of(tenant: &TenantId, case_id: &str) -> Self {
        let digest =
            Sha256::new().chain_update(tenant.as_str()).chain_update([0]).chain_update(case_id).finalize();
        Self(hex(digest.into_iter().take(16)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_could_leave_its_folder_is_refused() {
        for text in ["", ".", "..", ".a", "a/b", "a\\b", "a\0", "ä", "a b", &"a".repeat(65)] {
            assert!(text.parse::<MailboxId>().is_err(), "{text:?}");
        }
        assert_eq!("007".parse::<MailboxId>().unwrap().as_str(), "007");
    }
}
