//! Finding a caller's messages.
#![expect(missing_docs, reason = "the name of a case is its documentation")]

use domain::Hold;
use storage::{CallerMarker, Expect, MessageRef};

use crate::fixture::{ALICE, Call, Namespace, after, mark, trash};

pub async fn by_caller_finds_every_message_in_every_mailbox_by_id(space: Namespace) {
    let (first, second) = (space.mailbox("5001").await, space.mailbox("5002").await);
    let mut expected = Vec::new();
    for second_of_call in [5, 3, 8, 1] {
        for mailbox in [&first, &second] {
            let facts = space.deposit(&Call::to(mailbox).at(after(second_of_call))).await.facts;
            expected
                .push(CallerMarker { message_ref: MessageRef::from(&facts), received_at: facts.received_at });
        }
    }
    space.deposit(&Call::to(&first).by("+4930999")).await;
    space.deposit(&Call::to(&first).withheld()).await;
    expected.sort_by_key(|marker| marker.message_ref.id);
    let found = space.metadata().by_caller(&space.subject(ALICE), None, 50).await.unwrap();
    assert_eq!(found, expected);
}

pub async fn by_caller_goes_on_after_the_last_marker(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    for second in 0..7 {
        let deposit = space.attempt(&Call::to(&mailbox).at(after(second)));
        space.arrived(&deposit).await;
        space.arrived(&space.again(&deposit)).await;
    }
    let subject = space.subject(ALICE);
    let all = space.metadata().by_caller(&subject, None, 50).await.unwrap();
    assert_eq!(all.len(), 14);
    for limit in [1, 2, 5, 13, 14] {
        let mut found: Vec<CallerMarker> = Vec::new();
        loop {
            let page = space.metadata().by_caller(&subject, found.last(), limit).await.unwrap();
            assert!(page.len() <= limit);
            if page.is_empty() {
                break;
            }
            found.extend(page);
        }
        assert_eq!(found, all, "in pages of {limit}");
    }
}

pub async fn a_caller_without_messages_has_no_markers(space: Namespace) {
    assert_eq!(space.metadata().by_caller(&space.subject(ALICE), None, 9).await.unwrap(), []);
}

pub async fn an_attempt_under_way_is_found_by_its_caller(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let deposit = space.attempt(&Call::to(&mailbox));
    space.arrived(&deposit).await;
    assert_eq!(space.markers_of(ALICE).await, [MessageRef::from(&deposit.facts)]);
    space.insert(&deposit).await;
    assert_eq!(space.markers_of(ALICE).await, [MessageRef::from(&deposit.facts)]);
}

pub async fn a_hidden_message_is_found_by_its_caller_until_it_is_a_tombstone(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let facts = space.deposit(&Call::to(&mailbox)).await.facts;
    let marker = [MessageRef::from(&facts)];
    space.read(&facts, &mark("alice", after(1))).await;
    space.hold(&facts, &trash(after(9))).await;
    assert_eq!(space.markers_of(ALICE).await, marker);
    let case = space.forget("1", &[ALICE], after(1)).await;
    assert_eq!(space.markers_of(ALICE).await, marker);
    space.hold(&facts, &Hold::Mailbox { purge_at: after(20) }).await;
    assert_eq!(space.markers_of(ALICE).await, marker);
    space.claim(&facts, &domain::Claim::Case(case.key)).await;
    assert_eq!(space.markers_of(ALICE).await, marker, "the sweep that goes on must find it");
    space.recordings().delete(&facts.audio).await.unwrap();
    assert_eq!(space.markers_of(ALICE).await, marker);
    space.metadata().leave_tombstone(&MessageRef::from(&facts), after(9)).await.unwrap();
    assert!(space.markers_of(ALICE).await.is_empty());
}

pub async fn a_message_of_a_deleted_mailbox_is_found_by_its_caller(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let facts = space.deposit(&Call::to(&mailbox)).await.facts;
    space.metadata().delete_mailbox(&mailbox, 1, after(9)).await.unwrap();
    assert_eq!(space.markers_of(ALICE).await, [MessageRef::from(&facts)]);
    let remade = crate::fixture::a_mailbox("5001");
    space.metadata().put_mailbox(&remade, Expect::Absent).await.unwrap();
    assert_eq!(space.markers_of(ALICE).await, [MessageRef::from(&facts)]);
    space.sweep(after(9)).await;
    assert!(space.markers_of(ALICE).await.is_empty());
}
