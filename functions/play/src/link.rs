//! Links that play a recording without a token, for at most five minutes: the storage's own where it has such, else
//! ours, signed under the tenant's key. Ours end at once when the message is forgotten.

use std::sync::Arc;
use std::time::Duration;

use domain::{Code, MailboxId, Message, MessageId, Timestamp};
use host::{Access, Host, Problem, Tenancy};
use subtle::ConstantTimeEq as _;

use crate::{How, Link, is_set};

/// How long a link lives.
const LIFE: Duration = Duration::from_mins(5);

/// A message that a folder shows.
pub(crate) async fn message(
    tenancy: &Tenancy,
    mailbox: &MailboxId,
    id: MessageId,
) -> Result<Message, Problem> {
    let found = tenancy.index().message(mailbox, id).await?;
    found.shown().ok_or_else(|| Problem::not_found("message"))
}

/// The storage's own link, where it has such.
pub(crate) async fn of_storage(
    host: &Host,
    tenancy: &Tenancy,
    message: &Message,
    how: &How,
) -> Result<Option<Link>, Problem> {
    let facts = &message.facts;
    let expires_at = host.clock.now().plus(LIFE).to_string();
    let name = is_set(how.download.as_ref()).then(|| facts.audio.file_name());
    let url = tenancy.recordings(&facts.region)?.link(&facts.audio, LIFE, name.as_deref()).await?;
    Ok(url.map(|url| Link { url, expires_at }))
}

/// Our own link.
pub(crate) async fn own(host: &Host, access: &Access, message: &Message, how: &How) -> Result<Link, Problem> {
    let (tenancy, mailbox, id) = (&access.tenancy, access.id(), message.facts.id);
    let expires_at = host.clock.now().plus(LIFE);
    let (tenant, expires) = (&tenancy.tenant.id, expires_at.millis());
    let signature = tenancy.key().await?.sign_link(&says(mailbox, id, expires_at));
    let download = if is_set(how.download.as_ref()) { "&download=1" } else { "" };
    Ok(Link {
        url: format!(
            "/v1/mailboxes/{mailbox}/messages/{id}/audio?tenant={tenant}&expires={expires}&signature={signature}{download}"
        ),
        expires_at: expires_at.to_string(),
    })
}

/// What a link's signature vouches for. No id holds a NUL.
fn says(mailbox: &MailboxId, id: MessageId, expires_at: Timestamp) -> String {
    format!("{mailbox}\0{id}\0{}", expires_at.millis())
}

/// The message that a link of ours opens.
pub(crate) async fn open(
    host: &Host,
    how: &How,
    mailbox: &str,
    id: MessageId,
) -> Result<(Arc<Tenancy>, Message), Problem> {
    let bad = || Problem::new(Code::Unauthenticated, "The link is over or was changed; ask for a new one.");
    let tenant =
        how.tenant.as_deref().and_then(|tenant| host.tenants().find(|it| it.tenant.id.as_str() == tenant));
    let tenancy = Arc::clone(tenant.ok_or_else(bad)?);
    let mailbox: MailboxId = mailbox.parse().map_err(|_| bad())?;
    let expires: i64 = how.expires.as_deref().and_then(|expires| expires.parse().ok()).ok_or_else(bad)?;
    let expires_at = Timestamp::from_millis(expires);
    let signature = tenancy.key().await?.sign_link(&says(&mailbox, id, expires_at));
    let given = how.signature.as_deref().unwrap_or_default();
    let same: bool = signature.as_bytes().ct_eq(given.as_bytes()).into();
    if !same || host.clock.now() >= expires_at {
        return Err(bad());
    }
    let message = message(&tenancy, &mailbox, id).await?;
    Ok((tenancy, message))
}
