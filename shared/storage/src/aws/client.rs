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
use crate::cloud::limits::{
    CONNECT_TIMEOUT, PING_TIMEOUT, PUT_TIMEOUT, REQUEST_TIMEOUT, STEP_TIMEOUT, put_request_timeout,
};

/// A request is tried so often: once more after a connection that had gone stale, and once more after a server that was
/// busy. Between them the SDK waits up to 1 and 2 seconds, by chance.
const MAX_TRIES: u32 = 3;
/// How long keys of a mounted file are used before the file is read again.
const KEYS_LIFETIME: Duration = Duration::from_mins(1);

fn timeouts(attempt: Duration, all: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(attempt)
        .operation_timeout(all)
        .build()
}

/// For a put of so many bytes.
pub(super) fn put(bytes: usize) -> aws_sdk_s3::config::Builder {
    aws_sdk_s3::config::Builder::new().timeout_config(timeouts(put_request_timeout(bytes), PUT_TIMEOUT))
}

/// For a question that must not hide an outage.
pub(super) fn ping() -> (TimeoutConfig, RetryConfig) {
    (timeouts(PING_TIMEOUT, PING_TIMEOUT), RetryConfig::disabled())
}

/// What all clients share: connections, keys, limits. No I/O but for files of profiles.
pub(super) async fn shared(setup: &AwsSetup) -> SdkConfig {
    let ring = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
    let http = Builder::new().tls_provider(ring).build_https();
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http.clone())
        // Each client has its own; this one keeps the loader from asking for one.
        .region(AwsRegion::new("us-east-1"))
        .retry_config(RetryConfig::standard().with_max_attempts(MAX_TRIES))
        .timeout_config(timeouts(REQUEST_TIMEOUT, STEP_TIMEOUT));
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
            let then = SystemTime::now() + KEYS_LIFETIME;
            *keys.expiry_mut() = Some(keys.expiry().map_or(then, |expiry| expiry.min(then)));
            Ok(keys)
        })
    }
}
