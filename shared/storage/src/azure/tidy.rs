//! The last net: mends what was cut off and what no journal tells any more.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use domain::{
    AudioKey, Case, CaseKey, Hold, MailboxId, Message, MessageId, Release, TOMBSTONE_LIFETIME, Timestamp,
};

use futures::future::join_all;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::arrive::hour;
use super::blobs::{ABREAST, If, Metadata, With};
use super::cases;
use super::index::AzureIndex;
use super::recordings::BlobRecordings;
use super::row::{PassedOver, Row, passing_over};
use crate::{Fenced, MessageRef, Result};

const HOUR: Duration = Duration::from_hours(1);
/// So many hours are listed one by one; where more have passed, everything is listed once.
const MOST_HOURS: usize = 48;

impl AzureIndex {
    /// Tidies a mailbox.
    pub(super) async fn mend(&self, mailbox: &MailboxId, now: Timestamp, purge_at: Timestamp) -> Result<()> {
        let rows = &self.rows;
        let before = match rows.mailbox(mailbox).await? {
            Some(record) => record.value.map_or(record.version, |now| now.generation),
            None => 0,
        };
        let mut known = BTreeMap::new();
        for listed in rows.items(mailbox).await? {
            let is_over = match passing_over(Row::read(&listed.name, &listed.metadata))? {
                Row::Message(message) if !message.claimed => {
                    self.let_go(&message, &mut known).await?;
                    rows.hold_earlier(&message, before, purge_at).await?;
                    self.note_overdue(&message, now).await?;
                    continue;
                }
                Row::Gone(gone) => gone.plus(TOMBSTONE_LIFETIME) < now,
                Row::Fence(_, until) => until < now,
                // What is claimed is told by what is due.
                Row::Message(_) | Row::Nothing => false,
            };
            if is_over {
                self.remove(&listed.name, &listed.metadata).await?;
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
                let case = cases::read(&self.rows, key).await?;
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

    /// Notes a hold that should have been claimed an hour ago, in case that its entry is not there.
    async fn note_overdue(&self, message: &Message, now: Timestamp) -> Result<()> {
        let (mailbox, id): (&MailboxId, MessageId) = (&message.facts.mailbox, message.facts.id);
        for hold in message.holds.iter().filter(|hold| hold.purge_at().plus(HOUR) < now) {
            if let Some(entry) = self.rows.layout.due(mailbox, id, hold) {
                self.rows.blobs.note("noting what is due", &entry, Metadata::new()).await?;
            }
        }
        Ok(())
    }

    /// Removes a tombstone or a fence that is over, unless it has become something else.
    async fn remove(&self, name: &str, metadata: &Metadata) -> Result<()> {
        let context = "removing what is over";
        match self.rows.blobs.head(context, name).await? {
            Some(now) if now.metadata == *metadata => {
                self.rows.blobs.delete(context, name, Some(now.etag)).await
            }
            _ => Ok(()),
        }
    }

    /// Removes the recordings that no message has, in every region. One that fails keeps no other from its search.
    pub(super) async fn search_all(&self, until: Timestamp, now: Timestamp) -> Result<u64> {
        let end = until.plus(HOUR).hour();
        let over = now.minus(HOUR).hour().min(end.clone());
        let searches = self.all_recordings().map(|recordings| self.search(recordings, &end, &over));
        join_all(searches).await.into_iter().sum()
    }

    /// Searches the hours of a region before `end`, but for those that were searched before. Up to where they are over is
    /// kept, so that hours without a sweep are searched later.
    async fn search(&self, recordings: &BlobRecordings, end: &str, over: &str) -> Result<u64> {
        let context = "looking for orphans";
        let name = self.rows.layout.orphans(&recordings.region);
        let done = self.rows.blobs.read(context, &name, None).await?;
        let from = done.map(|(_, bytes)| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        if from.as_str() >= end {
            return Ok(0);
        }
        // Another sweep may write the end of an earlier hour, which is searched once more then.
        let searched = async |until: &str| {
            let until = Bytes::from(until.to_owned());
            self.rows.blobs.put(context, &name, until, With::default(), If::Anything).await.map(|_| ())
        };
        let mut removed = 0;
        if let Some(hours) = hours(&from, end) {
            for (hour, next) in hours.iter().zip(hours.iter().skip(1).map(String::as_str).chain([end])) {
                removed += self.remove_those(recordings, recordings.of(Some(hour)).await?).await?;
                if next <= over {
                    searched(next).await?;
                }
            }
            return Ok(removed);
        }
        let mut found = recordings.of(None).await?;
        found.retain(|key| key.hour >= from && key.hour.as_str() < end);
        removed += self.remove_those(recordings, found).await?;
        if from.as_str() < over {
            searched(over).await?;
        }
        Ok(removed)
    }

    async fn remove_those(&self, recordings: &BlobRecordings, found: Vec<AudioKey>) -> Result<u64> {
        let removed = stream::iter(found).map(|key| self.remove_orphan(recordings, key));
        removed.buffer_unordered(ABREAST).try_fold(0, async |sum, one| Ok(sum + one)).await
    }

    async fn remove_orphan(&self, recordings: &BlobRecordings, audio: AudioKey) -> Result<u64> {
        let region = recordings.region.clone();
        let AudioKey { mailbox, id, attempt, .. } = audio.clone();
        let mut message_ref = MessageRef { mailbox, id, attempt, subject: None, audio, region };
        let row = self.rows.look("looking for orphans", &message_ref.mailbox, message_ref.id).await;
        // Whose message cannot be read may be its recording.
        let may_be_its = PassedOver::default().read(row)?.is_none_or(|row| row.is_of(&message_ref.attempt));
        // What a journal tells is left to whoever takes attempts back.
        if may_be_its || self.is_journaled(&message_ref).await? {
            return Ok(0);
        }
        let Some(caller) = recordings.caller(&message_ref.audio).await? else { return Ok(0) };
        message_ref.subject = caller.and_then(|caller| caller.parse().ok());
        if self.fence_attempt(&message_ref).await? == Fenced::Created {
            return Ok(0);
        }
        crate::Recordings::delete(recordings, &message_ref.audio).await?;
        self.withdraw_attempt(&message_ref).await?;
        Ok(1)
    }
}

/// The hours from `from` on, before `until`; `None`: it is not known from when on, or they are too many.
fn hours(from: &str, until: &str) -> Option<Vec<String>> {
    let mut hours = Vec::new();
    let mut at = hour(from)?;
    while at.hour().as_str() < until {
        if hours.len() == MOST_HOURS {
            return None;
        }
        hours.push(at.hour());
        at = at.plus(HOUR);
    }
    Some(hours)
}
