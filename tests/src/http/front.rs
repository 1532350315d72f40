//! The ways to the service: a router in this process, the gateway over a socket, and functions of AWS Lambda.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, Uri};
use bytes::Bytes;
use domain::{Clock as _, ManualClock, SeededRandom, SystemClock, Timestamp};
use host::Options;
use host::config::Config;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::functions_host::from_outside;
use super::gateway::Gateway;
use super::lambda::Lambda;
use super::setting::Setting;

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
    /// Functions of AWS Lambda.
    Lambda(Arc<Lambda>),
}

/// A service in this process.
#[derive(Clone)]
pub struct InProcess {
    setting: Arc<Setting>,
    clock: Arc<ManualClock>,
    router: Router,
}

impl InProcess {
    /// A service with this setting, at this time.
    pub async fn start(setting: Arc<Setting>, clock: Arc<ManualClock>) -> Self {
        let environment = Arc::clone(&setting);
        Self::with(setting, clock, &|name| environment.environment().get(name).cloned()).await
    }

    async fn with(
        setting: Arc<Setting>,
        clock: Arc<ManualClock>,
        variable: &(dyn Fn(&str) -> Option<String> + Sync),
    ) -> Self {
        // Each draws other ids, as two processes do, and the same in each run.
        static SEED: AtomicU64 = AtomicU64::new(1);
        let config = Config::from(&variable).unwrap();
        let options = Options {
            max_requests: config.max_requests,
            origins: config.origins.clone(),
            ..Options::default()
        };
        let random = SeededRandom::new(SEED.fetch_add(1, Ordering::Relaxed));
        let app = host::open(config, Arc::clone(&clock) as _, Arc::new(random)).await.unwrap();
        let router = host::router(app, gateway::routes(), &options);
        Self { setting, clock, router }
    }

    /// A service that was put together elsewhere, at this time.
    pub fn serving(setting: Arc<Setting>, clock: Arc<ManualClock>, router: Router) -> Self {
        Self { setting, clock, router }
    }

    /// Another service on the same folder, with the same clock.
    pub async fn beside(&self) -> Self {
        Self::start(Arc::clone(&self.setting), Arc::clone(&self.clock)).await
    }

    /// The same with one variable that differs.
    pub async fn beside_with(&self, name: &str, value: &str) -> Self {
        let config = |asked: &str| match self.setting.environment().get(asked) {
            _ if asked == name => Some(value.to_owned()),
            own => own.cloned(),
        };
        Self::with(Arc::clone(&self.setting), Arc::clone(&self.clock), &config).await
    }

    /// Sends a request, whose body may come piece by piece.
    pub async fn send(&self, request: Request<Body>) -> Response<Bytes> {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
    }

    /// Its clock.
    pub fn clock(&self) -> &ManualClock {
        &self.clock
    }
}

impl Front {
    /// A socket to this gateway.
    pub fn to(gateway: Arc<Gateway>) -> Self {
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        Self::Socket { gateway, client: client.timeout(PATIENCE).build().unwrap() }
    }

    /// Sends a request and gives the whole answer.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn send(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, reqwest::Error> {
        match self {
            Self::InProcess(service) => Ok(service.send(request.map(Body::from)).await),
            Self::Lambda(lambda) => Ok(lambda.send(request).await),
            Self::Socket { gateway, client } => {
                let uri: Uri = format!("http://{}{}", gateway.address, request.uri()).parse().unwrap();
                *request.uri_mut() = uri;
                if gateway.setting.is_custom_handler() {
                    from_outside(&mut request);
                }
                let response = client.execute(request.try_into().unwrap()).await?;
                let (status, headers) = (response.status(), response.headers().clone());
                let mut answer = Response::new(response.bytes().await?);
                (*answer.status_mut(), *answer.headers_mut()) = (status, headers);
                Ok(answer)
            }
        }
    }

    /// The service's time.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::InProcess(service) => service.clock.now(),
            Self::Socket { .. } | Self::Lambda(_) => SystemClock.now(),
        }
    }

    /// The folder of its storage.
    pub fn data(&self) -> PathBuf {
        match self {
            Self::InProcess(service) => service.setting.data(),
            Self::Socket { gateway, .. } => gateway.setting.data(),
            Self::Lambda(lambda) => lambda.setting.data(),
        }
    }
}
