//! Who signed in, and the extractor of a handler's argument.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use domain::{GroupId, TenantId, UserId};
use web::{Code, Problem};

use crate::role::{Operation, Role};

/// Who sent a request, as the token or the users file says.
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

    /// Whether one of their roles may do it.
    ///
    /// # Errors
    /// 403: none may.
    pub fn may(&self, operation: Operation) -> Result<(), Problem> {
        if operation.roles().iter().any(|role| self.is(*role)) {
            return Ok(());
        }
        Err(Problem::new(Code::Forbidden, "Your roles do not allow this."))
    }
}

/// An application that principals sign in to.
pub trait SignIn: Send + Sync {
    /// Who sent a request with these headers.
    ///
    /// # Errors
    /// As [`Identity::verify`](crate::Identity::verify).
    fn sign_in(&self, headers: &HeaderMap) -> impl Future<Output = Result<Principal, Problem>> + Send;
}

impl<App: SignIn> FromRequestParts<Arc<App>> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        app.sign_in(&parts.headers).await
    }
}
