//! What a certificate says, and that those of a tenant are one chain.
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use domain::{Certified, Clock as _, Status};
use serde_json::json;
use storage::Expect;

use crate::testing::*;
use crate::{Certificate, hash};

impl World {
    async fn certificate(&self, case: &str) -> Certificate {
        serde_json::from_str(&self.case(case).await.certificate.unwrap()).unwrap()
    }
}

#[tokio::test]
async fn a_certificate_says_what_was_erased_where_and_when_and_who_may_hold_copies() {
    let world = World::new().await;
    for (caller, region) in [(ALICE, "west"), (ALICE, "east"), (ALICE, "west"), (BOB, "west")] {
        world.deposit(caller, "5001", region).await.unwrap();
    }
    let requested = world.clock.now();
    world.forget("§ 17", &[ALICE, BOB]).await;
    world.undo("§ 17", Some(&[BOB])).await;
    world.clock.advance(hm(23, 35));
    world.sweep().await;
    let certificate = world.case("§ 17").await.certificate.unwrap();
    let said: serde_json::Value = serde_json::from_str(&certificate).unwrap();
    let erased = |region: &str, master: bool, count: u64| json!({"region": region, "master": master, "found": count, "deleted": count, "verified_absent": count});
    let expected = json!({
        "v": 1, "tenant": "t", "caseid": "§ 17",
        "requested_at": requested, "undo_until": requested.plus(hm(23, 30)), "purge_at": requested.plus(DAY),
        "erased_at": requested.plus(hm(23, 35)),
        "subjects": [subject(ALICE)], "undone": [subject(BOB)],
        "regions": [erased("west", true, 2), erased("east", false, 1)],
        "perhaps": [], "notes": [],
        "copies": [{"store": "snapshots and backups of the volume, where there are any", "until": null}],
        "previous": null,
    });
    assert_eq!(said, expected);
    assert!(!certificate.contains("301234567") && !certificate.contains("307654321"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_certificates_of_a_tenant_are_one_chain_also_where_sweeps_close_cases_at_once() {
    let world = World::new().await;
    let cases: Vec<_> = (0..8).map(|n| n.to_string()).collect();
    for case in &cases {
        world.deposit(&format!("+4930{case}11"), "5001", "west").await.unwrap();
        world.forget(case, &[&format!("+4930{case}11")]).await;
    }
    world.clock.advance(hm(23, 32));
    futures::join!(world.sweep(), world.sweep(), world.sweep());
    let mut before = BTreeSet::new();
    let mut hashes = BTreeSet::new();
    for case in &cases {
        assert_eq!(world.case(case).await.status, Status::Erased);
        before.insert(world.certificate(case).await.previous);
        hashes.insert(Some(hash(&world.case(case).await.certificate.unwrap())));
    }
    let last = world.storage.metadata.last_certificate().await.unwrap().unwrap();
    assert_eq!((before.len(), last.version), (8, 8), "none follows what another follows");
    hashes.remove(&Some(hash(&last.value.certificate)));
    hashes.insert(None);
    assert_eq!(before, hashes);
}

#[tokio::test]
async fn a_certificate_whose_sweep_died_before_it_closed_the_case_stays_the_one_of_the_case() {
    let world = World::new().await;
    world.forget("1", &[ALICE]).await;
    world.forget("2", &[BOB]).await;
    let claim_from = world.case("1").await.deadlines.claim_from;
    world.change("1", |case| assert!(case.begin_erasing(claim_from))).await;
    let (key, erased_at) = (world.case("1").await.key, claim_from);
    let certified = Certified { case: key, erased_at, certificate: "it was written".into() };
    world.storage.metadata.put_certificate(&certified, Expect::Absent).await.unwrap();
    world.clock.advance(DAY);
    let other = world.case("2").await.key;
    world.erasure().sweep_case(&other, &sign, &|| true).await.unwrap();
    let (one, two) = (world.case("1").await, world.certificate("2").await);
    assert_eq!((one.status, one.erased_at), (Status::Erased, Some(claim_from)));
    assert_eq!(one.certificate.as_deref(), Some("it was written"));
    assert_eq!(two.previous, Some(hash("it was written")));
}

#[tokio::test]
async fn without_a_signature_a_case_stays_open_and_the_next_sweep_closes_it() {
    let world = World::new().await;
    let facts = world.deposit(ALICE, "5001", "west").await.unwrap();
    let case = world.forget("1", &[ALICE]).await.cases.remove(0);
    world.clock.advance(hm(23, 32));
    let cannot = |_: &Certificate| Err("no key".into());
    assert_eq!(world.erasure().sweep_case(&case.key, &cannot, &|| true).await.unwrap().failed, 1);
    assert!(world.is_purged(&facts).await && world.case("1").await.status == Status::Erasing);
    world.sweep().await;
    assert_eq!(world.certificate("1").await.regions[0].deleted, 1, "what an earlier sweep purged counts");
}
