//! Items of the table that cannot be read any more: what each call makes of one of them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use storage::{Due, StorageError};
use tests::fixture::{ALICE, Call, Namespace, after, trash};
use tests::ministack::{open, running};

/// What an item may hold in place of what it should.
const RUBBISH: [&str; 4] = ["", "{", "[1]", r#"{"v":2}"#];

struct Damaged(Namespace);

impl Damaged {
    async fn new() -> Self {
        Self(open().await)
    }

    /// Damages an attribute of an item in a partition of the tenant.
    async fn damage(&self, partition: &str, item: &str, attribute: &'static str, text: &'static str) {
        let (region, partition) = (self.0.tenant.master.clone(), format!("{}#{partition}", self.0.tenant.id));
        let item = item.to_owned();
        let damaged = move || running().damage(&region, [&partition, &item, attribute], text);
        tokio::task::spawn_blocking(damaged).await.unwrap();
    }
}

fn is_corrupt<T: std::fmt::Debug>(answer: storage::Result<T>) -> bool {
    matches!(answer.unwrap_err(), StorageError::Corrupt { .. })
}

#[tokio::test]
async fn a_damaged_message_fails_what_is_about_it_and_is_passed_over_by_a_listing() {
    let damaged = Damaged::new().await;
    let space = &damaged.0;
    let mailbox = space.mailbox("5001").await;
    let (good, bad) = (space.deposit(&Call::to(&mailbox)).await, space.deposit(&Call::to(&mailbox)).await);
    for rubbish in RUBBISH {
        damaged.damage("m#5001", &bad.facts.id.to_string(), "facts", rubbish).await;
        assert!(is_corrupt(space.index().message(&mailbox, bad.facts.id).await), "{rubbish}");
        assert!(is_corrupt(space.index().hold(&mailbox, bad.facts.id, &trash(after(9))).await), "{rubbish}");
        assert_eq!(space.listed(&mailbox).await, [good.facts.id], "{rubbish}");
    }
    space.assert_unchanged(&good).await;
}

#[tokio::test]
async fn what_is_due_tells_a_damaged_message_once_it_has_nothing_else_to_tell() {
    let damaged = Damaged::new().await;
    let space = &damaged.0;
    let mailbox = space.mailbox("5001").await;
    let (bad, good) = (space.deposit(&Call::to(&mailbox)).await, space.deposit(&Call::to(&mailbox)).await);
    for (message, seconds) in [(&bad, 1), (&good, 2)] {
        space.hold(&message.facts, &trash(after(seconds))).await.unwrap();
    }
    damaged.damage("m#5001", &bad.facts.id.to_string(), "facts", "{").await;
    let due = async |last: Option<Due>| space.index().due(after(9), last.as_ref(), 1).await;
    let told = due(None).await.unwrap();
    assert_eq!(told.iter().map(|due| due.remains.id).collect::<Vec<_>>(), [good.facts.id]);
    space.erase(&good.facts, after(9)).await;
    assert!(is_corrupt(due(None).await));
    assert!(space.index().due(after(0), None, 1).await.unwrap().is_empty(), "it is not due yet");
}

#[tokio::test]
async fn tries_tell_a_damaged_one_and_one_of_a_damaged_message_once_they_have_nothing_else_to_tell() {
    let damaged = Damaged::new().await;
    let space = &damaged.0;
    let mailbox = space.mailbox("5001").await;
    let tries = [(); 2].map(|()| space.attempt(&Call::to(&mailbox)));
    for deposit in &tries {
        space.arrived(deposit).await;
    }
    let [bad, good] = tries.map(|deposit| deposit.facts);
    let journal = format!("{}#{}#5001", bad.id, bad.attempt);
    damaged.damage("arriving", &journal, "remains", "{").await;
    let arriving = space.index().arriving(after(3600)).await.unwrap();
    assert_eq!(arriving.iter().map(|remains| remains.id).collect::<Vec<_>>(), [good.id]);
    space.janitor(after(3600)).await;
    assert!(is_corrupt(space.index().arriving(after(3600)).await));
    assert!(space.index().arriving(after(0)).await.unwrap().is_empty(), "it began later");

    let damaged = Damaged::new().await;
    let space = &damaged.0;
    let mailbox = space.mailbox("5001").await;
    let message = space.deposit(&Call::to(&mailbox)).await;
    damaged.damage("m#5001", &message.facts.id.to_string(), "facts", "{").await;
    assert!(is_corrupt(space.index().arriving(after(3600)).await), "whether it was born is not known");
    assert!(space.recordings().exists(&message.facts.audio).await.unwrap());
}

#[tokio::test]
async fn a_caller_tells_a_damaged_marker_once_there_is_nothing_else_to_tell() {
    let damaged = Damaged::new().await;
    let space = &damaged.0;
    let mailbox = space.mailbox("5001").await;
    let (bad, good) = (space.deposit(&Call::to(&mailbox)).await, space.deposit(&Call::to(&mailbox)).await);
    let subject = space.subject(ALICE);
    let marker = format!("{}#{}#5001", bad.facts.id, bad.facts.attempt);
    damaged.damage(&format!("s#{subject}"), &marker, "marker", "{").await;
    let told = space.index().by_caller(&subject, None, 1).await.unwrap();
    assert_eq!(told.iter().map(|marker| marker.remains.id).collect::<Vec<_>>(), [good.facts.id]);
    space.hold(&good.facts, &trash(after(1))).await.unwrap();
    space.erase(&good.facts, after(9)).await;
    assert!(is_corrupt(space.index().by_caller(&subject, None, 1).await));
}

#[tokio::test]
async fn a_damaged_mailbox_or_case_fails_what_is_about_it_and_is_passed_over_by_listings() {
    let damaged = Damaged::new().await;
    let space = &damaged.0;
    let (bad, good) = (space.mailbox("5001").await, space.mailbox("5002").await);
    let cases = [space.open("1", &[ALICE], after(1)).await, space.open("2", &[ALICE], after(1)).await];
    let [first, second] = cases.map(|case| case.key);
    damaged.damage("mailbox", "5001", "body", "{").await;
    let lesser = first.clone().min(second.clone());
    damaged.damage("case", lesser.as_str(), "body", "{").await;
    assert!(is_corrupt(space.index().mailbox(&bad).await));
    assert!(is_corrupt(space.index().case(&lesser).await));
    let mailboxes = space.index().mailboxes().await.unwrap();
    assert_eq!(mailboxes.iter().map(|mailbox| &mailbox.value.id).collect::<Vec<_>>(), [&good]);
    // A full page, also where one of it cannot be read: whoever walks them does not take it for the last.
    let listed = space.index().cases(None, 1).await.unwrap();
    assert_eq!(listed.iter().map(|case| &case.value.key).collect::<Vec<_>>(), [&first.max(second)]);
    let mut ids = space.index().mailbox_ids().await.unwrap();
    ids.sort();
    assert_eq!(ids, [bad, good], "both are tidied");
}
