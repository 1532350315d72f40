//! Worlds on the file system: a folder each.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::{MailboxId, MessageId};
use host::config::Config;
use serde_json::Value;
use storage::fs::{Fs, Setup};
use storage::{Storage as _, TenantStorage};
use tempfile::TempDir;

use super::breaker::Breaker;
use super::ground::{Contents, Ground};
use super::world::TENANT;

/// A folder.
pub struct Folder(TempDir);

impl Default for Folder {
    /// In memory where the machine has such a folder: what is proved here is the order of calls, not that a disk keeps.
    fn default() -> Self {
        let memory = Path::new("/dev/shm");
        Self(TempDir::new_in(memory).or_else(|_| TempDir::new()).unwrap())
    }
}

#[async_trait]
impl Ground for Folder {
    async fn fresh(&self) -> Arc<dyn Ground> {
        Arc::new(Self::default())
    }

    async fn copy(&self) -> Arc<dyn Ground> {
        let fresh = Self::default();
        copy(self.root(), fresh.root());
        Arc::new(fresh)
    }

    async fn open(&self, config: &Config, steps: &Arc<Breaker>) -> [TenantStorage; 2] {
        let fs = Fs::open(self.root(), Setup::Auto, &config.regions()).await.unwrap();
        let broken = fs.broken_by(Arc::clone(steps) as _);
        let tenant = config.tenants.iter().find(|tenant| tenant.id.as_str() == TENANT).unwrap();
        [fs.tenant(tenant), broken.tenant(tenant)]
    }

    async fn contents(&self) -> Contents {
        let content = |path: &PathBuf| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
        let name = |path: &PathBuf| path.strip_prefix(self.root()).unwrap().display().to_string();
        files(self.root()).iter().map(|path| (name(path), content(path))).collect()
    }

    fn messages(&self, _: &Contents, mailbox: &MailboxId) -> Vec<MessageId> {
        let names = names(&self.tenant().join(format!("mailboxes/{mailbox}/messages")));
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    fn leavings(&self, contents: &Contents, is_settled: bool) -> Vec<String> {
        let tenant = self.tenant();
        let mut known: BTreeSet<String> = BTreeSet::new();
        for file in files(&tenant.join("mailboxes")) {
            let path = file.strip_prefix(&tenant).unwrap().display().to_string();
            if !path.contains("/messages/") {
                continue;
            }
            let facts: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
            let Some(attempt) = facts["attempt"].as_str() else { continue };
            let (mailbox, id) = (facts["mailbox"].as_str().unwrap(), facts["id"].as_str().unwrap());
            let mark = |kind| format!("mailboxes/{mailbox}/marks/{id}.{kind}");
            known.extend([path, format!("{id}.{attempt}"), mark("r"), mark("w")]);
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
            let name = name_of(path);
            // Behind the caller's part of its name.
            let name = if path.starts_with("callers/") { name.split_once('.').unwrap().1 } else { name };
            let of_an_attempt: String = name.chars().take(36 + 1 + 16).collect();
            if path.contains("/.tmp/") || path.starts_with(".tmp/") {
                return !is_settled;
            }
            match path.split('/').next().unwrap_or_default() {
                "callers" | "recordings" => {
                    known.contains(&of_an_attempt) || known.contains(&of_an_attempt[..36])
                }
                "groups" | "certificates" => true,
                // Long closed, it is not watched any more.
                "cases" => !is_settled || !path.starts_with("cases/open/"),
                "forgets" => {
                    contents.keys().any(|place| place.contains(&format!("/cases/{}/", name_of(path))))
                }
                _ if path.starts_with("mailboxes/") && path.contains("/config/") => true,
                // Its takings have numbers.
                _ => {
                    let mark = path.rsplit_once(".w.").map_or(path.to_owned(), |(of, _)| format!("{of}.w"));
                    !is_settled || known.contains(&mark)
                }
            }
        };
        let metadata = files(&tenant).into_iter().map(|file| file.strip_prefix(&tenant).unwrap().to_owned());
        let recordings = files(&self.root().join("recordings")).into_iter();
        let recordings = recordings.map(|file| file.strip_prefix(self.root()).unwrap().to_owned());
        let all = metadata.chain(recordings).map(|path| path.display().to_string());
        let all = all.filter(|path| !path.ends_with("region.json") && !is_explained(path));
        all.chain(folders).chain(holds_without_entry(&tenant)).collect()
    }

    fn age(&self, by: Duration) {
        for path in files(self.root()).into_iter().filter(|path| is_told_by_age(path)) {
            let file = File::options().write(true).open(path).unwrap();
            file.set_modified(file.metadata().unwrap().modified().unwrap() - by).unwrap();
        }
    }

    fn root(&self) -> &Path {
        self.0.path()
    }
}

impl Folder {
    fn tenant(&self) -> PathBuf {
        self.root().join("tenants").join(TENANT)
    }
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

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

fn empty_folders(of: &Path) -> Vec<String> {
    let is_empty = |name: &String| names(&of.join(name)).is_empty();
    names(of).into_iter().filter(is_empty).map(|name| of.join(name).display().to_string()).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Every file below a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().unwrap().is_dir() {
            copy(&source, &target);
            continue;
        }
        std::fs::copy(&source, &target).unwrap();
        if is_told_by_age(&source) {
            let modified = entry.metadata().unwrap().modified().unwrap();
            File::options().write(true).open(target).unwrap().set_modified(modified).unwrap();
        }
    }
}

/// Files without a name yet, and journals, which may be cut off.
fn is_told_by_age(path: &Path) -> bool {
    let folder = path.parent().and_then(Path::file_name);
    folder.is_some_and(|folder| [".tmp", "arriving", "dead"].iter().any(|name| folder == *name))
}
