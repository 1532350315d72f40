//! The metadata of a tenant on a cloud: one algorithm, over the requests that each cloud makes in its own way.
//!
//! A cloud implements [`Cloud`], and the topics [`Messages`] and [`Purge`], whose steps are of another kind on each. The other topics
//! are implemented here, for all of them. `docs/protocol.md` says why the steps are in this order.

mod cases;
mod deposits;
mod due;
mod fault;
pub(crate) mod limits;
mod mailboxes;
mod orphans;
mod records;
mod row;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::{
    AudioKey, Case, CaseKey, GroupId, Hold, MailboxId, Message, MessageId, Region, Release, Subject,
    Timestamp,
};
use futures::StreamExt as _;
use futures::stream::BoxStream;

pub(crate) use self::due::{claim_of, due_at};
pub(crate) use self::fault::{contended, incomplete};
use self::records::put_record;
pub(crate) use self::records::{Record, RecordResult, RecordUpdate, Value, value_in_regions};
pub(crate) use self::row::{ChangeOutcome, Row, may_be_of, passing_over};
use crate::{
    Deposit, MessageRef, Messages, Purge, Recordings, Result, StorageError, Versioned, WriteOutcome,
};

/// How often a step is tried again that others are in the way of.
pub(crate) const MAX_ROUNDS: u32 = 10;
/// How many requests of one call are under way at once.
pub(crate) const MAX_CONCURRENT_REQUESTS: usize = 16;
const HOUR: Duration = Duration::from_hours(1);

/// A thing of a tenant. Each cloud has its own key for it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Thing<'a> {
    /// The marker of a message or attempt of this caller.
    Marker(&'a Subject, &'a MessageRef),
    Journal(&'a MessageRef),
    /// That a case names a caller.
    Forget(&'a Subject, &'a CaseKey),
    /// That a case is watched.
    Watched(&'a CaseKey),
    Mailbox(&'a MailboxId),
    Group(&'a GroupId),
    Case(&'a CaseKey),
    LastCertificate,
    /// Up to which hour recordings without a message were looked for in a region.
    Orphans(&'a Region),
}

impl<'a> Thing<'a> {
    /// The marker of a message or attempt, where its caller is known.
    pub(crate) fn marker(message_ref: &'a MessageRef) -> Option<Self> {
        message_ref.subject.as_ref().map(|subject| Self::Marker(subject, message_ref))
    }
}

/// The folders of the records that are listed.
pub(crate) const MAILBOXES: &str = "mailbox";
pub(crate) const GROUPS: &str = "group";
pub(crate) const CASES: &str = "case";

/// What a cloud keeps as values with versions, and as names that say something by being there. The context says in errors what was being
/// done.
#[async_trait]
pub(crate) trait Records: Sized + Send + Sync {
    /// What the next write of a record is conditional on.
    type Etag: Send + Sync;
    /// What it is by the version of a record that is never deleted, where that alone tells it.
    const ETAG_OF_VERSION: Option<fn(u64) -> Self::Etag> = None;

    /// Makes things that say nothing but their names.
    async fn note(&self, context: &'static str, things: Vec<Thing<'_>>) -> Result<()>;
    /// Deletes things. What is not there counts as deleted.
    async fn remove(&self, context: &'static str, things: Vec<Thing<'_>>) -> Result<()>;

    async fn record<T: Value>(&self, context: &'static str, thing: Thing<'_>) -> RecordResult<T, Self::Etag>;
    /// The values of a folder, by name, those after `after`, at most `limit`, but for what is deleted or damaged.
    async fn values<T: Value>(
        &self,
        context: &'static str,
        folder: &'static str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Versioned<T>>>;
    /// Writes the version after `before`, or the first one, if that is still the newest. One whose answer was lost is known again by
    /// its nonce.
    async fn write_record<T: Value>(
        &self,
        context: &'static str,
        thing: Thing<'_>,
        before: Option<&Record<T, Self::Etag>>,
        next: RecordUpdate<'_, T>,
    ) -> Result<WriteOutcome>;
    /// Cases by their keys; those that were never written are left out.
    async fn read_cases(&self, keys: Vec<CaseKey>) -> Result<Vec<Case>>;
    async fn list_mailbox_ids(&self) -> Result<Vec<MailboxId>>;
    async fn list_watched(&self) -> Result<Vec<CaseKey>>;
    async fn dismiss(&self, case: &CaseKey) -> Result<()>;
    /// The cases that name a caller.
    async fn naming(&self, subject: &Subject) -> Result<Vec<CaseKey>>;
}

/// What a cloud does with messages and attempts in its own way, each in as few requests as it can.
#[async_trait]
pub(crate) trait Cloud: Records + Messages + Purge {
    /// A row as a walk found it: what changing or removing it without another look needs.
    type ListedRow: Send;

    /// The recordings of each region: what takes an attempt back, takes its audio.
    fn all_recordings(&self) -> &BTreeMap<Region, Arc<dyn RegionRecordings>>;

    /// What lies under a message's id.
    async fn row(&self, context: &'static str, mailbox: &MailboxId, id: MessageId) -> Result<Row>;
    /// The same of many attempts that are under way, each with what could be read of it.
    async fn rows_of(&self, attempts: Vec<MessageRef>) -> Result<Vec<(MessageRef, Result<Row>)>>;
    /// All that lies under a mailbox, but for what is damaged.
    async fn walk(&self, mailbox: &MailboxId) -> Result<Vec<(Row, Self::ListedRow)>>;
    /// Puts the row of a message if its id is free, or taken by a fence of other attempts. What is there else.
    async fn insert_row(&self, deposit: &Deposit) -> Result<Option<Row>>;
    /// Adds an attempt to the fence under its id, unless a message or a tombstone is there: this is told.
    async fn fence_row(&self, message_ref: &MessageRef, until: Timestamp) -> Result<Option<Row>>;
    /// Removes a row, unless it has become something else since it was listed.
    async fn remove_row(&self, listed: Self::ListedRow) -> Result<()>;
    /// Changes a message by a rule, again and again, until nobody was faster.
    async fn change<T: Send, F: Fn(&mut Message) -> T + Send + Sync>(
        &self,
        context: &'static str,
        mailbox: &MailboxId,
        id: MessageId,
        rule: F,
    ) -> Result<ChangeOutcome<T>>;
    /// Puts a hold on a message of a walk.
    async fn hold_listed(&self, message: &Message, listed: Self::ListedRow, hold: &Hold) -> Result<()>;
    /// Notes that a hold has a deadline, in case that this was lost; nothing where the row itself says so.
    async fn note_due(&self, _message: &Message, _hold: &Hold) -> Result<()> {
        Ok(())
    }

    /// Writes the journal of an attempt and its caller's marker.
    async fn announce(&self, deposit: &Deposit) -> Result<()>;
    /// Notes in the journal of an attempt that it is being fenced: it is told until it is withdrawn.
    async fn note_fencing(&self, message_ref: &MessageRef) -> Result<()>;
    /// What the journals tell of attempts that began before `before` or are being fenced.
    async fn journals(&self, before: Timestamp) -> Result<Vec<Result<MessageRef>>>;
    /// Those of these attempts that neither a message nor a journal tells of.
    async fn untold(&self, attempts: Vec<MessageRef>) -> Result<Vec<MessageRef>>;
    /// Up to which hour a region was searched for recordings without a message; empty: never.
    async fn searched_until(&self, region: &Region) -> Result<String>;
    async fn note_searched(&self, region: &Region, until: &str) -> Result<()>;

    /// The recordings of a region.
    fn recordings(&self, region: &Region) -> Result<&dyn RegionRecordings> {
        self.all_recordings().get(region).map(AsRef::as_ref).ok_or_else(|| {
            StorageError::unavailable("opening a region", format!("the region {region} has no recordings"))
        })
    }

    /// The message that a case's hold was put on, unless the case was undone meanwhile: such a hold is taken off by its own writer, since
    /// no release pass may see it any more.
    async fn keep_case_hold(&self, held: Message, case: &CaseKey) -> Result<Option<Message>> {
        let facts = &held.facts;
        let record = self.record::<Case>("reading a case", Thing::Case(case)).await?;
        let now = record.and_then(|record| record.value);
        if !now.is_some_and(|now| now.has_released(facts.subject.as_ref())) {
            return Ok(Some(held));
        }
        let release = Release::Case(case.clone());
        let rule = |message: &mut Message| message.release(&release);
        Ok(match self.change("releasing a message", &facts.mailbox, facts.id, rule).await? {
            ChangeOutcome::Message(message, _) if !message.claimed => Some(*message),
            _ => None,
        })
    }
}

/// What the metadata asks of the recordings of a region beside the contract, to find those that no message has.
#[async_trait]
pub(crate) trait RegionRecordings: Recordings {
    /// The recordings that were put in the hours from `from` on and before `end`, some at a time, and with each time up to which hour
    /// they are all told by then.
    fn by_hour(&self, from: &str, end: &str) -> BoxStream<'_, Result<(Vec<AudioKey>, String)>>;

    /// The caller that a recording names; `None`: it is not there.
    async fn caller(&self, key: &AudioKey) -> Result<Option<Option<String>>>;
}

/// The recordings of each region, as the contract has them.
pub(crate) fn of_contract(
    all: &BTreeMap<Region, Arc<dyn RegionRecordings>>,
) -> BTreeMap<Region, Arc<dyn Recordings>> {
    all.iter().map(|(region, its)| (region.clone(), Arc::clone(its) as Arc<dyn Recordings>)).collect()
}

/// Whether what is stored is this: asked where a put found something, which may be its own earlier try. `None`: nothing is there.
pub(crate) async fn is_stored(
    recordings: &impl Recordings,
    key: &AudioKey,
    bytes: &Bytes,
) -> Result<Option<bool>> {
    let Some(mut audio) = recordings.get(key, None).await? else { return Ok(None) };
    let mut at = 0;
    while let Some(chunk) = audio.bytes.next().await {
        let chunk = chunk.map_err(|error| StorageError::unavailable("comparing a recording", error))?;
        if bytes.get(at..at + chunk.len()) != Some(&*chunk) {
            return Ok(Some(false));
        }
        at += chunk.len();
    }
    Ok(Some(at == bytes.len()))
}

/// When an hour of keys began.
pub(crate) fn hour(text: &str) -> Option<Timestamp> {
    let part = |from: usize, to: usize| text.get(from..to);
    let time = format!("{}-{}-{}T{}:00:00Z", part(0, 4)?, part(4, 6)?, part(6, 8)?, part(8, 10)?);
    time.parse().ok()
}

/// A number that no other write has: what it wrote is told by it from what others did.
pub(crate) fn nonce() -> Result<String> {
    let drawn = getrandom::u64().map_err(|error| StorageError::unavailable("drawing a nonce", error))?;
    Ok(format!("{drawn:016x}"))
}

/// Waits a little, longer each time and never the same.
pub(crate) async fn pause(round: u32) {
    let drawn = u64::from(getrandom::u32().unwrap_or(0)) % (5 << round.min(6));
    tokio::time::sleep(Duration::from_millis(drawn)).await;
}
