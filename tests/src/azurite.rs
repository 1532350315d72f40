//! Azure Blob Storage on this machine: Azurite, with an account for each region.
//!
//! What it cannot show: the lifecycle, what soft delete keeps, versions, hierarchical namespaces; who an identity is and what
//! its roles allow, as it believes any token of the right form, whoever signed it; that a key which an identity signs links with
//! ends with its rights or is revoked, as it keeps none and makes each from what the link says. And it ignores the condition of a
//! change of tags.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Region;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use storage::Storage as _;
use storage::azure::{Access, Account, Azure, AzureSetup};

use crate::emulator::{self, Emulator};
use crate::fixture::{Namespace, regions};
use crate::proxy::Proxy;

/// Ends with the process of this number, however that ends. The library of the telemetry, which is off, is not loaded: it
/// takes two thirds of a start.
const START: &str = "const whose = Number(process.argv.splice(1, 1)[0]); \
    setInterval(() => { try { process.kill(whose, 0) } catch { process.exit(0) } }, 500).unref(); \
    const { _load: load } = module.constructor; \
    module.constructor._load = (name, ...rest) => name === 'applicationinsights' ? {} : load(name, ...rest); \
    require(process.argv[1])";
/// Puts another clock in the place of its own.
const BEHIND: &str = "const { Date: Real } = globalThis; globalThis.Date = class Date extends Real { \
    constructor(...given) { if (given.length) { super(...given) } else { super(Real.now() - BY) } } \
    static now() { return Real.now() - BY } }";
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
    start_with(folder, ends_with, |_| ())
}

fn start_with(folder: &Path, ends_with: u32, more: impl Fn(&mut Command)) -> u16 {
    std::fs::write(folder.join(KEY), format!("{}\n", KEYS[0])).unwrap();
    emulator::start(folder, |port| {
        let mut command = command(port, ends_with, KEYS[0]);
        command.arg("--inMemoryPersistence");
        more(&mut command);
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

impl Clone for Azurite {
    /// The same one.
    fn clone(&self) -> Self {
        Self(Emulator::at(self.0.port, &self.0.folder))
    }
}

impl Azurite {
    /// Another in this folder, which ends with this process, started with this more.
    pub fn of_its_own(folder: &Path, more: impl Fn(&mut Command)) -> Self {
        let port = start_with(folder, std::process::id(), more);
        Self(Emulator::at(port, folder))
    }

    /// Another in this folder, whose clock is so much behind.
    pub fn behind(folder: &Path, by: Duration) -> Self {
        let clock = folder.join("clock.js");
        std::fs::write(&clock, BEHIND.replace("BY", &by.as_millis().to_string())).unwrap();
        Self::of_its_own(folder, |command| {
            command.env("NODE_OPTIONS", format!("--require={}", clock.display()));
        })
    }

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
}

/// A text signed with the key of the accounts.
pub fn signature(text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(&STANDARD.decode(KEYS[0]).unwrap()).unwrap();
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
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

/// The same tenant, whose requests go to the emulator at once.
pub async fn past_the_proxy(space: &Namespace) -> Namespace {
    let azure = Azure::open(&running().setup(&running().endpoint(), CONTAINER)).await.unwrap();
    space.on(azure.tenant(&space.tenant))
}

async fn at(endpoint: &str) -> Namespace {
    let azure = Azure::open(&running().setup(endpoint, CONTAINER)).await.unwrap();
    Namespace::new(|tenant| azure.tenant(tenant), ())
}
