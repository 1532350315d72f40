//! The function `deposit` as Lambda invokes it: by an event of a bucket and on a schedule.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use serde_json::{Value, json};
use tests::cloud::Cloud;
use tests::http::{Answered, Centre, Lambda, wav};
use tests::proxy::Weather;

const DROP: &str = "t0/5001/2026/Müller & Co +49 30.wav";

/// A function, and a service that shows what it did.
struct Deposit {
    lambda: Lambda,
    cloud: Cloud,
    centre: Centre,
}

impl Deposit {
    async fn on(cloud: Cloud) -> Self {
        let setting = Arc::clone(&cloud.setting);
        let started = tokio::task::spawn_blocking(|| Lambda::start_function("deposit", setting));
        let (lambda, (centre, _)) = futures::join!(started, cloud.service());
        centre.personal("5001", "alice").await;
        Self { lambda: lambda.unwrap(), cloud, centre }
    }

    async fn invoke(&self, event: Value) -> Answered {
        self.lambda.invoke(event).await
    }

    async fn messages(&self) -> usize {
        self.centre.ids("5001", "").await.len()
    }
}

#[tokio::test]
async fn an_event_of_a_drop_makes_its_message_however_often_it_comes() {
    let deposit = Deposit::on(Cloud::new().await).await;
    deposit.cloud.drop(DROP, &[("caller-id", "+49301234567")], wav(1000)).await;
    for _ in 0..2 {
        assert_eq!(deposit.invoke(deposit.cloud.event(DROP)).await, Ok(Value::Null));
        assert_eq!(deposit.messages().await, 1);
        assert_eq!(deposit.cloud.objects("incoming").await, [""; 0]);
    }
}

#[tokio::test]
async fn an_event_of_what_is_no_drop_of_ours_is_done_and_changes_nothing() {
    let deposit = Deposit::on(Cloud::new().await).await;
    deposit.cloud.drop("nobody/5001/a.wav", &[], wav(1000)).await;
    let mut elsewhere = deposit.cloud.event(DROP);
    *elsewhere.pointer_mut("/Records/0/s3/bucket/name").unwrap() = "another-bucket".into();
    for event in [deposit.cloud.event("nobody/5001/a.wav"), elsewhere, json!({"Records": []})] {
        assert_eq!(deposit.invoke(event).await, Ok(Value::Null));
    }
    assert_eq!(deposit.cloud.objects("incoming").await, ["incoming/nobody/5001/a.wav"]);
    assert_eq!(deposit.messages().await, 0);
}

#[tokio::test]
async fn an_event_that_cannot_be_read_or_done_fails_the_invocation() {
    let (cloud, proxy) = Cloud::behind_a_proxy().await;
    let deposit = Deposit::on(cloud).await;
    for event in [json!({}), json!({"Records": [{"eventSource": "aws:sqs", "body": "+49301234567"}]})] {
        let failed = deposit.invoke(event).await.unwrap_err().to_string();
        assert!(!failed.contains("301234567"), "{failed}");
    }
    deposit.cloud.drop(DROP, &[("caller-id", "+49301234567")], wav(1000)).await;
    deposit.cloud.drop("t0/5001/b.txt", &[], "no audio".into()).await;
    // Both are tried, also where the first fails.
    let mut both = deposit.cloud.event(DROP);
    let second = deposit.cloud.event("t0/5001/b.txt").pointer("/Records/0").unwrap().clone();
    both.pointer_mut("/Records").unwrap().as_array_mut().unwrap().push(second);
    proxy.forecast(|request| if request == "PutItem" { Weather::Failing } else { Weather::Fair });
    let failed = deposit.invoke(both.clone()).await.unwrap_err().to_string();
    assert!(failed.contains("storage-unavailable") && !failed.contains("301234567"), "{failed}");
    assert_eq!(deposit.cloud.objects("incoming").await, [format!("incoming/{DROP}")]);
    assert_eq!(deposit.cloud.reason("t0/5001/b.txt").await.as_deref(), Some("unsupported-audio"));
    proxy.forecast(|_| Weather::Fair);
    assert_eq!(deposit.invoke(both).await, Ok(Value::Null), "Lambda repeats it");
    assert_eq!(deposit.messages().await, 1);
}

#[tokio::test]
async fn a_schedule_leaves_a_drop_whose_event_may_still_come() {
    let deposit = Deposit::on(Cloud::new().await).await;
    deposit.cloud.drop(DROP, &[], wav(1000)).await;
    assert_eq!(deposit.invoke(json!({"source": "aws.events", "detail": {}})).await, Ok(Value::Null));
    assert_eq!(deposit.cloud.objects("incoming").await, [format!("incoming/{DROP}")]);
}
