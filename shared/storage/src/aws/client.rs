//! The connections: how long they wait, how often they try, and whose keys they sign with.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::future;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_sdk_dynamodb::config::Region as AwsRegion;
use aws_smithy_http_client::{Builder, tls};
use domain::Region;

use super::AwsSetup;

/// A request is tried so often: once more after a connection that had gone stale, and once more after a server that was
/// busy. Between them the SDK waits up to 1 and 2 seconds, by chance.
const ATTEMPTS: u32 = 3;
/// A region next door answers a connection in 0.1 s.
const CONNECT: Duration = Duration::from_secs(1);
/// A request of metadata takes 10 ms, a slow one 100 ms.
const ATTEMPT: Duration = Duration::from_millis(2500);
/// A step of an operation is given up then. An operation has at most two, and a deposit's first may take [`PUT`]:
/// both together stay below the 29 s that API Gateway waits, so that it is us who answer, with 503.
const STEP: Duration = Duration::from_secs(8);
/// The put of a recording, all its tries together.
const PUT: Duration = Duration::from_secs(19);
/// The slowest upload that is believed to be alive: 4 MB take 2 s more.
const BYTES_A_SECOND: usize = 2 * 1024 * 1024;
/// `ping` answers within 2 s, so that it gives up before.
const PING: Duration = Duration::from_millis(1800);
/// How long keys of a mounted file are used before the file is read again.
const KEYS: Duration = Duration::from_mins(1);

fn timeouts(attempt: Duration, all: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(attempt)
        .operation_timeout(all)
        .build()
}

/// For a put of so many bytes.
pub(super) fn put(bytes: usize) -> TimeoutConfig {
    let sending = Duration::from_secs(u64::try_from(bytes / BYTES_A_SECOND).unwrap_or(u64::MAX));
    timeouts(ATTEMPT.saturating_add(sending).min(PUT), PUT)
}

/// For a question that must not hide an outage.
pub(super) fn ping() -> (TimeoutConfig, RetryConfig) {
    (timeouts(PING, PING), RetryConfig::disabled())
}

/// What all clients share: connections, keys, limits. No I/O but for files of profiles.
pub(super) async fn shared(setup: &AwsSetup) -> SdkConfig {
    let ring = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
    let http = Builder::new().tls_provider(ring).build_https();
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http.clone())
        // Each client has its own; this one keeps the loader from asking for one.
        .region(AwsRegion::new("us-east-1"))
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(timeouts(ATTEMPT, STEP));
    if let Some(endpoint) = &setup.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    if let Some(file) = &setup.credentials_file {
        loader = loader.credentials_provider(MountedKeys {
            file: file.clone(),
            provider: ProviderConfig::without_region().with_http_client(http),
        });
    }
    loader.load().await
}

/// The same in a region.
pub(super) fn in_region(shared: &SdkConfig, region: &Region) -> SdkConfig {
    shared.to_builder().region(AwsRegion::new(region.to_string())).build()
}

/// Keys in a file as the AWS tools have it, from a secret that is mounted. The SDK's own provider reads such a file
/// once; this one reads it again, so that keys may be exchanged without a restart.
#[derive(Debug)]
struct MountedKeys {
    file: PathBuf,
    provider: ProviderConfig,
}

impl ProvideCredentials for MountedKeys {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let files = EnvConfigFiles::builder()
                .include_default_config_file(true)
                .with_file(EnvConfigFileKind::Credentials, &self.file)
                .build();
            let provider = ProfileFileCredentialsProvider::builder()
                .configure(&self.provider)
                .profile_files(files)
                .build();
            let mut keys = provider.provide_credentials().await?;
            let then = SystemTime::now() + KEYS;
            *keys.expiry_mut() = Some(keys.expiry().map_or(then, |expiry| expiry.min(then)));
            Ok(keys)
        })
    }
}
