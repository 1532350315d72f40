//! Who is calling.

use std::collections::BTreeSet;

use domain::{Code, GroupId, TenantId, UserId};

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

/// Who may sign in, and how that is checked.
pub struct Identity;

impl Identity {
    /// Who sent a request with these headers.
    pub async fn verify(
        &self,
        _headers: &axum::http::HeaderMap,
        _now: domain::Timestamp,
    ) -> Result<Principal, Problem> {
        Err(Problem::new(Code::Unauthenticated, "Sign in with a bearer token or with a user and password."))
    }
}
