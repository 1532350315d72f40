//! What a world shows and holds, in a form that two worlds can be compared by; and whether it is a legal one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use domain::{Counts, Folder, MailboxId, Message};
use futures::TryStreamExt as _;
use serde_json::Value;
use storage::{Found, PageOf, TenantStorage};

use super::world::{TENANT, World};

/// A line for each mailbox, group and message, hidden ones too, in a fixed order and without what chance has drawn.
pub type View = Vec<String>;

/// What a world shows. List, folders, counts, message and recording must agree in it.
pub async fn view(world: &World) -> View {
    let storage = &world.storage;
    let mut lines: Vec<String> = Vec::new();
    for group in storage.index.groups().await.unwrap() {
        lines.push(serde_json::to_string(&group.value).unwrap());
    }
    for mailbox in storage.index.mailboxes().await.unwrap() {
        lines.push(serde_json::to_string(&mailbox.value).unwrap());
    }
    for mailbox in storage.index.mailbox_ids().await.unwrap() {
        lines.extend(messages(world, &mailbox).await);
    }
    lines.sort();
    lines
}

async fn messages(world: &World, mailbox: &MailboxId) -> Vec<String> {
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
    let counted = storage.index.counts(mailbox).await.unwrap();
    assert_eq!(counted, waiting.iter().collect::<Counts>(), "the counts are those of the listing");

    let shown = [both, trash].concat();
    let mut lines = Vec::new();
    for name in names(&tenant(world.root()).join(format!("mailboxes/{mailbox}/messages"))) {
        let id = name.parse().unwrap();
        let listed = shown.iter().find(|message| message.facts.id == id);
        let Found::Message(message) = storage.index.message(mailbox, id).await.unwrap() else {
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
    let page = storage.index.page(mailbox, PageOf { folder, before: None, limit: 200 }).await.unwrap();
    assert_eq!(page.next, None, "a world is small");
    assert!(page.messages.iter().all(|message| folder.is_none_or(|folder| message.folder() == Some(folder))));
    page.messages
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
    let Message { facts, read, .. } = message;
    format!(
        "{} {:?} {} from {:?} for {} ms of {} at {}, urgent {}, read {read:?}, held by {:?}",
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

/// The files that no message and no record explains. At every moment a recording and a caller marker belong to a
/// message, to one that is still due, or to a try that is still journalled; once time has passed, nothing is there but messages and records.
pub fn leavings(world: &World, is_settled: bool) -> Vec<String> {
    let tenant = tenant(world.root());
    let mut known: BTreeSet<String> = BTreeSet::new();
    for file in files(&tenant.join("mailboxes")) {
        let path = file.strip_prefix(&tenant).unwrap().display().to_string();
        if !path.contains("/messages/") {
            continue;
        }
        let facts: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let Some(attempt) = facts["attempt"].as_str() else { continue };
        let (mailbox, id) = (facts["mailbox"].as_str().unwrap(), facts["id"].as_str().unwrap());
        known.extend([path, format!("{id}.{attempt}"), format!("mailboxes/{mailbox}/marks/{id}.r")]);
        if facts["urgent"] == true {
            known.insert(format!("mailboxes/{mailbox}/marks/{id}.u.{attempt}"));
        }
    }
    let mut folders: Vec<String> = Vec::new();
    if is_settled {
        // Of callers, too, of whom nothing is stored any more.
        folders = empty_folders(&tenant.join("callers"));
        folders.extend(empty_folders(&tenant.join("due")));
    } else {
        let due = files(&tenant.join("due")).into_iter();
        known.extend(due.map(|due| due.file_name().unwrap().to_str().unwrap()[14..14 + 36].to_owned()));
        let journals = ["arriving", "dead"].map(|folder| names(&tenant.join(folder))).concat();
        known.extend(journals.iter().map(|journal| journal.chars().take(36 + 1 + 16).collect()));
    }
    let is_explained = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or_default();
        // Behind the caller's part of its name.
        let name = if path.starts_with("callers/") { &name[22 + 1..] } else { name };
        let of_a_try: String = name.chars().take(36 + 1 + 16).collect();
        if path.contains("/.tmp/") || path.starts_with(".tmp/") {
            return !is_settled;
        }
        match path.split('/').next().unwrap_or_default() {
            "callers" | "recordings" => known.contains(&of_a_try) || known.contains(&of_a_try[..36]),
            "groups" => true,
            _ if path.starts_with("mailboxes/") && path.contains("/config/") => true,
            _ => !is_settled || known.contains(path),
        }
    };
    let metadata = files(&tenant).into_iter().map(|file| file.strip_prefix(&tenant).unwrap().to_owned());
    let recordings = files(&world.root().join("recordings")).into_iter();
    let recordings = recordings.map(|file| file.strip_prefix(world.root()).unwrap().to_owned());
    let all = metadata.chain(recordings).map(|path| path.display().to_string());
    let all = all.filter(|path| !path.ends_with("region.json") && !is_explained(path));
    all.chain(folders).chain(holds_without_entry(&tenant)).collect()
}

/// What is held until a deadline is due then, at every moment: the sweep finds it by its entry, not by its hold.
fn holds_without_entry(tenant: &Path) -> Vec<String> {
    let due: BTreeSet<String> = files(&tenant.join("due"))
        .iter()
        .map(|entry| entry.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    let has_entry = |hold: &PathBuf| {
        let names: Vec<_> = hold.iter().rev().map(|name| name.to_str().unwrap()).collect();
        let [name, "holds", mailbox, ..] = names[..] else { return true };
        let [id, kind @ ("t" | "d"), at] = name.split('.').collect::<Vec<_>>()[..] else { return true };
        due.contains(&format!("{at}.{id}.{kind}.{mailbox}"))
    };
    let holds = files(&tenant.join("mailboxes")).into_iter().filter(|hold| !has_entry(hold));
    holds.map(|hold| format!("no entry of {}", hold.display())).collect()
}

fn empty_folders(of: &Path) -> Vec<String> {
    let is_empty = |name: &String| names(&of.join(name)).is_empty();
    names(of).into_iter().filter(is_empty).map(|name| of.join(name).display().to_string()).collect()
}

/// The time, the files and what is in them, without what chance has drawn: worlds of one fingerprint have one future.
pub fn fingerprint(world: &World) -> String {
    let mut text = world.now().to_string();
    for path in snapshot(world) {
        let content = std::fs::read(&path).unwrap();
        let path = path.strip_prefix(world.root()).unwrap().display().to_string();
        text.extend([&path, "\n", &String::from_utf8_lossy(&content), "\n"]);
    }
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

/// Every file of a world.
pub fn snapshot(world: &World) -> Vec<PathBuf> {
    let mut all = files(world.root());
    all.sort();
    all
}

fn tenant(root: &Path) -> PathBuf {
    root.join("tenants").join(TENANT)
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
