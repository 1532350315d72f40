//! An installation on the emulator of AWS, with a table and a folder of each bucket of its own, and services on it.

use std::sync::Arc;

use bytes::Bytes;
use domain::{Attempt, Clock as _, ManualClock, Region, SystemClock, SystemRandom};
use futures::{StreamExt as _, future, stream};
use host::config::Config;
use host::identity::TokenKeys;
use host::{CertificateKey, Host, Identity, Options, Parts, Secret, Service};
use serde_json::json;
use storage::aws::{Aws, AwsSetup};

use crate::fixture::regions;
use crate::http::{CERTIFICATE_KEY, Case, Centre, Front, InProcess, SECRET, SUBJECT_KEY, Setting};
use crate::ministack::{Ministack, running, table};
use crate::proxy::Proxy;

/// An installation.
pub struct Cloud {
    /// What its services are started with.
    pub setting: Arc<Setting>,
    ministack: &'static Ministack,
    /// The table's name, and the folder's in each bucket.
    name: String,
    endpoint: String,
}

/// How many cases run at once.
const ABREAST: usize = 4;

/// Runs cases, each as a tenant of one gateway on the emulator; tells which of them failed.
///
/// # Panics
/// One of them failed.
pub async fn run(cases: Vec<Case>) {
    let cloud = Cloud::with_tenants(cases.len(), None).await;
    let centre = Centre::gateway(&cloud.setting).await;
    let ran = stream::iter(cases.into_iter().enumerate()).map(|(n, (name, case))| {
        let centre = Centre { tenant: format!("t{n}"), ..centre.clone() };
        async move { tokio::spawn(case(centre)).await.err().map(|_| name) }
    });
    let failed: Vec<_> = ran.buffer_unordered(ABREAST).filter_map(future::ready).collect().await;
    assert!(failed.is_empty(), "{failed:?}");
}

/// The bucket of a region.
fn bucket(region: &Region) -> String {
    format!("voicemail-{region}")
}

impl Cloud {
    /// A fresh one.
    pub async fn new() -> Self {
        Self::at(None).await
    }

    /// A fresh one, whose requests all go through a proxy.
    pub async fn behind_a_proxy() -> (Self, Proxy) {
        let ministack = tokio::task::spawn_blocking(running).await.unwrap();
        let proxy = Proxy::before(ministack.endpoint()).await;
        (Self::at(Some(proxy.endpoint.clone())).await, proxy)
    }

    async fn at(endpoint: Option<String>) -> Self {
        Self::with_tenants(1, endpoint).await
    }

    async fn with_tenants(tenants: usize, endpoint: Option<String>) -> Self {
        let ministack = tokio::task::spawn_blocking(running).await.unwrap();
        let name = format!("i-{}", Attempt::draw(&SystemRandom));
        let endpoint = endpoint.unwrap_or_else(|| ministack.endpoint());
        for region in regions() {
            ministack.make_table(&region, &table(&name));
        }
        let buckets =
            regions().into_iter().map(|region| (region.to_string(), format!("{}/{name}", bucket(&region))));
        let buckets: std::collections::BTreeMap<_, _> = buckets.collect();
        let keys = ministack.setup(String::new()).credentials_file.unwrap();
        let setting = Setting::new(tenants)
            .with("VOICEMAIL_STORAGE", "aws")
            .with("VOICEMAIL_TABLE", &name)
            .with("VOICEMAIL_BUCKETS", &json!(buckets).to_string())
            .with("VOICEMAIL_CERTIFICATE_KEY", CERTIFICATE_KEY)
            .with("AWS_ENDPOINT_URL", &endpoint)
            .with("AWS_SHARED_CREDENTIALS_FILE", &keys.display().to_string())
            .with("AWS_EC2_METADATA_DISABLED", "true");
        Self { setting: Arc::new(setting), ministack, name, endpoint }
    }

    /// Where everything lies.
    pub fn setup(&self) -> AwsSetup {
        let bucket = |region: &Region| format!("{}/{}", bucket(region), self.name).parse().unwrap();
        AwsSetup {
            table: self.name.clone(),
            buckets: regions().into_iter().map(|region| (region.clone(), bucket(&region))).collect(),
            ..self.ministack.setup(self.endpoint.clone())
        }
    }

    /// A service in this process that begins now, and what stands behind its routes.
    pub async fn service(&self) -> (Centre, Host) {
        let lookup = |name: &str| self.setting.environment().get(name).cloned();
        let mut config = Config::from(&lookup).unwrap();
        let clock = Arc::new(ManualClock::at(SystemClock.now()));
        let keys = TokenKeys::Shared(Secret::value(SECRET.as_bytes(), 32).unwrap());
        let identity = Identity::new(config.identity(keys).unwrap());
        let host = Service::new(Parts {
            tenants: config.tenants,
            here: config.here,
            subject_key: SUBJECT_KEY.into(),
            trash_window: config.trash_window,
            erase_after: config.erase_after,
            identity,
            certificate_key: CertificateKey::read(CERTIFICATE_KEY.as_bytes()).unwrap(),
            storage: Arc::new(Aws::open(self.setup()).await.unwrap()),
            clock: Arc::clone(&clock) as _,
            random: Arc::new(SystemRandom),
        });
        let router = host::router(Arc::clone(&host), gateway::routes(), &Options::default());
        let service = InProcess::serving(Arc::clone(&self.setting), clock, router);
        (Centre { front: Front::InProcess(service), tenant: "t0".to_owned() }, host)
    }

    /// The bucket of the master region, and the key of an object of this installation there.
    fn place(&self, key: &str) -> (String, String) {
        (bucket(&"eu-central-1".parse().unwrap()), format!("{}/{key}", self.name))
    }

    /// Drops a recording in the master region, as a platform does: facts are written `name=value`.
    pub async fn drop(&self, key: &str, facts: &[(&str, &str)], bytes: Bytes) {
        let (bucket, key) = self.place(&format!("incoming/{key}"));
        let names: Vec<_> = facts.iter().map(|(name, _)| format!("x-amz-meta-{name}")).collect();
        let facts = names.iter().zip(facts).map(|(name, (_, value))| (name.as_str(), *value));
        self.ministack.put_object(&bucket, &key, &facts.collect::<Vec<_>>(), bytes).await;
    }

    /// The event that tells of it, as S3 writes it: the key URL-encoded, with `+` for a space.
    pub fn event(&self, key: &str) -> serde_json::Value {
        let (bucket, key) = self.place(&format!("incoming/{key}"));
        let key = percent_encoding::utf8_percent_encode(&key, percent_encoding::NON_ALPHANUMERIC);
        let key = key.to_string().replace("%20", "+");
        json!({"Records": [{"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
            "awsRegion": "eu-central-1", "s3": {"bucket": {"name": bucket}, "object": {"key": key}}}]})
    }

    /// The drop that an object is.
    pub fn key(&self, host: &Host, key: &str) -> storage::DropKey {
        let (bucket, key) = self.place(&format!("incoming/{key}"));
        host.drop_key(&bucket, &key).expect("a drop of a tenant")
    }

    /// What lies below a folder in the master region's bucket, by key.
    pub async fn objects(&self, folder: &str) -> Vec<String> {
        let (bucket, folder) = self.place(folder);
        let objects = self.ministack.objects(&bucket, &folder).await;
        let own = format!("{}/", self.name);
        objects.iter().map(|object| object.strip_prefix(&own).unwrap().to_owned()).collect()
    }

    /// Why a drop was rejected.
    pub async fn reason(&self, key: &str) -> Option<String> {
        let (bucket, key) = self.place(&format!("rejected/{key}"));
        let (facts, _) = self.ministack.object(&bucket, &key).await?;
        Some(facts["rejected-because"].clone())
    }
}
