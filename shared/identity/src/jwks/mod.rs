//! The public keys of the issuer of tokens (RFC 7517): from its address, or from a file.

mod fetch;
mod keys;
mod remote;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use domain::Timestamp;

use self::fetch::KeySetUrl;
pub(crate) use self::keys::KeySet;
pub(crate) use self::remote::MIN_FETCH_INTERVAL;
use self::remote::Remote;
use crate::reloaded::Reloaded;

/// The public keys of the issuer of tokens, which it may replace at any time.
#[derive(Clone)]
pub struct Jwks(Source);

#[derive(Clone)]
enum Source {
    File(Arc<Reloaded<KeySet>>),
    Remote(Arc<Remote>),
}

impl Jwks {
    /// The key set at an `https://` or `http://` address, which is not asked yet; or in a file, which is read again
    /// when it changes.
    ///
    /// # Errors
    /// The address is none, or the file has no key for RS256 or ES256. An address is not repeated: it may hold a
    /// password.
    pub fn at(place: &str) -> Result<Self, String> {
        if place.contains("://") {
            return Ok(Self(Source::Remote(Arc::new(Remote::new(KeySetUrl::read(place)?)))));
        }
        let file =
            Reloaded::file(Path::new(place), KeySet::read).map_err(|fault| format!("{place}: {fault}"))?;
        if file.get().is_empty() {
            return Err(format!("{place}: has no key that is for RS256 or ES256"));
        }
        Ok(Self(Source::File(Arc::new(file))))
    }

    /// Asks the issuer now and every five minutes, in the background, for as long as these keys are in use.
    pub fn keep_fresh(&self) {
        if let Source::Remote(remote) = &self.0 {
            remote.keep_fresh();
        }
    }

    /// The set to look for this key in, asked for anew where the key is not known. `None`: the issuer was never
    /// reached.
    pub(crate) async fn set(&self, kid: Option<&str>, now: Timestamp) -> Option<Arc<KeySet>> {
        match &self.0 {
            Source::File(file) => Some(file.get()),
            Source::Remote(remote) => remote.set(kid, now).await,
        }
    }
}
