//! A service in this process, on a folder of its own, whose storage is counted and can be broken.

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Router;
use domain::{Clock as _, ManualClock, SeededRandom, Tenant, Timestamp};
use host::config::Config;
use host::identity;
use host::{CertificateKey, Host, Identity, Options, Parts, Service};
use storage::fs::{Fs, Setup};
use storage::{Storage, TenantStorage};
use tempfile::TempDir;

use super::breaker::{Breaker, Level, Made, Plan};
use super::view::snapshot;
use crate::http::{
    Answer, CERTIFICATE_KEY, Call, Centre, Front, InProcess, PASSWORD, Person, SUBJECT_KEY, Setting,
};

/// The tenant of every world.
pub const TENANT: &str = "t0";
/// The mailbox that is there, a group's.
pub const MAILBOX: &str = "100";
/// One that operations make.
pub const OTHER: &str = "300";
/// The group.
pub const GROUP: &str = "support";

/// The tenants and users of every world.
static SETTING: LazyLock<Arc<Setting>> = LazyLock::new(|| Arc::new(Setting::new(1)));

/// The routes, made once: their document, which nobody asks for here, takes longer than most requests.
static ROUTES: LazyLock<Router<Host>> = LazyLock::new(|| gateway::routes().into());

/// A service and its folder.
pub struct World {
    /// Those who send requests.
    pub centre: Centre,
    /// What a preparation remembers for the operation: ids of messages.
    pub ids: Vec<String>,
    /// What breaks the calls of its storage, and what breaks the steps below.
    breakers: [Arc<Breaker>; 2],
    /// The same storage, which nothing breaks and nobody counts.
    pub storage: TenantStorage,
    folder: TempDir,
    clock: Arc<ManualClock>,
    /// How many processes the folder has seen.
    processes: u64,
}

/// Gives a service its storage behind the breaker of calls.
struct Breakable {
    fs: Fs,
    calls: Arc<Breaker>,
}

impl Storage for Breakable {
    fn tenant(&self, tenant: &Tenant) -> TenantStorage {
        let storage = self.fs.tenant(tenant);
        if tenant.id.as_str() == TENANT { self.calls.wrap(&storage) } else { storage }
    }
}

impl World {
    /// A group's mailbox of which Alice is a member, and nothing else, at this time.
    pub async fn new(now: Timestamp) -> Self {
        let world = Self::empty(now).await;
        let admin = world.admin();
        let members = serde_json::json!({"members": ["alice", "bob"]});
        admin.put(&format!("/v1/groups/{GROUP}")).json(members).await.is(201);
        admin.put(MAILBOX).json(serde_json::json!({"kind": "group", "group": GROUP})).await.is(201);
        world
    }

    /// Nothing at all, at this time.
    pub async fn empty(now: Timestamp) -> Self {
        Self::on(fresh_folder(), now, 1).await
    }

    /// The same files at the same time under a fresh process. Every copy of a world draws the same ids.
    pub async fn copy(&self) -> Self {
        let folder = fresh_folder();
        copy(self.folder.path(), folder.path());
        let world = Self::on(folder, self.now(), self.processes + 1).await;
        Self { ids: self.ids.clone(), ..world }
    }

    /// The same folder under a fresh process, as after the death of the first.
    pub async fn reopened(self) -> Self {
        let now = self.now();
        Self { ids: self.ids, ..Self::on(self.folder, now, self.processes + 1).await }
    }

    async fn on(folder: TempDir, now: Timestamp, processes: u64) -> Self {
        let config = Config::from(&|name| SETTING.environment().get(name).cloned()).unwrap();
        let clock = Arc::new(ManualClock::at(now));
        let fs = Fs::open(folder.path(), Setup::Auto, &config.regions()).await.unwrap();
        let tenant = config.tenants.iter().find(|tenant| tenant.id.as_str() == TENANT).unwrap();
        let storage = fs.tenant(tenant);
        let [calls, steps] = [(); 2].map(|()| Arc::new(Breaker::default()));
        let breakable = Breakable { fs: fs.broken_by(Arc::clone(&steps) as _), calls: Arc::clone(&calls) };
        let service = Service::new(Parts {
            tenants: config.tenants,
            here: config.here,
            subject_key: SUBJECT_KEY.into(),
            trash_window: config.trash_window,
            identity: Identity::new(identity::Settings { users: config.users, ..Default::default() }),
            certificate_key: CertificateKey::read(CERTIFICATE_KEY.as_bytes()).unwrap(),
            storage: Arc::new(breakable),
            clock: Arc::clone(&clock) as _,
            random: Arc::new(SeededRandom::new(processes)),
        });
        let router = host::router(service, ROUTES.clone().into(), &Options::default());
        let service = InProcess::serving(Arc::clone(&SETTING), Arc::clone(&clock), router);
        let centre = Centre { front: Front::InProcess(service), tenant: TENANT.to_owned() };
        Self { centre, ids: Vec::new(), breakers: [calls, steps], storage, folder, clock, processes }
    }

    /// The root of its storage.
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Its time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets time pass, for files that are told by their age, too.
    pub fn pass(&self, time: Duration) {
        self.clock.advance(time);
        for path in snapshot(self).into_iter().filter(|path| is_told_by_age(path)) {
            let file = File::options().write(true).open(path).unwrap();
            file.set_modified(file.metadata().unwrap().modified().unwrap() - time).unwrap();
        }
    }

    /// Lets time pass until then.
    pub fn pass_until(&self, then: Timestamp) {
        self.pass(then.since(self.now()));
    }

    /// An agent, of the group as its members tell.
    pub fn alice(&self) -> Person {
        self.centre.password("alice", PASSWORD)
    }

    /// An administrator.
    pub fn admin(&self) -> Person {
        self.centre.password("admin", PASSWORD)
    }

    /// The telephony platform.
    pub fn platform(&self) -> Person {
        self.centre.password("platform", PASSWORD)
    }

    /// Deposits a call, which must be born, and remembers its id.
    pub async fn deposited(&mut self, call: &Call) {
        let message = self.platform().deposit(MAILBOX, call).await.is(201).json();
        self.ids.push(crate::http::id(&message));
    }

    /// The path of the first message that was remembered.
    pub fn first(&self) -> String {
        format!("{MAILBOX}/messages/{}", self.ids[0])
    }

    /// One sweep.
    pub async fn sweep(&self) -> Answer {
        self.centre.password("dpo", PASSWORD).post("/v1/gdpr/sweep").await
    }

    /// One sweep that nothing breaks.
    pub async fn swept(&self) {
        let swept = self.sweep().await.is(200).json();
        assert_eq!(swept["failed"], 0, "a sweep that nothing breaks fails at nothing: {swept}");
    }

    /// Counts the calls of the storage from here on and breaks them by this plan.
    pub fn breaking(&self, plan: Plan) {
        self.breaking_at(Level::Calls, plan);
    }

    /// Breaks nothing any more; the calls since then.
    pub fn healed(&self) -> Vec<String> {
        self.healed_at(Level::Calls).into_iter().map(|made| made.name).collect()
    }

    /// Counts from here on, and breaks by this plan.
    pub fn breaking_at(&self, level: Level, plan: Plan) {
        self.breakers[level as usize].arm(plan);
    }

    /// Breaks nothing any more; what was made since then.
    pub fn healed_at(&self, level: Level) -> Vec<Made> {
        self.breakers[level as usize].arm(Plan::default())
    }
}

/// In memory where the machine has such a folder: what is proved here is the order of calls, not that a disk keeps.
fn fresh_folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    TempDir::new_in(memory).or_else(|_| TempDir::new()).unwrap()
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
