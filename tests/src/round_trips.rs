//! How many serial round trips each operation takes at the contracts, warm: the rows of the design's table.

use domain::{ClaimOutcome, Release};
use storage::InsertOutcome;

use crate::counting::{self, Trips};
use crate::fixture::{Call, Namespace, after, mark, taken_by, trash};
use crate::steps;

/// Holds the numbers on a backend.
pub async fn each_operation_takes_its_round_trips(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let (storage, counter) = counting::wrap(&space.storage);
    let space = space.on(storage);
    let trips = |serial, calls: &[&'static str]| Trips { serial, calls: calls.to_vec() };

    let deposit = space.attempt(&Call::to(&mailbox));
    space.arrived(&deposit).await;
    assert!(matches!(space.insert(&deposit).await, InsertOutcome::Created(_)));
    assert_eq!(counter.take(), trips(2, &["arrive", "put", "insert"]), "deposit");

    let again = space.again(&deposit);
    space.arrive(&again).await;
    assert_eq!(counter.take().serial, 1, "a repeat of a deposit");

    let facts = &deposit.facts;
    space.listed(&mailbox).await;
    assert_eq!(counter.take(), trips(1, &["page"]), "list");
    space.counts(&mailbox).await;
    assert_eq!(counter.take(), trips(1, &["counts"]), "mwi-count");
    space.read(facts, &mark("alice", after(1))).await.unwrap();
    assert_eq!(counter.take(), trips(1, &["mark_read"]), "mark-read");
    space.taken(facts, "alice").await;
    assert_eq!(counter.take(), trips(1, &["take"]), "take");
    space.take(facts, &taken_by("bob", after(1)), true).await;
    assert_eq!(counter.take(), trips(1, &["take"]), "take over");
    space.give_back(facts).await.unwrap();
    assert_eq!(counter.take(), trips(1, &["give_back"]), "give back");
    space.hold(facts, &trash(after(9))).await.unwrap();
    assert_eq!(counter.take(), trips(1, &["hold"]), "delete");
    space.release(facts, &Release::Trash).await;
    assert_eq!(counter.take(), trips(1, &["release"]), "undo");

    space.hold(facts, &trash(after(9))).await.unwrap();
    let due = space.all_due(after(9)).await.pop().unwrap();
    counter.take();
    let claim = due.claim.clone();
    let claimed = steps::purge(&space.storage, &due.message_ref, &claim, after(9)).await.unwrap();
    assert_eq!(claimed, ClaimOutcome::Claimed);
    assert_eq!(
        counter.take(),
        trips(4, &["claim", "delete", "exists", "leave_tombstone"]),
        "purge of a message"
    );
    space.metadata().remove_due_entry(&due).await.unwrap();
    assert_eq!(counter.take(), trips(1, &["remove_due_entry"]), "what the sweep removes afterwards");
}
