//! The last net: mends what was cut off and what no journal tells any more.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use domain::{
    AudioKey, Case, CaseKey, Hold, MailboxId, Message, Region, Release, TOMBSTONE_LIFETIME, Timestamp,
};
use futures::TryStreamExt as _;
use futures::future::join_all;

use super::fault::fault;
use super::index::AwsIndex;
use super::layout::Key;
use super::recordings::Bucketed;
use super::row::{PassedOver, Row, passing_over};
use super::table::{Item, Update, number_of, text, text_of};
use super::{cases, mailboxes};
use crate::{Fenced, MessageRef, Result};

const HOUR: std::time::Duration = std::time::Duration::from_hours(1);

impl AwsIndex {
    /// Tidies a mailbox.
    pub(super) async fn mend(&self, mailbox: &MailboxId, now: Timestamp, purge_at: Timestamp) -> Result<()> {
        let rows = &self.rows;
        let before = match mailboxes::read(&rows.table, &rows.layout, mailbox).await? {
            Some(record) => record.value.map_or(record.version, |now| now.generation),
            None => 0,
        };
        let mut known = BTreeMap::new();
        for item in rows.items(mailbox).await? {
            match passing_over(Row::read(Some(&item)))? {
                Row::Message(message) if !message.claimed => {
                    self.let_go(&message, &mut known).await?;
                    rows.hold_earlier(item, before, purge_at).await?;
                }
                Row::Gone(gone) if gone.plus(TOMBSTONE_LIFETIME) < now => self.remove(&item, "gone").await?,
                Row::Fence if number_of(&item, "ttl").is_some_and(|ttl| ttl < now.millis() / 1000) => {
                    self.remove(&item, "fence").await?;
                }
                // What is claimed is told by what is due.
                Row::Message(_) | Row::Nothing | Row::Gone(_) | Row::Fence => {}
            }
        }
        Ok(())
    }

    /// Takes the holds of cases off that hold nothing of this caller any more: undone, or closed.
    async fn let_go(&self, message: &Message, known: &mut BTreeMap<CaseKey, Option<Case>>) -> Result<()> {
        let facts = &message.facts;
        for hold in &message.holds {
            let Hold::Case { case: key, .. } = hold else { continue };
            if !known.contains_key(key) {
                let case = cases::read(&self.rows.table, &self.rows.layout, key).await?;
                known.insert(key.clone(), case.map(|case| case.value));
            }
            let is_over =
                |case: &Case| case.erased_at.is_some() || cases::is_undone(case, facts.subject.as_ref());
            if known.get(key).and_then(Option::as_ref).is_some_and(is_over) {
                self.rows.release(&facts.mailbox, facts.id, &Release::Case(key.clone())).await?;
            }
        }
        Ok(())
    }

    /// Removes a tombstone or a fence that is over, unless it has become something else.
    async fn remove(&self, item: &Item, what: &str) -> Result<()> {
        let Some(key) = Key::of(item) else { return Ok(()) };
        let table = &self.rows.table;
        let delete = table.client.delete_item().table_name(&table.name).set_key(Some(key.item()));
        let sent = delete
            .condition_expression(format!("{what} = :was"))
            .set_expression_attribute_values(
                item.get(what).map(|was| [(":was".to_owned(), was.clone())].into()),
            )
            .send()
            .await;
        match sent {
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(DeleteItemError::is_conditional_check_failed_exception) =>
            {
                Ok(())
            }
            sent => sent.map(|_| ()).map_err(fault("removing what is over")),
        }
    }

    /// Removes the recordings that no message has, in every region. One that fails keeps no other from its search.
    pub(super) async fn search_all(&self, until: Timestamp, now: Timestamp) -> Result<u64> {
        let end = until.plus(HOUR).hour();
        let over = now.minus(HOUR).hour().min(end.clone());
        let searches = self
            .all_recordings()
            .iter()
            .map(|(region, recordings)| self.search(region, recordings.as_ref(), &end, &over));
        join_all(searches).await.into_iter().sum()
    }

    /// Searches the hours of a region before `end`, but for those that were searched before. Up to where they are over is
    /// kept in the table, so that hours without a sweep are searched later.
    async fn search(&self, region: &Region, recordings: &dyn Bucketed, end: &str, over: &str) -> Result<u64> {
        let context = "looking for orphans";
        let table = &self.rows.table;
        let key = self.rows.layout.orphans(region);
        let done = table.get(context, &key).await?;
        let from = done.as_ref().and_then(|item| text_of(item, "done")).unwrap_or_default();
        if from >= end {
            return Ok(0);
        }
        let searched = async |until: &str| {
            let until = until.min(over);
            if until <= from {
                return Ok(());
            }
            let update = Update {
                expression: "SET done=:until".to_owned(),
                condition: "attribute_not_exists(done) OR done < :until",
                values: vec![(":until", text(until))],
                ..Update::default()
            };
            table.update(context, &key, update).await.map(|_| ())
        };
        let mut pages = recordings.between(from, end);
        let mut removed = 0;
        while let Some(keys) = pages.try_next().await? {
            let until = keys.last().map(|last| last.hour.clone());
            removed += self.remove_those(region, recordings, keys).await?;
            // After each page, so that a run that is ended goes on there.
            if let Some(until) = until {
                searched(&until).await?;
            }
        }
        searched(end).await?;
        Ok(removed)
    }

    async fn remove_those(
        &self,
        region: &Region,
        recordings: &dyn Bucketed,
        keys: Vec<AudioKey>,
    ) -> Result<u64> {
        let layout = &self.rows.layout;
        let message_ref = |audio: AudioKey| MessageRef {
            mailbox: audio.mailbox.clone(),
            id: audio.id,
            attempt: audio.attempt.clone(),
            subject: None,
            audio,
            region: region.clone(),
        };
        let found: Vec<_> = keys.into_iter().map(message_ref).collect();
        let row = |message_ref: &MessageRef| layout.message(&message_ref.mailbox, message_ref.id);
        let keys = found.iter().flat_map(|message_ref| [row(message_ref), layout.journal(message_ref)]);
        let items = self.rows.table.get_all("looking for orphans", keys).await?;
        let mut removed = 0;
        for mut message_ref in found {
            // Whose message cannot be read may be its recording.
            let its = PassedOver::default().read(Row::read(items.get(&row(&message_ref))))?;
            let may_be_its = its.is_none_or(|its| its.is_of(&message_ref.attempt));
            // What a journal tells is left to whoever takes attempts back.
            if may_be_its || items.contains_key(&layout.journal(&message_ref)) {
                continue;
            }
            let Some(caller) = recordings.caller(&message_ref.audio).await? else { continue };
            message_ref.subject = caller.and_then(|caller| caller.parse().ok());
            if self.fence_attempt(&message_ref).await? == Fenced::Never {
                recordings.delete(&message_ref.audio).await?;
                self.withdraw_attempt(&message_ref).await?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}
