//! One storage behind another: every call of the contracts goes through a route, which chooses who answers, notes that
//! it began and ended, or makes it fail.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::{
    AudioKey, Case, CaseKey, Certified, Claim, ClaimOutcome, Group, GroupId, Hold, Mailbox, MailboxId,
    Message, MessageId, ReadMark, Release, ReleaseOutcome, Subject, TakeOutcome, TakenMark, Timestamp,
    Waiting,
};
use futures::future::BoxFuture;
use storage::{
    ArriveOutcome, Audio, CallerMarker, Cases, Deposit, Deposits, Due, Expect, FenceOutcome, InsertOutcome,
    Lookup, Mailboxes, MessageRef, Messages, Metadata, Page, PageOf, Purge, Recordings, Result, StorageError,
    TenantStorage, Versioned, WriteOutcome,
};

/// What happens to each call.
pub trait Route: Send + Sync + 'static {
    /// A call begins. Which of the storages answers it, and what to remember until it ends.
    ///
    /// # Errors
    /// The call fails before it is made.
    fn begin(&self, call: &'static str) -> Result<(usize, usize)>;
    /// It ended. An error takes the place of the answer.
    ///
    /// # Errors
    /// The call fails after it was made.
    fn end(&self, remembered: usize) -> Result<()>;
}

/// Storages of one tenant behind a route.
pub fn wrap(storages: &[&TenantStorage], route: &Arc<impl Route>) -> TenantStorage {
    let metadata = Wrapped {
        targets: storages.iter().map(|s| Arc::clone(&s.metadata)).collect(),
        route: Arc::clone(route),
    };
    let recordings = storages[0].recordings.keys().map(|region| {
        let targets = storages.iter().map(|s| Arc::clone(&s.recordings[region])).collect();
        let recordings: Arc<dyn Recordings> = Arc::new(Wrapped { targets, route: Arc::clone(route) });
        (region.clone(), recordings)
    });
    TenantStorage {
        recordings: recordings.collect(),
        metadata: Arc::new(metadata),
        copy_stores: storages[0].copy_stores,
        drops: BTreeMap::new(),
    }
}

struct Wrapped<T: ?Sized, R> {
    targets: Vec<Arc<T>>,
    route: Arc<R>,
}

macro_rules! wrapped {
    ($contract:ident for $whole:ident: $($call:ident($($arg:ident: $type:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl<R: Route> $contract for Wrapped<dyn $whole, R> {
            $(async fn $call(&self, $($arg: $type),*) -> Result<$answer> {
                let (target, remembered) = self.route.begin(stringify!($call))?;
                let answer = self.targets[target].$call($($arg),*).await;
                self.route.end(remembered)?;
                answer
            })*
        }
    };
}

wrapped! { Deposits for Metadata:
    arrive(deposit: &Deposit, put: BoxFuture<'_, Result<()>>) -> ArriveOutcome;
    insert(deposit: &Deposit) -> InsertOutcome;
    withdraw(message_ref: &MessageRef) -> ();
    arriving(before: Timestamp) -> Vec<MessageRef>;
    fence(message_ref: &MessageRef) -> FenceOutcome;
    remove_orphans(until: Timestamp, now: Timestamp) -> u64;
}

wrapped! { Messages for Metadata:
    message(mailbox: &MailboxId, id: MessageId) -> Lookup;
    page(mailbox: &MailboxId, of: PageOf) -> Page;
    counts(mailbox: &MailboxId) -> Waiting;
    mark_read(mailbox: &MailboxId, id: MessageId, mark: &ReadMark) -> Option<Message>;
    mark_unread(mailbox: &MailboxId, id: MessageId) -> Option<Message>;
    take(mailbox: &MailboxId, id: MessageId, mark: &TakenMark, over: bool) -> TakeOutcome;
    give_back(mailbox: &MailboxId, id: MessageId) -> Option<Message>;
    hold(mailbox: &MailboxId, id: MessageId, hold: &Hold) -> Option<Message>;
    release(mailbox: &MailboxId, id: MessageId, release: &Release) -> ReleaseOutcome;
}

wrapped! { Purge for Metadata:
    by_caller(subject: &Subject, after: Option<&CallerMarker>, limit: usize) -> Vec<CallerMarker>;
    due(before: Timestamp, after: Option<&Due>, limit: usize) -> Vec<Due>;
    remove_due_entry(due: &Due) -> ();
    claim(mailbox: &MailboxId, id: MessageId, claim: &Claim) -> ClaimOutcome;
    leave_tombstone(message_ref: &MessageRef, now: Timestamp) -> ();
}

wrapped! { Mailboxes for Metadata:
    mailbox(id: &MailboxId) -> Option<Versioned<Mailbox>>;
    mailboxes() -> Vec<Versioned<Mailbox>>;
    mailbox_ids() -> Vec<MailboxId>;
    put_mailbox(mailbox: &Mailbox, expect: Expect) -> WriteOutcome;
    delete_mailbox(id: &MailboxId, version: u64, purge_at: Timestamp) -> WriteOutcome;
    tidy(mailbox: &MailboxId, now: Timestamp, purge_at: Timestamp) -> u64;
    group(id: &GroupId) -> Option<Versioned<Group>>;
    groups() -> Vec<Versioned<Group>>;
    put_group(group: &Group, expect: Expect) -> WriteOutcome;
    delete_group(id: &GroupId, version: u64) -> WriteOutcome;
}

wrapped! { Cases for Metadata:
    case(key: &CaseKey) -> Option<Versioned<Case>>;
    put_case(case: &Case, expect: Expect) -> WriteOutcome;
    cases(after: Option<&CaseKey>, limit: usize) -> Vec<Versioned<Case>>;
    watched_cases() -> Vec<CaseKey>;
    dismiss_case(key: &CaseKey) -> ();
    forgets(subject: &Subject) -> Vec<CaseKey>;
    last_certificate() -> Option<Versioned<Certified>>;
    put_certificate(certified: &Certified, expect: Expect) -> WriteOutcome;
}

wrapped! { Metadata for Metadata:
    ping() -> ();
}

wrapped! { Recordings for Recordings:
    put(key: &AudioKey, bytes: Bytes, media_type: &str, subject: Option<&Subject>) -> ();
    get(key: &AudioKey, range: Option<Range<u64>>) -> Option<Audio>;
    link(key: &AudioKey, ttl: Duration, file_name: Option<&str>) -> Option<String>;
    schedule_deletion(key: &AudioKey, case: &CaseKey) -> ();
    cancel_deletion(key: &AudioKey) -> bool;
    delete(key: &AudioKey) -> ();
    exists(key: &AudioKey) -> bool;
    ping() -> ();
}

/// Each call is answered by the next of several storages of one tenant: what one process writes, another reads.
pub fn in_turn(storages: &[&TenantStorage]) -> TenantStorage {
    struct InTurn(AtomicUsize, usize);
    impl Route for InTurn {
        fn begin(&self, _: &'static str) -> Result<(usize, usize)> {
            Ok((self.0.fetch_add(1, Ordering::Relaxed) % self.1, 0))
        }
        fn end(&self, _: usize) -> Result<()> {
            Ok(())
        }
    }
    wrap(storages, &Arc::new(InTurn(AtomicUsize::new(0), storages.len())))
}

/// How a storage fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Calls are not made.
    Refused,
    /// Calls are made and their answers are lost.
    AnswerLost,
}

/// A storage that does `calls` calls; every later one fails.
pub fn failing_after(storage: &TenantStorage, calls: usize, fault: Fault) -> TenantStorage {
    struct Failing(AtomicUsize, usize, Fault);
    impl Route for Failing {
        fn begin(&self, _: &'static str) -> Result<(usize, usize)> {
            let made = self.0.fetch_add(1, Ordering::Relaxed);
            if made > self.1 || (made == self.1 && self.2 == Fault::Refused) {
                Err(put_in())
            } else {
                Ok((0, made))
            }
        }
        fn end(&self, made: usize) -> Result<()> {
            if made == self.1 { Err(put_in()) } else { Ok(()) }
        }
    }
    fn put_in() -> StorageError {
        StorageError::unavailable("a fault that was put in", "put in")
    }
    wrap(&[storage], &Arc::new(Failing(AtomicUsize::new(0), calls, fault)))
}
