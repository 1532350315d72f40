//! What every case begins with: a fresh tenant of a backend, and short words for the calls of the contract.

use std::any::Any;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::{
    Attempt, AudioKey, Caller, CallerName, Claim, ClaimOutcome, Counts, Facts, Folder, Group, Hold, Mailbox,
    MailboxId, Message, MessageId, Owner, Random, ReadMark, Region, Release, ReleaseOutcome, Settings,
    Subject, SystemRandom, TakenMark, Tenant, TenantKey, Timestamp, Waiting,
};
use futures::{StreamExt as _, TryStreamExt as _};
use storage::{
    ArriveOutcome, Deposit, Expect, InsertOutcome, Lookup, Metadata, PageOf, Recordings, TenantStorage,
    WriteOutcome,
};

/// An hour.
pub const HOUR: Duration = Duration::from_hours(1);
/// A day.
pub const DAY: Duration = Duration::from_hours(24);
/// The caller of a [`Call`] that names none.
pub const ALICE: &str = "+49301234567";

/// When every case begins: 2026-11-22T10:00:00Z.
pub fn start() -> Timestamp {
    Timestamp::from_millis(1_795_341_600_000)
}

/// So many seconds after the start.
pub fn after(seconds: u64) -> Timestamp {
    start().plus(Duration::from_secs(seconds))
}

/// The regions that every backend under test is opened with; the first is the master.
pub fn regions() -> BTreeSet<Region> {
    ["eu-central-1", "us-east-1", "us-west-2"].into_iter().map(|name| name.parse().unwrap()).collect()
}

/// A fresh tenant of a backend. Clones are the same tenant.
#[derive(Clone)]
pub struct Namespace {
    /// The tenant's storage.
    pub storage: TenantStorage,
    /// The storage of another fresh tenant of the same backend.
    pub neighbour: TenantStorage,
    /// The tenant.
    pub tenant: Tenant,
    random: Arc<dyn Random>,
    _keep: Arc<dyn Any + Send + Sync>,
}

impl Namespace {
    /// A fresh tenant of the backend that `storage` asks; `keep` (a folder, a container) lives as long.
    pub fn new(storage: impl Fn(&Tenant) -> TenantStorage, keep: impl Any + Send + Sync) -> Self {
        let (tenant, neighbour) = (fresh_tenant(), fresh_tenant());
        let (storage, neighbour) = (storage(&tenant), storage(&neighbour));
        Self { storage, neighbour, tenant, random: Arc::new(SystemRandom), _keep: Arc::new(keep) }
    }

    /// The same tenant, with ids and attempts from `random`.
    pub fn with_random(self, random: Arc<dyn Random>) -> Self {
        Self { random, ..self }
    }

    /// The same tenant as another storage shows it.
    pub fn on(&self, storage: TenantStorage) -> Self {
        Self { storage, ..self.clone() }
    }

    /// The tenant's metadata.
    pub fn metadata(&self) -> &dyn Metadata {
        &*self.storage.metadata
    }

    /// The audio in the master region.
    pub fn recordings(&self) -> &dyn Recordings {
        self.recordings_in(&self.tenant.master)
    }

    /// The audio in a region.
    pub fn recordings_in(&self, region: &Region) -> &dyn Recordings {
        &*self.storage.recordings[region]
    }

    /// A caller's keyed hash.
    pub fn subject(&self, caller: &str) -> Subject {
        TenantKey::new(&[7; 32], &"t".parse().unwrap()).subject(&read_caller(caller))
    }

    /// Makes a mailbox, which must not be there.
    pub async fn mailbox(&self, id: &str) -> MailboxId {
        let mailbox = a_mailbox(id);
        let written = self.metadata().put_mailbox(&mailbox, Expect::Absent).await.unwrap();
        assert!(matches!(written, WriteOutcome::Version(_)), "{id} is there");
        mailbox.id
    }

    /// A fresh attempt to deposit a call.
    pub fn attempt(&self, call: &Call) -> Deposit {
        let id = MessageId::random(call.received_at, &*self.random);
        let attempt = Attempt::draw(&*self.random);
        let region = self.tenant.master.clone();
        let audio = AudioKey::new(call.received_at, id, attempt.clone(), call.mailbox.clone(), "wav");
        let facts = Facts {
            id,
            attempt,
            mailbox: call.mailbox.clone(),
            generation: call.generation,
            caller: call.caller.as_deref().map(read_caller),
            reader: domain::READER,
            caller_name: CallerName::read("Ä. \"Caller\""),
            subject: call.caller.as_deref().map(|caller| self.subject(caller)),
            received_at: call.received_at,
            duration_ms: 12_340,
            media_type: "audio/wav".to_owned(),
            bytes: 0,
            urgent: call.urgent,
            region,
            audio,
        };
        let bytes = u64::try_from(audio_of(&facts).len()).unwrap();
        Deposit { facts: Facts { bytes, ..facts }, begun_at: call.received_at }
    }

    /// Another attempt of the same message.
    pub fn again(&self, deposit: &Deposit) -> Deposit {
        let mut again = deposit.clone();
        again.facts.attempt = Attempt::draw(&*self.random);
        again.facts.audio.attempt = again.facts.attempt.clone();
        again
    }

    /// The first half of a deposit, the put of its audio included.
    pub async fn arrive(&self, deposit: &Deposit) -> ArriveOutcome {
        self.try_arrive(deposit).await.unwrap()
    }

    /// The same, where it may fail.
    ///
    /// # Errors
    /// The storage failed.
    pub async fn try_arrive(&self, deposit: &Deposit) -> storage::Result<ArriveOutcome> {
        let facts = &deposit.facts;
        let put = self.recordings_in(&facts.region).put(
            &facts.audio,
            audio_of(facts),
            &facts.media_type,
            facts.subject.as_ref(),
        );
        self.metadata().arrive(deposit, put).await
    }

    /// Arrives, and must not find the id taken.
    pub async fn arrived(&self, deposit: &Deposit) -> u32 {
        match self.arrive(deposit).await {
            ArriveOutcome::Arrived(stored) => stored,
            taken @ ArriveOutcome::Taken(_) => panic!("{taken:?}"),
        }
    }

    /// The second half of a deposit.
    pub async fn insert(&self, deposit: &Deposit) -> InsertOutcome {
        self.metadata().insert(deposit).await.unwrap()
    }

    /// Both halves of an attempt that must be created.
    pub async fn created(&self, deposit: &Deposit) -> Message {
        self.arrived(deposit).await;
        match self.insert(deposit).await {
            InsertOutcome::Created(message) => *message,
            other => panic!("{other:?}"),
        }
    }

    /// Deposits a call, which must be created.
    pub async fn deposit(&self, call: &Call) -> Message {
        self.created(&self.attempt(call)).await
    }

    /// What is under a message's id.
    pub async fn look(&self, facts: &Facts) -> Lookup {
        self.metadata().message(&facts.mailbox, facts.id).await.unwrap()
    }

    /// The message as it stands, hidden or not; it must be there.
    pub async fn stored(&self, facts: &Facts) -> Message {
        match self.look(facts).await {
            Lookup::Message(message) => *message,
            other => panic!("{other:?}"),
        }
    }

    /// The folder that shows a message now.
    pub async fn folder(&self, facts: &Facts) -> Option<Folder> {
        self.look(facts).await.shown().and_then(|message| message.folder())
    }

    /// Puts a hold on.
    pub async fn hold(&self, facts: &Facts, hold: &Hold) -> Option<Message> {
        self.metadata().hold(&facts.mailbox, facts.id, hold).await.unwrap()
    }

    /// Takes a hold off.
    pub async fn release(&self, facts: &Facts, release: &Release) -> ReleaseOutcome {
        self.metadata().release(&facts.mailbox, facts.id, release).await.unwrap()
    }

    /// Claims for the purge.
    pub async fn claim(&self, facts: &Facts, claim: &Claim) -> ClaimOutcome {
        self.metadata().claim(&facts.mailbox, facts.id, claim).await.unwrap()
    }

    /// Marks read.
    pub async fn read(&self, facts: &Facts, mark: &ReadMark) -> Option<Message> {
        self.metadata().mark_read(&facts.mailbox, facts.id, mark).await.unwrap()
    }

    /// Marks unread.
    pub async fn unread(&self, facts: &Facts) -> Option<Message> {
        self.metadata().mark_unread(&facts.mailbox, facts.id).await.unwrap()
    }

    /// Counts a mailbox.
    pub async fn counts(&self, mailbox: &MailboxId) -> Counts {
        self.waiting(mailbox).await.counts
    }

    /// All that counting tells of a mailbox.
    pub async fn waiting(&self, mailbox: &MailboxId) -> Waiting {
        self.metadata().counts(mailbox).await.unwrap()
    }

    /// Walks a mailbox to its end in pages of `limit`.
    pub async fn walk(&self, mailbox: &MailboxId, folder: Option<Folder>, limit: usize) -> Vec<Message> {
        let (mut messages, mut before) = (Vec::new(), None);
        loop {
            let page = self.metadata().page(mailbox, PageOf { folder, before, limit }).await.unwrap();
            assert!(page.messages.len() <= limit, "a page of more than {limit}");
            messages.extend(page.messages);
            match page.next {
                None => return messages,
                next => assert!(before.is_none_or(|before| next < Some(before)), "a cursor that goes back"),
            }
            before = page.next;
        }
    }

    /// The ids that new and old show, newest first.
    pub async fn listed(&self, mailbox: &MailboxId) -> Vec<MessageId> {
        ids(&self.walk(mailbox, None, 50).await)
    }

    /// The bytes of a recording, or of a range of it.
    pub async fn bytes(&self, key: &AudioKey, range: Option<std::ops::Range<u64>>) -> Option<Vec<u8>> {
        let audio = self.recordings().get(key, range).await.unwrap()?;
        let bytes: Vec<Bytes> = audio.bytes.boxed().try_collect().await.unwrap();
        let bytes = bytes.concat();
        assert_eq!(u64::try_from(bytes.len()).unwrap(), audio.len, "the length that was told");
        Some(bytes)
    }
}

fn fresh_tenant() -> Tenant {
    let id = format!("t-{}", Attempt::draw(&SystemRandom));
    let all = regions();
    Tenant {
        id: id.parse().unwrap(),
        ccid: id.clone(),
        numbering: "DE".parse::<domain::Country>().unwrap().into(),
        domain: format!("{id}.invalid"),
        master: all.first().unwrap().clone(),
        regions: all.into_iter().collect(),
        clients: Vec::new(),
        settings: Settings::default(),
    }
}

/// A telephone call that leaves a message.
#[derive(Debug, Clone)]
pub struct Call {
    mailbox: MailboxId,
    generation: u64,
    caller: Option<String>,
    received_at: Timestamp,
    urgent: bool,
}

impl Call {
    /// A call to a mailbox of generation 1, at the start, by [`ALICE`], not urgent.
    pub fn to(mailbox: &MailboxId) -> Self {
        let caller = Some(ALICE.to_owned());
        Self { mailbox: mailbox.clone(), generation: 1, caller, received_at: start(), urgent: false }
    }

    /// By this caller.
    pub fn by(self, caller: &str) -> Self {
        Self { caller: Some(caller.to_owned()), ..self }
    }

    /// By nobody who says so.
    pub fn withheld(self) -> Self {
        Self { caller: None, ..self }
    }

    /// Taken then.
    pub fn at(self, received_at: Timestamp) -> Self {
        Self { received_at, ..self }
    }

    /// Marked urgent.
    pub fn urgent(self) -> Self {
        Self { urgent: true, ..self }
    }

    /// Into this generation of the mailbox.
    pub fn generation(self, generation: u64) -> Self {
        Self { generation, ..self }
    }
}

fn read_caller(text: &str) -> Caller {
    Caller::read(text, "DE".parse::<domain::Country>().unwrap()).unwrap()
}

/// The audio of an attempt: other bytes for each.
pub fn audio_of(facts: &Facts) -> Bytes {
    Bytes::from(format!("audio of {} by {}", facts.id, facts.attempt))
}

/// A personal mailbox as an administrator writes it.
pub fn a_mailbox(id: &str) -> Mailbox {
    Mailbox {
        id: id.parse().unwrap(),
        owner: Owner::Personal { user: "alice".parse().unwrap() },
        name: format!("Mailbox {id}"),
        enabled: true,
        settings: Settings::default(),
        generation: 0,
    }
}

/// A group.
pub fn a_group(id: &str, members: &[&str]) -> Group {
    Group { id: id.parse().unwrap(), members: members.iter().map(|user| user.parse().unwrap()).collect() }
}

/// A hold of the trash.
pub fn trash(purge_at: Timestamp) -> Hold {
    Hold::Trash { purge_at }
}

/// A read mark.
pub fn mark(by: &str, at: Timestamp) -> ReadMark {
    ReadMark { at, by: by.parse().unwrap() }
}

/// That somebody took a message.
pub fn taken_by(by: &str, at: Timestamp) -> TakenMark {
    TakenMark { at, by: by.parse().unwrap() }
}

/// The ids of messages, in their order.
pub fn ids(messages: &[Message]) -> Vec<MessageId> {
    messages.iter().map(|message| message.facts.id).collect()
}

/// Polls a call at most `polls` times and drops it: a process that dies in the middle. `None`: it was cut off. What it
/// had under way on another thread may still be done later, as by a process that is only slow.
pub async fn cut_off<F: Future>(polls: usize, call: F) -> Option<F::Output> {
    let mut call = Box::pin(call);
    let mut left = polls;
    std::future::poll_fn(move |context| {
        if left == 0 {
            return std::task::Poll::Ready(None);
        }
        left -= 1;
        let polled = call.as_mut().poll(context).map(Some);
        if polled.is_pending() && left == 0 {
            return std::task::Poll::Ready(None);
        }
        polled
    })
    .await
}
