//! Which requests each call of the contracts makes to a service in the cloud, counted by a proxy.

use std::time::Duration;

use domain::Release;
use storage::InsertOutcome;

use crate::counting::Trips;
use crate::fixture::{ALICE, Call, Namespace, after, mark, taken_by, trash};
use crate::proxy::Proxy;
use crate::steps::case_hold;

/// Each call makes these requests to the service, so many of them one after the other, told by name.
#[expect(clippy::too_many_lines, reason = "one call after the other")]
pub async fn each_call_makes_its_requests_and_no_more(
    space: &Namespace,
    proxy: &Proxy,
    expected: &[(&'static str, usize, &[&'static str])],
) {
    let mailbox = space.mailbox("5001").await;
    let deposit = space.attempt(&Call::to(&mailbox));
    let facts = &deposit.facts;
    // Keys are read, and connections made for as many requests as are under way at once, before the first.
    let elsewhere = space.mailbox("5002").await;
    space.deposit(&Call::to(&elsewhere)).await;
    proxy.take();

    let mut took = Vec::new();
    let taken = || {
        let mut trips = proxy.take();
        trips.calls.sort_unstable();
        trips
    };
    space.arrived(&deposit).await;
    took.push(("arrive", taken()));
    assert!(matches!(space.insert(&deposit).await, InsertOutcome::Created(_)));
    took.push(("insert", taken()));

    space.counts(&mailbox).await;
    took.push(("counts", taken()));
    space.listed(&mailbox).await;
    took.push(("page", taken()));
    space.look(facts).await;
    took.push(("message", taken()));
    space.bytes(&facts.audio, None).await;
    took.push(("get", taken()));
    space.recordings().link(&facts.audio, Duration::from_mins(5), None).await.unwrap();
    took.push(("link", taken()));
    space.read(facts, &mark("alice", after(1))).await.unwrap();
    took.push(("mark read", taken()));
    space.unread(facts).await.unwrap();
    took.push(("mark unread", taken()));
    space.taken(facts, "alice").await;
    took.push(("take", taken()));
    space.take(facts, &taken_by("alice", after(1)), false).await;
    took.push(("take again", taken()));
    space.take(facts, &taken_by("bob", after(1)), true).await;
    took.push(("take over", taken()));
    space.give_back(facts).await.unwrap();
    took.push(("give back", taken()));
    space.hold(facts, &trash(after(9))).await.unwrap();
    took.push(("delete", taken()));
    space.release(facts, &Release::Trash).await;
    took.push(("undo of a delete", taken()));

    let case = space.open("1", &[ALICE], after(1)).await;
    took.push(("opening a case", taken()));
    space.metadata().by_caller(&space.subject(ALICE), None, 50).await.unwrap();
    took.push(("by caller", taken()));
    space.hold(facts, &case_hold(&case)).await.unwrap();
    took.push(("hiding, and looking at the case again", taken()));
    space.recordings().schedule_deletion(&facts.audio, &case.key).await.unwrap();
    took.push(("schedule_deletion", taken()));
    space.recordings().cancel_deletion(&facts.audio).await.unwrap();
    took.push(("cancel_deletion", taken()));
    space.release(facts, &Release::Case(case.key)).await;
    took.push(("undo of a case, each message", taken()));

    space.hold(facts, &trash(after(9))).await.unwrap();
    let due = space.metadata().due(after(9), None, 50).await.unwrap().pop().unwrap();
    proxy.take();
    space.claim(facts, &due.claim).await;
    took.push(("claim", taken()));
    space.recordings().delete(&facts.audio).await.unwrap();
    took.push(("delete of a recording", taken()));
    assert!(!space.recordings().exists(&facts.audio).await.unwrap());
    took.push(("its proof", taken()));
    space.metadata().leave_tombstone(&due.message_ref, after(9)).await.unwrap();
    took.push(("leave_tombstone", taken()));
    space.metadata().remove_due_entry(&due).await.unwrap();
    took.push(("remove_due_entry", taken()));
    space.assert_purged(facts).await;

    let expected: Vec<_> = expected
        .iter()
        .map(|(call, serial, calls)| (*call, Trips { serial: *serial, calls: calls.to_vec() }))
        .collect();
    assert_eq!(took, expected);
}
