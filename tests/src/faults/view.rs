//! What a world shows and holds, in a form that two worlds can be compared by; and whether it is a legal one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use bytes::Bytes;
use domain::{Case, Folder, MailboxId, Message, Status, Timestamp, Waiting};
use futures::TryStreamExt as _;
use storage::{Lookup, PageOf, TenantStorage};
use tokio::sync::Mutex;

use super::ground::Contents;
use super::world::World;

/// A line for each mailbox, group and message, hidden ones too, in a fixed order and without what chance has drawn.
pub type View = Vec<String>;

/// A look at a world.
pub struct Look {
    /// All that is stored.
    pub contents: Contents,
    /// What is shown.
    pub shown: View,
}

/// What a world holds, and what it shows of it. List, folders, counts, message and recording must agree in it. What is
/// stored tells it, so it is looked at once for each contents.
pub async fn look(world: &World) -> Look {
    static SEEN: LazyLock<Mutex<BTreeMap<String, View>>> = LazyLock::new(Mutex::default);
    let contents = world.ground.contents().await;
    let known = fingerprint(&contents);
    let mut seen = SEEN.lock().await;
    let shown = match seen.get(&known) {
        Some(shown) => shown.clone(),
        None => view(world, &contents).await,
    };
    seen.insert(known, shown.clone());
    Look { contents, shown }
}

async fn view(world: &World, contents: &Contents) -> View {
    let storage = &world.storage;
    let mut lines: Vec<String> = Vec::new();
    for group in storage.metadata.groups().await.unwrap() {
        lines.push(serde_json::to_string(&group.value).unwrap());
    }
    for mailbox in storage.metadata.mailboxes().await.unwrap() {
        lines.push(serde_json::to_string(&mailbox.value).unwrap());
    }
    for case in storage.metadata.cases(None, 200).await.unwrap() {
        lines.push(case_line(&case.value));
    }
    for mailbox in storage.metadata.mailbox_ids().await.unwrap() {
        lines.extend(messages(world, contents, &mailbox).await);
    }
    lines.sort();
    lines
}

async fn messages(world: &World, contents: &Contents, mailbox: &MailboxId) -> Vec<String> {
    let storage = &world.storage;
    let (new, old, trash) = (
        page(storage, mailbox, Some(Folder::New)).await,
        page(storage, mailbox, Some(Folder::Old)).await,
        page(storage, mailbox, Some(Folder::Trash)).await,
    );
    let waiting = page(storage, mailbox, None).await;
    let sorted = |messages: &[Message]| messages.iter().map(|it| it.facts.id).collect::<BTreeSet<_>>();
    let both = [new.clone(), old.clone()].concat();
    assert_eq!(sorted(&waiting), sorted(&both), "new and old are what is listed without a folder");
    let counted = storage.metadata.counts(mailbox).await.unwrap();
    assert_eq!(counted, waiting.iter().collect::<Waiting>(), "the counts are those of the listing");

    let shown = [both, trash].concat();
    let mut lines = Vec::new();
    for id in world.ground.messages(contents, mailbox) {
        let listed = shown.iter().find(|message| message.facts.id == id);
        let Lookup::Message(message) = storage.metadata.message(mailbox, id).await.unwrap() else {
            assert_eq!(listed, None, "what is gone is not listed");
            continue;
        };
        assert_eq!(listed.is_some(), message.folder().is_some(), "what a folder shows is listed in it");
        assert!(listed.is_none_or(|listed| *listed == *message), "{listed:?} is {message:?}");
        plays(storage, &message).await;
        lines.push(line(&message));
    }
    assert!(lines.len() >= shown.len(), "what is listed is stored");
    lines
}

async fn page(storage: &TenantStorage, mailbox: &MailboxId, folder: Option<Folder>) -> Vec<Message> {
    let page = storage.metadata.page(mailbox, PageOf { folder, before: None, limit: 200 }).await.unwrap();
    assert_eq!(page.next, None, "a world is small");
    assert!(page.messages.iter().all(|message| folder.is_none_or(|folder| message.folder() == Some(folder))));
    page.messages
}

/// What was decided of a case: how far it is carried out its messages show.
fn case_line(case: &Case) -> String {
    let fate = match case.status {
        Status::Hiding | Status::Pending | Status::Erasing => "stands",
        Status::Undone => "is undone",
        Status::Erased => "is erased and certified",
    };
    assert_eq!(case.status == Status::Erased, case.certificate.is_some(), "what is erased is certified");
    format!("case {} for {:?} {fate}", case.case_id, case.subjects)
}

/// A message that is not hidden plays as long as it is there.
async fn plays(storage: &TenantStorage, message: &Message) {
    let facts = &message.facts;
    if message.folder().is_none() {
        return;
    }
    let audio = storage.recordings[&facts.region].get(&facts.audio, None).await.unwrap();
    let audio = audio.unwrap_or_else(|| panic!("{message:?} has no recording"));
    let bytes: Vec<Bytes> = audio.bytes.try_collect().await.unwrap();
    let length = u64::try_from(bytes.concat().len()).unwrap();
    assert_eq!(length, facts.bytes, "a message plays to its end");
}

fn line(message: &Message) -> String {
    let Message { facts, read, taking, .. } = message;
    format!(
        "{} {:?} {} from {:?} for {} ms of {} at {}, urgent {}, read {read:?}, {taking:?}, held by {:?}",
        facts.mailbox,
        message.folder(),
        facts.generation,
        facts.caller.as_ref().map(domain::Caller::reveal),
        facts.duration_ms,
        facts.media_type,
        facts.received_at,
        facts.urgent,
        message.holds,
    )
}

/// The time, and what is stored without what chance has drawn: they tell the future.
pub type Known = (Timestamp, String);

/// What tells a world's future.
pub fn known(world: &World, contents: &Contents) -> Known {
    (world.now(), fingerprint(contents))
}

/// What is stored, without what chance has drawn.
fn fingerprint(contents: &Contents) -> String {
    let text: String = contents.iter().flat_map(|(place, content)| [place, "\n", content, "\n"]).collect();
    let (mut drawn, mut told) = (BTreeMap::new(), String::new());
    let is_part = |sign: char| sign.is_ascii_alphanumeric() || "-_".contains(sign);
    for word in text.split_inclusive(|sign| !is_part(sign)) {
        let name = word.trim_end_matches(|sign| !is_part(sign));
        if is_drawn(name) {
            let next = drawn.len();
            let number = *drawn.entry(name.to_owned()).or_insert(next);
            told.extend([&format!("#{number}"), &word[name.len()..]]);
        } else {
            told.push_str(word);
        }
    }
    told
}

/// An id of a message, or a nonce.
fn is_drawn(word: &str) -> bool {
    word.parse::<domain::MessageId>().is_ok()
        || (word.len() == 16 && word.bytes().all(|sign| sign.is_ascii_hexdigit()))
}
