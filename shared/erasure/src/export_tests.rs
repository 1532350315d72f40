//! What an export names and tells of.
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use domain::{Claim, ClaimOutcome, Clock as _, Folder, Hold};

use crate::testing::*;
use crate::{Error, Exported};

async fn export(world: &World, numbers: &[&str]) -> Exported {
    world.erasure().export(&subjects(numbers), None, 1000).await.unwrap()
}

#[tokio::test]
async fn an_export_names_every_message_of_a_caller_until_it_is_being_purged() {
    let world = World::new().await;
    let mut all = Vec::new();
    for (mailbox, region) in [("5001", "west"), ("5002", "east"), ("5003", "west"), ("5001", "west")] {
        all.push(world.deposit(ALICE, mailbox, region).await.unwrap());
    }
    world.deposit(BOB, "5001", "west").await.unwrap();
    let metadata = &world.storage.metadata;
    world.trash(&all[1], world.clock.now().plus(DAY)).await;
    let gone = Hold::Mailbox { purge_at: world.clock.now().plus(DAY).up_to_second() };
    metadata.hold(&all[2].mailbox, all[2].id, &gone).await.unwrap();
    let everything = export(&world, &[ALICE, "+4930111"]).await;
    let names =
        |exported: &Exported| exported.files[&subject(ALICE)].iter().cloned().collect::<BTreeSet<_>>();
    let expected: BTreeSet<_> = all.iter().map(|facts| format!("{}.wav", facts.id)).collect();
    assert_eq!((names(&everything), everything.next), (expected.clone(), None));
    assert!(everything.files[&subject("+4930111")].is_empty());
    assert_eq!(everything.page[&all[1].id].folder_beneath(), Folder::Trash);
    world.forget("1", &[ALICE]).await;
    assert_eq!(names(&export(&world, &[ALICE]).await), expected, "it is hidden, and still there");
    let claimed = metadata.claim(&all[2].mailbox, all[2].id, &Claim::Due(gone)).await.unwrap();
    assert_eq!(claimed, ClaimOutcome::Claimed);
    assert_eq!(names(&export(&world, &[ALICE]).await).len(), 3);
    world.clock.advance(DAY);
    world.sweep().await;
    assert!(names(&export(&world, &[ALICE]).await).is_empty());
}

#[tokio::test]
async fn an_export_tells_of_some_at_a_time_and_of_each_once() {
    let world = World::new().await;
    let mut all = BTreeSet::new();
    for number in 0..7 {
        let caller = [ALICE, BOB][number % 2];
        all.insert(world.deposit(caller, "5001", "west").await.unwrap().id);
    }
    let (mut told, mut after) = (Vec::new(), None);
    loop {
        let part = world.erasure().export(&subjects(&[ALICE, BOB]), after, 3).await.unwrap();
        assert_eq!(part.files.values().map(Vec::len).sum::<usize>(), 7, "the names are always whole");
        told.extend(part.page.into_keys());
        after = part.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(told, all.into_iter().collect::<Vec<_>>());
}

#[tokio::test]
async fn an_export_with_a_region_down_is_refused_and_names_it() {
    let world = World::new().await;
    world.deposit(ALICE, "5001", "west").await.unwrap();
    world.region("east", false);
    let refused = world.erasure().export(&subjects(&[ALICE]), None, 1000).await;
    assert!(matches!(refused, Err(Error::Down(down)) if down.region.as_str() == "east"));
}
