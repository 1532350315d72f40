//! Links of Azure, which plays and takes recordings without us: signed, for minutes, for one blob.

#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::time::Duration;

use storage::DropKey;
use tests::azurite::open;
use tests::fixture::{Call, audio_of};

const MINUTES: Duration = Duration::from_mins(5);

#[tokio::test]
async fn a_link_plays_the_recording_under_its_name_and_no_other() {
    let space = open().await;
    let mailbox = space.mailbox("5001").await;
    let [one, other] = [space.deposit(&Call::to(&mailbox)).await, space.deposit(&Call::to(&mailbox)).await];
    let link =
        space.recordings().link(&one.facts.audio, MINUTES, Some("my \"call\".wav")).await.unwrap().unwrap();
    let played = reqwest::get(&link).await.unwrap();
    assert_eq!(played.status(), 200);
    assert_eq!(played.headers()["content-disposition"], "attachment; filename=\"mycall.wav\"");
    assert_eq!(played.headers()["content-type"], one.facts.media_type.as_str());
    assert_eq!(played.bytes().await.unwrap(), audio_of(&one.facts));

    let of_other =
        link.replace(&one.facts.audio.file_name().replace(".wav", ""), &other.facts.id.to_string());
    assert_eq!(reqwest::get(of_other).await.unwrap().status(), 403);
    let written =
        reqwest::Client::new().put(&link).header("x-ms-blob-type", "BlockBlob").body("other").send().await;
    assert_eq!(written.unwrap().status(), 403);
    let ended = space.recordings().link(&one.facts.audio, Duration::ZERO, None).await.unwrap().unwrap();
    // Links end with a whole second.
    while reqwest::get(&ended).await.unwrap().status() != 403 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn what_comes_by_an_upload_link_has_the_facts_that_it_was_made_for_and_is_not_replaced() {
    let space = open().await;
    let region = space.tenant.master.clone();
    let drops = &space.storage.drops[&region];
    let tenant = space.tenant.id.clone();
    let key = DropKey { tenant, region, mailbox: "5001".to_owned(), name: "link".to_owned() };
    let facts =
        [("caller-id".to_owned(), "+49301234567".to_owned()), ("urgent".to_owned(), "true".to_owned())];
    let upload = drops.upload(&key, &facts.clone().into(), MINUTES).await.unwrap().unwrap();
    let put = async |body: &'static str| {
        let put =
            reqwest::Client::new().put(&upload.url).header("x-ms-meta-caller_id", "+15550100").body(body);
        upload
            .headers
            .iter()
            .fold(put, |put, (name, value)| put.header(name, value))
            .send()
            .await
            .unwrap()
            .status()
    };
    assert_eq!(drops.look(&key).await.unwrap(), None);
    assert_eq!(put("a recording").await, 201);
    assert_ne!(put("another").await, 201);
    let dropped = drops.look(&key).await.unwrap().unwrap();
    assert_eq!(dropped.facts, facts.into());
    assert_eq!(drops.read(&key, &dropped).await.unwrap().unwrap(), "a recording");
    assert_eq!(reqwest::get(&upload.url).await.unwrap().status(), 403);

    drops.reject(&key, &dropped, "it is no recording").await.unwrap();
    assert_eq!(drops.look(&key).await.unwrap(), None);
    let day = dropped.at.plus(Duration::from_hours(24));
    assert_eq!(drops.clear_rejected(dropped.at).await.unwrap(), 0);
    assert_eq!(drops.clear_rejected(day).await.unwrap(), 1);
}
