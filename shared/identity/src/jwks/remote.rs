//! The key set of an issuer that is asked over HTTP: kept, refreshed, and asked for anew when a token names a key that
//! is not in it.
//!
//! Whatever the tokens say, they make one request in [`MIN_FETCH_INTERVAL`]. An issuer that does not answer, or with
//! something else than a key set, leaves the set in force that it gave before.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::Timestamp;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::MissedTickBehavior;

use super::fetch::KeySetUrl;
use super::keys::KeySet;

/// How often the issuer is asked in the background.
pub(super) const REFRESH_INTERVAL: Duration = Duration::from_mins(5);

/// How often tokens under unknown keys may make the issuer be asked.
pub(crate) const MIN_FETCH_INTERVAL: Duration = Duration::from_secs(30);

/// The issuer's set.
pub(super) struct Remote {
    url: KeySetUrl,
    /// `None` until the issuer was reached.
    set: Mutex<Option<Arc<KeySet>>>,
    /// Held while the issuer is asked, so that it is asked once at a time. When a token last made it be asked.
    asked: Arc<AsyncMutex<Option<Timestamp>>>,
}

impl Remote {
    pub(super) fn new(url: KeySetUrl) -> Self {
        Self { url, set: Mutex::default(), asked: Arc::default() }
    }

    /// Asks now and every [`REFRESH_INTERVAL`], until nobody holds this set any more.
    pub(super) fn keep_fresh(self: &Arc<Self>) {
        let remote = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut every = tokio::time::interval(REFRESH_INTERVAL);
            every.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                every.tick().await;
                let Some(remote) = remote.upgrade() else { return };
                let _one_at_a_time = remote.asked.lock().await;
                remote.ask().await;
            }
        });
    }

    /// The set, after a look for a key that is not in it. `None`: the issuer was never reached.
    pub(super) async fn set(self: &Arc<Self>, kid: Option<&str>, now: Timestamp) -> Option<Arc<KeySet>> {
        if !self.knows(kid) {
            self.look_for(kid, now).await;
        }
        self.current()
    }

    fn current(&self) -> Option<Arc<KeySet>> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn knows(&self, kid: Option<&str>) -> bool {
        self.current().is_some_and(|set| set.knows(kid))
    }

    async fn look_for(self: &Arc<Self>, kid: Option<&str>, now: Timestamp) {
        let mut asked = Arc::clone(&self.asked).lock_owned().await;
        // A clock that was set back must not close this for as long.
        let lately = |asked: Timestamp| asked.since(now).max(now.since(asked)) < MIN_FETCH_INTERVAL;
        if self.knows(kid) || asked.is_some_and(lately) {
            return;
        }
        *asked = Some(now);
        let remote = Arc::clone(self);
        // On its own, so that a client that hangs up does not end it for the others.
        let asking = tokio::spawn(async move {
            remote.ask().await;
            drop(asked);
        });
        if let Err(error) = asking.await {
            tracing::error!(%error, "the issuer of tokens could not be asked");
        }
    }

    async fn ask(&self) {
        let host = self.url.host();
        match self.url.fetch().await.and_then(|json| KeySet::read(&json)) {
            Ok(set) => {
                if set.is_empty() {
                    tracing::warn!(host, "the issuer of tokens has no key that is for RS256 or ES256");
                }
                *self.set.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(set));
            }
            Err(fault) => {
                let kept = self.current().is_some();
                tracing::warn!(
                    host,
                    fault,
                    kept,
                    "the keys of the issuer of tokens cannot be had; those that were kept stay in force"
                );
            }
        }
    }
}
