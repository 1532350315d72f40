//! A service in this process, on a folder of its own, whose calls of the storage are counted and can be broken.

use std::path::Path;
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use domain::{Clock as _, ManualClock, SeededRandom, Tenant, Timestamp};
use host::config::Config;
use host::identity;
use host::{CertificateKey, Identity, Options, Parts, Service};
use storage::fs::{Fs, Setup};
use storage::{Storage, TenantStorage};
use tempfile::TempDir;

use super::breaker::{Breaker, Plan};
use crate::counting::{self, Counter};
use crate::http::{Answer, Call, Centre, Front, InProcess, PASSWORD, Person, Setting};

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

/// A service and its folder.
pub struct World {
    /// Those who send requests.
    pub centre: Centre,
    /// What a preparation remembers for the operation: ids of messages.
    pub ids: Vec<String>,
    /// What breaks the service's calls.
    pub breaker: Arc<Breaker>,
    /// What counts them, broken ones too.
    pub counter: Counter,
    /// The same storage, which nothing breaks and nobody counts.
    pub storage: TenantStorage,
    folder: TempDir,
    clock: Arc<ManualClock>,
    /// How many processes the folder has seen.
    processes: u64,
}

/// Gives a service its storage behind the counter and the breaker.
struct Breakable {
    fs: Fs,
    breaker: Arc<Breaker>,
    counter: OnceLock<Counter>,
}

impl Storage for Breakable {
    fn tenant(&self, tenant: &Tenant) -> TenantStorage {
        let storage = self.fs.tenant(tenant);
        if tenant.id.as_str() != TENANT {
            return storage;
        }
        let (storage, counter) = counting::wrap(&self.breaker.wrap(&storage));
        assert!(self.counter.set(counter).is_ok(), "a tenant is opened once");
        storage
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

    async fn on(folder: TempDir, now: Timestamp, processes: u64) -> Self {
        let config = Config::from(&|name| SETTING.environment().get(name).cloned()).unwrap();
        let clock = Arc::new(ManualClock::at(now));
        let fs = Fs::open(folder.path(), Setup::Auto, &config.regions()).await.unwrap();
        let tenant = config.tenants.iter().find(|tenant| tenant.id.as_str() == TENANT).unwrap();
        let storage = fs.tenant(tenant);
        let breaker = Arc::new(Breaker::default());
        let breakable = Arc::new(Breakable { fs, breaker: Arc::clone(&breaker), counter: OnceLock::new() });
        let service = Service::new(Parts {
            tenants: config.tenants,
            here: config.here,
            subject_key: b"a subject key for tests alone, 32 bytes+".to_vec(),
            trash_window: config.trash_window,
            identity: Identity::new(identity::Settings { users: config.users, ..Default::default() }),
            certificate_key: certificate_key(),
            storage: Arc::clone(&breakable) as _,
            clock: Arc::clone(&clock) as _,
            random: Arc::new(SeededRandom::new(processes)),
        });
        let router = host::router(service, gateway::routes(), &Options::default());
        let service = InProcess::serving(Arc::clone(&SETTING), Arc::clone(&clock), router);
        let centre = Centre { front: Front::InProcess(service), tenant: TENANT.to_owned() };
        let counter = breakable.counter.get().unwrap().clone();
        Self { centre, ids: Vec::new(), breaker, counter, storage, folder, clock, processes }
    }

    /// The root of its storage.
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Its time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets time pass.
    pub fn pass(&self, time: Duration) {
        self.clock.advance(time);
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

    /// Arms the breaker and begins to count.
    pub fn breaking(&self, plan: Plan) {
        self.counter.take();
        self.breaker.arm(plan);
    }

    /// Breaks nothing any more; the calls since it was armed.
    pub fn healed(&self) -> Vec<&'static str> {
        self.breaker.arm(Plan::default());
        self.counter.take().calls
    }
}

/// A key for tests alone (RFC 8410), as PKCS#8.
fn certificate_key() -> CertificateKey {
    let head = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    let seed = [7; 32];
    let text = BASE64_STANDARD.encode([head.as_slice(), &seed].concat());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
    CertificateKey::read(pem.as_bytes()).unwrap()
}

/// In memory where the machine has such a folder: what is proved here is the order of calls, not that a disk keeps.
fn fresh_folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    TempDir::new_in(memory).or_else(|_| TempDir::new()).unwrap()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
