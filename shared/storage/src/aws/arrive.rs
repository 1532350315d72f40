//! A deposit: all that carries the attempt, at once; the birth, which is one conditional put; what takes a try back, and
//! the fence that decides a slow one.
//!
//! The journal, the caller's marker and the audio are written side by side, journal and marker in one request. Cut off,
//! a try is found by its journal; audio without one is found by [`tidy`](super::tidy), which lists it by the hour of its
//! put. The journal of a try that was born is struck off by the sweep and not by the deposit, which would wait for it.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use domain::{Case, Claim, FENCE_LIFETIME, Hold, Message, Subject, Timestamp};
use futures::future::{BoxFuture, OptionFuture};
use futures::{StreamExt as _, join, stream};

use super::fault::{fault, incomplete};
use super::index::AwsIndex;
use super::layout::{FOLDER, Key, ms13};
use super::row::{PassedOver, Row, born, json};
use super::table::{Item, Query, Update, Updated, number, text, text_of};
use super::{cases, mailboxes};
use crate::stored::{StoredMarker, StoredRemains, decode};
use crate::{Arrival, Birth, Deposit, Fenced, Found, Remains, Result, StorageError};

/// How many messages are looked after at once.
const ABREAST: usize = 16;
/// `f` of the journal of a try that was fenced: before all times.
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
        let remains = Remains::from(facts);
        let mut announced = vec![self.journal(&remains, &ms13(deposit.begun_at))?];
        if let Some(key) = self.rows.layout.marker(&remains) {
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
                self.recordings(&remains)?.delete(&remains.audio).await?;
            }
            self.withdraw_try(&remains).await?;
            return Ok(Arrival::Taken(row.found()));
        }
        put?;
        announced?;
        counts.map(|counts| Arrival::Arrived(counts.stored()))
    }

    fn journal(&self, remains: &Remains, f: &str) -> Result<Item> {
        let mut journal = self.rows.layout.journal(remains).item();
        let stored = json("announcing a deposit", &StoredRemains::from(remains.clone()))?;
        journal.extend([("f".to_owned(), text(f)), ("remains".to_owned(), stored)]);
        Ok(journal)
    }

    /// The election. Who is forgotten is asked beside it, and after the caller's marker was written: a case that is not
    /// found here finds the marker.
    pub(super) async fn elect(&self, deposit: &Deposit) -> Result<Birth> {
        let facts = &deposit.facts;
        let subject = facts.subject.as_ref();
        let forgets: OptionFuture<_> = subject.map(|subject| self.forgotten(subject)).into();
        let (elected, forgets, mailbox) = join!(
            self.put_row(deposit),
            forgets,
            mailboxes::read(&self.rows.table, &self.rows.layout, &facts.mailbox),
        );
        let mut message = match elected? {
            None => Message::born(facts.clone()),
            Some(Row::Message(message)) if message.facts.attempt == facts.attempt => *message,
            Some(Row::Fence) => return Ok(Birth::Fenced),
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
        let (table, layout) = (&self.rows.table, &self.rows.layout);
        let keys = cases::forgets(table, layout, subject).await?;
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        cases::read_all(table, layout, &keys).await
    }

    /// Puts the row if the id is free. What is there else.
    async fn put_row(&self, deposit: &Deposit) -> Result<Option<Row>> {
        let context = "bearing a message";
        let facts = &deposit.facts;
        let key = self.rows.layout.message(&facts.mailbox, facts.id);
        let put = self.rows.table.client.put_item().table_name(&self.rows.table.name);
        let sent = put
            .set_item(Some(born(&key, deposit)?))
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
        let table = &self.rows.table;
        let row = self.rows.look(context, &remains.mailbox, remains.id).await?;
        if let Some(marker) = self.rows.layout.marker(remains).filter(|_| !row.is_of(&remains.attempt)) {
            table.write_all(context, Vec::new(), vec![marker]).await?;
        }
        table.write_all(context, Vec::new(), vec![self.rows.layout.journal(remains)]).await
    }

    /// Tries that began before `before`, and fenced ones. The journals of those that were born go.
    pub(super) async fn tries(&self, before: Timestamp) -> Result<Vec<Remains>> {
        let context = "listing deposits under way";
        let (table, layout) = (&self.rows.table, &self.rows.layout);
        let query = Query {
            index: Some(FOLDER),
            condition: "pk = :pk AND f < :before",
            values: vec![(":pk", text(layout.arriving())), (":before", text(ms13(before)))],
            wanted: Some("pk, sk, remains"),
            ..Query::default()
        };
        let (mut tries, mut passed_over) = (Vec::<Remains>::new(), PassedOver::default());
        let entries = table.all(context, query).await?;
        for item in table.filled(context, entries, "remains").await? {
            let remains = text_of(&item, "remains").and_then(|json| decode::<StoredRemains>(json.as_bytes()));
            let remains = remains.map(Remains::from).ok_or_else(|| StorageError::Corrupt {
                context: format!("a try {}", text_of(&item, "sk").unwrap_or_default()),
            });
            tries.extend(passed_over.read(remains)?);
        }
        let keys = tries.iter().map(|remains| layout.message(&remains.mailbox, remains.id));
        let rows = self.rows.table.get_all(context, keys).await?;
        let mut born = Vec::new();
        let mut under_way = Vec::new();
        for remains in tries {
            let row = rows.get(&layout.message(&remains.mailbox, remains.id));
            match passed_over.read(Row::read(row))? {
                Some(Row::Message(message)) if message.facts.attempt == remains.attempt => {
                    born.push((layout.journal(&remains), message));
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
        table.write_all(context, Vec::new(), finished).await?;
        passed_over.found(under_way)
    }

    /// Decides what a try became. Its journal tells first that it is being fenced, so that it is told until it is withdrawn.
    pub(super) async fn fence_try(&self, remains: &Remains) -> Result<Fenced> {
        let context = "fencing a deposit";
        let Remains { mailbox, id, attempt, .. } = remains;
        let table = &self.rows.table;
        table.write_all(context, vec![self.journal(remains, FENCED)?], Vec::new()).await?;
        let put_at = hour(&remains.audio.hour).ok_or_else(|| corrupt(remains))?;
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
        table.write_all(context, Vec::new(), vec![self.rows.layout.journal(remains)]).await?;
        Ok(Fenced::Born)
    }
}

/// When an hour of keys began.
fn hour(text: &str) -> Option<Timestamp> {
    let part = |from: usize, to: usize| text.get(from..to);
    let time = format!("{}-{}-{}T{}:00:00Z", part(0, 4)?, part(4, 6)?, part(6, 8)?, part(8, 10)?);
    time.parse().ok()
}

fn corrupt(remains: &Remains) -> StorageError {
    StorageError::Corrupt { context: format!("the key of the recording of {}", remains.id) }
}
