//! The purge: what is due, the tombstone; and the caller markers, which find a caller's messages.

use domain::{Hold, Subject, Timestamp};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::blobs::{ABREAST, If, Listed, ROUNDS, pause, value_of};
use super::fault::contended;
use super::layout;
use super::row::{MESSAGE_REF, PassedOver, Row, Rows, tombstone};
use crate::stored::{StoredMarker, StoredMessageRef};
use crate::{CallerMarker, Due, MessageRef, Result, StorageError};

/// What a marker tells, in its metadata.
pub(super) const MARKER: &str = "marker";

/// What is due when a case has claimed a message: at once, so that the sweep finishes what was cut off.
pub(super) fn at_once() -> Hold {
    Hold::Trash { purge_at: Timestamp::default() }
}

impl Rows {
    /// Replaces a claimed message by a tombstone, then takes what names it.
    pub(super) async fn leave_tombstone(&self, message_ref: &MessageRef, now: Timestamp) -> Result<()> {
        let context = "leaving a tombstone";
        let name = self.layout.message(&message_ref.mailbox, message_ref.id);
        for round in 0..ROUNDS {
            let condition = match self.at(context, &message_ref.mailbox, message_ref.id).await? {
                (Row::Message(message), Some(etag))
                    if message.claimed && message.facts.attempt == message_ref.attempt =>
                {
                    If::Is(etag)
                }
                // A tombstone already, and perhaps cut off.
                (Row::Gone(_), _) => break,
                _ => return Ok(()),
            };
            if self.blobs.put(context, &name, bytes::Bytes::new(), tombstone(now).into(), condition).await? {
                break;
            }
            if round + 1 == ROUNDS {
                return Err(contended(context));
            }
            pause(round).await;
        }
        let named = self.layout.marker(message_ref).into_iter().chain([self.layout.journal(message_ref)]);
        self.blobs.delete_all(context, named.collect()).await?;
        // Last, as it tells of what is left; the entry of another claim is struck off by whom it brought here.
        let entry = self.layout.due(&message_ref.mailbox, message_ref.id, &at_once());
        self.blobs.delete_all(context, entry.into_iter().collect()).await
    }

    /// Holds that are over, oldest first. Entries tell which messages to look at; the messages tell, or the entry once they
    /// are claimed. Other entries of what is purged are struck off.
    pub(super) async fn due(&self, before: Timestamp, after: Option<&Due>, limit: usize) -> Result<Vec<Due>> {
        let context = "listing what is due";
        let after = after
            .and_then(|due| self.layout.due(&due.message_ref.mailbox, due.message_ref.id, &due.hold))
            .unwrap_or_default();
        let end = format!("{}{}!~", self.layout.all_due(), layout::ms13(before));
        let mut pages = self.blobs.list(context, &self.layout.all_due(), None);
        let (mut found, mut passed_over) = (Vec::new(), PassedOver::default());
        while let Some(page) = pages.try_next().await? {
            let is_over = page.last().is_some_and(|last| last.name > end);
            let entries: Vec<_> =
                page.into_iter().filter(|entry| entry.name > after && entry.name < end).collect();
            for entries in entries.chunks(ABREAST) {
                let looked = stream::iter(entries.to_vec());
                let looked =
                    looked.map(|entry| async move { self.due_at(context, entry).await }).buffered(ABREAST);
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

    async fn due_at(&self, context: &'static str, entry: Listed) -> Result<Option<Due>> {
        let Some((mailbox, id, hold)) = self.layout.parse_due(&entry.name) else { return Ok(None) };
        if let Some(message_ref) = value_of::<StoredMessageRef>(&entry.metadata, MESSAGE_REF) {
            return Ok(Some(Due { message_ref: message_ref.into(), hold }));
        }
        if let Row::Message(message) = self.look(context, &mailbox, id).await? {
            return Ok(Some(Due { message_ref: MessageRef::from(&message.facts), hold }));
        }
        // Purged.
        self.blobs.delete(context, &entry.name, None).await?;
        Ok(None)
    }

    /// Strikes an entry off, and that of a case's claim.
    pub(super) async fn remove_due_entry(&self, due: &Due) -> Result<()> {
        let MessageRef { mailbox, id, .. } = &due.message_ref;
        let entry = self.layout.due(mailbox, *id, &due.hold);
        self.blobs.delete_all("striking off what was due", entry.into_iter().collect()).await
    }

    /// The markers of a caller.
    pub(super) async fn by_caller(
        &self,
        subject: &Subject,
        after: Option<&CallerMarker>,
        limit: usize,
    ) -> Result<Vec<CallerMarker>> {
        let folder = self.layout.caller(subject);
        let after =
            after.map(|marker| folder.clone() + &layout::attempt(&marker.message_ref)).unwrap_or_default();
        let mut pages = self.blobs.list("listing a caller", &folder, None);
        let (mut markers, mut passed_over) = (Vec::new(), PassedOver::default());
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
}

fn marker(listed: &Listed) -> Result<CallerMarker> {
    let marker = value_of::<StoredMarker>(&listed.metadata, MARKER).map(CallerMarker::from);
    marker.ok_or_else(|| StorageError::Corrupt {
        context: format!("a caller marker {}", listed.name.rsplit('/').next().unwrap_or_default()),
    })
}
