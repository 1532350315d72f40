//! Emulators of clouds on this machine. One for each process of tests; under nextest, which starts a process for each test,
//! one for all tests that a slot of it runs after one another, since a start takes longer than most of them.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The file of the port in an emulator's folder, which is there once the emulator is furnished.
const PORT: &str = "port";
/// The file of its process.
const PID: &str = "pid";
/// After this another takes its place: each listing looks at all that earlier tests have left.
const USED_UP: Duration = Duration::from_secs(90);
/// How long it may take to start on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(1);
/// No run of tests takes longer; several may be under way at once.
const LONGEST: Duration = Duration::from_hours(3);

/// A running emulator.
pub struct Emulator {
    /// Its port on this machine.
    pub port: u16,
    /// Its folder.
    pub folder: PathBuf,
    /// Where its folder ends with this process.
    _keep: Option<TempDir>,
}

impl Emulator {
    /// The one of this slot of nextest, or one for this process alone. `start` starts it in its folder, to end with the
    /// process of this number, and furnishes it.
    ///
    /// # Panics
    /// It does not start.
    pub fn get(name: &str, start: impl Fn(&Path, u32) -> u16) -> Self {
        let Some(folder) = folder_of_slot(name) else {
            let folder = tempfile::tempdir().unwrap();
            let port = start(folder.path(), std::process::id());
            return Self { port, folder: folder.path().to_owned(), _keep: Some(folder) };
        };
        let port = std::fs::read_to_string(folder.join(PORT)).ok().and_then(|port| port.parse().ok());
        let port = port.filter(|port| !is_used_up(&folder) && answers(*port)).unwrap_or_else(|| {
            stop(&folder);
            std::fs::create_dir_all(&folder).unwrap();
            let port = start(&folder, std::os::unix::process::parent_id());
            std::fs::write(folder.join(PORT), port.to_string()).unwrap();
            port
        });
        Self { port, folder, _keep: None }
    }

    /// One that runs already.
    pub fn at(port: u16, folder: &Path) -> Self {
        Self { port, folder: folder.to_owned(), _keep: None }
    }

    /// Its address.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// Whether the emulator of a folder has been there for long.
fn is_used_up(folder: &Path) -> bool {
    let furnished = std::fs::metadata(folder.join(PORT)).and_then(|port| port.modified()).ok();
    furnished.and_then(|furnished| furnished.elapsed().ok()).is_none_or(|ago| ago > USED_UP)
}

/// Ends the emulator of a folder, if there is one.
fn stop(folder: &Path) {
    if let Ok(pid) = std::fs::read_to_string(folder.join(PID)) {
        // It may have ended by itself.
        let _ = Command::new("kill").args(["-KILL", &pid]).stderr(Stdio::null()).status();
        let _ = std::fs::remove_file(folder.join(PORT));
        let _ = std::fs::remove_file(folder.join(PID));
    }
}

/// Where the emulator of this slot of this run of nextest lies; what is left of runs that are long over goes.
fn folder_of_slot(name: &str) -> Option<PathBuf> {
    let told = |name| std::env::var(name).ok();
    let (run, slot) = (told("NEXTEST_RUN_ID")?, told("NEXTEST_TEST_GLOBAL_SLOT")?);
    let runs = std::env::current_exe().unwrap().parent().unwrap().join(name);
    for earlier in std::fs::read_dir(&runs).into_iter().flatten().flatten() {
        let begun = earlier.metadata().and_then(|folder| folder.created()).ok();
        if begun.and_then(|begun| begun.elapsed().ok()).is_some_and(|ago| ago > LONGEST) {
            // Another slot may do the same.
            let _ = std::fs::remove_dir_all(earlier.path());
        }
    }
    Some(runs.join(run).join(slot))
}

/// Starts a program that listens on a port, which `command` is given; the port once it answers.
///
/// # Panics
/// It does not start.
pub fn start(folder: &Path, command: impl Fn(u16) -> Command) -> u16 {
    let started = (0..5).find_map(|_| {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        try_start(folder, port, command(port))
    });
    started.expect("the emulator starts")
}

/// `None`: another process took the port meanwhile.
fn try_start(folder: &Path, port: u16, mut command: Command) -> Option<u16> {
    let mut child = command
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // It outlives a test that nextest ends with all that the test started.
        .process_group(0)
        .spawn()
        .unwrap();
    std::fs::write(folder.join(PID), child.id().to_string()).unwrap();
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE && child.try_wait().unwrap().is_none() {
        if answers(port) {
            return Some(port);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = child.kill();
    None
}

fn answers(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// A client that asks emulators. They close a connection that was idle for 5 seconds, perhaps at the moment of the next request.
///
/// # Panics
/// The system has no TLS to offer.
pub fn client() -> reqwest::Client {
    let client = reqwest::Client::builder().no_proxy().pool_idle_timeout(Duration::from_secs(1));
    client.build().unwrap()
}

/// What a request was answered, which must be done.
///
/// # Panics
/// It is not.
pub async fn done(request: reqwest::RequestBuilder) -> reqwest::Response {
    let answer = request.send().await.unwrap();
    let status = answer.status();
    assert!(status.is_success(), "{status} {}", answer.text().await.unwrap());
    answer
}

/// A program or folder that `tests/run` installs.
///
/// # Panics
/// It is missing.
pub fn installed(path: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("target/tools").join(path);
    assert!(path.exists(), "{} is missing: tests/run installs it", path.display());
    path
}
