//! The contracts in memory, one step at a time, by the domain's own rules: what a backend is compared with. It passes
//! the same cases as the backends, so that it is no second opinion.

mod audio;
mod state;
pub mod steps;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use domain::{
    Case, CaseKey, Certified, Claim, ClaimOutcome, Group, GroupId, Hold, Mailbox, MailboxId, Message,
    MessageId, ReadMark, Release, ReleaseOutcome, Subject, TakeOutcome, TakenMark, Timestamp, Waiting,
};
use futures::future::BoxFuture;
use storage::{
    ArriveOutcome, CallerMarker, Cases, Deposit, Deposits, Due, Expect, FenceOutcome, InsertOutcome, Lookup,
    Mailboxes, MessageRef, Messages, Metadata, Page, PageOf, Purge, Recordings, Result, TenantStorage,
    Versioned, WriteOutcome,
};

use self::audio::Audio;
use self::state::{DepositAttempt, Row, State, all, newest, write};
use crate::fixture::{DAY, regions};

/// A fresh tenant in memory.
pub fn storage() -> TenantStorage {
    let state = Arc::new(Mutex::new(State::default()));
    let recordings = regions().into_iter().map(|region| {
        let audio: Arc<dyn Recordings> =
            Arc::new(Audio { state: Arc::clone(&state), region: region.clone() });
        (region, audio)
    });
    TenantStorage {
        recordings: recordings.collect(),
        metadata: Arc::new(Model(Arc::clone(&state))),
        copy_stores: &[],
        drops: BTreeMap::new(),
    }
}

struct Model(Arc<Mutex<State>>);

impl Model {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

#[async_trait]
impl Deposits for Model {
    async fn arrive(&self, deposit: &Deposit, put: BoxFuture<'_, Result<()>>) -> Result<ArriveOutcome> {
        let message_ref = MessageRef::from(&deposit.facts);
        {
            let mut state = self.lock();
            let found = state.found(&message_ref.mailbox, message_ref.id);
            if found != Lookup::Nothing {
                return Ok(ArriveOutcome::Taken(found));
            }
            let key = (message_ref.id, message_ref.attempt.clone());
            if let Some(subject) = &message_ref.subject {
                let received_at = deposit.facts.received_at;
                let marker = CallerMarker { message_ref: message_ref.clone(), received_at };
                state.markers.insert((subject.clone(), key.0, key.1.clone()), marker);
            }
            let begun = DepositAttempt {
                message_ref: message_ref.clone(),
                begun_at: deposit.begun_at,
                fenced: false,
            };
            state.attempts.insert(key, begun);
        }
        put.await?;
        Ok(ArriveOutcome::Arrived(
            self.lock().shown(&message_ref.mailbox).collect::<Waiting>().counts.stored(),
        ))
    }

    async fn insert(&self, deposit: &Deposit) -> Result<InsertOutcome> {
        let mut state = self.lock();
        let (facts, key) = (&deposit.facts, (deposit.facts.id, deposit.facts.attempt.clone()));
        match state.found(&facts.mailbox, facts.id) {
            Lookup::Nothing => {}
            Lookup::Message(there) if there.facts.attempt == facts.attempt => {
                return Ok(InsertOutcome::Created(there));
            }
            found => return Ok(InsertOutcome::Taken(found)),
        }
        if state.attempts.get(&key).is_none_or(|found| found.fenced) {
            return Ok(InsertOutcome::Fenced);
        }
        let mut message = Message::new(facts.clone());
        for case in all(&state.cases).into_iter().map(|found| found.value) {
            if case.forgets_message(facts) {
                if !case.is_pending() {
                    return Ok(InsertOutcome::Forgotten);
                }
                message.hold(Hold::Case { case: case.key, purge_at: case.deadlines.purge_at });
            }
        }
        state.attempts.remove(&key);
        let row = Row::Message(Box::new(message));
        state.messages.insert((facts.mailbox.clone(), facts.id), row);
        if let Some(purge_at) = state.deleted_until(&facts.mailbox, facts.generation) {
            state.hold(&facts.mailbox, facts.id, &Hold::Mailbox { purge_at });
        }
        Ok(match state.found(&facts.mailbox, facts.id) {
            Lookup::Message(message) => InsertOutcome::Created(message),
            other => InsertOutcome::Taken(other),
        })
    }

    async fn withdraw(&self, message_ref: &MessageRef) -> Result<()> {
        let mut state = self.lock();
        if !state.is_created(message_ref) {
            state.attempts.remove(&(message_ref.id, message_ref.attempt.clone()));
            state.markers.retain(|_, marker| marker.message_ref != *message_ref);
        }
        Ok(())
    }

    async fn arriving(&self, before: Timestamp) -> Result<Vec<MessageRef>> {
        let state = self.lock();
        let attempts = state.attempts.values().filter(|found| found.fenced || found.begun_at < before);
        Ok(attempts.map(|found| found.message_ref.clone()).collect())
    }

    async fn fence(&self, message_ref: &MessageRef) -> Result<FenceOutcome> {
        let mut state = self.lock();
        if state.is_created(message_ref) {
            return Ok(FenceOutcome::Created);
        }
        let fenced =
            DepositAttempt { message_ref: message_ref.clone(), begun_at: Timestamp::default(), fenced: true };
        state.attempts.insert((message_ref.id, message_ref.attempt.clone()), fenced);
        Ok(FenceOutcome::Never)
    }

    async fn remove_orphans(&self, _until: Timestamp, _now: Timestamp) -> Result<u64> {
        Ok(0)
    }
}

#[async_trait]
impl Messages for Model {
    async fn message(&self, mailbox: &MailboxId, id: MessageId) -> Result<Lookup> {
        Ok(self.lock().found(mailbox, id))
    }

    async fn page(&self, mailbox: &MailboxId, of: PageOf) -> Result<Page> {
        let state = self.lock();
        let wanted = |message: &&Message| match of.folder {
            None => message.is_visible(),
            folder => message.folder() == folder,
        };
        let older = |message: &&Message| of.before.is_none_or(|before| message.facts.id < before);
        let all = state.shown(mailbox).rev().filter(wanted).filter(older);
        let mut messages: Vec<_> = all.take(of.limit + 1).cloned().collect();
        let more = messages.len() > of.limit;
        messages.truncate(of.limit);
        let next = messages.last().filter(|_| more).map(|message| message.facts.id);
        Ok(Page { messages, next })
    }

    async fn counts(&self, mailbox: &MailboxId) -> Result<Waiting> {
        Ok(self.lock().shown(mailbox).collect())
    }

    async fn mark_read(
        &self,
        mailbox: &MailboxId,
        id: MessageId,
        mark: &ReadMark,
    ) -> Result<Option<Message>> {
        let mut state = self.lock();
        let message = state.message(mailbox, id);
        Ok(message.filter(|message| message.is_visible()).map(|message| {
            message.mark_read(mark.clone());
            message.clone()
        }))
    }

    async fn mark_unread(&self, mailbox: &MailboxId, id: MessageId) -> Result<Option<Message>> {
        let mut state = self.lock();
        let message = state.message(mailbox, id);
        Ok(message.and_then(|message| message.mark_unread().then(|| message.clone())))
    }

    async fn take(
        &self,
        mailbox: &MailboxId,
        id: MessageId,
        mark: &TakenMark,
        over: bool,
    ) -> Result<TakeOutcome> {
        let mut state = self.lock();
        let message = state.message(mailbox, id);
        Ok(message.map_or(TakeOutcome::NotVisible, |message| message.take(mark, over)))
    }

    async fn give_back(&self, mailbox: &MailboxId, id: MessageId) -> Result<Option<Message>> {
        let mut state = self.lock();
        let message = state.message(mailbox, id);
        Ok(message.and_then(|message| {
            let number = message.taking.number();
            message.give_back(number).then(|| message.clone())
        }))
    }

    async fn hold(&self, mailbox: &MailboxId, id: MessageId, hold: &Hold) -> Result<Option<Message>> {
        Ok(self.lock().hold(mailbox, id, hold))
    }

    async fn release(&self, mailbox: &MailboxId, id: MessageId, release: &Release) -> Result<ReleaseOutcome> {
        let mut state = self.lock();
        Ok(match state.messages.get_mut(&(mailbox.clone(), id)) {
            None => ReleaseOutcome::Missing,
            Some(Row::Tombstone(_)) => ReleaseOutcome::Gone,
            Some(Row::Message(message)) => message.release(release),
        })
    }
}

#[async_trait]
impl Purge for Model {
    async fn by_caller(
        &self,
        subject: &Subject,
        after: Option<&CallerMarker>,
        limit: usize,
    ) -> Result<Vec<CallerMarker>> {
        let after = after.map(|marker| (&marker.message_ref.id, &marker.message_ref.attempt));
        let state = self.lock();
        let found = state
            .markers
            .iter()
            .filter(|((of, id, attempt), _)| of == subject && Some((id, attempt)) > after);
        Ok(found.map(|(_, marker)| marker.clone()).take(limit).collect())
    }

    async fn due(&self, before: Timestamp, after: Option<&Due>, limit: usize) -> Result<Vec<Due>> {
        let key = |due: &Due| match &due.claim {
            Claim::Due(hold) => (hold.purge_at(), due.message_ref.id, hold.clone()),
            Claim::Case(_) | Claim::Unfinished => panic!("the model tells holds alone"),
        };
        let after = after.map(key);
        let state = self.lock();
        let due = state.due.iter().filter(|(key, _)| key.0 <= before && Some(*key) > after.as_ref());
        Ok(due.map(|(_, due)| due.clone()).take(limit).collect())
    }

    async fn remove_due_entry(&self, due: &Due) -> Result<()> {
        self.lock().due.retain(|_, there| there != due);
        Ok(())
    }

    async fn claim(&self, mailbox: &MailboxId, id: MessageId, claim: &Claim) -> Result<ClaimOutcome> {
        Ok(self.lock().message(mailbox, id).map_or(ClaimOutcome::Gone, |message| message.claim(claim)))
    }

    async fn leave_tombstone(&self, message_ref: &MessageRef, now: Timestamp) -> Result<()> {
        let mut state = self.lock();
        if state.message(&message_ref.mailbox, message_ref.id).is_some_and(|message| message.claimed) {
            state.messages.insert((message_ref.mailbox.clone(), message_ref.id), Row::Tombstone(now));
            state.markers.retain(|_, marker| marker.message_ref != *message_ref);
        }
        Ok(())
    }
}

#[async_trait]
impl Mailboxes for Model {
    async fn mailbox(&self, id: &MailboxId) -> Result<Option<Versioned<Mailbox>>> {
        Ok(newest(&self.lock().mailboxes, id))
    }

    async fn mailboxes(&self) -> Result<Vec<Versioned<Mailbox>>> {
        Ok(all(&self.lock().mailboxes))
    }

    async fn mailbox_ids(&self) -> Result<Vec<MailboxId>> {
        Ok(self.lock().mailboxes.keys().cloned().collect())
    }

    async fn put_mailbox(&self, mailbox: &Mailbox, expect: Expect) -> Result<WriteOutcome> {
        Ok(write(&mut self.lock().mailboxes, mailbox.id.clone(), expect, |version| {
            let generation = if expect == Expect::Absent { version } else { mailbox.generation };
            Some(Mailbox { generation, ..mailbox.clone() })
        }))
    }

    async fn delete_mailbox(
        &self,
        id: &MailboxId,
        version: u64,
        purge_at: Timestamp,
    ) -> Result<WriteOutcome> {
        let mut state = self.lock();
        let written = write(&mut state.mailboxes, id.clone(), Expect::Version(version), |_| None);
        if written != WriteOutcome::Conflict {
            state.deleted.insert(id.clone(), purge_at);
            state.hold_all(id, u64::MAX, purge_at);
        }
        Ok(written)
    }

    async fn tidy(&self, mailbox: &MailboxId, now: Timestamp, purge_at: Timestamp) -> Result<u64> {
        let mut state = self.lock();
        let generation = newest(&state.mailboxes, mailbox).map_or(u64::MAX, |found| found.value.generation);
        state.hold_all(mailbox, generation, purge_at);
        state.messages.retain(|(id, _), row| {
            id != mailbox || !matches!(row, Row::Tombstone(since) if since.plus(DAY * 30) < now)
        });
        let keys: Vec<_> = state.audio.keys().filter(|(_, key)| key.mailbox == *mailbox).cloned().collect();
        let mut orphans = 0;
        for (region, key) in keys {
            let under_way = state.attempts.contains_key(&(key.id, key.attempt.clone()));
            let created =
                state.message(mailbox, key.id).is_some_and(|message| message.facts.attempt == key.attempt);
            if !under_way && !created {
                state.audio.remove(&(region, key));
                orphans += 1;
            }
        }
        Ok(orphans)
    }

    async fn group(&self, id: &GroupId) -> Result<Option<Versioned<Group>>> {
        Ok(newest(&self.lock().groups, id))
    }

    async fn groups(&self) -> Result<Vec<Versioned<Group>>> {
        Ok(all(&self.lock().groups))
    }

    async fn put_group(&self, group: &Group, expect: Expect) -> Result<WriteOutcome> {
        Ok(write(&mut self.lock().groups, group.id.clone(), expect, |_| Some(group.clone())))
    }

    async fn delete_group(&self, id: &GroupId, version: u64) -> Result<WriteOutcome> {
        Ok(write(&mut self.lock().groups, id.clone(), Expect::Version(version), |_| None))
    }
}

#[async_trait]
impl Cases for Model {
    async fn case(&self, key: &CaseKey) -> Result<Option<Versioned<Case>>> {
        Ok(newest(&self.lock().cases, key))
    }

    async fn put_case(&self, case: &Case, expect: Expect) -> Result<WriteOutcome> {
        let mut state = self.lock();
        let written = write(&mut state.cases, case.key.clone(), expect, |_| Some(case.clone()));
        if written == WriteOutcome::Version(1) {
            state.watched.insert(case.key.clone());
        }
        Ok(written)
    }

    async fn cases(&self, after: Option<&CaseKey>, limit: usize) -> Result<Vec<Versioned<Case>>> {
        let cases = all(&self.lock().cases).into_iter();
        Ok(cases.filter(|case| Some(&case.value.key) > after).take(limit).collect())
    }

    async fn watched_cases(&self) -> Result<Vec<CaseKey>> {
        Ok(self.lock().watched.iter().cloned().collect())
    }

    async fn dismiss_case(&self, key: &CaseKey) -> Result<()> {
        self.lock().watched.remove(key);
        Ok(())
    }

    async fn forgets(&self, subject: &Subject) -> Result<Vec<CaseKey>> {
        let cases = all(&self.lock().cases).into_iter().map(|case| case.value);
        Ok(cases.filter(|case| case.subjects.contains_key(subject)).map(|case| case.key).collect())
    }

    async fn last_certificate(&self) -> Result<Option<Versioned<Certified>>> {
        Ok(newest(&self.lock().certificates, &()))
    }

    async fn put_certificate(&self, certified: &Certified, expect: Expect) -> Result<WriteOutcome> {
        Ok(write(&mut self.lock().certificates, (), expect, |_| Some(certified.clone())))
    }
}

#[async_trait]
impl Metadata for Model {
    async fn ping(&self) -> Result<()> {
        Ok(())
    }
}
