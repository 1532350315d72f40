//! Files that cannot be read any more, as a broken disk or a bad restore leaves them, and a world with one of each.

use std::path::PathBuf;

use axum::http::Method;
use domain::{Case, CaseKey, MailboxId};
use serde_json::json;
use storage::{Expect, Lookup, WriteOutcome};

use super::breaker::Plan;
use super::requests::call;
use super::settle::start;
use super::world::{GROUP, MAILBOX, OTHER, TENANT, World};
use crate::fixture::{DAY, HOUR};
use crate::wrap::Fault;

/// What can become of a file.
pub const FORMS: [Form; 4] = [Form::Rubbish, Form::Empty, Form::Half, Form::Later];

/// How a file is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Other bytes.
    Rubbish,
    /// Nothing in it.
    Empty,
    /// The first half of it.
    Half,
    /// JSON of which nothing is known.
    Later,
}

impl Form {
    /// What a file holds then.
    pub fn of(self, content: &[u8]) -> Vec<u8> {
        match self {
            Self::Rubbish => b"\xff\x00 what nobody wrote".to_vec(),
            Self::Empty => Vec::new(),
            Self::Half => content[..content.len() / 2].to_vec(),
            Self::Later => br#"{"v":2,"told":"what nobody wrote"}"#.to_vec(),
        }
    }
}

/// The files of a tenant that can be damaged.
#[derive(Debug)]
pub struct Files {
    /// The facts of a message that is old, urgent and the first.
    pub facts: String,
    /// That it was read.
    pub read: String,
    /// That it is taken.
    pub taken: String,
    /// That its caller called.
    pub caller: String,
    /// The facts of a message in the trash.
    pub deleted: String,
    /// Its hold.
    pub hold: String,
    /// What is due.
    pub due: String,
    /// An attempt that was cut off.
    pub arriving: String,
    /// One that was fenced.
    pub dead: String,
    /// The group's mailbox.
    pub mailbox: String,
    /// The group.
    pub group: String,
    /// A case.
    pub case: String,
}

/// A group's mailbox with an old urgent message that is taken, a new one and one in the trash; another mailbox with a new one; an attempt that
/// was cut off, one that was fenced, and a case that forgets the caller of the last message.
pub async fn busy() -> (World, Files) {
    let mut world = World::new(start()).await;
    let own = json!({"kind": "personal", "user": "alice"});
    world.admin().put(OTHER).json(own).await.is(201);
    for caller in 0..3 {
        world.deposited(&call(&format!("+4930111000{caller}")).with("urgent", caller == 0)).await;
        world.pass(std::time::Duration::from_secs(1));
    }
    let last = world.platform().deposit(OTHER, &call("+49301110003")).await.is(201).json();
    world.ids.push(crate::http::id(&last));
    let path = |n: usize| format!("{MAILBOX}/messages/{}", world.ids[n]);
    world.alice().put(&format!("{}/read", path(0))).await.is(200);
    world.alice().put(&format!("{}/taken", path(0))).await.is(200);
    world.alice().ask(Method::DELETE, &path(2)).await.is(200);
    for fenced in [true, false] {
        uncreated(&world).await;
        if fenced {
            let metadata = &world.storage.metadata;
            let message_ref = metadata.arriving(world.now().plus(HOUR)).await.unwrap().pop().unwrap();
            metadata.fence(&message_ref).await.unwrap();
        }
    }
    open_case(&world).await;
    let files = files(&world);
    (world, files)
}

/// A deposit whose commit is not even tried.
async fn uncreated(world: &World) {
    // Longer than a process remembers a mailbox.
    world.pass(std::time::Duration::from_secs(10));
    let calls = ["mailbox", "arrive", "put", "insert"];
    world.breaking(Plan::one(calls.len() - 1, Fault::Refused).from_then_on());
    world.platform().deposit(MAILBOX, &call("+49301110007")).await.is(503);
    assert_eq!(world.healed(), calls);
}

async fn open_case(world: &World) {
    let mailbox: MailboxId = OTHER.parse().unwrap();
    let id = world.ids[3].parse().unwrap();
    let Lookup::Message(message) = world.storage.metadata.message(&mailbox, id).await.unwrap() else {
        panic!("it is there")
    };
    let key = CaseKey::of(&TENANT.parse().unwrap(), "a case");
    let subjects = [message.facts.subject.unwrap()].into();
    let case = Case::new(key, "a case".to_owned(), subjects, world.now().minus(DAY), DAY);
    assert_eq!(
        world.storage.metadata.put_case(&case, Expect::Absent).await.unwrap(),
        WriteOutcome::Version(1)
    );
}

fn files(world: &World) -> Files {
    let tenant = world.root().join("tenants").join(TENANT);
    let paths = super::folder::files(world.root()).into_iter();
    let paths = paths.filter_map(|path| Some(path.strip_prefix(&tenant).ok()?.display().to_string()));
    let paths: Vec<String> = paths.collect();
    let one = |of: &[&str]| {
        let mut found = paths.iter().filter(|path| of.iter().all(|part| path.contains(part)));
        let path = found.next().unwrap_or_else(|| panic!("{of:?} is not in {paths:?}")).clone();
        assert_eq!(found.next(), None, "{of:?}");
        path
    };
    let [first, deleted] = [0, 2].map(|n| world.ids[n].as_str());
    Files {
        facts: one(&["/messages/", first]),
        read: one(&["/marks/", first, ".r"]),
        taken: one(&["/marks/", first, ".w.00000001"]),
        caller: one(&["callers/", first]),
        deleted: one(&["/messages/", deleted]),
        hold: one(&["/holds/", deleted]),
        due: one(&["due/", deleted]),
        arriving: one(&["arriving/"]),
        dead: one(&["dead/"]),
        mailbox: one(&[&format!("mailboxes/{MAILBOX}/config/")]),
        group: one(&[&format!("groups/{GROUP}/")]),
        case: one(&["cases/", ".json"]),
    }
}

/// Where a file of the tenant is.
pub fn path(world: &World, file: &str) -> PathBuf {
    world.root().join("tenants").join(TENANT).join(file)
}

/// Damages a file.
pub fn damage(world: &World, file: &str, form: Form) {
    let path = path(world, file);
    let content = std::fs::read(&path).unwrap();
    std::fs::write(path, form.of(&content)).unwrap();
}
