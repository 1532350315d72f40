//! A deposit: all that carries the attempt, at once; the commit, which is one conditional put; what takes an attempt back, and
//! the fence that decides a slow one.
//!
//! The journal, the caller's marker and the audio are written side by side, journal and marker in one request. Cut off,
//! an attempt is found by its journal; audio without one is found by [`tidy`](super::tidy), which lists it by the hour of its
//! put. The journal of an attempt that was created is struck off by the sweep and not by the deposit, which would wait for it.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use domain::{Case, Claim, FENCE_LIFETIME, Hold, Message, Subject, Timestamp};
use futures::future::{BoxFuture, OptionFuture};
use futures::{StreamExt as _, join, stream};

use super::fault::{fault, incomplete};
use super::index::AwsIndex;
use super::layout::{FOLDER, Key, ms13};
use super::row::{PassedOver, Row, created, json};
use super::table::{Item, Query, Update, Updated, number, text, text_of};
use super::{cases, mailboxes};
use crate::stored::{StoredMarker, StoredMessageRef, decode};
use crate::{Arrival, Deposit, Fenced, Found, Insertion, MessageRef, Result, StorageError};

/// How many messages are looked after at once.
const ABREAST: usize = 16;
/// `f` of the journal of an attempt that was fenced: before all times.
const FENCED: &str = "!";

impl AwsIndex {
    /// The first half of a deposit.
    pub(super) async fn arrive_all(
        &self,
        deposit: &Deposit,
        put: BoxFuture<'_, Result<()>>,
    ) -> Result<Arrival> {
        let context = "announcing a deposit";
        let facts = &deposit.facts;
        let message_ref = MessageRef::from(facts);
        let mut announced = vec![self.journal(&message_ref, &ms13(deposit.begun_at))?];
        if let Some(key) = self.rows.layout.marker(&message_ref) {
            let mut marker = key.item();
            marker.insert("marker".to_owned(), json(context, &StoredMarker::from(facts))?);
            announced.push(marker);
        }
        let (row, put, announced, counts) = join!(
            self.rows.look(context, &facts.mailbox, facts.id),
            put,
            self.rows.table.write_all(context, announced, Vec::new()),
            self.rows.counts(&facts.mailbox),
        );
        let row = row?;
        if !matches!(row, Row::Nothing | Row::Fence) {
            if !row.is_of(&facts.attempt) {
                self.recordings(&message_ref)?.delete(&message_ref.audio).await?;
            }
            self.withdraw_attempt(&message_ref).await?;
            return Ok(Arrival::Taken(row.found()));
        }
        put?;
        announced?;
        counts.map(|counts| Arrival::Arrived(counts.stored()))
    }

    fn journal(&self, message_ref: &MessageRef, f: &str) -> Result<Item> {
        let mut journal = self.rows.layout.journal(message_ref).item();
        let stored = json("announcing a deposit", &StoredMessageRef::from(message_ref.clone()))?;
        journal.extend([("f".to_owned(), text(f)), ("remains".to_owned(), stored)]);
        Ok(journal)
    }

    /// The commit. Who is forgotten is asked beside it, and after the caller's marker was written: a case that is not
    /// found here finds the marker.
    pub(super) async fn commit(&self, deposit: &Deposit) -> Result<Insertion> {
        let facts = &deposit.facts;
        let subject = facts.subject.as_ref();
        let forgets: OptionFuture<_> = subject.map(|subject| self.forgotten(subject)).into();
        let (committed, forgets, mailbox) = join!(
            self.put_row(deposit),
            forgets,
            mailboxes::read(&self.rows.table, &self.rows.layout, &facts.mailbox),
        );
        let mut message = match committed? {
            None => Message::new(facts.clone()),
            Some(Row::Message(message)) if message.facts.attempt == facts.attempt => *message,
            Some(Row::Fence) => return Ok(Insertion::Fenced),
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
        let (table, layout) = (&self.rows.table, &self.rows.layout);
        let keys = cases::forgets(table, layout, subject).await?;
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        cases::read_all(table, layout, &keys).await
    }

    /// Puts the row if the id is free. What is there else.
    async fn put_row(&self, deposit: &Deposit) -> Result<Option<Row>> {
        let context = "creating a message";
        let facts = &deposit.facts;
        let key = self.rows.layout.message(&facts.mailbox, facts.id);
        let put = self.rows.table.client.put_item().table_name(&self.rows.table.name);
        let sent = put
            .set_item(Some(created(&key, deposit)?))
            .condition_expression(
                "attribute_not_exists(sk) OR (attribute_exists(fence) AND NOT contains(fence, :a))",
            )
            .expression_attribute_values(":a", text(facts.attempt.as_str()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match sent {
            Ok(_) => Ok(None),
            Err(SdkError::ServiceError(error)) if error.err().is_conditional_check_failed_exception() => {
                let PutItemError::ConditionalCheckFailedException(failed) = error.into_err() else {
                    return Err(incomplete(context));
                };
                Row::read(failed.item.as_ref()).map(Some)
            }
            Err(error) => Err(fault(context)(error)),
        }
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
        let table = &self.rows.table;
        let row = self.rows.look(context, &message_ref.mailbox, message_ref.id).await?;
        if let Some(marker) =
            self.rows.layout.marker(message_ref).filter(|_| !row.is_of(&message_ref.attempt))
        {
            table.write_all(context, Vec::new(), vec![marker]).await?;
        }
        table.write_all(context, Vec::new(), vec![self.rows.layout.journal(message_ref)]).await
    }

    /// Attempts that began before `before`, and fenced ones. The journals of those that were created go.
    pub(super) async fn attempts(&self, before: Timestamp) -> Result<Vec<MessageRef>> {
        let context = "listing deposits under way";
        let (table, layout) = (&self.rows.table, &self.rows.layout);
        let query = Query {
            index: Some(FOLDER),
            condition: "pk = :pk AND f < :before",
            values: vec![(":pk", text(layout.arriving())), (":before", text(ms13(before)))],
            wanted: Some("pk, sk, remains"),
            ..Query::default()
        };
        let (mut attempts, mut passed_over) = (Vec::<MessageRef>::new(), PassedOver::default());
        let entries = table.all(context, query).await?;
        for item in table.filled(context, entries, "remains").await? {
            let message_ref =
                text_of(&item, "remains").and_then(|json| decode::<StoredMessageRef>(json.as_bytes()));
            let message_ref = message_ref.map(MessageRef::from).ok_or_else(|| StorageError::Corrupt {
                context: format!("an attempt {}", text_of(&item, "sk").unwrap_or_default()),
            });
            attempts.extend(passed_over.read(message_ref)?);
        }
        let keys = attempts.iter().map(|message_ref| layout.message(&message_ref.mailbox, message_ref.id));
        let rows = self.rows.table.get_all(context, keys).await?;
        let mut created = Vec::new();
        let mut under_way = Vec::new();
        for message_ref in attempts {
            let row = rows.get(&layout.message(&message_ref.mailbox, message_ref.id));
            match passed_over.read(Row::read(row))? {
                Some(Row::Message(message)) if message.facts.attempt == message_ref.attempt => {
                    created.push((layout.journal(&message_ref), message));
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
        table.write_all(context, Vec::new(), finished).await?;
        passed_over.found(under_way)
    }

    /// Decides what an attempt became. Its journal tells first that it is being fenced, so that it is told until it is withdrawn.
    pub(super) async fn fence_attempt(&self, message_ref: &MessageRef) -> Result<Fenced> {
        let context = "fencing a deposit";
        let MessageRef { mailbox, id, attempt, .. } = message_ref;
        let table = &self.rows.table;
        table.write_all(context, vec![self.journal(message_ref, FENCED)?], Vec::new()).await?;
        let put_at = hour(&message_ref.audio.hour).ok_or_else(|| corrupt(message_ref))?;
        let update = Update {
            expression: "ADD fence :a SET #ttl=:ttl".to_owned(),
            condition: "attribute_not_exists(facts) AND attribute_not_exists(gone)",
            values: vec![
                (":a", AttributeValue::Ss(vec![attempt.to_string()])),
                (":ttl", number(put_at.plus(FENCE_LIFETIME).millis() / 1000)),
            ],
            names: vec![("#ttl", "ttl".to_owned())],
        };
        let key: Key = self.rows.layout.message(mailbox, *id);
        let Updated::Refused(found) = table.update(context, &key, update).await? else {
            return Ok(Fenced::Never);
        };
        match Row::read(found.as_ref())? {
            Row::Message(message) if message.facts.attempt == *attempt => self.forget_late(&message).await?,
            _ => return Ok(Fenced::Never),
        }
        table.write_all(context, Vec::new(), vec![self.rows.layout.journal(message_ref)]).await?;
        Ok(Fenced::Created)
    }
}

/// When an hour of keys began.
fn hour(text: &str) -> Option<Timestamp> {
    let part = |from: usize, to: usize| text.get(from..to);
    let time = format!("{}-{}-{}T{}:00:00Z", part(0, 4)?, part(4, 6)?, part(6, 8)?, part(8, 10)?);
    time.parse().ok()
}

fn corrupt(message_ref: &MessageRef) -> StorageError {
    StorageError::Corrupt { context: format!("the key of the recording of {}", message_ref.id) }
}
