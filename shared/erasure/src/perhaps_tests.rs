//! Who else the digits of a request may mean: told, and never touched.
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use domain::{Clock as _, Folder, Status};

use crate::testing::*;
use crate::{Certificate, Forgotten, Perhaps};

/// A caller whose digits mean another, too: 4915112345678.
const MOBILE: &str = "+4915112345678";
const LANDLINE: &str = "+494915112345678";

#[tokio::test]
async fn who_else_the_digits_mean_is_counted_and_told_in_the_case_and_its_certificate_and_not_touched() {
    let world = World::new().await;
    world.deposit(MOBILE, "5001", "west").await.unwrap();
    let mut theirs = Vec::new();
    for mailbox in ["5001", "5002", "5001"] {
        theirs.push(world.deposit(LANDLINE, mailbox, "east").await.unwrap());
    }
    world.trash(&theirs[0], world.clock.now().plus(DAY * 2)).await;
    let others = subjects(&[LANDLINE, BOB]);
    let forgotten = world.erasure().forget("1", subjects(&[MOBILE]), &others, DAY, &|| true).await.unwrap();
    let Forgotten::Pending(_, perhaps) = forgotten else { panic!("{forgotten:?}") };
    assert_eq!(perhaps, Perhaps::from([(subject(LANDLINE), Some(3)), (subject(BOB), Some(0))]));
    assert_eq!(
        world.case("1").await.perhaps,
        [(subject(LANDLINE), Some(3))].into(),
        "who has none is left out"
    );
    world.clock.advance(hm(23, 32));
    world.sweep().await;
    let case = world.case("1").await;
    assert_eq!(case.status, Status::Erased);
    let certificate: Certificate = serde_json::from_str(&case.certificate.unwrap()).unwrap();
    let said: Vec<_> =
        certificate.perhaps.iter().map(|other| (other.subject.clone(), other.messages)).collect();
    assert_eq!(said, [(subject(LANDLINE), Some(3))]);
    assert!(certificate.notes.iter().any(|note| note.contains("\"perhaps\"")), "{:?}", certificate.notes);
    assert_eq!(world.folder_of(&theirs[0]).await, Some(Folder::Trash));
    assert_eq!(world.folder_of(&theirs[1]).await, Some(Folder::New));
}

#[tokio::test]
async fn who_could_not_be_counted_in_time_is_null_and_the_sweep_counts() {
    let world = World::new().await;
    world.deposit(LANDLINE, "5001", "east").await.unwrap();
    let others = subjects(&[LANDLINE]);
    let forgotten = world.erasure().forget("1", subjects(&[MOBILE]), &others, DAY, &|| false).await.unwrap();
    let Forgotten::Pending(_, perhaps) = forgotten else { panic!("{forgotten:?}") };
    assert_eq!(perhaps, Perhaps::from([(subject(LANDLINE), None)]));
    world.sweep().await;
    assert_eq!(world.case("1").await.perhaps, [(subject(LANDLINE), Some(1))].into());
}

#[tokio::test]
async fn a_certificate_says_in_words_of_whom_nothing_was_found() {
    let world = World::new().await;
    world.deposit(ALICE, "5001", "west").await.unwrap();
    world.forget("1", &[ALICE, BOB]).await;
    world.clock.advance(hm(23, 32));
    world.sweep().await;
    let certificate: Certificate = serde_json::from_str(&world.case("1").await.certificate.unwrap()).unwrap();
    assert_eq!(
        certificate.notes,
        [format!("When the purge began, no message was found of 1 of 2 callers: {}.", subject(BOB))]
    );
}
