//! Links that play a recording without a token, for at most five minutes: the storage's own where it has such, else
//! ours, signed under the tenant's key. Ours end at once when the message is forgotten.

use std::sync::Arc;
use std::time::Duration;

use domain::{MailboxId, Message, MessageId, Timestamp};
use host::{Access, App, Tenancy};
use serde::Serialize;
use subtle::ConstantTimeEq as _;
use utoipa::ToSchema;
use web::{Code, Problem};

use crate::query::PlayQuery;

/// How long a link lives.
const LINK_LIFETIME: Duration = Duration::from_mins(5);

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Link {
    /// Plays the recording, with no token; relative to this service, or absolute.
    pub(crate) url: String,
    /// Until then.
    expires_at: String,
}

/// A message that a folder shows.
pub(crate) async fn message(
    tenancy: &Tenancy,
    mailbox: &MailboxId,
    id: MessageId,
) -> Result<Message, Problem> {
    let found = tenancy.metadata().message(mailbox, id).await?;
    found.shown().ok_or_else(|| Problem::not_found("message"))
}

/// The storage's own link, where it has such.
pub(crate) async fn of_storage(
    app: &App,
    tenancy: &Tenancy,
    message: &Message,
    query: &PlayQuery,
) -> Result<Option<Link>, Problem> {
    let facts = &message.facts;
    let expires_at = app.clock.now().plus(LINK_LIFETIME).to_string();
    let name = query.asks_file().then(|| facts.audio.file_name());
    let url = tenancy
        .storage
        .recordings_in(&facts.region)?
        .link(&facts.audio, LINK_LIFETIME, name.as_deref())
        .await?;
    Ok(url.map(|url| Link { url, expires_at }))
}

/// Our own link.
pub(crate) async fn own(
    app: &App,
    access: &Access,
    message: &Message,
    query: &PlayQuery,
) -> Result<Link, Problem> {
    let (tenancy, mailbox, id) = (&access.tenancy, access.id(), message.facts.id);
    let expires_at = app.clock.now().plus(LINK_LIFETIME);
    let (tenant, expires) = (&tenancy.tenant.id, expires_at.millis());
    let signature = tenancy.key().await?.sign_link(&signed_text(mailbox, id, expires_at));
    let download = if query.asks_file() { "&download=1" } else { "" };
    Ok(Link {
        url: format!(
            "/v1/mailboxes/{mailbox}/messages/{id}/audio?tenant={tenant}&expires={expires}&signature={signature}{download}"
        ),
        expires_at: expires_at.to_string(),
    })
}

/// What a link's signature vouches for. No id holds a NUL.
fn signed_text(mailbox: &MailboxId, id: MessageId, expires_at: Timestamp) -> String {
    format!("{mailbox}\0{id}\0{}", expires_at.millis())
}

/// The message that a link of ours opens.
pub(crate) async fn open(
    app: &App,
    query: &PlayQuery,
    mailbox: &str,
    id: MessageId,
) -> Result<(Arc<Tenancy>, Message), Problem> {
    let bad = || Problem::new(Code::Unauthenticated, "The link is over or was changed; ask for a new one.");
    let tenant =
        query.tenant.as_deref().and_then(|tenant| app.tenants().find(|it| it.tenant.id.as_str() == tenant));
    let tenancy = Arc::clone(tenant.ok_or_else(bad)?);
    let mailbox: MailboxId = mailbox.parse().map_err(|_| bad())?;
    let expires: i64 = query.expires.as_deref().and_then(|expires| expires.parse().ok()).ok_or_else(bad)?;
    let expires_at = Timestamp::from_millis(expires);
    let signature = tenancy.key().await?.sign_link(&signed_text(&mailbox, id, expires_at));
    let given = query.signature.as_deref().unwrap_or_default();
    let same: bool = signature.as_bytes().ct_eq(given.as_bytes()).into();
    if !same || app.clock.now() >= expires_at {
        return Err(bad());
    }
    let message = message(&tenancy, &mailbox, id).await?;
    Ok((tenancy, message))
}
