//! Mailboxes and groups, what the deletion of a mailbox does to its messages, and the tidying of a mailbox.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::{
    Case, CaseKey, Group, GroupId, Hold, Mailbox, MailboxId, Message, Release, TOMBSTONE_LIFETIME, Timestamp,
};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::{
    Cloud, GROUPS, HOUR, MAILBOXES, MAX_CONCURRENT_REQUESTS, Record, RecordUpdate, Row, Thing, put_record,
};
use crate::{Cases as _, Expect, Mailboxes, Result, Versioned, WriteOutcome};

#[async_trait]
impl<C: Cloud> Mailboxes for C {
    async fn mailbox(&self, id: &MailboxId) -> Result<Option<Versioned<Mailbox>>> {
        Ok(self.record("reading a mailbox", Thing::Mailbox(id)).await?.and_then(Record::versioned))
    }

    async fn mailboxes(&self) -> Result<Vec<Versioned<Mailbox>>> {
        self.values("listing mailboxes", MAILBOXES, None, usize::MAX).await
    }

    async fn mailbox_ids(&self) -> Result<Vec<MailboxId>> {
        self.list_mailbox_ids().await
    }

    async fn put_mailbox(&self, mailbox: &Mailbox, expect: Expect) -> Result<WriteOutcome> {
        let (context, thing) = ("writing a mailbox", Thing::Mailbox(&mailbox.id));
        let before = self.record::<Mailbox>(context, thing).await?;
        let generation = match (&before, expect) {
            (None, Expect::Absent) => 1,
            (Some(Record { version, value: None, purge_at, .. }), Expect::Absent) => {
                if let Some(purge_at) = purge_at {
                    hold_generations(self, &mailbox.id, *version, *purge_at).await?;
                }
                version + 1
            }
            (Some(Record { version, value: Some(there), .. }), Expect::Version(expected))
                if *version == expected =>
            {
                there.generation
            }
            _ => return Ok(WriteOutcome::Conflict),
        };
        let mailbox = Mailbox { generation, ..mailbox.clone() };
        self.write_record(context, thing, before.as_ref(), RecordUpdate::value(Some(&mailbox))).await
    }

    async fn delete_mailbox(
        &self,
        id: &MailboxId,
        version: u64,
        purge_at: Timestamp,
    ) -> Result<WriteOutcome> {
        let next = RecordUpdate { purge_at: Some(purge_at), ..RecordUpdate::<Mailbox>::value(None) };
        let (thing, expect) = (Thing::Mailbox(id), Expect::Version(version));
        let deleted = put_record(self, "deleting a mailbox", thing, next, expect).await?;
        if let WriteOutcome::Version(deletion) = deleted {
            hold_generations(self, id, deletion, purge_at).await?;
        }
        Ok(deleted)
    }

    async fn tidy(&self, mailbox: &MailboxId, now: Timestamp, purge_at: Timestamp) -> Result<u64> {
        let record = self.record::<Mailbox>("reading a mailbox", Thing::Mailbox(mailbox)).await?;
        let generation = record.map_or(0, |record| record.generation());
        let mut known = BTreeMap::new();
        for (row, listed) in self.walk(mailbox).await? {
            match row {
                Row::Message(message) if !message.claimed => {
                    release_ended(self, &message, &mut known).await?;
                    hold_earlier(self, &message, listed, generation, purge_at).await?;
                    // Should have been claimed an hour ago.
                    for hold in message.holds.iter().filter(|hold| hold.purge_at().plus(HOUR) < now) {
                        self.note_due(&message, hold).await?;
                    }
                }
                Row::Tombstone(gone) if gone.plus(TOMBSTONE_LIFETIME) < now => {
                    self.remove_row(listed).await?;
                }
                Row::Fence(until) if until < now => self.remove_row(listed).await?,
                // What is claimed is told by what is due.
                Row::Message(_) | Row::Nothing | Row::Tombstone(_) | Row::Fence(_) => {}
            }
        }
        Ok(0)
    }

    async fn group(&self, id: &GroupId) -> Result<Option<Versioned<Group>>> {
        Ok(self.record("reading a group", Thing::Group(id)).await?.and_then(Record::versioned))
    }

    async fn groups(&self) -> Result<Vec<Versioned<Group>>> {
        self.values("listing groups", GROUPS, None, usize::MAX).await
    }

    async fn put_group(&self, group: &Group, expect: Expect) -> Result<WriteOutcome> {
        put_record(self, "writing a group", Thing::Group(&group.id), RecordUpdate::value(Some(group)), expect)
            .await
    }

    async fn delete_group(&self, id: &GroupId, version: u64) -> Result<WriteOutcome> {
        let next = RecordUpdate::<Group>::value(None);
        put_record(self, "deleting a group", Thing::Group(id), next, Expect::Version(version)).await
    }
}

/// Holds the messages of all generations before this one. One that comes later finds the deletion by itself.
async fn hold_generations(
    cloud: &impl Cloud,
    mailbox: &MailboxId,
    before: u64,
    purge_at: Timestamp,
) -> Result<()> {
    let holds = cloud.walk(mailbox).await?.into_iter().map(|(row, listed)| async move {
        match row {
            Row::Message(message) => hold_earlier(cloud, &message, listed, before, purge_at).await,
            _ => Ok(()),
        }
    });
    stream::iter(holds).buffer_unordered(MAX_CONCURRENT_REQUESTS).try_collect::<()>().await
}

/// Holds a message that is of an earlier generation.
async fn hold_earlier<C: Cloud>(
    cloud: &C,
    message: &Message,
    listed: C::ListedRow,
    before: u64,
    purge_at: Timestamp,
) -> Result<()> {
    let is_held = message.holds.iter().any(|hold| matches!(hold, Hold::Mailbox { .. }));
    if message.claimed || is_held || message.facts.generation >= before {
        return Ok(());
    }
    cloud.hold_listed(message, listed, &Hold::Mailbox { purge_at }).await
}

/// Takes the holds of cases off that hold nothing of this caller any more.
async fn release_ended(
    cloud: &impl Cloud,
    message: &Message,
    known: &mut BTreeMap<CaseKey, Option<Case>>,
) -> Result<()> {
    let facts = &message.facts;
    for hold in &message.holds {
        let Hold::Case { case: key, .. } = hold else { continue };
        if !known.contains_key(key) {
            let case = cloud.case(key).await?;
            known.insert(key.clone(), case.map(|case| case.value));
        }
        let case = known.get(key).and_then(Option::as_ref);
        if case.is_some_and(|case| case.is_over_for(facts.subject.as_ref())) {
            cloud.release(&facts.mailbox, facts.id, &Release::Case(key.clone())).await?;
        }
    }
    Ok(())
}
