//! Who else the digits of a request may mean: told, and never touched.
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use domain::{Clock as _, Folder, Status, TenantKey};
use proptest::prelude::*;

use crate::testing::*;
use crate::{Callers, Certificate, ForgetOutcome, Perhaps};

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
    let ForgetOutcome::Pending(_, perhaps) = forgotten else { panic!("{forgotten:?}") };
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
    let ForgetOutcome::Pending(_, perhaps) = forgotten else { panic!("{forgotten:?}") };
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

/// Callers whose digits resemble each other's, as platforms send them.
const SENT: [&str; 10] = [
    "4915112345678",
    "04915 112345678",
    "+49 30 1234567",
    "030 1234567/68",
    "4921123456",
    "0211 23456",
    "33123456789",
    "+33 1 23 45 67 89",
    "Front Desk",
    "alice@pbx.example",
];
/// How people ask for some of them, for two at once, and for one who never called.
const ASKED: [&str; 10] = [
    "0151 12345678",
    "+494915112345678",
    "4915112345678",
    "030 1234567 / 0151 12345678",
    "+49211 23456",
    "04921 123456",
    "0033 1 23456789",
    "\"Front Desk\"",
    "Alice@pbx.example",
    "+1 201 555 0123",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_request_hides_and_exports_the_messages_of_the_numbers_in_its_read_as_and_no_others(
        asked in prop::sample::subsequence(ASKED.to_vec(), 1..4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (hidden, exported, named) = runtime.block_on(hidden_exported_and_named(&asked));
        prop_assert_eq!(&hidden, &named, "{:?}", asked);
        prop_assert_eq!(&exported, &named, "{:?}", asked);
    }
}

/// Whose messages a request hides and exports, and those of the stored callers who are in its `read_as`.
async fn hidden_exported_and_named(asked: &[&str]) -> (Vec<String>, Vec<String>, Vec<String>) {
    let world = World::new().await;
    let mut stored = Vec::new();
    for caller in SENT {
        stored.push(world.deposit(caller, "5001", "west").await.unwrap());
    }
    let key = TenantKey::new(&[7; 32], &"t".parse().unwrap());
    let numbers = asked.iter().map(|number| (&**number, String::new()));
    let callers = Callers::read(numbers, world.tenant.numbering, &key).ok().unwrap();
    let read_as: Vec<_> = callers.read_as().into_values().flatten().collect();
    let exported = world.erasure().export(&callers.subjects(), None, 100).await.unwrap();
    let files: Vec<_> = exported.files.into_values().flatten().collect();
    world.erasure().forget("1", callers.subjects(), &callers.others(), DAY, &|| true).await.unwrap();
    let (mut hidden, mut given, mut named) = (Vec::new(), Vec::new(), Vec::new());
    for facts in stored {
        let caller = facts.caller.as_ref().unwrap().reveal().to_owned();
        if world.folder_of(&facts).await.is_none() {
            hidden.push(caller.clone());
        }
        if files.contains(&facts.audio.file_name()) {
            given.push(caller.clone());
        }
        if read_as.contains(&caller) {
            named.push(caller);
        }
    }
    (hidden, given, named)
}
