//! The two ways to the service: a router in this process, and the gateway over a socket.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, Uri};
use bytes::Bytes;
use domain::{Clock as _, ManualClock, SeededRandom, SystemClock, Timestamp};
use host::config::Config;
use host::{Host, Identity, Options, Parts, Secret, Service};
use http_body_util::BodyExt as _;
use storage::fs::{Fs, Setup};
use tower::ServiceExt as _;

use super::gateway::Gateway;
use super::setting::{SECRET, Setting};

/// No answer takes longer.
const PATIENCE: Duration = Duration::from_mins(1);

/// Where requests go.
#[derive(Clone)]
pub enum Front {
    /// A router in this process, whose clock stands until it is moved.
    InProcess(InProcess),
    /// The gateway.
    Socket {
        /// The process.
        gateway: Arc<Gateway>,
        /// A client of this case alone.
        client: reqwest::Client,
    },
}

/// A service in this process.
#[derive(Clone)]
pub struct InProcess {
    setting: Arc<Setting>,
    clock: Arc<ManualClock>,
    router: Router,
    host: Host,
}

impl InProcess {
    /// A service with this setting, at this time.
    pub async fn start(setting: Arc<Setting>, clock: Arc<ManualClock>) -> Self {
        // Each draws other ids, as two processes do, and the same in each run.
        static SEED: AtomicU64 = AtomicU64::new(1);
        let mut config = Config::from(&|name| setting.environment().get(name).cloned()).unwrap();
        let setup = if config.set_up { Setup::Auto } else { Setup::Never };
        let regions: BTreeSet<_> = config.regions();
        let storage = Fs::open(&config.data, setup, &regions).await.unwrap();
        let secret = Secret::value(SECRET.as_bytes(), SECRET.len()).unwrap();
        let identity = Identity::new(config.identity(secret).unwrap());
        let host = Service::new(Parts {
            subject_key: config.subject_key.unwrap().reveal().to_vec(),
            tenants: config.tenants,
            here: config.here,
            trash_window: config.trash_window,
            identity,
            storage: Arc::new(storage),
            clock: Arc::clone(&clock) as _,
            random: Arc::new(SeededRandom::new(SEED.fetch_add(1, Ordering::Relaxed))),
        });
        let options =
            Options { max_requests: config.max_requests, origins: config.origins, ..Options::default() };
        let router = host::router(Arc::clone(&host), gateway::routes(), &options);
        Self { setting, clock, router, host }
    }

    /// Another service on the same folder, with the same clock.
    pub async fn beside(&self) -> Self {
        Self::start(Arc::clone(&self.setting), Arc::clone(&self.clock)).await
    }

    /// Its clock.
    pub fn clock(&self) -> &ManualClock {
        &self.clock
    }

    /// Its service.
    pub fn host(&self) -> &Host {
        &self.host
    }
}

impl Front {
    /// A socket to this gateway.
    pub fn to(gateway: Arc<Gateway>) -> Self {
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        Self::Socket { gateway, client: client.timeout(PATIENCE).build().unwrap() }
    }

    /// Sends a request and gives the whole answer.
    pub async fn send(&self, mut request: Request<Bytes>) -> Response<Bytes> {
        match self {
            Self::InProcess(InProcess { router, .. }) => {
                let response = router.clone().oneshot(request.map(Body::from)).await.unwrap();
                let (parts, body) = response.into_parts();
                Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
            }
            Self::Socket { gateway, client } => {
                let uri: Uri = format!("http://{}{}", gateway.address, request.uri()).parse().unwrap();
                *request.uri_mut() = uri;
                let response = client.execute(request.try_into().unwrap()).await.unwrap();
                let (status, headers) = (response.status(), response.headers().clone());
                let mut answer = Response::new(response.bytes().await.unwrap());
                (*answer.status_mut(), *answer.headers_mut()) = (status, headers);
                answer
            }
        }
    }

    /// The service's time.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::InProcess(service) => service.clock.now(),
            Self::Socket { .. } => SystemClock.now(),
        }
    }

    /// The folder of its storage.
    pub fn data(&self) -> PathBuf {
        match self {
            Self::InProcess(service) => service.setting.data(),
            Self::Socket { gateway, .. } => gateway.setting.data(),
        }
    }
}
