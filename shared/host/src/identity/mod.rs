//! Who is calling.

mod basic;
mod bearer;
mod jwks;
mod users;

pub use bearer::{Bearer, TokenKeys};
pub use jwks::Jwks;
pub use users::Users;

use std::collections::BTreeSet;

use axum::http::{HeaderMap, header};
use domain::{Code, GroupId, TenantId, Timestamp, UserId};

use self::basic::Basic;
use self::users::User;
use crate::problem::Problem;
use crate::role::{Operation, Role};

/// Who is calling, as the token or the users file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The tenant; `None` for a client that acts for several (data protection only).
    pub tenant: Option<TenantId>,
    /// The user.
    pub user: UserId,
    /// The groups that the token names.
    pub groups: BTreeSet<GroupId>,
    /// What they may be.
    pub roles: BTreeSet<Role>,
    /// The OAuth client, where the token names one.
    pub client: Option<String>,
}

impl Principal {
    /// Whether they have a role.
    pub fn is(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Refuses with 403 unless one of their roles may do it.
    pub fn may(&self, operation: Operation) -> Result<(), Problem> {
        if operation.roles().iter().any(|role| self.is(*role)) {
            return Ok(());
        }
        Err(Problem::new(Code::Forbidden, "Your roles do not allow this."))
    }
}

/// Who may sign in. What is `None` is no way to sign in.
#[derive(Default)]
pub struct Settings {
    /// Bearer tokens.
    pub bearer: Option<Bearer>,
    /// Users with passwords.
    pub users: Option<Users>,
}

/// Who may sign in, and how that is checked.
pub struct Identity {
    bearer: Option<Bearer>,
    basic: Option<Basic>,
}

/// Finds the tenant that a token means by an id or a ccid.
pub type FindTenant<'a> = &'a (dyn Fn(&str) -> Option<TenantId> + Sync);

impl Identity {
    /// Sign-in with these settings.
    pub fn new(settings: Settings) -> Self {
        Self { bearer: settings.bearer, basic: settings.users.map(Basic::new) }
    }

    /// Who sent a request with these headers: 401 for no or bad credentials, 403 for a tenant that `find` does not
    /// know, 429 after too many wrong passwords, 503 where the issuer of tokens was never reached. Nothing that was sent is in the answer or in the log.
    pub async fn verify(
        &self,
        headers: &HeaderMap,
        now: Timestamp,
        find: FindTenant<'_>,
    ) -> Result<Principal, Problem> {
        let unauthenticated = |detail: &'static str| Problem::new(Code::Unauthenticated, detail);
        let mut sent = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(one), None) = (sent.next(), sent.next()) else {
            return Err(unauthenticated("Sign in with one Authorization header: Bearer or Basic."));
        };
        let (scheme, credentials) =
            one.to_str().ok().and_then(|text| text.split_once(' ')).unwrap_or_default();
        match (&self.bearer, &self.basic) {
            (Some(bearer), _) if scheme.eq_ignore_ascii_case("bearer") => {
                let said = bearer.verify(credentials.trim(), now).await?;
                Ok(Principal {
                    tenant: one_tenant(said.tenant.as_deref(), said.ccid.as_deref(), find)?,
                    user: said.user,
                    groups: said.groups.into_iter().collect(),
                    roles: said.roles.into_iter().collect(),
                    client: said.client,
                })
            }
            (_, Some(basic)) if scheme.eq_ignore_ascii_case("basic") => {
                let User { tenant, id, roles, groups, .. } = basic.verify(credentials, now).await?;
                let tenant = one_tenant(Some(&tenant), None, find)?;
                Ok(Principal { tenant, user: id, groups, roles, client: None })
            }
            _ => Err(unauthenticated("Sign in with a bearer token, or with a user and a password.")),
        }
    }
}

/// The one tenant that is named, by id or by ccid; `None` where none is. A name that is not configured, or two that
/// differ, never become "none", which may more.
fn one_tenant(
    tenant: Option<&str>,
    ccid: Option<&str>,
    find: FindTenant<'_>,
) -> Result<Option<TenantId>, Problem> {
    let unknown = || Problem::new(Code::Forbidden, "Your token names no tenant of this service.");
    let mut found = None;
    for name in [tenant, ccid].into_iter().flatten() {
        let one = find(name).ok_or_else(unknown)?;
        if found.as_ref().is_some_and(|other| *other != one) {
            return Err(unknown());
        }
        found = Some(one);
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
