//! Several processes of a cloud and a gateway on one installation at once, and what they answer while the storage is away.
#![expect(missing_docs, reason = "the name of a case is its documentation")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::{join, join_all};
use serde_json::json;
use tokio::sync::Notify;

use crate::cloud::{Cloud, Emulated, Step};
use crate::http::{Act, Ask, Call, Centre, Chance, Gateway, State, id, is_long, numbered, pages};
use crate::proxy::Weather;

const MAILBOX: &str = "100";
const CLIENTS: usize = 6;
/// What API Gateway waits for an answer; the front ends of Azure wait longer.
const GATEWAY: Duration = Duration::from_secs(29);

/// Makes a test of each case, on a cloud.
#[macro_export]
macro_rules! together {
    ($on:expr) => {
        $crate::each!($on, together:
            two_processes_of_the_cloud_and_a_gateway_lose_and_double_nothing_of_one_mailbox,
            a_storage_whose_port_is_closed_is_503_in_time_and_work_goes_on_when_it_is_back,
            a_process_that_starts_while_the_storage_is_away_works_when_it_is_back_but_under_another_subject_key,
        );
    };
}

/// Somebody who works with messages of their own in a mailbox that all share, each time through any of the processes.
struct Client<'a> {
    fronts: &'a [Centre; 3],
    number: usize,
    chance: Chance,
    messages: BTreeMap<String, (State, Bytes)>,
}

impl Client<'_> {
    async fn work(mut self) -> BTreeMap<String, (State, Bytes)> {
        for _ in 0..if is_long() { 100 } else { 20 } {
            if self.messages.is_empty() || self.chance.below(3) == 0 {
                self.deposit().await;
            } else {
                self.act().await;
            }
        }
        self.messages
    }

    fn front(&self) -> &Centre {
        self.chance.pick(&[0, 1, 2].map(|n: usize| &self.fronts[n]))
    }

    /// Through two at once, of which one makes the message.
    async fn deposit(&mut self) {
        let number = self.number * 1000 + self.messages.len();
        let audio = numbered(number as u64, 200);
        let call = Call::from("+49301234567").audio(audio.clone());
        let call = call.with("call_id", number.to_string()).with("received_at", self.front().ago(60));
        let [here, there] = [self.front(), self.front()].map(Centre::platform);
        let (here, there) =
            join(async { here.deposit(MAILBOX, &call).await }, async { there.deposit(MAILBOX, &call).await })
                .await;
        let (created, repeat) = if here.status == 201 { (here, there) } else { (there, here) };
        let message = id(&created.is(201).json());
        assert_eq!(id(&repeat.is(200).json()), message);
        self.messages.insert(message, (State::default(), audio));
    }

    /// The same through two at once, or an act and its opposite, which a third then decides.
    async fn act(&mut self) {
        let ids: Vec<_> = self.messages.keys().cloned().collect();
        let message = &ids[usize::try_from(self.chance.below(ids.len() as u64)).unwrap()];
        let before = self.messages[message].0;
        let act = self.chance.pick(before.acts());
        let other = self.chance.pick(&[act, act.opposite()]);
        let ask = async |act: Act| {
            act.ask(&self.front().agent("alice"), MAILBOX, message).await.is(200);
        };
        join(ask(act), ask(other)).await;
        ask(act).await;
        self.messages.get_mut(message).unwrap().0 = before.after(act);
    }
}

pub async fn two_processes_of_the_cloud_and_a_gateway_lose_and_double_nothing_of_one_mailbox(on: Emulated) {
    let (seed, cloud) = (Chance::seed(), Cloud::new(on).await);
    let setting = &cloud.setting;
    let (one, two) = join(cloud.place.process(setting), cloud.place.process(setting)).await;
    let fronts = [one, two, Centre::gateway(setting).await];
    let mailbox = json!({"kind": "personal", "user": "alice", "settings": {"max_messages": 10_000}});
    fronts[0].admin().put(MAILBOX).json(mailbox).await.is(201);
    let client = |number| {
        Client { fronts: &fronts, number, chance: Chance::of(seed, number), messages: BTreeMap::new() }.work()
    };
    let messages: BTreeMap<_, _> = join_all((0..CLIENTS).map(client)).await.into_iter().flatten().collect();

    for front in &fronts {
        for folder in ["", "new", "old", "trash"] {
            let listed = pages(|| front.agent("alice"), MAILBOX, folder, 25).await;
            let listed: BTreeMap<_, _> =
                listed.iter().map(|message| (id(message), State::of(message))).collect();
            let of_folder = messages.iter().filter(|(_, (state, _))| state.is_in(folder));
            let expected = of_folder.map(|(id, (state, _))| (id.clone(), *state)).collect();
            assert_eq!(listed, expected, "{folder:?}");
        }
        let count = |folder| messages.values().filter(|(state, _)| state.is_in(folder)).count() as u64;
        assert_eq!(front.counts(MAILBOX).await, [count("new"), count("old"), 0, 0]);
    }
    assert_eq!(cloud.recordings().await.len(), messages.len(), "a recording for each message, and no other");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for ((message, (_, audio)), front) in messages.iter().zip(fronts.iter().cycle()) {
        let path = format!("{MAILBOX}/messages/{message}/audio");
        let link = front.agent("alice").get(&path).await.is(307).header("location").to_owned();
        let played = client.get(link).send().await.unwrap().bytes().await.unwrap();
        assert_eq!(played, *audio, "{message}");
    }
}

/// Requests of every kind about a message.
fn requests(centre: &Centre, message: &str) -> Vec<Ask> {
    let (alice, path) = (centre.agent("alice"), format!("{MAILBOX}/messages/{message}"));
    vec![
        centre.platform().deposit(MAILBOX, &Call::new()),
        centre.platform().post(&format!("{MAILBOX}/uploads")),
        alice.get(&format!("{MAILBOX}/messages")),
        alice.get(&path),
        alice.get(&format!("{path}/audio")),
        alice.put(&format!("{path}/read")),
        alice.delete(&path),
        alice.post(&format!("{path}/undo")),
        alice.get(&format!("{MAILBOX}/mwi")),
        centre.admin().get("/v1/mailboxes"),
        centre.privacy().post("/v1/gdpr/sweep"),
    ]
}

pub async fn a_storage_whose_port_is_closed_is_503_in_time_and_work_goes_on_when_it_is_back(on: Emulated) {
    let (cloud, proxy) = Cloud::behind_a_proxy(on).await;
    let fronts = [Centre::gateway(&cloud.setting).await, cloud.place.process(&cloud.setting).await];
    fronts[0].personal(MAILBOX, "alice").await;
    let message = id(&fronts[0].deposit(MAILBOX, &Call::new()).await);
    assert_eq!(fronts[1].ids(MAILBOX, "").await, std::slice::from_ref(&message));

    for front in &fronts {
        // In the middle of a deposit: its commit is under way.
        let (place, under_way) = (Arc::clone(&cloud.place), Arc::new(Notify::new()));
        let insertion = Arc::clone(&under_way);
        proxy.forecast_of(move |request, target| {
            if !place.is(Step::Insert, request, target) {
                return Weather::Fair;
            }
            insertion.notify_one();
            Weather::Silent
        });
        let begun = Instant::now();
        let deposit = async { front.platform().deposit(MAILBOX, &Call::new()).await };
        let close = async {
            under_way.notified().await;
            proxy.close().await;
        };
        let (answer, ()) = join(deposit, close).await;
        answer.refused(503, "storage-unavailable");
        assert!(begun.elapsed() < GATEWAY, "{:?}", begun.elapsed());

        let answers = requests(front, &message).into_iter().map(async |ask| {
            let begun = Instant::now();
            (ask.await, begun.elapsed())
        });
        for (answer, took) in join_all(answers).await {
            // A function does one after the other.
            assert!(took < GATEWAY * 2, "{}: {took:?}", answer.asked);
            answer.refused(503, "storage-unavailable");
        }
        proxy.forecast(|_| Weather::Fair);
        proxy.open().await;
        let listed = front.agent("alice").get(&format!("{MAILBOX}/messages")).await.is(200).json();
        assert_eq!(
            listed["messages"].as_array().unwrap().len(),
            1,
            "nothing was done that was not acknowledged"
        );
        assert_eq!(id(&listed["messages"][0]), message);
        fronts[0].agent("alice").get(&format!("{MAILBOX}/messages/{message}/audio")).await.is(307);
    }
}

pub async fn a_process_that_starts_while_the_storage_is_away_works_when_it_is_back_but_under_another_subject_key(
    on: Emulated,
) {
    let (cloud, proxy) = Cloud::behind_a_proxy(on).await;
    let place = &cloud.place;
    let other =
        cloud.setting.copy().with("VOICEMAIL_SUBJECT_KEY", "another subject key than the one before, 32+");
    let other = Arc::new(other);
    // The installation's first, which keeps what tells its key from others.
    place.process(&cloud.setting).await.personal(MAILBOX, "alice").await;
    proxy.close().await;
    let (process, impostor) = join(place.process(&cloud.setting), place.process(&other)).await;
    let deposit = async |centre: &Centre| centre.platform().deposit(MAILBOX, &Call::new()).await;
    for answer in <[_; 2]>::from(join(deposit(&process), deposit(&impostor)).await) {
        assert_eq!(answer.header("retry-after"), "2");
        answer.refused(503, "storage-unavailable");
    }
    proxy.open().await;
    let message = id(&deposit(&process).await.is(201).json());
    deposit(&impostor).await.refused(500, "internal");
    assert_eq!(impostor.ids(MAILBOX, "").await, [message], "it reads what needs no key");
    let said = tokio::task::spawn_blocking(move || Gateway::refused(&other)).await.unwrap();
    assert!(said.contains("VOICEMAIL_SUBJECT_KEY is not the key"), "{said}");
}
