//! What Forget Me costs beside many messages of others: it must follow what is found, not what is stored.
#![expect(clippy::print_stdout, reason = "figures are told")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use domain::{Attempt, ManualClock, MessageId, Random, Subject, SystemRandom, TenantId, TenantKey};
use erasure::{Erasure, ForgetOutcome, UndoOutcome};
use futures::{FutureExt as _, StreamExt as _, stream};
use storage::{ArriveOutcome, InsertOutcome};

use crate::counting::{self, Counter};
use crate::faults::folder::files;
use crate::fixture::{ALICE, Call, DAY, Namespace, after};
use crate::http::is_long;

/// How many messages the caller has who is forgotten.
const FOUND: u64 = 10;

/// How many messages a mailbox gets that fills up with those of others.
const MAILBOX: u64 = 25;

/// A tenant that stores messages of many callers, ten of them Alice's.
pub struct Crowd {
    space: Namespace,
    counter: Counter,
    cases: usize,
}

impl Crowd {
    /// Ten messages of Alice in a tenant that will have more.
    pub async fn new(space: &Namespace) -> Self {
        let mailbox = space.mailbox("5001").await;
        for _ in 0..FOUND {
            space.deposit(&Call::to(&mailbox)).await;
        }
        let (storage, counter) = counting::wrap(&space.storage);
        Self { space: space.on(storage), counter, cases: 0 }
    }

    /// Forgets Alice, and takes it back: how long the first took, and what it asked of the storage.
    pub async fn forget(&mut self) -> (Duration, Vec<&'static str>) {
        self.cases += 1;
        let (case, clock) = (self.cases.to_string(), ManualClock::at(after(60)));
        let Namespace { tenant, storage, .. } = &self.space;
        let erasure = Erasure { tenant, storage, clock: &clock };
        let subjects = [self.space.subject(ALICE)].into();
        self.counter.take();
        let begun = Instant::now();
        let forgotten =
            erasure.forget(&case, subjects, &std::collections::BTreeSet::new(), DAY, &|| true).await.unwrap();
        let took = begun.elapsed();
        let mut calls = self.counter.take().calls;
        calls.sort_unstable();
        let ForgetOutcome::Pending(report, _) = forgotten else { panic!("{forgotten:?}") };
        assert_eq!(report.pass.callers.values().sum::<u64>(), FOUND);
        let undone = erasure.undo(&case, None, &|| true).await.unwrap();
        assert!(
            matches!(undone, UndoOutcome::Undone(report) if report.pass.callers.values().sum::<u64>() == FOUND)
        );
        (took, calls)
    }
}

/// Adds messages of so many other callers, one each, to a folder: copies of one that is deposited, under other ids and
/// callers, without waiting for the volume and without recordings, which Forget Me finds by what is asked for here.
pub async fn add_to_files(space: &Namespace, folder: &Path, messages: u64) {
    let mailbox = "5002".parse().unwrap();
    space.mailbox("5002").await;
    let facts = space.deposit(&Call::to(&mailbox).by("+49301110000")).await.facts;
    let (id, attempt) = (facts.id.to_string(), facts.attempt.to_string());
    let subject = facts.subject.unwrap();
    let of_the_message = |path: &PathBuf| {
        let is_recording = path.strip_prefix(folder).unwrap().starts_with("recordings");
        path.to_string_lossy().contains(&id) && !is_recording
    };
    let copied: Vec<_> = files(folder).into_iter().filter(of_the_message).collect();
    let copied: Vec<_> = copied.iter().map(|path| (path, std::fs::read_to_string(path).unwrap())).collect();
    assert_eq!(copied.len(), 2, "its facts and its marker");
    let callers = copied.iter().filter(|(path, _)| path.to_string_lossy().contains(&place(&subject))).count();
    assert_eq!(callers, 1, "its marker names its caller");
    for number in 0..messages {
        let new_id = MessageId::random(facts.received_at, &SystemRandom).to_string();
        let (new_attempt, other) = (Attempt::draw(&SystemRandom).to_string(), stranger(number));
        for (path, content) in &copied {
            let path = path.to_str().unwrap().replace(&id, &new_id).replace(&attempt, &new_attempt);
            let path = path.replace(&place(&subject), &place(&other));
            let content = content.replace(&id, &new_id).replace(&attempt, &new_attempt);
            std::fs::create_dir_all(Path::new(&path).parent().unwrap()).unwrap();
            std::fs::write(path, content.replace(subject.as_str(), other.as_str())).unwrap();
        }
    }
}

/// The same as deposits of the contract, again without recordings; into many mailboxes, as each counts what it has.
async fn add(space: &Namespace, messages: u64) {
    let mut mailboxes = Vec::new();
    for number in 0..messages.div_ceil(MAILBOX) {
        mailboxes.push(space.mailbox(&format!("m{number}")).await);
    }
    let deposits = stream::iter(0..messages).map(|number| {
        let mailbox = &mailboxes[usize::try_from(number / MAILBOX).unwrap()];
        let deposit = space.attempt(&Call::to(mailbox).by(&format!("+4930{number:07}")));
        async move {
            let arrival = space.metadata().arrive(&deposit, async { Ok(()) }.boxed()).await.unwrap();
            assert!(matches!(arrival, ArriveOutcome::Arrived(_)));
            assert!(matches!(space.insert(&deposit).await, InsertOutcome::Created(_)));
        }
    });
    deposits.buffer_unordered(8).collect::<()>().await;
}

/// Forgets Alice in each of these crowds in turn, so often; that all of it asked the same of the storage, whatever it stores.
/// Times are judged in the long form only: there somebody waits for them, alone on the machine.
pub async fn asks_no_more_of_what_stores_more(crowds: &mut [(u64, Crowd)], rounds: usize) {
    let (mut asked, mut times) = (Vec::new(), vec![Vec::new(); crowds.len()]);
    for _ in 0..rounds {
        for ((_, crowd), times) in crowds.iter_mut().zip(&mut times) {
            let (took, calls) = crowd.forget().await;
            times.push(took);
            asked.push(calls);
        }
    }
    assert!(asked.windows(2).all(|two| two[0] == two[1]), "{asked:?}");
    let mut middles = Vec::new();
    for ((stored, _), mut times) in crowds.iter().zip(times) {
        times.sort();
        middles.push(times[times.len() / 2]);
        println!("ten of {stored}: {} calls, {:?} in the middle", asked[0].len(), times[times.len() / 2]);
    }
    if is_long() {
        assert!(middles.iter().all(|middle| *middle <= middles[0].mul_f64(1.5)), "{middles:?}");
    }
}

/// The same on an emulator, where five times as much is stored.
pub async fn asks_no_more_where_five_times_as_much_is_stored(open: impl AsyncFn() -> Namespace) {
    let mut crowds = Vec::new();
    for size in if is_long() { [1_000, 5_000] } else { [100, 500] } {
        let space = open().await;
        let crowd = Crowd::new(&space).await;
        add(&space, size).await;
        crowds.push((size, crowd));
    }
    asks_no_more_of_what_stores_more(&mut crowds, 9).await;
}

/// How a marker's path names a caller.
fn place(subject: &Subject) -> String {
    let (folder, name) = subject.hash().split_at(2);
    format!("callers/{folder}/{}", &name[..21])
}

/// The hash of a caller whom nobody asks for.
fn stranger(number: u64) -> Subject {
    let key = TenantKey::new(&SystemRandom.bytes(), &TenantId::try_from("strangers".to_owned()).unwrap());
    key.subject(
        &domain::Caller::read(&format!("+4930{number:07}"), "DE".parse::<domain::Country>().unwrap())
            .unwrap(),
    )
}
