use std::time::SystemTime;

use super::super::testing::*;
use super::*;
use crate::{Expect, Mailboxes as _, Purge as _, Recordings as _};

const LATE: i64 = 100_000_000;

#[tokio::test]
async fn a_message_needs_its_row_its_marker_its_hint_and_its_recording_and_nothing_else() {
    let store = Store::new().await;
    let facts = store.created("030 1").await.facts;
    let (id, a, subject) = (facts.id, &facts.attempt, subject("030 1"));
    let hash = subject.hash();
    assert_eq!(
        store.files(),
        [
            format!("recordings/local/t2026/50.01/{id}.{a}.wav"),
            format!("tenants/t2026/callers/{}/{}.{id}.{a}.50.01", &hash[..2], &hash[2..23]),
            format!("tenants/t2026/mailboxes/50.01/marks/{id}.u.{a}"),
            format!("tenants/t2026/mailboxes/50.01/messages/{id}"),
        ]
    );
}

#[tokio::test]
async fn no_name_and_no_tombstone_shows_a_number() {
    let store = Store::new().await;
    let deposit = store.created("030 7654321").await;
    let message_ref = MessageRef::from(&deposit.facts);
    let shown = || store.files().concat().contains("7654321");
    assert!(!shown());
    store
        .metadata
        .claim(&mailbox(), message_ref.id, &domain::Claim::Case(case("k", "1", at(0)).key))
        .await
        .unwrap();
    store.purge(&message_ref, at(200)).await.unwrap();
    assert_eq!(store.files_of(message_ref.id).len(), 2, "the tombstone and the claim");
    for file in store.files_of(message_ref.id) {
        let content = std::fs::read_to_string(store.folder.path().join(file)).unwrap();
        assert!(
            content.is_empty() || content == format!("{{\"v\":1,\"gone\":\"{}\"}}", at(200)),
            "{content}"
        );
    }
}

#[tokio::test]
async fn a_journal_that_a_crash_cut_off_is_no_try_and_is_cleared() {
    let store = Store::new().await;
    let torn = AttemptName::from(&deposit("030 1").facts);
    let folder = store.tenant_folder().join(ARRIVING);
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(torn.to_string());
    std::fs::write(&path, br#"{"v":1,"begun_at":"20"#).unwrap();
    assert_eq!(store.metadata.arriving(at(LATE)).await.unwrap(), []);
    assert!(path.exists(), "perhaps it is being written");
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(SystemTime::now() - CUT_OFF_AFTER).unwrap();
    assert_eq!(store.metadata.arriving(Timestamp::default()).await.unwrap(), []);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_journal_of_a_later_version_is_neither_read_nor_cleared_and_stops_no_other() {
    let store = Store::new().await;
    let later = AttemptName::from(&deposit("030 1").facts);
    let folder = store.tenant_folder().join(ARRIVING);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(later.to_string()), br#"{"v":2}"#).unwrap();
    let cut_off = deposit("030 2");
    store.arrive(&cut_off).await.unwrap();
    assert_eq!(store.metadata.arriving(at(LATE)).await.unwrap(), [MessageRef::from(&cut_off.facts)]);
    assert!(folder.join(later.to_string()).exists());
}

#[tokio::test]
async fn a_fence_that_was_cut_off_before_the_journal_went_still_fences() {
    let store = Store::new().await;
    let slow = deposit("030 1");
    store.arrive(&slow).await.unwrap();
    let attempt = AttemptName::from(&slow.facts);
    let journal = std::fs::read(store.tenant_folder().join(attempt.arriving())).unwrap();
    store.metadata.0.disk.publish(&attempt.fenced(), &journal).unwrap();
    let told = store.metadata.arriving(at(0)).await.unwrap();
    assert_eq!(told, [MessageRef::from(&slow.facts)], "once, and before its time");
    assert_eq!(store.metadata.fence(&MessageRef::from(&slow.facts)).await.unwrap(), FenceOutcome::Never);
    assert_eq!(store.metadata.insert(&slow).await.unwrap(), InsertOutcome::Fenced);
}

#[tokio::test]
async fn a_message_created_into_a_mailbox_that_was_deleted_meanwhile_goes_with_it() {
    for is_made_again in [false, true] {
        let store = Store::new().await;
        let metadata = &store.metadata;
        let made = mailbox_named("50.01");
        metadata.put_mailbox(&made, Expect::Absent).await.unwrap();
        let slow = deposit("030 1");
        store.arrive(&slow).await.unwrap();
        metadata.delete_mailbox(&mailbox(), 1, at(900)).await.unwrap();
        if is_made_again {
            metadata.put_mailbox(&made, Expect::Absent).await.unwrap();
            assert_eq!(metadata.mailbox(&mailbox()).await.unwrap().unwrap().value.generation, 3);
        }
        let InsertOutcome::Created(created) = metadata.insert(&slow).await.unwrap() else {
            panic!("it is created")
        };
        assert!(created.holds.contains(&Hold::Mailbox { purge_at: at(900) }));
        assert_eq!(metadata.due(at(900), None, 9).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_region_that_is_down_fails_the_arrival_and_the_withdrawal_leaves_nothing() {
    let store = Store::new().await;
    let refused = deposit("030 1");
    std::fs::remove_file(store.folder.path().join("recordings/local/region.json")).unwrap();
    assert!(store.arrive(&refused).await.is_err());
    assert!(store.recordings.delete(&refused.facts.audio).await.is_err());
    store.metadata.withdraw(&MessageRef::from(&refused.facts)).await.unwrap();
    assert_eq!(store.files(), Vec::<String>::new());
}
