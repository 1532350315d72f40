//! Who takes a message, and what counting tells of it.
#![expect(missing_docs, reason = "the name of a case is its documentation")]

use std::collections::BTreeSet;

use domain::{Claim, Facts, Folder, Message, Release, ReleaseOutcome, TakeOutcome, Waiting};
use futures::future::join_all;
use storage::{Lookup, MessageRef};

use crate::fixture::{ALICE, Call, DAY, Namespace, after, mark, taken_by, trash};
use crate::steps::case_hold;

/// How many take a message at once.
const TAKERS: usize = 32;

/// A message that alice has taken.
async fn taken(space: &Namespace, call: &Call) -> Message {
    let message = space.deposit(call).await;
    space.taken(&message.facts, "alice").await
}

fn number_of(message: &Message) -> u64 {
    message.taking.number()
}

pub async fn a_message_that_is_taken_says_by_whom_and_since_when(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let message = space.deposit(&Call::to(&mailbox)).await;
    let alice = taken_by("alice", after(1));
    let outcome = space.take(&message.facts, &alice, false).await;
    let TakeOutcome::Taken { message: taken, from: None } = outcome else { panic!("{outcome:?}") };
    assert_eq!((number_of(&taken), taken.taking.mark()), (1, Some(&alice)));
    space.assert_unchanged(&taken).await;
    for folder in [None, Some(Folder::New)] {
        assert_eq!(space.walk(&mailbox, folder, 9).await, std::slice::from_ref(&*taken));
    }
}

pub async fn what_another_has_taken_is_refused_and_stays_as_it_is(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let message = taken(&space, &Call::to(&mailbox)).await;
    let refused = space.take(&message.facts, &taken_by("bob", after(2)), false).await;
    assert_eq!(refused, TakeOutcome::TakenByAnother(Box::new(message.clone())));
    space.assert_unchanged(&message).await;
}

pub async fn taking_again_what_is_ones_own_changes_nothing(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let message = taken(&space, &Call::to(&mailbox)).await;
    let before = space.waiting(&mailbox).await;
    for over in [false, true] {
        let again = space.take(&message.facts, &taken_by("alice", after(9)), over).await;
        assert_eq!(again, TakeOutcome::Taken { message: Box::new(message.clone()), from: None });
    }
    space.assert_unchanged(&message).await;
    assert_eq!(space.waiting(&mailbox).await, before);
}

pub async fn a_take_over_tells_from_whom_and_raises_the_number_by_two(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let message = taken(&space, &Call::to(&mailbox)).await;
    let bob = taken_by("bob", after(2));
    let outcome = space.take(&message.facts, &bob, true).await;
    let TakeOutcome::Taken { message: over, from: Some(from) } = outcome else { panic!("{outcome:?}") };
    assert_eq!((from.as_str(), number_of(&over), over.taking.mark()), ("alice", 3, Some(&bob)));
    space.assert_unchanged(&over).await;
    let free = space.deposit(&Call::to(&mailbox)).await;
    let outcome = space.take(&free.facts, &bob, true).await;
    assert!(matches!(outcome, TakeOutcome::Taken { from: None, .. }), "nobody had it: {outcome:?}");
}

pub async fn a_message_is_given_back_once_whoever_has_it(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let message = taken(&space, &Call::to(&mailbox)).await;
    let given = space.give_back(&message.facts).await.unwrap();
    assert_eq!((number_of(&given), given.taking.mark()), (2, None));
    assert_eq!(space.give_back(&message.facts).await, Some(given.clone()), "again");
    space.assert_unchanged(&given).await;
    let bob = space.taken(&message.facts, "bob").await;
    assert_eq!(number_of(&bob), 3);
    assert_eq!(number_of(&space.give_back(&message.facts).await.unwrap()), 4);
    let never_taken = space.deposit(&Call::to(&mailbox)).await;
    assert_eq!(space.give_back(&never_taken.facts).await, Some(never_taken.clone()));
    space.assert_unchanged(&never_taken).await;
}

pub async fn what_is_not_visible_can_neither_be_taken_nor_given_back(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let absent = space.attempt(&Call::to(&mailbox)).facts;
    let deleted = taken(&space, &Call::to(&mailbox)).await.facts;
    space.hold(&deleted, &trash(after(9))).await;
    let hidden = taken(&space, &Call::to(&mailbox).by("+4930999")).await.facts;
    space.forget("1", &["+4930999"], after(1)).await;
    let purged = taken(&space, &Call::to(&mailbox)).await.facts;
    space.erase(&purged, after(9)).await;
    for facts in [absent, deleted, hidden, purged] {
        let before = space.look(&facts).await;
        for over in [false, true] {
            let outcome = space.take(&facts, &taken_by("bob", after(2)), over).await;
            assert_eq!(outcome, TakeOutcome::NotVisible);
        }
        assert_eq!(space.give_back(&facts).await, None);
        assert_eq!(space.look(&facts).await, before);
    }
}

pub async fn a_taking_stays_through_marks_holds_and_releases(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let message = taken(&space, &Call::to(&mailbox)).await;
    let (facts, taking) = (&message.facts, &message.taking);
    let read = space.read(facts, &mark("bob", after(2))).await.unwrap();
    assert_eq!(&read.taking, taking);
    assert_eq!(&space.unread(facts).await.unwrap().taking, taking);
    assert_eq!(&space.hold(facts, &trash(after(9))).await.unwrap().taking, taking);
    assert_eq!(&space.walk(&mailbox, Some(Folder::Trash), 9).await[0].taking, taking);
    let back = space.release(facts, &Release::Trash).await;
    assert_eq!(back, ReleaseOutcome::Back(Box::new(message.clone())));
    let case = space.forget("1", &[ALICE], after(3)).await;
    assert_eq!(&space.stored(facts).await.taking, taking);
    space.undo(&case, after(4)).await;
    space.assert_unchanged(&message).await;
    let (deletion, again) = (after(99), space.give_back(facts).await.unwrap());
    space.hold(facts, &domain::Hold::Mailbox { purge_at: deletion }).await;
    assert_eq!(space.stored(facts).await.taking, again.taking);
}

pub async fn a_purge_leaves_nothing_of_a_taking(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let first = space.attempt(&Call::to(&mailbox));
    let message = space.created(&first).await;
    for by in ["alice", "bob"] {
        space.take(&message.facts, &taken_by(by, after(1)), true).await;
    }
    space.give_back(&message.facts).await.unwrap();
    space.erase(&message.facts, after(9)).await;
    space.assert_purged(&message.facts).await;
    assert_eq!(space.waiting(&mailbox).await, Waiting::from_iter([] as [&Message; 0]));
    space.metadata().tidy(&mailbox, after(0).plus(DAY * 31), after(99)).await.unwrap();
    assert_eq!(space.look(&message.facts).await, Lookup::Nothing);
    let again = space.created(&space.again(&first)).await;
    assert_eq!(number_of(&space.stored(&again.facts).await), 0, "the id is used anew");
    assert_eq!(number_of(&space.taken(&again.facts, "carol").await), 1);
}

pub async fn tidying_leaves_a_taking_as_it_is(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let message = taken(&space, &Call::to(&mailbox)).await;
    for by in ["bob", "carol"] {
        space.take(&message.facts, &taken_by(by, after(2)), true).await;
        let before = space.stored(&message.facts).await;
        space.metadata().tidy(&mailbox, after(3), after(99)).await.unwrap();
        space.assert_unchanged(&before).await;
    }
}

pub async fn counting_tells_the_oldest_new_message_and_how_many_new_ones_are_taken(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let mut messages = Vec::new();
    for second in [3, 1, 2] {
        messages.push(space.deposit(&Call::to(&mailbox).at(after(second))).await.facts);
    }
    let told = async || {
        let Waiting { oldest_new, new_taken, .. } = space.waiting(&mailbox).await;
        (oldest_new, new_taken)
    };
    assert_eq!(told().await, (Some(messages[1].id), 0));
    space.taken(&messages[1], "alice").await;
    space.taken(&messages[2], "bob").await;
    assert_eq!(told().await, (Some(messages[1].id), 2));
    space.read(&messages[1], &mark("alice", after(4))).await;
    assert_eq!(told().await, (Some(messages[2].id), 1), "what is old waits no more");
    space.hold(&messages[2], &trash(after(9))).await;
    assert_eq!(told().await, (Some(messages[0].id), 0), "the trash is not counted");
    space.read(&messages[0], &mark("alice", after(4))).await;
    assert_eq!(told().await, (None, 0));
}

/// What a client could see of new and old, but for what is said of each message once and for all.
async fn shown(space: &Namespace, mailbox: &domain::MailboxId) -> BTreeSet<String> {
    let all = space.walk(mailbox, None, 50).await;
    let told = |message: &Message| {
        format!("{} {} {:?}", message.facts.id, message.read.is_some(), message.taking.number())
    };
    all.iter().map(told).collect()
}

pub async fn changed_differs_exactly_where_what_new_and_old_show_differs(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let mut seen: Vec<(BTreeSet<String>, u64)> = Vec::new();
    let mut look = async |what: &str, is_new: bool| {
        let (shown, changed) = (shown(&space, &mailbox).await, space.waiting(&mailbox).await.changed);
        for (there, digest) in &seen {
            assert_eq!(*there == shown, *digest == changed, "{what}");
        }
        assert_eq!(seen.iter().all(|(_, digest)| *digest != changed), is_new, "{what}");
        seen.push((shown, changed));
    };
    look("empty", true).await;
    let one = space.deposit(&Call::to(&mailbox)).await.facts;
    look("a message", true).await;
    let two = space.deposit(&Call::to(&mailbox).urgent()).await.facts;
    look("two messages", true).await;
    space.read(&one, &mark("alice", after(1))).await;
    look("the one is read", true).await;
    space.unread(&one).await;
    look("neither is read", false).await;
    space.read(&two, &mark("alice", after(1))).await;
    look("the other is read", true).await;
    space.read(&two, &mark("bob", after(2))).await;
    look("it was", false).await;
    space.taken(&one, "alice").await;
    look("one is taken", true).await;
    space.take(&one, &taken_by("bob", after(3)), false).await;
    look("by somebody else", false).await;
    space.take(&one, &taken_by("bob", after(3)), true).await;
    look("taken over", true).await;
    space.give_back(&one).await;
    look("given back", true).await;
    space.give_back(&one).await;
    look("it was nobody's", false).await;
    space.hold(&one, &trash(after(9))).await;
    look("deleted", true).await;
    space.hold(&one, &trash(after(8))).await;
    look("deleted again", false).await;
    space.release(&one, &Release::Trash).await;
    look("undone", false).await;
    let case = space.forget("1", &[ALICE], after(5)).await;
    look("forgotten", false).await;
    space.undo(&case, after(6)).await;
    look("undone again", false).await;
    space.erase(&one, after(9)).await;
    look("purged, as when it was deleted", false).await;
}

pub async fn of_32_who_take_a_message_at_once_one_has_it(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    for _ in 0..4 {
        let facts = space.deposit(&Call::to(&mailbox)).await.facts;
        let marks: Vec<_> = (0..TAKERS).map(|n| taken_by(&format!("u{n}"), after(1))).collect();
        let outcomes = join_all(marks.iter().map(|mark| space.take(&facts, mark, false))).await;
        let stored = space.stored(&facts).await;
        assert_eq!(number_of(&stored), 1);
        for (mark, outcome) in marks.iter().zip(outcomes) {
            if stored.taking.mark() == Some(mark) {
                assert_eq!(outcome, TakeOutcome::Taken { message: Box::new(stored.clone()), from: None });
            } else {
                assert_eq!(outcome, TakeOutcome::TakenByAnother(Box::new(stored.clone())));
            }
        }
    }
}

pub async fn of_those_who_take_a_message_over_at_once_each_has_it_in_turn(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    for _ in 0..4 {
        let message = taken(&space, &Call::to(&mailbox)).await;
        let marks = ["bob", "carol", "dave"].map(|by| taken_by(by, after(2)));
        let outcomes = join_all(marks.iter().map(|mark| space.take(&message.facts, mark, true))).await;
        let mut chain = BTreeSet::new();
        for (mark, outcome) in marks.iter().zip(outcomes) {
            let TakeOutcome::Taken { message, from: Some(from) } = outcome else { panic!("{outcome:?}") };
            assert_eq!(message.taking.mark(), Some(mark));
            chain.insert((number_of(&message), from.to_string(), mark.by.to_string()));
        }
        let mut holder = "alice".to_owned();
        for ((number, from, by), expected) in chain.into_iter().zip([3, 5, 7]) {
            assert_eq!((number, from), (expected, holder), "nobody is passed over");
            holder = by;
        }
        let stored = space.stored(&message.facts).await;
        assert_eq!((number_of(&stored), stored.taking.mark().unwrap().by.as_str()), (7, holder.as_str()));
    }
}

pub async fn of_a_give_back_and_a_take_over_that_race_the_new_holder_keeps_it(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    for _ in 0..12 {
        let message = taken(&space, &Call::to(&mailbox)).await;
        let bob = taken_by("bob", after(2));
        let (given, over) =
            futures::join!(space.give_back(&message.facts), space.take(&message.facts, &bob, true));
        let TakeOutcome::Taken { message: over, .. } = over else { panic!("{over:?}") };
        assert!(given.is_some() && over.taking.mark() == Some(&bob));
        let stored = space.stored(&message.facts).await;
        // In the other order it was bob's that was given back.
        let is_after = number_of(&stored) == 4 && stored.taking.mark().is_none();
        assert!(is_after || (number_of(&stored) == 3 && stored.taking.mark() == Some(&bob)), "{stored:?}");
    }
}

pub async fn a_take_that_races_a_delete_is_kept_exactly_if_it_was_answered(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let case = space.open("1", &["+4930999"], after(1)).await;
    for round in 0..24 {
        let facts = space.deposit(&Call::to(&mailbox)).await.facts;
        let by_case = round % 2 == 0;
        let hold = if by_case { case_hold(&case) } else { trash(after(9)) };
        let alice = taken_by("alice", after(1));
        let (took, hidden) = futures::join!(space.take(&facts, &alice, false), space.hold(&facts, &hold));
        assert!(hidden.is_some());
        let release = if by_case { Release::Case(case.key.clone()) } else { Release::Trash };
        let ReleaseOutcome::Back(back) = space.release(&facts, &release).await else { panic!("no claim") };
        assert_eq!(back.taking.mark().is_some(), took != TakeOutcome::NotVisible);
    }
}

pub async fn nothing_is_left_of_takings_that_race_a_purge(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let case = space.open("1", &["+4930999"], after(1)).await;
    let race = async |facts: &Facts| {
        let (bob, carol) = (taken_by("bob", after(1)), taken_by("carol", after(1)));
        let (message_ref, claim) = (MessageRef::from(facts), Claim::Case(case.key.clone()));
        futures::join!(
            space.purge(&message_ref, &claim, after(9)),
            space.take(facts, &bob, true),
            space.give_back(facts),
            space.take(facts, &carol, true),
        );
    };
    for round in 0..16 {
        let first = space.attempt(&Call::to(&mailbox));
        let facts = space.created(&first).await.facts;
        if round % 2 == 0 {
            space.taken(&facts, "alice").await;
        }
        race(&facts).await;
        assert_eq!(space.look(&facts).await, Lookup::Gone);
        space.sweep(after(9)).await;
        space.assert_purged(&facts).await;
        space.metadata().tidy(&mailbox, after(0).plus(DAY * 31), after(99)).await.unwrap();
        let again = space.created(&space.again(&first)).await;
        assert_eq!(number_of(&space.stored(&again.facts).await), 0, "the id is used anew");
        space.erase(&again.facts, after(9)).await;
    }
}
