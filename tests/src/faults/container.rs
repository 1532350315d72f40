//! Worlds on the emulator of Azure: a container in each account.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use domain::{Attempt, MailboxId, MessageId, Region, SystemRandom, Timestamp};
use futures::future::join_all;
use host::config::Config;
use serde_json::Value;
use storage::azure::Azure;
use storage::{Storage as _, TenantStorage};

use super::breaker::Breaker;
use super::ground::{Contents, Ground};
use super::world::{TENANT, master, regions};
use crate::azurite::{Azurite, running};
use crate::blobs::{Blobs, contents, inverse};

/// What worlds have in common.
struct Shared {
    azurite: &'static Azurite,
    azure: Azure,
    client: reqwest::Client,
    /// The containers of worlds that are over: the emulator looks through all of them for each listing.
    over: Mutex<Vec<String>>,
}

impl Shared {
    /// The containers of this name, the master region's first.
    fn blobs(&self, name: &str) -> Vec<(Region, Blobs)> {
        let of = |region: Region| {
            let blobs = Blobs::of(self.azurite, &self.client, &region, name);
            (region, blobs)
        };
        regions().into_iter().map(of).collect()
    }
}

/// A container of the same name in the account of each of the tenant's regions. Nothing is deposited outside the master region.
pub struct Container {
    shared: Arc<Shared>,
    name: String,
}

impl Drop for Container {
    fn drop(&mut self) {
        self.shared.over.lock().unwrap().push(std::mem::take(&mut self.name));
    }
}

impl Container {
    /// The first one, on the emulator of this process.
    pub async fn first() -> Self {
        let azurite = tokio::task::spawn_blocking(running).await.unwrap();
        let azure = Azure::trusted(&azurite.setup(&azurite.endpoint(), "worlds")).unwrap();
        let client = crate::emulator::client();
        Self::make(&Arc::new(Shared { azurite, azure, client, over: Mutex::default() })).await
    }

    async fn make(shared: &Arc<Shared>) -> Self {
        let over = std::mem::take(&mut *shared.over.lock().unwrap());
        let over = over.iter().flat_map(|name| shared.blobs(name));
        join_all(over.map(|(_, blobs)| async move { blobs.remove().await })).await;
        let made =
            Self { shared: Arc::clone(shared), name: format!("world-{}", Attempt::draw(&SystemRandom)) };
        join_all(made.blobs().iter().map(|(_, blobs)| blobs.make())).await;
        made
    }

    fn blobs(&self) -> Vec<(Region, Blobs)> {
        self.shared.blobs(&self.name)
    }
}

/// How the places in the index of the tenant begin.
fn index() -> String {
    format!("{} index/{TENANT}/", master())
}

/// A place as `contents` tells it: with the id of a message as everything else writes it.
fn place(at: String) -> String {
    let messages = format!("{}m/", index());
    match at.strip_prefix(&messages).and_then(|message| message.split_once('!')) {
        Some((mailbox, id)) => format!("{messages}{mailbox}!{}", inverse(id)),
        None => at,
    }
}

#[async_trait]
impl Ground for Container {
    async fn fresh(&self) -> Arc<dyn Ground> {
        Arc::new(Self::make(&self.shared).await)
    }

    async fn copy(&self) -> Arc<dyn Ground> {
        let copy = Self::make(&self.shared).await;
        for ((_, from), (_, to)) in self.blobs().iter().zip(copy.blobs()) {
            let all = from.all("").await;
            join_all(all.iter().map(|blob| to.put(blob))).await;
        }
        Arc::new(copy)
    }

    async fn open(&self, config: &Config, _: &Arc<Breaker>) -> [TenantStorage; 2] {
        let tenant = config.tenants.iter().find(|tenant| tenant.id.as_str() == TENANT).unwrap();
        let azurite = self.shared.azurite;
        let mut setup = azurite.setup(&azurite.endpoint(), &self.name);
        setup.accounts.retain(|region, _| regions().contains(region));
        setup.masters.retain(|region| regions().contains(region));
        let storage = self.shared.azure.beside(&setup).unwrap().tenant(tenant);
        [storage.clone(), storage]
    }

    async fn contents(&self) -> Contents {
        let all = contents(&self.blobs()).await;
        all.into_iter().map(|(at, told)| (place(at), told)).collect()
    }

    fn messages(&self, contents: &Contents, mailbox: &MailboxId) -> Vec<MessageId> {
        let folder = format!("{}m/{mailbox}!", index());
        let ids = contents.keys().filter_map(|place| place.strip_prefix(&folder));
        ids.map(|id| id.parse().unwrap()).collect()
    }

    fn leavings(&self, contents: &Contents, is_settled: bool) -> Vec<String> {
        let blobs: Vec<_> = contents.iter().map(|(place, told)| Lies::read(place, told)).collect();
        let known: BTreeSet<String> = blobs.iter().filter_map(|blob| blob.explains(is_settled)).collect();
        let live = blobs.iter().filter(|blob| blob.told["state"]["cases"].is_null() && !blob.is_claimed());
        let live: BTreeSet<String> = live.filter_map(|blob| attempt_of(&blob.told["facts"])).collect();
        let is_explained = |blob: &Lies<'_>| match blob.folder {
            "mailbox" | "group" | "case" | "certificate" | "orphans" => true,
            // Long closed, a case is not watched any more.
            "arriving" | "due" | "open" => !is_settled,
            "forgets" => contents.contains_key(&format!("{}case/{}", index(), name_of(blob.name))),
            "callers" => known.contains(&of_an_attempt(name_of(blob.name))),
            "recordings" => {
                let of = of_an_attempt(&name_of(blob.name).replacen('.', "!", 1));
                // The policy never deletes what no case hides.
                known.contains(&of) && (blob.told["tags"]["forget"].is_null() || !live.contains(&of))
            }
            "m" if blob.told["facts"].is_null() => !is_settled,
            "m" => {
                // What is held until a deadline or claimed is due, at every moment; what is claimed is told by that alone.
                let of = attempt_of(&blob.told["facts"]);
                blob.entries().all(|entry| contents.contains_key(&entry))
                    && (!blob.is_claimed()
                        || (!is_settled && blobs.iter().any(|due| due.message_ref() == of)))
            }
            _ => false,
        };
        let unexplained = blobs.iter().filter(|blob| !is_explained(blob));
        unexplained.map(|Lies { place, told, .. }| format!("{place}: {told}")).collect()
    }

    fn age(&self, _: Duration) {}
}

/// What lies in the master region: a folder of the index or the tenant's recordings, a name in it, and what it tells.
/// Anything else lies in no folder.
struct Lies<'a> {
    place: &'a str,
    folder: &'a str,
    name: &'a str,
    told: Value,
}

impl<'a> Lies<'a> {
    fn read(place: &'a str, told: &str) -> Self {
        let recordings = format!("{} recordings/{TENANT}/", master());
        let (folder, name) = match (place.strip_prefix(&index()), place.strip_prefix(&recordings)) {
            (Some(rest), _) => rest.split_once('/').unwrap_or((rest, "")),
            (_, Some(name)) => ("recordings", name),
            _ => ("", place),
        };
        Self { place, folder, name, told: serde_json::from_str(told).unwrap() }
    }

    /// The message that an entry of what is due tells what is left of.
    fn message_ref(&self) -> Option<String> {
        attempt_of(&self.told["remains"]).filter(|_| self.folder == "due")
    }

    /// Whether a message is.
    fn is_claimed(&self) -> bool {
        self.told["state"]["claimed"] == true
    }

    /// The entries of what is due that a message's holds need.
    fn entries(&self) -> impl Iterator<Item = String> {
        let (mailbox, id) = self.name.split_once('!').unwrap();
        [("trash", 't'), ("mailbox", 'd')].into_iter().filter_map(move |(hold, kind)| {
            let at = self.told["state"].get(hold)?.as_str()?.parse::<Timestamp>().unwrap();
            Some(format!("{}due/{:013}!{kind}!{id}!{mailbox}", index(), at.millis()))
        })
    }

    /// The attempt whose recording and marker may be there as long as this is.
    fn explains(&self, is_settled: bool) -> Option<String> {
        match self.folder {
            "m" => attempt_of(&self.told["facts"]),
            "arriving" if !is_settled => Some(of_an_attempt(self.name)),
            "due" if !is_settled => self.message_ref(),
            _ => None,
        }
    }
}

/// The attempt that facts or references name.
fn attempt_of(told: &Value) -> Option<String> {
    Some(format!("{}!{}", told["id"].as_str()?, told["attempt"].as_str()?))
}

/// The attempt that a name begins with.
fn of_an_attempt(name: &str) -> String {
    name.chars().take(36 + 1 + 16).collect()
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}
