//! A file that is read again when it changes, so that a secret or a user can be replaced without a restart.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What tells one state of a file from another.
type Stamp = (Option<SystemTime>, u64);

/// Makes a value of a file's bytes, or says what is wrong with them without repeating them.
type Reader<T> = Box<dyn Fn(&[u8]) -> Result<T, String> + Send + Sync>;

/// A value that is kept in a file.
pub(crate) struct Watched<T> {
    path: PathBuf,
    read: Reader<T>,
    state: Mutex<State<T>>,
}

struct State<T> {
    value: Arc<T>,
    stamp: Option<Stamp>,
    looked: Instant,
}

impl<T> Watched<T> {
    /// Reads the file for the first time; what is wrong is told without the file's content.
    pub(crate) fn open(
        path: &Path,
        read: impl Fn(&[u8]) -> Result<T, String> + Send + Sync + 'static,
    ) -> Result<Self, String> {
        let looked = Instant::now();
        // The stamp first: a file that changes in between is read once more.
        let stamp = stamp(path);
        let value = Arc::new(load(path, &read)?);
        let state = Mutex::new(State { value, stamp, looked });
        Ok(Self { path: path.to_owned(), read: Box::new(read), state })
    }

    /// The value, at most a second older than the file. A file that cannot be read any more leaves the value that was
    /// read before in force, with a warning. A look is one `stat`, short enough for the thread of a request.
    pub(crate) fn get(&self) -> Arc<T> {
        self.at(Instant::now())
    }

    fn at(&self, now: Instant) -> Arc<T> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(state.looked) >= LOOK_EVERY {
            state.looked = now;
            let stamp = stamp(&self.path);
            if stamp != state.stamp {
                state.stamp = stamp;
                match load(&self.path, &self.read) {
                    Ok(value) => state.value = Arc::new(value),
                    Err(fault) => tracing::warn!(
                        file = %self.path.display(),
                        fault,
                        "a file changed and cannot be used; what was read before stays in force"
                    ),
                }
            }
        }
        Arc::clone(&state.value)
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    fs::metadata(path).ok().map(|meta| (meta.modified().ok(), meta.len()))
}

fn load<T>(path: &Path, read: &dyn Fn(&[u8]) -> Result<T, String>) -> Result<T, String> {
    let bytes = fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    read(&zeroize::Zeroizing::new(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> Result<String, String> {
        let text = String::from_utf8_lossy(bytes).into_owned();
        if text.is_empty() { Err("is empty".into()) } else { Ok(text) }
    }

    #[test]
    fn a_file_that_changes_is_read_again_within_a_second() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("value");
        fs::write(&path, "one").unwrap();
        let watched = Watched::open(&path, text).unwrap();
        fs::write(&path, "two, longer").unwrap();
        assert_eq!(*watched.get(), "one", "not looked at again yet");
        assert_eq!(*watched.at(Instant::now() + LOOK_EVERY), "two, longer");
    }

    #[test]
    fn a_file_that_breaks_leaves_what_was_read_before_in_force() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("value");
        fs::write(&path, "one").unwrap();
        let watched = Watched::open(&path, text).unwrap();
        fs::write(&path, "").unwrap();
        assert_eq!(*watched.at(Instant::now() + LOOK_EVERY), "one");
        fs::remove_file(&path).unwrap();
        assert_eq!(*watched.at(Instant::now() + LOOK_EVERY * 2), "one");
        fs::write(&path, "three").unwrap();
        assert_eq!(*watched.at(Instant::now() + LOOK_EVERY * 3), "three");
    }

    #[test]
    fn a_file_that_is_not_there_is_a_fault_at_the_start() {
        assert!(Watched::open(Path::new("/nowhere/at/all"), text).is_err_and(|fault| fault.contains("read")));
    }
}
