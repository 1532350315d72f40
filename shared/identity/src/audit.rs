//! The audit: who did what to which, as one line of the log.

use std::fmt::{Display, Write as _};

use crate::principal::Principal;
use crate::role::Operation;

/// Writes an audit line: user, tenant, operation and ids, in the target `audit`. The request id and the trace id come
/// with the request's span. Never pass a number, a name or anything else that is personal as an id.
pub fn audit(who: &Principal, operation: Operation, ids: &[(&'static str, &dyn Display)]) {
    let tenant = who.tenant.as_ref().map_or("", |tenant| tenant.as_str());
    let mut listed = String::new();
    for (name, id) in ids {
        let space = if listed.is_empty() { "" } else { " " };
        // Writing into a String cannot fail.
        let _ = write!(listed, "{space}{name}={id}");
    }
    // One that was let in is one of those that the tenant's entry lists.
    let client = who.client.as_deref().filter(|_| who.tenant.is_none());
    tracing::info!(target: "audit", user = %who.user, client, tenant, operation = operation.name(), ids = listed);
}
