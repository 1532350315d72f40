//! The purge: what is due, the claim, the tombstone; and the caller markers, which find a caller's messages.

use async_trait::async_trait;
use domain::{Claim, ClaimOutcome, MailboxId, Message, MessageId, Subject, Timestamp};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::blobs::{ListedBlob, Precondition, value_of};
use super::layout;
use super::metadata::{AzureMetadata, Change};
use super::row::{MARKER, MESSAGE_REF, tombstone};
use crate::cloud::{
    ChangeOutcome, Cloud as _, MAX_CONCURRENT_REQUESTS, MAX_ROUNDS, Records as _, Row, Thing, contended,
    pause,
};
use crate::stored::{FirstUnreadable, ms13};
use crate::{CallerMarker, Due, MessageRef, Purge, Result, StorageError};

#[async_trait]
impl Purge for AzureMetadata {
    async fn by_caller(
        &self,
        subject: &Subject,
        after: Option<&CallerMarker>,
        limit: usize,
    ) -> Result<Vec<CallerMarker>> {
        let folder = self.layout.caller(subject);
        let after =
            after.map(|marker| folder.clone() + &layout::attempt(&marker.message_ref)).unwrap_or_default();
        let mut pages = self.blobs.list("listing a caller", &folder, None);
        let (mut markers, mut passed_over) = (Vec::new(), FirstUnreadable::default());
        while let Some(page) = pages.try_next().await? {
            for listed in page.iter().filter(|listed| listed.name > after) {
                markers.extend(passed_over.read(marker(listed))?);
                if markers.len() >= limit {
                    return Ok(markers);
                }
            }
        }
        passed_over.found(markers)
    }

    /// Entries tell which messages to look at; the messages tell, or the entry once they are claimed. Other entries of what is purged
    /// are removed.
    async fn due(&self, before: Timestamp, after: Option<&Due>, limit: usize) -> Result<Vec<Due>> {
        let context = "listing what is due";
        let after = after
            .and_then(|due| self.layout.due(&due.message_ref.mailbox, due.message_ref.id, &due.claim))
            .unwrap_or_default();
        let folder = self.layout.folder(layout::DUE);
        let end = format!("{folder}{}!~", ms13(before));
        let mut pages = self.blobs.list(context, &folder, None);
        let (mut found, mut passed_over) = (Vec::new(), FirstUnreadable::default());
        while let Some(page) = pages.try_next().await? {
            let is_over = page.last().is_some_and(|last| last.name > end);
            let entries: Vec<_> =
                page.into_iter().filter(|entry| entry.name > after && entry.name < end).collect();
            for entries in entries.chunks(MAX_CONCURRENT_REQUESTS) {
                let looked = stream::iter(entries.to_vec());
                let looked = looked
                    .map(|entry| async move { self.due_at(context, entry).await })
                    .buffered(MAX_CONCURRENT_REQUESTS);
                for due in looked.collect::<Vec<_>>().await {
                    found.extend(passed_over.read(due)?.flatten());
                }
                if found.len() >= limit {
                    found.truncate(limit);
                    return Ok(found);
                }
            }
            if is_over {
                break;
            }
        }
        passed_over.found(found)
    }

    async fn remove_due_entry(&self, due: &Due) -> Result<()> {
        let MessageRef { mailbox, id, .. } = &due.message_ref;
        let entry = self.layout.due(mailbox, *id, &due.claim);
        self.blobs.delete_all("removing a due entry", entry.into_iter().collect()).await
    }

    /// What is due tells before what is left of the message then, a case's claim as well, so that the sweep finishes what was cut off,
    /// also where the message is a tombstone. Where the hold is not there, its entry is about to be removed: the blob is written all the
    /// same, so that who wrote that entry and is about to put the hold on must write both anew.
    async fn claim(&self, mailbox: &MailboxId, id: MessageId, claim: &Claim) -> Result<ClaimOutcome> {
        let left = self.layout.due(mailbox, id, claim);
        let change = Change { context: "claiming a message", mailbox, id, noted: None, left };
        let rule = |message: &mut Message| message.claim(claim);
        Ok(match self.change_noted(change, rule, |claimed| *claimed == ClaimOutcome::Undone).await? {
            ChangeOutcome::Message(_, claimed) => claimed,
            ChangeOutcome::Gone | ChangeOutcome::Nothing => ClaimOutcome::Gone,
        })
    }

    /// Then what names the message goes.
    async fn leave_tombstone(&self, message_ref: &MessageRef, now: Timestamp) -> Result<()> {
        let context = "leaving a tombstone";
        let name = self.layout.message(&message_ref.mailbox, message_ref.id);
        for round in 0..MAX_ROUNDS {
            let condition = match self.at(context, &message_ref.mailbox, message_ref.id).await? {
                (Row::Message(message), Some((etag, _)))
                    if message.claimed && message.facts.attempt == message_ref.attempt =>
                {
                    Precondition::Is(etag)
                }
                // Done before, and perhaps cut off.
                (Row::Tombstone(_), _) => break,
                _ => return Ok(()),
            };
            if self.blobs.put(context, &name, bytes::Bytes::new(), tombstone(now).into(), condition).await? {
                break;
            }
            if round + 1 == MAX_ROUNDS {
                return Err(contended(context));
            }
            pause(round).await;
        }
        let named = Thing::marker(message_ref).into_iter().chain([Thing::Journal(message_ref)]);
        self.remove(context, named.collect()).await?;
        // Last, as it tells of what is left; the entry of another claim is removed by whom it brought here.
        let entry = self.layout.due(&message_ref.mailbox, message_ref.id, &Claim::Unfinished);
        self.blobs.delete_all(context, entry.into_iter().collect()).await
    }
}

impl AzureMetadata {
    async fn due_at(&self, context: &'static str, entry: ListedBlob) -> Result<Option<Due>> {
        let Some((mailbox, id, claim)) = self.layout.parse_due(&entry.name) else { return Ok(None) };
        if let Some(message_ref) = value_of::<MessageRef>(&entry.metadata, MESSAGE_REF) {
            return Ok(Some(Due { message_ref, claim }));
        }
        if let Row::Message(message) = self.row(context, &mailbox, id).await? {
            return Ok(Some(Due { message_ref: MessageRef::from(&message.facts), claim }));
        }
        // Purged.
        self.blobs.delete(context, &entry.name, None).await?;
        Ok(None)
    }
}

fn marker(listed: &ListedBlob) -> Result<CallerMarker> {
    let marker = value_of::<CallerMarker>(&listed.metadata, MARKER);
    let name = listed.name.rsplit('/').next().unwrap_or_default();
    marker.ok_or_else(|| StorageError::corrupt(format!("a caller marker {name}")))
}
