//! Time that only passes: the clock moves, the sweep comes, and what is left in the end stays.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use domain::Timestamp;
use serde_json::json;
use tokio::sync::Mutex;

use super::breaker::Plan;
use super::view::{View, fingerprint, leavings, snapshot, view};
use super::world::World;

const DAY: Duration = Duration::from_hours(24);
/// How often the sweep comes.
const EVERY: Duration = Duration::from_mins(5);
/// The days after which everything has run its course: cut-off tries, the trash, and tombstones after a month.
const DAYS: [u32; 5] = [1, 2, 3, 34, 35];

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
    for mailbox in world.storage.index.mailbox_ids().await.unwrap() {
        times.push(tidy_time(mailbox.as_str(), day).await);
    }
    times
}

/// What is shown once time has passed and the sweep has come until nothing changes. Nothing may be left over. The files
/// and the time alone tell it, so it is seen once for each world, in a copy.
pub async fn settled(world: &World) -> View {
    static SEEN: LazyLock<Mutex<BTreeMap<String, View>>> = LazyLock::new(Mutex::default);
    let files = fingerprint(world);
    if let Some(seen) = SEEN.lock().await.get(&files) {
        return seen.clone();
    }
    let end = end_of(&world.copy().await).await;
    SEEN.lock().await.insert(files, end.clone());
    end
}

async fn end_of(world: &World) -> View {
    let today = day_of(world.now());
    let mut times = vec![world.now().plus(Duration::from_mins(61))];
    for day in DAYS {
        times.extend(tidy_times(world, today + day).await);
    }
    sweep_at(world, times).await;
    let end = (snapshot(world), view(world).await);
    assert_eq!(leavings(world, true), Vec::<String>::new(), "nothing is left over");
    sweep_at(world, tidy_times(world, today + DAYS[4] + 1).await).await;
    assert_eq!((snapshot(world), view(world).await), end, "nothing changes any more");
    end.1
}

async fn sweep_at(world: &World, mut times: Vec<Timestamp>) {
    times.sort();
    for then in times {
        world.pass_until(then);
        world.swept().await;
    }
}
