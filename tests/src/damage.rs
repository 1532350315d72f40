//! What each call of a storage makes of something that cannot be read any more. Each case is a function of a cloud, whose
//! stored things it damages past the contracts.
#![expect(missing_docs, reason = "the name of a case is its documentation")]

use std::fmt::Debug;

use async_trait::async_trait;
use domain::{CaseKey, Facts, MailboxId, Tenant};
use storage::{Due, StorageError};

use crate::fixture::{ALICE, Call, DAY, Namespace, after, audio_of, trash};

/// What something may hold in place of what it should. The last is no text where `%` escapes a byte.
const RUBBISH: [&str; 5] = ["", "{", "[1]", r#"{"v":2}"#, "%ff"];

/// Something that a tenant has stored.
#[derive(Debug, Clone, Copy)]
pub enum Stored<'a> {
    /// A part of a message.
    Message(&'a Facts, &'static str),
    /// The journal of an attempt.
    Attempt(&'a Facts),
    /// The marker of a message's caller.
    Marker(&'a Facts),
    /// A mailbox.
    Mailbox(&'a MailboxId),
    /// A case.
    Case(&'a CaseKey),
}

/// A cloud whose stored things can be damaged.
#[async_trait]
pub trait Damages: Sync {
    /// A fresh tenant.
    async fn open(&self) -> Namespace;

    /// The parts of a message without which it cannot be read.
    fn parts_of_a_message(&self) -> &'static [&'static str];

    /// Has it hold this text, in place of what it should.
    async fn damage(&self, tenant: &Tenant, stored: Stored<'_>, text: &'static str);
}

/// Runs every case on the cloud that is running.
#[macro_export]
macro_rules! damage {
    ($running:path) => {
        $crate::damage!($running:
            a_damaged_message_fails_what_is_about_it_and_is_passed_over_by_a_listing,
            what_is_due_tells_a_damaged_message_once_it_has_nothing_else_to_tell,
            tries_tell_a_damaged_one_and_one_of_a_damaged_message_once_they_have_nothing_else_to_tell,
            a_caller_tells_a_damaged_marker_once_there_is_nothing_else_to_tell,
            a_damaged_mailbox_or_case_fails_what_is_about_it_and_is_passed_over_by_listings,
            a_damaged_case_keeps_no_other_try_from_being_told,
            the_recording_of_a_damaged_message_is_no_orphan_and_keeps_no_other_from_its_search,
        );
    };
    ($running:path: $($case:ident),+ $(,)?) => {
        $(#[tokio::test]
        async fn $case() {
            $crate::damage::$case(tokio::task::spawn_blocking($running).await.unwrap()).await;
        })+
    };
}

fn is_corrupt<T: Debug>(answer: storage::Result<T>) -> bool {
    matches!(answer.unwrap_err(), StorageError::Corrupt { .. })
}

pub async fn a_damaged_message_fails_what_is_about_it_and_is_passed_over_by_a_listing(cloud: &impl Damages) {
    for part in cloud.parts_of_a_message() {
        let space = cloud.open().await;
        let mailbox = space.mailbox("5001").await;
        let (good, bad) =
            (space.deposit(&Call::to(&mailbox)).await, space.deposit(&Call::to(&mailbox)).await);
        let bad = space.taken(&bad.facts, "alice").await;
        for rubbish in RUBBISH {
            cloud.damage(&space.tenant, Stored::Message(&bad.facts, part), rubbish).await;
            assert!(is_corrupt(space.metadata().message(&mailbox, bad.facts.id).await), "{part} {rubbish}");
            let hold = space.metadata().hold(&mailbox, bad.facts.id, &trash(after(9))).await;
            assert!(is_corrupt(hold), "{part} {rubbish}");
            assert_eq!(space.listed(&mailbox).await, [good.facts.id], "{part} {rubbish}");
        }
        space.assert_unchanged(&good).await;
    }
}

pub async fn what_is_due_tells_a_damaged_message_once_it_has_nothing_else_to_tell(cloud: &impl Damages) {
    let space = cloud.open().await;
    let mailbox = space.mailbox("5001").await;
    let (bad, good) = (space.deposit(&Call::to(&mailbox)).await, space.deposit(&Call::to(&mailbox)).await);
    for (message, seconds) in [(&bad, 1), (&good, 2)] {
        space.hold(&message.facts, &trash(after(seconds))).await.unwrap();
    }
    cloud.damage(&space.tenant, Stored::Message(&bad.facts, "facts"), "{").await;
    let due = async |last: Option<Due>| space.metadata().due(after(9), last.as_ref(), 1).await;
    let told = due(None).await.unwrap();
    assert_eq!(told.iter().map(|due| due.message_ref.id).collect::<Vec<_>>(), [good.facts.id]);
    space.erase(&good.facts, after(9)).await;
    assert!(is_corrupt(due(None).await));
    assert!(space.metadata().due(after(0), None, 1).await.unwrap().is_empty(), "it is not due yet");
}

pub async fn tries_tell_a_damaged_one_and_one_of_a_damaged_message_once_they_have_nothing_else_to_tell(
    cloud: &impl Damages,
) {
    let space = cloud.open().await;
    let mailbox = space.mailbox("5001").await;
    let attempts = [(); 2].map(|()| space.attempt(&Call::to(&mailbox)));
    for deposit in &attempts {
        space.arrived(deposit).await;
    }
    let [bad, good] = attempts.map(|deposit| deposit.facts);
    cloud.damage(&space.tenant, Stored::Attempt(&bad), "{").await;
    let arriving = space.metadata().arriving(after(3600)).await.unwrap();
    assert_eq!(arriving.iter().map(|message_ref| message_ref.id).collect::<Vec<_>>(), [good.id]);
    space.janitor(after(3600)).await;
    assert!(is_corrupt(space.metadata().arriving(after(3600)).await));
    assert!(space.metadata().arriving(after(0)).await.unwrap().is_empty(), "it began later");

    let space = cloud.open().await;
    let mailbox = space.mailbox("5001").await;
    let message = space.deposit(&Call::to(&mailbox)).await;
    cloud.damage(&space.tenant, Stored::Message(&message.facts, "facts"), "{").await;
    assert!(is_corrupt(space.metadata().arriving(after(3600)).await), "whether it was created is not known");
    assert!(space.recordings().exists(&message.facts.audio).await.unwrap());
}

pub async fn a_caller_tells_a_damaged_marker_once_there_is_nothing_else_to_tell(cloud: &impl Damages) {
    let space = cloud.open().await;
    let mailbox = space.mailbox("5001").await;
    let (bad, good) = (space.deposit(&Call::to(&mailbox)).await, space.deposit(&Call::to(&mailbox)).await);
    let subject = space.subject(ALICE);
    cloud.damage(&space.tenant, Stored::Marker(&bad.facts), "{").await;
    let told = space.metadata().by_caller(&subject, None, 1).await.unwrap();
    assert_eq!(told.iter().map(|marker| marker.message_ref.id).collect::<Vec<_>>(), [good.facts.id]);
    space.hold(&good.facts, &trash(after(1))).await.unwrap();
    space.erase(&good.facts, after(9)).await;
    assert!(is_corrupt(space.metadata().by_caller(&subject, None, 1).await));
}

pub async fn a_damaged_mailbox_or_case_fails_what_is_about_it_and_is_passed_over_by_listings(
    cloud: &impl Damages,
) {
    let space = cloud.open().await;
    let (bad, good) = (space.mailbox("5001").await, space.mailbox("5002").await);
    let cases = [space.open("1", &[ALICE], after(1)).await, space.open("2", &[ALICE], after(1)).await];
    let [first, second] = cases.map(|case| case.key);
    cloud.damage(&space.tenant, Stored::Mailbox(&bad), "{").await;
    let lesser = first.clone().min(second.clone());
    cloud.damage(&space.tenant, Stored::Case(&lesser), "{").await;
    assert!(is_corrupt(space.metadata().mailbox(&bad).await));
    assert!(is_corrupt(space.metadata().case(&lesser).await));
    let mailboxes = space.metadata().mailboxes().await.unwrap();
    assert_eq!(mailboxes.iter().map(|mailbox| &mailbox.value.id).collect::<Vec<_>>(), [&good]);
    // A full page, also where one of it cannot be read: whoever walks them does not take it for the last.
    let listed = space.metadata().cases(None, 1).await.unwrap();
    assert_eq!(listed.iter().map(|case| &case.value.key).collect::<Vec<_>>(), [&first.max(second)]);
    let mut ids = space.metadata().mailbox_ids().await.unwrap();
    ids.sort();
    assert_eq!(ids, [bad, good], "both are tidied");
}

pub async fn a_damaged_case_keeps_no_other_try_from_being_told(cloud: &impl Damages) {
    let space = cloud.open().await;
    let mailbox = space.mailbox("5001").await;
    let case = space.open("1", &[ALICE], after(1)).await;
    // Its journal is there, and who strikes it off asks who is forgotten.
    space.deposit(&Call::to(&mailbox)).await;
    let under_way = space.attempt(&Call::to(&mailbox).by("+4930111"));
    space.arrived(&under_way).await;
    cloud.damage(&space.tenant, Stored::Case(&case.key), "{").await;
    for _ in 0..2 {
        let told = space.metadata().arriving(after(3600)).await.unwrap();
        assert_eq!(told.iter().map(|message_ref| message_ref.id).collect::<Vec<_>>(), [under_way.facts.id]);
    }
    space.janitor(after(3600)).await;
    assert!(space.metadata().arriving(after(3600)).await.unwrap().is_empty());
}

pub async fn the_recording_of_a_damaged_message_is_no_orphan_and_keeps_no_other_from_its_search(
    cloud: &impl Damages,
) {
    let space = cloud.open().await;
    let mailbox = space.mailbox("5001").await;
    let message = space.deposit(&Call::to(&mailbox)).await.facts;
    space.metadata().arriving(after(3600)).await.unwrap();
    cloud.damage(&space.tenant, Stored::Message(&message, "facts"), "{").await;
    let orphan = space.attempt(&Call::to(&mailbox)).facts;
    space.recordings().put(&orphan.audio, audio_of(&orphan), "audio/wav", None).await.unwrap();
    let later = after(0).plus(DAY);
    assert_eq!(space.metadata().remove_orphans(later, later).await.unwrap(), 1);
    assert!(space.recordings().exists(&message.audio).await.unwrap());
    assert!(!space.recordings().exists(&orphan.audio).await.unwrap());
}
