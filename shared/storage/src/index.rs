//! The contract of a tenant's metadata.

use async_trait::async_trait;
use domain::{
    Attempt, AudioKey, Case, CaseKey, Certified, Claim, Claimed, Counts, Facts, Folder, Group, GroupId, Hold,
    Mailbox, MailboxId, Message, MessageId, ReadMark, Region, Release, Released, Subject, Timestamp,
};
use futures::future::BoxFuture;

use crate::error::Result;

/// A value and its version. Versions begin at 1, grow by 1, and go on when a thing is deleted and made again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned<T> {
    /// The value.
    pub value: T,
    /// Its version.
    pub version: u64,
}

/// What a conditional write expects to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Nothing: never made, or deleted.
    Absent,
    /// This version.
    Version(u64),
}

/// What became of a conditional write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// Written, as this version.
    Version(u64),
    /// It is not as expected; nothing was written.
    Conflict,
}

/// One attempt to deposit a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deposit {
    /// What becomes the message if this attempt is committed.
    pub facts: Facts,
    /// When the attempt began, by the server's clock.
    pub begun_at: Timestamp,
}

/// What is stored under a message's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// A message, hidden ones too: ask its [`folder`](Message::folder) before it is shown.
    Message(Box<Message>),
    /// It is being purged, or was within the last 30 days.
    Gone,
}

impl Found {
    /// The message, if a folder shows it.
    pub fn shown(self) -> Option<Message> {
        match self {
            Self::Message(message) if message.folder().is_some() => Some(*message),
            _ => None,
        }
    }
}

/// What became of the first half of a deposit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// The audio is put and the marker is there; the mailbox stores so many messages. Next: `insert` or `withdraw`.
    Arrived(u32),
    /// The id is taken, by what is told here. Nothing is left of this attempt.
    Taken(Found),
}

/// What became of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Insertion {
    /// This attempt was committed. A case that is pending may hide the message already.
    Created(Box<Message>),
    /// Another was; the caller takes this attempt back.
    Taken(Found),
    /// An erasing or erased case covers it; the caller takes this attempt back.
    Forgotten,
    /// The attempt took too long and was fenced; the caller takes it back and may begin anew.
    Fenced,
}

/// What is left of a message or of an attempt: all that removing it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRef {
    /// The mailbox.
    pub mailbox: MailboxId,
    /// The message.
    pub id: MessageId,
    /// The attempt.
    pub attempt: Attempt,
    /// The caller's hash.
    pub subject: Option<Subject>,
    /// The recording.
    pub audio: AudioKey,
    /// Where the recording lies.
    pub region: Region,
}

impl From<&Facts> for MessageRef {
    fn from(facts: &Facts) -> Self {
        Self {
            mailbox: facts.mailbox.clone(),
            id: facts.id,
            attempt: facts.attempt.clone(),
            subject: facts.subject.clone(),
            audio: facts.audio.clone(),
            region: facts.region.clone(),
        }
    }
}

/// A hold whose deadline has passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The message.
    pub message_ref: MessageRef,
    /// The hold: of the trash or of a deleted mailbox. What a case has claimed may be told as due since the beginning of time.
    pub hold: Hold,
}

/// A message of a caller, as its marker tells. The attempt may have lost, or not be created yet: the message decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerMarker {
    /// The message or attempt.
    pub message_ref: MessageRef,
    /// When the call was taken.
    pub received_at: Timestamp,
}

/// Which messages of a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageOf {
    /// One folder; `None`: new and old.
    pub folder: Option<Folder>,
    /// Only ids smaller than this: the last one of the page before.
    pub before: Option<MessageId>,
    /// At most so many; at least 1.
    pub limit: usize,
}

/// A page of messages, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The messages.
    pub messages: Vec<Message>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<MessageId>,
}

/// What became of a fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fenced {
    /// The attempt is the message; there is nothing to clean.
    Created,
    /// The attempt can never be created any more: delete its audio, then `withdraw` it.
    Never,
}

/// The metadata of one tenant, in its master region.
///
/// Every call is safe to repeat, also where its answer was lost: a conditional write that was done counts as done.
/// Every call is durable before it returns. Several processes work on one tenant at once.
///
/// What is stored and cannot be read (`Corrupt`) fails the calls that are about it, and nothing is removed for that. A
/// listing passes over it, with an error in the log; `due`, `arriving` and `by_caller`, which forget nothing, fail with
/// it once they have nothing else to tell. What is due is purged also where its facts cannot be read.
#[async_trait]
pub trait Index: Send + Sync {
    /// The first half of a deposit: looks for an earlier message of this id, journals the attempt where the backend needs
    /// it, runs `put` (the put of the audio), writes the caller marker and counts the mailbox, as much at once as is
    /// safe. Where the id is taken, nothing of this attempt is left.
    async fn arrive(&self, deposit: &Deposit, put: BoxFuture<'_, Result<()>>) -> Result<Arrival>;

    /// The commit: of all attempts of an id exactly one is created, whoever asks how often. A message whose caller a
    /// pending case forgets is created hidden; one that an erasing or erased case covers is not created. One whose mailbox was
    /// deleted or made anew meanwhile, so that its generation is over, is created with the mailbox's hold.
    async fn insert(&self, deposit: &Deposit) -> Result<Insertion>;

    /// Takes back what an attempt made before its commit, its audio excepted, which goes first. Never touches what another
    /// attempt made, nor a message that was created.
    async fn withdraw(&self, message_ref: &MessageRef) -> Result<()>;

    /// What is stored under an id. Reads its own writes.
    async fn message(&self, mailbox: &MailboxId, id: MessageId) -> Result<Found>;

    /// A page of a mailbox, newest first. Reads its own writes. What is visible throughout is shown exactly once; what
    /// was hidden before the call is not shown.
    async fn page(&self, mailbox: &MailboxId, of: PageOf) -> Result<Page>;

    /// Counts a mailbox from its messages. Reads its own writes.
    async fn counts(&self, mailbox: &MailboxId) -> Result<Counts>;

    /// Marks a visible message read; one that is read already stays as it is. `None`: not visible.
    async fn mark_read(&self, mailbox: &MailboxId, id: MessageId, mark: &ReadMark)
    -> Result<Option<Message>>;

    /// Takes the read mark off a visible message. `None`: not visible.
    async fn mark_unread(&self, mailbox: &MailboxId, id: MessageId) -> Result<Option<Message>>;

    /// Puts a hold on, by the rule of [`Message::hold`]. `None`: there is no message that can take it. A hold of the
    /// trash or of a mailbox will be told by `due`, also where this call was cut off after the hold was on. A hold of
    /// a case that is undone by then does not stay.
    async fn hold(&self, mailbox: &MailboxId, id: MessageId, hold: &Hold) -> Result<Option<Message>>;

    /// Takes a hold off, by the rule of [`Message::release`]. Of a release and a claim that race, one wins.
    async fn release(&self, mailbox: &MailboxId, id: MessageId, release: &Release) -> Result<Released>;

    /// Claims a message for the purge, by the rule of [`Message::claim`]. Irrevocable; a repeat says `Claimed` again.
    async fn claim(&self, mailbox: &MailboxId, id: MessageId, claim: &Claim) -> Result<Claimed>;

    /// Replaces the facts of a claimed message by a tombstone, kept 30 days from `now`, without anything personal; then
    /// takes its marks and its caller marker away. Only after its audio is gone. What is not claimed is not touched.
    async fn leave_tombstone(&self, message_ref: &MessageRef, now: Timestamp) -> Result<()>;

    /// The markers of a caller's messages, consistent, by id, those after `after`, at most `limit`. Also of attempts that
    /// are under way or were cut off, and of messages that are hidden or claimed, until they are a tombstone.
    async fn by_caller(
        &self,
        subject: &Subject,
        after: Option<&CallerMarker>,
        limit: usize,
    ) -> Result<Vec<CallerMarker>>;

    /// Holds with a deadline at or before `before`, oldest first, those after `after`, at most `limit`. May lag, never
    /// forgets; may tell a hold that was taken off, which the claim finds out.
    async fn due(&self, before: Timestamp, after: Option<&Due>, limit: usize) -> Result<Vec<Due>>;

    /// Strikes an entry of `due` off: its message is purged, or its hold was taken off.
    async fn remove_due_entry(&self, due: &Due) -> Result<()>;

    /// Attempts that began before `before` and were neither finished nor withdrawn, and all that were fenced and not yet
    /// withdrawn. May lag, never forgets.
    async fn arriving(&self, before: Timestamp) -> Result<Vec<MessageRef>>;

    /// Decides what an attempt became, for good: if it is not created by now it never will be.
    async fn fence(&self, message_ref: &MessageRef) -> Result<Fenced>;

    /// Removes the recordings, in every region, that were put in hours which began by `until` and that neither a message nor
    /// an attempt tells of: a backend that journals an attempt before it puts has none. Hours that ended an hour before `now` are
    /// searched once, as no put of theirs is under way any more. How many there were.
    async fn remove_orphans(&self, until: Timestamp, now: Timestamp) -> Result<u64>;

    /// The last net, for a mailbox: mends what was cut off and what no journal tells any more, by the backend's own
    /// means; messages of a deleted mailbox or of an earlier generation get the mailbox's hold until `purge_at`; tombstones
    /// of more than 30 days go. How many recordings were orphans.
    async fn tidy(&self, mailbox: &MailboxId, now: Timestamp, purge_at: Timestamp) -> Result<u64>;

    /// A mailbox. `None`: never made, or deleted.
    async fn mailbox(&self, id: &MailboxId) -> Result<Option<Versioned<Mailbox>>>;

    /// All mailboxes, by id.
    async fn mailboxes(&self) -> Result<Vec<Versioned<Mailbox>>>;

    /// The ids of all mailboxes that ever were, deleted ones too: what tidying walks.
    async fn mailbox_ids(&self) -> Result<Vec<MailboxId>>;

    /// Writes a mailbox if it is as expected. One that is made anew (`Absent`) takes its version for its generation,
    /// whatever the value says; before a deleted one is made again, its deletion is finished, so that it starts empty.
    async fn put_mailbox(&self, mailbox: &Mailbox, expect: Expect) -> Result<Written>;

    /// Deletes a mailbox if it has this version, and holds its messages until `purge_at`. Cut off, it is finished by
    /// `tidy` or when the id is made again.
    async fn delete_mailbox(&self, id: &MailboxId, version: u64, purge_at: Timestamp) -> Result<Written>;

    /// A group. `None`: never made, or deleted.
    async fn group(&self, id: &GroupId) -> Result<Option<Versioned<Group>>>;

    /// All groups, by id.
    async fn groups(&self) -> Result<Vec<Versioned<Group>>>;

    /// Writes a group if it is as expected.
    async fn put_group(&self, group: &Group, expect: Expect) -> Result<Written>;

    /// Deletes a group if it has this version.
    async fn delete_group(&self, id: &GroupId, version: u64) -> Result<Written>;

    /// A case.
    async fn case(&self, key: &CaseKey) -> Result<Option<Versioned<Case>>>;

    /// Writes a case if it is as expected: `Absent` opens it, a version changes it. Before the case is there, each of
    /// its subjects names it (`forgets`) and it is watched.
    async fn put_case(&self, case: &Case, expect: Expect) -> Result<Written>;

    /// All cases, by key, those after `after`, at most `limit`.
    async fn cases(&self, after: Option<&CaseKey>, limit: usize) -> Result<Vec<Versioned<Case>>>;

    /// The cases that the sweep watches: from their opening until they are dismissed.
    async fn watched_cases(&self) -> Result<Vec<CaseKey>>;

    /// Ends the watching of a closed case.
    async fn dismiss_case(&self, key: &CaseKey) -> Result<()>;

    /// The cases that name a subject, whatever became of them, for 30 days after they are closed at least.
    async fn forgets(&self, subject: &Subject) -> Result<Vec<CaseKey>>;

    /// The tenant's newest certificate of erasure. `None`: there was none yet.
    async fn last_certificate(&self) -> Result<Option<Versioned<Certified>>>;

    /// Writes the tenant's next certificate if the newest is as expected: of two that would follow the same one, one does.
    async fn put_certificate(&self, certified: &Certified, expect: Expect) -> Result<Written>;

    /// Whether the master region answers, within 2 s, without retries that hide an outage.
    async fn ping(&self) -> Result<()>;
}
