//! What a cloud invokes beside requests, in a process of its own: by an event of a drop, and on a schedule.
#![expect(missing_docs, reason = "the name of a case is its documentation")]

use crate::cloud::{Cloud, Emulated, Function, Step};
use crate::http::{Centre, wav};
use crate::proxy::Weather;

const DROP: &str = "t0/5001/2026/Müller & Co +49 30.wav";

/// Makes a test of each case, on a cloud.
#[macro_export]
macro_rules! triggers {
    ($on:expr) => {
        $crate::each!($on, triggers:
            an_event_of_a_drop_makes_its_message_however_often_it_comes,
            an_event_of_what_is_no_drop_of_ours_is_done_and_changes_nothing,
            an_event_that_cannot_be_read_or_done_fails_the_invocation,
            a_schedule_leaves_a_drop_whose_event_may_still_come,
        );
    };
}

/// A function, and a service that shows what it did.
pub struct Triggered {
    pub function: Box<dyn Function>,
    pub cloud: Cloud,
    pub centre: Centre,
}

impl Triggered {
    pub async fn on(cloud: Cloud) -> Self {
        let (centre, _) = cloud.service().await;
        centre.personal("5001", "alice").await;
        Self { function: cloud.place.function(&cloud.setting).await, cloud, centre }
    }

    pub async fn messages(&self) -> usize {
        self.centre.ids("5001", "").await.len()
    }
}

pub async fn an_event_of_a_drop_makes_its_message_however_often_it_comes(on: Emulated) {
    let deposit = Triggered::on(Cloud::new(on).await).await;
    deposit.cloud.drop(DROP, &[("caller-id", "+49301234567")], wav(1000)).await;
    for _ in 0..2 {
        deposit.function.dropped(&deposit.cloud.event(DROP)).await.unwrap();
        assert_eq!(deposit.messages().await, 1);
        assert_eq!(deposit.cloud.objects("incoming").await, [""; 0]);
    }
}

pub async fn an_event_of_what_is_no_drop_of_ours_is_done_and_changes_nothing(on: Emulated) {
    let deposit = Triggered::on(Cloud::new(on).await).await;
    deposit.cloud.drop("nobody/5001/a.wav", &[], wav(1000)).await;
    let (bucket, key) = deposit.cloud.dropped_at(DROP);
    let elsewhere = deposit.cloud.place.event(&[(format!("another{bucket}"), key)]);
    for event in [deposit.cloud.event("nobody/5001/a.wav"), elsewhere, deposit.cloud.place.event(&[])] {
        deposit.function.dropped(&event).await.unwrap();
    }
    assert_eq!(deposit.cloud.objects("incoming").await, ["incoming/nobody/5001/a.wav"]);
    assert_eq!(deposit.messages().await, 0);
}

pub async fn an_event_that_cannot_be_read_or_done_fails_the_invocation(on: Emulated) {
    let (cloud, proxy) = Cloud::behind_a_proxy(on).await;
    let deposit = Triggered::on(cloud).await;
    for event in deposit.cloud.place.no_events() {
        let failed = deposit.function.dropped(&event).await.unwrap_err();
        assert!(!failed.contains("301234567"), "{failed}");
    }
    deposit.cloud.drop(DROP, &[("caller-id", "+49301234567")], wav(1000)).await;
    deposit.cloud.drop("t0/5001/b.txt", &[], "no audio".into()).await;
    // Both are tried, also where the first fails.
    let both = [DROP, "t0/5001/b.txt"].map(|key| deposit.cloud.dropped_at(key));
    let both = deposit.cloud.place.event(&both);
    deposit.cloud.fails(&proxy, Step::Insert);
    let failed = deposit.function.dropped(&both).await.unwrap_err();
    assert!(failed.contains(deposit.function.without_storage()) && !failed.contains("301234567"), "{failed}");
    assert_eq!(deposit.cloud.objects("incoming").await, [format!("incoming/{DROP}")]);
    assert_eq!(deposit.cloud.reason("t0/5001/b.txt").await.as_deref(), Some("unsupported-audio"));
    proxy.forecast(|_| Weather::Fair);
    // The cloud repeats it.
    deposit.function.dropped(&both).await.unwrap();
    assert_eq!(deposit.messages().await, 1);
}

pub async fn a_schedule_leaves_a_drop_whose_event_may_still_come(on: Emulated) {
    let deposit = Triggered::on(Cloud::new(on).await).await;
    deposit.cloud.drop(DROP, &[], wav(1000)).await;
    deposit.function.scheduled().await.unwrap();
    assert_eq!(deposit.cloud.objects("incoming").await, [format!("incoming/{DROP}")]);
}
