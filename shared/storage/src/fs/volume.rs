//! The single steps on a volume. Nothing else touches it once a store is open, so that a test can break any of them.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::SystemTime;

/// A step that is to be taken.
#[cfg_attr(
    not(feature = "faults"),
    expect(dead_code, unreachable_pub, reason = "only what breaks a step asks which it is")
)]
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// What is done.
    pub name: &'static str,
    /// Whether it changes what others find; the others look, or wait until a change is on the volume.
    pub changes: bool,
    /// To which file or folder.
    pub path: &'a Path,
}

/// What breaks steps.
#[cfg(feature = "faults")]
pub trait Faults: std::fmt::Debug + Send + Sync {
    /// A step begins. What to remember until its end.
    ///
    /// # Errors
    /// The step is not taken.
    fn begin(&self, step: Step<'_>) -> io::Result<usize>;
    /// It was taken.
    ///
    /// # Errors
    /// One that is seen in place of its answer.
    fn end(&self, remembered: usize) -> io::Result<()>;
}

/// In how many parts a file is written: where steps are broken, one can be cut off in the middle.
const PARTS: usize = if cfg!(feature = "faults") { 2 } else { 1 };

/// Takes the steps.
#[derive(Debug, Clone, Default)]
pub(super) struct Volume {
    #[cfg(feature = "faults")]
    pub(super) faults: Option<std::sync::Arc<dyn Faults>>,
}

fn looking<'a>(name: &'static str, path: &'a Path) -> Step<'a> {
    Step { name, changes: false, path }
}

fn changing<'a>(name: &'static str, path: &'a Path) -> Step<'a> {
    Step { name, changes: true, path }
}

impl Volume {
    #[cfg_attr(
        not(feature = "faults"),
        expect(clippy::unused_self, unused_variables, reason = "nothing breaks it")
    )]
    fn step<T>(&self, step: Step<'_>, take: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        #[cfg(feature = "faults")]
        if let Some(faults) = &self.faults {
            let remembered = faults.begin(step)?;
            let taken = take();
            return faults.end(remembered).and(taken);
        }
        take()
    }

    /// Opens a file or a folder.
    pub(super) fn open(&self, path: &Path) -> io::Result<File> {
        self.step(looking("open", path), || File::open(path))
    }

    /// Opens a file, and its folder before it.
    pub(super) fn open_anew(&self, folder: &Path, path: &Path) -> io::Result<File> {
        self.step(looking("open", path), || File::open(folder).and_then(|_| File::open(path)))
    }

    pub(super) fn read(&self, mut file: File, path: &Path) -> io::Result<Vec<u8>> {
        self.step(looking("read", path), || {
            let mut content = Vec::new();
            file.read_to_end(&mut content).map(|_| content)
        })
    }

    /// What the names in a folder say; none of ours is no text.
    pub(super) fn list<T>(
        &self,
        folder: &Path,
        mut read: impl FnMut(&str) -> Option<T>,
    ) -> io::Result<Vec<T>> {
        self.step(looking("list", folder), || {
            let mut found = Vec::new();
            for entry in fs::read_dir(folder)? {
                found.extend(entry?.file_name().to_str().and_then(&mut read));
            }
            Ok(found)
        })
    }

    /// When a file was last written.
    pub(super) fn modified(&self, path: &Path) -> io::Result<SystemTime> {
        self.step(looking("look at", path), || fs::metadata(path)?.modified())
    }

    pub(super) fn create(&self, path: &Path, mode: u32) -> io::Result<File> {
        let mut new = OpenOptions::new();
        new.write(true).create_new(true).mode(mode);
        self.step(changing("create", path), || new.open(path))
    }

    /// Writes a new file.
    pub(super) fn write(&self, mut file: &File, path: &Path, content: &[u8]) -> io::Result<()> {
        for part in content.chunks(content.len().div_ceil(PARTS).max(1)) {
            self.step(changing("write", path), || file.write_all(part))?;
        }
        Ok(())
    }

    /// Waits until the content of a file is on the volume.
    pub(super) fn sync(&self, file: &File, path: &Path) -> io::Result<()> {
        self.step(looking("sync", path), || file.sync_all())
    }

    pub(super) fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(changing("link", to), || fs::hard_link(from, to))
    }

    pub(super) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(changing("rename", to), || fs::rename(from, to))
    }

    pub(super) fn remove(&self, path: &Path) -> io::Result<()> {
        self.step(changing("remove", path), || fs::remove_file(path))
    }

    pub(super) fn make_folder(&self, folder: &Path, mode: u32) -> io::Result<()> {
        self.step(changing("make", folder), || DirBuilder::new().mode(mode).create(folder))
    }

    pub(super) fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        self.step(changing("remove", folder), || fs::remove_dir(folder))
    }

    /// Waits until the names in a folder are on the volume.
    pub(super) fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.step(looking("sync", folder), || File::open(folder)?.sync_all())
    }
}
