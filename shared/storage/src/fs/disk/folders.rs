//! Folders: made when they are first needed, and synced with what is in them.

use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::{Disk, FOLDER_MODE, repeated};

impl Disk {
    /// Does what makes a name in the folder of `path`, and makes that folder where it is what was not found. Those that
    /// hold a folder that was made are still to be synced.
    pub(super) fn in_folder<T>(
        &self,
        path: &Path,
        act: impl Fn() -> io::Result<T>,
    ) -> io::Result<(T, Vec<PathBuf>)> {
        let folder = folder_of(path)?;
        let (was_there, unsynced) = (Cell::new(false), RefCell::new(Vec::new()));
        let done = repeated(|| match act() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.mounted()?;
                let is_there = self.volume.open(folder).is_ok();
                // Only if it was there before `act` too: somebody else may just have made it.
                if is_there && was_there.replace(true) {
                    return Err(error);
                }
                if !is_there {
                    unsynced.borrow_mut().extend(self.make_folder(folder, FOLDER_MODE)?);
                    was_there.set(true);
                }
                Ok(None)
            }
            done => done.map(Some),
        });
        let unsynced = unsynced.into_inner();
        match done {
            Ok(done) => Ok((done, unsynced)),
            Err(error) => self.sync_folders(&unsynced).and(Err(error)),
        }
    }

    /// Makes a folder, and those above it. Which folders have it, and are to be synced.
    pub(super) fn make_folder(&self, folder: &Path, mode: u32) -> io::Result<Vec<PathBuf>> {
        let (parent, mut unsynced) = (folder_of(folder)?, Vec::new());
        let mut done = self.volume.make_folder(folder, mode);
        if folder != self.top && done.as_ref().is_err_and(|error| error.kind() == ErrorKind::NotFound) {
            unsynced = self.make_folder(parent, FOLDER_MODE)?;
            done = self.volume.make_folder(folder, mode);
        }
        match done {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err(io::Error::other("the folder that holds this store is not there"))
            }
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => {
                unsynced.push(parent.to_owned());
                Ok(unsynced)
            }
        }
    }

    pub(super) fn sync_folders(&self, folders: &[PathBuf]) -> io::Result<()> {
        folders.iter().try_for_each(|folder| self.volume.sync_folder(folder))
    }

    /// Waits until the name of a file is on the volume, and those of the folders that were made for it.
    pub(super) fn sync_names(&self, path: &Path, unsynced: &[PathBuf]) -> io::Result<()> {
        self.sync_folder_of(path)?;
        self.sync_folders(unsynced)
    }

    /// Waits until the name of a file is on the volume, or its absence, whoever made or removed it.
    pub(in super::super) fn secure(&self, path: &str) -> io::Result<()> {
        match self.sync_folder_of(&self.top.join(path)) {
            Err(error) if error.kind() == ErrorKind::NotFound => self.mounted(),
            synced => synced,
        }
    }

    pub(super) fn sync_folder_of(&self, path: &Path) -> io::Result<()> {
        self.volume.sync_folder(folder_of(path)?)
    }
}

pub(super) fn folder_of(path: &Path) -> io::Result<&Path> {
    path.parent().ok_or_else(|| io::Error::other("a path without a folder"))
}
