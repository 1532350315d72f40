//! Data protection requests about a caller whose recordings lie in three regions: all of them up, one of them down, and one
//! that dies meanwhile.

mod lost;
mod whole;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use domain::{Clock as _, ManualClock, Region, SystemClock};
use serde_json::{Value, json};

pub use self::lost::*;
pub use self::whole::*;
use crate::cloud::{Cloud, Emulated, Part};
use crate::faults::Contents;
use crate::fixture;
use crate::http::{Ask, Call, Centre, id, numbered};
use crate::proxy::{Proxy, Weather};

/// Makes a test of each case, on a cloud.
#[macro_export]
macro_rules! regions {
    ($on:expr) => {
        $crate::each!($on, regions:
            forget_me_hides_counts_and_schedules_deletions_in_three_regions_and_its_undo_brings_all_of_it_back,
            a_call_that_is_deposited_while_its_caller_is_being_forgotten_is_hidden_and_its_deletion_scheduled,
            an_export_hands_out_the_recordings_of_three_regions_also_while_they_are_hidden,
            an_erasure_leaves_no_recording_in_any_of_three_regions_and_is_certified_for_each,
            a_region_that_is_down_is_named_and_nothing_is_changed_in_any,
            a_region_that_dies_after_the_case_was_written_is_told_and_the_certificate_waits_for_it,
            recordings_of_the_master_that_die_after_the_case_was_written_are_told_and_the_certificate_waits_for_them,
            recordings_that_a_lost_region_did_not_schedule_for_deletion_the_next_sweep_does_and_touches_no_others,
            an_erasure_that_still_waits_for_regions_ten_minutes_before_its_end_is_counted_as_overdue,
            an_undo_while_a_region_fails_says_what_is_back_and_the_next_sweep_shows_the_rest,
        );
    };
}

/// One caller in two spellings.
const ALICE: [&str; 2] = ["030 1234567", "+49 30 1234567"];
const BOB: &str = "+49 30 7654321";
/// So many messages of Alice are in each region, the master first: new, read and in the trash, and some more. Bob has one.
const OF_ALICE: [usize; 3] = [3, 4, 5];

/// An installation with a service in each region, and messages in all of them.
pub struct Spread {
    cloud: Cloud,
    proxy: Proxy,
    regions: Vec<Region>,
    /// The service of each region. Their time is one.
    centres: Vec<Centre>,
    /// The recordings of Alice's messages, each by the name of its file.
    recordings: BTreeMap<String, Bytes>,
}

impl Spread {
    async fn new(on: Emulated) -> Self {
        let (cloud, proxy) = Cloud::behind_a_proxy(on).await;
        let regions: Vec<_> = fixture::regions().into_iter().collect();
        // The master is not the first that is named.
        let named = [1, 2, 0].map(|n: usize| &regions[n]);
        let tenants = json!([{"tenant": "t0", "country": "DE", "master": regions[0], "regions": named}]);
        let (tenants, clock) = (tenants.to_string(), Arc::new(ManualClock::at(SystemClock.now())));
        let mut centres = Vec::new();
        for region in &regions {
            let its = [("VOICEMAIL_TENANTS", tenants.as_str()), ("VOICEMAIL_REGION", region.as_str())];
            centres.push(cloud.service_with(&its, &clock).await.0);
        }
        for mailbox in ["5001", "5002"] {
            centres[0].personal(mailbox, "alice").await;
        }
        let mut spread = Self { cloud, proxy, regions, centres, recordings: BTreeMap::new() };
        for (region, messages) in OF_ALICE.into_iter().enumerate() {
            for message in 0..messages {
                spread.deposit(region, message).await;
            }
            spread.call(region, "5001", &Call::from(BOB)).await;
        }
        spread
    }

    /// A call that is taken in a region; the message's id.
    async fn call(&self, region: usize, mailbox: &str, call: &Call) -> String {
        let message = self.centres[region].deposit(mailbox, call).await;
        assert_eq!(message["region"], self.regions[region].as_str());
        id(&message)
    }

    /// A call of Alice: the second of a region is read, the third in the trash.
    async fn deposit(&mut self, region: usize, message: usize) {
        let (mailbox, audio) = (["5001", "5002"][message % 2], numbered((region * 10 + message) as u64, 200));
        let call = Call::from(ALICE[message % 2]).audio(audio.clone());
        let id = self.call(region, mailbox, &call).await;
        let (alice, path) = (self.centres[region].agent("alice"), format!("{mailbox}/messages/{id}"));
        match message {
            1 => drop(alice.put(&format!("{path}/read")).await.is(200)),
            2 => drop(alice.delete(&path).await.is(200)),
            _ => {}
        }
        self.recordings.insert(format!("{id}.wav"), audio);
    }

    /// A request of the data protection officer, to the service that is farthest from the metadata.
    fn ask(&self, operation: &str, body: Value) -> Ask {
        self.centres[2].privacy().post(&format!("/v1/gdpr/{operation}")).json(body)
    }

    /// Forgets Alice; the answer.
    async fn forget(&self, case: &str) -> Value {
        self.ask("forgetme", json!({"caseid": case, "consumers": ALICE})).await.is(202).json()
    }

    async fn case(&self, case: &str) -> Value {
        self.centres[2].privacy().get(&format!("/v1/gdpr/cases/{case}")).await.is(200).json()
    }

    /// Everything that agents see.
    async fn seen(&self) -> Vec<Value> {
        let (alice, mut seen) = (self.centres[1].agent("alice"), Vec::new());
        for path in
            ["5001/messages", "5002/messages", "5002/messages?folder=trash", "5001/messages?folder=trash"]
        {
            seen.push(alice.get(path).await.is(200).json()["messages"].clone());
        }
        seen.push(alice.get("/v1/mwi").await.is(200).json());
        seen
    }

    /// How many messages of Alice agents see, by region. Bob's they always see.
    async fn shown(&self) -> [usize; 3] {
        let seen = self.seen().await;
        let messages: Vec<_> = seen.iter().filter_map(Value::as_array).flatten().collect();
        let of = |caller: &str| {
            let its = |region: &Region| {
                let is_its = |message: &&&Value| {
                    message["caller_id"] == caller && message["region"] == region.as_str()
                };
                messages.iter().filter(is_its).count()
            };
            [0, 1, 2].map(|n: usize| its(&self.regions[n]))
        };
        assert_eq!(of("+49307654321"), [1; 3]);
        of("+49301234567")
    }

    /// That agents see nothing of Alice, and nothing of her is counted.
    async fn is_hidden(&self) {
        assert_eq!(self.shown().await, [0; 3]);
        assert_eq!(
            (self.centres[0].counts("5001").await, self.centres[0].counts("5002").await),
            ([3, 0, 0, 0], [0; 4])
        );
    }

    async fn contents(&self) -> Contents {
        self.cloud.place.contents().await
    }

    /// The tenant's recordings among what is stored, each with all that it tells, by region.
    fn stored(&self, contents: &Contents) -> [Vec<(String, Value)>; 3] {
        [0, 1, 2].map(|region: usize| {
            let folder = format!("{} {}", self.regions[region], self.cloud.place.recordings("t0"));
            let its = contents.iter().filter(|(at, _)| at.starts_with(&folder));
            its.map(|(at, told)| (at.clone(), serde_json::from_str(told).unwrap())).collect()
        })
    }

    /// How many recordings are under the rule of the lifecycle, by region.
    async fn scheduled(&self) -> [usize; 3] {
        let is_scheduled = |(_, told): &&(String, Value)| told["tags"]["forget"] == "1";
        self.stored(&self.contents().await).map(|its| its.iter().filter(is_scheduled).count())
    }

    /// From now on this happens to each request about such parts of these regions.
    fn is(&self, weather: Weather, regions: &[usize], parts: &'static [Part]) {
        let regions: Vec<_> = regions.iter().map(|n| self.regions[*n].clone()).collect();
        let place = Arc::clone(&self.cloud.place);
        self.proxy.forecast_of(move |request, target| {
            let (its, part) = place.part(request, target);
            if regions.contains(&its) && parts.contains(&part) { weather } else { Weather::Fair }
        });
    }

    fn is_fair(&self) {
        self.proxy.forecast(|_| Weather::Fair);
    }

    /// What a case says of its regions: so many messages of each, and which one was not reached.
    fn reports(&self, messages: [usize; 3], lost: Option<usize>) -> Value {
        let report = |(n, region): (usize, &Region)| json!({"region": region, "master": n == 0, "messages": messages[n], "reached": lost != Some(n)});
        self.regions.iter().enumerate().map(report).collect()
    }

    /// That a case is erased, and certified for so many messages of each region.
    async fn is_certified(&self, case: &str) {
        let shown = self.case(case).await;
        assert_eq!(shown["status"], "erased", "{shown}");
        let says = self.centres[1].certified(shown["certificate"].as_str().unwrap()).await;
        let erased = self.regions.iter().enumerate().map(|(n, region)| {
            let all = OF_ALICE[n];
            json!({"region": region, "master": n == 0, "found": all, "deleted": all, "verified_absent": all})
        });
        assert_eq!(says["regions"], erased.collect::<Value>());
        assert_eq!((&says["caseid"], &says["subjects"]), (&json!(case), &shown["subjects"]));
    }
}
