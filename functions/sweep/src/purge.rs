//! The purge of what is due.

use std::time::Duration;

use domain::{Claim, ClaimOutcome, Timestamp};
use futures::{StreamExt as _, stream};
use host::Tenancy;
use metrics::counter;
use storage::{Due, StorageError};

use crate::sweep::{BATCH_SIZE, Sweep};

/// How many messages are worked on at once.
const MAX_CONCURRENT_PURGES: usize = 8;
/// What is due for longer was missed by three sweeps.
const OVERDUE_AFTER: Duration = Duration::from_mins(15);

/// Purges what is due: the trash and deleted mailboxes, oldest deadline first.
pub(crate) async fn due(sweep: &mut Sweep<'_>) -> Result<(), StorageError> {
    let (tenancy, now) = (sweep.tenancy, sweep.started);
    let mut last: Option<Due> = None;
    loop {
        let batch = tenancy.metadata().due(now, last.as_ref(), BATCH_SIZE).await?;
        let more = batch.len() == BATCH_SIZE;
        // Whether what a case has claimed is overdue, the case tells.
        let is_overdue =
            |due: &&Due| matches!(&due.claim, Claim::Due(hold) if hold.purge_at() < now.minus(OVERDUE_AFTER));
        counter!("voicemail_erasures_due_total").increment(batch.len() as u64);
        let overdue = batch.iter().filter(is_overdue).count();
        counter!("voicemail_erasures_overdue_total").increment(overdue as u64);
        if overdue > 0 {
            tracing::error!(tenant = %tenancy.tenant.id, overdue, "an erasure is overdue");
        }
        last = batch.last().cloned();
        let mut outcomes = stream::iter(batch)
            .map(async |due| purge(tenancy, &due, now).await)
            .buffer_unordered(MAX_CONCURRENT_PURGES);
        while let Some(outcome) = outcomes.next().await {
            match outcome {
                Ok(purged) => sweep.report.purged += u64::from(purged),
                Err(error) => sweep.report.fail(&error, "a message could not be purged"),
            }
        }
        if !more || !sweep.in_time() {
            break;
        }
    }
    // An entry that cannot be read is told where no other is left.
    tenancy.metadata().due(now, None, 1).await.map(drop)
}

/// Purges one message: claim, delete the audio, see that it is gone, leave a tombstone. `false`: somebody took the hold off, or an
/// earlier sweep was here.
async fn purge(tenancy: &Tenancy, due: &Due, now: Timestamp) -> Result<bool, StorageError> {
    let (metadata, message_ref) = (tenancy.metadata(), &due.message_ref);
    let claimed = metadata.claim(&message_ref.mailbox, message_ref.id, &due.claim).await?;
    match claimed {
        ClaimOutcome::Claimed => {
            let recordings = tenancy.storage.recordings_in(&message_ref.region)?;
            recordings.delete(&message_ref.audio).await?;
            if recordings.exists(&message_ref.audio).await? {
                return Err(StorageError::unavailable("deleting a recording", "it is still there"));
            }
            metadata.leave_tombstone(message_ref, now).await?;
        }
        // A purge may have been cut off before all that names the message was taken: it is finished here.
        ClaimOutcome::Gone => metadata.leave_tombstone(message_ref, now).await?,
        ClaimOutcome::Undone => {}
    }
    metadata.remove_due_entry(due).await?;
    Ok(claimed == ClaimOutcome::Claimed)
}
