//! Busy, failing and silent services, and answers that are lost: bounded tries, an honest error, nothing lost or doubled.

use std::time::{Duration, Instant};

use domain::{Folder, Release, ReleaseOutcome};
use storage::{InsertOutcome, StorageError};
use tests::fixture::{Call, after, mark, trash};
use tests::ministack::{behind_a_proxy, past_the_proxy};
use tests::proxy::Weather;
use tests::sent_again;

/// The request that changes a message.
const WRITE: &str = "UpdateItem";

/// What API Gateway waits for an answer.
const GATEWAY: Duration = Duration::from_secs(29);

/// The requests that a deposit makes, in either half.
const DEPOSIT: [&str; 5] = ["BatchWriteItem", "GetItem", "PutItem", "PutObject", "Query"];

#[tokio::test]
async fn a_deposit_survives_each_request_throttled_failing_or_without_its_answer_twice() {
    let (space, proxy) = behind_a_proxy().await;
    let mailbox = space.mailbox("5001").await;
    let mut created = 0;
    for weather in [Weather::Throttled, Weather::Failing, Weather::AnswerLost] {
        for request in DEPOSIT {
            proxy.weather(weather, request, 2);
            let message = space.deposit(&Call::to(&mailbox)).await;
            created += 1;
            proxy.forecast(|_| Weather::Fair);
            space.assert_unchanged(&message).await;
            assert_eq!(space.listed(&mailbox).await.len(), created, "{weather:?} {request}");
        }
    }
    assert_eq!(space.metadata().arriving(after(3600)).await.unwrap(), []);
}

#[tokio::test]
async fn a_change_whose_answers_are_lost_is_a_success_and_done_once() {
    let (space, proxy) = behind_a_proxy().await;
    let mailbox = space.mailbox("5001").await;
    let facts = space.deposit(&Call::to(&mailbox)).await.facts;
    let lost = || proxy.weather(Weather::AnswerLost, "UpdateItem", 2);
    lost();
    assert!(space.read(&facts, &mark("alice", after(1))).await.is_some());
    lost();
    assert!(space.hold(&facts, &trash(after(9))).await.is_some());
    assert_eq!(space.folder(&facts).await, Some(Folder::Trash));
    lost();
    assert!(matches!(space.release(&facts, &Release::Trash).await, ReleaseOutcome::Back(_)));
    lost();
    assert_eq!(space.taken(&facts, "alice").await.taking.number(), 1);
    lost();
    assert_eq!(space.give_back(&facts).await.unwrap().taking.number(), 2);
    let before = space.metadata().mailbox(&mailbox).await.unwrap().unwrap();
    lost();
    let expect = storage::Expect::Version(before.version);
    let written = space.metadata().put_mailbox(&before.value, expect).await.unwrap();
    assert_eq!(written, storage::WriteOutcome::Version(before.version + 1));
    proxy.weather(Weather::AnswerLost, "TransactWriteItems", 2);
    space.erase(&facts, after(9)).await;
    space.assert_purged(&facts).await;
}

#[tokio::test]
async fn a_give_back_that_is_sent_again_takes_nothing_from_the_next_holder() {
    let (space, proxy) = behind_a_proxy().await;
    let direct = past_the_proxy(&space).await;
    sent_again::a_give_back_that_is_sent_again_takes_nothing_from_the_next_holder(
        &space, &direct, &proxy, WRITE,
    )
    .await;
}

#[tokio::test]
async fn a_take_over_whose_answer_is_lost_is_done_once_and_tells_from_whom() {
    let (space, proxy) = behind_a_proxy().await;
    // The first is refused, and tells who has it.
    sent_again::a_take_over_whose_answer_is_lost_is_done_once_and_tells_from_whom(&space, &proxy, WRITE, 2)
        .await;
}

#[tokio::test]
async fn a_service_that_stays_silent_is_given_up_in_time_and_said_to_be_away() {
    let (space, proxy) = behind_a_proxy().await;
    let mailbox = space.mailbox("5001").await;
    for request in ["PutObject", "PutItem"] {
        let deposit = space.attempt(&Call::to(&mailbox));
        proxy.forecast(move |name| if name == request { Weather::Silent } else { Weather::Fair });
        let begun = Instant::now();
        let failed = match space.try_arrive(&deposit).await {
            Ok(_) => space.metadata().insert(&deposit).await.map(|_: InsertOutcome| ()).unwrap_err(),
            Err(failed) => failed,
        };
        assert!(matches!(failed, StorageError::Unavailable { .. }), "{failed:?}");
        assert!(begun.elapsed() < GATEWAY, "{request}: {:?}", begun.elapsed());
        proxy.forecast(|_| Weather::Fair);
        space.janitor(after(3600)).await;
        space.assert_try_left_nothing(&deposit.facts).await;
    }
    assert!(space.listed(&mailbox).await.is_empty());
}

#[tokio::test]
async fn a_ping_hides_no_outage_and_answers_within_two_seconds() {
    let (space, proxy) = behind_a_proxy().await;
    for weather in [Weather::Throttled, Weather::Failing, Weather::Silent] {
        proxy.forecast(move |_| weather);
        let begun = Instant::now();
        let (metadata, recordings) = futures::join!(space.metadata().ping(), space.recordings().ping());
        assert!(metadata.is_err() && recordings.is_err(), "{weather:?}");
        assert!(begun.elapsed() < Duration::from_millis(2100), "{weather:?}: {:?}", begun.elapsed());
    }
    proxy.forecast(|_| Weather::Fair);
    space.metadata().ping().await.unwrap();
}

#[tokio::test]
async fn no_error_tells_whose_call_it_was() {
    let (space, proxy) = behind_a_proxy().await;
    let mailbox = space.mailbox("5001").await;
    let deposit = space.attempt(&Call::to(&mailbox));
    for weather in [Weather::Throttled, Weather::Failing] {
        proxy.forecast(move |_| weather);
        let failed = space.try_arrive(&deposit).await.unwrap_err();
        let said = format!("{failed:?} {failed}");
        let caller = deposit.facts.caller.as_ref().unwrap();
        assert!(!said.contains(caller.reveal()) && !said.contains("Caller"), "{said}");
    }
}
