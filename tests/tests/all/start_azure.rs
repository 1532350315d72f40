//! The start on Azure, and keys that are wrong or exchanged: what cannot keep the promises of the contracts is refused, with
//! what to change.
//!
//! Not shown, as Azurite has neither: versions of blobs and hierarchical namespaces.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use domain::Region;
use storage::azure::{Access, Azure, AzureSetup};
use storage::{DropKey, Storage as _};
use tempfile::TempDir;
use tests::azurite::{Azurite, KEYS, account, behind_a_proxy, command, running, signature};
use tests::blobs::{VERSION, sas};
use tests::emulator::client;
use tests::fixture::{Call, Namespace, regions};
use tests::proxy::Weather;

async fn azurite() -> &'static Azurite {
    tokio::task::spawn_blocking(running).await.unwrap()
}

fn region() -> Region {
    regions().first().unwrap().clone()
}

fn with_access(mut setup: AzureSetup, access: &Access) -> AzureSetup {
    setup.accounts.values_mut().for_each(|account| account.access = access.clone());
    setup
}

async fn refusal(setup: &AzureSetup) -> String {
    let refused = Azure::open(setup).await.err();
    refused.unwrap().to_string()
}

#[tokio::test]
async fn a_wrong_key_and_what_is_no_key_are_refused_and_never_shown() {
    let (azurite, folder) = (azurite().await, TempDir::new().unwrap());
    let file = folder.path().join("key");
    for wrong in [KEYS[1], "no key at all"] {
        std::fs::write(&file, wrong).unwrap();
        let setup = azurite.setup(&azurite.endpoint(), "voicemail");
        let said = refusal(&with_access(setup, &Access::Key(file.clone()))).await;
        assert!(said.contains("does not let us in") && said.contains("key file"), "{said}");
        assert!(!said.contains(wrong), "{said}");
    }
    let setup = azurite.setup(&azurite.endpoint(), "voicemail");
    let said = refusal(&with_access(setup, &Access::Key(folder.path().join("missing")))).await;
    assert!(said.contains("cannot be read"), "{said}");
}

#[tokio::test]
async fn a_master_region_without_an_account_is_refused() {
    let azurite = azurite().await;
    let mut setup = azurite.setup(&azurite.endpoint(), "voicemail");
    setup.accounts.remove(&region());
    assert!(refusal(&setup).await.contains(region().as_str()));
}

/// The signature of these lines, as a value of a query.
fn signed(lines: &[&str]) -> String {
    signature(&lines.join("\n")).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// An emulator on a port that is known.
struct Restarted(Child);

impl Restarted {
    async fn start(folder: &TempDir, port: u16, key: &str) -> Self {
        let mut command: Command = command(port, std::process::id(), key);
        command.arg("--inMemoryPersistence").current_dir(folder.path());
        let started = Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let begun = Instant::now();
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            assert!(begun.elapsed() < Duration::from_mins(1), "Azurite starts");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        started
    }
}

impl Drop for Restarted {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_key_that_is_exchanged_is_picked_up_without_a_failed_request() {
    let folder = TempDir::new().unwrap();
    let port = free_port();
    let [file, other] = ["key", "other"].map(|name| folder.path().join(name));
    std::fs::write(&file, KEYS[0]).unwrap();
    std::fs::write(&other, KEYS[1]).unwrap();
    let with = async |file: &Path| {
        let setup = azurite().await.setup(&format!("http://127.0.0.1:{port}"), "voicemail");
        Azure::open(&with_access(setup, &Access::Key(file.to_owned()))).await.unwrap()
    };
    let running = Restarted::start(&folder, port, KEYS[0]).await;
    let azure = with(&file).await;
    let space = Namespace::new(|tenant| azure.tenant(tenant), ());
    space.mailbox("5001").await;

    // As it keeps nothing, another who has the other key makes the containers.
    drop(running);
    let _running = Restarted::start(&folder, port, KEYS[1]).await;
    with(&other).await;
    std::fs::write(&file, KEYS[1]).unwrap();
    let mailbox = space.mailbox("5001").await;
    let message = space.deposit(&Call::to(&mailbox)).await;
    space.assert_unchanged(&message).await;
}

/// Turns soft delete of an account on or off, as its owner does.
async fn soft_delete(endpoint: &str, account: &str, is_on: bool) {
    let days = if is_on { "<Days>7</Days>" } else { "" };
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><StorageServiceProperties><DeleteRetentionPolicy>\
         <Enabled>{is_on}</Enabled>{days}</DeleteRetentionPolicy></StorageServiceProperties>"
    );
    let url = format!("{endpoint}/{account}?restype=service&comp=properties&{}", sas(account));
    let put = client().put(url).header("x-ms-version", VERSION).header("content-type", "application/xml");
    let answer = put.body(body).send().await.unwrap();
    let (status, said) = (answer.status().as_u16(), answer.text().await.unwrap());
    assert_eq!(status, 202, "{said}");
}

/// On an emulator of its own, as it is the whole account's.
#[tokio::test]
async fn an_account_that_keeps_what_is_deleted_is_refused_with_how_to_turn_it_off() {
    let (folder, port) = (TempDir::new().unwrap(), free_port());
    let _running = Restarted::start(&folder, port, KEYS[0]).await;
    let endpoint = format!("http://127.0.0.1:{port}");
    let setup = azurite().await.setup(&endpoint, "voicemail");
    Azure::open(&setup).await.unwrap();
    for region in regions() {
        let account = account(&region);
        soft_delete(&endpoint, &account, true).await;
        let said = refusal(&setup).await;
        for part in ["soft delete", "--enable-delete-retention false", &account, region.as_str()] {
            assert!(said.contains(part), "{part}: {said}");
        }
        soft_delete(&endpoint, &account, false).await;
        Azure::open(&setup).await.unwrap();
    }
}

#[tokio::test]
async fn a_sas_of_the_container_is_enough_but_signs_no_links() {
    let (azurite, folder) = (azurite().await, TempDir::new().unwrap());
    let container = "by-a-sas";
    let setup = azurite.setup(&azurite.endpoint(), container);
    Azure::open(&setup).await.unwrap();
    let mut setup = setup;
    for account in setup.accounts.values_mut() {
        let (expiry, permissions) = ("2099-01-01T00:00:00Z", "rcwdlt");
        let resource = format!("/blob/{}/{container}", account.name);
        let text =
            [permissions, "", expiry, &resource, "", "", "", "2020-12-06", "c", "", "", "", "", "", "", ""];
        let signature = signed(&text);
        let sas = format!("?sv=2020-12-06&se={expiry}&sr=c&sp={permissions}&sig={signature}\n");
        let file = folder.path().join(&account.name);
        std::fs::write(&file, sas).unwrap();
        account.access = Access::Sas(file);
    }
    let azure = Azure::open(&setup).await.unwrap();
    let space = Namespace::new(|tenant| azure.tenant(tenant), ());
    let mailbox = space.mailbox("5001").await;
    let message = space.deposit(&Call::to(&mailbox)).await;
    space.assert_unchanged(&message).await;
    let life = Duration::from_mins(5);
    assert_eq!(space.recordings().link(&message.facts.audio, life, None).await.unwrap(), None);
    let (tenant, region) = (space.tenant.id.clone(), space.tenant.master.clone());
    let drops = &space.storage.drops[&region];
    let key = DropKey { tenant, region, mailbox: "5001".to_owned(), name: "link".to_owned() };
    assert_eq!(drops.upload(&key, &BTreeMap::new(), life).await.unwrap(), None);
}

#[tokio::test]
async fn a_ping_of_an_account_that_says_nothing_answers_within_2_s() {
    let (space, proxy) = behind_a_proxy().await;
    proxy.forecast(|_| Weather::Silent);
    let begun = Instant::now();
    let (metadata, recordings) = futures::join!(space.metadata().ping(), space.recordings().ping());
    assert!(metadata.is_err() && recordings.is_err());
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}
