//! Claim, delete, proof, tombstone, and the nets under them.
#![expect(missing_docs, reason = "the name of a case is its documentation")]

use domain::{Claim, ClaimOutcome, Folder, Hold, Release, ReleaseOutcome};
use storage::{Lookup, MessageRef};

use crate::fixture::{ALICE, Call, DAY, HOUR, Namespace, after, audio_of, cut_off, ids, mark, trash};
use crate::steps;
use crate::wrap::{Fault, failing_after};

pub async fn a_claim_of_a_hold_that_was_taken_off_leaves_the_message_alone(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let message = space.deposit(&Call::to(&mailbox)).await;
    space.hold(&message.facts, &trash(after(9))).await;
    space.release(&message.facts, &Release::Trash).await;
    assert_eq!(space.claim(&message.facts, &Claim::Due(trash(after(9)))).await, ClaimOutcome::Undone);
    space.hold(&message.facts, &trash(after(20))).await;
    assert_eq!(space.claim(&message.facts, &Claim::Due(trash(after(9)))).await, ClaimOutcome::Undone);
    let other = Hold::Mailbox { purge_at: after(20) };
    assert_eq!(space.claim(&message.facts, &Claim::Due(other)).await, ClaimOutcome::Undone);
    space.release(&message.facts, &Release::Trash).await;
    space.assert_unchanged(&message).await;
}

pub async fn a_claim_is_irrevocable(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let message = space.deposit(&Call::to(&mailbox)).await;
    let case = space.forget("1", &[ALICE], after(1)).await;
    space.release(&message.facts, &Release::Case(case.key.clone())).await;
    let hold = trash(after(9));
    space.hold(&message.facts, &hold).await;
    for _ in 0..2 {
        assert_eq!(space.claim(&message.facts, &Claim::Due(hold.clone())).await, ClaimOutcome::Claimed);
        for release in [Release::Trash, Release::Case(case.key.clone())] {
            assert_eq!(space.release(&message.facts, &release).await, ReleaseOutcome::Gone);
        }
        for hold in [trash(after(20)), Hold::Mailbox { purge_at: after(20) }, steps::case_hold(&case)] {
            assert_eq!(space.hold(&message.facts, &hold).await, None);
        }
        assert_eq!(space.read(&message.facts, &mark("alice", after(2))).await, None);
        assert_eq!(space.look(&message.facts).await, Lookup::Gone);
        for folder in [None, Some(Folder::Trash)] {
            assert_eq!(space.walk(&mailbox, folder, 9).await, []);
        }
    }
    space.sweep(after(9)).await;
    space.assert_purged(&message.facts).await;
}

pub async fn a_claim_of_nothing_or_of_what_is_purged_says_gone(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let absent = space.attempt(&Call::to(&mailbox)).facts;
    let purged = space.deposit(&Call::to(&mailbox)).await.facts;
    space.erase(&purged, after(9)).await;
    let case = space.case("1", &[ALICE], after(1)).key;
    for facts in [absent, purged] {
        let before = space.look(&facts).await;
        for claim in [Claim::Due(trash(after(9))), Claim::Case(case.clone())] {
            assert_eq!(space.claim(&facts, &claim).await, ClaimOutcome::Gone);
        }
        assert_eq!(space.look(&facts).await, before);
    }
}

pub async fn a_case_claims_a_message_wherever_it_is(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let case = space.open("1", &["+4930999"], after(1)).await;
    for hold in [
        None,
        Some(trash(after(99))),
        Some(Hold::Mailbox { purge_at: after(99) }),
        Some(steps::case_hold(&case)),
    ] {
        let message = space.deposit(&Call::to(&mailbox)).await;
        if let Some(hold) = &hold {
            space.hold(&message.facts, hold).await;
        }
        let claim = Claim::Case(case.key.clone());
        for _ in 0..2 {
            let claimed = space.purge(&MessageRef::from(&message.facts), &claim, after(9)).await;
            assert!(matches!(claimed, ClaimOutcome::Claimed | ClaimOutcome::Gone), "{hold:?}");
        }
        space.sweep(after(99)).await;
        space.assert_purged(&message.facts).await;
    }
}

pub async fn a_purge_leaves_nothing_but_a_tombstone(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let stays = space.deposit(&Call::to(&mailbox).urgent()).await;
    let message = space.deposit(&Call::to(&mailbox).urgent()).await;
    space.read(&message.facts, &mark("alice", after(1))).await;
    space.hold(&message.facts, &trash(after(9))).await;
    space.sweep(after(9)).await;
    space.assert_purged(&message.facts).await;
    assert_eq!(space.release(&message.facts, &Release::Trash).await, ReleaseOutcome::Gone);
    space.assert_unchanged(&stays).await;
    assert_eq!(space.counts(&mailbox).await.urgent_new, 1);
    assert_eq!(ids(&space.walk(&mailbox, None, 9).await), [stays.facts.id]);
}

pub async fn what_is_not_claimed_becomes_no_tombstone(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let message = space.deposit(&Call::to(&mailbox)).await;
    drop(space.metadata().leave_tombstone(&MessageRef::from(&message.facts), after(9)).await);
    space.assert_unchanged(&message).await;
    let held = space.hold(&message.facts, &trash(after(9))).await.unwrap();
    drop(space.metadata().leave_tombstone(&MessageRef::from(&message.facts), after(9)).await);
    space.assert_unchanged(&held).await;
    let absent = space.attempt(&Call::to(&mailbox)).facts;
    drop(space.metadata().leave_tombstone(&MessageRef::from(&absent), after(9)).await);
    assert_eq!(space.look(&absent).await, Lookup::Nothing);
}

pub async fn leaving_a_tombstone_is_safe_to_repeat(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let message = space.deposit(&Call::to(&mailbox)).await;
    space.erase(&message.facts, after(9)).await;
    space.metadata().leave_tombstone(&MessageRef::from(&message.facts), after(99)).await.unwrap();
    space.assert_purged(&message.facts).await;
}

pub async fn leaving_a_tombstone_cut_off_anywhere_is_finished_by_the_next(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let mut finished = 0;
    for polls in 0..40 {
        let facts = space.deposit(&Call::to(&mailbox)).await.facts;
        space.hold(&facts, &trash(after(9))).await;
        finished += usize::from(cut_off(polls, space.sweep(after(9))).await.is_some());
        space.sweep(after(9)).await;
        space.assert_purged(&facts).await;
        if finished > 1 {
            break;
        }
    }
    assert!(finished > 0, "a purge of more than 40 steps");
}

pub async fn a_sweep_cut_off_after_any_step_is_finished_by_the_next(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    for (calls, fault) in (0..8).flat_map(|n| [(n, Fault::Refused), (n, Fault::AnswerLost)]) {
        let message = space.deposit(&Call::to(&mailbox)).await;
        space.hold(&message.facts, &trash(after(9))).await;
        let failing = failing_after(&space.storage, calls, fault);
        let swept = steps::sweep(&failing, after(9)).await;
        assert_eq!(swept.is_ok(), calls > 6, "a sweep of one message is seven calls");
        space.sweep(after(9)).await;
        space.assert_purged(&message.facts).await;
    }
}

pub async fn a_purge_by_a_case_cut_off_after_any_step_is_finished_by_the_next(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let case = space.open_as("1", &[ALICE], after(60), domain::Status::Pending).await;
    let claim = Claim::Case(case.key.clone());
    for (calls, fault) in (0..4).flat_map(|n| [(n, Fault::Refused), (n, Fault::AnswerLost)]) {
        let message = space.deposit(&Call::to(&mailbox)).await;
        let message_ref = MessageRef::from(&message.facts);
        let failing = failing_after(&space.storage, calls, fault);
        assert!(steps::purge(&failing, &message_ref, &claim, after(9)).await.is_err());
        for marker in space.markers_of(ALICE).await {
            space.purge(&marker, &claim, after(9)).await;
        }
        space.sweep(after(9)).await;
        space.assert_purged(&message.facts).await;
    }
}

pub async fn two_sweeps_at_once_are_harmless(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let stays = space.deposit(&Call::to(&mailbox)).await;
    for _ in 0..5 {
        let facts = space.deposit(&Call::to(&mailbox)).await.facts;
        space.hold(&facts, &trash(after(9))).await;
        futures::join!(space.sweep(after(9)), space.sweep(after(9)), space.sweep(after(9)));
        space.assert_purged(&facts).await;
    }
    space.assert_unchanged(&stays).await;
}

pub async fn a_tombstone_is_kept_30_days(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let facts = space.deposit(&Call::to(&mailbox)).await.facts;
    space.erase(&facts, after(0)).await;
    let tidy = async |now| space.metadata().tidy(&mailbox, now, after(99)).await.unwrap();
    tidy(after(0).plus(HOUR * 719)).await;
    assert_eq!(space.look(&facts).await, Lookup::Gone);
    tidy(after(0).plus(HOUR * 721)).await;
    assert_eq!(space.look(&facts).await, Lookup::Nothing);
    tidy(after(0).plus(HOUR * 721)).await;
    space.deposit(&Call::to(&mailbox)).await;
}

pub async fn tidying_changes_nothing_where_nothing_is_wrong(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let new = space.deposit(&Call::to(&mailbox).urgent()).await;
    let old = space.deposit(&Call::to(&mailbox)).await;
    let old = space.read(&old.facts, &mark("alice", after(1))).await.unwrap();
    let deleted = space.deposit(&Call::to(&mailbox)).await;
    let deleted = space.hold(&deleted.facts, &trash(after(9))).await.unwrap();
    let hidden = space.deposit(&Call::to(&mailbox).by("+4930999")).await;
    space.forget("1", &["+4930999"], after(1)).await;
    let hidden = space.stored(&hidden.facts).await;
    let under_way = space.attempt(&Call::to(&mailbox));
    space.arrived(&under_way).await;
    for _ in 0..2 {
        assert_eq!(space.metadata().tidy(&mailbox, after(2), after(999)).await.unwrap(), 0);
        for message in [&new, &old, &deleted, &hidden] {
            space.assert_unchanged(message).await;
        }
    }
    assert!(matches!(space.insert(&under_way).await, storage::InsertOutcome::Created(_)), "it was under way");
    assert_eq!(space.bytes(&under_way.facts.audio, None).await.unwrap(), audio_of(&under_way.facts));
}

pub async fn tidying_deletes_a_recording_that_no_journal_tells(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let message = space.deposit(&Call::to(&mailbox)).await;
    let orphan = space.again(&space.attempt(&Call::to(&mailbox))).facts;
    let beside = storage::Deposit { facts: message.facts.clone(), begun_at: after(0) };
    let beside = space.again(&beside).facts;
    for facts in [&orphan, &beside] {
        let put = space.recordings().put(&facts.audio, audio_of(facts), "audio/wav", None);
        put.await.unwrap();
    }
    let found = async |until, now| {
        let tidied = space.metadata().tidy(&mailbox, now, now.plus(DAY)).await.unwrap();
        tidied + space.metadata().remove_orphans(until, now).await.unwrap()
    };
    let later = after(0).plus(DAY * 2);
    assert_eq!(found(later, later).await, 2);
    for facts in [&orphan, &beside] {
        assert!(!space.recordings().exists(&facts.audio).await.unwrap());
    }
    space.assert_unchanged(&message).await;
}

pub async fn a_recording_that_no_journal_tells_is_found_in_an_hour_that_is_not_over_as_often_as_it_is_asked(
    space: Namespace,
) {
    let mailbox = space.mailbox("5001").await;
    let message = space.deposit(&Call::to(&mailbox)).await;
    for _ in 0..2 {
        let orphan = space.attempt(&Call::to(&mailbox)).facts;
        let put = space.recordings().put(&orphan.audio, audio_of(&orphan), "audio/wav", None);
        put.await.unwrap();
        let now = after(60);
        space.metadata().tidy(&mailbox, now, now.plus(DAY)).await.unwrap();
        space.metadata().remove_orphans(after(0), now).await.unwrap();
        assert!(!space.recordings().exists(&orphan.audio).await.unwrap());
    }
    space.assert_unchanged(&message).await;
}
