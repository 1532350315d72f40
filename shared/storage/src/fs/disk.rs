//! What is done on a volume, in steps: durable, and safe on NFS. The only place that knows what NFS does.
//!
//! Each step is on the volume before the next begins: a file is synced before it gets its name, or both before anybody
//! relies on it, and then the folder, and those that were made for it. What makes a name is exclusive by `link(2)`,
//! `O_EXCL` or `mkdir(2)`. On NFS an answer may be lost and the question asked again, so "there already" and "not there"
//! after a change tell nothing by themselves: what is there afterwards decides. "Gone" is proved by `open(2)`, never by
//! `stat(2)`, which a client answers from its cache, and believed only while the volume's marker is there: the folder
//! under a volume that is not mounted is empty too.

mod folders;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use domain::{Attempt, SystemRandom};

use self::folders::folder_of;
use super::volume::Volume;

/// Files that have no name yet. Starts with a dot, as no mailbox does, so that no listing shows it.
const TEMPORARY: &str = ".tmp";

/// Nobody but the owner and the group reads a caller's number; the umask may take more away.
const FILE_MODE: u32 = 0o660;
const FOLDER_MODE: u32 = 0o770;

/// A secret is its owner's alone.
const SECRET_MODE: u32 = 0o600;

/// How often a name that others make and remove at the same time is tried.
const TRIES: usize = 4;

/// A folder on a volume, and all that is done in it. Paths are relative to it.
pub(super) struct Disk {
    top: PathBuf,
    marker: Option<PathBuf>,
    volume: Volume,
}

/// What became of a file that was to get a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PublishOutcome {
    /// It has it: by this call, or by an earlier try of it with the same bytes.
    Done,
    /// Another file has it, with this content.
    There(Vec<u8>),
}

/// What became of a second name for a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LinkOutcome {
    /// It has it.
    Done,
    /// The name is taken, perhaps by an earlier try of this call.
    There,
    /// The first name is gone, perhaps after an earlier try of this call.
    NoSource,
}

/// What of a file is on the volume first: a name of whole content can be believed whenever it is found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SyncOrder {
    ContentFirst,
    NameFirst,
}

/// A name that nothing else has.
pub(super) fn nonce() -> String {
    Attempt::draw(&SystemRandom).to_string()
}

impl Disk {
    /// A folder that is made when it is first needed, in one that is never made here, on the volume of this marker.
    pub(super) fn new(top: PathBuf, marker: PathBuf, volume: Volume) -> Self {
        Self { top, marker: Some(marker), volume }
    }

    /// A folder on a volume that has no marker yet.
    pub(super) fn unmarked(top: PathBuf) -> Self {
        Self { top, marker: None, volume: Volume::default() }
    }

    /// An error unless the volume is mounted.
    pub(super) fn mounted(&self) -> io::Result<()> {
        let Some(marker) = &self.marker else { return Ok(()) };
        self.volume.open(marker).map(drop).map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                io::Error::other("the volume is not mounted: its marker file is not there")
            }
            _ => error,
        })
    }

    /// Opens a file; `None`: it is not there.
    pub(super) fn open(&self, path: &str) -> io::Result<Option<File>> {
        let path = self.top.join(path);
        let folder = folder_of(&path)?;
        // Opening the folder makes an NFS client ask the server anew whether what it knows of it still holds.
        let file = none_on(ErrorKind::NotFound, self.volume.open_anew(folder, &path))?;
        if file.is_none() {
            self.mounted()?;
        }
        Ok(file)
    }

    /// Whether a file is there, proved by opening it.
    pub(super) fn has(&self, path: &str) -> io::Result<bool> {
        Ok(self.open(path)?.is_some())
    }

    /// The content of a file; `None`: it is not there.
    pub(super) fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        repeated(|| {
            let Some(file) = self.open(path)? else { return Ok(Some(None)) };
            match self.volume.read(file, &self.top.join(path)) {
                Ok(content) => Ok(Some(Some(content))),
                // Another host removed it while it was open here: look again.
                Err(error) if error.kind() == ErrorKind::StaleNetworkFileHandle => Ok(None),
                Err(error) => Err(error),
            }
        })
    }

    /// The names in a folder, each once, sorted.
    pub(super) fn list(&self, folder: &str) -> io::Result<BTreeSet<String>> {
        Ok(self.list_as(folder, |name| Some(name.to_owned()))?.into_iter().collect())
    }

    /// What the names in a folder say, perhaps more than once. Not those that begin with a dot: temporary files, and what
    /// an NFS client keeps of an open file that was removed (`.nfs…`).
    pub(super) fn list_as<T>(
        &self,
        folder: &str,
        mut read: impl FnMut(&str) -> Option<T>,
    ) -> io::Result<Vec<T>> {
        let folder = self.top.join(folder);
        match self.volume.list(&folder, |name| if name.starts_with('.') { None } else { read(name) }) {
            Err(error) if error.kind() == ErrorKind::NotFound => self.mounted().map(|()| Vec::new()),
            listed => listed,
        }
    }

    /// How long ago a file was last written; `None`: it is not there. The time of a file is the machine's, so it is
    /// compared with the machine's and not with a clock passed in.
    pub(super) fn age(&self, path: &str) -> io::Result<Option<Duration>> {
        let modified = none_on(ErrorKind::NotFound, self.volume.modified(&self.top.join(path)))?;
        Ok(modified.map(|modified| SystemTime::now().duration_since(modified).unwrap_or_default()))
    }

    /// Makes a file with this content under a name that is free, whole or not at all.
    pub(super) fn publish(&self, path: &str, content: &[u8]) -> io::Result<PublishOutcome> {
        self.publish_as(path, content, FILE_MODE, SyncOrder::ContentFirst)
    }

    /// As [`publish`](Self::publish), readable by its owner alone, in a folder that is so too.
    pub(super) fn publish_secret(&self, path: &str, content: &[u8]) -> io::Result<PublishOutcome> {
        self.mounted()?;
        let unsynced = self.make_folder(folder_of(&self.top.join(path))?, 0o700)?;
        self.sync_folders(&unsynced)?;
        self.publish_as(path, content, SECRET_MODE, SyncOrder::ContentFirst)
    }

    /// As [`publish`](Self::publish), with one wait for name and content: where the power fails before this returns, the name may
    /// be there with less in it. For what nobody asks for before a later step says that it is there.
    pub(super) fn prepare(&self, path: &str, content: &[u8]) -> io::Result<PublishOutcome> {
        self.publish_as(path, content, FILE_MODE, SyncOrder::NameFirst)
    }

    fn publish_as(
        &self,
        path: &str,
        content: &[u8],
        mode: u32,
        order: SyncOrder,
    ) -> io::Result<PublishOutcome> {
        let target = self.top.join(path);
        let (temporary, file) = self.temporary(content, mode, order)?;
        let linked = repeated(|| {
            let linked = self.in_folder(&target, || self.volume.link(&temporary, &target));
            Ok(match none_on(ErrorKind::AlreadyExists, linked)? {
                Some(((), unsynced)) => Some(Ok(unsynced)),
                None => self.read(path)?.map(Err),
            })
        });
        // Left behind, it is removed by a sweep an hour later.
        let _ = self.volume.remove(&temporary);
        let (published, unsynced) = match linked? {
            Ok(unsynced) => {
                if order == SyncOrder::NameFirst
                    && let Err(error) = self.volume.sync(&file, &target)
                {
                    // A volume tells once that it could not write; a repeat would believe what it finds.
                    let _ = self.volume.remove(&target);
                    return Err(error);
                }
                (PublishOutcome::Done, unsynced)
            }
            Err(there) if there == content => {
                // The answer to the first try was lost, or it has not come so far.
                self.volume.sync(&self.volume.open(&target)?, &target)?;
                (PublishOutcome::Done, Vec::new())
            }
            Err(there) => (PublishOutcome::There(there), Vec::new()),
        };
        // Also where it was there: whoever made it may not have come so far, and this call's answer builds on it.
        self.sync_names(&target, &unsynced)?;
        Ok(published)
    }

    /// Writes a file under a name that is free, not hidden while it is written: a crash may leave it cut off.
    /// `false`: the name has other content.
    pub(super) fn create(&self, path: &str, content: &[u8]) -> io::Result<bool> {
        let target = self.top.join(path);
        let (file, unsynced) = match none_on(ErrorKind::AlreadyExists, self.new_file(&target, FILE_MODE))? {
            Some((file, unsynced)) => {
                self.volume.write(&file, &target, content)?;
                (file, unsynced)
            }
            None if self.read(path)?.as_deref() == Some(content) => (self.volume.open(&target)?, Vec::new()),
            None => return Ok(false),
        };
        self.volume.sync(&file, &target)?;
        self.sync_names(&target, &unsynced)?;
        Ok(true)
    }

    /// Makes an empty file. One that is there is as good: its name says all.
    pub(super) fn place(&self, path: &str) -> io::Result<()> {
        let target = self.top.join(path);
        let made = none_on(ErrorKind::AlreadyExists, self.new_file(&target, FILE_MODE))?;
        self.sync_names(&target, &made.map(|(_, unsynced)| unsynced).unwrap_or_default())
    }

    /// Replaces a file, or makes it: readers see the one or the other.
    pub(super) fn replace(&self, path: &str, content: &[u8]) -> io::Result<()> {
        let target = self.top.join(path);
        let (temporary, _) = self.temporary(content, FILE_MODE, SyncOrder::ContentFirst)?;
        let ((), unsynced) = self.in_folder(&target, || match self.volume.rename(&temporary, &target) {
            // The answer to the first try was lost, or the folder is missing: only the latter fails again.
            Err(error) if error.kind() == ErrorKind::NotFound && self.volume.open(&temporary).is_err() => {
                Ok(())
            }
            renamed => renamed,
        })?;
        self.sync_names(&target, &unsynced)
    }

    /// Removes a file. One that is not there is as good.
    pub(super) fn take(&self, path: &str) -> io::Result<()> {
        self.take_all(&[path.to_owned()])
    }

    /// Removes files of one folder.
    pub(super) fn take_all(&self, paths: &[String]) -> io::Result<()> {
        for path in paths {
            self.unlink(path)?;
        }
        let Some(last) = paths.last() else { return Ok(()) };
        // Also where nothing was there: whoever removed it may not have come so far.
        self.secure(last)
    }

    /// Removes a file whose return after a power loss harms nobody: without waiting for the volume.
    pub(super) fn unlink(&self, path: &str) -> io::Result<()> {
        none_on(ErrorKind::NotFound, self.volume.remove(&self.top.join(path))).map(|_| ())
    }

    /// Gives a file a second name, if that is free: of all that link to it, one succeeds.
    pub(super) fn link(&self, from: &str, to: &str) -> io::Result<LinkOutcome> {
        let (source, target) = (self.top.join(from), self.top.join(to));
        let (linked, unsynced) = match self.in_folder(&target, || self.volume.link(&source, &target)) {
            Ok(((), unsynced)) => (LinkOutcome::Done, unsynced),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => (LinkOutcome::There, Vec::new()),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(LinkOutcome::NoSource),
            Err(error) => return Err(error),
        };
        self.sync_names(&target, &unsynced)?;
        Ok(linked)
    }

    /// Renames a file that others want to rename or remove too. Whether it has the new name now, whoever did it.
    pub(super) fn claim(&self, from: &str, to: &str) -> io::Result<bool> {
        let (source, target) = (self.top.join(from), self.top.join(to));
        let renamed = self.in_folder(&target, || self.volume.rename(&source, &target));
        let unsynced = match none_on(ErrorKind::NotFound, renamed)? {
            Some(((), unsynced)) => unsynced,
            // Not there, or the answer to the first try was lost: the new name tells.
            None if self.has(to)? => Vec::new(),
            None => return Ok(false),
        };
        self.sync_names(&target, &unsynced)?;
        self.secure(from).map(|()| true)
    }

    /// Removes a folder if it is empty. Whoever makes a file in it at that moment makes it again.
    pub(super) fn remove_empty(&self, folder: &str) -> io::Result<()> {
        match self.volume.remove_folder(&self.top.join(folder)) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::DirectoryNotEmpty) => {
                Ok(())
            }
            removed => removed,
        }
    }

    /// Removes what calls that were cut off have left without a name, this long ago at least. All that it can; then the
    /// first error tells that it could not remove all.
    pub(super) fn clear_temporary(&self, age: Duration) -> io::Result<()> {
        let names = self.volume.list(&self.top.join(TEMPORARY), |name| Some(name.to_owned()));
        let Some(names) = none_on(ErrorKind::NotFound, names)? else { return Ok(()) };
        let clear = |name: String| {
            let path = format!("{TEMPORARY}/{name}");
            if self.age(&path)?.is_some_and(|old| old >= age) { self.unlink(&path) } else { Ok(()) }
        };
        names.into_iter().map(clear).fold(Ok(()), Result::and)
    }

    /// A file with this content that has no name yet.
    fn temporary(&self, content: &[u8], mode: u32, order: SyncOrder) -> io::Result<(PathBuf, File)> {
        let path = self.top.join(TEMPORARY).join(nonce());
        // Nobody asks where its folder is after a power failure.
        let (file, _) = self.new_file(&path, mode)?;
        let filled = self.volume.write(&file, &path, content).and_then(|()| match order {
            SyncOrder::ContentFirst => self.volume.sync(&file, &path),
            SyncOrder::NameFirst => Ok(()),
        });
        match filled {
            Ok(()) => Ok((path, file)),
            Err(error) => {
                // Now, not an hour later: perhaps the volume is full.
                let _ = self.volume.remove(&path);
                Err(error)
            }
        }
    }

    fn new_file(&self, path: &Path, mode: u32) -> io::Result<(File, Vec<PathBuf>)> {
        self.in_folder(path, || self.volume.create(path, mode))
    }
}

/// What was done; `None`: it failed in this way.
fn none_on<T>(kind: ErrorKind, done: io::Result<T>) -> io::Result<Option<T>> {
    match done {
        Err(error) if error.kind() == kind => Ok(None),
        done => done.map(Some),
    }
}

/// Asks until there is an answer, a few times.
fn repeated<T>(ask: impl Fn() -> io::Result<Option<T>>) -> io::Result<T> {
    for _ in 0..TRIES {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
    }
    Err(io::Error::other("others change this name faster than it can be read"))
}

#[cfg(test)]
#[path = "disk_tests.rs"]
mod tests;
