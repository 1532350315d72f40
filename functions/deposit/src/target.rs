//! The mailbox that a deposit is for.

use domain::{BadName, Mailbox, MailboxId};
use host::Tenancy;
use web::Problem;

/// The mailbox that a deposit names, however it came: its id, and what it is now, if it is there.
pub(crate) async fn target(tenancy: &Tenancy, name: &str) -> Result<(MailboxId, Option<Mailbox>), Problem> {
    let id: MailboxId = name.parse().map_err(|_: BadName| Problem::not_found("mailbox"))?;
    let mailbox = tenancy.directory.mailbox(&id).await?.map(|mailbox| mailbox.value);
    Ok((id, mailbox))
}
