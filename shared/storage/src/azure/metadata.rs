//! The metadata of a tenant, in the container of its master region: the requests that the algorithm of the clouds is made of.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use azure_core::http::Etag;
use bytes::Bytes;
use domain::{Attempt, Claim, Hold, MailboxId, Message, MessageId, Region, Timestamp};
use futures::{StreamExt as _, TryStreamExt as _, join, stream};

use super::blobs::{BlobProperties, Blobs, ListedBlob, Precondition, SetMetadataOutcome, json, value_of};
use super::layout::{ARRIVING, Layout};
use super::recordings::CALLER;
use super::row::{MARKER, MESSAGE_REF, STATE, State, created, fence, fenced, left, put_state, read};
use crate::cloud::{
    ChangeOutcome, Cloud, MAX_CONCURRENT_REQUESTS, MAX_ROUNDS, RegionRecordings, Row, Thing, contended,
    may_be_of, nonce, passing_over, pause,
};
use crate::{CallerMarker, Deposit, MessageRef, Messages as _, Metadata, Result, StorageError};

/// What a journal tells beside what is left of the attempt: when it began.
const BEGUN: &str = "begun";
const ANNOUNCING: &str = "announcing a deposit";

/// The metadata of a tenant.
pub(super) struct AzureMetadata {
    pub(super) blobs: Blobs,
    pub(super) layout: Layout,
    pub(super) recordings: BTreeMap<Region, Arc<dyn RegionRecordings>>,
}

#[async_trait]
impl Metadata for AzureMetadata {
    async fn ping(&self) -> Result<()> {
        self.blobs.ping().await
    }
}

/// A change of a message.
pub(super) struct Change<'a> {
    pub(super) context: &'static str,
    pub(super) mailbox: &'a MailboxId,
    pub(super) id: MessageId,
    /// The entry that must be there before it is done.
    pub(super) noted: Option<String>,
    /// The entry that must tell what is left of the message before it is done.
    pub(super) left: Option<String>,
}

impl AzureMetadata {
    /// What lies under an id, and the blob's `ETag` and the attempts that it fences.
    pub(super) async fn at(
        &self,
        context: &'static str,
        mailbox: &MailboxId,
        id: MessageId,
    ) -> Result<(Row, Option<(Etag, BTreeSet<Attempt>)>)> {
        let name = self.layout.message(mailbox, id);
        let Some(blob) = self.blobs.head(context, &name).await? else { return Ok((Row::Nothing, None)) };
        let attempts = fenced(&blob.metadata).unwrap_or_default();
        Ok((read(&id.to_string(), &blob.metadata)?, Some((blob.etag, attempts))))
    }

    /// Changes a message by a rule: again and again, until nobody was faster. `touch` says of what the rule returned whether the
    /// blob is written also where nothing changed, so that who read it before finds it changed.
    pub(super) async fn change_noted<T>(
        &self,
        change: Change<'_>,
        rule: impl Fn(&mut Message) -> T + Send,
        touch: impl Fn(&T) -> bool + Send,
    ) -> Result<ChangeOutcome<T>> {
        let Change { context, mailbox, id, noted, left: entry } = change;
        let name = self.layout.message(mailbox, id);
        let own = nonce()?;
        let mut written = None;
        for round in 0..MAX_ROUNDS {
            let note = self.note_entry(context, noted.as_deref());
            let (found, noted) = join!(self.blobs.head(context, &name), note);
            noted?;
            let Some(blob) = found? else { return Ok(ChangeOutcome::Nothing) };
            let before = match read(&id.to_string(), &blob.metadata)? {
                Row::Nothing | Row::Fence(_) => return Ok(ChangeOutcome::Nothing),
                Row::Tombstone(_) => return Ok(ChangeOutcome::Gone),
                Row::Message(before) => before,
            };
            let is_mine = value_of::<State>(&blob.metadata, STATE).is_some_and(|state| state.op == own);
            // Our own write, whose answer was lost.
            if is_mine && let Some((after, outcome)) = written.take() {
                return Ok(ChangeOutcome::Message(after, outcome));
            }
            let mut after = before.clone();
            let outcome = rule(&mut after);
            if after == before && !touch(&outcome) {
                return Ok(ChangeOutcome::Message(after, outcome));
            }
            if let Some(entry) = entry.as_ref().filter(|_| after != before) {
                self.blobs.note(context, entry, left(context, &MessageRef::from(&after.facts))?).await?;
            }
            let mut metadata = blob.metadata;
            put_state(context, &mut metadata, &after, own.clone())?;
            match self.blobs.set_metadata(context, &name, blob.etag, &metadata).await? {
                SetMetadataOutcome::Done => return Ok(ChangeOutcome::Message(after, outcome)),
                SetMetadataOutcome::Refused | SetMetadataOutcome::Gone => {}
            }
            written = Some((after, outcome));
            pause(round).await;
        }
        Err(contended(context))
    }

    /// Makes the entry of a hold that has a deadline.
    async fn note_entry(&self, context: &'static str, entry: Option<&str>) -> Result<()> {
        let Some(name) = entry else { return Ok(()) };
        self.blobs.note(context, name, HashMap::new()).await
    }

    async fn journal(&self, message_ref: &MessageRef, begun: Timestamp) -> Result<()> {
        let mut journal = left(ANNOUNCING, message_ref)?;
        journal.insert(BEGUN.to_owned(), begun.millis().to_string());
        self.blobs.note(ANNOUNCING, &self.layout.name(Thing::Journal(message_ref)), journal).await
    }
}

#[async_trait]
impl Cloud for AzureMetadata {
    type ListedRow = ListedBlob;

    fn all_recordings(&self) -> &BTreeMap<Region, Arc<dyn RegionRecordings>> {
        &self.recordings
    }

    async fn row(&self, context: &'static str, mailbox: &MailboxId, id: MessageId) -> Result<Row> {
        Ok(self.at(context, mailbox, id).await?.0)
    }

    async fn rows_of(&self, attempts: Vec<MessageRef>) -> Result<Vec<(MessageRef, Result<Row>)>> {
        let rows = stream::iter(attempts).map(|attempt| async move {
            let row = self.row("listing deposits under way", &attempt.mailbox, attempt.id).await;
            (attempt, row)
        });
        Ok(rows.buffered(MAX_CONCURRENT_REQUESTS).collect().await)
    }

    async fn walk(&self, mailbox: &MailboxId) -> Result<Vec<(Row, ListedBlob)>> {
        let listed = self.blobs.all("walking a mailbox", &self.layout.messages(mailbox)).await?;
        let row = |listed: ListedBlob| Ok((passing_over(read(&listed.name, &listed.metadata))?, listed));
        listed.into_iter().map(row).collect()
    }

    async fn insert_row(&self, deposit: &Deposit) -> Result<Option<Row>> {
        let context = "creating a message";
        let facts = &deposit.facts;
        let name = self.layout.message(&facts.mailbox, facts.id);
        let metadata = created(deposit)?;
        let caller = facts.subject.as_ref().map(|subject| (CALLER, subject.to_string()));
        let mut condition = Precondition::Nothing;
        for round in 0..MAX_ROUNDS {
            let tags = caller.clone().into_iter().collect();
            let created = BlobProperties { metadata: metadata.clone(), tags, ..BlobProperties::default() };
            if self.blobs.put(context, &name, Bytes::new(), created, condition).await? {
                return Ok(None);
            }
            condition = match self.at(context, &facts.mailbox, facts.id).await? {
                // The fence of other attempts.
                (Row::Fence(_), Some((etag, attempts))) if !attempts.contains(&facts.attempt) => {
                    Precondition::Is(etag)
                }
                (Row::Nothing, _) => Precondition::Nothing,
                (row, _) => return Ok(Some(row)),
            };
            pause(round).await;
        }
        Err(contended(context))
    }

    async fn fence_row(&self, message_ref: &MessageRef, until: Timestamp) -> Result<Option<Row>> {
        let context = "fencing a deposit";
        let MessageRef { mailbox, id, attempt, .. } = message_ref;
        let name = self.layout.message(mailbox, *id);
        for round in 0..MAX_ROUNDS {
            let (mut attempts, until, condition) = match self.at(context, mailbox, *id).await? {
                (Row::Fence(_), Some((_, attempts))) if attempts.contains(attempt) => return Ok(None),
                (Row::Fence(other), Some((etag, attempts))) => {
                    (attempts, until.max(other), Precondition::Is(etag))
                }
                (row @ (Row::Message(_) | Row::Tombstone(_)), _) => return Ok(Some(row)),
                (Row::Nothing | Row::Fence(_), _) => (BTreeSet::new(), until, Precondition::Nothing),
            };
            attempts.insert(attempt.clone());
            if self.blobs.put(context, &name, Bytes::new(), fence(&attempts, until).into(), condition).await?
            {
                return Ok(None);
            }
            pause(round).await;
        }
        Err(contended(context))
    }

    async fn remove_row(&self, listed: ListedBlob) -> Result<()> {
        let context = "removing what is over";
        match self.blobs.head(context, &listed.name).await? {
            Some(now) if now.metadata == listed.metadata => {
                self.blobs.delete(context, &listed.name, Some(now.etag)).await
            }
            _ => Ok(()),
        }
    }

    async fn change<T: Send, F: Fn(&mut Message) -> T + Send + Sync>(
        &self,
        context: &'static str,
        mailbox: &MailboxId,
        id: MessageId,
        rule: F,
    ) -> Result<ChangeOutcome<T>> {
        self.change_noted(Change { context, mailbox, id, noted: None, left: None }, rule, |_| false).await
    }

    async fn hold_listed(&self, message: &Message, _: ListedBlob, hold: &Hold) -> Result<()> {
        self.hold(&message.facts.mailbox, message.facts.id, hold).await.map(|_| ())
    }

    async fn note_due(&self, message: &Message, hold: &Hold) -> Result<()> {
        let claim = Claim::Due(hold.clone());
        let entry = self.layout.due(&message.facts.mailbox, message.facts.id, &claim);
        self.note_entry("noting what is due", entry.as_deref()).await
    }

    async fn announce(&self, deposit: &Deposit) -> Result<()> {
        let message_ref = MessageRef::from(&deposit.facts);
        let marker = async {
            let Some(marker) = Thing::marker(&message_ref) else { return Ok(()) };
            let caller = json(ANNOUNCING, &CallerMarker::from(&deposit.facts))?;
            self.blobs.note(ANNOUNCING, &self.layout.name(marker), [(MARKER.to_owned(), caller)].into()).await
        };
        let (journal, marker) = join!(self.journal(&message_ref, deposit.begun_at), marker);
        journal.and(marker)
    }

    async fn note_fencing(&self, message_ref: &MessageRef) -> Result<()> {
        self.journal(message_ref, Timestamp::default()).await
    }

    async fn journals(&self, before: Timestamp) -> Result<Vec<Result<MessageRef>>> {
        let begun = |it: &ListedBlob| it.metadata.get(BEGUN)?.parse().ok().map(Timestamp::from_millis);
        let mut listed = self.blobs.all("listing deposits under way", &self.layout.folder(ARRIVING)).await?;
        listed.retain(|journal| begun(journal).is_none_or(|begun| begun < before));
        let journal = |it: &ListedBlob| {
            let message_ref = value_of::<MessageRef>(&it.metadata, MESSAGE_REF);
            let name = it.name.rsplit('/').next().unwrap_or_default();
            message_ref.ok_or_else(|| StorageError::corrupt(format!("an attempt {name}")))
        };
        Ok(listed.iter().map(journal).collect())
    }

    async fn untold(&self, attempts: Vec<MessageRef>) -> Result<Vec<MessageRef>> {
        let context = "looking for orphans";
        let untold = stream::iter(attempts).map(|attempt| async move {
            let row = self.row(context, &attempt.mailbox, attempt.id).await;
            let is_told = may_be_of(row, &attempt.attempt)?
                || self.blobs.head(context, &self.layout.name(Thing::Journal(&attempt))).await?.is_some();
            Ok((!is_told).then_some(attempt))
        });
        untold.buffer_unordered(MAX_CONCURRENT_REQUESTS).try_filter_map(async |it| Ok(it)).try_collect().await
    }

    async fn searched_until(&self, region: &Region) -> Result<String> {
        let name = self.layout.name(Thing::Orphans(region));
        let done = self.blobs.read("looking for orphans", &name, None).await?;
        Ok(done.map(|(_, bytes)| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default())
    }

    async fn note_searched(&self, region: &Region, until: &str) -> Result<()> {
        let (name, until) = (self.layout.name(Thing::Orphans(region)), Bytes::from(until.to_owned()));
        let (with, condition) = (BlobProperties::default(), Precondition::Anything);
        self.blobs.put("looking for orphans", &name, until, with, condition).await.map(|_| ())
    }
}
