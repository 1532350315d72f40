//! The gateway is killed under load, over and over, and started again on the same folder.
//!
//! `VOICEMAIL_TESTS=long`: 36 kills in about a minute instead of 12; `VOICEMAIL_TESTS_SEED`: the seed of a run that is to
//! be repeated.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use futures::StreamExt as _;
use futures::future::join_all;
use futures::stream::iter;
use serde_json::{Value, json};
use tests::http::{Act, Answer, Ask, Call, Centre, Chance, Setting, State, id, is_long, numbered, pages};
use tokio::sync::watch;

const CLIENTS: usize = 6;
/// No client does more, however long the service lives.
const MOST_STEPS: usize = 5000;
/// The longest life of a process, from when it answers to when it is killed.
const LIFE: Duration = Duration::from_millis(2200);
const PATIENCE: Duration = Duration::from_mins(1);
const MAILBOX: &str = "5001";

/// A process that answers, and the how manyth it is.
#[derive(Clone)]
struct Life {
    number: u64,
    centre: Centre,
}

/// What the clients are told.
struct Storm {
    /// How many lives have been ended.
    killed: AtomicU64,
    /// Whether they shall stop.
    over: AtomicBool,
}

/// A call that was sent, and what is known of it.
struct Sent {
    call: Call,
    /// Its message, once a deposit was answered.
    message: Option<String>,
    state: State,
    /// What was asked and not answered: it was done, or not.
    doubt: Option<Act>,
}

impl Sent {
    fn may_be(&self, state: State) -> bool {
        state == self.state || self.doubt.is_some_and(|act| state == self.state.after(act))
    }
}

struct Client {
    storm: Arc<Storm>,
    lives: watch::Receiver<Life>,
    chance: Chance,
    number: usize,
    received_at: String,
    sent: Vec<Sent>,
    /// Deposits, and other acts, whose answer never came.
    unanswered: [usize; 2],
}

impl Client {
    async fn run(mut self) -> Self {
        for _ in 0..MOST_STEPS {
            if self.storm.over.load(Ordering::SeqCst) {
                break;
            }
            let unknown =
                (0..self.sent.len()).filter(|n| self.sent[*n].message.is_none()).collect::<Vec<_>>();
            let known = (0..self.sent.len()).filter(|n| self.sent[*n].message.is_some()).collect::<Vec<_>>();
            match self.chance.below(5) {
                // Some are repeated when the service is back, some only at the end.
                0 if !unknown.is_empty() => self.deposit(self.chance.pick(&unknown), &[200, 201]).await,
                1 | 2 if !known.is_empty() => self.act(self.chance.pick(&known)).await,
                3 | 4 if known.len() > 3 => self.act(known[known.len() - 3]).await,
                _ => {
                    self.call();
                    self.deposit(self.sent.len() - 1, &[201]).await;
                }
            }
        }
        self
    }

    /// One more call.
    fn call(&mut self) {
        let name = format!("{}-{}", self.number, self.sent.len());
        let millis = 50 + u32::try_from(self.chance.below(3000)).unwrap();
        let number = (self.number as u64) << 32 | self.sent.len() as u64;
        let call = Call::from(&format!("+49301234{}", self.chance.below(1000) + 1000))
            .audio(numbered(number, millis))
            .with("urgent", self.chance.below(4) == 0)
            .with("call_id", name)
            .with("received_at", self.received_at.clone());
        self.sent.push(Sent { call, message: None, state: State::default(), doubt: None });
    }

    async fn deposit(&mut self, n: usize, expected: &[u16]) {
        let call = self.sent[n].call.clone();
        match self.send(|centre| centre.platform().deposit(MAILBOX, &call)).await {
            Some(answer) => {
                assert!(expected.contains(&answer.status), "{answer:?}");
                self.sent[n].message = Some(id(&answer.json()));
            }
            None => self.unanswered[0] += 1,
        }
    }

    async fn act(&mut self, n: usize) {
        let Sent { message: Some(message), state, doubt, .. } = &self.sent[n] else { return };
        // What was not answered is asked again, before anything else is done to the message.
        let (message, act) = (message.clone(), doubt.unwrap_or_else(|| self.chance.pick(state.acts())));
        let after = state.after(act);
        if let Some(answer) = self.send(|centre| act.ask(&centre.agent("alice"), MAILBOX, &message)).await {
            let body = answer.is(200).json();
            assert!(act == Act::Delete || State::of(&body) == after, "{act:?}: {body}");
            (self.sent[n].state, self.sent[n].doubt) = (after, None);
        } else {
            self.sent[n].doubt = Some(act);
            self.unanswered[1] += 1;
        }
    }

    /// Sends a request to the process that lives now. Nothing, and the next process lives, where it was killed.
    async fn send(&mut self, ask: impl Fn(&Centre) -> Ask) -> Option<Answer> {
        let life = self.lives.borrow_and_update().clone();
        let answer = ask(&life.centre).unless_broken().await;
        if answer.is_none() {
            let written = || life.centre.process().written();
            assert!(
                self.storm.killed.load(Ordering::SeqCst) > life.number,
                "it broke by itself: {}",
                written()
            );
            let next = self.lives.wait_for(|next| next.number > life.number);
            tokio::time::timeout(PATIENCE, next).await.expect("it comes up again").unwrap();
        }
        answer
    }
}

/// Lets clients work while the service is killed at chance times; the service that lives at last, and the clients.
async fn storm(setting: &Arc<Setting>, kills: u64, seed: u64) -> (Centre, Vec<Client>) {
    let first = Centre::gateway(setting).await;
    first.personal(MAILBOX, "alice").await;
    first.settings(MAILBOX, json!({"max_messages": 100_000})).await;
    let received_at = first.ago(60);
    let (tell, lives) = watch::channel(Life { number: 0, centre: first });
    let storm = Arc::new(Storm { killed: AtomicU64::new(0), over: AtomicBool::new(false) });
    let clients = (0..CLIENTS).map(|number| {
        let client = Client {
            storm: Arc::clone(&storm),
            lives: lives.clone(),
            chance: Chance::of(seed, number + 1),
            number,
            received_at: received_at.clone(),
            sent: Vec::new(),
            unanswered: [0; 2],
        };
        tokio::spawn(client.run())
    });
    let clients = join_all(clients.collect::<Vec<_>>());
    let chance = Chance::of(seed, 0);
    for number in 1..=kills {
        let life = chance.below(u64::try_from(LIFE.as_millis()).unwrap());
        tokio::time::sleep(Duration::from_millis(life)).await;
        let gateway = Arc::clone(lives.borrow().centre.process());
        storm.killed.store(number, Ordering::SeqCst);
        gateway.kill();
        let written = gateway.stopped().await;
        assert!(!written.contains(r#""level":"ERROR""#), "{written}");
        let centre = Centre::gateway(setting).await;
        tell.send_replace(Life { number, centre });
    }
    storm.over.store(true, Ordering::SeqCst);
    let clients = clients.await.into_iter().map(Result::unwrap).collect();
    let last = lives.borrow().centre.clone();
    (last, clients)
}

/// Every message that is shown in any folder, by its id.
async fn shown(centre: &Centre) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for folder in ["", "trash"] {
        for message in pages(|| centre.admin(), MAILBOX, folder, 200).await {
            assert!(all.insert(id(&message), message).is_none(), "in two folders");
        }
    }
    all
}

/// That each call that was answered is there, as it was left.
fn holds(shown: &BTreeMap<String, Value>, sent: &[Sent]) {
    for sent in sent {
        let Some(message) = &sent.message else { continue };
        let found = shown.get(message).unwrap_or_else(|| panic!("{message} is lost"));
        assert!(sent.may_be(State::of(found)), "{:?}, then {:?}: {found}", sent.state, sent.doubt);
    }
}

/// Repeats each call; the id of its message.
async fn repeat(centre: &Centre, sent: &[Sent]) -> BTreeSet<String> {
    let platform = &centre.platform();
    let repeats = iter(sent).map(async |sent| {
        let answer = platform.deposit(MAILBOX, &sent.call).await;
        assert!(matches!((answer.status, &sent.message), (200, _) | (201, None)), "{answer:?}");
        let message = id(&answer.json());
        assert!(
            sent.message.as_ref().is_none_or(|known| *known == message),
            "{message}, not {:?}",
            sent.message
        );
        let path = format!("{MAILBOX}/messages/{message}/audio");
        assert_eq!(centre.agent("alice").get(&path).await.is(200).body, *sent.call.bytes(), "{message}");
        message
    });
    let messages: Vec<String> = repeats.buffer_unordered(CLIENTS).collect().await;
    let distinct: BTreeSet<String> = messages.iter().cloned().collect();
    assert_eq!(distinct.len(), sent.len(), "two calls have one message");
    distinct
}

/// Makes files two hours older, by the time of the machine.
fn age(files: impl Iterator<Item = PathBuf>) {
    let old = SystemTime::now() - Duration::from_hours(2);
    for path in files {
        File::options().write(true).open(path).unwrap().set_modified(old).unwrap();
    }
}

/// Two days of sweeps clear the temporary files of writes that were cut off, by the time of the machine: as if they
/// were old by then.
async fn tidy(later: &Centre) -> usize {
    let temporary = || later.files().into_iter().filter(|path| path.iter().any(|part| part == ".tmp"));
    let cut_off = temporary().count();
    age(temporary());
    for _ in 0..2 * 24 * 6 {
        assert_eq!(later.sweep().await, json!({"purged": 0, "expired": 0, "orphans": 0, "failed": 0}));
        later.pass(Duration::from_mins(10));
    }
    assert_eq!(temporary().collect::<Vec<_>>(), Vec::<PathBuf>::new());
    cut_off
}

#[tokio::test]
async fn what_was_acknowledged_outlives_every_kill_and_nothing_else_is_left_after_a_sweep() {
    let kills = if is_long() { 36 } else { 12 };
    let setting = Arc::new(Setting::new(1).with("VOICEMAIL_TRASH_WINDOW", "72h"));
    let (centre, clients) = storm(&setting, kills, Chance::seed()).await;
    let unanswered = [0, 1].map(|kind| clients.iter().map(|client| client.unanswered[kind]).sum::<usize>());
    let sent: Vec<Sent> = clients.into_iter().flat_map(|client| client.sent).collect();
    let open = sent.iter().filter(|sent| sent.message.is_none()).count();
    assert!(unanswered.iter().all(|cut_off| *cut_off > 0), "no kill hit: {unanswered:?}");

    let before = shown(&centre).await;
    holds(&before, &sent);
    let later = centre.later(Duration::from_hours(2)).await;
    // A journal that was cut off within tells no time: its file does, by the time of the machine.
    age(later
        .files()
        .into_iter()
        .filter(|path| path.iter().any(|part| part == "arriving" || part == "dead")));
    let swept = later.sweep().await;
    assert_eq!(swept["failed"], 0, "{swept}");
    let after = shown(&centre).await;
    assert_eq!(after, before, "the sweep changes no message");
    later.keeps_only(&after.keys().cloned().collect());

    let messages = repeat(&centre, &sent).await;
    let all = shown(&centre).await;
    holds(&all, &sent);
    assert_eq!(all.keys().cloned().collect::<BTreeSet<_>>(), messages, "one message for each call");
    centre.keeps_only(&messages);
    let cut_off = tidy(&later).await;
    centre.keeps_only(&messages);
    assert_eq!(shown(&centre).await, all, "the sweeps change no message");
    eprintln!(
        "{kills} kills, {} calls, {open} of them open at the end; unanswered: {unanswered:?}; {cut_off} temporary files; \
         the sweep: {swept}",
        sent.len()
    );
}
