//! A service for the tests of this crate: a tenant and a user, on a folder that goes with it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use argon2::{Argon2, Params, PasswordHasher as _};
use domain::{ManualClock, SeededRandom, Settings, Tenant, Timestamp};
use identity::{Identity, Users};
use storage::fs::{Fs, Setup};
use tempfile::TempDir;

use crate::app::{App, AppSetup};
use crate::certificate_key::CertificateKey;

/// A service, its clock and its folder.
pub(crate) struct TestApp {
    pub(crate) app: Arc<App>,
    pub(crate) fs: Fs,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) folder: TempDir,
}

/// The tenant of the tests.
pub(crate) fn tenant() -> Tenant {
    Tenant {
        id: "t".parse().unwrap(),
        ccid: "a customer".into(),
        numbering: "DE".parse::<domain::Country>().unwrap().into(),
        domain: "t.invalid".into(),
        master: "r".parse().unwrap(),
        regions: vec!["r".parse().unwrap()],
        clients: Vec::new(),
        settings: Settings::default(),
    }
}

/// A service with the user `t\alice` and the password `voicemail`.
pub(crate) async fn testing() -> TestApp {
    let folder = tempfile::tempdir().unwrap();
    let regions = BTreeSet::from(["r".parse().unwrap()]);
    let fs = Fs::open(folder.path(), Setup::Auto, &regions).await.unwrap();
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_795_341_600_000)));
    let hash = Argon2::from(Params::new(16, 1, 1, None).unwrap()).hash_password(b"voicemail").unwrap();
    let users =
        serde_json::json!([{"user": "t\\alice", "password_hash": hash.to_string(), "roles": ["agent"]}]);
    let users = Some(Users::given(&users.to_string()).unwrap());
    let app = App::new(AppSetup {
        tenants: vec![tenant()],
        here: None,
        subject_key: vec![7; 32],
        trash_window: Duration::from_hours(24),
        erase_after: Duration::from_hours(24),
        identity: Identity::new(None, users),
        certificate_key: CertificateKey::read(&CertificateKey::make(&SeededRandom::new(2))).unwrap(),
        storage: Arc::new(fs.clone()),
        clock: Arc::clone(&clock) as _,
        random: Arc::new(SeededRandom::new(1)),
    });
    TestApp { app, fs, clock, folder }
}
