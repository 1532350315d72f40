//! A value that is given, or kept in a file that is read again when it changes, so that a secret or a user can be replaced
//! without a restart.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// How often the file is looked at.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// What tells one state of a file from another.
type Stamp = (Option<SystemTime>, u64);

/// Makes a value of a file's bytes, or says what is wrong with them without repeating them.
type Reader<T> = Box<dyn Fn(&[u8]) -> Result<T, String> + Send + Sync>;

/// A value that is given, or kept in a file.
pub(crate) struct Reloaded<T>(Source<T>);

enum Source<T> {
    Given(Arc<T>),
    File { path: PathBuf, read: Reader<T>, state: Mutex<State<T>> },
}

struct State<T> {
    value: Arc<T>,
    stamp: Option<Stamp>,
    checked_at: Instant,
}

impl<T> Reloaded<T> {
    /// A value that stays as it is.
    pub(crate) fn given(value: T) -> Self {
        Self(Source::Given(Arc::new(value)))
    }

    /// Reads a file for the first time; what is wrong is told without the file's content.
    pub(crate) fn file(
        path: &Path,
        read: impl Fn(&[u8]) -> Result<T, String> + Send + Sync + 'static,
    ) -> Result<Self, String> {
        let checked_at = Instant::now();
        // The stamp first: a file that changes in between is read once more.
        let stamp = stamp(path);
        let value = Arc::new(load(path, &read)?);
        let state = Mutex::new(State { value, stamp, checked_at });
        Ok(Self(Source::File { path: path.to_owned(), read: Box::new(read), state }))
    }

    /// The value, at most a second older than the file. A file that cannot be read any more leaves the value that was
    /// read before in force, with a warning. A look is one `stat`, short enough for the thread of a request.
    pub(crate) fn get(&self) -> Arc<T> {
        self.at(Instant::now())
    }

    fn at(&self, now: Instant) -> Arc<T> {
        let (path, read, state) = match &self.0 {
            Source::Given(value) => return Arc::clone(value),
            Source::File { path, read, state } => (path, read, state),
        };
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(state.checked_at) >= CHECK_INTERVAL {
            state.checked_at = now;
            let stamp = stamp(path);
            if stamp != state.stamp {
                state.stamp = stamp;
                match load(path, read) {
                    Ok(value) => state.value = Arc::new(value),
                    Err(fault) => tracing::warn!(
                        file = %path.display(),
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
        let reloaded = Reloaded::file(&path, text).unwrap();
        fs::write(&path, "two, longer").unwrap();
        assert_eq!(*reloaded.get(), "one", "not looked at again yet");
        assert_eq!(*reloaded.at(Instant::now() + CHECK_INTERVAL), "two, longer");
    }

    #[test]
    fn a_file_that_breaks_leaves_what_was_read_before_in_force() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("value");
        fs::write(&path, "one").unwrap();
        let reloaded = Reloaded::file(&path, text).unwrap();
        fs::write(&path, "").unwrap();
        assert_eq!(*reloaded.at(Instant::now() + CHECK_INTERVAL), "one");
        fs::remove_file(&path).unwrap();
        assert_eq!(*reloaded.at(Instant::now() + CHECK_INTERVAL * 2), "one");
        fs::write(&path, "three").unwrap();
        assert_eq!(*reloaded.at(Instant::now() + CHECK_INTERVAL * 3), "three");
    }

    #[test]
    fn a_file_that_is_not_there_is_a_fault_at_the_start() {
        assert!(
            Reloaded::file(Path::new("/nowhere/at/all"), text).is_err_and(|fault| fault.contains("read"))
        );
    }
}
