use super::*;
use crate::random::SeededRandom;
use proptest::prelude::*;

fn message() -> Message {
    let random = SeededRandom::new(1);
    let received_at = Timestamp::from_millis(1_795_341_600_000);
    let (id, attempt) = (MessageId::random(received_at, &random), Attempt::draw(&random));
    let mailbox: MailboxId = "5001".parse().unwrap();
    Message::new(Facts {
        id,
        attempt: attempt.clone(),
        mailbox: mailbox.clone(),
        generation: 1,
        caller: None,
        reader: crate::caller::READER,
        caller_name: None,
        subject: None,
        received_at,
        duration_ms: 1,
        media_type: "audio/wav".into(),
        bytes: 1,
        urgent: false,
        region: "local".parse().unwrap(),
        audio: AudioKey::new(received_at, id, attempt, mailbox, "wav"),
    })
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(second * 1000)
}

fn case(n: u8) -> CaseKey {
    CaseKey::of(&"t".parse().unwrap(), &n.to_string())
}

fn mark() -> ReadMark {
    ReadMark { at: at(1), by: "alice".parse().unwrap() }
}

fn taken_by(by: &str) -> TakenMark {
    TakenMark { at: at(2), by: by.parse().unwrap() }
}

#[derive(Debug, Clone)]
enum Step {
    Read,
    Unread,
    Take(&'static str, bool),
    GiveBack,
    Hold(Hold),
    Release(Release),
    Claim(Claim),
}

fn holds() -> impl Strategy<Value = Hold> {
    prop_oneof![
        (1..4i64).prop_map(|s| Hold::Trash { purge_at: at(s) }),
        (1..4i64).prop_map(|s| Hold::Mailbox { purge_at: at(s) }),
        (1..3u8, 1..4i64).prop_map(|(n, s)| Hold::Case { case: case(n), purge_at: at(s) }),
    ]
}

fn steps_without_claims() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Read),
        Just(Step::Unread),
        (prop::sample::select(vec!["alice", "bob"]), any::<bool>())
            .prop_map(|(by, over)| Step::Take(by, over)),
        Just(Step::GiveBack),
        holds().prop_map(Step::Hold),
        Just(Step::Release(Release::Trash)),
        (1..3u8).prop_map(|n| Step::Release(Release::Case(case(n)))),
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => steps_without_claims(),
        1 => holds().prop_map(|hold| Step::Claim(Claim::Due(hold))),
        1 => (1..3u8).prop_map(|n| Step::Claim(Claim::Case(case(n)))),
    ]
}

fn run(message: &mut Message, step: &Step) {
    match step {
        Step::Read => drop(message.mark_read(mark())),
        Step::Unread => drop(message.mark_unread()),
        Step::Take(by, over) => drop(message.take(&taken_by(by), *over)),
        Step::GiveBack => drop(message.give_back(message.taking.number())),
        Step::Hold(hold) => drop(message.hold(hold.clone())),
        Step::Release(release) => drop(message.release(release)),
        Step::Claim(claim) => drop(message.claim(claim)),
    }
}

#[test]
fn a_message_is_created_new() {
    assert_eq!(message().folder(), Some(Folder::New));
}

#[test]
fn delete_and_undo_bring_a_message_back_into_the_folder_it_came_from() {
    for folder in [Folder::New, Folder::Old] {
        let mut message = message();
        if folder == Folder::Old {
            message.mark_read(mark());
        }
        let before = message.clone();
        assert!(message.hold(Hold::Trash { purge_at: at(9) }));
        assert_eq!((message.folder(), message.purge_at()), (Some(Folder::Trash), Some(at(9))));
        assert!(!message.mark_read(mark()) && !message.mark_unread());
        assert_eq!(message.release(&Release::Trash), ReleaseOutcome::Back(Box::new(before)));
    }
}

#[test]
fn a_second_delete_does_not_move_the_deadline() {
    let mut message = message();
    assert!(message.hold(Hold::Trash { purge_at: at(9) }) && message.hold(Hold::Trash { purge_at: at(5) }));
    assert_eq!(message.purge_at(), Some(at(9)));
}

#[test]
fn an_agent_can_neither_delete_nor_undo_what_a_case_hides() {
    let mut message = message();
    assert!(message.hold(Hold::Case { case: case(1), purge_at: at(9) }));
    assert!(!message.hold(Hold::Trash { purge_at: at(9) }));
    assert_eq!(message.release(&Release::Trash), ReleaseOutcome::Hidden);
    assert_eq!(message.folder(), None);
}

#[test]
fn undo_of_a_case_returns_a_message_to_the_trash_with_its_own_deadline() {
    let mut message = message();
    message.hold(Hold::Trash { purge_at: at(5) });
    message.hold(Hold::Case { case: case(1), purge_at: at(9) });
    message.release(&Release::Case(case(1)));
    assert_eq!((message.folder(), message.purge_at()), (Some(Folder::Trash), Some(at(5))));
}

#[test]
fn the_trash_is_claimed_by_its_own_deadline_only_and_also_while_a_case_hides_it() {
    let mut message = message();
    message.hold(Hold::Trash { purge_at: at(5) });
    message.hold(Hold::Case { case: case(1), purge_at: at(9) });
    assert_eq!(message.claim(&Claim::Due(Hold::Trash { purge_at: at(6) })), ClaimOutcome::Undone);
    assert_eq!(message.claim(&Claim::Due(Hold::Trash { purge_at: at(5) })), ClaimOutcome::Claimed);
    assert_eq!(message.release(&Release::Trash), ReleaseOutcome::Gone);
}

#[test]
fn of_two_who_take_a_message_the_first_has_it_until_it_is_given_back_or_taken_over() {
    let mut message = message();
    let (alice, bob) = (taken_by("alice"), taken_by("bob"));
    assert!(matches!(message.take(&alice, false), TakeOutcome::Taken { from: None, .. }));
    let taken = message.clone();
    assert_eq!((taken.taking.number(), taken.taking.mark()), (1, Some(&alice)));
    assert_eq!(message.take(&bob, false), TakeOutcome::TakenByAnother(Box::new(taken.clone())));
    assert_eq!(message, taken);

    let TakeOutcome::Taken { from, .. } = message.take(&bob, true) else { panic!() };
    assert_eq!(from, Some(alice.by.clone()));
    assert_eq!((message.taking.number(), message.taking.mark()), (3, Some(&bob)));

    assert!(message.give_back(3));
    assert_eq!((message.taking.number(), message.taking.mark()), (4, None));
    let TakeOutcome::Taken { from, .. } = message.take(&alice, true) else { panic!() };
    assert_eq!((from, message.taking.number()), (None, 5), "nobody had it");
}

#[test]
fn a_give_back_ends_the_taking_that_it_found_and_none_after_it() {
    let mut message = message();
    message.take(&taken_by("alice"), false);
    message.give_back(1);
    message.take(&taken_by("bob"), false);
    let taken = message.clone();
    assert!(message.give_back(1) && message.give_back(2) && message.give_back(4));
    assert_eq!(message, taken);
}

#[test]
fn a_taking_whose_number_contradicts_its_mark_is_damaged() {
    let mark = Some(taken_by("alice"));
    assert!(Taking::stored(3, mark.clone()).is_some() && Taking::stored(4, None).is_some());
    assert_eq!((Taking::stored(4, mark), Taking::stored(3, None)), (None, None));
}

proptest! {
    #[test]
    fn a_taking_changes_only_while_the_message_is_visible_and_its_number_never_falls(
        steps in prop::collection::vec(steps(), 0..24),
    ) {
        let mut message = message();
        for step in &steps {
            let before = message.clone();
            run(&mut message, step);
            let (now, then) = (&message.taking, &before.taking);
            prop_assert_eq!(now.mark().is_some(), crate::is_taken(now.number()));
            let is_a_taking = matches!(step, Step::Take(..) | Step::GiveBack);
            prop_assert!(now == then || (is_a_taking && before.is_visible() && now.number() > then.number()));
            if let (Step::Take(by, over), true) = (step, before.is_visible()) {
                let is_theirs = now.mark().is_some_and(|mark| mark.by.as_str() == *by);
                let was_anothers = then.mark().is_some_and(|mark| mark.by.as_str() != *by);
                prop_assert_eq!(is_theirs, *over || !was_anothers);
                prop_assert_eq!(now.number() - then.number() == 2, is_theirs && was_anothers);
            }
        }
    }

    #[test]
    fn visible_means_no_claim_and_no_hold_and_every_hold_hides(steps in prop::collection::vec(steps(), 0..24)) {
        let mut message = message();
        for step in &steps {
            run(&mut message, step);
            prop_assert_eq!(message.is_visible(), !message.claimed && message.holds.is_empty());
            let hidden = message.holds.iter().any(|hold| !matches!(hold, Hold::Trash { .. }));
            prop_assert_eq!(message.folder().is_none(), message.claimed || hidden);
        }
    }

    #[test]
    fn a_claim_is_irrevocable(steps in prop::collection::vec(steps(), 0..24)) {
        let mut message = message();
        message.claim(&Claim::Case(case(1)));
        for step in &steps {
            run(&mut message, step);
            prop_assert!(message.claimed && message.folder().is_none());
            prop_assert_eq!(message.release(&Release::Trash), ReleaseOutcome::Gone);
        }
    }

    #[test]
    fn a_case_put_on_and_taken_off_changes_nothing(steps in prop::collection::vec(steps_without_claims(), 0..24)) {
        let mut message = message();
        for step in &steps {
            run(&mut message, step);
        }
        let before = message.clone();
        message.hold(Hold::Case { case: case(9), purge_at: at(9) });
        prop_assert_eq!(message.folder(), None);
        message.release(&Release::Case(case(9)));
        prop_assert_eq!(message, before);
    }

    #[test]
    fn every_step_repeated_is_harmless(steps in prop::collection::vec(steps(), 0..12)) {
        let mut message = message();
        for step in &steps {
            run(&mut message, step);
            let once = message.clone();
            run(&mut message, step);
            prop_assert_eq!(&message, &once);
        }
    }

    #[test]
    fn no_deadline_ever_moves(steps in prop::collection::vec(steps(), 0..24)) {
        let mut message = message();
        for step in &steps {
            let before = message.holds.clone();
            run(&mut message, step);
            let removed = before.difference(&message.holds).count();
            let added = message.holds.difference(&before).count();
            prop_assert!(removed == 0 || added == 0, "a hold was exchanged for another");
        }
    }
}
