//! The metadata of a tenant: each call of the contract, as one run of steps on a thread that may wait.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::{
    Case, CaseKey, Certified, Claim, Claimed, Counts, Group, GroupId, Hold, Mailbox, MailboxId, Message,
    MessageId, ReadMark, Release, Released, Subject, Timestamp,
};
use futures::future::{BoxFuture, join};

use super::blocking::{Step, run};
use super::disk::Disk;
use super::tree::Tree;
use super::{arrive, cases, look, mailboxes, marks, purge, tidy};
use crate::{
    Arrival, CallerMarker, Deposit, Due, Expect, Fenced, Found, Index, Insertion, MessageRef, Page, PageOf,
    Result, StorageError, Versioned, Written,
};

/// How long a volume may take to say that it is there.
const PING: Duration = Duration::from_secs(2);

/// The index of a tenant.
pub(super) struct FsIndex {
    tree: Arc<Tree>,
}

impl FsIndex {
    pub(super) fn new(tree: Tree) -> Self {
        Self { tree: Arc::new(tree) }
    }

    #[cfg(test)]
    pub(super) fn tree(&self) -> &Tree {
        &self.tree
    }

    async fn on<T: Send + 'static>(
        &self,
        context: &'static str,
        work: impl FnOnce(&Disk) -> Step<T> + Send + 'static,
    ) -> Result<T> {
        let tree = self.tree.clone();
        run(context, move || work(&tree.disk)).await
    }
}

/// Asks whether a volume is there, without waiting for one that hangs.
pub(super) async fn ping(
    context: &'static str,
    work: impl FnOnce() -> Step<()> + Send + 'static,
) -> Result<()> {
    let answer = tokio::time::timeout(PING, run(context, work)).await;
    answer.unwrap_or_else(|late| Err(StorageError::unavailable(context, late)))
}

#[async_trait]
impl Index for FsIndex {
    async fn arrive(&self, deposit: &Deposit, put: BoxFuture<'_, Result<()>>) -> Result<Arrival> {
        let begun = deposit.clone();
        let taken = self.on("beginning a deposit", move |disk| arrive::begin(disk, &begun)).await?;
        if let Some(found) = taken {
            return Ok(Arrival::Taken(found));
        }
        let (facts, mailbox) = (deposit.facts.clone(), deposit.facts.mailbox.clone());
        // The count waits for nothing, so it is not worth a thread of its own.
        let announced = self.on("announcing a deposit", move |disk| {
            arrive::announce(disk, &facts)?;
            look::stored(disk, &mailbox)
        });
        let (put, stored) = join(put, announced).await;
        put?;
        stored.map(Arrival::Arrived)
    }

    async fn insert(&self, deposit: &Deposit) -> Result<Insertion> {
        let deposit = deposit.clone();
        self.on("creating a message", move |disk| arrive::insert(disk, &deposit)).await
    }

    async fn withdraw(&self, message_ref: &MessageRef) -> Result<()> {
        let message_ref = message_ref.clone();
        self.on("withdrawing a deposit", move |disk| arrive::withdraw(disk, &message_ref)).await
    }

    async fn message(&self, mailbox: &MailboxId, id: MessageId) -> Result<Found> {
        let mailbox = mailbox.clone();
        self.on("reading a message", move |disk| Ok(look::look(disk, &mailbox, id)?.found())).await
    }

    async fn page(&self, mailbox: &MailboxId, of: PageOf) -> Result<Page> {
        let mailbox = mailbox.clone();
        self.on("listing a mailbox", move |disk| look::page(disk, &mailbox, of)).await
    }

    async fn counts(&self, mailbox: &MailboxId) -> Result<Counts> {
        let mailbox = mailbox.clone();
        self.on("counting a mailbox", move |disk| look::counts(disk, &mailbox)).await
    }

    async fn mark_read(
        &self,
        mailbox: &MailboxId,
        id: MessageId,
        mark: &ReadMark,
    ) -> Result<Option<Message>> {
        let (mailbox, mark) = (mailbox.clone(), mark.clone());
        self.on("marking a message read", move |disk| marks::mark_read(disk, &mailbox, id, &mark)).await
    }

    async fn mark_unread(&self, mailbox: &MailboxId, id: MessageId) -> Result<Option<Message>> {
        let mailbox = mailbox.clone();
        self.on("marking a message unread", move |disk| marks::mark_unread(disk, &mailbox, id)).await
    }

    async fn hold(&self, mailbox: &MailboxId, id: MessageId, hold: &Hold) -> Result<Option<Message>> {
        let (mailbox, hold) = (mailbox.clone(), hold.clone());
        self.on("holding a message", move |disk| marks::hold(disk, &mailbox, id, &hold)).await
    }

    async fn release(&self, mailbox: &MailboxId, id: MessageId, release: &Release) -> Result<Released> {
        let (mailbox, release) = (mailbox.clone(), release.clone());
        self.on("releasing a message", move |disk| marks::release(disk, &mailbox, id, &release)).await
    }

    async fn claim(&self, mailbox: &MailboxId, id: MessageId, claim: &Claim) -> Result<Claimed> {
        let (mailbox, claim) = (mailbox.clone(), claim.clone());
        self.on("claiming a message", move |disk| purge::claim(disk, &mailbox, id, &claim)).await
    }

    async fn leave_tombstone(&self, message_ref: &MessageRef, now: Timestamp) -> Result<()> {
        let message_ref = message_ref.clone();
        self.on("leaving a tombstone", move |disk| purge::leave_tombstone(disk, &message_ref, now)).await
    }

    async fn by_caller(
        &self,
        subject: &Subject,
        after: Option<&CallerMarker>,
        limit: usize,
    ) -> Result<Vec<CallerMarker>> {
        let (subject, after) = (subject.clone(), after.cloned());
        self.on("listing a caller", move |disk| purge::by_caller(disk, &subject, after.as_ref(), limit)).await
    }

    async fn due(&self, before: Timestamp, after: Option<&Due>, limit: usize) -> Result<Vec<Due>> {
        let after = after.cloned();
        self.on("listing what is due", move |disk| purge::due(disk, before, after.as_ref(), limit)).await
    }

    async fn remove_due_entry(&self, due: &Due) -> Result<()> {
        let due = due.clone();
        self.on("removing a due entry", move |disk| purge::remove_due_entry(disk, &due)).await
    }

    async fn arriving(&self, before: Timestamp) -> Result<Vec<MessageRef>> {
        let tree = self.tree.clone();
        run("listing deposits under way", move || {
            // What was cut off before it had a name goes with each sweep, too.
            tidy::unnamed(&tree);
            arrive::arriving(&tree.disk, before)
        })
        .await
    }

    async fn fence(&self, message_ref: &MessageRef) -> Result<Fenced> {
        let message_ref = message_ref.clone();
        self.on("fencing a deposit", move |disk| arrive::fence(disk, &message_ref)).await
    }

    async fn tidy(&self, mailbox: &MailboxId, now: Timestamp, purge_at: Timestamp) -> Result<u64> {
        let (tree, mailbox) = (self.tree.clone(), mailbox.clone());
        run("tidying a mailbox", move || tidy::tidy(&tree, &mailbox, now, purge_at)).await
    }

    /// Nothing to do: an attempt's journal is durable before its recording is put.
    async fn remove_orphans(&self, _until: Timestamp, _now: Timestamp) -> Result<u64> {
        Ok(0)
    }

    async fn mailbox(&self, id: &MailboxId) -> Result<Option<Versioned<Mailbox>>> {
        let id = id.clone();
        self.on("reading a mailbox", move |disk| mailboxes::mailbox(disk, &id)).await
    }

    async fn mailboxes(&self) -> Result<Vec<Versioned<Mailbox>>> {
        self.on("listing mailboxes", mailboxes::mailboxes).await
    }

    async fn mailbox_ids(&self) -> Result<Vec<MailboxId>> {
        self.on("listing mailboxes", mailboxes::ids).await
    }

    async fn put_mailbox(&self, mailbox: &Mailbox, expect: Expect) -> Result<Written> {
        let mailbox = mailbox.clone();
        self.on("writing a mailbox", move |disk| mailboxes::put_mailbox(disk, &mailbox, expect)).await
    }

    async fn delete_mailbox(&self, id: &MailboxId, version: u64, purge_at: Timestamp) -> Result<Written> {
        let id = id.clone();
        self.on("deleting a mailbox", move |disk| mailboxes::delete_mailbox(disk, &id, version, purge_at))
            .await
    }

    async fn group(&self, id: &GroupId) -> Result<Option<Versioned<Group>>> {
        let id = id.clone();
        self.on("reading a group", move |disk| mailboxes::group(disk, &id)).await
    }

    async fn groups(&self) -> Result<Vec<Versioned<Group>>> {
        self.on("listing groups", mailboxes::groups).await
    }

    async fn put_group(&self, group: &Group, expect: Expect) -> Result<Written> {
        let group = group.clone();
        self.on("writing a group", move |disk| mailboxes::put_group(disk, &group, expect)).await
    }

    async fn delete_group(&self, id: &GroupId, version: u64) -> Result<Written> {
        let id = id.clone();
        self.on("deleting a group", move |disk| mailboxes::delete_group(disk, &id, version)).await
    }

    async fn case(&self, key: &CaseKey) -> Result<Option<Versioned<Case>>> {
        let key = key.clone();
        self.on("reading a case", move |disk| cases::read(disk, &key)).await
    }

    async fn put_case(&self, case: &Case, expect: Expect) -> Result<Written> {
        let case = case.clone();
        self.on("writing a case", move |disk| cases::put(disk, &case, expect)).await
    }

    async fn cases(&self, after: Option<&CaseKey>, limit: usize) -> Result<Vec<Versioned<Case>>> {
        let after = after.cloned();
        self.on("listing cases", move |disk| cases::all(disk, after.as_ref(), limit)).await
    }

    async fn watched_cases(&self) -> Result<Vec<CaseKey>> {
        self.on("listing cases", cases::watched).await
    }

    async fn dismiss_case(&self, key: &CaseKey) -> Result<()> {
        let key = key.clone();
        self.on("dismissing a case", move |disk| cases::dismiss(disk, &key)).await
    }

    async fn forgets(&self, subject: &Subject) -> Result<Vec<CaseKey>> {
        let subject = subject.clone();
        self.on("asking who is forgotten", move |disk| cases::forgets(disk, &subject)).await
    }

    async fn last_certificate(&self) -> Result<Option<Versioned<Certified>>> {
        self.on("reading a certificate", cases::last_certificate).await
    }

    async fn put_certificate(&self, certified: &Certified, expect: Expect) -> Result<Written> {
        let certified = certified.clone();
        self.on("writing a certificate", move |disk| cases::put_certificate(disk, &certified, expect)).await
    }

    async fn ping(&self) -> Result<()> {
        let tree = self.tree.clone();
        ping("reaching the master region", move || Ok(tree.disk.mounted()?)).await
    }
}
