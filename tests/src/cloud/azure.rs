//! Azure: a container in the account of each region.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::{Attempt, Clock as _, Region, SystemClock, SystemRandom, Timestamp};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use storage::Storage;
use storage::azure::{Access, Account, Azure};

use super::{Emulated, Function, Part, Place, Step};
use crate::azurite::{Azurite, running};
use crate::blobs::{Blob, Blobs, contents};
use crate::faults::Contents;
use crate::fixture::regions;
use crate::http::{Centre, Front, Gateway, Invocation, Setting, as_custom_handler};

/// Blob Storage on Azurite.
pub const AZURE: Emulated = Emulated {
    endpoint: || running().endpoint(),
    place: |endpoint| Arc::new(AzurePlace::at(running().clone(), endpoint)),
};

/// A container in each account.
pub struct AzurePlace {
    azurite: Azurite,
    endpoint: String,
    container: String,
    client: reqwest::Client,
}

/// The region of the tenants, whose account drops come to.
fn master() -> Region {
    regions().first().unwrap().clone()
}

impl AzurePlace {
    /// Fresh ones on an emulator that is asked at this address.
    pub fn at(azurite: Azurite, endpoint: String) -> Self {
        let container = format!("i-{}", Attempt::draw(&SystemRandom));
        Self { azurite, endpoint, container, client: crate::emulator::client() }
    }

    fn blobs(&self) -> Blobs {
        self.blobs_in(&master())
    }

    fn blobs_in(&self, region: &Region) -> Blobs {
        Blobs::of(&self.azurite, &self.client, region, &self.container)
    }

    fn accounts(&self) -> BTreeMap<Region, Account> {
        self.azurite.setup(&self.endpoint, &self.container).accounts
    }
}

/// An account as the environment tells it.
fn told(account: &Account) -> Value {
    let mut told = json!({
        "account": account.name, "endpoint": account.endpoint, "container": account.container,
    });
    if let Access::Key(file) = &account.access {
        told["key_file"] = json!(file);
    }
    told
}

#[async_trait]
impl Place for AzurePlace {
    fn environment(&self) -> Vec<(&'static str, String)> {
        let accounts = self.accounts();
        let accounts: Map<_, _> =
            accounts.iter().map(|(region, account)| (region.to_string(), told(account))).collect();
        vec![
            ("VOICEMAIL_STORAGE", "azure".to_owned()),
            ("VOICEMAIL_AZURE", Value::from(accounts).to_string()),
        ]
    }

    async fn storage(&self) -> Arc<dyn Storage> {
        let setup = self.azurite.setup(&self.endpoint, &self.container);
        Arc::new(Azure::open(&setup).await.unwrap())
    }

    /// Names of metadata are identifiers.
    async fn put(&self, object: &str, facts: &[(&str, &str)], bytes: Bytes) {
        let metadata = facts.iter().map(|(name, value)| (name.replace('-', "_"), (*value).to_owned()));
        let blob = Blob {
            name: object.to_owned(),
            metadata: metadata.collect(),
            tags: BTreeMap::new(),
            media_type: "audio/wav".to_owned(),
            content: bytes,
        };
        self.blobs().put(&blob).await;
    }

    async fn objects(&self, folder: &str) -> Vec<String> {
        self.blobs().all(folder).await.into_iter().map(|blob| blob.name).collect()
    }

    async fn metadata(&self, object: &str) -> Option<BTreeMap<String, String>> {
        let found = self.blobs().all(object).await.into_iter().find(|blob| blob.name == object)?;
        Some(found.metadata.into_iter().map(|(name, value)| (name.replace('_', "-"), value)).collect())
    }

    fn named(&self, object: &str) -> (String, String) {
        let account = crate::azurite::account(&master());
        (format!("{account}/{}", self.container), object.to_owned())
    }

    fn recordings(&self, tenant: &str) -> String {
        format!("recordings/{tenant}/")
    }

    async fn process(&self, setting: &Arc<Setting>) -> Centre {
        Centre::gateway(&Arc::new(as_custom_handler(setting.copy()))).await
    }

    async fn function(&self, setting: &Arc<Setting>) -> Box<dyn Function> {
        let Front::Socket { gateway, .. } = self.process(setting).await.front else { unreachable!() };
        Box::new(gateway)
    }

    /// As Event Grid tells of a blob: "Azure Blob Storage as an Event Grid source" of the documentation of Event Grid.
    fn event(&self, objects: &[(String, String)]) -> Value {
        let events = objects.iter().map(|(bucket, blob)| {
            let (account, container) = bucket.split_once('/').unwrap();
            json!({
                "topic": format!("/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/{account}"),
                "subject": format!("/blobServices/default/containers/{container}/blobs/{blob}"),
                "eventType": "Microsoft.Storage.BlobCreated",
                "eventTime": "2026-11-24T18:41:00.9584103Z",
                "id": "831e1650-001e-001b-66ab-eeb76e069631",
                "data": {
                    "api": "PutBlob", "clientRequestId": "6d79dbfb-0e37-4fc4-981f-442c9ca65760",
                    "requestId": "831e1650-001e-001b-66ab-eeb76e000000", "eTag": "0x8D4BCC2E4835CD0",
                    "contentType": "audio/wav", "contentLength": 16_044, "blobType": "BlockBlob",
                    "url": format!("https://{account}.blob.core.windows.net/{container}/{blob}"),
                    "sequencer": "00000000000004420000000000028963",
                    "storageDiagnostics": {"batchId": "b68529f3-68cd-4744-baa4-3c0498ec19f0"}
                },
                "dataVersion": "", "metadataVersion": "1"
            })
        });
        let mut events: Vec<Value> = events.collect();
        if events.len() == 1 { events.remove(0) } else { events.into() }
    }

    fn no_events(&self) -> Vec<Value> {
        vec![json!({}), json!("+49301234567"), json!({"subject": "+49301234567"}), Value::Null]
    }

    async fn contents(&self) -> Contents {
        let of = |region: Region| (region.clone(), self.blobs_in(&region));
        contents(&regions().into_iter().map(of).collect::<Vec<_>>()).await
    }

    fn part(&self, request: &str, target: &str) -> (Region, Part) {
        let target = percent_decode_str(target).decode_utf8_lossy();
        let named = target.split(['/', '?']).nth(1).unwrap_or_default();
        let region = regions().into_iter().find(|region| crate::azurite::account(region) == named);
        let part = match request {
            "GetContainerProperties" => Part::Ping,
            _ if target.contains("recordings/") => Part::Recordings,
            _ => Part::Metadata,
        };
        (region.unwrap(), part)
    }

    fn is(&self, step: Step, request: &str, target: &str) -> bool {
        let target = percent_decode_str(target).decode_utf8_lossy();
        let (name, place) = match step {
            Step::Look => ("GetBlobProperties", "/incoming/"),
            Step::Read => ("GetBlob", "/incoming/"),
            Step::Put => ("PutBlob", "/recordings/"),
            Step::Insert => ("PutBlob", "/m/"),
            Step::Count => ("ListBlobs", "/m/"),
            Step::TakeAway => ("DeleteBlob", "/incoming/"),
        };
        request == name && target.contains(place)
    }

    fn life(&self, link: &str) -> Duration {
        let url: reqwest::Url = link.parse().unwrap();
        let end = url.query_pairs().find_map(|(name, value)| (name == "se").then_some(value));
        let end: Timestamp = end.expect("it ends").parse().unwrap();
        end.since(SystemClock.now())
    }

    fn prolonged(&self, link: &str) -> String {
        link.replace("&se=2", "&se=3")
    }
}

#[async_trait]
impl Function for Arc<Gateway> {
    async fn dropped(&self, event: &Value) -> Result<(), String> {
        self.told("on-drop", &json!({"event": event.to_string()})).await
    }

    async fn scheduled(&self) -> Result<(), String> {
        let timer = json!({
            "Schedule": {"AdjustForDST": true}, "IsPastDue": false,
            "ScheduleStatus": {"Last": "2026-11-24T08:00:00.0036+00:00", "Next": "2026-11-24T08:05:00+00:00"}
        });
        self.told("on-schedule", &json!({"timer": timer})).await
    }

    /// The log tells more.
    fn without_storage(&self) -> &'static str {
        "\"code\":\"internal\""
    }
}

impl Gateway {
    /// Invokes a function with this data of its trigger; an error is the answer of one that failed.
    ///
    /// # Errors
    /// The answer of an invocation that failed.
    pub async fn told(&self, function: &str, data: &Value) -> Result<(), String> {
        let metadata =
            json!({"sys": {"MethodName": function, "UtcNow": "2026-11-24T18:41:01Z", "RandGuid": "1"}});
        let envelope = json!({"Data": data, "Metadata": metadata}).to_string();
        let (status, answer) = Invocation::of(function, &self.address, &envelope).send(self).await;
        if !(200..300).contains(&status) {
            return Err(format!("{status}: {answer}"));
        }
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!((status, answer), (200, json!({"Outputs": {}, "Logs": [], "ReturnValue": null})));
        Ok(())
    }
}
