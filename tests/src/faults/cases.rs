//! The data protection requests of the grid, and the sweeps of cases.

use axum::http::Method;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::breaker::Plan;
use super::grid::{Kind, Operation};
use super::requests::{call, named, one, one_deleted, request};
use super::sweeps::{sweep, sweep_until};
use super::world::{MAILBOX, World};
use crate::fixture::{DAY, HOUR};
use crate::http::{Answer, Person};
use crate::wrap::Fault;

type Prepare = for<'a> fn(&'a mut World) -> BoxFuture<'a, ()>;
type Act = for<'a> fn(&'a World) -> BoxFuture<'a, Answer>;

/// Whose message [`one`] makes.
const CALLER: &str = "+49301110009";
/// Another caller.
const OTHER_CALLER: &str = "+49301110008";

const HIDE: &[&str] = &["ping", "put_case", "by_caller", "message", "hold", "schedule_deletion", "case"];
const SHOW: &[&str] = &["ping", "case", "put_case", "by_caller", "message", "cancel_deletion", "release"];
const ERASE: &[&str] =
    &["case", "put_case", "by_caller", "claim", "delete", "exists", "leave_tombstone", "put_certificate"];

fn dpo(world: &World) -> Person {
    world.centre.password("dpo", crate::http::PASSWORD)
}

async fn asked(world: &World, operation: &str, body: Value) -> Answer {
    dpo(world).post(&format!("/v1/gdpr/{operation}")).json(body).await
}

fn forget(world: &World) -> BoxFuture<'_, Answer> {
    asked(world, "forgetme", json!({"caseid": "1", "consumers": [CALLER]})).boxed()
}

fn undo(world: &World) -> BoxFuture<'_, Answer> {
    asked(world, "undoforget", json!({"caseid": "1"})).boxed()
}

fn case(name: &'static str, needs: &'static [&'static str], prepare: Prepare, act: Act) -> Operation {
    Operation { kind: Kind::Case, needs, ..request(name, prepare, act) }
}

/// The requests.
pub fn requests() -> Vec<Operation> {
    vec![
        case("forget a caller", HIDE, one, forget),
        case("forget a caller whose message is in the trash", HIDE, one_deleted, forget),
        Operation { is_abreast: true, ..case("forget a caller of several", HIDE, several, forget) },
        case("forget a caller again", &["put_case", "case", "by_caller"], forgotten, forget),
        case("undo a case", SHOW, forgotten, undo),
        case("undo a case of what is in the trash", SHOW, forgotten_in_the_trash, undo),
        Operation { is_abreast: true, ..case("undo a case of several", SHOW, several_forgotten, undo) },
        case("undo a case again", &["case", "by_caller"], taken_back, undo),
        case("undo one number of a case", SHOW, two_forgotten, |world| {
            asked(world, "undoforget", json!({"caseid": "1", "consumers": [CALLER]})).boxed()
        }),
        case("undo a number", &["forgets", "put_case", "release"], forgotten, |world| {
            asked(world, "undoforget", json!({"consumers": [CALLER]})).boxed()
        }),
        request("export a caller", forgotten, |world| {
            asked(world, "exportme", json!({"consumers": [CALLER, OTHER_CALLER]})).boxed()
        }),
        request("export a recording", forgotten, |world| {
            async { dpo(world).get(&format!("/v1/gdpr/files/{}.wav", world.ids[0])).await }.boxed()
        }),
        request("see a case", forgotten, |world| async { dpo(world).get("/v1/gdpr/cases/1").await }.boxed()),
        request("see cases", forgotten, |world| async { dpo(world).get("/v1/gdpr/cases").await }.boxed()),
        request("deposit of a caller who is forgotten", forgotten, |world| {
            async { world.platform().deposit(MAILBOX, &call(CALLER)).await }.boxed()
        }),
        request("repeat a deposit that was erased", erased, |world| {
            async { world.platform().deposit(MAILBOX, &named_then(world)).await }.boxed()
        }),
    ]
}

/// The sweeps.
pub fn sweeps() -> Vec<Operation> {
    [sweeps_of_each_step(), sweeps_of_the_like()].into_iter().flatten().collect()
}

/// Those that take each step once: enough where a case takes long.
pub fn sweeps_of_each_step() -> Vec<Operation> {
    vec![
        sweep("sweep of a case that is hiding", &["hold", "schedule_deletion", "put_case"], hiding),
        sweep("sweep of a case that was undone", &["cancel_deletion", "release"], half_taken_back),
        sweep("sweep that erases", ERASE, due),
        sweep("sweep of a certificate that was cut off", &["put_case"], half_certified),
        sweep("sweep that dismisses an erased case", &["dismiss_case"], long_erased),
    ]
}

fn sweeps_of_the_like() -> Vec<Operation> {
    vec![
        sweep("sweep that erases what was in the trash", ERASE, due_in_the_trash),
        Operation { is_abreast: true, ..sweep("sweep that erases several", ERASE, several_due) },
        sweep(
            "sweep of an erasure that was cut off",
            &["claim", "leave_tombstone", "put_certificate"],
            half_erased,
        ),
        sweep("sweep that dismisses a case that was undone", &["dismiss_case"], long_taken_back),
    ]
}

/// The call that [`erased`] erases.
fn named_then(world: &World) -> crate::http::Call {
    call(CALLER).with("call_id", "a call").with("received_at", world.now().minus(DAY + HOUR).to_string())
}

fn several(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        one_deleted(world).await;
        one(world).await;
    }
    .boxed()
}

fn forgotten(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        one(world).await;
        forget(world).await.is(202);
        // Longer than a process remembers a mailbox.
        world.pass(HOUR);
    }
    .boxed()
}

fn forgotten_in_the_trash(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        one_deleted(world).await;
        forget(world).await.is(202);
        world.pass(HOUR);
    }
    .boxed()
}

fn several_forgotten(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        several(world).await;
        forget(world).await.is(202);
    }
    .boxed()
}

fn two_forgotten(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        one(world).await;
        world.deposited(&call(OTHER_CALLER)).await;
        let body = json!({"caseid": "1", "consumers": [CALLER, OTHER_CALLER]});
        asked(world, "forgetme", body).await.is(202);
    }
    .boxed()
}

fn taken_back(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        forgotten(world).await;
        undo(world).await.is(200);
    }
    .boxed()
}

fn due(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        forgotten(world).await;
        world.pass(DAY);
    }
    .boxed()
}

fn due_in_the_trash(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        one(world).await;
        forget(world).await.is(202);
        undo(world).await.is(200);
        world.pass(HOUR);
        world.alice().ask(Method::DELETE, &world.first()).await.is(200);
        asked(world, "forgetme", json!({"caseid": "2", "consumers": [CALLER]})).await.is(202);
        world.pass(DAY);
    }
    .boxed()
}

fn several_due(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        several_forgotten(world).await;
        world.pass(DAY);
    }
    .boxed()
}

/// A case whose hold pass hides nothing.
fn hiding(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        one(world).await;
        broken_off(world, forget, "hold", 202).await;
        world.pass(HOUR);
    }
    .boxed()
}

/// A case that was undone and whose release pass shows nothing.
fn half_taken_back(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        forgotten(world).await;
        broken_off(world, undo, "cancel_deletion", 200).await;
        world.pass(HOUR);
    }
    .boxed()
}

/// Does it as far as this call, which is refused with all that follow.
async fn broken_off(world: &World, act: Act, call: &str, status: u16) {
    let copy = world.copy().await;
    copy.breaking(Plan::default());
    act(&copy).await.is(status);
    let first = copy.healed().iter().position(|made| made == call).unwrap();
    world.breaking(Plan::one(first, Fault::Refused).from_then_on());
    act(world).await.is(status);
    world.healed();
}

fn half_erased(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        due(world).await;
        sweep_until(world, "claim").await;
    }
    .boxed()
}

fn half_certified(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        due(world).await;
        sweep_until(world, "put_certificate").await;
    }
    .boxed()
}

fn long_erased(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        due(world).await;
        world.swept().await;
        world.pass(DAY + HOUR);
    }
    .boxed()
}

fn erased(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        world.deposited(&named(world).with("caller_id", CALLER)).await;
        forget(world).await.is(202);
        world.pass(DAY);
        world.swept().await;
        world.pass(HOUR);
    }
    .boxed()
}

fn long_taken_back(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        taken_back(world).await;
        world.pass(DAY + HOUR);
    }
    .boxed()
}
