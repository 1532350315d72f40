//! What deposits that were cut off have left, and each mailbox's last net.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher as _};
use std::time::Duration;

use domain::{MailboxId, Timestamp};
use host::Tenancy;
use storage::{FenceOutcome, MessageRef, StorageError};

use crate::sweep::Sweep;

/// A deposit that takes longer than this was cut off.
const MAX_DEPOSIT_TIME: Duration = Duration::from_hours(1);
/// Each mailbox has its slot of the day.
const SLOT_LENGTH: Duration = Duration::from_mins(5);
const SLOTS_A_DAY: u64 = 24 * 60 / 5;
/// A run tidies the slots that began within this: the longest that a schedule may wait, so that none is left out.
const SLOTS_OF_A_RUN: u64 = 2;

/// Takes back the deposits that were cut off.
pub(crate) async fn attempts(sweep: &mut Sweep<'_>) -> Result<(), StorageError> {
    let (tenancy, before) = (sweep.tenancy, sweep.started.minus(MAX_DEPOSIT_TIME));
    for message_ref in tenancy.metadata().arriving(before).await? {
        if !sweep.in_time() {
            break;
        }
        match take_back(tenancy, &message_ref).await {
            Ok(orphan) => sweep.report.orphans += u64::from(orphan),
            Err(error) => sweep.report.fail(&error, "a deposit that was cut off could not be taken back"),
        }
    }
    // An attempt that cannot be read is told where no other is left.
    tenancy.metadata().arriving(before).await.map(drop)
}

/// Whether it left something: one that was created and only not finished did not.
async fn take_back(tenancy: &Tenancy, message_ref: &MessageRef) -> Result<bool, StorageError> {
    if tenancy.metadata().fence(message_ref).await? == FenceOutcome::Created {
        return Ok(false);
    }
    tenancy.storage.recordings_in(&message_ref.region)?.delete(&message_ref.audio).await?;
    tenancy.metadata().withdraw(message_ref).await?;
    Ok(true)
}

/// Removes the recordings that no attempt and no message tells of, once their hour is over for another hour.
pub(crate) async fn orphans(sweep: &mut Sweep<'_>) -> Result<(), StorageError> {
    let (metadata, now) = (sweep.tenancy.metadata(), sweep.started);
    sweep.report.orphans += metadata.remove_orphans(now.minus(2 * MAX_DEPOSIT_TIME), now).await?;
    Ok(())
}

/// Tidies the mailboxes whose slot of the day it is, deleted ones too: each at least once a day, spread over it.
pub(crate) async fn mailboxes(sweep: &mut Sweep<'_>) -> Result<(), StorageError> {
    let (metadata, now) = (sweep.tenancy.metadata(), sweep.started);
    let purge_at = sweep.app.trash_deadline(now);
    let mut turns = metadata.mailbox_ids().await?;
    turns.retain(|mailbox| has_turn(mailbox, now));
    turns.sort_by_cached_key(|mailbox| place(mailbox, now));
    for mailbox in turns {
        if !sweep.in_time() {
            break;
        }
        match metadata.tidy(&mailbox, now, purge_at).await {
            Ok(orphans) => sweep.report.orphans += orphans,
            Err(error) => sweep.report.fail(&error, "a mailbox could not be tidied"),
        }
    }
    Ok(())
}

/// Its place in a run: another in each, so that where a run's time does not suffice for all, none is always the last.
pub(crate) fn place(mailbox: &MailboxId, now: Timestamp) -> u64 {
    hash(mailbox, now.since(Timestamp::default()).as_millis())
}

fn hash(mailbox: &MailboxId, with: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    (mailbox, with).hash(&mut hasher);
    hasher.finish()
}

/// Another slot each day: a machine that is off at the same hours every day still comes to every mailbox.
fn has_turn(mailbox: &MailboxId, now: Timestamp) -> bool {
    let now = now.since(Timestamp::default()).as_secs() / SLOT_LENGTH.as_secs();
    let its_slot = |slot: u64| slot % SLOTS_A_DAY == hash(mailbox, slot / SLOTS_A_DAY) % SLOTS_A_DAY;
    (0..SLOTS_OF_A_RUN).any(|back| its_slot(now.saturating_sub(back)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mailbox_has_its_turn_each_day_also_where_the_sweep_comes_every_ten_minutes() {
        let midnight = Timestamp::from_millis(1_795_305_600_000);
        for n in 0..500 {
            let mailbox = n.to_string().parse().unwrap();
            let turns = |every: u32| {
                let mut runs =
                    (0..24 * 60 / every).map(|run| midnight.plus(Duration::from_mins((run * every).into())));
                runs.any(|now| has_turn(&mailbox, now))
            };
            assert!(turns(5) && turns(10), "{n}");
        }
    }

    #[test]
    fn every_mailbox_is_soon_among_the_first_where_a_run_comes_to_a_tenth_of_them() {
        let mailboxes: Vec<MailboxId> = (0..500).map(|n| n.to_string().parse().unwrap()).collect();
        let mut reached = std::collections::BTreeSet::new();
        for run in 0..288_u32 {
            let now = Timestamp::from_millis(1_795_305_600_000).plus(SLOT_LENGTH * run);
            let mut order = mailboxes.clone();
            order.sort_by_cached_key(|mailbox| place(mailbox, now));
            reached.extend(order.into_iter().take(50));
        }
        assert_eq!(reached.len(), 500, "within a day");
    }

    #[test]
    fn a_machine_that_is_on_for_eight_hours_a_day_comes_to_every_mailbox_within_a_month() {
        let morning = Timestamp::from_millis(1_795_334_400_000);
        for n in 0..500 {
            let mailbox = n.to_string().parse().unwrap();
            let on = (0..30).flat_map(|day| (0..8 * 12).map(move |run| day * 24 * 60 + run * 5));
            assert!(
                on.map(|minutes| morning.plus(Duration::from_mins(minutes)))
                    .any(|now| has_turn(&mailbox, now))
            );
        }
    }
}
