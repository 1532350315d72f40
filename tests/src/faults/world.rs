//! A service in this process, on a storage of its own, which storage is counted and can be broken.

use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Router;
use domain::{Clock as _, ManualClock, Region, SeededRandom, Tenant, Timestamp};
use host::config::Config;
use host::{App, AppSetup, CertificateKey, Options};
use identity::Identity;
use storage::{Storage, TenantStorage};

use super::breaker::{Breaker, Level, Made, Plan};
use super::folder::Folder;
use super::ground::Ground;
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
static ROUTES: LazyLock<Router<Arc<App>>> = LazyLock::new(|| gateway::routes().into());

/// The master region of the tenant.
pub fn master() -> Region {
    "eu-central-1".parse().unwrap()
}

/// The regions of the tenant, the master first.
pub fn regions() -> [Region; 2] {
    [master(), "us-east-1".parse().unwrap()]
}

/// A service and what it lies on.
pub struct World {
    /// Those who send requests.
    pub centre: Centre,
    /// What a preparation remembers for the operation: ids of messages.
    pub ids: Vec<String>,
    /// What breaks the calls of its storage, and what breaks the steps below.
    breakers: [Arc<Breaker>; 2],
    /// The same storage, which nothing breaks and nobody counts.
    pub storage: TenantStorage,
    pub(super) ground: Arc<dyn Ground>,
    clock: Arc<ManualClock>,
    /// How many processes it has seen.
    processes: u64,
}

/// Gives a service its storage behind the breaker of calls. Of other tenants nobody asks anything.
struct Breakable(TenantStorage);

impl Storage for Breakable {
    fn tenant(&self, _: &Tenant) -> TenantStorage {
        self.0.clone()
    }
}

impl World {
    /// A group's mailbox of which Alice is a member, and nothing else, at this time, in files.
    pub async fn new(now: Timestamp) -> Self {
        Self::on(&Folder::default(), now).await
    }

    /// The same on something of this kind.
    pub async fn on(ground: &dyn Ground, now: Timestamp) -> Self {
        let world = Self::process(ground.fresh().await, now, 1).await;
        let admin = world.admin();
        let members = serde_json::json!({"members": ["alice", "bob"]});
        admin.put(&format!("/v1/groups/{GROUP}")).json(members).await.is(201);
        admin.put(MAILBOX).json(serde_json::json!({"kind": "group", "group": GROUP})).await.is(201);
        world
    }

    /// Nothing at all, at this time, in files.
    pub async fn empty(now: Timestamp) -> Self {
        Self::process(Arc::new(Folder::default()), now, 1).await
    }

    /// The same contents at the same time under a fresh process. Every copy of a world draws the same ids.
    pub async fn copy(&self) -> Self {
        let world = Self::process(self.ground.copy().await, self.now(), self.processes + 1).await;
        Self { ids: self.ids.clone(), ..world }
    }

    /// The same contents under a fresh process, as after the death of the first.
    pub async fn reopened(self) -> Self {
        let now = self.now();
        Self { ids: self.ids, ..Self::process(self.ground, now, self.processes + 1).await }
    }

    async fn process(ground: Arc<dyn Ground>, now: Timestamp, processes: u64) -> Self {
        let config = Config::from(&|name| SETTING.environment().get(name).cloned()).unwrap();
        let clock = Arc::new(ManualClock::at(now));
        let [calls, steps] = [(); 2].map(|()| Arc::new(Breaker::default()));
        let [storage, broken] = ground.open(&config, &steps).await;
        let app = App::new(AppSetup {
            tenants: config.tenants,
            here: config.here,
            subject_key: SUBJECT_KEY.into(),
            trash_window: config.trash_window,
            erase_after: config.erase_after,
            identity: Identity::new(None, config.users),
            certificate_key: CertificateKey::read(CERTIFICATE_KEY.as_bytes()).unwrap(),
            storage: Arc::new(Breakable(calls.wrap(&broken))),
            clock: Arc::clone(&clock) as _,
            random: Arc::new(SeededRandom::new(processes)),
        });
        let router = host::router(app, ROUTES.clone().into(), &Options::default());
        let service = InProcess::serving(Arc::clone(&SETTING), Arc::clone(&clock), router);
        let centre = Centre { front: Front::InProcess(service), tenant: TENANT.to_owned() };
        Self { centre, ids: Vec::new(), breakers: [calls, steps], storage, ground, clock, processes }
    }

    /// The folder of its files.
    pub fn root(&self) -> &Path {
        self.ground.root()
    }

    /// Its time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets time pass, for what is told by its age, too.
    pub fn pass(&self, time: Duration) {
        self.clock.advance(time);
        self.ground.age(time);
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

    /// Deposits a call, which must be created, and remembers its id.
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
