//! Attempts that are refused, lose, take too long or are cut off.
#![expect(missing_docs, reason = "the name of a case is its documentation")]

use domain::{Counts, Folder};
use futures::FutureExt as _;
use storage::{FenceOutcome, InsertOutcome, Lookup, MessageRef, StorageError};

use crate::fixture::{ALICE, Call, HOUR, Namespace, after, cut_off, start, trash};
use crate::wrap::{Fault, failing_after};

pub async fn a_withdrawn_try_leaves_nothing(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let deposit = space.attempt(&Call::to(&mailbox).urgent());
    space.arrived(&deposit).await;
    space.take_back(&MessageRef::from(&deposit.facts)).await;
    space.assert_try_left_nothing(&deposit.facts).await;
    assert_eq!(space.look(&deposit.facts).await, Lookup::Nothing);
    assert_eq!(space.counts(&mailbox).await, Counts::default());
    space.take_back(&MessageRef::from(&deposit.facts)).await;
}

pub async fn a_refused_deposit_removes_only_its_own_attempt(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let kept = space.attempt(&Call::to(&mailbox).urgent());
    let refused = space.again(&kept);
    let other = space.deposit(&Call::to(&mailbox)).await;
    space.arrived(&kept).await;
    space.arrived(&refused).await;
    space.take_back(&MessageRef::from(&refused.facts)).await;
    space.assert_try_left_nothing(&refused.facts).await;
    let InsertOutcome::Created(created) = space.insert(&kept).await else {
        panic!("its own things were taken")
    };
    space.assert_unchanged(&created).await;
    space.assert_unchanged(&other).await;
    assert_eq!(space.counts(&mailbox).await, Counts { new: 2, urgent_new: 1, ..Counts::default() });
}

pub async fn withdrawing_never_touches_a_message_that_was_created(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let deposit = space.attempt(&Call::to(&mailbox).urgent());
    let created = space.created(&deposit).await;
    space.metadata().withdraw(&MessageRef::from(&created.facts)).await.unwrap();
    space.assert_unchanged(&created).await;
    assert_eq!(space.counts(&mailbox).await.urgent_new, 1);
    space.metadata().withdraw(&MessageRef::from(&space.again(&deposit).facts)).await.unwrap();
    space.assert_unchanged(&created).await;
}

pub async fn an_urgent_try_that_lost_is_not_counted_as_urgent(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let calm = space.attempt(&Call::to(&mailbox));
    let mut urgent = space.again(&calm);
    urgent.facts.urgent = true;
    space.arrived(&urgent).await;
    space.arrived(&calm).await;
    assert!(matches!(space.insert(&calm).await, InsertOutcome::Created(_)));
    assert_eq!(space.counts(&mailbox).await, Counts { new: 1, ..Counts::default() });
    assert!(matches!(space.insert(&urgent).await, InsertOutcome::Taken(Lookup::Message(_))));
    space.take_back(&MessageRef::from(&urgent.facts)).await;
    assert_eq!(space.counts(&mailbox).await, Counts { new: 1, ..Counts::default() });
}

pub async fn a_put_that_fails_fails_the_arrival(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let deposit = space.attempt(&Call::to(&mailbox));
    let failing = async { Err(StorageError::Conflict { context: "a put that fails" }) };
    assert!(space.metadata().arrive(&deposit, failing.boxed()).await.is_err());
    assert_eq!(space.look(&deposit.facts).await, Lookup::Nothing);
    space.take_back(&MessageRef::from(&deposit.facts)).await;
    space.assert_try_left_nothing(&deposit.facts).await;
    space.created(&space.again(&deposit)).await;
}

pub async fn attempts_that_were_cut_off_are_arriving(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let early = space.attempt(&Call::to(&mailbox));
    let late = space.attempt(&Call::to(&mailbox).withheld().at(after(60)));
    space.arrived(&early).await;
    space.arrived(&late).await;
    let (early, late) = (MessageRef::from(&early.facts), MessageRef::from(&late.facts));
    let arriving = async |before| {
        let mut arriving = space.metadata().arriving(before).await.unwrap();
        arriving.sort_by_key(|message_ref| message_ref.id);
        arriving
    };
    assert_eq!(arriving(start()).await, []);
    assert_eq!(arriving(after(1)).await, std::slice::from_ref(&early));
    assert_eq!(arriving(after(61)).await, [early, late]);
}

pub async fn an_attempt_that_was_created_or_withdrawn_is_not_arriving(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    space.deposit(&Call::to(&mailbox)).await;
    let withdrawn = space.attempt(&Call::to(&mailbox));
    space.arrived(&withdrawn).await;
    space.take_back(&MessageRef::from(&withdrawn.facts)).await;
    assert_eq!(space.metadata().arriving(after(3600)).await.unwrap(), []);
}

pub async fn a_slow_deposit_that_was_fenced_fails_and_leaves_nothing(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let deposit = space.attempt(&Call::to(&mailbox).urgent());
    space.arrived(&deposit).await;
    let message_ref = MessageRef::from(&deposit.facts);
    assert_eq!(space.metadata().fence(&message_ref).await.unwrap(), FenceOutcome::Never);
    assert_eq!(space.insert(&deposit).await, InsertOutcome::Fenced);
    assert_eq!(space.look(&deposit.facts).await, Lookup::Nothing);
    space.take_back(&message_ref).await;
    space.assert_try_left_nothing(&deposit.facts).await;
    assert_eq!(space.counts(&mailbox).await, Counts::default());
}

pub async fn a_fenced_try_is_arriving_until_it_is_withdrawn(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let deposit = space.attempt(&Call::to(&mailbox));
    let message_ref = MessageRef::from(&deposit.facts);
    space.arrived(&deposit).await;
    space.metadata().fence(&message_ref).await.unwrap();
    let arriving = space.metadata().arriving(start().minus(HOUR)).await.unwrap();
    assert_eq!(arriving, std::slice::from_ref(&message_ref), "whenever it began");
    assert_eq!(
        space.metadata().fence(&message_ref).await.unwrap(),
        FenceOutcome::Never,
        "a janitor that was cut off"
    );
    space.take_back(&message_ref).await;
    assert_eq!(space.metadata().arriving(after(3600)).await.unwrap(), []);
    space.assert_try_left_nothing(&deposit.facts).await;
}

pub async fn fencing_a_message_that_was_created_changes_nothing(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let created = space.deposit(&Call::to(&mailbox).urgent()).await;
    let message_ref = MessageRef::from(&created.facts);
    for _ in 0..2 {
        assert_eq!(space.metadata().fence(&message_ref).await.unwrap(), FenceOutcome::Created);
    }
    space.assert_unchanged(&created).await;
    assert_eq!(space.metadata().arriving(after(3600)).await.unwrap(), []);
}

pub async fn a_fence_of_an_attempt_that_lost_leaves_the_winner_alone(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let winner = space.attempt(&Call::to(&mailbox));
    let loser = space.again(&winner);
    space.arrived(&loser).await;
    space.arrived(&winner).await;
    let InsertOutcome::Created(created) = space.insert(&winner).await else { panic!("nobody was before") };
    space.janitor(after(3600)).await;
    space.assert_try_left_nothing(&loser.facts).await;
    space.assert_unchanged(&created).await;
    assert!(!matches!(space.insert(&loser).await, InsertOutcome::Created(_)));
}

pub async fn a_call_whose_try_was_fenced_may_begin_anew(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let slow = space.attempt(&Call::to(&mailbox));
    space.arrived(&slow).await;
    let message_ref = MessageRef::from(&slow.facts);
    space.metadata().fence(&message_ref).await.unwrap();
    let created = space.created(&space.again(&slow)).await;
    assert!(matches!(space.insert(&slow).await, InsertOutcome::Fenced | InsertOutcome::Taken(_)));
    space.take_back(&message_ref).await;
    space.assert_try_left_nothing(&slow.facts).await;
    space.assert_unchanged(&created).await;
    assert!(!matches!(space.insert(&slow).await, InsertOutcome::Created(_)), "for good");
}

pub async fn an_attempt_that_never_arrived_can_be_fenced(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let deposit = space.attempt(&Call::to(&mailbox));
    let message_ref = MessageRef::from(&deposit.facts);
    assert_eq!(space.metadata().fence(&message_ref).await.unwrap(), FenceOutcome::Never);
    space.take_back(&message_ref).await;
    space.assert_try_left_nothing(&deposit.facts).await;
}

pub async fn a_deposit_cut_off_anywhere_is_created_whole_or_cleaned_away(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let mut finished = 0;
    for polls in 0..40 {
        let deposit = space.attempt(&Call::to(&mailbox));
        let facts = &deposit.facts;
        let both = async {
            space.arrived(&deposit).await;
            space.insert(&deposit).await
        };
        finished += usize::from(cut_off(polls, both).await.is_some());
        let fenced = space.metadata().fence(&MessageRef::from(facts)).await.unwrap();
        if fenced == FenceOutcome::Never {
            space.take_back(&MessageRef::from(facts)).await;
            assert_eq!(space.look(facts).await, Lookup::Nothing);
        } else {
            assert_eq!(space.folder(facts).await, Some(Folder::New));
            assert_eq!(space.bytes(&facts.audio, None).await.unwrap(), crate::fixture::audio_of(facts));
            assert!(space.markers_of(ALICE).await.contains(&MessageRef::from(facts)));
        }
        if finished > 1 {
            break;
        }
    }
    assert!(finished > 0, "a deposit of more than 40 steps");
}

pub async fn a_deposit_whose_storage_fails_at_any_call_is_created_whole_or_cleaned_away(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    for (calls, fault) in (0..4).flat_map(|n| [(n, Fault::Refused), (n, Fault::AnswerLost)]) {
        let deposit = space.attempt(&Call::to(&mailbox));
        let failing = space.on(failing_after(&space.storage, calls, fault));
        if failing.try_arrive(&deposit).await.is_ok() {
            drop(failing.metadata().insert(&deposit).await);
        }
        space.janitor(after(3600)).await;
        match space.look(&deposit.facts).await {
            Lookup::Message(message) => space.assert_unchanged(&message).await,
            _ => space.assert_try_left_nothing(&deposit.facts).await,
        }
    }
    space.hold(&space.deposit(&Call::to(&mailbox)).await.facts, &trash(after(9))).await;
    assert_eq!(space.metadata().arriving(after(3600)).await.unwrap(), []);
}
