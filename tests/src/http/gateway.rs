//! The real gateway, as a process of its own.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use super::setting::Setting;

/// How long a start, a stop and the arrival of a log line may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
/// What a program that stores nothing has for a storage.
pub(super) const NONE: &str = "none";
/// How many cases one gateway has tenants for.
const CASES: usize = 200;

/// A gateway that runs; it is stopped when this is dropped.
pub struct Gateway {
    /// Where it answers: `127.0.0.1:…`.
    pub address: String,
    /// What it was started with.
    pub setting: Arc<Setting>,
    child: Mutex<Child>,
    written: Arc<Mutex<String>>,
    streams: Mutex<Vec<JoinHandle<()>>>,
}

/// The gateway that the cases of this process share while one of them runs.
static SHARED: Mutex<Weak<Gateway>> = Mutex::new(Weak::new());

impl Gateway {
    /// The gateway that cases share.
    pub fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let gateway = Arc::new(Self::start(Arc::new(Setting::new(cases()))));
            *shared = Arc::downgrade(&gateway);
            gateway
        })
    }

    /// Starts one and waits until it answers.
    pub fn start(setting: Arc<Setting>) -> Self {
        let mut child = spawn(&setting);
        let written = Arc::new(Mutex::new(String::new()));
        let streams = Mutex::new(gather_all(&mut child, &written));
        let child = Mutex::new(child);
        let mut started = Self { address: String::new(), setting, child, written, streams };
        let line = started.wait_for("listening on http://");
        let address = line.split("http://").nth(1).unwrap();
        let end = address.find(|c: char| !c.is_ascii_digit() && !".:".contains(c)).unwrap_or(address.len());
        address[..end].clone_into(&mut started.address);
        started
    }

    /// Starts one that must not come up; what it wrote.
    pub fn refused(setting: &Setting) -> String {
        let mut child = spawn(setting);
        let written = Arc::new(Mutex::new(String::new()));
        let streams = gather_all(&mut child, &written);
        let deadline = Instant::now() + PATIENCE;
        let mut ended = child.try_wait().unwrap();
        while ended.is_none() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
            ended = child.try_wait().unwrap();
        }
        let _ = child.kill();
        for stream in streams {
            stream.join().unwrap();
        }
        let written = written.lock().unwrap().clone();
        assert!(
            ended.is_some_and(|status| !status.success()),
            "it came up, or ended with success: {written}"
        );
        written
    }

    /// What of its output has come so far, of both streams: a line may be on its way.
    pub fn written(&self) -> String {
        self.written.lock().unwrap().clone()
    }

    /// Tells it to stop, if it still runs, and waits for its end: all that it ever wrote.
    pub async fn stopped(self: &Arc<Self>) -> String {
        let gateway = Arc::clone(self);
        let all = tokio::task::spawn_blocking(move || {
            gateway.terminate();
            gateway.ended();
            for stream in gateway.streams.lock().unwrap().drain(..) {
                stream.join().unwrap();
            }
            gateway.written()
        });
        all.await.unwrap()
    }

    /// Waits for a line that holds `text`.
    pub fn wait_for(&self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let written = self.written();
            if let Some(line) = written.lines().find(|line| line.contains(text)) {
                return line.to_owned();
            }
            let ended = self.child.lock().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "the gateway ended with {ended:?}:\n{written}");
            assert!(Instant::now() < deadline, "the gateway never wrote {text:?}:\n{written}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Tells it to stop (SIGTERM) and goes on.
    pub fn terminate(&self) {
        terminate(&self.child.lock().unwrap());
    }

    /// Kills it (SIGKILL), as a machine that fails does.
    pub fn kill(&self) {
        let mut child = self.child.lock().unwrap();
        let _ = child.kill();
        let _ = child.wait();
    }

    /// Waits until it has ended.
    pub fn ended(&self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.lock().unwrap().try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "the gateway does not stop:\n{}", self.written());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The number of the process.
    pub(super) fn id(&self) -> u32 {
        self.child.lock().unwrap().id()
    }

    /// A connection to it, for what no well-behaved client sends.
    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).await.unwrap()
    }

    /// Reads a connection to its end.
    pub async fn rest(mut connection: TcpStream) -> String {
        let mut bytes = Vec::new();
        tokio::time::timeout(PATIENCE, connection.read_to_end(&mut bytes))
            .await
            .expect("an answer in time")
            .unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let running = |child: &mut Child| matches!(child.try_wait(), Ok(None));
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        if running(child) {
            terminate(child);
        }
        let deadline = Instant::now() + Duration::from_secs(5);
        while running(child) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn terminate(child: &Child) {
    let _ = Command::new("kill").arg("-TERM").arg(child.id().to_string()).status();
}

/// How many tenants a service that cases share needs.
pub(super) fn cases() -> usize {
    if one_process_a_case().is_some() { 1 } else { CASES }
}

/// A number that no other case of the services of this process has.
pub(super) fn take_case() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let case = NEXT.fetch_add(1, Ordering::Relaxed);
    assert!(case < CASES, "more cases than tenants: raise CASES");
    case
}

/// Starts the program with this setting.
fn spawn(setting: &Setting) -> Child {
    // A storage that there is not is for the program to refuse.
    let storage = ["aws", "azure"].into_iter().find(|it| setting.storage() == *it).unwrap_or("fs");
    let mut command = setting.command(&program("gateway", storage));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Copies a stream to where all can read it.
fn gather_all(child: &mut Child, to: &Arc<Mutex<String>>) -> Vec<JoinHandle<()>> {
    vec![gather(child.stdout.take().unwrap(), to), gather(child.stderr.take().unwrap(), to)]
}

fn gather(stream: impl Read + Send + 'static, to: &Arc<Mutex<String>>) -> JoinHandle<()> {
    let to = Arc::clone(to);
    std::thread::spawn(move || {
        let (mut stream, mut line) = (BufReader::new(stream), Vec::new());
        while stream.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            to.lock().unwrap_or_else(PoisonError::into_inner).push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    })
}

/// A program of ours with this storage, built as these tests are, once: in a run that starts a process for each case, by
/// the first.
pub(super) fn program(package: &str, storage: &str) -> PathBuf {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let run = one_process_a_case().unwrap_or_else(|| format!("of-{}", std::process::id()));
    let folder = std::env::current_exe().unwrap().parent().unwrap().join("journeys");
    std::fs::create_dir_all(&folder).unwrap();
    let lock = File::options().write(true).create(true).truncate(false).open(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let program = folder.join(format!("{package}-{storage}-{run}"));
    if !program.exists() {
        let earlier = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let earlier = earlier.filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            name != "lock" && !name.ends_with(&run)
        });
        earlier.for_each(|path| std::fs::remove_file(path).unwrap());
        // A name of its own, as the next build with other features takes the place of this one.
        std::fs::hard_link(build(package, storage), &program).unwrap();
    }
    program
}

/// The id of a run of nextest, which starts a process for each case.
fn one_process_a_case() -> Option<String> {
    std::env::var("NEXTEST_RUN_ID").ok()
}

fn build(package: &str, storage: &str) -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--quiet", "--bins", "-p", package, "-p", "libraries"])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    if storage != NONE {
        cargo.args(["--features", storage]);
    }
    // What cargo tells a test of its package would make a build script that asks for the same names (ring's) run again, and
    // all that stands on it be built again: here, and by whoever builds next.
    let told = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in std::env::vars().filter(|(name, _)| told(name)) {
        cargo.env_remove(name);
    }
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let built = cargo.stderr(Stdio::inherit()).output().unwrap();
    assert!(built.status.success(), "{package} does not build");
    let built = String::from_utf8(built.stdout).unwrap();
    let mut messages = built.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let program = messages.find_map(|message| {
        let is_it = message["target"]["name"] == package && message["executable"].is_string();
        is_it.then(|| PathBuf::from(message["executable"].as_str().unwrap()))
    });
    program.expect("cargo names the program that it built")
}
