//! Retention: what is over it goes to the trash.

use std::time::Duration;

use domain::{Hold, MessageId};
use storage::{PageOf, StorageError};

use crate::sweep::{BATCH_SIZE, Sweep};
use crate::tidy;

/// A day, as retention counts.
const DAY: Duration = Duration::from_hours(24);

/// Moves what is over its mailbox's retention to the trash, as a delete would.
pub(crate) async fn all(sweep: &mut Sweep<'_>) -> Result<(), StorageError> {
    let (metadata, now) = (sweep.tenancy.metadata(), sweep.started);
    let hold = Hold::Trash { purge_at: sweep.app.trash_deadline(now) };
    let mut mailboxes = metadata.mailboxes().await?;
    mailboxes.sort_by_cached_key(|mailbox| tidy::place(&mailbox.value.id, now));
    for mailbox in mailboxes {
        let Some(days) = mailbox.value.settings.retention_days else { continue };
        let (id, over) = (&mailbox.value.id, now.minus(DAY * days));
        // Ids begin with the time of the call, and none is received after that.
        let mut before = Some(MessageId::first_at(over.plus(Duration::from_millis(1))));
        while sweep.in_time() && before.is_some() {
            let of = PageOf { folder: None, before, limit: BATCH_SIZE };
            let page = match metadata.page(id, of).await {
                Ok(page) => page,
                Err(error) => {
                    sweep.report.fail(&error, "a mailbox could not be expired");
                    break;
                }
            };
            for message in &page.messages {
                match metadata.hold(id, message.facts.id, &hold).await {
                    Ok(message) => sweep.report.expired += u64::from(message.is_some()),
                    Err(error) => sweep.report.fail(&error, "a message could not be expired"),
                }
            }
            before = page.next;
        }
    }
    Ok(())
}
