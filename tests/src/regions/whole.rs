//! All three regions are up.
#![expect(missing_docs, reason = "the name of a case is its documentation")]

use std::time::Duration;

use domain::Region;
use serde_json::{Value, json};

use super::{ALICE, BOB, OF_ALICE, Spread};
use crate::cloud::Emulated;
use crate::fixture::HOUR;

const MINUTE: Duration = Duration::from_mins(1);

pub async fn forget_me_hides_counts_and_schedules_deletions_in_three_regions_and_its_undo_brings_all_of_it_back(
    on: Emulated,
) {
    let spread = Spread::new(on).await;
    let before = spread.seen().await;
    let all = json!({"messages": OF_ALICE.iter().sum::<usize>()});
    let forgotten = spread.forget("1").await;
    assert_eq!(forgotten["consumers"], json!({ALICE[0]: all, ALICE[1]: all}), "counted once, told twice");
    assert_eq!(forgotten["regions"], spread.reports(OF_ALICE, None));
    assert_eq!(forgotten["status"], "pending");
    spread.is_hidden().await;
    assert_eq!(spread.scheduled().await, OF_ALICE);

    spread.centres[0].pass(23 * HOUR);
    let swept = spread.centres[0].sweep().await;
    assert_eq!((&swept["purged"], &swept["failed"]), (&json!(0), &json!(0)));
    let undone = spread.ask("undoforget", json!({"consumers": [ALICE[1]]})).await.is(200).json();
    assert_eq!(undone["consumers"], json!({ALICE[1]: all}));
    assert_eq!(undone["regions"], spread.reports(OF_ALICE, None));
    assert_eq!(spread.seen().await, before, "each is where it was");
    assert_eq!(spread.scheduled().await, [0; 3]);
}

pub async fn a_call_that_is_deposited_while_its_caller_is_being_forgotten_is_hidden_and_its_deletion_scheduled(
    on: Emulated,
) {
    let mut spread = Spread::new(on).await;
    spread.forget("1").await;
    // Taken at the time of the request, and up to two minutes later.
    for region in 0..3 {
        spread.deposit(region, 0).await;
    }
    spread.is_hidden().await;
    assert_eq!(spread.scheduled().await, OF_ALICE.map(|all| all + 1));
    spread.ask("undoforget", json!({"caseid": "1"})).await.is(200);
    assert_eq!(spread.scheduled().await, [0; 3]);
}

pub async fn an_export_hands_out_the_recordings_of_three_regions_also_while_they_are_hidden(on: Emulated) {
    let spread = Spread::new(on).await;
    let export = async || spread.ask("exportme", json!({"consumers": ALICE})).await.is(200).json();
    let before = export().await;
    spread.forget("1").await;
    let exported = export().await;
    assert_eq!(exported, before);
    let names: Vec<_> = spread.recordings.keys().cloned().collect();
    for spelling in ALICE {
        let mut told: Vec<String> = serde_json::from_value(exported["consumers"][spelling].clone()).unwrap();
        told.sort();
        assert_eq!(told, names);
    }
    let player = reqwest::Client::builder().no_proxy().build().unwrap();
    let (dpo, mut regions) = (spread.centres[2].privacy(), [0; 3]);
    for (name, recording) in &spread.recordings {
        let file = &exported["files"][name];
        let its = spread.regions.iter().position(|region| file["message"]["region"] == region.as_str());
        regions[its.unwrap()] += 1;
        let link = dpo.get(file["url"].as_str().unwrap()).await.is(307).header("location").to_owned();
        assert_eq!(player.get(link).send().await.unwrap().bytes().await.unwrap(), *recording, "{name}");
    }
    assert_eq!(regions, OF_ALICE);
}

pub async fn an_erasure_leaves_no_recording_in_any_of_three_regions_and_is_certified_for_each(on: Emulated) {
    let spread = Spread::new(on).await;
    let before = spread.stored(&spread.contents().await);
    assert_eq!(before.each_ref().map(Vec::len), OF_ALICE.map(|all| all + 1));
    spread.forget("1").await;
    spread.centres[0].pass(23 * HOUR + 31 * MINUTE);
    assert_eq!(spread.centres[0].sweep().await["purged"], 0);
    spread.centres[0].pass(MINUTE);
    let swept = spread.centres[0].sweep().await;
    let all = OF_ALICE.iter().sum::<usize>();
    assert_eq!((&swept["purged"], &swept["failed"]), (&json!(all), &json!(0)), "{swept}");
    spread.is_certified("1").await;

    let left = spread.stored(&spread.contents().await);
    assert_eq!(left.each_ref().map(Vec::len), [1; 3]);
    for (left, before) in left.iter().zip(&before) {
        assert!(left.iter().all(|recording| before.contains(recording)), "another's, as it was: {left:?}");
    }
    spread.is_hidden().await;
    let numbers = json!({"consumers": [ALICE[0], BOB]});
    let exported = spread.ask("exportme", numbers).await.is(200).json();
    assert_eq!(exported["consumers"][ALICE[0]], json!([]));
    let bobs = exported["files"].as_object().unwrap().values().map(|file| &file["message"]["region"]);
    let mut bobs: Vec<&Value> = bobs.collect();
    bobs.sort_by_key(|region| region.as_str());
    assert_eq!(bobs, spread.regions.iter().map(Region::as_str).collect::<Vec<_>>());
}
