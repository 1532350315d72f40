//! The start on a volume: is it the right one, can it keep what is promised, are the regions there.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::Region;
use serde::{Deserialize, Serialize};

use super::Setup;
use super::disk::{Disk, nonce};
use super::stored::{decode, encode};

/// Lists the regions that were set up; that it is there shows that the volume is.
pub(super) const STORE: &str = "store.json";
pub(super) const TENANTS: &str = "tenants";
pub(super) const RECORDINGS: &str = "recordings";

/// In the folder of a region: that it is there shows that the region's volume is. No tenant has a dot.
pub(super) const REGION: &str = "region.json";

/// Why a store cannot be used. Each says what happened, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// An empty or unmarked root, where no store may be set up.
    #[error(
        "{} holds no store: there is no store.json in it. Either its volume is not mounted: mount it; or it is to hold \
         a new store: start once with set-up allowed (VOICEMAIL_SETUP=auto)",
        .0.display()
    )]
    NotMounted(PathBuf),
    /// Two names that differ only by case are one in this folder.
    #[error(
        "{} does not tell upper case from lower case, so mailboxes and callers would be mixed up: use a volume that does",
        .0.display()
    )]
    CaseInsensitive(PathBuf),
    /// A hard link took the place of a file in this folder.
    #[error(
        "{} lets a hard link replace a file, so two deposits could both believe that they were first: use a volume on \
         which link(2) refuses a name that is there",
        .0.display()
    )]
    LinkReplaces(PathBuf),
    /// There are no hard links in this folder, and what the volume said.
    #[error("{} takes no hard links, by which each message is stored exactly once: use a volume that does", .0.display())]
    NoLinks(PathBuf, #[source] io::Error),
    /// The list of regions of this root is not one.
    #[error(
        "{} cannot be read as the list of regions: restore it from a backup, or write {{\"v\":1,\"regions\":[…]}} with \
         the folders of {}/recordings",
        .0.join(STORE).display(),
        .0.display()
    )]
    Corrupt(PathBuf),
    /// The volume refused: what was being done, where, and what it said.
    #[error("{0} {path}: {2}. Look whether the volume is mounted, has space and may be written by this user", path = .1.display())]
    Refused(&'static str, PathBuf, #[source] io::Error),
}

#[derive(Serialize, Deserialize)]
struct Store {
    regions: BTreeSet<Region>,
}

fn refused(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StartError {
    let path = path.to_owned();
    move |source| StartError::Refused(doing, path, source)
}

/// Opens a store, or sets it up. All regions that were ever set up.
pub(super) fn open(
    root: &Path,
    setup: Setup,
    wanted: &BTreeSet<Region>,
) -> Result<BTreeSet<Region>, StartError> {
    let disk = Disk::unmarked(root.to_owned());
    let is_marked = disk.has(STORE).map_err(refused("cannot open", root))?;
    match setup {
        Setup::Never if !is_marked => return Err(StartError::NotMounted(root.to_owned())),
        Setup::Never | Setup::Auto => {}
    }
    for folder in [root.to_owned(), root.join(TENANTS), root.join(RECORDINGS)] {
        make(&folder)?;
    }
    probe(root)?;
    let listed = read(&disk, root)?;
    for region in wanted.iter().filter(|region| !listed.contains(*region)) {
        set_up(root, region)?;
    }
    for region in wanted.iter().filter(|region| is_up(root, region)) {
        probe(&root.join(RECORDINGS).join(region.as_str()))?;
    }
    list(&disk, root)?;
    disk.clear_temporary(Duration::from_hours(1)).map_err(refused("cannot tidy", root))?;
    read(&disk, root)
}

/// Makes a folder that is there for good; of several processes each may.
fn make(folder: &Path) -> Result<(), StartError> {
    let made = fs::create_dir_all(folder).and_then(|()| {
        folder.parent().map_or(Ok(()), |parent| {
            if parent.as_os_str().is_empty() { Ok(()) } else { File::open(parent)?.sync_all() }
        })
    });
    made.map_err(refused("cannot make", folder))
}

fn read(disk: &Disk, root: &Path) -> Result<BTreeSet<Region>, StartError> {
    let Some(content) = disk.read(STORE).map_err(refused("cannot read", &root.join(STORE)))? else {
        return Ok(BTreeSet::new());
    };
    let store = decode::<Store>(STORE, &content).map_err(|_| StartError::Corrupt(root.to_owned()))?;
    Ok(store.regions)
}

/// Makes the folder of a region and its marker. One that is listed is never made again: its volume is not mounted.
fn set_up(root: &Path, region: &Region) -> Result<(), StartError> {
    let folder = root.join(RECORDINGS).join(region.as_str());
    make(&folder)?;
    let marker = encode(&serde_json::json!({ "region": region }));
    let marker = marker.map_err(|fault| refused("cannot mark", &folder)(io::Error::other(fault)))?;
    Disk::unmarked(folder.clone()).publish(REGION, &marker).map_err(refused("cannot mark", &folder))?;
    Ok(())
}

fn is_up(root: &Path, region: &Region) -> bool {
    root.join(RECORDINGS).join(region.as_str()).join(REGION).is_file()
}

/// Lists every region that has a marker, until that is so. Several processes may replace the list at once: each looks
/// again after it wrote, and whoever wrote last finds the markers of all who wrote before.
fn list(disk: &Disk, root: &Path) -> Result<(), StartError> {
    loop {
        let listed = read(disk, root)?;
        let folders = disk.list(RECORDINGS).map_err(refused("cannot read", &root.join(RECORDINGS)))?;
        let marked = folders.iter().filter_map(|name| name.parse().ok()).filter(|region| is_up(root, region));
        let regions: BTreeSet<Region> = listed.iter().cloned().chain(marked).collect();
        if regions == listed && disk.has(STORE).map_err(refused("cannot read", &root.join(STORE)))? {
            return Ok(());
        }
        let content = encode(&Store { regions }).map_err(|_| StartError::Corrupt(root.to_owned()))?;
        disk.replace(STORE, &content).map_err(refused("cannot write", &root.join(STORE)))?;
    }
}

/// Tries whether the volume tells upper case from lower case, and whether of two links to one name one fails.
fn probe(folder: &Path) -> Result<(), StartError> {
    let trial = folder.join(format!(".probe-{}", nonce()));
    let said = fs::create_dir(&trial)
        .map_err(refused("cannot write into", folder))
        .and_then(|()| try_out(&trial, folder));
    let removed = fs::remove_dir_all(&trial);
    said?;
    removed.map_err(refused("cannot remove", &trial))
}

fn try_out(trial: &Path, folder: &Path) -> Result<(), StartError> {
    let (one, other) = (trial.join("Aa"), trial.join("Bb"));
    for path in [&one, &other] {
        File::create_new(path).map_err(refused("cannot write", path))?;
    }
    if File::open(trial.join("aA")).is_ok() {
        return Err(StartError::CaseInsensitive(folder.to_owned()));
    }
    fs::hard_link(&one, trial.join("Cc")).map_err(|source| StartError::NoLinks(folder.to_owned(), source))?;
    match fs::hard_link(&one, &other) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Ok(()) => Err(StartError::LinkReplaces(folder.to_owned())),
        Err(source) => Err(StartError::NoLinks(folder.to_owned(), source)),
    }
}

#[cfg(test)]
#[path = "start_tests.rs"]
mod tests;
