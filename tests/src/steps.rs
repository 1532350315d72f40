//! The steps of protocol.md that more than one case takes: a case and its passes, the sweep, the janitor.

use std::collections::BTreeSet;

use domain::{
    Case, CaseKey, Claim, ClaimOutcome, Facts, Hold, Message, Release, ReleaseOutcome, Status, Subject,
    TakeOutcome, TakenMark, Timestamp, Undo,
};
use storage::{
    Due, Expect, FenceOutcome, InsertOutcome, Lookup, MessageRef, Result, TenantStorage, WriteOutcome,
};

use crate::fixture::{DAY, Namespace, after, taken_by};

/// How many entries a pass asks for at once.
const PAGE: usize = 50;

impl Namespace {
    /// Takes a message.
    pub async fn take(&self, facts: &Facts, mark: &TakenMark, over: bool) -> TakeOutcome {
        self.metadata().take(&facts.mailbox, facts.id, mark, over).await.unwrap()
    }

    /// Takes a message, which nobody else must have.
    pub async fn taken(&self, facts: &Facts, by: &str) -> Message {
        match self.take(facts, &taken_by(by, after(1)), false).await {
            TakeOutcome::Taken { message, from: None } => *message,
            other => panic!("{other:?}"),
        }
    }

    /// Gives a message back.
    pub async fn give_back(&self, facts: &Facts) -> Option<Message> {
        self.metadata().give_back(&facts.mailbox, facts.id).await.unwrap()
    }

    /// A case as it begins, not written.
    pub fn case(&self, case_id: &str, callers: &[&str], requested_at: Timestamp) -> Case {
        let subjects: BTreeSet<Subject> = callers.iter().map(|caller| self.subject(caller)).collect();
        let key = CaseKey::of(&self.tenant.id, case_id);
        Case::new(key, case_id.to_owned(), subjects, requested_at, DAY)
    }

    /// Writes a new case.
    pub async fn open(&self, case_id: &str, callers: &[&str], requested_at: Timestamp) -> Case {
        let case = self.case(case_id, callers, requested_at);
        let written = self.metadata().put_case(&case, Expect::Absent).await.unwrap();
        assert_eq!(written, WriteOutcome::Version(1));
        case
    }

    /// Opens a case and hides what it covers.
    pub async fn forget(&self, case_id: &str, callers: &[&str], requested_at: Timestamp) -> Case {
        let case = self.open(case_id, callers, requested_at).await;
        self.hide(&case).await;
        case
    }

    /// Changes a case by the rule of `change`, again and again until it is written or the rule says no.
    pub async fn decide(&self, key: &CaseKey, change: impl Fn(&mut Case) -> bool) -> bool {
        loop {
            let mut found = self.metadata().case(key).await.unwrap().unwrap();
            if !change(&mut found.value) {
                return false;
            }
            let expect = Expect::Version(found.version);
            if self.metadata().put_case(&found.value, expect).await.unwrap() != WriteOutcome::Conflict {
                return true;
            }
        }
    }

    /// Opens a case and takes it to a status: undone, erasing or erased, without touching a message.
    pub async fn open_as(&self, case_id: &str, callers: &[&str], at: Timestamp, status: Status) -> Case {
        let case = self.open(case_id, callers, at).await;
        self.decide(&case.key, |case| {
            let claim_from = case.deadlines.claim_from;
            match status {
                Status::Undone => case.undo(None, at) == Undo::Undone,
                Status::Erasing => case.begin_erasing(claim_from),
                Status::Erased => {
                    case.begin_erasing(claim_from) && case.close(claim_from, "a.b.c".to_owned())
                }
                Status::Hiding | Status::Pending => {
                    case.status = status;
                    true
                }
            }
        })
        .await;
        case
    }

    /// The hold pass of a case: every message in its scope gets its hold; one that was put on after the undo is taken
    /// off by this pass itself.
    pub async fn hide(&self, case: &Case) {
        let hold = case_hold(case);
        for facts in self.in_scope(case).await {
            self.hold(&facts, &hold).await;
            let now = self.metadata().case(&case.key).await.unwrap().unwrap().value;
            if now.status == Status::Undone {
                self.release(&facts, &Release::Case(case.key.clone())).await;
            }
        }
    }

    /// The release pass of a case that is undone; how many messages are back in a folder.
    pub async fn show(&self, case: &Case) -> usize {
        let mut back = 0;
        for facts in self.in_scope(case).await {
            let released = self.release(&facts, &Release::Case(case.key.clone())).await;
            back += usize::from(matches!(released, ReleaseOutcome::Back(_)));
        }
        back
    }

    /// Undoes a case and shows its messages again. `false`: it is too late.
    pub async fn undo(&self, case: &Case, now: Timestamp) -> bool {
        let undone = self.decide(&case.key, |case| case.undo(None, now) == Undo::Undone).await;
        if undone {
            self.show(case).await;
        }
        undone
    }

    /// The messages that a case covers, found by their markers.
    pub async fn in_scope(&self, case: &Case) -> Vec<Facts> {
        let mut facts = Vec::new();
        for message_ref in self.markers(case.subjects.keys()).await {
            let found = self.metadata().message(&message_ref.mailbox, message_ref.id).await.unwrap();
            if let Lookup::Message(message) = found
                && message.facts.attempt == message_ref.attempt
                && case.covers(message.facts.received_at)
            {
                facts.push(message.facts);
            }
        }
        facts
    }

    /// All markers of callers.
    pub async fn markers(&self, subjects: impl IntoIterator<Item = &Subject>) -> Vec<MessageRef> {
        let mut markers = Vec::new();
        for subject in subjects {
            let mut page = self.metadata().by_caller(subject, None, PAGE).await.unwrap();
            while let Some(last) = page.last().cloned() {
                markers.extend(page.into_iter().map(|marker| marker.message_ref));
                page = self.metadata().by_caller(subject, Some(&last), PAGE).await.unwrap();
            }
        }
        markers
    }

    /// The markers of one caller.
    pub async fn markers_of(&self, caller: &str) -> Vec<MessageRef> {
        self.markers([&self.subject(caller)]).await
    }

    /// All that is due.
    pub async fn all_due(&self, before: Timestamp) -> Vec<Due> {
        let mut all = Vec::new();
        loop {
            let page = self.metadata().due(before, all.last(), PAGE).await.unwrap();
            if page.is_empty() {
                return all;
            }
            all.extend(page);
        }
    }

    /// Claims a message and purges it.
    pub async fn purge(&self, message_ref: &MessageRef, claim: &Claim, now: Timestamp) -> ClaimOutcome {
        purge(&self.storage, message_ref, claim, now).await.unwrap()
    }

    /// Purges a message in whatever state it is, as a case that is erasing does.
    pub async fn erase(&self, facts: &Facts, now: Timestamp) {
        let claim = Claim::Case(CaseKey::of(&self.tenant.id, "an erasing case"));
        assert_eq!(self.purge(&facts.into(), &claim, now).await, ClaimOutcome::Claimed);
    }

    /// The sweep of the trash: purges all that is due.
    pub async fn sweep(&self, now: Timestamp) {
        sweep(&self.storage, now).await.unwrap();
    }

    /// The sweep of a case that is erasing.
    pub async fn sweep_case(&self, case: &Case, now: Timestamp) {
        for facts in self.in_scope(case).await {
            self.purge(&MessageRef::from(&facts), &Claim::Case(case.key.clone()), now).await;
        }
    }

    /// Takes back what an attempt made: its audio first.
    pub async fn take_back(&self, message_ref: &MessageRef) {
        self.recordings_in(&message_ref.region).delete(&message_ref.audio).await.unwrap();
        self.metadata().withdraw(message_ref).await.unwrap();
    }

    /// The janitor: fences every attempt that began before `before` and takes back those that are not created.
    pub async fn janitor(&self, before: Timestamp) {
        for message_ref in self.metadata().arriving(before).await.unwrap() {
            if self.metadata().fence(&message_ref).await.unwrap() == FenceOutcome::Never {
                self.take_back(&message_ref).await;
            }
        }
    }

    /// A deposit as the function does it: what is not created is taken back.
    pub async fn deposit_or_take_back(&self, deposit: &storage::Deposit) -> InsertOutcome {
        self.arrived(deposit).await;
        let insertion = self.insert(deposit).await;
        if !matches!(insertion, InsertOutcome::Created(_)) {
            self.take_back(&MessageRef::from(&deposit.facts)).await;
        }
        insertion
    }

    /// An attempt left no audio, no marker and no journal.
    pub async fn assert_try_left_nothing(&self, facts: &Facts) {
        assert!(!self.recordings_in(&facts.region).exists(&facts.audio).await.unwrap(), "its audio is there");
        assert_eq!(self.bytes(&facts.audio, None).await, None, "its audio plays");
        let message_ref = MessageRef::from(facts);
        let markers = self.markers(&facts.subject).await;
        assert!(!markers.contains(&message_ref), "its caller marker is there");
        let arriving = self.metadata().arriving(facts.received_at.plus(DAY * 365)).await.unwrap();
        assert!(!arriving.contains(&message_ref), "its journal is there");
    }

    /// A purge left a tombstone and nothing else.
    pub async fn assert_purged(&self, facts: &Facts) {
        assert_eq!(self.look(facts).await, Lookup::Gone);
        self.assert_try_left_nothing(facts).await;
        let due = self.all_due(facts.received_at.plus(DAY * 365)).await;
        assert!(due.iter().all(|due| due.message_ref.id != facts.id), "it is due for ever");
        for folder in [None, Some(domain::Folder::Trash)] {
            let listed = self.walk(&facts.mailbox, folder, PAGE).await;
            assert!(listed.iter().all(|message| message.facts.id != facts.id), "it is listed in {folder:?}");
        }
    }

    /// A message is as it was, its audio included.
    pub async fn assert_unchanged(&self, before: &Message) {
        assert_eq!(&self.stored(&before.facts).await, before);
        let bytes = self.bytes(&before.facts.audio, None).await;
        assert_eq!(bytes.as_deref(), Some(&*crate::fixture::audio_of(&before.facts)), "its audio");
        let markers = self.markers(&before.facts.subject).await;
        let marked = markers.contains(&MessageRef::from(&before.facts));
        assert_eq!(marked, before.facts.subject.is_some(), "its caller marker");
    }
}

/// The hold of a case.
pub fn case_hold(case: &Case) -> Hold {
    Hold::Case { case: case.key.clone(), purge_at: case.deadlines.purge_at }
}

/// Claim, delete, proof, tombstone: in this order, each safe to repeat.
///
/// # Errors
/// The storage failed.
pub async fn purge(
    storage: &TenantStorage,
    message_ref: &MessageRef,
    claim: &Claim,
    now: Timestamp,
) -> Result<ClaimOutcome> {
    let claimed = storage.metadata.claim(&message_ref.mailbox, message_ref.id, claim).await?;
    if claimed == ClaimOutcome::Claimed {
        let recordings = &storage.recordings[&message_ref.region];
        recordings.delete(&message_ref.audio).await?;
        assert!(!recordings.exists(&message_ref.audio).await?, "deleted, and there");
    }
    // Gone: perhaps leaving its tombstone was cut off.
    if claimed != ClaimOutcome::Undone {
        storage.metadata.leave_tombstone(message_ref, now).await?;
    }
    Ok(claimed)
}

/// Purges all that is due and strikes it off.
///
/// # Errors
/// The storage failed.
pub async fn sweep(storage: &TenantStorage, now: Timestamp) -> Result<()> {
    loop {
        let due = storage.metadata.due(now, None, PAGE).await?;
        if due.is_empty() {
            return Ok(());
        }
        for due in due {
            purge(storage, &due.message_ref, &due.claim, now).await?;
            storage.metadata.remove_due_entry(&due).await?;
        }
    }
}
