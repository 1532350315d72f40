//! Random steps, done to a backend and to the model side by side: after each of them both answer and show the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use domain::{Case, Facts, Folder, Hold, MailboxId, Release, SeededRandom, Status, Timestamp, Undo};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use storage::{Deposit, Expect, InsertOutcome, MessageRef};

use crate::fixture::{Call, DAY, HOUR, Namespace, a_mailbox, mark, start, taken_by};
use crate::steps::case_hold;

const MAILBOXES: [&str; 2] = ["5001", "5001.r"];
const USERS: [&str; 2] = ["alice", "bob"];
const CALLERS: [&str; 2] = ["+49301234567", "alice@pbx.example"];

/// One step. A number names a message in the order of their first attempts, a mailbox, a caller or a case.
#[derive(Debug, Clone)]
enum Step {
    /// A call begins: its mailbox, its caller (none: withheld), urgent.
    Arrive(usize, Option<usize>, bool),
    /// Another attempt of a message.
    Repeat(usize),
    /// An attempt is inserted, and taken back if it is not created.
    Insert(usize),
    /// An attempt is refused.
    Refuse(usize),
    /// Every attempt under way is fenced.
    Janitor,
    Read(usize),
    Unread(usize),
    /// Taken by this user, also where another has it.
    Take(usize, usize, bool),
    GiveBack(usize),
    /// Held by the trash for so many hours.
    Delete(usize, u64),
    Undelete(usize),
    /// A case is opened, or its pass done again.
    Forget(usize, usize),
    UndoCase(usize),
    EraseCase(usize),
    /// The clock goes on by hours, and the sweep runs.
    Sweep(u64),
    MakeMailbox(usize),
    DeleteMailbox(usize, u64),
    Tidy(usize),
    /// A month passes, and the mailboxes are tidied.
    Month,
}

fn step() -> impl Strategy<Value = Step> {
    let message = 0..8usize;
    let (mailbox, case) = (0..MAILBOXES.len(), 0..3usize);
    prop_oneof![
        6 => (mailbox.clone(), prop::option::weighted(0.8, 0..CALLERS.len()), any::<bool>())
            .prop_map(|(mailbox, caller, urgent)| Step::Arrive(mailbox, caller, urgent)),
        2 => message.clone().prop_map(Step::Repeat),
        8 => message.clone().prop_map(Step::Insert),
        1 => message.clone().prop_map(Step::Refuse),
        1 => Just(Step::Janitor),
        3 => message.clone().prop_map(Step::Read),
        2 => message.clone().prop_map(Step::Unread),
        3 => (message.clone(), 0..USERS.len(), any::<bool>())
            .prop_map(|(message, user, over)| Step::Take(message, user, over)),
        2 => message.clone().prop_map(Step::GiveBack),
        4 => (message.clone(), 1..30u64).prop_map(|(message, hours)| Step::Delete(message, hours)),
        3 => message.prop_map(Step::Undelete),
        3 => (case.clone(), 0..CALLERS.len()).prop_map(|(case, caller)| Step::Forget(case, caller)),
        2 => case.clone().prop_map(Step::UndoCase),
        1 => case.prop_map(Step::EraseCase),
        2 => (0..20u64).prop_map(Step::Sweep),
        3 => mailbox.clone().prop_map(Step::MakeMailbox),
        1 => (mailbox.clone(), 1..30u64).prop_map(|(mailbox, hours)| Step::DeleteMailbox(mailbox, hours)),
        2 => mailbox.prop_map(Step::Tidy),
        1 => Just(Step::Month),
    ]
}

/// What both sides have in common: the time, and what was ever tried.
struct Script {
    now: Timestamp,
    /// The newest attempt of each message.
    attempts: Vec<Deposit>,
    /// The facts of every attempt.
    all: Vec<Facts>,
    /// The cases that were opened.
    cases: [Option<Case>; 3],
}

/// Compares a backend with the model over random steps: 64 times, or as often as `PROPTEST_CASES` says.
pub fn a_backend_does_what_the_model_does<F: Future<Output = Namespace>>(open: impl Fn() -> F) {
    let given = std::env::var_os("PROPTEST_CASES").is_some();
    let cases = if given { Config::default().cases } else { 64 };
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 400, ..Config::default() };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let plan = (any::<u64>(), prop::collection::vec(step(), 1..60));
    let outcome = TestRunner::new(config).run(&plan, |(seed, steps)| {
        runtime.block_on(async {
            let backend = open().await;
            compare(&backend, seed, &steps).await
        })
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

async fn compare(backend: &Namespace, seed: u64, steps: &[Step]) -> Result<(), TestCaseError> {
    let random = Arc::new(SeededRandom::new(seed));
    let backend = backend.clone().with_random(random);
    let model = backend.on(super::storage());
    let mut script =
        Script { now: start(), attempts: Vec::new(), all: Vec::new(), cases: [None, None, None] };
    for name in MAILBOXES {
        backend.mailbox(name).await;
        model.mailbox(name).await;
    }
    let mut digests = Digests::default();
    for (n, step) in steps.iter().enumerate() {
        if prepare(&model, step, &mut script).await {
            let (ours, theirs) = (act(&model, step, &script).await, act(&backend, step, &script).await);
            prop_assert_eq!(ours, theirs, "the answer to step {} {:?}", n, step);
        }
        script.now = script.now.plus(Duration::from_secs(1));
        let (ours, theirs) = (observe(&model, &script).await, observe(&backend, &script).await);
        for (ours, theirs) in ours.iter().zip(&theirs) {
            prop_assert_eq!(ours, theirs, "after step {} {:?}", n, step);
        }
        digests.look(&backend).await?;
    }
    Ok(())
}

/// What was ever shown, and how `changed` told it: each by the other.
#[derive(Default)]
struct Digests {
    of_shown: BTreeMap<BTreeSet<String>, u64>,
    of_changed: BTreeMap<u64, BTreeSet<String>>,
}

impl Digests {
    async fn look(&mut self, space: &Namespace) -> Result<(), TestCaseError> {
        for name in MAILBOXES {
            let mailbox = name.parse().unwrap();
            let messages = space.walk(&mailbox, None, 50).await;
            let shown: BTreeSet<String> = messages
                .iter()
                .map(|message| told((message.facts.id, message.read.is_some(), message.taking.number())))
                .collect();
            let changed = space.waiting(&mailbox).await.changed;
            prop_assert_eq!(*self.of_shown.entry(shown.clone()).or_insert(changed), changed);
            prop_assert_eq!(self.of_changed.entry(changed).or_insert(shown.clone()), &shown);
        }
        Ok(())
    }
}

/// Moves the clock and draws what both sides are given. `false`: the step has nothing to act on.
async fn prepare(model: &Namespace, step: &Step, script: &mut Script) -> bool {
    let now = script.now;
    match step {
        Step::Arrive(mailbox, caller, urgent) => {
            let mailbox: MailboxId = MAILBOXES[*mailbox].parse().unwrap();
            let Some(found) = model.metadata().mailbox(&mailbox).await.unwrap() else { return false };
            let mut call = Call::to(&mailbox).at(now).generation(found.value.generation);
            call = caller.map_or_else(|| call.clone().withheld(), |caller| call.clone().by(CALLERS[caller]));
            let deposit = model.attempt(&if *urgent { call.urgent() } else { call });
            script.all.push(deposit.facts.clone());
            script.attempts.push(deposit);
        }
        Step::Repeat(message) => {
            let Some(deposit) = script.attempts.get_mut(*message) else { return false };
            let found = model.look(&deposit.facts).await;
            let again = Deposit { begun_at: now, ..model.again(deposit) };
            script.all.push(again.facts.clone());
            // What is there stays the one to act on; an attempt whose id is free takes its place.
            if found == storage::Lookup::Nothing {
                *deposit = again;
            }
        }
        Step::Forget(case, caller) => {
            let opened = model.case(&case.to_string(), &[CALLERS[*caller]], now);
            script.cases[*case].get_or_insert(opened);
        }
        Step::UndoCase(case) | Step::EraseCase(case) => return script.cases[*case].is_some(),
        Step::Insert(message)
        | Step::Refuse(message)
        | Step::Read(message)
        | Step::Unread(message)
        | Step::Take(message, ..)
        | Step::GiveBack(message)
        | Step::Delete(message, _)
        | Step::Undelete(message) => return *message < script.attempts.len(),
        Step::Sweep(hours) => script.now = now.plus(HOUR * u32::try_from(*hours).unwrap()),
        Step::Month => script.now = now.plus(DAY * 31),
        Step::Janitor | Step::MakeMailbox(_) | Step::DeleteMailbox(..) | Step::Tidy(_) => {}
    }
    true
}

fn told(answer: impl Debug) -> String {
    format!("{answer:?}")
}

#[expect(clippy::too_many_lines, reason = "one arm for each step")]
async fn act(space: &Namespace, step: &Step, script: &Script) -> String {
    let now = script.now;
    let hours = |hours: u64| now.plus(HOUR * u32::try_from(hours).unwrap()).up_to_second();
    let facts = |message: &usize| &script.attempts[*message].facts;
    match step {
        Step::Arrive(..) | Step::Repeat(_) => {
            let facts = script.all.last().unwrap().clone();
            let arrival = space.arrive(&Deposit { facts, begun_at: now }).await;
            told(arrival)
        }
        Step::Insert(message) => {
            let insertion = space.insert(&script.attempts[*message]).await;
            if matches!(insertion, InsertOutcome::Created(_)) {
                return told(insertion);
            }
            // Why is open where there are several reasons: taken, forgotten, fenced.
            space.take_back(&MessageRef::from(facts(message))).await;
            "not created".to_owned()
        }
        Step::Refuse(message) => {
            let there = space.look(facts(message)).await;
            if there == storage::Lookup::Nothing {
                space.take_back(&MessageRef::from(facts(message))).await;
            }
            space.metadata().withdraw(&MessageRef::from(facts(message))).await.unwrap();
            told(there)
        }
        Step::Janitor => {
            space.janitor(now.plus(DAY)).await;
            String::new()
        }
        Step::Read(message) => told(space.read(facts(message), &mark("alice", now)).await),
        Step::Unread(message) => told(space.unread(facts(message)).await),
        Step::Take(message, user, over) => {
            told(space.take(facts(message), &taken_by(USERS[*user], now), *over).await)
        }
        Step::GiveBack(message) => told(space.give_back(facts(message)).await),
        Step::Delete(message, after) => {
            told(space.hold(facts(message), &Hold::Trash { purge_at: hours(*after) }).await)
        }
        Step::Undelete(message) => told(space.release(facts(message), &Release::Trash).await),
        Step::Forget(case, _) => {
            let case = script.cases[*case].as_ref().unwrap();
            let opened = space.metadata().put_case(case, Expect::Absent).await.unwrap();
            let pending = space.metadata().case(&case.key).await.unwrap().unwrap().value.is_pending();
            if pending {
                space.hide(case).await;
            }
            told((opened, pending, case_hold(case)))
        }
        Step::UndoCase(case) => {
            let case = script.cases[*case].as_ref().unwrap();
            let undone = space.decide(&case.key, |case| case.undo(None, now) == Undo::Undone).await;
            told((undone, if undone { space.show(case).await } else { 0 }))
        }
        Step::EraseCase(case) => {
            let case = script.cases[*case].as_ref().unwrap();
            let claim_from = case.deadlines.claim_from;
            space.decide(&case.key, |case| case.begin_erasing(claim_from)).await;
            let status = space.metadata().case(&case.key).await.unwrap().unwrap().value.status;
            if status == Status::Erasing {
                space.sweep_case(case, now).await;
            }
            told(status)
        }
        Step::Sweep(_) => {
            space.sweep(now).await;
            String::new()
        }
        Step::MakeMailbox(mailbox) => {
            told(space.metadata().put_mailbox(&a_mailbox(MAILBOXES[*mailbox]), Expect::Absent).await.unwrap())
        }
        Step::DeleteMailbox(mailbox, after) => {
            let mailbox = MAILBOXES[*mailbox].parse().unwrap();
            let version = space.metadata().mailbox(&mailbox).await.unwrap().map_or(1, |found| found.version);
            told(space.metadata().delete_mailbox(&mailbox, version, hours(*after)).await.unwrap())
        }
        Step::Tidy(mailbox) => {
            let mailbox = MAILBOXES[*mailbox].parse().unwrap();
            told(space.metadata().tidy(&mailbox, now, hours(1)).await.unwrap())
        }
        Step::Month => {
            let mut orphans = Vec::new();
            for mailbox in MAILBOXES {
                let mailbox = mailbox.parse().unwrap();
                orphans.push(space.metadata().tidy(&mailbox, now, hours(1)).await.unwrap());
            }
            told(orphans)
        }
    }
}

/// All that a client could see, in a fixed order.
async fn observe(space: &Namespace, script: &Script) -> Vec<String> {
    let mut seen = Vec::new();
    for name in MAILBOXES {
        let mailbox = name.parse().unwrap();
        for folder in [None, Some(Folder::New), Some(Folder::Old), Some(Folder::Trash)] {
            seen.push(told((name, folder, space.walk(&mailbox, folder, 3).await)));
        }
        seen.push(told((name, space.waiting(&mailbox).await)));
        seen.push(told(space.metadata().mailbox(&mailbox).await.unwrap()));
    }
    for deposit in &script.attempts {
        seen.push(told(("message", space.look(&deposit.facts).await)));
    }
    for facts in &script.all {
        let exists = space.recordings().exists(&facts.audio).await.unwrap();
        seen.push(told(("audio", &facts.audio, exists)));
    }
    for caller in CALLERS {
        seen.push(told((caller, space.markers_of(caller).await)));
    }
    let mut arriving = space.metadata().arriving(script.now.plus(DAY)).await.unwrap();
    arriving.sort_by(|a, b| (a.id, &a.attempt).cmp(&(b.id, &b.attempt)));
    seen.push(told(("arriving", arriving)));
    seen
}
