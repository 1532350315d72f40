//! Time that only passes: the clock moves, the sweep comes, and what is left in the end stays.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use domain::Timestamp;
use serde_json::json;
use tokio::sync::Mutex;

use super::breaker::Plan;
use super::ground::Contents;
use super::view::{Known, Look, View, known, look};
use super::world::World;

const DAY: Duration = Duration::from_hours(24);
/// How often the sweep comes.
const EVERY: Duration = Duration::from_mins(5);
/// The days after which everything has run its course: what is over its retention is in the trash on the first, what is
/// in the trash is purged on the second, and its tombstone goes on the last.
const DAYS: [u32; 3] = [3, 5, 37];

/// When worlds begin: ten hours after the midnight of day 0.
pub fn start() -> Timestamp {
    midnight(0).plus(Duration::from_hours(10))
}

/// 2026-11-22T00:00:00Z and so many days.
fn midnight(day: u32) -> Timestamp {
    Timestamp::from_millis(1_795_305_600_000).plus(DAY * day)
}

fn day_of(now: Timestamp) -> u32 {
    u32::try_from(now.since(midnight(0)).as_secs() / DAY.as_secs()).unwrap()
}

/// When a sweep of a day tidies a mailbox: each has its time, which a world without faults tells.
pub async fn tidy_time(mailbox: &str, day: u32) -> Timestamp {
    static KNOWN: LazyLock<Mutex<BTreeMap<(String, u32), Timestamp>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().await;
    if let Some(time) = known.get(&(mailbox.to_owned(), day)) {
        return *time;
    }
    let world = World::empty(midnight(day)).await;
    world.admin().put(mailbox).json(json!({"kind": "personal", "user": "bob"})).await.is(201);
    while world.now() < midnight(day + 1) {
        world.breaking(Plan::default());
        world.swept().await;
        if world.healed().iter().any(|call| call == "tidy") {
            known.insert((mailbox.to_owned(), day), world.now());
            return world.now();
        }
        world.pass(EVERY);
    }
    panic!("{mailbox} has no turn on day {day}");
}

async fn tidy_times(world: &World, day: u32) -> Vec<Timestamp> {
    let mut times = Vec::new();
    for mailbox in world.storage.metadata.mailbox_ids().await.unwrap() {
        times.push(tidy_time(mailbox.as_str(), day).await);
    }
    times
}

/// What is shown once time has passed and the sweep has come until nothing changes. Nothing may be left over. What is
/// stored and the time alone tell it, so it is seen once for each, in a copy, and as far as the way there is a new one.
pub async fn settled(world: &World, contents: &Contents) -> View {
    static SEEN: LazyLock<Mutex<BTreeMap<Known, View>>> = LazyLock::new(Mutex::default);
    let mut way = vec![known(world, contents)];
    if let Some(end) = SEEN.lock().await.get(&way[0]) {
        return end.clone();
    }
    let copy = world.copy().await;
    let mut end = None;
    for then in times(&copy).await {
        sweep_at(&copy, [then].into()).await;
        let here = known(&copy, &copy.ground.contents().await);
        end = SEEN.lock().await.get(&here).cloned();
        if end.is_some() {
            break;
        }
        way.push(here);
    }
    let end = match end {
        Some(end) => end,
        None => end_of(&copy, day_of(world.now())).await,
    };
    SEEN.lock().await.extend(way.into_iter().map(|known| (known, end.clone())));
    end
}

/// When the sweep comes.
async fn times(world: &World) -> Vec<Timestamp> {
    let mut times = vec![world.now().plus(Duration::from_mins(61))];
    for day in DAYS {
        times.extend(tidy_times(world, day_of(world.now()) + day).await);
    }
    times.sort();
    times
}

async fn end_of(world: &World, begun: u32) -> View {
    let end = look(world).await;
    assert_eq!(world.ground.leavings(&end.contents, true), Vec::<String>::new(), "nothing is left over");
    sweep_at(world, tidy_times(world, begun + DAYS[2] + 1).await).await;
    let later = look(world).await;
    let places = |of: &Look| of.contents.keys().cloned().collect::<Vec<_>>();
    assert_eq!((places(&later), later.shown), (places(&end), end.shown.clone()), "nothing changes any more");
    end.shown
}

async fn sweep_at(world: &World, mut times: Vec<Timestamp>) {
    times.sort();
    for then in times {
        world.pass_until(then);
        world.swept().await;
    }
}
