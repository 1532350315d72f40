//! The users who sign in with a password, as a file lists them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use argon2::password_hash::phc::{Output, Salt};
use argon2::{Argon2, Params, PasswordHash, PasswordHasher as _};
use domain::{GroupId, SystemRandom, UserId};
use serde::Deserialize;
use web::random;

use crate::reloaded::Reloaded;
use crate::role::Role;

/// The users who sign in with a password.
pub struct Users(Reloaded<Table>);

/// A user as it is looked up.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) tenant: String,
    pub(crate) id: UserId,
    pub(crate) hash: PasswordHash,
    pub(crate) roles: BTreeSet<Role>,
    pub(crate) groups: BTreeSet<GroupId>,
}

/// The users of one reading of the file.
pub(crate) struct Table {
    users: BTreeMap<(String, String), User>,
    /// What the password of an unknown user is checked against: it costs the same and never fits.
    dummy: PasswordHash,
}

#[derive(Deserialize)]
struct UserEntry {
    user: String,
    password_hash: String,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    groups: Vec<String>,
}

impl Users {
    /// The users of a JSON file, which is read again when it changes.
    ///
    /// # Errors
    /// All that is wrong, entry by entry, in one text.
    pub fn file(path: &Path) -> Result<Self, String> {
        Ok(Self(Reloaded::file(path, table)?))
    }

    /// These users: the same JSON as the file has.
    ///
    /// # Errors
    /// As [`file`](Self::file).
    pub fn given(json: &str) -> Result<Self, String> {
        Ok(Self(Reloaded::given(table(json.as_bytes())?)))
    }

    /// The users of the demo, all with the password `voicemail`.
    ///
    /// # Errors
    /// The password cannot be hashed.
    pub fn demo() -> Result<Self, String> {
        let hash = Argon2::default().hash_password(b"voicemail").map_err(|error| error.to_string())?;
        let users = [
            ("alice", "agent"),
            ("bob", "agent"),
            ("platform", "deposit"),
            ("admin", "admin"),
            ("dpo", "privacy"),
        ];
        let user = |(user, role): &(&str, &str)| serde_json::json!({"user": format!("demo\\{user}"), "password_hash": hash.to_string(), "roles": [role]});
        Self::given(&users.iter().map(user).collect::<serde_json::Value>().to_string())
    }

    pub(crate) fn table(&self) -> Arc<Table> {
        self.0.get()
    }
}

impl Table {
    /// The user of this name.
    pub(crate) fn user(&self, tenant: &str, user: &str) -> Option<&User> {
        self.users.get(&(tenant.to_owned(), user.to_owned()))
    }

    /// What an unknown user's password is checked against.
    pub(crate) fn dummy(&self) -> &PasswordHash {
        &self.dummy
    }
}

/// `tenant\user`, with one or two backslashes.
pub(crate) fn names(text: &str) -> Option<(&str, &str)> {
    let (tenant, user) = text.split_once('\\')?;
    Some((tenant, user.strip_prefix('\\').unwrap_or(user)))
}

fn table(json: &[u8]) -> Result<Table, String> {
    // Line and column, without serde's text: it may repeat a hash.
    let entries: Vec<UserEntry> = serde_json::from_slice(json).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        format!(
            "line {line}, column {column}: expected [{{\"user\":\"tenant\\\\user\",\"password_hash\":\"$argon2id$…\",\
             \"roles\":[…],\"groups\":[…]}}]"
        )
    })?;
    let mut users = BTreeMap::new();
    let mut faults = Vec::new();
    for (number, entry) in entries.iter().enumerate() {
        match user(entry) {
            Ok(user) => {
                let key = (user.tenant.clone(), user.id.to_string());
                if users.insert(key, user).is_some() {
                    faults.push(format!("user {}: {} is there twice", number + 1, entry.user));
                }
            }
            Err(fault) => faults.push(format!("user {}: {fault}", number + 1)),
        }
    }
    if !faults.is_empty() {
        return Err(faults.join("; "));
    }
    let dummy =
        dummy(users.values().next().map(|user: &User| &user.hash)).map_err(|error| error.to_string())?;
    Ok(Table { users, dummy })
}

fn user(entry: &UserEntry) -> Result<User, String> {
    let (tenant, id) = names(&entry.user).ok_or("user is not tenant\\user")?;
    let hash = PasswordHash::new(&entry.password_hash).ok();
    let usable = |hash: &PasswordHash| {
        hash.algorithm == argon2::ARGON2ID_IDENT
            && hash.salt.is_some()
            && hash.hash.is_some()
            && Params::try_from(hash).is_ok()
    };
    let roles = entry.roles.iter().map(|role| {
        Role::named(role).ok_or_else(|| format!("{role:?} is no role; agent, deposit, admin, privacy are"))
    });
    let groups = entry.groups.iter().map(|group| group.parse().map_err(|bad| format!("{group:?}: {bad}")));
    Ok(User {
        tenant: tenant.to_owned(),
        id: id.parse().map_err(|bad| format!("{id:?}: {bad}"))?,
        hash: hash
            .filter(usable)
            .ok_or("password_hash is no Argon2id hash like $argon2id$v=19$m=19456,t=2,p=1$…$…")?,
        roles: roles.collect::<Result<_, String>>()?,
        groups: groups.collect::<Result<_, String>>()?,
    })
}

/// A hash that costs what `like` costs, of no password.
fn dummy(like: Option<&PasswordHash>) -> argon2::password_hash::phc::Result<PasswordHash> {
    let length = like.and_then(|like| like.hash.as_ref()).map_or(32, Output::len);
    let random = |count| random::bytes(&SystemRandom, count);
    let (salt, hash) = (Some(Salt::new(&random(16))?), Some(Output::new(&random(length))?));
    match like {
        Some(like) => Ok(PasswordHash { salt, hash, ..like.clone() }),
        None => Ok(PasswordHash {
            algorithm: argon2::ARGON2ID_IDENT,
            version: Some(argon2::Version::default().into()),
            params: (&Params::default()).try_into().unwrap_or_default(),
            salt,
            hash,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cheap(password: &[u8]) -> String {
        let params = Params::new(16, 1, 1, None).unwrap();
        Argon2::from(params).hash_password(password).unwrap().to_string()
    }

    #[test]
    fn every_user_that_is_wrong_is_named_and_no_hash_is_repeated() {
        let hash = cheap(b"x");
        let json = serde_json::json!([
            {"user": "alice", "password_hash": hash},
            {"user": "t\\bob", "password_hash": "$argon2i$v=19$m=16,t=1,p=1$c29tZXNhbHQ$c29tZWhhc2g"},
            {"user": "t\\eve", "password_hash": "hunter2"},
            {"user": "t\\carol", "password_hash": hash, "roles": ["emperor"]},
            {"user": "t\\dave", "password_hash": hash, "groups": ["../x"]},
            {"user": "t\\frank", "password_hash": hash},
            {"user": "t\\\\frank", "password_hash": hash},
        ]);
        let fault = Users::given(&json.to_string()).err().unwrap();
        for part in ["user 1:", "user 2:", "user 3:", "user 4: \"emperor\"", "user 5:", "user 7:"] {
            assert!(fault.contains(part), "{part} in {fault}");
        }
        assert!(!fault.contains("hunter2") && !fault.contains(&hash), "{fault}");
    }

    #[test]
    fn a_file_that_is_no_list_of_users_is_a_fault_that_says_where() {
        let fault = Users::given("[\n{\"user\":7}]").err().unwrap();
        assert!(fault.starts_with("line 2, column"), "{fault}");
    }

    #[test]
    fn an_unknown_users_password_is_checked_against_a_hash_that_costs_the_same() {
        let json = serde_json::json!([{"user": "t\\a", "password_hash": cheap(b"x")}]).to_string();
        let table = table(json.as_bytes()).unwrap();
        let known = &table.user("t", "a").unwrap().hash;
        assert_eq!(table.dummy().params, known.params);
        assert_eq!(table.dummy().version, known.version);
        assert_ne!(table.dummy().hash, known.hash);
    }

    #[test]
    fn without_users_the_dummy_costs_what_is_usual() {
        let table = table(b"[]").unwrap();
        assert_eq!(Params::try_from(table.dummy()).unwrap().m_cost(), Params::DEFAULT_M_COST);
    }
}
