//! A deposit: all that carries the attempt, at once; the birth, which is one conditional put; what takes a try back, and
//! the fence that decides a slow one.
//!
//! The journal, the caller's marker and the audio are written side by side. Cut off, a try is found by its journal; audio
//! without one is found by [`tidy`](super::tidy), which lists it by the hour of its put. The journal of a try that was born
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
use super::row::{PassedOver, REMAINS, Row, born, fence, left};
use super::{cases, mailboxes};
use crate::stored::{StoredMarker, StoredRemains};
use crate::{Arrival, Birth, Deposit, Fenced, Found, Recordings as _, Remains, Result, StorageError};

/// What a journal tells beside what is left of the try: when it began.
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
        let remains = Remains::from(facts);
        let announce = async {
            if let Some(name) = self.rows.layout.marker(&remains) {
                let marker = json(context, &StoredMarker::from(facts))?;
                self.rows.blobs.note(context, &name, [(MARKER.to_owned(), marker)].into()).await?;
            }
            Ok::<_, StorageError>(())
        };
        let (row, put, journaled, announced, counts) = join!(
            self.rows.look(context, &facts.mailbox, facts.id),
            put,
            self.journal(&remains, deposit.begun_at),
            announce,
            self.rows.counts(&facts.mailbox),
        );
        let row = row?;
        if !matches!(row, Row::Nothing | Row::Fence(..)) {
            if !row.is_of(&facts.attempt) {
                self.recordings(&remains)?.delete(&remains.audio).await?;
            }
            self.withdraw_try(&remains).await?;
            return Ok(Arrival::Taken(row.found()));
        }
        put?;
        journaled?;
        announced?;
        counts.map(|counts| Arrival::Arrived(counts.stored()))
    }

    async fn journal(&self, remains: &Remains, begun: Timestamp) -> Result<()> {
        let context = "announcing a deposit";
        let mut journal = left(context, remains.clone())?;
        journal.insert(BEGUN.to_owned(), begun.millis().to_string());
        self.rows.blobs.note(context, &self.rows.layout.journal(remains), journal).await
    }

    /// The election. Who is forgotten is asked beside it, and after the caller's marker was written: a case that is not
    /// found here finds the marker.
    pub(super) async fn elect(&self, deposit: &Deposit) -> Result<Birth> {
        let facts = &deposit.facts;
        let subject = facts.subject.as_ref();
        let forgets: OptionFuture<_> = subject.map(|subject| self.forgotten(subject)).into();
        let (elected, forgets, mailbox) =
            join!(self.put_row(deposit), forgets, self.rows.mailbox(&facts.mailbox));
        let mut message = match elected? {
            None => Message::born(facts.clone()),
            Some(Row::Message(message)) if message.facts.attempt == facts.attempt => *message,
            Some(Row::Fence(..)) => return Ok(Birth::Fenced),
            Some(row) => return Ok(Birth::Taken(row.found())),
        };
        let mut covering = forgets.transpose()?.unwrap_or_default();
        covering.retain(|case| case.forgets_message(facts));
        if let Some(case) = covering.iter().find(|case| !case.is_pending()) {
            self.forget(&Remains::from(facts), Claim::Case(case.key.clone()), deposit.begun_at).await?;
            return Ok(Birth::Forgotten);
        }
        let of_case =
            covering.into_iter().map(|case| Hold::Case { case: case.key, purge_at: case.deadlines.purge_at });
        let deleted = mailboxes::deleted_until(mailbox?.as_ref(), facts.generation);
        let of_mailbox = deleted.map(|purge_at| Hold::Mailbox { purge_at });
        for hold in of_case.chain(of_mailbox) {
            match self.rows.hold(&facts.mailbox, facts.id, &hold).await? {
                Some(held) => message = held,
                None => return Ok(Birth::Taken(Found::Gone)),
            }
        }
        if message.claimed {
            return Ok(Birth::Taken(Found::Gone));
        }
        Ok(Birth::Born(Box::new(message)))
    }

    /// The cases that name a caller.
    async fn forgotten(&self, subject: &Subject) -> Result<Vec<Case>> {
        let keys = cases::forgets(&self.rows, subject).await?;
        cases::read_all(&self.rows, keys).await
    }

    /// Puts the row if the id is free. What is there else.
    async fn put_row(&self, deposit: &Deposit) -> Result<Option<Row>> {
        let context = "bearing a message";
        let facts = &deposit.facts;
        let name = self.rows.layout.message(&facts.mailbox, facts.id);
        let metadata = born(deposit)?;
        let caller = facts.subject.as_ref().map(|subject| (CALLER, subject.to_string()));
        let mut condition = If::Nothing;
        for round in 0..ROUNDS {
            let tags = caller.clone().into_iter().collect();
            let born = With { metadata: metadata.clone(), tags, ..With::default() };
            if self.rows.blobs.put(context, &name, Bytes::new(), born, condition).await? {
                return Ok(None);
            }
            condition = match self.rows.at(context, &facts.mailbox, facts.id).await? {
                // The fence of other tries.
                (Row::Fence(tries, _), Some(etag)) if !tries.contains(&facts.attempt) => If::Is(etag),
                (Row::Nothing, _) => If::Nothing,
                (row, _) => return Ok(Some(row)),
            };
            pause(round).await;
        }
        Err(contended(context))
    }

    /// Purges a message at its birth, whose case was decided before. Cut off, the claim is told by what is due.
    async fn forget(&self, remains: &Remains, claim: Claim, now: Timestamp) -> Result<()> {
        self.rows.claim(&remains.mailbox, remains.id, &claim).await?;
        self.recordings(remains)?.delete(&remains.audio).await?;
        self.rows.bury(remains, now).await
    }

    /// Claims a message that a case covers whose fate was decided before its birth: its deposit was cut off before it had
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

    /// Takes a try back. Its journal goes last.
    pub(super) async fn withdraw_try(&self, remains: &Remains) -> Result<()> {
        let context = "withdrawing a deposit";
        let row = self.rows.look(context, &remains.mailbox, remains.id).await?;
        if let Some(marker) = self.rows.layout.marker(remains).filter(|_| !row.is_of(&remains.attempt)) {
            self.rows.blobs.delete(context, &marker, None).await?;
        }
        self.rows.blobs.delete(context, &self.rows.layout.journal(remains), None).await
    }

    /// Tries that began before `before`, and fenced ones. The journals of those that were born go.
    pub(super) async fn tries(&self, before: Timestamp) -> Result<Vec<Remains>> {
        let context = "listing deposits under way";
        let (mut tries, mut passed_over) = (Vec::<Remains>::new(), PassedOver::default());
        for listed in self.rows.blobs.all(context, &self.rows.layout.arriving()).await? {
            if begun(&listed.metadata).is_some_and(|begun| begun >= before) {
                continue;
            }
            let remains = value_of::<StoredRemains>(&listed.metadata, REMAINS).map(Remains::from);
            let name = listed.name.rsplit('/').next().unwrap_or_default();
            let corrupt = || StorageError::Corrupt { context: format!("a try {name}") };
            tries.extend(passed_over.read(remains.ok_or_else(corrupt))?);
        }
        let looked = stream::iter(tries).map(|remains| async move {
            let row = self.rows.look(context, &remains.mailbox, remains.id).await;
            (remains, row)
        });
        let looked: Vec<_> = looked.buffered(ABREAST).collect().await;
        let (mut born, mut under_way) = (Vec::new(), Vec::new());
        for (remains, row) in looked {
            match passed_over.read(row)? {
                Some(Row::Message(message)) if message.facts.attempt == remains.attempt => {
                    born.push((self.rows.layout.journal(&remains), message));
                }
                Some(_) => under_way.push(remains),
                // Whether it was born is not known.
                None => {}
            }
        }
        let asked = stream::iter(born)
            .map(|(journal, message)| async move { (self.forget_late(&message).await, journal) });
        let mut finished = Vec::new();
        for (asked, journal) in asked.buffer_unordered(ABREAST).collect::<Vec<_>>().await {
            // Where a case cannot be read this journal stays, and keeps no other try from being told.
            finished.extend(PassedOver::default().read(asked)?.map(|()| journal));
        }
        self.rows.blobs.delete_all(context, finished).await?;
        passed_over.found(under_way)
    }

    /// Decides what a try became. Its journal tells first that it is being fenced, so that it is told until it is withdrawn.
    pub(super) async fn fence_try(&self, remains: &Remains) -> Result<Fenced> {
        let context = "fencing a deposit";
        let Remains { mailbox, id, attempt, audio, .. } = remains;
        let blobs = &self.rows.blobs;
        self.journal(remains, Timestamp::default()).await?;
        let corrupt = || StorageError::Corrupt { context: format!("the key of the recording of {id}") };
        let until = hour(&audio.hour).ok_or_else(corrupt)?.plus(FENCE_LIFETIME);
        let name = self.rows.layout.message(mailbox, *id);
        for round in 0..ROUNDS {
            let (tries, until, condition) = match self.rows.at(context, mailbox, *id).await? {
                (Row::Fence(tries, _), _) if tries.contains(attempt) => return Ok(Fenced::Never),
                (Row::Fence(tries, other), Some(etag)) => (tries, until.max(other), If::Is(etag)),
                (Row::Message(message), _) if message.facts.attempt == *attempt => {
                    self.forget_late(&message).await?;
                    blobs.delete(context, &self.rows.layout.journal(remains), None).await?;
                    return Ok(Fenced::Born);
                }
                (Row::Message(_) | Row::Gone(_), _) => return Ok(Fenced::Never),
                (Row::Nothing | Row::Fence(..), _) => (BTreeSet::new(), until, If::Nothing),
            };
            let mut tries = tries;
            tries.insert(attempt.clone());
            if blobs.put(context, &name, Bytes::new(), fence(&tries, until).into(), condition).await? {
                return Ok(Fenced::Never);
            }
            pause(round).await;
        }
        Err(contended(context))
    }

    /// Whether a try has a journal, which whoever takes tries back goes by.
    pub(super) async fn is_journaled(&self, remains: &Remains) -> Result<bool> {
        let name = self.rows.layout.journal(remains);
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
