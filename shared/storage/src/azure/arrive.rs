//! A deposit: all that carries the attempt, at once; the commit, which is one conditional put; what takes an attempt back, and
//! the fence that decides a slow one.
//!
//! The journal, the caller's marker and the audio are written side by side. Cut off, an attempt is found by its journal; audio
//! without one is found by [`tidy`](super::tidy), which lists it by the hour of its put. The journal of an attempt that was created
//! is struck off by the sweep and not by the deposit, which would wait for it.

use std::collections::BTreeSet;

use bytes::Bytes;
use domain::{Case, Claim, FENCE_LIFETIME, Hold, Message, Subject, Timestamp};
use futures::future::{BoxFuture, OptionFuture};
use futures::{StreamExt as _, join, stream};

use super::blobs::{ABREAST, If, Metadata, ROUNDS, With, json, pause, value_of};
use super::fault::contended;
use super::index::AzureIndex;
use super::purge::MARKER;
use super::recordings::CALLER;
use super::row::{MESSAGE_REF, PassedOver, Row, created, fence, left};
use super::{cases, mailboxes};
use crate::stored::{StoredMarker, StoredMessageRef};
use crate::{Arrival, Deposit, Fenced, Found, Insertion, MessageRef, Recordings as _, Result, StorageError};

/// What a journal tells beside what is left of the attempt: when it began.
const BEGUN: &str = "begun";

impl AzureIndex {
    /// The first half of a deposit.
    pub(super) async fn arrive_all(
        &self,
        deposit: &Deposit,
        put: BoxFuture<'_, Result<()>>,
    ) -> Result<Arrival> {
        let context = "announcing a deposit";
        let facts = &deposit.facts;
        let message_ref = MessageRef::from(facts);
        let announce = async {
            if let Some(name) = self.rows.layout.marker(&message_ref) {
                let marker = json(context, &StoredMarker::from(facts))?;
                self.rows.blobs.note(context, &name, [(MARKER.to_owned(), marker)].into()).await?;
            }
            Ok::<_, StorageError>(())
        };
        let (row, put, journaled, announced, counts) = join!(
            self.rows.look(context, &facts.mailbox, facts.id),
            put,
            self.journal(&message_ref, deposit.begun_at),
            announce,
            self.rows.counts(&facts.mailbox),
        );
        let row = row?;
        if !matches!(row, Row::Nothing | Row::Fence(..)) {
            if !row.is_of(&facts.attempt) {
                self.recordings(&message_ref)?.delete(&message_ref.audio).await?;
            }
            self.withdraw_attempt(&message_ref).await?;
            return Ok(Arrival::Taken(row.found()));
        }
        put?;
        journaled?;
        announced?;
        counts.map(|counts| Arrival::Arrived(counts.stored()))
    }

    async fn journal(&self, message_ref: &MessageRef, begun: Timestamp) -> Result<()> {
        let context = "announcing a deposit";
        let mut journal = left(context, message_ref.clone())?;
        journal.insert(BEGUN.to_owned(), begun.millis().to_string());
        self.rows.blobs.note(context, &self.rows.layout.journal(message_ref), journal).await
    }

    /// The commit. Who is forgotten is asked beside it, and after the caller's marker was written: a case that is not
    /// found here finds the marker.
    pub(super) async fn commit(&self, deposit: &Deposit) -> Result<Insertion> {
        let facts = &deposit.facts;
        let subject = facts.subject.as_ref();
        let forgets: OptionFuture<_> = subject.map(|subject| self.forgotten(subject)).into();
        let (committed, forgets, mailbox) =
            join!(self.put_row(deposit), forgets, self.rows.mailbox(&facts.mailbox));
        let mut message = match committed? {
            None => Message::new(facts.clone()),
            Some(Row::Message(message)) if message.facts.attempt == facts.attempt => *message,
            Some(Row::Fence(..)) => return Ok(Insertion::Fenced),
            Some(row) => return Ok(Insertion::Taken(row.found())),
        };
        let mut covering = forgets.transpose()?.unwrap_or_default();
        covering.retain(|case| case.forgets_message(facts));
        if let Some(case) = covering.iter().find(|case| !case.is_pending()) {
            self.forget(&MessageRef::from(facts), Claim::Case(case.key.clone()), deposit.begun_at).await?;
            return Ok(Insertion::Forgotten);
        }
        let of_case =
            covering.into_iter().map(|case| Hold::Case { case: case.key, purge_at: case.deadlines.purge_at });
        let deleted = mailboxes::deleted_until(mailbox?.as_ref(), facts.generation);
        let of_mailbox = deleted.map(|purge_at| Hold::Mailbox { purge_at });
        for hold in of_case.chain(of_mailbox) {
            match self.rows.hold(&facts.mailbox, facts.id, &hold).await? {
                Some(held) => message = held,
                None => return Ok(Insertion::Taken(Found::Gone)),
            }
        }
        if message.claimed {
            return Ok(Insertion::Taken(Found::Gone));
        }
        Ok(Insertion::Created(Box::new(message)))
    }

    /// The cases that name a caller.
    async fn forgotten(&self, subject: &Subject) -> Result<Vec<Case>> {
        let keys = cases::forgets(&self.rows, subject).await?;
        cases::read_all(&self.rows, keys).await
    }

    /// Puts the row if the id is free. What is there else.
    async fn put_row(&self, deposit: &Deposit) -> Result<Option<Row>> {
        let context = "creating a message";
        let facts = &deposit.facts;
        let name = self.rows.layout.message(&facts.mailbox, facts.id);
        let metadata = created(deposit)?;
        let caller = facts.subject.as_ref().map(|subject| (CALLER, subject.to_string()));
        let mut condition = If::Nothing;
        for round in 0..ROUNDS {
            let tags = caller.clone().into_iter().collect();
            let created = With { metadata: metadata.clone(), tags, ..With::default() };
            if self.rows.blobs.put(context, &name, Bytes::new(), created, condition).await? {
                return Ok(None);
            }
            condition = match self.rows.at(context, &facts.mailbox, facts.id).await? {
                // The fence of other attempts.
                (Row::Fence(attempts, _), Some(etag)) if !attempts.contains(&facts.attempt) => If::Is(etag),
                (Row::Nothing, _) => If::Nothing,
                (row, _) => return Ok(Some(row)),
            };
            pause(round).await;
        }
        Err(contended(context))
    }

    /// Purges a message at its commit, whose case was decided before. Cut off, the claim is told by what is due.
    async fn forget(&self, message_ref: &MessageRef, claim: Claim, now: Timestamp) -> Result<()> {
        self.rows.claim(&message_ref.mailbox, message_ref.id, &claim).await?;
        self.recordings(message_ref)?.delete(&message_ref.audio).await?;
        self.rows.leave_tombstone(message_ref, now).await
    }

    /// Claims a message that a case covers whose fate was decided before its commit: its deposit was cut off before it had
    /// asked. What is due tells it then.
    async fn forget_late(&self, message: &Message) -> Result<()> {
        let Some(subject) = &message.facts.subject else { return Ok(()) };
        let is_decided = |case: &&Case| !case.is_pending() && case.forgets_message(&message.facts);
        if let Some(case) = self.forgotten(subject).await?.iter().find(is_decided) {
            let (mailbox, id) = (&message.facts.mailbox, message.facts.id);
            self.rows.claim(mailbox, id, &Claim::Case(case.key.clone())).await?;
        }
        Ok(())
    }

    /// Takes an attempt back. Its journal goes last.
    pub(super) async fn withdraw_attempt(&self, message_ref: &MessageRef) -> Result<()> {
        let context = "withdrawing a deposit";
        let row = self.rows.look(context, &message_ref.mailbox, message_ref.id).await?;
        if let Some(marker) =
            self.rows.layout.marker(message_ref).filter(|_| !row.is_of(&message_ref.attempt))
        {
            self.rows.blobs.delete(context, &marker, None).await?;
        }
        self.rows.blobs.delete(context, &self.rows.layout.journal(message_ref), None).await
    }

    /// Attempts that began before `before`, and fenced ones. The journals of those that were created go.
    pub(super) async fn attempts(&self, before: Timestamp) -> Result<Vec<MessageRef>> {
        let context = "listing deposits under way";
        let (mut attempts, mut passed_over) = (Vec::<MessageRef>::new(), PassedOver::default());
        for listed in self.rows.blobs.all(context, &self.rows.layout.arriving()).await? {
            if begun(&listed.metadata).is_some_and(|begun| begun >= before) {
                continue;
            }
            let message_ref =
                value_of::<StoredMessageRef>(&listed.metadata, MESSAGE_REF).map(MessageRef::from);
            let name = listed.name.rsplit('/').next().unwrap_or_default();
            let corrupt = || StorageError::Corrupt { context: format!("an attempt {name}") };
            attempts.extend(passed_over.read(message_ref.ok_or_else(corrupt))?);
        }
        let looked = stream::iter(attempts).map(|message_ref| async move {
            let row = self.rows.look(context, &message_ref.mailbox, message_ref.id).await;
            (message_ref, row)
        });
        let looked: Vec<_> = looked.buffered(ABREAST).collect().await;
        let (mut created, mut under_way) = (Vec::new(), Vec::new());
        for (message_ref, row) in looked {
            match passed_over.read(row)? {
                Some(Row::Message(message)) if message.facts.attempt == message_ref.attempt => {
                    created.push((self.rows.layout.journal(&message_ref), message));
                }
                Some(_) => under_way.push(message_ref),
                // Whether it was created is not known.
                None => {}
            }
        }
        let asked = stream::iter(created)
            .map(|(journal, message)| async move { (self.forget_late(&message).await, journal) });
        let mut finished = Vec::new();
        for (asked, journal) in asked.buffer_unordered(ABREAST).collect::<Vec<_>>().await {
            // Where a case cannot be read this journal stays, and keeps no other attempt from being told.
            finished.extend(PassedOver::default().read(asked)?.map(|()| journal));
        }
        self.rows.blobs.delete_all(context, finished).await?;
        passed_over.found(under_way)
    }

    /// Decides what an attempt became. Its journal tells first that it is being fenced, so that it is told until it is withdrawn.
    pub(super) async fn fence_attempt(&self, message_ref: &MessageRef) -> Result<Fenced> {
        let context = "fencing a deposit";
        let MessageRef { mailbox, id, attempt, audio, .. } = message_ref;
        let blobs = &self.rows.blobs;
        self.journal(message_ref, Timestamp::default()).await?;
        let corrupt = || StorageError::Corrupt { context: format!("the key of the recording of {id}") };
        let until = hour(&audio.hour).ok_or_else(corrupt)?.plus(FENCE_LIFETIME);
        let name = self.rows.layout.message(mailbox, *id);
        for round in 0..ROUNDS {
            let (attempts, until, condition) = match self.rows.at(context, mailbox, *id).await? {
                (Row::Fence(attempts, _), _) if attempts.contains(attempt) => return Ok(Fenced::Never),
                (Row::Fence(attempts, other), Some(etag)) => (attempts, until.max(other), If::Is(etag)),
                (Row::Message(message), _) if message.facts.attempt == *attempt => {
                    self.forget_late(&message).await?;
                    blobs.delete(context, &self.rows.layout.journal(message_ref), None).await?;
                    return Ok(Fenced::Created);
                }
                (Row::Message(_) | Row::Gone(_), _) => return Ok(Fenced::Never),
                (Row::Nothing | Row::Fence(..), _) => (BTreeSet::new(), until, If::Nothing),
            };
            let mut attempts = attempts;
            attempts.insert(attempt.clone());
            if blobs.put(context, &name, Bytes::new(), fence(&attempts, until).into(), condition).await? {
                return Ok(Fenced::Never);
            }
            pause(round).await;
        }
        Err(contended(context))
    }

    /// Whether an attempt has a journal, which whoever takes attempts back goes by.
    pub(super) async fn is_journaled(&self, message_ref: &MessageRef) -> Result<bool> {
        let name = self.rows.layout.journal(message_ref);
        Ok(self.rows.blobs.head("looking for a deposit", &name).await?.is_some())
    }
}

fn begun(journal: &Metadata) -> Option<Timestamp> {
    journal.get(BEGUN)?.parse().ok().map(Timestamp::from_millis)
}

/// When an hour of keys began.
pub(super) fn hour(text: &str) -> Option<Timestamp> {
    let part = |from: usize, to: usize| text.get(from..to);
    let time = format!("{}-{}-{}T{}:00:00Z", part(0, 4)?, part(4, 6)?, part(6, 8)?, part(8, 10)?);
    time.parse().ok()
}
