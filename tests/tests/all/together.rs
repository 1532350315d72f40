//! 32 clients work on one group mailbox through two gateways on one folder, while others list it.
//!
//! `VOICEMAIL_TESTS=long`: 16 rounds instead of 5; `VOICEMAIL_TESTS_SEED`: the seed of a run that is to be repeated.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use futures::StreamExt as _;
use futures::future::{join, join_all};
use futures::stream::iter;
use serde_json::{Value, json};
use tests::http::{Act, Call, Centre, Chance, Person, Setting, State, id, is_long, numbered, pages};

const CLIENTS: usize = 32;
const LISTERS: usize = 4;
/// What a client does in a round.
const STEPS: usize = 10;
const MAILBOX: &str = "5100";
/// No folder, then each.
const FOLDERS: [&str; 4] = ["", "new", "old", "trash"];

/// A change of a message: it came into force between these two times.
struct Change {
    sent: Instant,
    answered: Instant,
    state: State,
}

struct Message {
    id: String,
    call: Call,
    urgent: bool,
    /// Its commit first.
    changes: Vec<Change>,
}

impl Message {
    fn state(&self) -> State {
        self.changes[self.changes.len() - 1].state
    }

    /// Whether it was in a folder at some time of a listing, and whether it was not.
    fn was_in(&self, listing: &Listing) -> (bool, bool) {
        let (mut within, mut without) = (false, listing.begun <= self.changes[0].answered);
        for (n, change) in self.changes.iter().enumerate() {
            let left = self.changes.get(n + 1).map(|next| next.answered);
            if change.sent <= listing.ended && left.is_none_or(|left| listing.begun <= left) {
                let is_in = change.state.is_in(listing.folder);
                (within, without) = (within || is_in, without || !is_in);
            }
        }
        (within, without)
    }
}

/// A listing of a folder through to its last page.
struct Listing {
    folder: &'static str,
    begun: Instant,
    ended: Instant,
    ids: Vec<String>,
}

struct Client {
    both: [Centre; 2],
    number: usize,
    chance: Chance,
    messages: Vec<Message>,
    /// Requests that went through both at once.
    doubled: usize,
}

impl Client {
    async fn work(&mut self) {
        for _ in 0..STEPS {
            match self.chance.below(6) {
                0 | 1 => self.deposit().await,
                2 if !self.messages.is_empty() => self.repeat().await,
                _ if !self.messages.is_empty() => self.act().await,
                _ => self.deposit().await,
            }
        }
    }

    fn one(&self) -> &Centre {
        &self.both[self.chance.pick(&[0, 1])]
    }

    fn agent(&self, centre: &Centre) -> Person {
        centre.agent(&format!("agent{}", self.number))
    }

    /// Whether a request goes through both processes at once.
    fn is_doubled(&mut self) -> bool {
        let doubled = self.chance.below(4) == 0;
        self.doubled += usize::from(doubled);
        doubled
    }

    async fn deposit(&mut self) {
        let urgent = self.chance.below(4) == 0;
        let number = (self.number as u64) << 32 | self.messages.len() as u64;
        let call = Call::from(&format!("+49301234{}", self.chance.below(1000) + 1000))
            .audio(numbered(number, 50 + u32::try_from(self.chance.below(500)).unwrap()))
            .with("urgent", urgent)
            .with("call_id", format!("{}-{}", self.number, self.messages.len()))
            // Not always the newest: it may come between those that a listing has shown and those to come.
            .with("received_at", self.both[0].ago(self.chance.below(36_000)));
        let sent = Instant::now();
        let created = if self.is_doubled() {
            let [here, there] = self.both.each_ref().map(Centre::platform);
            let (here, there) = join(async { here.deposit(MAILBOX, &call).await }, async {
                there.deposit(MAILBOX, &call).await
            })
            .await;
            let (created, repeat) = if here.status == 201 { (here, there) } else { (there, here) };
            assert_eq!(id(&repeat.is(200).json()), id(&created.json()));
            created
        } else {
            self.one().platform().deposit(MAILBOX, &call).await
        };
        let change = Change { sent, answered: Instant::now(), state: State::default() };
        let created = created.is(201).json();
        assert_eq!(State::of(&created), State::default());
        self.messages.push(Message { id: id(&created), call, urgent, changes: vec![change] });
    }

    async fn repeat(&self) {
        let message = &self.messages[self.any()];
        let repeat = self.one().platform().deposit(MAILBOX, &message.call).await.is(200).json();
        assert_eq!((id(&repeat), State::of(&repeat)), (message.id.clone(), message.state()));
    }

    async fn act(&mut self) {
        let (n, doubled) = (self.any(), self.is_doubled());
        let message = &self.messages[n];
        let act = self.chance.pick(message.state().acts());
        let ask = async |centre: &Centre, act: Act| {
            let body = act.ask(&self.agent(centre), MAILBOX, &message.id).await.is(200).json();
            assert_eq!(id(&body), message.id);
            body
        };
        let after = message.state().after(act);
        let (sent, mut states) = (Instant::now(), vec![after]);
        if doubled {
            // The same twice, or against each other: then whichever came last, and the act once more decides.
            let other = self.chance.pick(&[act, act.opposite()]);
            states.extend([message.state().after(other), after]);
            join(ask(&self.both[0], act), ask(&self.both[1], other)).await;
        }
        let body = ask(self.one(), act).await;
        assert!(act == Act::Delete || State::of(&body) == after, "{act:?}: {body}");
        let answered = Instant::now();
        self.messages[n].changes.extend(states.into_iter().map(|state| Change { sent, answered, state }));
    }

    fn any(&self) -> usize {
        usize::try_from(self.chance.below(self.messages.len() as u64)).unwrap()
    }
}

/// Lists until the clients are done, each page through another process.
async fn list(both: &[Centre; 2], chance: &Chance, done: &AtomicBool) -> Vec<Listing> {
    let mut listings = Vec::new();
    while !done.load(Ordering::SeqCst) && listings.len() < 1000 {
        let folder = chance.pick(&["", "", "new", "old", "trash"]);
        let (begun, limit) = (Instant::now(), 5 + chance.below(60));
        let messages = pages(|| both[chance.pick(&[0, 1])].agent("agent0"), MAILBOX, folder, limit).await;
        let ids = messages.iter().map(id).collect();
        listings.push(Listing { folder, begun, ended: Instant::now(), ids });
    }
    listings
}

/// That a listing shows what was there throughout once, what was not there at no time not at all, and nothing twice.
fn judge(listing: &Listing, messages: &BTreeMap<&str, &Message>) -> usize {
    let shown: BTreeSet<&str> = listing.ids.iter().map(String::as_str).collect();
    assert_eq!(shown.len(), listing.ids.len(), "one is shown twice: {:?}", listing.ids);
    let unknown: Vec<_> = shown.iter().filter(|id| !messages.contains_key(**id)).collect();
    assert!(unknown.is_empty(), "nobody deposited {unknown:?}");
    let mut throughout = 0;
    for (id, message) in messages {
        let (within, without) = message.was_in(listing);
        let fits = if shown.contains(id) { within } else { without };
        let changes: Vec<_> = message.changes.iter().map(|change| (change.state, change.answered)).collect();
        assert!(fits, "{id} in {:?} from {:?}: {changes:?}", listing.folder, listing.begun);
        throughout += usize::from(within && !without);
    }
    throughout
}

/// That each process lists and counts what the clients know, now that all is quiet.
async fn agree(both: &[Centre; 2], messages: &BTreeMap<&str, &Message>) {
    for centre in both {
        for folder in FOLDERS {
            let listed = pages(|| centre.agent("agent1"), MAILBOX, folder, 200).await;
            let listed: BTreeMap<String, State> =
                listed.iter().map(|message| (id(message), State::of(message))).collect();
            let of_folder = messages.values().filter(|message| message.state().is_in(folder));
            let expected = of_folder.map(|message| (message.id.clone(), message.state())).collect();
            assert_eq!(listed, expected, "{folder:?}");
        }
        let count = |folder: &str, urgent: bool| {
            let is_counted = |m: &&&Message| m.state().is_in(folder) && (m.urgent || !urgent);
            messages.values().filter(is_counted).count() as u64
        };
        let expected = [count("new", false), count("old", false), count("new", true), count("old", true)];
        assert_eq!(centre.counts(MAILBOX).await, expected);
    }
}

/// Two gateways on one folder, with the mailbox of a group of everybody.
async fn two() -> [Centre; 2] {
    let here = Centre::gateway(&Arc::new(Setting::new(1))).await;
    let agents: Vec<_> = (0..CLIENTS).map(|number| format!("agent{number}")).collect();
    here.members("sales", &agents.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let settings: Value = json!({"kind": "group", "group": "sales", "settings": {"max_messages": 10_000}});
    here.admin().put(MAILBOX).json(settings).await.is(201);
    let there = here.beside().await;
    [here, there]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_32_clients_do_through_two_processes_is_neither_lost_nor_doubled_nor_listed_wrongly() {
    let (seed, both) = (Chance::seed(), two().await);
    let client = |number| {
        let chance = Chance::of(seed, number);
        Client { both: both.clone(), number, chance, messages: Vec::new(), doubled: 0 }
    };
    let mut clients: Vec<Client> = (0..CLIENTS).map(client).collect();
    let listers: Vec<_> = (0..LISTERS).map(|number| Chance::of(seed, CLIENTS + number)).collect();
    let [mut listings, mut throughout] = [0, 0];
    for _ in 0..if is_long() { 16 } else { 5 } {
        let done = AtomicBool::new(false);
        let work = async {
            join_all(clients.iter_mut().map(Client::work)).await;
            done.store(true, Ordering::SeqCst);
        };
        let watch = join_all(listers.iter().map(|chance| list(&both, chance, &done)));
        let ((), rounds) = join(work, watch).await;
        // All is quiet: whatever was asked is answered.
        let messages = clients.iter().flat_map(|client| &client.messages);
        let messages: BTreeMap<&str, &Message> = messages.map(|m| (m.id.as_str(), m)).collect();
        for listing in rounds.iter().flatten() {
            throughout += judge(listing, &messages);
            listings += 1;
        }
        agree(&both, &messages).await;
    }
    assert!(listings > 0 && throughout > 0, "nothing was listed meanwhile");

    let messages: Vec<&Message> = clients.iter().flat_map(|client| &client.messages).collect();
    let ids: BTreeSet<String> = messages.iter().map(|message| message.id.clone()).collect();
    assert_eq!(ids.len(), messages.len(), "two calls have one message");
    both[0].keeps_only(&ids);
    let plays = iter(messages.iter().enumerate()).map(async |(n, message)| {
        let path = format!("{MAILBOX}/messages/{}/audio", message.id);
        let audio = both[n % 2].agent("agent2").get(&path).await.is(200);
        assert_eq!(audio.body, *message.call.bytes(), "{}", message.id);
    });
    plays.buffer_unordered(8).collect::<Vec<()>>().await;
    let changes: usize = messages.iter().map(|message| message.changes.len()).sum();
    let doubled: usize = clients.iter().map(|client| client.doubled).sum();
    eprintln!(
        "{} messages, {changes} changes, {doubled} through both at once; {listings} listings, which showed {throughout} \
         messages that were there throughout",
        ids.len()
    );
}
