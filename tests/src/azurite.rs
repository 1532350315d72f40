//! Azure Blob Storage on this machine: Azurite, with an account for each region.
//!
//! What it cannot show: the lifecycle, what soft delete keeps, versions, roles of an identity, keys that an identity signs links
//! with; and it ignores the condition of a change of tags.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::{Attempt, Region, SystemRandom};
use futures::{StreamExt as _, future, stream};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use storage::Storage as _;
use storage::azure::{Access, Account, Azure, AzureSetup};

use crate::emulator::{self, Emulator};
use crate::fixture::{Namespace, regions};
use crate::http::{CERTIFICATE_KEY, Case, Centre, Setting};
use crate::proxy::Proxy;

/// Ends with the process of this number, however that ends.
const START: &str = "const whose = Number(process.argv.splice(1, 1)[0]); \
    setInterval(() => { try { process.kill(whose, 0) } catch { process.exit(0) } }, 500).unref(); \
    require(process.argv[1])";
/// The key of every account, and one that it is exchanged for.
pub const KEYS: [&str; 2] =
    ["dm9pY2VtYWlsLXRlc3RzLXRoZS1maXJzdC1rZXk=", "dm9pY2VtYWlsLXRlc3RzLXRoZS1vdGhlci1rZXk="];
/// The file of the key in its folder.
const KEY: &str = "key";
/// The container of tests that need none of their own.
pub const CONTAINER: &str = "voicemail";

/// A running emulator.
pub struct Azurite(Emulator);

static RUNNING: LazyLock<Azurite> = LazyLock::new(|| Azurite(Emulator::get("azurite", start)));

fn start(folder: &Path, ends_with: u32) -> u16 {
    std::fs::write(folder.join(KEY), format!("{}\n", KEYS[0])).unwrap();
    emulator::start(folder, |port| {
        let mut command = command(port, ends_with, KEYS[0]);
        command.arg("--inMemoryPersistence");
        command
    })
}

/// The program, whose accounts have this key.
pub fn command(port: u16, ends_with: u32, key: &str) -> Command {
    let main = emulator::installed("node_modules/azurite/dist/src/blob/main.js");
    let accounts = regions().iter().map(|region| format!("{}:{key}", account(region))).collect::<Vec<_>>();
    let mut command = Command::new("node");
    command
        .args(["-e", START, "--", &ends_with.to_string()])
        .arg(&main)
        .args(["--blobHost", "127.0.0.1", "--blobPort", &port.to_string()])
        .args(["--disableTelemetry", "--silent", "--skipApiVersionCheck"])
        .env("AZURITE_ACCOUNTS", accounts.join(";"));
    command
}

/// The account of a region.
pub fn account(region: &Region) -> String {
    format!("voicemail{}", region.as_str().replace('-', ""))
}

impl Azurite {
    /// An installation on it, in a container of each account, asked at this address.
    pub fn setup(&self, endpoint: &str, container: &str) -> AzureSetup {
        let its = |region: &Region| Account {
            name: account(region),
            access: Access::Key(self.0.folder.join(KEY)),
            endpoint: Some(format!("{endpoint}/{}", account(region))),
            container: container.to_owned(),
        };
        let accounts: BTreeMap<_, _> =
            regions().into_iter().map(|region| (region.clone(), its(&region))).collect();
        AzureSetup { accounts, masters: regions() }
    }

    /// Its address.
    pub fn endpoint(&self) -> String {
        self.0.endpoint()
    }

    /// What services on it are started with, in a container of their own, for so many cases.
    fn setting(&self, tenants: usize) -> Setting {
        let container = format!("i-{}", Attempt::draw(&SystemRandom));
        let its = |region: Region| {
            let given = json!({
                "account": account(&region),
                "key_file": self.0.folder.join(KEY),
                "endpoint": format!("{}/{}", self.endpoint(), account(&region)),
                "container": container,
            });
            (region.to_string(), given)
        };
        let accounts: serde_json::Map<_, _> = regions().into_iter().map(its).collect();
        Setting::new(tenants)
            .with("VOICEMAIL_STORAGE", "azure")
            .with("VOICEMAIL_AZURE", &Value::from(accounts).to_string())
            .with("VOICEMAIL_CERTIFICATE_KEY", CERTIFICATE_KEY)
    }
}

/// A text signed with the key of the accounts.
pub fn signature(text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(&STANDARD.decode(KEYS[0]).unwrap()).unwrap();
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// How many cases run at once.
const ABREAST: usize = 4;

/// Runs cases, each as a tenant of one gateway on the emulator; tells which of them failed.
///
/// # Panics
/// One of them failed.
pub async fn run(cases: Vec<Case>) {
    let azurite = tokio::task::spawn_blocking(running).await.unwrap();
    let centre = Centre::gateway(&Arc::new(azurite.setting(cases.len()))).await;
    let ran = stream::iter(cases.into_iter().enumerate()).map(|(n, (name, case))| {
        let centre = Centre { tenant: format!("t{n}"), ..centre.clone() };
        async move { tokio::spawn(case(centre)).await.err().map(|_| name) }
    });
    let failed: Vec<_> = ran.buffer_unordered(ABREAST).filter_map(future::ready).collect().await;
    assert!(failed.is_empty(), "{failed:?}");
}

/// The emulator of this process.
pub fn running() -> &'static Azurite {
    &RUNNING
}

/// A fresh tenant on the emulator of this process.
pub async fn open() -> Namespace {
    let azurite = tokio::task::spawn_blocking(running).await.unwrap();
    at(&azurite.endpoint()).await
}

/// A fresh tenant, whose requests all go through a proxy.
pub async fn behind_a_proxy() -> (Namespace, Proxy) {
    let azurite = tokio::task::spawn_blocking(running).await.unwrap();
    let proxy = Proxy::before(azurite.endpoint()).await;
    (at(&proxy.endpoint).await, proxy)
}

async fn at(endpoint: &str) -> Namespace {
    let azure = Azure::open(&running().setup(endpoint, CONTAINER)).await.unwrap();
    Namespace::new(|tenant| azure.tenant(tenant), ())
}
