//! Whose requests they are: an account key or a SAS in a mounted file, which may be exchanged while we run. The SDK itself
//! knows identities alone.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use azure_core::error::ErrorKind;
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Context, Request, StatusCode};
use azure_core::time::{OffsetDateTime, to_rfc7231};
use azure_core::{Error, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

/// How long what a file held is used before it is read again.
const FRESH: Duration = Duration::from_mins(1);

/// A secret in a mounted file.
#[derive(Clone)]
pub(super) struct Mounted(Arc<File>);

struct File {
    path: PathBuf,
    read: Mutex<Option<(Instant, Arc<Zeroizing<String>>)>>,
}

impl fmt::Debug for Mounted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mounted({})", self.0.path.display())
    }
}

impl Mounted {
    pub(super) fn new(path: &Path) -> Self {
        Self(Arc::new(File { path: path.to_owned(), read: Mutex::new(None) }))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0.path
    }

    fn read(&self) -> std::sync::MutexGuard<'_, Option<(Instant, Arc<Zeroizing<String>>)>> {
        self.0.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it holds, less a final line end.
    async fn secret(&self) -> Result<Arc<Zeroizing<String>>> {
        if let Some((at, secret)) = &*self.read()
            && at.elapsed() < FRESH
        {
            return Ok(Arc::clone(secret));
        }
        let text = tokio::fs::read_to_string(&self.0.path).await.map(Zeroizing::new).map_err(|error| {
            let message = format!("{} cannot be read", self.0.path.display());
            Error::with_error(ErrorKind::Credential, error, message)
        })?;
        let secret = Arc::new(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()));
        *self.read() = Some((Instant::now(), Arc::clone(&secret)));
        Ok(secret)
    }

    /// What it holds by now, if that is not `before`.
    async fn exchanged(&self, before: &Arc<Zeroizing<String>>) -> Result<Option<Arc<Zeroizing<String>>>> {
        *self.read() = None;
        let now = self.secret().await?;
        Ok((now != *before).then_some(now))
    }
}

/// How requests are signed.
#[derive(Debug, Clone)]
pub(super) enum Signing {
    /// With the key of this account.
    Key {
        /// The account.
        account: String,
        /// Its key, base64.
        key: Mounted,
    },
    /// By a SAS.
    Sas(Mounted),
}

impl Signing {
    /// The account and a signature of it under its key; `None`: there is no key.
    pub(super) async fn sign(&self, text: &str) -> Result<Option<String>> {
        match self {
            Self::Key { key, .. } => Ok(Some(signature(key, &key.secret().await?, text)?)),
            Self::Sas(_) => Ok(None),
        }
    }

    fn file(&self) -> &Mounted {
        match self {
            Self::Key { key, .. } => key,
            Self::Sas(sas) => sas,
        }
    }

    fn apply(&self, request: &mut Request, secret: &str) -> Result<()> {
        match self {
            Self::Key { account, key } => {
                request.insert_header("x-ms-date", to_rfc7231(&OffsetDateTime::now_utc()));
                let signed = signature(key, secret, &to_sign(account, request))?;
                request.insert_header("authorization", format!("SharedKey {account}:{signed}"));
            }
            Self::Sas(_) => {
                let sas = secret.trim_start_matches('?');
                let own = request.url().query().map(str::to_owned).filter(|query| !query.is_empty());
                let query = own.map_or_else(|| sas.to_owned(), |own| format!("{own}&{sas}"));
                request.url_mut().set_query(Some(&query));
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Policy for Signing {
    #[expect(elided_lifetimes_in_paths, reason = "the trait elides it, too, and names another otherwise")]
    /// Signs; where the key is refused and another is mounted by now, signs once more.
    async fn send(&self, ctx: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        let Some((policy, rest)) = next.split_first() else {
            return Err(Error::with_message(ErrorKind::Other, "nothing sends this request"));
        };
        let secret = self.file().secret().await?;
        let plain = request.url().clone();
        self.apply(request, &secret)?;
        let answer = policy.send(ctx, request, rest).await;
        let refused = |status| matches!(status, StatusCode::Forbidden | StatusCode::Unauthorized);
        let is_refused = match &answer {
            Ok(answer) => refused(answer.status()),
            Err(error) => error.http_status().is_some_and(refused),
        };
        if is_refused && let Some(secret) = self.file().exchanged(&secret).await? {
            *request.url_mut() = plain;
            self.apply(request, &secret)?;
            return policy.send(ctx, request, rest).await;
        }
        *request.url_mut() = plain;
        answer
    }
}

fn signature(file: &Mounted, key: &str, text: &str) -> Result<String> {
    let key = STANDARD.decode(key).map(Zeroizing::new).map_err(|_| {
        let message = format!("{} holds no account key, which is base64", file.path().display());
        Error::with_message(ErrorKind::Credential, message)
    })?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key)
        .map_err(|error| Error::with_error(ErrorKind::Credential, error, "the account key"))?;
    mac.update(text.as_bytes());
    Ok(STANDARD.encode(mac.finalize().into_bytes()))
}

/// What a signature is about: "Authorize with Shared Key" of the documentation of Azure Storage, as of version 2015-02-21.
fn to_sign(account: &str, request: &Request) -> String {
    let mut ours: Vec<_> = Vec::new();
    let mut headers = std::collections::HashMap::new();
    for (name, value) in request.headers().iter() {
        let (name, value) = (name.as_str().to_ascii_lowercase(), value.as_str().trim().to_owned());
        if name.starts_with("x-ms-") {
            ours.push(format!("{name}:{value}\n"));
        } else {
            headers.insert(name, value);
        }
    }
    ours.sort_unstable();
    let header = |name: &str| headers.get(name).cloned().unwrap_or_default();
    // The length that is sent; 0 is written as nothing.
    let length = request.body().len().filter(|len| *len > 0).map(|len| len.to_string()).unwrap_or_default();
    let method = request.method().as_str().to_owned();
    let of_body = ["content-encoding", "content-language"].map(header);
    let of_content = ["content-md5", "content-type"].map(header);
    // The date is `x-ms-date`.
    let of_condition =
        ["date", "if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range"]
            .map(header);
    let lines = [method].into_iter().chain(of_body).chain([length]).chain(of_content).chain(of_condition);
    let mut query: Vec<_> = request
        .url()
        .query_pairs()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.into_owned()))
        .collect();
    query.sort_unstable();
    let query: String = query.into_iter().map(|(name, value)| format!("\n{name}:{value}")).collect();
    let lines = lines.collect::<Vec<_>>().join("\n");
    format!("{lines}\n{}/{account}{}{query}", ours.concat(), request.url().path())
}
