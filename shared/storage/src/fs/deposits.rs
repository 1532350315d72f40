//! A deposit on a volume: the journal, which is the message's file before it has its name; the commit, which is that
//! name; what takes an attempt back, and the fence that decides a slow one.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::{Facts, Hold, Mailbox, MailboxId, Message, Status, Timestamp};
use futures::future::{BoxFuture, join};

use super::blocking::{FsResult, run};
use super::chain::{self, State};
use super::disk::{Disk, LinkOutcome};
use super::layout::{self, ARRIVING, AttemptName, FENCED};
use super::look::{self, Look, look};
use super::messages::{hold, hold_for_case};
use super::metadata::FsMetadata;
use super::stored::{CUT_OFF_AFTER, FirstUnreadable, Row, decode, encode, is_torn};
use super::{cases, tidy};
use crate::{
    ArriveOutcome, Deposit, Deposits, FenceOutcome, InsertOutcome, Lookup, MessageRef, Result, StorageError,
};

/// Looks whether the id is taken, and journals the attempt if it is not.
fn begin(disk: &Disk, deposit: &Deposit) -> FsResult<Option<Lookup>> {
    let Facts { id, mailbox, .. } = &deposit.facts;
    let journal = AttemptName::from(&deposit.facts).arriving();
    if Row::read(disk, mailbox, *id)? != Row::Nothing {
        // Only where this same attempt was begun before is there anything of it.
        if disk.has(&journal)? {
            withdraw(disk, &MessageRef::from(&deposit.facts))?;
        }
        // The answer tells the platform that it is stored: also if whoever stored it has not come so far.
        disk.secure(&layout::row(mailbox, *id))?;
        return Ok(Some(look(disk, mailbox, *id)?.found()));
    }
    if !disk.create(&journal, &encode(deposit)?)? {
        return Err(
            StorageError::Conflict { context: "the journal of another deposit has this nonce" }.into()
        );
    }
    Ok(None)
}

/// Makes what must be there before the commit: the caller's marker, the urgent hint.
pub(super) fn announce(disk: &Disk, facts: &Facts) -> FsResult<()> {
    let attempt = AttemptName::from(facts);
    if let Some(subject) = &facts.subject {
        disk.place(&attempt.caller(subject))?;
    }
    if facts.urgent {
        disk.place(&attempt.hint())?;
    }
    Ok(())
}

/// The commit.
fn insert(disk: &Disk, deposit: &Deposit) -> FsResult<InsertOutcome> {
    let facts = &deposit.facts;
    let mut pending = Vec::new();
    for case in cases::covering(disk, facts)? {
        match case.status {
            Status::Erasing | Status::Erased => return Ok(InsertOutcome::Forgotten),
            Status::Hiding | Status::Pending => pending.push(case),
            Status::Undone => {}
        }
    }
    let journal = AttemptName::from(facts).arriving();
    let created = disk.link(&journal, &layout::row(&facts.mailbox, facts.id))?;
    if created != LinkOutcome::Done {
        match Row::read(disk, &facts.mailbox, facts.id)? {
            row if row.is_of(&facts.attempt) => {}
            Row::Nothing => return Ok(InsertOutcome::Fenced),
            _ => return Ok(InsertOutcome::Taken(look(disk, &facts.mailbox, facts.id)?.found())),
        }
    }
    let mut alone = created == LinkOutcome::Done && pending.is_empty();
    for case in pending {
        let its = Hold::Case { case: case.key, purge_at: case.deadlines.purge_at };
        hold_for_case(disk, &facts.mailbox, facts.id, facts.subject.as_ref(), &its)?;
    }
    if let Some(purge_at) = deleted_until(disk, &facts.mailbox, facts.generation)? {
        // By the rule, since a commit that is asked again may find another deadline there, which stays.
        hold(disk, &facts.mailbox, facts.id, &Hold::Mailbox { purge_at })?;
        alone = false;
    }
    // The message is created whatever becomes of its journal: one that stays is removed by its fence.
    let _ = disk.unlink(&journal);
    if alone {
        return Ok(InsertOutcome::Created(Box::new(Message::new(facts.clone()))));
    }
    Ok(match look(disk, &facts.mailbox, facts.id)? {
        Look::Message(message) => InsertOutcome::Created(message),
        other => InsertOutcome::Taken(other.found()),
    })
}

/// Until when messages of this generation of a mailbox are held, if it was deleted.
fn deleted_until(disk: &Disk, mailbox: &MailboxId, generation: u64) -> FsResult<Option<Timestamp>> {
    let folder = layout::config(mailbox);
    let state = match chain::newest::<Mailbox>(disk, &folder)? {
        Some((_, State::Value(now))) if generation < now.generation => {
            // Made again at its generation, so deleted one version before.
            chain::at(disk, &folder, now.generation.saturating_sub(1))?
        }
        Some((_, state)) => state,
        None => return Ok(None),
    };
    Ok(if let State::Deleted { purge_at } = state { purge_at } else { None })
}

/// Takes an attempt back.
fn withdraw(disk: &Disk, message_ref: &MessageRef) -> FsResult<()> {
    let attempt = AttemptName::from(message_ref);
    if !Row::read(disk, &attempt.mailbox, attempt.id)?.is_of(&attempt.attempt) {
        disk.take(&attempt.hint())?;
        if let Some(subject) = &message_ref.subject {
            disk.take(&attempt.caller(subject))?;
        }
    }
    disk.take(&attempt.arriving())?;
    disk.take(&attempt.fenced())?;
    Ok(())
}

/// Attempts that began before `before`, and fenced ones.
fn arriving(disk: &Disk, before: Timestamp) -> FsResult<Vec<MessageRef>> {
    let (mut attempts, mut passed_over) = (BTreeMap::new(), FirstUnreadable::default());
    for attempt in attempts_in(disk, ARRIVING)? {
        if let Some(journal) = passed_over.read(journal(disk, &attempt.arriving()))?.flatten()
            && journal.begun_at < before
        {
            attempts.insert(attempt, MessageRef::from(&journal.facts));
        }
    }
    // After the others: a copy is made before its journal goes, so that an attempt that moves meanwhile is not missed.
    for attempt in attempts_in(disk, FENCED)? {
        if let Some(journal) = passed_over.read(journal(disk, &attempt.fenced()))?.flatten() {
            attempts.insert(attempt, MessageRef::from(&journal.facts));
        }
    }
    passed_over.found(attempts.into_values().collect())
}

fn attempts_in(disk: &Disk, folder: &str) -> FsResult<Vec<AttemptName>> {
    Ok(disk.list(folder)?.iter().filter_map(|name| AttemptName::parse(name)).collect())
}

/// A journal that can be read. One that is torn is no attempt's and goes: a crash cut it off, and nothing was made after it;
/// or its volume damaged it, and with no journal the mailbox's tidying finds what its attempt left.
fn journal(disk: &Disk, path: &str) -> FsResult<Option<Deposit>> {
    let Some(content) = disk.read(path)? else { return Ok(None) };
    if !is_torn(&content) {
        return decode(path, &content).map(Some);
    }
    if disk.age(path)?.is_some_and(|age| age >= CUT_OFF_AFTER) {
        tracing::warn!(file = path, "a journal that was cut off is cleared");
        disk.take(path)?;
    }
    Ok(None)
}

/// Decides what an attempt became: a journal without a name can get none. A copy and a removal, not a renaming: on NFS a
/// link by handle would still find a file that was renamed; one with no name left is refused.
fn fence(disk: &Disk, message_ref: &MessageRef) -> FsResult<FenceOutcome> {
    let attempt = AttemptName::from(message_ref);
    if let Some(journal) = disk.read(&attempt.arriving())?
        && !is_torn(&journal)
    {
        disk.publish(&attempt.fenced(), &journal)?;
    }
    // Also where only the copy is there: whoever made it may not have come so far.
    disk.take(&attempt.arriving())?;
    if !Row::read(disk, &attempt.mailbox, attempt.id)?.is_of(&attempt.attempt) {
        return Ok(FenceOutcome::Never);
    }
    disk.take(&attempt.fenced())?;
    Ok(FenceOutcome::Created)
}

#[async_trait]
impl Deposits for FsMetadata {
    async fn arrive(&self, deposit: &Deposit, put: BoxFuture<'_, Result<()>>) -> Result<ArriveOutcome> {
        let begun = deposit.clone();
        let taken = self.on("beginning a deposit", move |disk| begin(disk, &begun)).await?;
        if let Some(found) = taken {
            return Ok(ArriveOutcome::Taken(found));
        }
        let (facts, mailbox) = (deposit.facts.clone(), deposit.facts.mailbox.clone());
        // The count waits for nothing, so it is not worth a thread of its own.
        let announced = self.on("announcing a deposit", move |disk| {
            announce(disk, &facts)?;
            look::stored(disk, &mailbox)
        });
        let (put, stored) = join(put, announced).await;
        put?;
        stored.map(ArriveOutcome::Arrived)
    }

    async fn insert(&self, deposit: &Deposit) -> Result<InsertOutcome> {
        let deposit = deposit.clone();
        self.on("creating a message", move |disk| insert(disk, &deposit)).await
    }

    async fn withdraw(&self, message_ref: &MessageRef) -> Result<()> {
        let message_ref = message_ref.clone();
        self.on("withdrawing a deposit", move |disk| withdraw(disk, &message_ref)).await
    }

    async fn arriving(&self, before: Timestamp) -> Result<Vec<MessageRef>> {
        let tree = self.0.clone();
        run("listing deposits under way", move || {
            // What was cut off before it had a name goes with each sweep, too.
            tidy::unnamed(&tree);
            arriving(&tree.disk, before)
        })
        .await
    }

    async fn fence(&self, message_ref: &MessageRef) -> Result<FenceOutcome> {
        let message_ref = message_ref.clone();
        self.on("fencing a deposit", move |disk| fence(disk, &message_ref)).await
    }

    /// Nothing to do: an attempt's journal is durable before its recording is put.
    async fn remove_orphans(&self, _until: Timestamp, _now: Timestamp) -> Result<u64> {
        Ok(0)
    }
}

#[cfg(test)]
#[path = "deposits_tests.rs"]
mod tests;
