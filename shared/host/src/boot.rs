//! From the environment to a service that answers.

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::BoxError;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::{Clock, Random, SystemClock, SystemRandom};
use identity::{Secret, TokenKeys};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use web::{causes, random};

use crate::app::{App, AppSetup};
use crate::certificate_key::CertificateKey;
use crate::config::{Config, ConfigFault, ConfigFaults};
use crate::function::{Function, StartContext};
use crate::key_check::KeyCheck;
#[cfg(feature = "aws")]
use crate::lambda;
use crate::metrics::Metrics;
use crate::router::{Options, router};
use crate::storage_use::StorageUse;
use crate::{custom_handler, log, server};

/// The `main` of every program: reads the environment, opens the storage, serves until it is told to stop (SIGTERM or
/// SIGINT), and lets the requests under way end.
pub fn run(function: Function) -> ExitCode {
    log::start();
    let served = match runtime() {
        Ok(runtime) => {
            let served = runtime.block_on(serve(function));
            runtime.shutdown_timeout(Duration::from_secs(2));
            served
        }
        Err(error) => Err(error.into()),
    };
    let Err(error) = served else { return ExitCode::SUCCESS };
    let Some(ConfigFaults(faults)) = error.downcast_ref() else {
        tracing::error!(error = causes(error.as_ref()), "the service cannot run");
        return ExitCode::FAILURE;
    };
    for ConfigFault { variable, detail } in faults {
        tracing::error!(variable, detail, "the configuration cannot be used");
    }
    ExitCode::FAILURE
}

/// On Lambda one thread: a function has one request at a time and mostly less than one processor, and a sixth of a warm
/// answer's work was to wake another.
fn runtime() -> std::io::Result<Runtime> {
    #[cfg(feature = "aws")]
    if lambda::is_on_lambda() {
        return tokio::runtime::Builder::new_current_thread().enable_all().build();
    }
    Runtime::new()
}

async fn serve(function: Function) -> Result<(), BoxError> {
    // First of all: where this is process 1 of a container, a signal that nobody listens to is dropped.
    let mut signals = Signals::listen()?;
    for name in Config::unknown(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok())) {
        tracing::warn!(variable = name, "a variable is not known");
    }
    let text = |value: OsString| value.to_string_lossy().into_owned();
    let config = Config::from(&|name| std::env::var_os(name).map(text))?;
    #[cfg(feature = "aws")]
    if lambda::is_on_lambda() {
        return invoked(function, config).await;
    }
    let (listener, router) = tokio::select! {
        started = start(function, config) => started?,
        () = signals.next() => return Ok(()),
    };
    log::say(format_args!("voicemail is listening on http://{}", listener.local_addr()?));
    let mut hurry = Signals::listen()?;
    server::serve(listener, router, signals.next(), async {
        hurry.next().await;
        hurry.next().await;
    })
    .await;
    Ok(())
}

async fn start(function: Function, config: Config) -> Result<(TcpListener, axum::Router), BoxError> {
    let handles = custom_handler::address()?;
    let measures = function.measured && handles.is_none();
    let metrics = if measures { Some(Metrics::install()?) } else { None };
    let options = options(&function, &config, metrics);
    let (listen, demo) = (handles.unwrap_or(config.listen), config.demo);
    // Of a custom handler there are several or none at a time: a timer of the Functions host calls the sweep.
    let sweep_every = config.sweep_every.filter(|_| handles.is_none());
    let (app, token_secret) =
        opened(config, function.storage, Arc::new(SystemClock), Arc::new(SystemRandom)).await?;
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|error| format!("VOICEMAIL_LISTEN, or the Functions host: cannot take {listen}: {error}"))?;
    let address = listener.local_addr()?;
    let mut routes = (function.routes)();
    if let Some(hook) = function.start {
        let demo_secret = token_secret.filter(|_| demo);
        let started = StartContext { app: Arc::clone(&app), address, demo, demo_secret, sweep_every };
        routes = routes.merge(hook(started).await?.into());
    }
    if handles.is_some() {
        routes = routes.merge(custom_handler::routes(function.events, address).into());
    }
    tracing::info!(function = function.name, version = env!("CARGO_PKG_VERSION"), %address, demo, "started");
    Ok((listener, router(app, routes, &options)))
}

/// Serves on Lambda, whose API says what to do and which ends the process when it likes.
#[cfg(feature = "aws")]
async fn invoked(function: Function, config: Config) -> Result<(), BoxError> {
    let metrics = lambda::EmfRecorder::install()?;
    let options = options(&function, &config, None);
    let (app, _) = opened(config, function.storage, Arc::new(SystemClock), Arc::new(SystemRandom)).await?;
    let router = router(Arc::clone(&app), (function.routes)(), &options);
    lambda::serve(app, router, function.events, metrics).await
}

fn options(function: &Function, config: &Config, metrics: Option<Metrics>) -> Options {
    let (max_requests, origins) = (config.max_requests, config.origins.clone());
    Options { max_requests, origins, metrics, document: function.document }
}

/// Opens the storage and puts the app together. Keys that are not given are made at the first start and kept with
/// the storage.
///
/// # Errors
/// The storage refuses, or was used with another subject key.
pub async fn open(
    config: Config,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
) -> Result<Arc<App>, BoxError> {
    Ok(opened(config, StorageUse::STORE, clock, random).await?.0)
}

/// The same for a program that uses no more of the storage than this; and what tokens are signed with, unless an issuer does
/// that.
async fn opened(
    mut config: Config,
    storage: StorageUse,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
) -> Result<(Arc<App>, Option<Secret>), BoxError> {
    let backend = storage.open(&config).await?;
    let token_keys = match (config.token_jwks.take(), config.token_secret.take()) {
        (Some(jwks), _) => TokenKeys::Issuer(jwks),
        (None, Some(given)) => TokenKeys::Shared(given),
        (None, None) => TokenKeys::Shared(backend.key("token-secret", None, text_key).await?),
    };
    let token_secret = match &token_keys {
        TokenKeys::Shared(secret) => Some(secret.clone()),
        TokenKeys::Issuer(_) => None,
    };
    let subject_key = backend.key("subject-key", config.subject_key.take(), text_key).await?;
    let make = || CertificateKey::make(&SystemRandom);
    let certificate_key = backend.key("certificate-key", config.certificate_key.take(), make).await?;
    let certificate_key = CertificateKey::read(&certificate_key.reveal())
        .map_err(|fault| format!("VOICEMAIL_CERTIFICATE_KEY {fault}"))?;
    let key_check = KeyCheck::new(backend.clone(), &subject_key)?;
    key_check.at_start().await?;
    // An issuer that cannot be reached yet does not hold up the start: a token that comes meanwhile asks again.
    if let TokenKeys::Issuer(jwks) = &token_keys {
        jwks.keep_fresh();
    }
    let identity = config.identity(token_keys)?;
    let setup = AppSetup {
        tenants: config.tenants,
        here: config.here,
        subject_key: subject_key.reveal().to_vec(),
        trash_window: config.trash_window,
        erase_after: config.erase_after,
        identity,
        certificate_key,
        storage: backend.storage(),
        clock,
        random,
    };
    Ok((App::with_key_check(setup, Some(key_check)), token_secret))
}

/// A key of 32 bytes as text, so that a person can sign tokens with it.
fn text_key() -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.encode(random::bytes(&SystemRandom, 32)).into_bytes()
}

/// The signals that ask a process to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use axum::extract::FromRequestParts as _;
    use axum::http::Request;
    use identity::{Jwks, Principal};

    fn config(data: &Path, key: Option<&str>) -> Config {
        let lookup = |name: &str| match name {
            "VOICEMAIL_DATA" => data.to_str().map(str::to_owned),
            "VOICEMAIL_SUBJECT_KEY" => key.map(str::to_owned),
            _ => None,
        };
        Config::from(&lookup).unwrap_or_else(|faults| panic!("{faults}"))
    }

    async fn opened(data: &Path, key: Option<&str>) -> Result<Arc<App>, BoxError> {
        open(config(data, key), Arc::new(SystemClock), Arc::new(SystemRandom)).await
    }

    #[tokio::test]
    async fn the_demo_lets_its_users_in_and_tokens_under_the_secret_that_was_made() {
        let folder = tempfile::tempdir().unwrap();
        let app = opened(folder.path(), None).await.unwrap();
        let secret = std::fs::read(folder.path().join("keys/token-secret")).unwrap();
        let claims = serde_json::json!({"tenant": "demo", "sub": "carol", "exp": 9_999_999_999_u64});
        let key = jsonwebtoken::EncodingKey::from_secret(&secret);
        let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap();
        // demo\alice:voicemail
        for (sent, user) in
            [("Basic ZGVtb1xhbGljZTp2b2ljZW1haWw=".to_owned(), "alice"), (format!("Bearer {token}"), "carol")]
        {
            let mut parts = Request::builder().header("authorization", sent).body(()).unwrap().into_parts().0;
            let who = Principal::from_request_parts(&mut parts, &app).await.unwrap();
            assert_eq!(who.user.as_str(), user);
        }
    }

    #[tokio::test]
    async fn with_an_issuer_that_cannot_be_reached_it_starts_and_makes_no_token_secret() {
        let folder = tempfile::tempdir().unwrap();
        // Nobody listens there any more.
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let config = Config {
            token_jwks: Some(Jwks::at(&format!("http://{address}/jwks")).unwrap()),
            token_issuer: Some("https://id.example".into()),
            ..config(folder.path(), None)
        };
        assert!(open(config, Arc::new(SystemClock), Arc::new(SystemRandom)).await.is_ok());
        assert!(folder.path().join("keys/subject-key").exists());
        assert!(!folder.path().join("keys/token-secret").exists());
    }

    #[tokio::test]
    async fn another_subject_key_than_before_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = ("one key of thirty-two bytes or more", "another key of thirty-two bytes.");
        assert!(opened(folder.path(), Some(one)).await.is_ok());
        assert!(opened(folder.path(), Some(one)).await.is_ok(), "the same again");
        for key in [Some(other), None] {
            let fault = opened(folder.path(), key).await.err().unwrap().to_string();
            assert!(fault.starts_with("VOICEMAIL_SUBJECT_KEY") && !fault.contains("thirty-two"), "{fault}");
        }
    }

    #[tokio::test]
    async fn an_empty_folder_is_not_set_up_where_that_is_forbidden() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { set_up: false, ..config(folder.path(), None) };
        assert!(open(config, Arc::new(SystemClock), Arc::new(SystemRandom)).await.is_err());
    }
}
