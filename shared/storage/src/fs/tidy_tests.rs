use domain::{Claim, Status, SystemRandom};

use super::super::testing::*;
use super::*;
use crate::{
    Cases as _, Deposits as _, Expect, InsertOutcome, Lookup, Mailboxes as _, Messages as _, Purge as _,
    Recordings as _, WriteOutcome,
};

const DAY: std::time::Duration = std::time::Duration::from_hours(24);

fn days(n: u32) -> Timestamp {
    at(100).plus(DAY * n)
}

fn trash(at: Timestamp) -> Hold {
    Hold::Trash { purge_at: at }
}

async fn tidy(store: &Store, now: Timestamp) -> u64 {
    store.metadata.tidy(&mailbox(), now, now.plus(DAY)).await.unwrap()
}

/// Places a file as something that was cut off, or came too late, leaves it.
fn leave(store: &Store, path: &str) {
    store.metadata.0.disk.place(path).unwrap();
}

fn has(store: &Store, path: &str) -> bool {
    store.metadata.0.disk.has(path).unwrap()
}

fn leave_mark(store: &Store, id: MessageId, mark: &Mark) -> String {
    let path = layout::mark(&mailbox(), id, mark);
    leave(store, &path);
    path
}

async fn purged(store: &Store) -> MessageRef {
    let message_ref = MessageRef::from(&store.created("030 1").await.facts);
    let claim = Claim::Case(case("k", "030 1", at(0)).key);
    store.metadata.claim(&mailbox(), message_ref.id, &claim).await.unwrap();
    store.purge(&message_ref, at(100)).await.unwrap();
    message_ref
}

#[tokio::test]
async fn a_whole_message_a_deposit_under_way_and_a_young_tombstone_stay() {
    let store = Store::new().await;
    store.created("030 1").await;
    store.arrive(&deposit("030 2")).await.unwrap();
    purged(&store).await;
    let before = store.files();
    assert_eq!(tidy(&store, days(1)).await, 0);
    assert_eq!(store.files(), before);
}

#[tokio::test]
async fn what_an_attempt_left_that_no_journal_tells_is_removed() {
    let store = Store::new().await;
    store.metadata.put_mailbox(&mailbox_named("50.01"), Expect::Absent).await.unwrap();
    let created = store.created("030 1").await;
    let whole = store.files();
    for lost in [deposit("030 2"), again(created.facts.id, "030 1")] {
        // As after a crash of the janitor between the journal and the rest.
        let attempt = AttemptName::from(&lost.facts);
        super::super::deposits::announce(&store.metadata.0.disk, &lost.facts).unwrap();
        let bytes = bytes::Bytes::from_static(AUDIO);
        store.recordings.put(&lost.facts.audio, bytes, "audio/wav", None).await.unwrap();
        assert!(has(&store, &attempt.hint()));
        assert_eq!(tidy(&store, days(1)).await, 1);
        assert_eq!(store.files(), whole);
    }
}

#[tokio::test]
async fn marks_that_came_after_the_purge_are_taken() {
    let store = Store::new().await;
    let message_ref = purged(&store).await;
    let id = message_ref.id;
    let nothing = MessageId::random(at(1), &SystemRandom);
    let marks = [
        leave_mark(&store, id, &Mark::Read),
        leave_mark(&store, id, &Mark::Urgent(message_ref.attempt.clone())),
        leave_mark(&store, id, &Mark::Hold(trash(at(1)))),
        leave_mark(&store, nothing, &Mark::Read),
    ];
    tidy(&store, days(1)).await;
    assert!(marks.iter().all(|mark| !has(&store, mark)));
}

#[tokio::test]
async fn a_mark_that_came_after_the_claim_is_taken_and_the_purge_goes_on() {
    let store = Store::new().await;
    let id = store.created("030 1").await.facts.id;
    let claim = Claim::Case(case("k", "030 1", at(0)).key);
    store.metadata.claim(&mailbox(), id, &claim).await.unwrap();
    let late = leave_mark(&store, id, &Mark::Hold(trash(at(1))));
    tidy(&store, days(1)).await;
    assert!(!has(&store, &late) && has(&store, &layout::claim(&mailbox(), id)));
}

#[tokio::test]
async fn a_hold_an_hour_past_its_deadline_without_an_entry_gets_one() {
    let store = Store::new().await;
    let id = store.created("030 1").await.facts.id;
    leave_mark(&store, id, &Mark::Hold(trash(at(500))));
    tidy(&store, at(500)).await;
    assert_eq!(store.metadata.due(at(500), None, 9).await.unwrap(), []);
    tidy(&store, at(500).plus(HOUR)).await;
    let due = store.metadata.due(at(500), None, 9).await.unwrap();
    let told: Vec<_> = due.into_iter().map(|due| (due.message_ref.id, due.claim)).collect();
    assert_eq!(told, [(id, Claim::Due(trash(at(500))))]);
}

#[tokio::test]
async fn a_hold_of_a_case_that_let_go_is_taken_and_one_of_an_open_case_stays() {
    let store = Store::new().await;
    let id = store.created("030 1").await.facts.id;
    let mut holds = Vec::new();
    for status in [Status::Pending, Status::Erasing, Status::Undone, Status::Erased] {
        let name = format!("{status:?}");
        let mut one = case(&name, "030 1", at(0));
        one.status = status;
        one.erased_at = (status == Status::Erased).then(|| at(1));
        assert_eq!(store.metadata.put_case(&one, Expect::Absent).await.unwrap(), WriteOutcome::Version(1));
        let hold = Hold::Case { case: one.key, purge_at: one.deadlines.purge_at };
        holds.push(leave_mark(&store, id, &Mark::Hold(hold)));
    }
    let mut partly = case("partly", "030 1", at(0));
    partly.subjects = [(subject("030 1"), true), (subject("030 2"), false)].into();
    store.metadata.put_case(&partly, Expect::Absent).await.unwrap();
    let hold = Hold::Case { case: partly.key, purge_at: partly.deadlines.purge_at };
    holds.push(leave_mark(&store, id, &Mark::Hold(hold)));
    tidy(&store, days(1)).await;
    let there: Vec<bool> = holds.iter().map(|hold| has(&store, hold)).collect();
    assert_eq!(there, [true, true, false, false, false]);
}

#[tokio::test]
async fn what_the_deletion_of_a_mailbox_missed_is_held() {
    let store = Store::new().await;
    store.metadata.put_mailbox(&mailbox_named("50.01"), Expect::Absent).await.unwrap();
    let id = store.created("030 1").await.facts.id;
    let deleted = super::super::chain::State::<domain::Mailbox>::Deleted { purge_at: Some(at(900)) };
    super::super::chain::append(&store.metadata.0.disk, &layout::config(&mailbox()), 2, deleted).unwrap();
    let Lookup::Message(missed) = store.metadata.message(&mailbox(), id).await.unwrap() else {
        panic!("lost")
    };
    assert!(missed.is_visible(), "the deletion was cut off right after it was decided");
    tidy(&store, days(1)).await;
    let held = Hold::Mailbox { purge_at: days(2) };
    let Lookup::Message(found) = store.metadata.message(&mailbox(), id).await.unwrap() else {
        panic!("lost")
    };
    assert!(found.holds.contains(&held));
    let due = store.metadata.due(days(2), None, 9).await.unwrap();
    assert!(due.iter().any(|due| due.claim == Claim::Due(held.clone())));
}

#[tokio::test]
async fn a_mailbox_made_again_after_a_deletion_that_was_cut_off_starts_empty() {
    let store = Store::new().await;
    store.metadata.put_mailbox(&mailbox_named("50.01"), Expect::Absent).await.unwrap();
    store.created("030 1").await;
    let deleted = super::super::chain::State::<domain::Mailbox>::Deleted { purge_at: Some(at(900)) };
    super::super::chain::append(&store.metadata.0.disk, &layout::config(&mailbox()), 2, deleted).unwrap();
    assert_eq!(store.metadata.counts(&mailbox()).await.unwrap().counts.stored(), 1);
    let made = store.metadata.put_mailbox(&mailbox_named("50.01"), Expect::Absent).await.unwrap();
    assert_eq!(made, WriteOutcome::Version(3));
    assert_eq!(store.metadata.counts(&mailbox()).await.unwrap().counts.stored(), 0);
    assert_eq!(store.metadata.due(at(900), None, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn tombstones_go_after_30_days_and_a_claim_without_one_goes_too() {
    let store = Store::new().await;
    let id = purged(&store).await.id;
    let stray = MessageId::random(at(1), &SystemRandom);
    leave(&store, &layout::claim(&mailbox(), stray));
    tidy(&store, days(30)).await;
    assert_eq!(store.metadata.message(&mailbox(), id).await.unwrap(), Lookup::Gone);
    assert!(!has(&store, &layout::claim(&mailbox(), stray)));
    tidy(&store, days(31)).await;
    assert_eq!(store.files_of(id), Vec::<String>::new());
    let repeat = again(id, "030 1");
    store.arrive(&repeat).await.unwrap();
    let InsertOutcome::Created(created) = store.metadata.insert(&repeat).await.unwrap() else {
        panic!("it is free")
    };
    assert!(created.is_visible());
}

#[tokio::test]
async fn beside_the_mailboxes_what_is_over_is_cleared() {
    let store = Store::new().await;
    store.metadata.put_mailbox(&mailbox_named("50.01"), Expect::Absent).await.unwrap();
    let mut over = case("over", "030 1", at(0));
    store.metadata.put_case(&over, Expect::Absent).await.unwrap();
    over.status = Status::Undone;
    over.undone_at = Some(at(100));
    store.metadata.put_case(&over, Expect::Version(1)).await.unwrap();
    store.metadata.put_case(&case("open", "030 2", at(0)), Expect::Absent).await.unwrap();
    let id = store.created("030 3").await.facts.id;
    let held = store.metadata.hold(&mailbox(), id, &trash(at(200))).await.unwrap().unwrap();
    let due = store.metadata.due(at(200), None, 9).await.unwrap();
    store.metadata.remove_due_entry(due.first().unwrap()).await.unwrap();
    store.metadata.release(&mailbox(), id, &domain::Release::Trash).await.unwrap();
    let hour = store.tenant_folder().join(DUE).join(layout::hour(held.purge_at().unwrap()));
    assert!(hour.exists());
    tidy(&store, days(30)).await;
    assert_eq!(store.metadata.forgets(&subject("030 1")).await.unwrap(), [over.key.clone()]);
    assert!(!hour.exists());
    tidy(&store, days(31)).await;
    assert_eq!(store.metadata.forgets(&subject("030 1")).await.unwrap(), []);
    assert_eq!(store.metadata.forgets(&subject("030 2")).await.unwrap().len(), 1);
    assert!(store.metadata.case(&over.key).await.unwrap().is_some(), "the case itself stays");
}

#[tokio::test]
async fn tidying_goes_on_where_a_region_is_down() {
    let store = Store::new().await;
    let id = purged(&store).await.id;
    let late = leave_mark(&store, id, &Mark::Read);
    std::fs::remove_file(store.folder.path().join("recordings/local/region.json")).unwrap();
    let now = days(1);
    let tidied = store.metadata.tidy(&mailbox(), now, now.plus(DAY)).await;
    assert!(tidied.is_err(), "its recordings were not looked at");
    assert!(!has(&store, &late));
}

#[tokio::test]
async fn each_mailbox_tidies_its_share_of_the_callers_and_together_they_come_to_all() {
    const CALLERS: usize = 600;
    const MAILBOXES: usize = 4;
    let store = Store::new().await;
    let ids: Vec<String> = (0..MAILBOXES).map(|n| format!("{n:03}")).collect();
    for id in &ids {
        store.metadata.put_mailbox(&mailbox_named(id), Expect::Absent).await.unwrap();
    }
    for n in 0..CALLERS {
        let lost = AttemptName::from(&deposit("030 1").facts);
        leave(&store, &lost.caller(&subject(&format!("030 {n}"))));
    }
    let disk = &store.metadata.0.disk;
    let folders = || disk.list(super::CALLERS).unwrap();
    let markers = |folder| disk.list(&format!("{}/{folder}", super::CALLERS)).unwrap().len();
    let callers = || folders().into_iter().map(markers).sum::<usize>();
    for id in &ids {
        let before = callers();
        store.metadata.tidy(&id.parse().unwrap(), days(1), days(2)).await.unwrap();
        let share = before - callers();
        assert!((1..=2 * CALLERS / MAILBOXES).contains(&share), "{id} has tidied {share}");
    }
    assert_eq!(folders().len(), 0);
}

#[test]
fn what_lies_beside_the_mailboxes_is_tidied_once_whatever_their_number() {
    for mailboxes in [1, 2, 30, 1000] {
        let ids: Vec<MailboxId> = (0..mailboxes).map(|n| format!("{n:04}").parse().unwrap()).collect();
        let shares: Vec<Share> = ids.iter().filter_map(|id| Share::of(id, &ids)).collect();
        assert_eq!(shares.len(), mailboxes.min(PARTS));
        for n in 0..1000 {
            assert_eq!(shares.iter().filter(|share| share.has(&n.to_string())).count(), 1);
        }
    }
}

#[tokio::test]
async fn a_damaged_message_of_a_deleted_mailbox_stops_nothing_and_shows_nowhere() {
    let store = Store::new().await;
    let metadata = &store.metadata;
    metadata.put_mailbox(&mailbox_named("50.01"), Expect::Absent).await.unwrap();
    let (damaged, whole) = (store.created("030 1").await, store.created("030 2").await);
    let row = store.tenant_folder().join(layout::row(&mailbox(), damaged.facts.id));
    let facts = std::fs::read(&row).unwrap();
    std::fs::write(&row, b"{").unwrap();
    assert_eq!(metadata.delete_mailbox(&mailbox(), 1, at(900)).await.unwrap(), WriteOutcome::Version(2));
    assert_eq!(
        metadata.put_mailbox(&mailbox_named("50.01"), Expect::Absent).await.unwrap(),
        WriteOutcome::Version(3)
    );
    assert_eq!(metadata.counts(&mailbox()).await.unwrap().counts.stored(), 0);
    let due = async || metadata.due(at(900), None, 9).await.unwrap();
    assert_eq!(due().await.iter().map(|due| due.message_ref.id).collect::<Vec<_>>(), [whole.facts.id]);
    std::fs::write(&row, facts).unwrap();
    tidy(&store, at(900).plus(HOUR)).await;
    assert_eq!(due().await.len(), 2, "it was restored");
}

/// A message that was taken, taken over twice, given back and taken again, and the numbers of its takings that are there.
async fn taken_often(store: &Store) -> MessageId {
    let id = store.created("030 1").await.facts.id;
    for by in ["alice", "bob", "carol"] {
        store.take(id, by).await;
    }
    store.metadata.give_back(&mailbox(), id).await.unwrap().unwrap();
    store.take(id, "alice").await;
    id
}

fn takings(store: &Store, id: MessageId) -> Vec<u64> {
    let names = store.metadata.0.disk.list(&layout::marks(&mailbox())).unwrap();
    let number = |name: &String| match Mark::parse(name)? {
        (of, Mark::Taking(number)) => (of == id).then_some(number),
        _ => None,
    };
    names.iter().filter_map(number).collect()
}

#[tokio::test]
async fn of_the_takings_of_a_message_the_first_and_the_last_stay_once_the_last_is_an_hour_old() {
    let store = Store::new().await;
    let id = taken_often(&store).await;
    assert_eq!(takings(&store, id), [1, 3, 5, 6, 7]);
    let before = store.metadata.message(&mailbox(), id).await.unwrap();
    tidy(&store, days(1)).await;
    assert_eq!(takings(&store, id), [1, 3, 5, 6, 7], "whoever looked a moment ago may make the next one");
    let newest = store.tenant_folder().join(layout::mark(&mailbox(), id, &Mark::Taking(7)));
    let file = std::fs::File::options().write(true).open(newest).unwrap();
    file.set_modified(std::time::SystemTime::now() - CUT_OFF_AFTER).unwrap();
    tidy(&store, days(1)).await;
    assert_eq!(takings(&store, id), [1, 7]);
    assert_eq!(store.metadata.message(&mailbox(), id).await.unwrap(), before);
    store.take(id, "bob").await;
    assert_eq!(takings(&store, id), [1, 7, 9]);
}

#[tokio::test]
async fn takings_that_came_after_the_purge_or_are_of_nothing_are_removed() {
    let store = Store::new().await;
    let (purged, nothing) = (purged(&store).await.id, MessageId::random(at(1), &SystemRandom));
    for id in [purged, nothing] {
        leave_mark(&store, id, &Mark::Taking(1));
        leave_mark(&store, id, &Mark::Taking(2));
    }
    tidy(&store, days(1)).await;
    assert_eq!((takings(&store, purged), takings(&store, nothing)), (vec![], vec![]));
}

#[tokio::test]
async fn a_damaged_taking_is_found_by_the_tidying_and_hides_its_message_alone() {
    let store = Store::new().await;
    let (id, other) = (taken_often(&store).await, store.created("030 2").await.facts.id);
    let newest = store.tenant_folder().join(layout::mark(&mailbox(), id, &Mark::Taking(7)));
    for damage in ["{", r#"{"v":1,"taken":null}"#] {
        std::fs::write(&newest, damage).unwrap();
        let corrupt = |result: crate::Result<()>| matches!(result, Err(crate::StorageError::Corrupt { .. }));
        assert!(corrupt(store.metadata.message(&mailbox(), id).await.map(drop)), "{damage}");
        assert!(corrupt(store.metadata.tidy(&mailbox(), days(1), days(2)).await.map(drop)));
        let of = crate::PageOf { folder: None, before: None, limit: 9 };
        let listed = store.metadata.page(&mailbox(), of).await.unwrap().messages;
        assert_eq!(listed.iter().map(|message| message.facts.id).collect::<Vec<_>>(), [other]);
        assert_eq!(store.metadata.counts(&mailbox()).await.unwrap().counts.stored(), 2, "it is there");
    }
}
