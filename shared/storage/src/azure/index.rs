//! The metadata of a tenant, in the container of its master region.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    Case, CaseKey, Certified, Claim, Claimed, Counts, Group, GroupId, Hold, Mailbox, MailboxId, Message,
    MessageId, ReadMark, Region, Release, Released, Subject, Timestamp,
};
use futures::future::BoxFuture;

use super::cases;
use super::recordings::BlobRecordings;
use super::records::{self, Record};
use super::row::Rows;
use crate::{
    Arrival, CallerMarker, Deposit, Due, Expect, Fenced, Found, Index, Insertion, MessageRef, Page, PageOf,
    Result, StorageError, Versioned, Written,
};

/// The index of a tenant. It knows the recordings, too: what takes an attempt back, takes its audio.
pub(super) struct AzureIndex {
    pub(super) rows: Rows,
    recordings: BTreeMap<Region, Arc<BlobRecordings>>,
}

impl AzureIndex {
    pub(super) fn new(rows: Rows, recordings: BTreeMap<Region, Arc<BlobRecordings>>) -> Self {
        Self { rows, recordings }
    }

    pub(super) fn recordings(&self, message_ref: &MessageRef) -> Result<&BlobRecordings> {
        let region = &message_ref.region;
        self.recordings.get(region).map(AsRef::as_ref).ok_or_else(|| {
            StorageError::unavailable("opening a region", format!("the region {region} has no account"))
        })
    }

    pub(super) fn all_recordings(&self) -> impl Iterator<Item = &BlobRecordings> {
        self.recordings.values().map(AsRef::as_ref)
    }
}

#[async_trait]
impl Index for AzureIndex {
    async fn arrive(&self, deposit: &Deposit, put: BoxFuture<'_, Result<()>>) -> Result<Arrival> {
        self.arrive_all(deposit, put).await
    }

    async fn insert(&self, deposit: &Deposit) -> Result<Insertion> {
        // The requests side by side make it large.
        Box::pin(self.commit(deposit)).await
    }

    async fn withdraw(&self, message_ref: &MessageRef) -> Result<()> {
        self.withdraw_attempt(message_ref).await
    }

    async fn message(&self, mailbox: &MailboxId, id: MessageId) -> Result<Found> {
        Ok(self.rows.look("reading a message", mailbox, id).await?.found())
    }

    async fn page(&self, mailbox: &MailboxId, of: PageOf) -> Result<Page> {
        self.rows.page(mailbox, of).await
    }

    async fn counts(&self, mailbox: &MailboxId) -> Result<Counts> {
        self.rows.counts(mailbox).await
    }

    async fn mark_read(
        &self,
        mailbox: &MailboxId,
        id: MessageId,
        mark: &ReadMark,
    ) -> Result<Option<Message>> {
        self.rows.mark_read(mailbox, id, mark).await
    }

    async fn mark_unread(&self, mailbox: &MailboxId, id: MessageId) -> Result<Option<Message>> {
        self.rows.mark_unread(mailbox, id).await
    }

    async fn hold(&self, mailbox: &MailboxId, id: MessageId, hold: &Hold) -> Result<Option<Message>> {
        self.rows.hold(mailbox, id, hold).await
    }

    async fn release(&self, mailbox: &MailboxId, id: MessageId, release: &Release) -> Result<Released> {
        self.rows.release(mailbox, id, release).await
    }

    async fn claim(&self, mailbox: &MailboxId, id: MessageId, claim: &Claim) -> Result<Claimed> {
        self.rows.claim(mailbox, id, claim).await
    }

    async fn leave_tombstone(&self, message_ref: &MessageRef, now: Timestamp) -> Result<()> {
        self.rows.leave_tombstone(message_ref, now).await
    }

    async fn by_caller(
        &self,
        subject: &Subject,
        after: Option<&CallerMarker>,
        limit: usize,
    ) -> Result<Vec<CallerMarker>> {
        self.rows.by_caller(subject, after, limit).await
    }

    async fn due(&self, before: Timestamp, after: Option<&Due>, limit: usize) -> Result<Vec<Due>> {
        self.rows.due(before, after, limit).await
    }

    async fn remove_due_entry(&self, due: &Due) -> Result<()> {
        self.rows.remove_due_entry(due).await
    }

    async fn arriving(&self, before: Timestamp) -> Result<Vec<MessageRef>> {
        self.attempts(before).await
    }

    async fn fence(&self, message_ref: &MessageRef) -> Result<Fenced> {
        self.fence_attempt(message_ref).await
    }

    async fn tidy(&self, mailbox: &MailboxId, now: Timestamp, purge_at: Timestamp) -> Result<u64> {
        self.mend(mailbox, now, purge_at).await.map(|()| 0)
    }

    async fn remove_orphans(&self, until: Timestamp, now: Timestamp) -> Result<u64> {
        self.search_all(until, now).await
    }

    async fn mailbox(&self, id: &MailboxId) -> Result<Option<Versioned<Mailbox>>> {
        let record = self.rows.mailbox(id).await?;
        Ok(record.and_then(Record::versioned))
    }

    async fn mailboxes(&self) -> Result<Vec<Versioned<Mailbox>>> {
        let context = "listing mailboxes";
        let names = self.rows.names(context, &self.rows.layout.mailboxes()).await?;
        records::values(&self.rows.blobs, context, names).await
    }

    async fn mailbox_ids(&self) -> Result<Vec<MailboxId>> {
        self.rows.mailbox_ids().await
    }

    async fn put_mailbox(&self, mailbox: &Mailbox, expect: Expect) -> Result<Written> {
        self.rows.put_mailbox(mailbox, expect).await
    }

    async fn delete_mailbox(&self, id: &MailboxId, version: u64, purge_at: Timestamp) -> Result<Written> {
        self.rows.delete_mailbox(id, version, purge_at).await
    }

    async fn group(&self, id: &GroupId) -> Result<Option<Versioned<Group>>> {
        let name = self.rows.layout.group(id);
        let record = records::read(&self.rows.blobs, "reading a group", &name).await?;
        Ok(record.and_then(Record::versioned))
    }

    async fn groups(&self) -> Result<Vec<Versioned<Group>>> {
        let context = "listing groups";
        let names = self.rows.names(context, &self.rows.layout.groups()).await?;
        records::values(&self.rows.blobs, context, names).await
    }

    async fn put_group(&self, group: &Group, expect: Expect) -> Result<Written> {
        let name = self.rows.layout.group(&group.id);
        records::put(&self.rows.blobs, "writing a group", &name, Some(group), expect).await
    }

    async fn delete_group(&self, id: &GroupId, version: u64) -> Result<Written> {
        let name = self.rows.layout.group(id);
        records::put::<Group>(&self.rows.blobs, "deleting a group", &name, None, Expect::Version(version))
            .await
    }

    async fn case(&self, key: &CaseKey) -> Result<Option<Versioned<Case>>> {
        cases::read(&self.rows, key).await
    }

    async fn put_case(&self, case: &Case, expect: Expect) -> Result<Written> {
        cases::put(&self.rows, case, expect).await
    }

    async fn cases(&self, after: Option<&CaseKey>, limit: usize) -> Result<Vec<Versioned<Case>>> {
        cases::all(&self.rows, after, limit).await
    }

    async fn watched_cases(&self) -> Result<Vec<CaseKey>> {
        cases::watched(&self.rows).await
    }

    async fn dismiss_case(&self, key: &CaseKey) -> Result<()> {
        cases::dismiss(&self.rows, key).await
    }

    async fn forgets(&self, subject: &Subject) -> Result<Vec<CaseKey>> {
        cases::forgets(&self.rows, subject).await
    }

    async fn last_certificate(&self) -> Result<Option<Versioned<Certified>>> {
        cases::last_certificate(&self.rows).await
    }

    async fn put_certificate(&self, certified: &Certified, expect: Expect) -> Result<Written> {
        cases::put_certificate(&self.rows, certified, expect).await
    }

    async fn ping(&self) -> Result<()> {
        self.rows.blobs.ping().await
    }
}
