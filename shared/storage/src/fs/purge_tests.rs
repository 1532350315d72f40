use super::super::testing::*;
use super::*;
use crate::{Deposit, Deposits as _, FenceOutcome, Lookup, Messages as _, Recordings as _, StorageError};
use domain::{Facts, Hold, ReadMark};

#[tokio::test]
async fn a_message_of_another_attempt_becomes_no_tombstone() {
    let store = Store::new().await;
    let created = store.created("030 1").await;
    let loser = MessageRef::from(&again(created.facts.id, "030 1").facts);
    store.metadata.claim(&mailbox(), loser.id, &Claim::Case(case("k", "1", at(0)).key)).await.unwrap();
    store.metadata.leave_tombstone(&loser, at(500)).await.unwrap();
    let row = Row::read(&store.metadata.0.disk, &mailbox(), loser.id).unwrap();
    assert!(row.is_of(&created.facts.attempt));
}

fn damage(store: &Store, path: &str) {
    let path = store.tenant_folder().join(path);
    assert!(path.exists());
    std::fs::write(path, b"{").unwrap();
}

/// Two messages of a caller in the trash until 500, the older one first.
async fn two_deleted(store: &Store) -> [Deposit; 2] {
    let deleted = [store.created("030 1").await, store.created("030 1").await];
    for deposit in &deleted {
        let hold = Hold::Trash { purge_at: at(500) };
        store.metadata.hold(&mailbox(), deposit.facts.id, &hold).await.unwrap().unwrap();
    }
    deleted
}

fn entry(facts: &Facts) -> String {
    DueName::of(&Hold::Trash { purge_at: at(500) }, facts.id, &facts.mailbox).unwrap().path()
}

#[tokio::test]
async fn a_damaged_entry_tells_what_its_message_tells_and_goes_with_it() {
    let store = Store::new().await;
    let [one, other] = two_deleted(&store).await;
    let whole = store.metadata.due(at(500), None, 9).await.unwrap();
    damage(&store, &entry(&one.facts));
    assert_eq!(store.metadata.due(at(500), None, 9).await.unwrap(), whole);
    let purged = whole.iter().find(|due| due.message_ref.id == one.facts.id).unwrap();
    store.metadata.claim(&mailbox(), one.facts.id, &purged.claim).await.unwrap();
    store.purge(&purged.message_ref, at(500)).await.unwrap();
    let left = store.metadata.due(at(500), None, 9).await.unwrap();
    assert_eq!(left.into_iter().map(|due| due.message_ref.id).collect::<Vec<_>>(), [other.facts.id]);
    assert!(!store.tenant_folder().join(entry(&one.facts)).exists(), "its message is purged");
}

#[tokio::test]
async fn an_entry_that_nothing_can_tell_is_an_error_once_nothing_else_is_due() {
    let store = Store::new().await;
    let [one, other] = two_deleted(&store).await;
    damage(&store, &entry(&one.facts));
    damage(&store, &layout::row(&mailbox(), one.facts.id));
    let due = store.metadata.due(at(500), None, 9).await.unwrap();
    assert_eq!(due.iter().map(|due| due.message_ref.id).collect::<Vec<_>>(), [other.facts.id]);
    store.metadata.remove_due_entry(due.first().unwrap()).await.unwrap();
    assert!(matches!(store.metadata.due(at(500), None, 9).await, Err(StorageError::Corrupt { .. })));
    assert!(store.tenant_folder().join(entry(&one.facts)).exists());
}

#[tokio::test]
async fn what_is_due_is_purged_also_where_its_facts_are_damaged() {
    let store = Store::new().await;
    let [one, _] = two_deleted(&store).await;
    damage(&store, &layout::row(&mailbox(), one.facts.id));
    let claim = Claim::Due(Hold::Trash { purge_at: at(500) });
    let by_a_case = Claim::Case(case("k", "030 1", at(0)).key);
    assert!(
        store.metadata.claim(&mailbox(), one.facts.id, &by_a_case).await.is_err(),
        "whose it is is not known"
    );
    assert_eq!(store.metadata.claim(&mailbox(), one.facts.id, &claim).await.unwrap(), ClaimOutcome::Claimed);
    store.purge(&MessageRef::from(&one.facts), at(500)).await.unwrap();
    assert_eq!(store.metadata.message(&mailbox(), one.facts.id).await.unwrap(), Lookup::Gone);
    assert_eq!(store.files_of(one.facts.id).len(), 3, "the tombstone, the claim and what was due");
}

#[tokio::test]
async fn what_is_damaged_of_a_caller_hides_nothing_else_and_is_an_error_once_nothing_else_is_left() {
    let store = Store::new().await;
    let (created, under_way) = (store.created("030 1").await, deposit("030 1"));
    store.arrive(&under_way).await.unwrap();
    let subject = subject("030 1");
    assert_eq!(store.metadata.by_caller(&subject, None, 9).await.unwrap().len(), 2);
    damage(&store, &layout::row(&mailbox(), created.facts.id));
    let readable = store.metadata.by_caller(&subject, None, 9).await.unwrap();
    assert_eq!(readable.iter().map(|marker| marker.message_ref.id).collect::<Vec<_>>(), [under_way.facts.id]);
    store.metadata.withdraw(&MessageRef::from(&under_way.facts)).await.unwrap();
    assert!(store.metadata.by_caller(&subject, None, 9).await.is_err(), "not all of this caller is known");
}

#[tokio::test]
async fn a_tombstone_that_was_cut_off_is_finished_where_its_caller_is_looked_for() {
    let store = Store::new().await;
    let purged = store.created("030 1").await.facts;
    let caller = subject("030 1");
    let mark = ReadMark { at: at(1), by: "alice".parse().unwrap() };
    store.metadata.mark_read(&mailbox(), purged.id, &mark).await.unwrap();
    let row = store.tenant_folder().join(layout::row(&mailbox(), purged.id));
    std::fs::write(&row, encode(&Tombstone { gone: at(9) }).unwrap()).unwrap();
    store.recordings.delete(&purged.audio).await.unwrap();
    assert_eq!(store.files_of(purged.id).len(), 4, "the tombstone, two marks and the marker");
    assert_eq!(store.metadata.by_caller(&caller, None, 9).await.unwrap(), []);
    assert_eq!(store.files_of(purged.id).len(), 1);
}

/// An attempt as it is where the power failed before the volume had all of its recording.
#[tokio::test]
async fn what_a_power_failure_cut_off_is_told_by_its_journal_and_taken_back() {
    let store = Store::new().await;
    let cut_off = deposit("030 1");
    store.arrive(&cut_off).await.unwrap();
    let subject = subject("030 1");
    let whole = store.metadata.by_caller(&subject, None, 9).await.unwrap();
    let recording = layout::recording(&cut_off.facts.audio).unwrap();
    let recording = store.folder.path().join("recordings/local/t2026").join(recording);
    std::fs::File::options().write(true).open(&recording).unwrap().set_len(AUDIO.len() as u64 / 2).unwrap();
    let message_ref = store.metadata.arriving(at(100_000)).await.unwrap();
    assert_eq!(message_ref, [MessageRef::from(&cut_off.facts)]);
    for message_ref in message_ref {
        assert_eq!(store.metadata.fence(&message_ref).await.unwrap(), FenceOutcome::Never);
        assert_eq!(store.metadata.by_caller(&subject, None, 9).await.unwrap(), whole);
        store.recordings.delete(&message_ref.audio).await.unwrap();
        store.metadata.withdraw(&message_ref).await.unwrap();
    }
    assert_eq!(store.files(), Vec::<String>::new());
}
