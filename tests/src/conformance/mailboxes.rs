//! Mailboxes and groups: versions, conditions, and mailboxes that are deleted and made again.
#![expect(missing_docs, reason = "the name of a case is its documentation")]

use std::collections::BTreeSet;

use domain::{Counts, Folder, Group, GroupId, Hold, Mailbox, MailboxId, Owner, Release, ReleaseOutcome};
use storage::{Expect, InsertOutcome, Lookup, MessageRef, Versioned, WriteOutcome};

use crate::fixture::{Call, Namespace, a_group, a_mailbox, after, cut_off, mark, trash};

async fn put(space: &Namespace, mailbox: &Mailbox, expect: Expect) -> WriteOutcome {
    space.metadata().put_mailbox(mailbox, expect).await.unwrap()
}

async fn get(space: &Namespace, id: &MailboxId) -> Option<Versioned<Mailbox>> {
    space.metadata().mailbox(id).await.unwrap()
}

async fn delete(space: &Namespace, id: &MailboxId, version: u64) -> WriteOutcome {
    space.metadata().delete_mailbox(id, version, after(9)).await.unwrap()
}

pub async fn a_mailbox_is_made_as_version_1_of_generation_1(space: Namespace) {
    let mut mailbox = a_mailbox("5001");
    mailbox.owner = Owner::Group { group: "sales".parse().unwrap() };
    mailbox.settings.retention_days = Some(30);
    "de-AT".clone_into(&mut mailbox.settings.language);
    "Verkauf „Süd“".clone_into(&mut mailbox.name);
    mailbox.enabled = false;
    mailbox.generation = 77;
    assert_eq!(get(&space, &mailbox.id).await, None);
    assert_eq!(put(&space, &mailbox, Expect::Absent).await, WriteOutcome::Version(1));
    let value = Mailbox { generation: 1, ..mailbox.clone() };
    assert_eq!(get(&space, &mailbox.id).await, Some(Versioned { value, version: 1 }));
}

pub async fn a_mailbox_that_is_not_as_expected_is_not_written(space: Namespace) {
    let mut mailbox = a_mailbox("5001");
    assert_eq!(put(&space, &mailbox, Expect::Version(1)).await, WriteOutcome::Conflict);
    assert_eq!(get(&space, &mailbox.id).await, None);
    put(&space, &mailbox, Expect::Absent).await;
    let before = get(&space, &mailbox.id).await.unwrap();
    mailbox = Mailbox { name: "another".to_owned(), ..before.value.clone() };
    for expect in [Expect::Absent, Expect::Version(2), Expect::Version(0)] {
        assert_eq!(put(&space, &mailbox, expect).await, WriteOutcome::Conflict);
        assert_eq!(get(&space, &mailbox.id).await, Some(before.clone()));
    }
    assert_eq!(put(&space, &mailbox, Expect::Version(1)).await, WriteOutcome::Version(2));
    assert_eq!(get(&space, &mailbox.id).await, Some(Versioned { value: mailbox, version: 2 }));
}

pub async fn a_conditional_write_asked_again_writes_nothing_twice(space: Namespace) {
    let id = space.mailbox("5001").await;
    let mut mailbox = get(&space, &id).await.unwrap().value;
    "another".clone_into(&mut mailbox.name);
    assert_eq!(put(&space, &mailbox, Expect::Version(1)).await, WriteOutcome::Version(2));
    let again = put(&space, &mailbox, Expect::Version(1)).await;
    assert!(matches!(again, WriteOutcome::Version(2) | WriteOutcome::Conflict));
    assert_eq!(get(&space, &id).await, Some(Versioned { value: mailbox, version: 2 }));
}

pub async fn all_mailboxes_are_told_by_id_without_the_deleted_ones(space: Namespace) {
    assert_eq!(space.metadata().mailboxes().await.unwrap(), []);
    assert_eq!(space.metadata().mailbox_ids().await.unwrap(), []);
    for id in ["5002", "a.b", "5001", "B", "007"] {
        space.mailbox(id).await;
    }
    delete(&space, &"5001".parse().unwrap(), 1).await;
    let all = space.metadata().mailboxes().await.unwrap();
    let all: Vec<_> = all.iter().map(|mailbox| mailbox.value.id.as_str()).collect();
    assert_eq!(all, ["007", "5002", "B", "a.b"]);
    let ids = space.metadata().mailbox_ids().await.unwrap();
    let ids: BTreeSet<_> = ids.iter().map(MailboxId::as_str).collect();
    assert_eq!(ids, ["007", "5001", "5002", "B", "a.b"].into(), "deleted ones too");
}

pub async fn a_deleted_mailbox_is_none(space: Namespace) {
    let id = space.mailbox("5001").await;
    for version in [0, 2] {
        assert_eq!(delete(&space, &id, version).await, WriteOutcome::Conflict);
        assert!(get(&space, &id).await.is_some());
    }
    assert_eq!(delete(&space, &id, 1).await, WriteOutcome::Version(2));
    assert_eq!(get(&space, &id).await, None);
    assert_eq!(delete(&space, &id, 2).await, WriteOutcome::Conflict, "there is nothing to delete");
    let never = "5002".parse().unwrap();
    assert_eq!(delete(&space, &never, 1).await, WriteOutcome::Conflict);
}

pub async fn versions_go_on_when_a_mailbox_is_deleted_and_made_again(space: Namespace) {
    let id = space.mailbox("5001").await;
    let before = get(&space, &id).await.unwrap().value;
    delete(&space, &id, 1).await;
    for stale in [1, 2] {
        assert_eq!(put(&space, &before, Expect::Version(stale)).await, WriteOutcome::Conflict);
        assert_eq!(get(&space, &id).await, None);
    }
    assert_eq!(put(&space, &before, Expect::Absent).await, WriteOutcome::Version(3));
    let remade = get(&space, &id).await.unwrap();
    assert_eq!((remade.version, remade.value.generation), (3, 3));
    assert_eq!(put(&space, &before, Expect::Version(1)).await, WriteOutcome::Conflict);
    assert_eq!(delete(&space, &id, 1).await, WriteOutcome::Conflict);
    assert_eq!(put(&space, &remade.value, Expect::Version(3)).await, WriteOutcome::Version(4));
    assert_eq!(get(&space, &id).await.unwrap().value.generation, 3);
}

pub async fn messages_of_a_deleted_mailbox_are_held_until_they_are_purged(space: Namespace) {
    let id = space.mailbox("5001").await;
    let new = space.deposit(&Call::to(&id).urgent()).await.facts;
    let old = space.deposit(&Call::to(&id)).await.facts;
    space.read(&old, &mark("alice", after(1))).await;
    let deleted = space.deposit(&Call::to(&id)).await.facts;
    space.hold(&deleted, &trash(after(99))).await;
    delete(&space, &id, 1).await;
    for folder in [None, Some(Folder::Trash)] {
        assert_eq!(space.walk(&id, folder, 9).await, []);
    }
    assert_eq!(space.counts(&id).await, Counts::default());
    for facts in [&new, &old, &deleted] {
        let held = space.stored(facts).await;
        assert!(held.holds.contains(&Hold::Mailbox { purge_at: after(9) }));
        assert_eq!(space.release(facts, &Release::Trash).await, ReleaseOutcome::Hidden);
    }
    space.sweep(after(8)).await;
    assert!(matches!(space.look(&new).await, Lookup::Message(_)), "never ahead of its deadline");
    space.sweep(after(9)).await;
    space.sweep(after(99)).await;
    for facts in [&new, &old, &deleted] {
        space.assert_purged(facts).await;
    }
}

pub async fn a_mailbox_that_is_made_again_starts_empty(space: Namespace) {
    let id = space.mailbox("5001").await;
    let before = space.deposit(&Call::to(&id)).await.facts;
    let deleted = space.deposit(&Call::to(&id)).await.facts;
    space.hold(&deleted, &trash(after(99))).await;
    delete(&space, &id, 1).await;
    assert_eq!(put(&space, &a_mailbox("5001"), Expect::Absent).await, WriteOutcome::Version(3));
    for folder in [None, Some(Folder::New), Some(Folder::Old), Some(Folder::Trash)] {
        assert_eq!(space.walk(&id, folder, 9).await, []);
    }
    assert_eq!(space.counts(&id).await, Counts::default());
    let message = space.deposit(&Call::to(&id).generation(3)).await;
    assert_eq!(space.listed(&id).await, [message.facts.id]);
    space.sweep(after(9)).await;
    space.assert_purged(&before).await;
    space.assert_unchanged(&message).await;
}

pub async fn a_deposit_of_the_generation_before_never_shows_in_the_mailbox_made_again(space: Namespace) {
    let id = space.mailbox("5001").await;
    let slow = space.attempt(&Call::to(&id).urgent());
    space.arrived(&slow).await;
    delete(&space, &id, 1).await;
    put(&space, &a_mailbox("5001"), Expect::Absent).await;
    let created = space.insert(&slow).await;
    for folder in [None, Some(Folder::New), Some(Folder::Old), Some(Folder::Trash)] {
        assert_eq!(space.walk(&id, folder, 9).await, [], "{created:?}");
    }
    assert_eq!(space.folder(&slow.facts).await, None, "{created:?}");
    assert_eq!(space.counts(&id).await, Counts::default());
}

pub async fn a_message_created_after_its_generation_is_over_is_created_with_the_mailboxs_hold(
    space: Namespace,
) {
    for (name, remade) in [("5001", false), ("5002", true)] {
        let id = space.mailbox(name).await;
        let slow = space.attempt(&Call::to(&id));
        space.arrived(&slow).await;
        delete(&space, &id, 1).await;
        if remade {
            put(&space, &a_mailbox(name), Expect::Absent).await;
        }
        let InsertOutcome::Created(created) = space.insert(&slow).await else { panic!("nobody was before") };
        assert!(
            created.holds.iter().all(|hold| matches!(hold, Hold::Mailbox { .. })) && created.holds.len() == 1
        );
        assert_eq!(space.stored(&slow.facts).await, *created);
        space.sweep(after(9)).await;
        space.assert_purged(&slow.facts).await;
    }
}

pub async fn a_commit_asked_again_after_a_deletion_moves_no_deadline(space: Namespace) {
    let id = space.mailbox("5001").await;
    let deposit = space.attempt(&Call::to(&id));
    space.created(&deposit).await;
    delete(&space, &id, 1).await;
    let held = space.stored(&deposit.facts).await;
    put(&space, &a_mailbox("5001"), Expect::Absent).await;
    space.metadata().delete_mailbox(&id, 3, after(99)).await.unwrap();
    assert_eq!(space.insert(&deposit).await, InsertOutcome::Created(Box::new(held.clone())));
    assert_eq!(space.stored(&deposit.facts).await, held);
}

pub async fn tidying_holds_what_came_into_a_deleted_mailbox_or_an_earlier_generation(space: Namespace) {
    for remade in [false, true] {
        let id = space.mailbox(if remade { "5002" } else { "5001" }).await;
        let slow = space.attempt(&Call::to(&id));
        space.arrived(&slow).await;
        delete(&space, &id, 1).await;
        if remade {
            put(&space, &a_mailbox("5002"), Expect::Absent).await;
        }
        if !matches!(space.insert(&slow).await, InsertOutcome::Created(_)) {
            space.take_back(&MessageRef::from(&slow.facts)).await;
            continue;
        }
        space.metadata().tidy(&id, after(20), after(30)).await.unwrap();
        let held = space.stored(&slow.facts).await;
        assert!(held.holds.iter().any(|hold| matches!(hold, Hold::Mailbox { .. })), "{held:?}");
        space.sweep(after(30)).await;
        space.assert_purged(&slow.facts).await;
    }
}

pub async fn a_deletion_cut_off_is_finished_when_the_id_is_made_again_or_by_tidy(space: Namespace) {
    for polls in 0..16 {
        let id = space.mailbox(&format!("m{polls}")).await;
        let mut all = Vec::new();
        for _ in 0..3 {
            all.push(space.deposit(&Call::to(&id)).await.facts);
        }
        let finished = cut_off(polls, delete(&space, &id, 1)).await.is_some();
        let deleted = get(&space, &id).await.is_none();
        if deleted && polls % 2 == 0 {
            put(&space, &a_mailbox(id.as_str()), Expect::Absent).await;
        } else if deleted {
            space.metadata().tidy(&id, after(1), after(9)).await.unwrap();
        }
        if deleted {
            assert_eq!(space.listed(&id).await, []);
            space.sweep(after(9)).await;
            for facts in &all {
                space.assert_purged(facts).await;
            }
        }
        if finished {
            return;
        }
    }
}

async fn group(space: &Namespace, id: &GroupId) -> Option<Versioned<Group>> {
    space.metadata().group(id).await.unwrap()
}

pub async fn a_group_is_written_if_it_is_as_expected(space: Namespace) {
    let sales = a_group("sales", &["alice", "bob"]);
    let put = async |group: &Group, expect| space.metadata().put_group(group, expect).await.unwrap();
    assert_eq!(group(&space, &sales.id).await, None);
    assert_eq!(put(&sales, Expect::Version(1)).await, WriteOutcome::Conflict);
    assert_eq!(put(&sales, Expect::Absent).await, WriteOutcome::Version(1));
    let other = a_group("sales", &[]);
    for expect in [Expect::Absent, Expect::Version(2)] {
        assert_eq!(put(&other, expect).await, WriteOutcome::Conflict);
    }
    assert_eq!(group(&space, &sales.id).await, Some(Versioned { value: sales, version: 1 }));
    assert_eq!(put(&other, Expect::Version(1)).await, WriteOutcome::Version(2));
    assert_eq!(group(&space, &other.id).await, Some(Versioned { value: other, version: 2 }));
}

pub async fn versions_go_on_when_a_group_is_deleted_and_made_again(space: Namespace) {
    let sales = a_group("sales", &["alice"]);
    let metadata = space.metadata();
    metadata.put_group(&sales, Expect::Absent).await.unwrap();
    assert_eq!(metadata.delete_group(&sales.id, 2).await.unwrap(), WriteOutcome::Conflict);
    assert_eq!(metadata.delete_group(&sales.id, 1).await.unwrap(), WriteOutcome::Version(2));
    assert_eq!(group(&space, &sales.id).await, None);
    assert_eq!(metadata.delete_group(&sales.id, 2).await.unwrap(), WriteOutcome::Conflict);
    assert_eq!(metadata.put_group(&sales, Expect::Version(2)).await.unwrap(), WriteOutcome::Conflict);
    assert_eq!(metadata.put_group(&sales, Expect::Absent).await.unwrap(), WriteOutcome::Version(3));
    assert_eq!(group(&space, &sales.id).await, Some(Versioned { value: sales, version: 3 }));
}

pub async fn all_groups_are_told_by_id_without_the_deleted_ones(space: Namespace) {
    assert_eq!(space.metadata().groups().await.unwrap(), []);
    for id in ["sales", "Ops", "a.b", "sales.x"] {
        space.metadata().put_group(&a_group(id, &["alice"]), Expect::Absent).await.unwrap();
    }
    space.metadata().delete_group(&"a.b".parse().unwrap(), 1).await.unwrap();
    let all = space.metadata().groups().await.unwrap();
    let all: Vec<_> = all.iter().map(|group| group.value.id.as_str()).collect();
    assert_eq!(all, ["Ops", "sales", "sales.x"]);
}

pub async fn a_group_and_a_mailbox_of_one_id_are_apart(space: Namespace) {
    let id = space.mailbox("sales").await;
    space.metadata().put_group(&a_group("sales", &["alice"]), Expect::Absent).await.unwrap();
    delete(&space, &id, 1).await;
    assert!(group(&space, &"sales".parse().unwrap()).await.is_some());
}

pub async fn the_storage_answers_a_ping(space: Namespace) {
    space.metadata().ping().await.unwrap();
    for region in &space.tenant.regions {
        space.recordings_in(region).ping().await.unwrap();
    }
}
