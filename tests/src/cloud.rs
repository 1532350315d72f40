//! An installation on the emulator of a cloud, with a table, buckets or containers of its own, and services on it.

#[cfg(feature = "aws")]
mod aws;
#[cfg(feature = "azure")]
mod azure;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::{Clock as _, ManualClock, Region, SystemClock, SystemRandom};
use futures::{StreamExt as _, future, stream};
use host::config::Config;
use host::{App, AppSetup, CertificateKey, Options};
use identity::{Secret, TokenKeys};
use serde_json::Value;
use storage::{DropKey, Storage};

#[cfg(feature = "aws")]
pub use self::aws::AWS;
#[cfg(feature = "azure")]
pub use self::azure::{AZURE, AzurePlace};
use crate::faults::Contents;
use crate::http::{CERTIFICATE_KEY, Case, Centre, Front, InProcess, SECRET, SUBJECT_KEY, Setting};
use crate::proxy::{Proxy, Weather};

/// A cloud, as its emulator shows it.
#[derive(Clone, Copy)]
pub struct Emulated {
    /// Starts the emulator, unless it runs; its address.
    endpoint: fn() -> String,
    /// A fresh place on it, asked at this address.
    place: fn(String) -> Arc<dyn Place>,
}

/// Where an installation lies, and what is said there in other words than elsewhere. An object is a blob on Azure.
#[async_trait]
pub trait Place: Send + Sync {
    /// What tells services of it.
    fn environment(&self) -> Vec<(&'static str, String)>;
    /// The storage that it is.
    async fn storage(&self) -> Arc<dyn Storage>;

    /// Puts an object in the master region as a platform does, with facts as metadata.
    async fn put(&self, object: &str, facts: &[(&str, &str)], bytes: Bytes);
    /// What lies below a folder in the master region, by name.
    async fn objects(&self, folder: &str) -> Vec<String>;
    /// The metadata of an object of the master region.
    async fn metadata(&self, object: &str) -> Option<BTreeMap<String, String>>;
    /// The bucket and the key of an object of the master region, as an event tells them.
    fn named(&self, object: &str) -> (String, String);
    /// The folder of a tenant's recordings.
    fn recordings(&self, tenant: &str) -> String;

    /// Starts what the cloud runs: a function of AWS Lambda that has all routes, a custom handler of Azure Functions.
    async fn process(&self, setting: &Arc<Setting>) -> Centre;
    /// Starts what events and a schedule reach.
    async fn function(&self, setting: &Arc<Setting>) -> Box<dyn Function>;
    /// An event that tells of objects, each by its bucket and its key.
    fn event(&self, objects: &[(String, String)]) -> Value;
    /// What is no such event, and tells of +49301234567.
    fn no_events(&self) -> Vec<Value>;

    /// All that is stored, in every region.
    async fn contents(&self) -> Contents;
    /// What a request to this target is about, and in which region.
    fn part(&self, request: &str, target: &str) -> (Region, Part);
    /// Whether a request to this target is such a step.
    fn is(&self, step: Step, request: &str, target: &str) -> bool;
    /// How long a link still plays.
    fn life(&self, link: &str) -> Duration;
    /// The same link, but for its end, which is later.
    fn prolonged(&self, link: &str) -> String;
}

/// What a cloud invokes; an error fails the invocation.
#[async_trait]
pub trait Function: Send + Sync {
    /// With an event of drops.
    async fn dropped(&self, event: &Value) -> Result<(), String>;
    /// On a schedule.
    async fn scheduled(&self) -> Result<(), String>;
    /// How it says that the storage is away.
    fn without_storage(&self) -> &'static str;
}

/// A request to the storage, of which a drop takes several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// What was dropped.
    Look,
    /// Its bytes.
    Read,
    /// The recording of the message.
    Put,
    /// The commit of the message.
    Insert,
    /// What the mailbox holds.
    Count,
    /// The drop is taken away.
    TakeAway,
}

/// What a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Whether a region's recordings answer; where one place has these and the metadata, that answers for both.
    Ping,
    /// Recordings.
    Recordings,
    /// Everything else.
    Metadata,
}

/// An installation.
pub struct Cloud {
    /// What its services are started with.
    pub setting: Arc<Setting>,
    /// Where it lies.
    pub place: Arc<dyn Place>,
}

/// How many cases run at once.
const ABREAST: usize = 4;

/// Runs cases, each as a tenant of one gateway on the emulator; tells which of them failed.
///
/// # Panics
/// One of them failed.
pub async fn run(on: Emulated, cases: Vec<Case>) {
    let place = (on.place)(on.start().await);
    let cloud = Cloud::with_tenants(cases.len(), place);
    let centre = Centre::gateway(&cloud.setting).await;
    let ran = stream::iter(cases.into_iter().enumerate()).map(|(n, (name, case))| {
        let centre = Centre { tenant: format!("t{n}"), ..centre.clone() };
        async move { tokio::spawn(case(centre)).await.err().map(|_| name) }
    });
    let failed: Vec<_> = ran.buffer_unordered(ABREAST).filter_map(future::ready).collect().await;
    assert!(failed.is_empty(), "{failed:?}");
}

/// Makes a test of each case of a module, on a cloud.
#[macro_export]
macro_rules! each {
    ($on:expr, $suite:ident: $($case:ident),+ $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() { $crate::$suite::$case($on).await; })+
    };
}

impl Emulated {
    async fn start(self) -> String {
        tokio::task::spawn_blocking(self.endpoint).await.unwrap()
    }
}

impl Cloud {
    /// A fresh one.
    pub async fn new(on: Emulated) -> Self {
        Self::at((on.place)(on.start().await))
    }

    /// A fresh one, whose requests all go through a proxy.
    pub async fn behind_a_proxy(on: Emulated) -> (Self, Proxy) {
        let proxy = Proxy::before(on.start().await).await;
        (Self::at((on.place)(proxy.endpoint.clone())), proxy)
    }

    /// One at a place.
    pub fn at(place: Arc<dyn Place>) -> Self {
        Self::with_tenants(1, place)
    }

    fn with_tenants(tenants: usize, place: Arc<dyn Place>) -> Self {
        let setting = Setting::new(tenants).with("VOICEMAIL_CERTIFICATE_KEY", CERTIFICATE_KEY);
        let variables = place.environment().into_iter();
        let setting = variables.fold(setting, |setting, (name, value)| setting.with(name, &value));
        Self { setting: Arc::new(setting), place }
    }

    /// A service in this process that begins now, and what stands behind its routes.
    pub async fn service(&self) -> (Centre, Arc<App>) {
        self.service_with(&[], &Arc::new(ManualClock::at(SystemClock.now()))).await
    }

    /// The same with variables that differ, and by this clock.
    pub async fn service_with(&self, more: &[(&str, &str)], clock: &Arc<ManualClock>) -> (Centre, Arc<App>) {
        let lookup = |name: &str| {
            let differs = more.iter().find(|(other, _)| *other == name);
            let own = || self.setting.environment().get(name).cloned();
            differs.map(|(_, value)| (*value).to_owned()).or_else(own)
        };
        let mut config = Config::from(&lookup).unwrap();
        let keys = TokenKeys::Shared(Secret::value(SECRET.as_bytes(), 32).unwrap());
        let identity = config.identity(keys).unwrap();
        let app = App::new(AppSetup {
            tenants: config.tenants,
            here: config.here,
            subject_key: SUBJECT_KEY.into(),
            trash_window: config.trash_window,
            erase_after: config.erase_after,
            identity,
            certificate_key: CertificateKey::read(CERTIFICATE_KEY.as_bytes()).unwrap(),
            storage: self.place.storage().await,
            clock: Arc::clone(clock) as _,
            random: Arc::new(SystemRandom),
        });
        let router = host::router(Arc::clone(&app), gateway::routes(), &Options::default());
        let service = InProcess::serving(Arc::clone(&self.setting), Arc::clone(clock), router);
        (Centre { front: Front::InProcess(service), tenant: "t0".to_owned() }, app)
    }

    /// Drops a recording in the master region, as a platform does.
    pub async fn drop(&self, key: &str, facts: &[(&str, &str)], bytes: Bytes) {
        self.place.put(&format!("incoming/{key}"), facts, bytes).await;
    }

    /// Where a drop lies, as an event tells it.
    pub fn dropped_at(&self, key: &str) -> (String, String) {
        self.place.named(&format!("incoming/{key}"))
    }

    /// The event that tells of a drop.
    pub fn event(&self, key: &str) -> Value {
        self.place.event(&[self.dropped_at(key)])
    }

    /// The drop that an object is.
    pub fn key(&self, app: &App, key: &str) -> DropKey {
        let (bucket, key) = self.dropped_at(key);
        app.drop_key(&bucket, &key).expect("a drop of a tenant")
    }

    /// What lies below a folder in the master region, by name.
    pub async fn objects(&self, folder: &str) -> Vec<String> {
        self.place.objects(folder).await
    }

    /// The recordings of the tenant's messages in the master region, by name.
    pub async fn recordings(&self) -> Vec<String> {
        self.place.objects(&self.place.recordings("t0")).await
    }

    /// Why a drop was rejected.
    pub async fn reason(&self, key: &str) -> Option<String> {
        let metadata = self.place.metadata(&format!("rejected/{key}")).await?;
        Some(metadata["rejected-because"].clone())
    }

    /// Such a step fails from now on, whatever it is about, and no other does.
    pub fn fails(&self, proxy: &Proxy, step: Step) {
        let place = Arc::clone(&self.place);
        proxy.forecast_of(
            move |request, target| {
                if place.is(step, request, target) { Weather::Failing } else { Weather::Fair }
            },
        );
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_case_is_in_a_list() {
        let suites = [
            (include_str!("by_drop.rs"), include_str!("by_drop/drops.rs")),
            (include_str!("by_drop.rs"), include_str!("by_drop/links.rs")),
            (include_str!("regions.rs"), include_str!("regions/lost.rs")),
            (include_str!("regions.rs"), include_str!("regions/whole.rs")),
            (include_str!("together.rs"), include_str!("together.rs")),
            (include_str!("triggers.rs"), include_str!("triggers.rs")),
        ];
        for (list, text) in suites {
            for case in text.lines().filter_map(|line| line.strip_prefix("pub async fn ")) {
                let case = case.split('(').next().unwrap();
                assert!(list.contains(&format!("            {case},\n")), "{case}");
            }
        }
    }
}
