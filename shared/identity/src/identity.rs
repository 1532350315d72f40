//! Sign-in: from a request's `Authorization` to its principal.

use axum::http::{HeaderMap, header};
use domain::{TenantId, Timestamp};
use web::{Code, Problem};

use crate::basic::Basic;
use crate::bearer::Bearer;
use crate::principal::Principal;
use crate::users::{User, Users};

/// Who may sign in, and how that is checked.
pub struct Identity {
    bearer: Option<Bearer>,
    basic: Option<Basic>,
}

/// Finds the tenant that a token means by an id or a ccid.
pub type FindTenant<'a> = &'a (dyn Fn(&str) -> Option<TenantId> + Sync);

impl Identity {
    /// Sign-in with bearer tokens, and with the passwords of users. What is `None` is no way to sign in.
    pub fn new(bearer: Option<Bearer>, users: Option<Users>) -> Self {
        Self { bearer, basic: users.map(Basic::new) }
    }

    /// Who sent a request with these headers. Nothing that was sent is in the answer or in the log.
    ///
    /// # Errors
    /// 401 for no or bad credentials, 403 for a tenant that `find` does not know, 429 after too many wrong passwords, 503 where
    /// the issuer of tokens was never reached.
    pub async fn verify(
        &self,
        headers: &HeaderMap,
        now: Timestamp,
        find: FindTenant<'_>,
    ) -> Result<Principal, Problem> {
        let unauthenticated = |detail: &'static str| Problem::new(Code::Unauthenticated, detail);
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(one), None) = (values.next(), values.next()) else {
            return Err(unauthenticated("Sign in with one Authorization header: Bearer or Basic."));
        };
        let (scheme, credentials) =
            one.to_str().ok().and_then(|text| text.split_once(' ')).unwrap_or_default();
        match (&self.bearer, &self.basic) {
            (Some(bearer), _) if scheme.eq_ignore_ascii_case("bearer") => {
                let token = bearer.verify(credentials.trim(), now).await?;
                Ok(Principal {
                    tenant: one_tenant(token.tenant.as_deref(), token.ccid.as_deref(), find)?,
                    user: token.user,
                    groups: token.groups.into_iter().collect(),
                    roles: token.roles.into_iter().collect(),
                    client: token.client,
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
#[path = "identity_tests.rs"]
mod tests;
