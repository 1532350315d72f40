//! A deposit: all that carries the attempt, at once; the commit, which is one conditional put; what takes an attempt back, and
//! the fence that decides a slow one.
//!
//! The journal, the caller's marker and the audio are written side by side. Cut off, an attempt is found by its journal; audio
//! without one is found by [the search for orphans](super::orphans), which lists it by the hour of its put. The journal of an attempt
//! that was created is removed by the sweep and not by the deposit, which would wait for it.

use async_trait::async_trait;
use domain::{Case, Claim, FENCE_LIFETIME, Facts, Hold, Message, Subject, Timestamp};
use futures::future::{BoxFuture, OptionFuture, join_all};
use futures::{StreamExt as _, join, stream};

use super::{Cloud, HOUR, MAX_CONCURRENT_REQUESTS, Record, Row, Thing, hour, orphans};
use crate::stored::FirstUnreadable;
use crate::{
    ArriveOutcome, Cases as _, Deposit, Deposits, FenceOutcome, InsertOutcome, Lookup, MessageRef, Result,
    StorageError,
};

#[async_trait]
impl<C: Cloud> Deposits for C {
    async fn arrive(&self, deposit: &Deposit, put: BoxFuture<'_, Result<()>>) -> Result<ArriveOutcome> {
        let facts = &deposit.facts;
        let message_ref = MessageRef::from(facts);
        let (row, put, announced, waiting) = join!(
            self.row("announcing a deposit", &facts.mailbox, facts.id),
            put,
            self.announce(deposit),
            self.counts(&facts.mailbox),
        );
        let row = row?;
        if !matches!(row, Row::Nothing | Row::Fence(_)) {
            if !row.is_of(&facts.attempt) {
                self.recordings(&facts.region)?.delete(&facts.audio).await?;
            }
            self.withdraw(&message_ref).await?;
            return Ok(ArriveOutcome::Taken(row.found()));
        }
        put?;
        announced?;
        waiting.map(|waiting| ArriveOutcome::Arrived(waiting.counts.stored()))
    }

    /// Who is forgotten is asked beside the commit, and after the caller's marker was written: a case that is not found here finds
    /// the marker.
    async fn insert(&self, deposit: &Deposit) -> Result<InsertOutcome> {
        let facts = &deposit.facts;
        let covering: OptionFuture<_> =
            facts.subject.as_ref().map(|subject| covering(self, subject, facts)).into();
        let mailbox = self.record("reading a mailbox", Thing::Mailbox(&facts.mailbox));
        let (committed, covering, mailbox) = join!(self.insert_row(deposit), covering, mailbox);
        let mut message = match committed? {
            None => Message::new(facts.clone()),
            Some(Row::Message(message)) if message.facts.attempt == facts.attempt => *message,
            Some(Row::Fence(_)) => return Ok(InsertOutcome::Fenced),
            Some(row) => return Ok(InsertOutcome::Taken(row.found())),
        };
        let covering = covering.transpose()?.unwrap_or_default();
        if let Some(case) = covering.iter().find(|case| !case.is_pending()) {
            // Cut off, the claim is told by what is due.
            self.claim(&facts.mailbox, facts.id, &Claim::Case(case.key.clone())).await?;
            self.recordings(&facts.region)?.delete(&facts.audio).await?;
            self.leave_tombstone(&MessageRef::from(facts), deposit.begun_at).await?;
            return Ok(InsertOutcome::Forgotten);
        }
        let of_case =
            covering.into_iter().map(|case| Hold::Case { case: case.key, purge_at: case.deadlines.purge_at });
        let mailbox: Option<Record<_, _>> = mailbox?;
        let deleted_until = mailbox.and_then(|mailbox| mailbox.deleted_until(facts.generation));
        let of_mailbox = deleted_until.map(|purge_at| Hold::Mailbox { purge_at });
        for hold in of_case.chain(of_mailbox) {
            match self.hold(&facts.mailbox, facts.id, &hold).await? {
                Some(held) => message = held,
                None => return Ok(InsertOutcome::Taken(Lookup::Gone)),
            }
        }
        if message.claimed {
            return Ok(InsertOutcome::Taken(Lookup::Gone));
        }
        Ok(InsertOutcome::Created(Box::new(message)))
    }

    /// The journal goes last.
    async fn withdraw(&self, message_ref: &MessageRef) -> Result<()> {
        let context = "withdrawing a deposit";
        let row = self.row(context, &message_ref.mailbox, message_ref.id).await?;
        if let Some(marker) = Thing::marker(message_ref).filter(|_| !row.is_of(&message_ref.attempt)) {
            self.remove(context, vec![marker]).await?;
        }
        self.remove(context, vec![Thing::Journal(message_ref)]).await
    }

    /// The journals of those that were created go.
    async fn arriving(&self, before: Timestamp) -> Result<Vec<MessageRef>> {
        let context = "listing deposits under way";
        let (mut attempts, mut passed_over) = (Vec::new(), FirstUnreadable::default());
        for attempt in self.journals(before).await? {
            attempts.extend(passed_over.read(attempt)?);
        }
        let (mut created, mut under_way) = (Vec::new(), Vec::new());
        for (message_ref, row) in self.rows_of(attempts).await? {
            match passed_over.read(row)? {
                Some(Row::Message(message)) if message.facts.attempt == message_ref.attempt => {
                    created.push((message_ref, message));
                }
                Some(_) => under_way.push(message_ref),
                // Whether it was created is not known.
                None => {}
            }
        }
        let asked = stream::iter(created)
            .map(|(attempt, message)| async move { (claim_forgotten(self, &message.facts).await, attempt) });
        let mut finished = Vec::new();
        for (asked, attempt) in asked.buffer_unordered(MAX_CONCURRENT_REQUESTS).collect::<Vec<_>>().await {
            // Where a case cannot be read this journal stays, and keeps no other attempt from being told.
            finished.extend(FirstUnreadable::default().read(asked)?.map(|()| attempt));
        }
        self.remove(context, finished.iter().map(Thing::Journal).collect()).await?;
        passed_over.found(under_way)
    }

    /// The journal tells first that the attempt is being fenced, so that it is told until it is withdrawn.
    async fn fence(&self, message_ref: &MessageRef) -> Result<FenceOutcome> {
        self.note_fencing(message_ref).await?;
        let corrupt = || StorageError::corrupt(format!("the key of the recording of {}", message_ref.id));
        let put_at = hour(&message_ref.audio.hour).ok_or_else(corrupt)?;
        match self.fence_row(message_ref, put_at.plus(FENCE_LIFETIME)).await? {
            Some(Row::Message(message)) if message.facts.attempt == message_ref.attempt => {
                claim_forgotten(self, &message.facts).await?;
            }
            _ => return Ok(FenceOutcome::Never),
        }
        self.remove("fencing a deposit", vec![Thing::Journal(message_ref)]).await?;
        Ok(FenceOutcome::Created)
    }

    /// One region that fails keeps no other from its search.
    async fn remove_orphans(&self, until: Timestamp, now: Timestamp) -> Result<u64> {
        let end = until.plus(HOUR).hour();
        let over = now.minus(HOUR).hour().min(end.clone());
        let regions = self.all_recordings().keys();
        let searches = regions.map(|region| orphans::search(self, region, &end, &over));
        join_all(searches).await.into_iter().sum()
    }
}

/// The cases that forget a message of this caller, in whatever state.
async fn covering(cloud: &impl Cloud, subject: &Subject, facts: &Facts) -> Result<Vec<Case>> {
    let mut cases = cloud.read_cases(cloud.forgets(subject).await?).await?;
    cases.retain(|case| case.forgets_message(facts));
    Ok(cases)
}

/// Claims a message that a case covers whose fate was decided before its commit: its deposit was cut off before it had
/// asked. What is due tells it then.
async fn claim_forgotten(cloud: &impl Cloud, facts: &Facts) -> Result<()> {
    let Some(subject) = &facts.subject else { return Ok(()) };
    if let Some(case) = covering(cloud, subject, facts).await?.iter().find(|case| !case.is_pending()) {
        cloud.claim(&facts.mailbox, facts.id, &Claim::Case(case.key.clone())).await?;
    }
    Ok(())
}
