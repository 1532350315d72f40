//! Deposits by a drop and by an upload link, and the storage's own links to play: a service in this process, and what takes
//! its drops.

mod drops;
mod links;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::BoxError;
use bytes::Bytes;
use host::App;
use serde_json::Value;

pub use self::drops::*;
pub use self::links::*;
use crate::cloud::{Cloud, Emulated};
use crate::http::{Centre, id, wav};
use crate::proxy::Proxy;

/// Makes a test of each case, on a cloud.
#[macro_export]
macro_rules! deposits_by_drop {
    ($on:expr) => {
        $crate::each!($on, by_drop:
            a_drop_becomes_a_message_with_its_facts_and_is_taken_away,
            a_drop_without_facts_is_a_message_of_nobody_when_it_was_dropped,
            a_repeated_event_is_one_message_also_where_the_drop_was_not_taken_away,
            two_events_of_a_drop_at_once_are_one_message,
            an_event_of_what_is_gone_or_never_was_makes_nothing,
            what_can_never_be_deposited_is_rejected_with_the_reason_and_gone_within_a_day,
            a_drop_in_a_region_that_is_not_the_tenants_is_rejected,
            a_drop_of_a_call_that_is_gone_leaves_nothing_not_even_among_what_was_rejected,
            a_fault_of_the_storage_fails_the_event_and_the_drop_stays_and_the_schedule_takes_it,
            what_is_put_to_an_upload_link_is_the_message_whose_id_was_told,
            what_is_put_to_an_upload_link_after_it_was_rejected_is_still_that_message,
            a_link_is_given_only_where_a_recording_would_be_taken,
            a_deposit_that_is_too_large_for_a_request_is_told_of_the_links,
            a_recording_is_played_by_a_link_of_five_minutes_that_needs_no_token,
        );
    };
}

/// Facts by their names.
type Facts<'a> = &'a [(&'a str, &'a str)];

/// An installation with a mailbox of Alice, and a service that takes its drops.
pub struct Office {
    /// Where it lies.
    pub cloud: Cloud,
    /// Its people.
    pub centre: Centre,
    /// What stands behind the service.
    pub app: Arc<App>,
}

impl Office {
    /// A fresh one.
    pub async fn new(on: Emulated) -> Self {
        Self::of(Cloud::new(on).await).await
    }

    async fn behind_a_proxy(on: Emulated) -> (Self, Proxy) {
        let (cloud, proxy) = Cloud::behind_a_proxy(on).await;
        (Self::of(cloud).await, proxy)
    }

    async fn of(cloud: Cloud) -> Self {
        let (centre, app) = cloud.service().await;
        centre.personal("5001", "alice").await;
        Self { cloud, centre, app }
    }

    async fn drop(&self, key: &str, facts: Facts<'_>, bytes: Bytes) {
        self.cloud.drop(key, facts, bytes).await;
    }

    /// What an event of this drop makes of it.
    ///
    /// # Errors
    /// What took the drop failed.
    pub async fn told(&self, key: &str) -> Result<(), BoxError> {
        deposit::on_drop(&self.app, &self.cloud.key(&self.app, key)).await
    }

    /// A drop and its event.
    async fn dropped(&self, key: &str, facts: Facts<'_>) {
        self.drop(key, facts, wav(1000)).await;
        self.told(key).await.unwrap();
    }

    async fn messages(&self) -> Vec<Value> {
        let page = self.centre.admin().get("5001/messages").await.is(200).json();
        page["messages"].as_array().unwrap().clone()
    }

    /// The one message.
    pub async fn message(&self) -> Value {
        let mut messages = self.messages().await;
        assert_eq!(messages.len(), 1, "{messages:?}");
        messages.remove(0)
    }

    /// That no drop waits and none was rejected.
    async fn is_clear(&self) {
        assert_eq!(self.cloud.objects("incoming").await, [""; 0]);
        assert_eq!(self.cloud.objects("rejected").await, [""; 0]);
    }

    /// Where the recording of a message leads.
    async fn link(&self, message: &Value, query: &str) -> String {
        let path = format!("5001/messages/{}/audio{query}", id(message));
        let answer = self.centre.agent("alice").get(&path).await.is(307);
        assert!(answer.body.is_empty(), "the bytes come from the storage");
        answer.header("location").to_owned()
    }
}

/// Asks a link as a player does, that has nothing else.
async fn play(link: &str) -> (u16, BTreeMap<String, String>, Bytes) {
    let answer = reqwest::Client::builder().no_proxy().build().unwrap().get(link).send().await.unwrap();
    let headers = answer.headers().iter();
    let headers =
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    (answer.status().as_u16(), headers, answer.bytes().await.unwrap())
}

/// Sends a recording by an upload link, with the method and the headers that came with it; the status.
pub async fn upload(link: &Value, bytes: Bytes) -> u16 {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let method = link["method"].as_str().unwrap().parse().unwrap();
    let request = client.request(method, link["url"].as_str().unwrap());
    let headers = link["headers"].as_object().unwrap().iter();
    let request =
        headers.fold(request, |request, (name, value)| request.header(name, value.as_str().unwrap()));
    request.body(bytes).send().await.unwrap().status().as_u16()
}
