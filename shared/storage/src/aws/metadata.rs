//! The metadata of a tenant, in the table of its master region: the requests that the algorithm of the clouds is made of.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use domain::{Hold, MailboxId, Message, MessageId, Region, Timestamp};

use super::fault::fault;
use super::layout::{FOLDER, Item, Key, Layout};
use super::row::{created, json, read, replace};
use super::table::{Query, Table, Update, UpdateOutcome, number, text, text_of, value_of};
use crate::cloud::{
    ChangeOutcome, Cloud, MAILBOXES, MAX_ROUNDS, RegionRecordings, Row, Thing, contended, may_be_of, nonce,
    passing_over, pause,
};
use crate::stored::ms13;
use crate::{CallerMarker, Deposit, MessageRef, Metadata, Result, StorageError};

/// `f` of the journal of an attempt that was fenced: before all times.
const FENCED: &str = "!";

/// The metadata of a tenant.
pub(super) struct AwsMetadata {
    pub(super) table: Table,
    pub(super) layout: Layout,
    pub(super) recordings: BTreeMap<Region, Arc<dyn RegionRecordings>>,
}

#[async_trait]
impl Metadata for AwsMetadata {
    async fn ping(&self) -> Result<()> {
        self.table.ping(&Key { pk: self.layout.pk(MAILBOXES), sk: "!".to_owned() }).await
    }
}

impl AwsMetadata {
    fn journal(&self, message_ref: &MessageRef, f: &str) -> Result<Item> {
        let mut journal = self.layout.key(Thing::Journal(message_ref)).item();
        let stored = json("announcing a deposit", message_ref)?;
        journal.extend([("f".to_owned(), text(f)), ("remains".to_owned(), stored)]);
        Ok(journal)
    }

    /// Changes a message by a rule, from what was found on.
    pub(super) async fn change_found<T>(
        &self,
        context: &'static str,
        key: &Key,
        mut found: Option<Item>,
        rule: impl Fn(&mut Message) -> T + Send,
    ) -> Result<ChangeOutcome<T>> {
        let own = nonce()?;
        let mut written = None;
        for round in 0..MAX_ROUNDS {
            let before = match read(found.as_ref())? {
                Row::Nothing | Row::Fence(_) => return Ok(ChangeOutcome::Nothing),
                Row::Tombstone(_) => return Ok(ChangeOutcome::Gone),
                Row::Message(before) => before,
            };
            let op = found.as_ref().and_then(|item| item.get("op")).cloned();
            let op = op.ok_or_else(|| StorageError::corrupt(format!("the message {}", key.sk)))?;
            // Our own write, whose answer was lost.
            if op == text(&*own)
                && let Some((after, outcome)) = written.take()
            {
                return Ok(ChangeOutcome::Message(after, outcome));
            }
            let mut after = before.clone();
            let outcome = rule(&mut after);
            if after == before {
                return Ok(ChangeOutcome::Message(after, outcome));
            }
            match self.table.update(context, key, replace(&after, self.layout.tenant(), &own, op)).await? {
                UpdateOutcome::Done(_) => return Ok(ChangeOutcome::Message(after, outcome)),
                UpdateOutcome::Refused(now) => found = now,
            }
            written = Some((after, outcome));
            pause(round).await;
        }
        Err(contended(context))
    }
}

#[async_trait]
impl Cloud for AwsMetadata {
    type ListedRow = Item;

    fn all_recordings(&self) -> &BTreeMap<Region, Arc<dyn RegionRecordings>> {
        &self.recordings
    }

    async fn row(&self, context: &'static str, mailbox: &MailboxId, id: MessageId) -> Result<Row> {
        read(self.table.get(context, &self.layout.message(mailbox, id)).await?.as_ref())
    }

    async fn rows_of(&self, attempts: Vec<MessageRef>) -> Result<Vec<(MessageRef, Result<Row>)>> {
        let key = |attempt: &MessageRef| self.layout.message(&attempt.mailbox, attempt.id);
        let rows = self.table.get_all("listing deposits under way", attempts.iter().map(key)).await?;
        let row = |attempt| {
            let row = read(rows.get(&key(&attempt)));
            (attempt, row)
        };
        Ok(attempts.into_iter().map(row).collect())
    }

    async fn walk(&self, mailbox: &MailboxId) -> Result<Vec<(Row, Item)>> {
        let items = self.table.all("walking a mailbox", Query::of(self.layout.messages(mailbox))).await?;
        items.into_iter().map(|item| Ok((passing_over(read(Some(&item)))?, item))).collect()
    }

    async fn insert_row(&self, deposit: &Deposit) -> Result<Option<Row>> {
        let facts = &deposit.facts;
        let key = self.layout.message(&facts.mailbox, facts.id);
        let put = self.table.client.put_item().table_name(&self.table.name);
        let sent = put
            .set_item(Some(created(&key, deposit)?))
            .condition_expression(
                "attribute_not_exists(sk) OR (attribute_exists(fence) AND NOT contains(fence, :a))",
            )
            .expression_attribute_values(":a", text(facts.attempt.as_str()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = sent else { return Ok(None) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                read(failed.item.as_ref()).map(Some)
            }
            _ => Err(fault("creating a message")(error)),
        }
    }

    async fn fence_row(&self, message_ref: &MessageRef, until: Timestamp) -> Result<Option<Row>> {
        let update = Update {
            expression: "ADD fence :a SET #ttl=:ttl".to_owned(),
            condition: "attribute_not_exists(facts) AND attribute_not_exists(gone)",
            values: vec![
                (":a", AttributeValue::Ss(vec![message_ref.attempt.to_string()])),
                (":ttl", number(until.millis() / 1000)),
            ],
            names: vec![("#ttl", "ttl".to_owned())],
        };
        let key = self.layout.message(&message_ref.mailbox, message_ref.id);
        match self.table.update("fencing a deposit", &key, update).await? {
            UpdateOutcome::Done(_) => Ok(None),
            UpdateOutcome::Refused(found) => read(found.as_ref()).map(Some),
        }
    }

    async fn remove_row(&self, item: Item) -> Result<()> {
        let Some(key) = Key::of(&item) else { return Ok(()) };
        let Some((what, was)) = ["gone", "fence"].iter().find_map(|what| Some((what, item.get(*what)?)))
        else {
            return Ok(());
        };
        let delete = self.table.client.delete_item().table_name(&self.table.name).set_key(Some(key.item()));
        let delete = delete.condition_expression(format!("{what} = :was"));
        let sent = delete.expression_attribute_values(":was", was.clone()).send().await;
        let Err(error) = sent else { return Ok(()) };
        match error.as_service_error() {
            Some(DeleteItemError::ConditionalCheckFailedException(_)) => Ok(()),
            _ => Err(fault("removing what is over")(error)),
        }
    }

    async fn change<T: Send, F: Fn(&mut Message) -> T + Send + Sync>(
        &self,
        context: &'static str,
        mailbox: &MailboxId,
        id: MessageId,
        rule: F,
    ) -> Result<ChangeOutcome<T>> {
        let key = self.layout.message(mailbox, id);
        let found = self.table.get(context, &key).await?;
        self.change_found(context, &key, found, rule).await
    }

    async fn hold_listed(&self, message: &Message, listed: Item, hold: &Hold) -> Result<()> {
        let key = self.layout.message(&message.facts.mailbox, message.facts.id);
        let rule = |message: &mut Message| message.hold(hold.clone());
        self.change_found("holding a message with its mailbox", &key, Some(listed), rule).await.map(|_| ())
    }

    /// Both in one `BatchWriteItem`.
    async fn announce(&self, deposit: &Deposit) -> Result<()> {
        let context = "announcing a deposit";
        let message_ref = MessageRef::from(&deposit.facts);
        let mut announced = vec![self.journal(&message_ref, &ms13(deposit.begun_at))?];
        if let Some(marker) = Thing::marker(&message_ref) {
            let mut marker = self.layout.key(marker).item();
            marker.insert("marker".to_owned(), json(context, &CallerMarker::from(&deposit.facts))?);
            announced.push(marker);
        }
        self.table.write_all(context, announced, Vec::new()).await
    }

    async fn note_fencing(&self, message_ref: &MessageRef) -> Result<()> {
        let journal = self.journal(message_ref, FENCED)?;
        self.table.write_all("fencing a deposit", vec![journal], Vec::new()).await
    }

    async fn journals(&self, before: Timestamp) -> Result<Vec<Result<MessageRef>>> {
        let context = "listing deposits under way";
        let query = Query {
            index: Some(FOLDER),
            condition: "pk = :pk AND f < :before",
            values: vec![(":pk", text(self.layout.arriving())), (":before", text(ms13(before)))],
            wanted: Some("pk, sk, remains"),
            ..Query::default()
        };
        let entries = self.table.all(context, query).await?;
        let items = self.table.filled(context, entries, "remains").await?;
        let journal = |item: &Item| {
            value_of(item, "remains").ok_or_else(|| {
                StorageError::corrupt(format!("an attempt {}", text_of(item, "sk").unwrap_or_default()))
            })
        };
        Ok(items.iter().map(journal).collect())
    }

    async fn untold(&self, attempts: Vec<MessageRef>) -> Result<Vec<MessageRef>> {
        let row = |attempt: &MessageRef| self.layout.message(&attempt.mailbox, attempt.id);
        let journal = |attempt: &MessageRef| self.layout.key(Thing::Journal(attempt));
        let keys = attempts.iter().flat_map(|attempt| [row(attempt), journal(attempt)]);
        let items = self.table.get_all("looking for orphans", keys).await?;
        let mut untold = Vec::new();
        for attempt in attempts {
            let may_be_its = may_be_of(read(items.get(&row(&attempt))), &attempt.attempt)?;
            if !may_be_its && !items.contains_key(&journal(&attempt)) {
                untold.push(attempt);
            }
        }
        Ok(untold)
    }

    async fn searched_until(&self, region: &Region) -> Result<String> {
        let done = self.table.get("looking for orphans", &self.layout.key(Thing::Orphans(region))).await?;
        Ok(done.as_ref().and_then(|item| text_of(item, "done")).unwrap_or_default().to_owned())
    }

    async fn note_searched(&self, region: &Region, until: &str) -> Result<()> {
        let condition = "attribute_not_exists(done) OR done < :until";
        let update = Update::new("SET done=:until", condition, vec![(":until", text(until))]);
        let key = self.layout.key(Thing::Orphans(region));
        self.table.update("looking for orphans", &key, update).await.map(|_| ())
    }
}
