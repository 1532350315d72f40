//! The output folder: whole files or none, and the log.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{IsTerminal as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use crate::ended::Ended;
use crate::interrupt;

/// What was answered.
pub(crate) const OUTPUT: &str = "output.json";
const LOG: &str = "execution.log";

/// A folder that only its owner can read, with a run that has it for itself.
pub(crate) struct Output {
    folder: PathBuf,
    log: File,
    bar: ProgressBar,
}

impl Output {
    /// Opens the folder, makes it where it is not there, and takes away the earlier answer: that there is one says that this
    /// run was successful.
    pub(crate) fn open(folder: &Path) -> Result<Self, Ended> {
        let cannot = |error| cannot(folder, &error);
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(cannot)?;
        let path = folder.join(LOG);
        let log = ours().append(true).open(&path).map_err(|error| self::cannot(&path, &error))?;
        // Where the file system knows no locks it goes without.
        if let Err(TryLockError::WouldBlock) = log.try_lock() {
            return Err(Ended::Failed(format!("Another run is writing into {}.", folder.display())));
        }
        log.try_clone().map(interrupt::is_told).map_err(|error| self::cannot(&path, &error))?;
        let output = Self { folder: folder.to_owned(), log, bar: ProgressBar::hidden() };
        match std::fs::remove_file(output.path(OUTPUT)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(cannot(error)),
            _ => Ok(output),
        }
    }

    /// Where a file of this name is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Says a line: in the log, and to whoever watches.
    pub(crate) fn say(&mut self, line: &str) -> Result<(), Ended> {
        self.bar.suspend(|| {
            // A pipe that is closed does not end the work.
            let _ = writeln!(std::io::stdout(), "{line}");
        });
        self.note(line)
    }

    /// Writes a line into the log alone.
    pub(crate) fn note(&mut self, line: &str) -> Result<(), Ended> {
        let line = format!("{:.3} {line}\n", jiff::Timestamp::now());
        self.log.write_all(line.as_bytes()).map_err(|error| cannot(&self.path(LOG), &error))
    }

    /// Shows how much of so many bytes is there; only on a terminal.
    pub(crate) fn begin(&mut self, bytes: u64) {
        if std::io::stderr().is_terminal() {
            let style = ProgressStyle::with_template("{wide_bar} {bytes}/{total_bytes} {eta}");
            self.bar =
                ProgressBar::new(bytes).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        }
    }

    /// So many bytes are there.
    pub(crate) fn at(&self, bytes: u64) {
        self.bar.set_position(bytes);
    }

    /// All of it is there.
    pub(crate) fn end(&mut self) {
        self.bar.finish_and_clear();
    }

    /// A file for what is not whole yet, empty. One that an earlier run left is taken again.
    pub(crate) fn part(&self, name: &str) -> Result<File, Ended> {
        let path = self.path(&part(name));
        ours().write(true).truncate(true).open(&path).map_err(|error| cannot(&path, &error))
    }

    /// Gives what is whole its name.
    pub(crate) fn whole(&self, name: &str, file: &File) -> Result<(), Ended> {
        let path = self.path(name);
        let named = file.sync_all().and_then(|()| std::fs::rename(self.path(&part(name)), &path));
        named.map_err(|error| cannot(&path, &error))
    }

    /// Takes away what did not become whole.
    pub(crate) fn discard(&self, name: &str) {
        // The next run takes it again.
        let _ = std::fs::remove_file(self.path(&part(name)));
    }

    /// Writes a file, whole or not at all, and everything before it.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Ended> {
        let mut file = self.part(name)?;
        if let Err(error) = file.write_all(bytes) {
            self.discard(name);
            return Err(cannot(&self.path(name), &error));
        }
        self.whole(name, &file)?;
        let synced = File::open(&self.folder).and_then(|folder| folder.sync_all());
        synced.map_err(|error| cannot(&self.folder, &error))
    }

    /// The same, of JSON.
    pub(crate) fn write_json(&self, name: &str, value: &Value) -> Result<(), Ended> {
        self.write(name, format!("{value:#}\n").as_bytes())
    }
}

/// How files are opened here: what they hold is personal.
fn ours() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).mode(0o600);
    options
}

fn part(name: &str) -> String {
    format!("{name}.part")
}

/// The one sentence for whatever the file system refuses.
pub(crate) fn cannot(path: &Path, error: &std::io::Error) -> Ended {
    Ended::Failed(format!("{} cannot be written: {error}.", path.display()))
}
