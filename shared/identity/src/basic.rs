//! Basic sign-in (RFC 7617): `tenant\user:password` against Argon2id hashes.
//!
//! A pair that was verified is remembered for [`PAIR_LIFETIME`]. An unknown user costs what a known one costs. Failures are
//! limited for each name and over all; a pair that this process has seen to be right is not held up by that, so that
//! nobody is locked out by somebody else's guesses.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use argon2::{Argon2, PasswordVerifier as _};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use domain::{SystemRandom, Timestamp};
use hmac::{Hmac, KeyInit as _, Mac as _};
use quick_cache::sync::Cache;
use sha2::Sha256;
use tokio::sync::Semaphore;
use web::{Code, Problem, random};
use zeroize::Zeroizing;

use crate::users::{Table, User, Users, names};

/// How long a verified pair is believed.
const PAIR_LIFETIME: Duration = Duration::from_mins(1);

/// How many pairs are remembered.
const MAX_PAIRS: usize = 10_000;

/// How many passwords are hashed at once: each takes 19 MiB and a core for tens of milliseconds.
const MAX_CONCURRENT_HASHES: usize = 2;

/// How long failures count.
const FAILURE_WINDOW: Duration = Duration::from_mins(1);

/// After how many failures in a window a name waits.
const MAX_FAILURES_OF_A_NAME: u32 = 10;

/// After how many failures in a window, of all names, everybody waits.
const MAX_FAILURES: u32 = 100;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Sign-in with a password.
pub(crate) struct Basic {
    users: Users,
    at_once: Arc<Semaphore>,
    memory: Arc<Memory>,
}

/// What is remembered of sign-ins.
struct Memory {
    /// Of this process: nobody outside can make a pair's hash.
    key: Vec<u8>,
    /// When a pair was verified, by its keyed hash.
    pairs: Cache<[u8; 32], Timestamp>,
    failures: Mutex<Failures>,
}

/// The failures of the window that began at `since`.
#[derive(Default)]
struct Failures {
    since: Timestamp,
    all: u32,
    of: BTreeMap<String, u32>,
}

/// The credentials of a request, decoded.
struct Credentials {
    tenant: String,
    user: String,
    password: Zeroizing<Vec<u8>>,
}

impl Basic {
    pub(crate) fn new(users: Users) -> Self {
        let key = random::bytes(&SystemRandom, 32);
        let memory = Memory { key, pairs: Cache::new(MAX_PAIRS), failures: Mutex::default() };
        Self { users, at_once: Arc::new(Semaphore::new(MAX_CONCURRENT_HASHES)), memory: Arc::new(memory) }
    }

    /// The user of these credentials (what follows `Basic`).
    pub(crate) async fn verify(&self, credentials: &str, now: Timestamp) -> Result<User, Problem> {
        let credentials = Credentials::read(credentials).ok_or_else(|| {
            Problem::new(Code::Unauthenticated, "Basic sign-in takes tenant\\user and a password, in Base64.")
        })?;
        let table = self.users.table();
        if let Some(user) = self.memory.recall(&table, &credentials, now) {
            return Ok(user.clone());
        }
        self.memory.within_limits(&table, &credentials, now)?;
        let busy = || Problem::new(Code::Busy, "Too many sign-ins are under way.");
        let permit = Arc::clone(&self.at_once).acquire_owned().await.map_err(|_| busy())?;
        let memory = Arc::clone(&self.memory);
        // The permit and the count go along, so that a client that hangs up meanwhile gains nothing by it.
        let checked = tokio::task::spawn_blocking(move || {
            let checked = memory.check(&table, &credentials, now);
            drop(permit);
            checked
        });
        let failed = || Problem::new(Code::Internal, "The password could not be checked.");
        checked.await.map_err(|error| failed().caused_by(error))?
    }
}

impl Credentials {
    fn read(credentials: &str) -> Option<Self> {
        let decoded = Zeroizing::new(BASE64.decode(credentials.trim()).ok()?);
        let colon = decoded.iter().position(|byte| *byte == b':')?;
        let (name, password) = decoded.split_at_checked(colon)?;
        let (tenant, user) = names(std::str::from_utf8(name).ok()?)?;
        let password = Zeroizing::new(password.strip_prefix(b":")?.to_vec());
        Some(Self { tenant: tenant.to_owned(), user: user.to_owned(), password })
    }

    fn name(&self) -> String {
        format!("{}\\{}", self.tenant, self.user)
    }
}

impl Memory {
    /// The user, if this pair was verified a moment ago.
    fn recall<'a>(&self, table: &'a Table, credentials: &Credentials, now: Timestamp) -> Option<&'a User> {
        let user = table.user(&credentials.tenant, &credentials.user)?;
        let verified = self.pairs.get(&self.pair(user, credentials))?;
        (now >= verified && now.since(verified) < PAIR_LIFETIME).then_some(user)
    }

    /// The pair's hash. The stored hash is part of it: a new password ends what was remembered of the old one.
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    fn pair(&self, user: &User, credentials: &Credentials) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("a key of any length");
        for part in [user.tenant.as_bytes(), user.id.as_str().as_bytes(), user.hash.to_string().as_bytes()] {
            mac.update(part);
            mac.update(&[0]);
        }
        mac.update(&credentials.password);
        mac.finalize().into_bytes().into()
    }

    /// Refuses with 429 where there were too many failures, unless the pair was right before.
    fn within_limits(&self, table: &Table, credentials: &Credentials, now: Timestamp) -> Result<(), Problem> {
        let was_right = |user: &User| self.pairs.peek(&self.pair(user, credentials)).is_some();
        if table.user(&credentials.tenant, &credentials.user).is_some_and(was_right) {
            return Ok(());
        }
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.forget_old(now);
        let of_name = failures.of.get(&credentials.name()).copied().unwrap_or(0);
        if of_name < MAX_FAILURES_OF_A_NAME && failures.all < MAX_FAILURES {
            return Ok(());
        }
        let wait = FAILURE_WINDOW.saturating_sub(now.since(failures.since)).as_secs().max(1);
        Err(Problem::new(Code::RateLimited, "Too many sign-ins failed; wait a minute.").after(wait))
    }

    /// Checks the password, and remembers the outcome. Runs for tens of milliseconds.
    fn check(&self, table: &Table, credentials: &Credentials, now: Timestamp) -> Result<User, Problem> {
        // Others with the same credentials, or with wrong ones, may have come first while this one waited.
        if let Some(user) = self.recall(table, credentials, now) {
            return Ok(user.clone());
        }
        self.within_limits(table, credentials, now)?;
        let user = table.user(&credentials.tenant, &credentials.user);
        let hash = user.map_or(table.dummy(), |user| &user.hash);
        let fits = Argon2::default().verify_password(&credentials.password, hash).is_ok();
        if let Some(user) = user.filter(|_| fits) {
            self.pairs.insert(self.pair(user, credentials), now);
            return Ok(user.clone());
        }
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.forget_old(now);
        failures.all += 1;
        *failures.of.entry(credentials.name()).or_default() += 1;
        Err(Problem::new(Code::Unauthenticated, "There is no such user with this password."))
    }
}

impl Failures {
    /// Begins a new window where the last one is over. As `all` is limited, so is the number of names.
    fn forget_old(&mut self, now: Timestamp) {
        if now < self.since || now.since(self.since) >= FAILURE_WINDOW {
            *self = Self { since: now, ..Self::default() };
        }
    }
}
