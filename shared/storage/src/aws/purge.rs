//! The purge: what is due, the claim, the tombstone; and the caller markers, which find a caller's messages.

use async_trait::async_trait;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem};
use domain::{Claim, ClaimOutcome, Hold, MailboxId, MessageId, Subject, TOMBSTONE_LIFETIME, Timestamp};

use super::layout::{self, AFTER_FORGETS, DUE, Item, Key};
use super::metadata::AwsMetadata;
use super::row::read;
use super::table::{Query, Update, UpdateOutcome, number, text, text_of, value_of};
use crate::cloud::{Row, Thing, nonce};
use crate::stored::{FirstUnreadable, ms13};
use crate::{CallerMarker, Due, MessageRef, Purge, Result, StorageError};

const CLAIM: &str = "SET claim=:yes, op=:op REMOVE f";

#[async_trait]
impl Purge for AwsMetadata {
    async fn by_caller(
        &self,
        subject: &Subject,
        after: Option<&CallerMarker>,
        limit: usize,
    ) -> Result<Vec<CallerMarker>> {
        let after =
            after.map_or_else(|| AFTER_FORGETS.to_owned(), |marker| layout::attempt(&marker.message_ref));
        let query = Query {
            condition: "pk = :pk AND sk > :after",
            values: vec![(":pk", text(self.layout.caller(subject))), (":after", text(after))],
            limit: Some(limit),
            ..Query::default()
        };
        let (mut markers, mut passed_over) = (Vec::new(), FirstUnreadable::default());
        let take = |item: Item| {
            markers.extend(passed_over.read(marker(&item)).ok().flatten());
            markers.len() < limit
        };
        self.table.query("listing a caller", query, take).await?;
        markers.truncate(limit);
        passed_over.found(markers)
    }

    /// The index tells which messages to look at and may lag; the messages tell.
    async fn due(&self, before: Timestamp, after: Option<&Due>, limit: usize) -> Result<Vec<Due>> {
        let context = "listing what is due";
        let mut from = after
            .and_then(|due| layout::due(&due.claim, due.message_ref.id, &due.message_ref.mailbox))
            .unwrap_or_default();
        let (mut found, mut passed_over) = (Vec::new(), FirstUnreadable::default());
        loop {
            let entries = self.entries(&from, before, limit).await?;
            let Some((last, _)) = entries.last() else { return passed_over.found(found) };
            from.clone_from(last);
            let rows = self.table.get_all(context, entries.iter().map(|(_, key)| key.clone())).await?;
            for (due, key) in entries {
                let Some(item) = rows.get(&key).filter(|item| text_of(item, "due") == Some(&due)) else {
                    continue;
                };
                let Some(Row::Message(message)) = passed_over.read(read(Some(item)))? else { continue };
                let Some(claim) = layout::due_claim(&due) else { continue };
                if found.len() < limit {
                    found.push(Due { message_ref: MessageRef::from(&message.facts), claim });
                }
            }
            if found.len() >= limit {
                return Ok(found);
            }
        }
    }

    /// Nothing to do: what is due is told by the message's own state, and goes with it.
    async fn remove_due_entry(&self, _due: &Due) -> Result<()> {
        Ok(())
    }

    async fn claim(&self, mailbox: &MailboxId, id: MessageId, claim: &Claim) -> Result<ClaimOutcome> {
        let held = |condition, at: &Timestamp| (CLAIM, condition, vec![(":at", number(at.millis()))]);
        let (expression, condition, mut values) = match claim {
            Claim::Due(Hold::Trash { purge_at }) => held("t = :at AND attribute_not_exists(claim)", purge_at),
            Claim::Due(Hold::Mailbox { purge_at }) => {
                held("d = :at AND attribute_not_exists(claim)", purge_at)
            }
            // Refused where it is claimed, as it should be: nothing is written.
            Claim::Unfinished => held("t = :at AND attribute_not_exists(claim)", &Timestamp::default()),
            // From here on the sweep of what is due finishes it, too, also where it had a deadline in the trash.
            Claim::Due(Hold::Case { .. }) | Claim::Case(_) => (
                "SET claim=:yes, op=:op, tenant=:tenant, due=:due REMOVE f",
                "attribute_exists(facts)",
                vec![
                    (":tenant", text(self.layout.tenant())),
                    (":due", text(layout::due(&Claim::Unfinished, id, mailbox).unwrap_or_default())),
                ],
            ),
        };
        values.extend([(":yes", AttributeValue::Bool(true)), (":op", text(nonce()?))]);
        let update = Update::new(expression, condition, values);
        let key = self.layout.message(mailbox, id);
        Ok(match self.table.update("claiming a message", &key, update).await? {
            UpdateOutcome::Done(_) => ClaimOutcome::Claimed,
            UpdateOutcome::Refused(found) => match read(found.as_ref())? {
                Row::Message(message) if message.claimed => ClaimOutcome::Claimed,
                Row::Message(_) => ClaimOutcome::Undone,
                Row::Tombstone(_) | Row::Nothing | Row::Fence(_) => ClaimOutcome::Gone,
            },
        })
    }

    /// One transaction, with what names the message.
    async fn leave_tombstone(&self, message_ref: &MessageRef, now: Timestamp) -> Result<()> {
        let context = "leaving a tombstone";
        let refused = |error| StorageError::unavailable(context, error);
        let mut tombstone = self.layout.message(&message_ref.mailbox, message_ref.id).item();
        tombstone.extend([
            ("gone".to_owned(), number(now.millis())),
            ("ttl".to_owned(), number(now.plus(TOMBSTONE_LIFETIME).millis() / 1000)),
        ]);
        let put = Put::builder()
            .table_name(&self.table.name)
            .set_item(Some(tombstone))
            .condition_expression("attribute_exists(claim) AND a = :a")
            .expression_attribute_values(":a", text(message_ref.attempt.as_str()))
            .build()
            .map_err(refused)?;
        let delete = |thing| {
            let key = self.layout.key(thing);
            let delete = Delete::builder().table_name(&self.table.name).set_key(Some(key.item())).build();
            delete.map(|delete| TransactWriteItem::builder().delete(delete).build())
        };
        let named = Thing::marker(message_ref).into_iter().chain([Thing::Journal(message_ref)]);
        let named: std::result::Result<Vec<_>, _> = named.map(delete).collect();
        let mut writes = named.map_err(refused)?;
        writes.insert(0, TransactWriteItem::builder().put(put).build());
        // Else it is not claimed, or it is a tombstone already, and all that named it went in the same transaction.
        self.table.transact(context, writes).await.map(|_| ())
    }
}

impl AwsMetadata {
    /// Entries of the index after `from`.
    async fn entries(&self, from: &str, before: Timestamp, limit: usize) -> Result<Vec<(String, Key)>> {
        let query = Query {
            index: Some(DUE),
            condition: "tenant = :tenant AND due BETWEEN :from AND :before",
            values: vec![
                (":tenant", text(self.layout.tenant())),
                // Text must not be empty.
                (":from", text(if from.is_empty() { "0" } else { from })),
                (":before", text(format!("{}.~", ms13(before)))),
            ],
            wanted: Some("pk, sk, due"),
            limit: Some(limit.saturating_add(1)),
            ..Query::default()
        };
        let mut entries = Vec::new();
        let take = |item| {
            if let (Some(due), Some(key)) = (text_of(&item, "due"), Key::of(&item))
                && due != from
            {
                entries.push((due.to_owned(), key));
            }
            entries.len() < limit
        };
        self.table.query("listing what is due", query, take).await?;
        Ok(entries)
    }
}

fn marker(item: &Item) -> Result<CallerMarker> {
    let name = text_of(item, "sk").unwrap_or_default();
    value_of(item, "marker").ok_or_else(|| StorageError::corrupt(format!("a caller marker {name}")))
}
