//! The sweeps of the grid.

use std::time::Duration;

use axum::http::Method;
use domain::{Attempt, AudioKey, MessageId};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::json;

use super::breaker::{Level, Plan};
use super::grid::{Kind, Operation};
use super::requests::{call, named, one, one_deleted};
use super::settle::tidy_time;
use super::world::{GROUP, MAILBOX, World};
use crate::fixture::{DAY, HOUR};
use crate::http::{Answer, wav};
use crate::wrap::Fault;

type Prepare = for<'a> fn(&'a mut World) -> BoxFuture<'a, ()>;

const PURGE: &[&str] = &["due", "claim", "delete", "exists", "leave_tombstone", "remove_due_entry"];
const TAKE_BACK: &[&str] = &["arriving", "fence", "delete", "withdraw"];
const TIDY: &[&str] = &["mailbox_ids", "tidy"];

pub(super) fn sweep(name: &'static str, needs: &'static [&'static str], prepare: Prepare) -> Operation {
    let act: for<'a> fn(&'a World) -> BoxFuture<'a, Answer> = |world| world.sweep().boxed();
    Operation { name, kind: Kind::Sweep, prepare, act, needs, has_litter: false, is_abreast: false }
}

/// All of them.
pub fn all() -> Vec<Operation> {
    [anywhere(), of_files()].into_iter().flatten().collect()
}

/// Those that any storage leaves something to do for.
pub fn anywhere() -> Vec<Operation> {
    vec![
        sweep("sweep of trash that is due", PURGE, due_trash),
        Operation { is_abreast: true, ..sweep("sweep of several that are due", PURGE, several_due) },
        sweep("sweep of a deleted mailbox's messages", PURGE, deleted_mailbox),
        sweep("sweep of a purge that was cut off after its claim", PURGE, half_purged),
        sweep("sweep of what is over its retention", &["mailboxes", "page", "hold"], over_retention),
        sweep("sweep of an attempt that was cut off", TAKE_BACK, cut_off),
        sweep("sweep of an attempt that was cut off and repeated", TAKE_BACK, repeated),
        sweep("sweep of an attempt that was cut off after its fence", TAKE_BACK, fenced),
        Operation { has_litter: true, ..sweep("sweep that tidies an orphan", TIDY, orphan) },
        sweep("sweep that tidies a tombstone away", TIDY, tombstone),
        sweep(
            "sweep of everything at once",
            &["claim", "page", "hold", "fence", "withdraw", "tidy"],
            everything,
        ),
    ]
}

/// Those of what is half done on a file system alone: elsewhere leaving a tombstone and an undo are one step, and so is a write.
fn of_files() -> Vec<Operation> {
    vec![
        sweep(
            "sweep of a purge that was cut off before its end",
            &["claim", "leave_tombstone", "remove_due_entry"],
            with_a_tombstone,
        ),
        sweep("sweep of trash that was taken and taken over", PURGE, taken_trash),
        sweep("sweep of trash that was undone", &["claim", "remove_due_entry"], undone),
        sweep("sweep of a recording that was cut off", TAKE_BACK, half_a_recording),
        sweep("sweep of a journal that was cut off", &["arriving"], half_a_journal),
    ]
}

/// Until a sweep of this day tidies the mailbox.
async fn pass_until_tidied(world: &World, day: u32) {
    world.pass_until(tidy_time(MAILBOX, day).await);
}

fn due_trash(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        one_deleted(world).await;
        world.pass(DAY);
    }
    .boxed()
}

fn taken_trash(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        one(world).await;
        world.alice().put(&format!("{}/taken", world.first())).await.is(200);
        world.admin().put(&format!("{}/taken?over=1", world.first())).await.is(200);
        world.alice().ask(Method::DELETE, &world.first()).await.is(200);
        world.pass(DAY);
    }
    .boxed()
}

/// Of two deadlines, one message read and urgent.
fn several_due(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        one_deleted(world).await;
        for caller in ["+49301110002", "+49301110003"] {
            world.pass(HOUR);
            world.deposited(&call(caller)).await;
            let last = format!("{MAILBOX}/messages/{}", world.ids[world.ids.len() - 1]);
            world.alice().ask(Method::DELETE, &last).await.is(200);
        }
        world.pass(DAY);
    }
    .boxed()
}

fn deleted_mailbox(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        one(world).await;
        world.admin().ask(Method::DELETE, MAILBOX).await.is(204);
        world.pass(DAY);
    }
    .boxed()
}

async fn retains_a_day(world: &World) {
    let body = json!({"kind": "group", "group": GROUP, "settings": {"retention_days": 1}});
    world.admin().put(MAILBOX).json(body).await.is(200);
}

fn over_retention(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        one(world).await;
        retains_a_day(world).await;
        world.pass(DAY + HOUR);
    }
    .boxed()
}

/// A deposit whose commit is not even tried.
async fn uncreated(world: &World) {
    // Longer than a process remembers a mailbox.
    world.pass(Duration::from_secs(10));
    let calls = ["mailbox", "arrive", "put", "insert"];
    world.breaking(Plan::one(calls.len() - 1, Fault::Refused).from_then_on());
    world.platform().deposit(MAILBOX, &named(world).with("urgent", true)).await.is(503);
    assert_eq!(world.healed(), calls);
}

fn cut_off(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        uncreated(&*world).await;
        world.pass(HOUR * 2);
    }
    .boxed()
}

fn repeated(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        uncreated(&*world).await;
        world.deposited(&named(world)).await;
        world.pass(HOUR * 2);
    }
    .boxed()
}

/// A deposit whose process dies when half of a file is written.
async fn died_writing(world: &World, folder: &str) {
    let deposit = async |world: &World, plan: Plan| {
        world.breaking_at(Level::Steps, plan);
        let answer = world.platform().deposit(MAILBOX, &named(world)).await;
        (answer.status, world.healed_at(Level::Steps))
    };
    // Longer than a process remembers a mailbox.
    world.pass(Duration::from_secs(10));
    let (_, steps) = deposit(&world.copy().await, Plan::default()).await;
    let written = format!("write {folder}");
    let half = steps.iter().rposition(|step| step.name == written).unwrap();
    assert_eq!(steps[half - 1].name, written, "it is written in two steps");
    let (status, made) = deposit(world, Plan::one(half, Fault::Refused).from_then_on()).await;
    assert_eq!((status, &made[..=half]), (503, &steps[..=half]));
    world.pass(HOUR * 2);
}

fn half_a_recording(world: &mut World) -> BoxFuture<'_, ()> {
    died_writing(world, "recordings/.tmp").boxed()
}

fn half_a_journal(world: &mut World) -> BoxFuture<'_, ()> {
    died_writing(world, "arriving").boxed()
}

/// A sweep that ends at this call.
pub(super) async fn sweep_until(world: &World, call: &str) {
    let copy = world.copy().await;
    copy.breaking(Plan::default());
    copy.swept().await;
    let calls = copy.healed();
    let last = calls.iter().position(|made| made == call).unwrap();
    world.breaking(Plan::one(last, Fault::AnswerLost).from_then_on());
    world.sweep().await;
    assert_eq!(world.healed()[..=last], calls[..=last]);
}

fn fenced(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        cut_off(world).await;
        sweep_until(world, "fence").await;
    }
    .boxed()
}

fn half_purged(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        due_trash(world).await;
        sweep_until(world, "claim").await;
    }
    .boxed()
}

fn with_a_tombstone(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        due_trash(world).await;
        sweep_until(world, "leave_tombstone").await;
    }
    .boxed()
}

/// Its entry among what is due is still there.
fn undone(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        one_deleted(world).await;
        world.alice().post(&format!("{}/undo", world.first())).await.is(200);
        world.pass(DAY);
    }
    .boxed()
}

fn orphan(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        one(world).await;
        let (random, now) = (domain::SeededRandom::new(99), world.now());
        let id = MessageId::random(now, &random);
        let key = AudioKey::new(now, id, Attempt::draw(&random), MAILBOX.parse().unwrap(), "wav");
        let (_, region) = world.storage.recordings.first_key_value().unwrap();
        region.put(&key, wav(10), "audio/wav", None).await.unwrap();
        pass_until_tidied(world, 1).await;
    }
    .boxed()
}

fn tombstone(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        due_trash(world).await;
        world.swept().await;
        pass_until_tidied(world, 33).await;
    }
    .boxed()
}

fn everything(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        uncreated(&*world).await;
        one_deleted(world).await;
        world.deposited(&call("+49301110002")).await;
        retains_a_day(world).await;
        pass_until_tidied(world, 2).await;
    }
    .boxed()
}
