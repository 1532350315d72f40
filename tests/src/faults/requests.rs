//! The requests of the grid.

use axum::http::Method;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::json;

use super::grid::{Kind, Operation};
use super::world::{GROUP, MAILBOX, OTHER, World};
use crate::http::{Answer, Call, wav};

type Prepare = for<'a> fn(&'a mut World) -> BoxFuture<'a, ()>;
type Act = for<'a> fn(&'a World) -> BoxFuture<'a, Answer>;

pub(super) fn request(name: &'static str, prepare: Prepare, act: Act) -> Operation {
    Operation { name, kind: Kind::Request, prepare, act, needs: &[], has_litter: false, is_abreast: false }
}

fn bulk(name: &'static str, prepare: Prepare, act: Act) -> Operation {
    Operation { kind: Kind::Bulk, ..request(name, prepare, act) }
}

/// A short call by this caller.
pub(super) fn call(caller: &str) -> Call {
    Call::from(caller).audio(wav(10))
}

/// A call that its platform can repeat.
pub(super) fn named(world: &World) -> Call {
    call("+49301110001").with("call_id", "a call").with("received_at", world.now().to_string())
}

fn nothing(_: &mut World) -> BoxFuture<'_, ()> {
    async {}.boxed()
}

/// One message that nobody has read.
pub(super) fn one(world: &mut World) -> BoxFuture<'_, ()> {
    async { world.deposited(&call("+49301110009").with("urgent", true)).await }.boxed()
}

fn two(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        one(world).await;
        world.deposited(&call("+49301110008")).await;
    }
    .boxed()
}

fn one_read(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        one(world).await;
        world.alice().put(&format!("{}/read", world.first())).await.is(200);
    }
    .boxed()
}

/// One message that somebody else has taken.
fn one_taken(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        one(world).await;
        world.admin().put(&format!("{}/taken", world.first())).await.is(200);
    }
    .boxed()
}

/// One message in the trash, which was read before.
pub(super) fn one_deleted(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        one_read(world).await;
        world.alice().ask(Method::DELETE, &world.first()).await.is(200);
    }
    .boxed()
}

fn settings(world: &World, max_messages: u32) -> BoxFuture<'_, Answer> {
    let body = json!({"kind": "group", "group": GROUP, "settings": {"max_messages": max_messages}});
    async move { world.admin().put(MAILBOX).json(body).await }.boxed()
}

fn deleted(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        one_read(world).await;
        world.admin().ask(Method::DELETE, MAILBOX).await.is(204);
    }
    .boxed()
}

fn full(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        one(world).await;
        settings(world, 1).await.is(200);
    }
    .boxed()
}

fn full_of_the_call(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        world.deposited(&named(world)).await;
        settings(world, 1).await.is(200);
    }
    .boxed()
}

fn gone(world: &mut World) -> BoxFuture<'_, ()> {
    async {
        world.deposited(&named(world)).await;
        world.alice().ask(Method::DELETE, &world.first()).await.is(200);
    }
    .boxed()
}

/// All of them.
pub fn all() -> Vec<Operation> {
    [deposits(), reads(), changes(), records()].into_iter().flatten().collect()
}

/// Deposits.
fn deposits() -> Vec<Operation> {
    vec![
        request("deposit", nothing, |world| {
            async { world.platform().deposit(MAILBOX, &call("+49301110001")).await }.boxed()
        }),
        request("deposit as a form, withheld", nothing, |world| {
            async { world.platform().deposit_form(MAILBOX, &Call::new()).await }.boxed()
        }),
        request("deposit with a call id", one, |world| {
            async { world.platform().deposit(MAILBOX, &named(world)).await }.boxed()
        }),
        request("deposit an urgent one", one, |world| {
            async { world.platform().deposit(MAILBOX, &named(world).with("urgent", true)).await }.boxed()
        }),
        request("deposit into a full mailbox", full, |world| {
            async { world.platform().deposit(MAILBOX, &named(world)).await }.boxed()
        }),
        request("deposit broken audio into a full mailbox", full, |world| {
            async { world.platform().deposit(MAILBOX, &named(world).audio("RIFF")).await }.boxed()
        }),
        request("deposit to no mailbox", nothing, |world| {
            async { world.platform().deposit(OTHER, &named(world)).await }.boxed()
        }),
        request("repeat a deposit into a full mailbox", full_of_the_call, |world| {
            async { world.platform().deposit(MAILBOX, &named(world)).await }.boxed()
        }),
        request("repeat a deposit without its audio", full_of_the_call, |world| {
            async { world.platform().deposit(MAILBOX, &named(world).audio("")).await }.boxed()
        }),
        request("repeat a deposit of what was deleted", gone, |world| {
            async { world.platform().deposit(MAILBOX, &named(world)).await }.boxed()
        }),
    ]
}

/// What changes nothing.
fn reads() -> Vec<Operation> {
    vec![
        request("list", one_read, |world| {
            async { world.alice().get(&format!("{MAILBOX}/messages")).await }.boxed()
        }),
        request("list the trash", one_deleted, |world| {
            async { world.alice().get(&format!("{MAILBOX}/messages?folder=trash")).await }.boxed()
        }),
        request("look at a message", one, |world| async { world.alice().get(&world.first()).await }.boxed()),
        request("play", one, |world| {
            async { world.alice().get(&format!("{}/audio", world.first())).await }.boxed()
        }),
        request("play a range", one, |world| {
            async {
                let play = world.alice().get(&format!("{}/audio", world.first()));
                play.header("range", "bytes=44-143").await
            }
            .boxed()
        }),
        request("mwi-count", one, |world| {
            async { world.alice().get(&format!("{MAILBOX}/mwi")).await }.boxed()
        }),
        request("mwi-count of all that is mine", one, |world| {
            async { world.alice().get("/v1/mwi").await }.boxed()
        }),
        request("see the mailboxes", nothing, |world| {
            async { world.alice().get("/v1/mailboxes").await }.boxed()
        }),
        request("see a group", nothing, |world| {
            async { world.admin().get(&format!("/v1/groups/{GROUP}")).await }.boxed()
        }),
    ]
}

/// What changes a message.
fn changes() -> Vec<Operation> {
    vec![
        request("mark-read", one, |world| {
            async { world.alice().put(&format!("{}/read", world.first())).await }.boxed()
        }),
        request("unread", one_read, |world| {
            async { world.alice().ask(Method::DELETE, &format!("{}/read", world.first())).await }.boxed()
        }),
        request("take", one, |world| {
            async { world.alice().put(&format!("{}/taken", world.first())).await }.boxed()
        }),
        request("take what another has", one_taken, |world| {
            async { world.alice().put(&format!("{}/taken", world.first())).await }.boxed()
        }),
        request("take over", one_taken, |world| {
            async { world.alice().put(&format!("{}/taken?over=1", world.first())).await }.boxed()
        }),
        request("give back", one_taken, |world| {
            async { world.alice().ask(Method::DELETE, &format!("{}/taken", world.first())).await }.boxed()
        }),
        request("delete what is taken", one_taken, |world| {
            async { world.alice().ask(Method::DELETE, &world.first()).await }.boxed()
        }),
        request("delete", one_read, |world| {
            async { world.alice().ask(Method::DELETE, &world.first()).await }.boxed()
        }),
        request("undo", one_deleted, |world| {
            async { world.alice().post(&format!("{}/undo", world.first())).await }.boxed()
        }),
        bulk("mark several read", two, |world| {
            let ids = json!({"ids": world.ids});
            async { world.alice().post(&format!("{MAILBOX}/messages/read")).json(ids).await }.boxed()
        }),
        bulk("delete several", two, |world| {
            let ids = json!({"ids": world.ids});
            async { world.alice().post(&format!("{MAILBOX}/messages/delete")).json(ids).await }.boxed()
        }),
    ]
}

/// What changes a mailbox or a group.
fn records() -> Vec<Operation> {
    vec![
        request("make a mailbox", nothing, |world| {
            async { world.admin().put(OTHER).json(json!({"kind": "personal", "user": "bob"})).await }.boxed()
        }),
        request("replace a mailbox", one, |world| settings(world, 7)),
        Operation {
            kind: Kind::Decision,
            ..request("delete a mailbox", one_read, |world| {
                async { world.admin().ask(Method::DELETE, MAILBOX).await }.boxed()
            })
        },
        request("make a deleted mailbox again", deleted, |world| settings(world, 7)),
        request("make a group", nothing, |world| {
            async { world.admin().put("/v1/groups/sales").json(json!({"members": ["bob"]})).await }.boxed()
        }),
        request("replace a group", nothing, |world| {
            async { world.admin().put(&format!("/v1/groups/{GROUP}")).json(json!({"members": []})).await }
                .boxed()
        }),
        request("delete a group", nothing, |world| {
            async { world.admin().ask(Method::DELETE, &format!("/v1/groups/{GROUP}")).await }.boxed()
        }),
    ]
}
