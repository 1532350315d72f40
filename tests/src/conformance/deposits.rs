//! The commit of a message, and what its id answers ever after.
#![expect(missing_docs, reason = "the name of a case is its documentation")]

use domain::{Counts, Folder, Message, MessageId, Release};
use storage::{ArriveOutcome, Expect, InsertOutcome, Lookup, MessageRef};

use crate::fixture::{ALICE, Call, Namespace, a_mailbox, after, mark, start, trash};

pub async fn a_message_is_created_new(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let deposit = space.attempt(&Call::to(&mailbox).urgent());
    let message = space.created(&deposit).await;
    assert_eq!(message, Message::new(deposit.facts));
    assert_eq!(space.folder(&message.facts).await, Some(Folder::New));
    space.assert_unchanged(&message).await;
    assert_eq!(space.listed(&mailbox).await, [message.facts.id]);
    let counts = Counts { new: 1, urgent_new: 1, ..Counts::default() };
    assert_eq!(space.counts(&mailbox).await, counts);
}

pub async fn facts_are_read_as_they_were_written(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let mut deposit = space.attempt(&Call::to(&mailbox).by("Front Desk \"Ü\" 5"));
    deposit.facts.duration_ms = 3_600_000;
    deposit.facts.generation = 1;
    deposit.facts.caller_name = None;
    "audio/ogg; codecs=opus".clone_into(&mut deposit.facts.media_type);
    space.created(&deposit).await;
    assert_eq!(space.stored(&deposit.facts).await.facts, deposit.facts);
    let page = space.walk(&mailbox, Some(Folder::New), 1).await;
    assert_eq!(page, [Message::new(deposit.facts)]);
}

pub async fn arriving_counts_what_the_mailbox_holds(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let arrived = space.arrived(&space.attempt(&Call::to(&mailbox))).await;
    assert_eq!(arrived, 0);
    space.deposit(&Call::to(&mailbox).urgent()).await;
    let old = space.deposit(&Call::to(&mailbox)).await;
    space.read(&old.facts, &mark("alice", after(1))).await;
    let deleted = space.deposit(&Call::to(&mailbox)).await;
    space.hold(&deleted.facts, &trash(after(9))).await;
    let arrived = space.arrived(&space.attempt(&Call::to(&mailbox))).await;
    assert_eq!(arrived, 2, "one new, one old");
}

pub async fn arriving_runs_the_put(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let deposit = space.attempt(&Call::to(&mailbox));
    space.arrived(&deposit).await;
    assert!(space.recordings().exists(&deposit.facts.audio).await.unwrap());
}

pub async fn an_arrival_is_not_yet_a_message(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let deposit = space.attempt(&Call::to(&mailbox).urgent());
    space.arrived(&deposit).await;
    assert_eq!(space.look(&deposit.facts).await, Lookup::Nothing);
    assert!(space.listed(&mailbox).await.is_empty());
    assert_eq!(space.counts(&mailbox).await, Counts::default());
}

pub async fn of_two_attempts_of_one_id_exactly_one_is_created(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let first = space.attempt(&Call::to(&mailbox));
    let second = space.again(&first);
    space.arrived(&first).await;
    space.arrived(&second).await;
    let InsertOutcome::Created(created) = space.insert(&second).await else { panic!("nobody was before") };
    assert_eq!(space.insert(&first).await, InsertOutcome::Taken(Lookup::Message(created.clone())));
    space.take_back(&MessageRef::from(&first.facts)).await;
    space.assert_try_left_nothing(&first.facts).await;
    space.assert_unchanged(&created).await;
    assert_eq!(space.listed(&mailbox).await, [created.facts.id]);
}

pub async fn a_commit_asked_again_is_the_same_commit(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let deposit = space.attempt(&Call::to(&mailbox));
    let created = space.created(&deposit).await;
    assert_eq!(space.insert(&deposit).await, InsertOutcome::Created(Box::new(created.clone())));
    space.read(&created.facts, &mark("alice", after(1))).await;
    assert!(matches!(space.insert(&deposit).await, InsertOutcome::Created(_)));
    assert_eq!(space.folder(&created.facts).await, Some(Folder::Old), "asking changed it");
    assert_eq!(space.listed(&mailbox).await.len(), 1);
}

pub async fn a_repeat_of_a_deposit_answers_the_message_and_leaves_nothing_of_itself(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let deposit = space.attempt(&Call::to(&mailbox));
    let message = space.created(&deposit).await;
    let again = space.again(&deposit);
    let taken = ArriveOutcome::Taken(Lookup::Message(Box::new(message.clone())));
    assert_eq!(space.arrive(&again).await, taken);
    space.assert_try_left_nothing(&again.facts).await;
    space.assert_unchanged(&message).await;
    assert_eq!(space.markers_of(ALICE).await, [MessageRef::from(&message.facts)]);
}

pub async fn a_repeat_of_a_deposit_into_a_full_mailbox_answers_the_message_and_its_audio_still_plays(
    space: Namespace,
) {
    let mut mailbox = a_mailbox("5001");
    mailbox.settings.max_messages = 1;
    space.metadata().put_mailbox(&mailbox, Expect::Absent).await.unwrap();
    let deposit = space.attempt(&Call::to(&mailbox.id));
    let message = space.created(&deposit).await;
    let arrived = space.arrive(&space.again(&deposit)).await;
    assert_eq!(arrived, ArriveOutcome::Taken(Lookup::Message(Box::new(message.clone()))));
    space.assert_unchanged(&message).await;
}

pub async fn a_repeat_with_other_facts_changes_nothing(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let deposit = space.attempt(&Call::to(&mailbox));
    let message = space.created(&deposit).await;
    let mut other = space.again(&deposit);
    other.facts.urgent = true;
    other.facts.duration_ms = 1;
    other.facts.subject = Some(space.subject("+4930999"));
    assert!(matches!(space.arrive(&other).await, ArriveOutcome::Taken(_)));
    space.assert_unchanged(&message).await;
    assert!(space.markers_of("+4930999").await.is_empty());
    assert_eq!(space.counts(&mailbox).await.urgent_new, 0);
}

pub async fn a_repeat_tells_where_the_message_is_by_now(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let deposit = space.attempt(&Call::to(&mailbox));
    let message = space.created(&deposit).await;
    let told = |arrival| match arrival {
        ArriveOutcome::Taken(Lookup::Message(message)) => message.folder(),
        other => panic!("{other:?}"),
    };
    space.read(&message.facts, &mark("alice", after(1))).await;
    assert_eq!(told(space.arrive(&space.again(&deposit)).await), Some(Folder::Old));
    space.hold(&message.facts, &trash(after(9))).await;
    assert_eq!(told(space.arrive(&space.again(&deposit)).await), Some(Folder::Trash));
    let case = space.forget("1", &[ALICE], after(1)).await;
    assert_eq!(told(space.arrive(&space.again(&deposit)).await), None, "it is hidden");
    space.release(&message.facts, &Release::Case(case.key)).await;
    assert_eq!(space.listed(&mailbox).await, []);
}

pub async fn a_repeat_while_it_is_purged_answers_gone(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let deposit = space.attempt(&Call::to(&mailbox));
    let message = space.created(&deposit).await;
    let hold = trash(after(9));
    space.hold(&message.facts, &hold).await;
    space.claim(&message.facts, &domain::Claim::Due(hold)).await;
    let again = space.again(&deposit);
    assert_eq!(space.arrive(&again).await, ArriveOutcome::Taken(Lookup::Gone));
    space.assert_try_left_nothing(&again.facts).await;
}

pub async fn a_repeat_after_the_purge_answers_gone(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let deposit = space.attempt(&Call::to(&mailbox));
    let message = space.created(&deposit).await;
    space.erase(&message.facts, after(9)).await;
    let again = space.again(&deposit);
    assert_eq!(space.arrive(&again).await, ArriveOutcome::Taken(Lookup::Gone));
    space.assert_try_left_nothing(&again.facts).await;
    space.assert_purged(&message.facts).await;
}

pub async fn an_attempt_that_was_under_way_during_the_purge_is_not_created_after_it(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let first = space.attempt(&Call::to(&mailbox));
    let slow = space.again(&first);
    space.arrived(&first).await;
    space.arrived(&slow).await;
    assert!(matches!(space.insert(&first).await, InsertOutcome::Created(_)));
    space.erase(&first.facts, after(9)).await;
    assert_eq!(space.insert(&slow).await, InsertOutcome::Taken(Lookup::Gone));
    space.take_back(&MessageRef::from(&slow.facts)).await;
    space.assert_purged(&first.facts).await;
    space.assert_purged(&slow.facts).await;
}

pub async fn a_message_without_a_caller_is_deposited_like_any_other(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let message = space.deposit(&Call::to(&mailbox).withheld()).await;
    space.assert_unchanged(&message).await;
    space.erase(&message.facts, after(9)).await;
    space.assert_purged(&message.facts).await;
}

pub async fn a_message_is_found_in_its_own_mailbox_only(space: Namespace) {
    let (mailbox, other) = (space.mailbox("5001").await, space.mailbox("5002").await);
    let message = space.deposit(&Call::to(&mailbox)).await;
    let found = space.metadata().message(&other, message.facts.id).await.unwrap();
    assert_eq!(found, Lookup::Nothing);
    let absent = MessageId::first_at(start());
    assert_eq!(space.metadata().message(&mailbox, absent).await.unwrap(), Lookup::Nothing);
    assert!(space.listed(&other).await.is_empty());
}

pub async fn a_tenant_sees_nothing_of_another(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let message = space.deposit(&Call::to(&mailbox)).await;
    space.forget("1", &[ALICE], after(1)).await;
    let other = space.on(space.neighbour.clone());
    assert_eq!(other.look(&message.facts).await, Lookup::Nothing);
    assert!(!other.recordings().exists(&message.facts.audio).await.unwrap());
    assert!(other.markers_of(ALICE).await.is_empty());
    assert_eq!(other.metadata().mailboxes().await.unwrap(), []);
    assert_eq!(other.metadata().cases(None, 9).await.unwrap(), []);
    assert_eq!(other.metadata().forgets(&space.subject(ALICE)).await.unwrap(), []);
    other.mailbox("5001").await;
    assert_eq!(other.listed(&mailbox).await, []);
    other.take_back(&MessageRef::from(&message.facts)).await;
    let found = space.stored(&message.facts).await;
    assert!(found.folder().is_none(), "the case of its own tenant hides it");
    assert!(space.recordings().exists(&message.facts.audio).await.unwrap());
}

pub async fn mailboxes_with_dots_and_of_64_characters_are_apart(space: Namespace) {
    let long = format!("{}.r", "x".repeat(62));
    let names =
        ["5001", "5001.r", "5001.r.t", "5001.u.0123456789abcdef", "50010", "a", "A", "-", "_._", &long];
    for name in names {
        let mailbox = space.mailbox(name).await;
        let message = space.deposit(&Call::to(&mailbox).urgent()).await;
        space.read(&message.facts, &mark("alice", after(1))).await;
        space.hold(&message.facts, &trash(after(9))).await;
        space.release(&message.facts, &Release::Trash).await;
        space.deposit(&Call::to(&mailbox)).await;
    }
    for name in names {
        let mailbox = name.parse().unwrap();
        let counts = Counts { new: 1, old: 1, urgent_new: 0, urgent_old: 1 };
        assert_eq!(space.counts(&mailbox).await, counts, "{name}");
        let all = space.walk(&mailbox, None, 50).await;
        assert!(all.len() == 2 && all.iter().all(|message| message.facts.mailbox == mailbox), "{name}");
        for message in all {
            space.erase(&message.facts, after(9)).await;
        }
    }
    assert!(space.markers_of(ALICE).await.is_empty());
}
