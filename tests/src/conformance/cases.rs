//! Cases: their one fate, and what they do to deposits.
#![expect(missing_docs, reason = "the name of a case is its documentation")]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use domain::{CaseKey, Certified, Folder, ManualClock, RegionReport, Status};
use erasure::{Certificate, Erasure, ForgetOutcome, UndoOutcome};
use storage::{Expect, InsertOutcome, Lookup, MessageRef, WriteOutcome};

use crate::fixture::{ALICE, Call, DAY, Namespace, after, audio_of, cut_off};
use crate::http::is_long;
use crate::steps::case_hold;

const BOB: &str = "+4930999";

pub async fn a_case_is_opened_once(space: Namespace) {
    let case = space.open("1", &[ALICE], after(1)).await;
    let other = space.case("1", &[BOB], after(2));
    assert_eq!(space.metadata().put_case(&other, Expect::Absent).await.unwrap(), WriteOutcome::Conflict);
    let found = space.metadata().case(&case.key).await.unwrap().unwrap();
    assert_eq!((found.value, found.version), (case, 1));
}

pub async fn a_case_that_was_never_opened_is_none(space: Namespace) {
    let case = space.case("1", &[ALICE], after(1));
    assert_eq!(space.metadata().case(&case.key).await.unwrap(), None);
    let written = space.metadata().put_case(&case, Expect::Version(1)).await.unwrap();
    assert_eq!(written, WriteOutcome::Conflict);
    assert_eq!(space.metadata().case(&case.key).await.unwrap(), None);
}

pub async fn a_case_is_read_as_it_was_written(space: Namespace) {
    let mut case = space.open("§ \"1\"\n", &[ALICE, BOB], after(1)).await;
    case.subjects.insert(space.subject(BOB), true);
    case.status = Status::Pending;
    case.undone_at = Some(after(2));
    case.regions = vec![RegionReport { region: space.tenant.master.clone(), messages: 3, reached: false }];
    case.certificate = Some("a.b.c".to_owned());
    let written = space.metadata().put_case(&case, Expect::Version(1)).await.unwrap();
    assert_eq!(written, WriteOutcome::Version(2));
    let found = space.metadata().case(&case.key).await.unwrap().unwrap();
    assert_eq!((found.value, found.version), (case, 2));
}

pub async fn a_case_that_changed_meanwhile_is_a_conflict(space: Namespace) {
    let mut case = space.open("1", &[ALICE], after(1)).await;
    case.status = Status::Pending;
    assert_eq!(space.metadata().put_case(&case, Expect::Version(1)).await.unwrap(), WriteOutcome::Version(2));
    case.status = Status::Undone;
    for expect in [Expect::Version(1), Expect::Version(3), Expect::Absent] {
        assert_eq!(space.metadata().put_case(&case, expect).await.unwrap(), WriteOutcome::Conflict);
    }
    let found = space.metadata().case(&case.key).await.unwrap().unwrap();
    assert_eq!((found.value.status, found.version), (Status::Pending, 2));
}

pub async fn an_open_case_is_named_by_each_of_its_subjects_and_watched(space: Namespace) {
    let first = space.open("1", &[ALICE, BOB], after(1)).await.key;
    let second = space.open("2", &[BOB], after(1)).await.key;
    let forgets = async |caller| -> BTreeSet<_> {
        space.metadata().forgets(&space.subject(caller)).await.unwrap().into_iter().collect()
    };
    assert_eq!(forgets(ALICE).await, [first.clone()].into());
    assert_eq!(forgets(BOB).await, [first.clone(), second.clone()].into());
    assert_eq!(forgets("+4930111").await, [].into());
    let watched: BTreeSet<_> = space.metadata().watched_cases().await.unwrap().into_iter().collect();
    assert_eq!(watched, [first, second].into());
}

pub async fn a_dismissed_case_is_not_watched_and_still_there(space: Namespace) {
    let case = space.open_as("1", &[ALICE], after(1), Status::Erased).await.key;
    for _ in 0..2 {
        space.metadata().dismiss_case(&case).await.unwrap();
        assert_eq!(space.metadata().watched_cases().await.unwrap(), []);
    }
    assert_eq!(space.metadata().forgets(&space.subject(ALICE)).await.unwrap(), std::slice::from_ref(&case));
    assert!(space.metadata().case(&case).await.unwrap().is_some());
    assert_eq!(space.metadata().cases(None, 9).await.unwrap().len(), 1);
}

pub async fn all_cases_are_told_by_key_in_pages(space: Namespace) {
    let mut keys = Vec::new();
    for n in 0..7 {
        keys.push(space.open(&n.to_string(), &[ALICE], after(n)).await.key);
    }
    keys.sort();
    space.metadata().dismiss_case(&keys[3]).await.unwrap();
    for limit in [1, 3, 7, 50] {
        let mut found = Vec::new();
        loop {
            let page = space.metadata().cases(found.last(), limit).await.unwrap();
            assert!(page.len() <= limit);
            if page.is_empty() {
                break;
            }
            found.extend(page.into_iter().map(|case| case.value.key));
        }
        assert_eq!(found, keys, "in pages of {limit}");
    }
}

pub async fn of_two_certificates_that_would_follow_the_same_one_one_does(space: Namespace) {
    let certified = |case: &str| Certified {
        case: CaseKey::of(&space.tenant.id, case),
        erased_at: after(9),
        certificate: format!("certificate.of.{case}"),
    };
    let put = async |case, expect| space.metadata().put_certificate(&certified(case), expect).await.unwrap();
    assert_eq!(space.metadata().last_certificate().await.unwrap(), None);
    assert_eq!(put("0", Expect::Version(1)).await, WriteOutcome::Conflict);
    assert_eq!(put("1", Expect::Absent).await, WriteOutcome::Version(1));
    assert_eq!(put("2", Expect::Absent).await, WriteOutcome::Conflict);
    assert_eq!(put("3", Expect::Version(1)).await, WriteOutcome::Version(2));
    assert_eq!(put("4", Expect::Version(1)).await, WriteOutcome::Conflict);
    let last = space.metadata().last_certificate().await.unwrap().unwrap();
    assert_eq!((last.value, last.version), (certified("3"), 2));
    assert_eq!(space.neighbour.metadata.last_certificate().await.unwrap(), None);
    let both = futures::join!(put("5", Expect::Version(2)), put("6", Expect::Version(2)));
    assert!(matches!(
        both,
        (WriteOutcome::Version(3), WriteOutcome::Conflict)
            | (WriteOutcome::Conflict, WriteOutcome::Version(3))
    ));
}

pub async fn a_message_whose_caller_a_pending_case_forgets_is_created_hidden(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    for (id, status) in [("1", Status::Hiding), ("2", Status::Pending)] {
        let caller = format!("+493011{id}");
        let deposit = space.attempt(&Call::to(&mailbox).by(&caller));
        space.arrived(&deposit).await;
        let case = space.open_as(id, &[&caller], after(1), status).await;
        assert!(matches!(space.insert(&deposit).await, InsertOutcome::Created(_)));
        let stored = space.stored(&deposit.facts).await;
        assert_eq!((stored.folder(), stored.holds), (None, [case_hold(&case)].into()));
        assert_eq!(space.listed(&mailbox).await, []);
        assert!(space.undo(&case, after(2)).await);
        assert_eq!(space.folder(&deposit.facts).await, Some(Folder::New));
        space.erase(&deposit.facts, after(9)).await;
    }
}

pub async fn a_message_whose_caller_two_cases_forget_is_created_with_both_holds(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let first = space.open("1", &[ALICE], after(1)).await;
    let second = space.open("2", &[ALICE, BOB], after(2)).await;
    space.open_as("3", &[ALICE], after(3), Status::Undone).await;
    let message = space.deposit(&Call::to(&mailbox)).await;
    let stored = space.stored(&message.facts).await;
    assert_eq!(stored.holds, [case_hold(&first), case_hold(&second)].into());
    space.undo(&first, after(4)).await;
    assert_eq!(space.folder(&message.facts).await, None);
    space.undo(&second, after(4)).await;
    assert_eq!(space.folder(&message.facts).await, Some(Folder::New));
}

pub async fn a_deposit_that_no_case_covers_is_created_visible(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    space.open_as("1", &["+4930111"], after(1), Status::Undone).await;
    space.open("2", &["+4930222"], after(1)).await;
    space.open_as("3", &["+4930333"], after(1), Status::Erased).await;
    let part = space.open("4", &["+4930444", "+4930555"], after(1)).await;
    let undone = [space.subject("+4930444")].into();
    space.decide(&part.key, |case| case.undo(Some(&undone), after(2)) == domain::Undo::Undone).await;
    let calls = [
        Call::to(&mailbox).by(ALICE),
        Call::to(&mailbox).withheld(),
        Call::to(&mailbox).by("+4930111"),
        Call::to(&mailbox).by("+4930222").at(after(122)),
        Call::to(&mailbox).by("+4930333").at(after(122)),
        Call::to(&mailbox).by("+4930444"),
    ];
    for call in calls {
        let message = space.deposit(&call).await;
        assert_eq!(space.folder(&message.facts).await, Some(Folder::New), "{call:?}");
        space.assert_unchanged(&message).await;
    }
    let hidden = space.deposit(&Call::to(&mailbox).by("+4930222").at(after(121))).await;
    assert_eq!(space.folder(&hidden.facts).await, None, "two minutes more, for hosts' clocks");
    let hidden = space.deposit(&Call::to(&mailbox).by("+4930555")).await;
    assert_eq!(space.folder(&hidden.facts).await, None, "not undone");
}

pub async fn a_deposit_older_than_an_erased_case_is_refused_and_leaves_nothing(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    for (id, status) in [("1", Status::Erasing), ("2", Status::Erased)] {
        let caller = format!("+493011{id}");
        space.open_as(id, &[&caller], after(1), status).await;
        for at in [after(0), after(121)] {
            let deposit = space.attempt(&Call::to(&mailbox).by(&caller).at(at));
            assert_eq!(space.deposit_or_take_back(&deposit).await, InsertOutcome::Forgotten);
            space.assert_try_left_nothing(&deposit.facts).await;
            assert!(!matches!(space.look(&deposit.facts).await, Lookup::Message(_)));
        }
    }
    assert_eq!(space.listed(&mailbox).await, []);
    assert_eq!(space.counts(&mailbox).await, domain::Counts::default());
}

pub async fn a_deposit_under_way_while_its_case_is_erased_is_refused(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let deposit = space.attempt(&Call::to(&mailbox));
    space.arrived(&deposit).await;
    let case = space.open_as("1", &[ALICE], after(1), Status::Erasing).await;
    space.sweep_case(&case, after(9)).await;
    assert_eq!(space.insert(&deposit).await, InsertOutcome::Forgotten);
    space.take_back(&MessageRef::from(&deposit.facts)).await;
    space.assert_try_left_nothing(&deposit.facts).await;
}

pub async fn a_deposit_that_is_cut_off_anywhere_after_its_case_was_erased_shows_nothing(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    space.open_as("1", &[ALICE], after(1), Status::Erased).await;
    let mut finished = 0;
    for polls in 0..40 {
        let deposit = space.attempt(&Call::to(&mailbox));
        space.arrived(&deposit).await;
        finished += usize::from(cut_off(polls, space.metadata().insert(&deposit)).await.is_some());
        // The case is not watched any more: the journals alone tell.
        space.janitor(after(3600)).await;
        assert!(!matches!(space.look(&deposit.facts).await, Lookup::Message(_)), "after {polls}");
        space.sweep(after(3600)).await;
        space.assert_try_left_nothing(&deposit.facts).await;
        if finished > 1 {
            break;
        }
    }
    assert!(finished > 0, "a commit of more than 40 steps");
    assert_eq!(space.listed(&mailbox).await, []);
}

pub async fn erasing_wins_over_a_pending_case_that_covers_the_same_deposit(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    space.open("1", &[ALICE], after(1)).await;
    space.open_as("2", &[ALICE], after(1), Status::Erasing).await;
    space.open("3", &[ALICE], after(1)).await;
    let deposit = space.attempt(&Call::to(&mailbox));
    assert_eq!(space.deposit_or_take_back(&deposit).await, InsertOutcome::Forgotten);
    space.assert_try_left_nothing(&deposit.facts).await;
}

pub async fn a_case_that_is_erasing_leaves_nothing_of_its_callers(space: Namespace) {
    let (first, second) = (space.mailbox("5001").await, space.mailbox("5002").await);
    let mut covered = Vec::new();
    for mailbox in [&first, &second] {
        for call in [Call::to(mailbox).urgent(), Call::to(mailbox).by(BOB)] {
            covered.push(space.deposit(&call).await.facts);
        }
    }
    space.hold(&covered[0], &crate::fixture::trash(after(999))).await;
    space.metadata().delete_mailbox(&second, 1, after(999)).await.unwrap();
    let later = space.deposit(&Call::to(&first).at(after(122))).await;
    let other = space.deposit(&Call::to(&first).by("+4930111")).await;
    let case = space.forget("1", &[ALICE, BOB], after(1)).await;
    let begun = space.decide(&case.key, |case| case.begin_erasing(case.deadlines.claim_from)).await;
    assert!(begun && !space.undo(&case, after(2)).await);
    space.sweep_case(&case, case.deadlines.claim_from).await;
    space.sweep(after(999)).await;
    for facts in &covered {
        space.assert_purged(facts).await;
    }
    assert_eq!(space.markers_of(ALICE).await, [MessageRef::from(&later.facts)]);
    for message in [&later, &other] {
        space.assert_unchanged(message).await;
    }
}

pub async fn of_an_undo_and_a_sweep_whose_clocks_differ_one_wins_and_the_answer_says_which(space: Namespace) {
    let (mut undone, mut erased) = (0, 0);
    // An emulator takes a hundred times as long for each as a file system.
    let (least, most, patience) = if is_long() { (1000, 3000, 240) } else { (16, 120, 10) };
    let (begun, patience) = (Instant::now(), Duration::from_secs(patience));
    let mut mailbox = space.mailbox("m0").await;
    for round in 0..most {
        if round >= least && begun.elapsed() > patience {
            break;
        }
        // A small one: what is left of the races before is listed with it.
        if round % 50 == 49 {
            mailbox = space.mailbox(&format!("m{round}")).await;
        }
        let (id, caller) = (round.to_string(), format!("+4930{round:05}"));
        let facts = space.deposit(&Call::to(&mailbox).by(&caller)).await.facts;
        let asked = ManualClock::at(after(60));
        let erasure = |clock| Erasure { tenant: &space.tenant, storage: &space.storage, clock };
        let subjects = [space.subject(&caller)].into();
        let forgotten = erasure(&asked).forget(&id, subjects, &BTreeSet::new(), DAY, &|| true).await.unwrap();
        let ForgetOutcome::Pending(report, _) = forgotten else { panic!("{forgotten:?}") };
        let case = &report.cases[0];
        let slow = ManualClock::at(case.deadlines.undo_until.minus(Duration::from_millis(1)));
        let fast = ManualClock::at(case.deadlines.claim_from);
        let (slow, fast) = (erasure(&slow), erasure(&fast));
        let sign = |_: &Certificate| Ok("certified".to_owned());
        // Each is sometimes the first: the other looks around before.
        let undo = async {
            for _ in 0..round % 8 {
                space.look(&facts).await;
                tokio::task::yield_now().await;
            }
            slow.undo(&id, None, &|| true).await.unwrap()
        };
        let sweep = async { fast.sweep_case(&case.key, &sign, &|| true).await.unwrap() };
        let (answer, swept) = futures::join!(undo, sweep);
        let status = space.metadata().case(&case.key).await.unwrap().unwrap().value.status;
        if let UndoOutcome::Undone(report) = answer {
            let back = report.pass.callers[&space.subject(&caller)];
            assert_eq!((status, back, swept.purged), (Status::Undone, 1, 0));
            assert_eq!(space.folder(&facts).await, Some(Folder::New));
            assert_eq!(space.bytes(&facts.audio, None).await.unwrap(), audio_of(&facts));
            undone += 1;
        } else {
            assert_eq!((&answer, status), (&UndoOutcome::TooLate, Status::Erased));
            space.assert_purged(&facts).await;
            erased += 1;
        }
        // What the race left is in nobody's way.
        space.metadata().dismiss_case(&case.key).await.unwrap();
    }
    assert!(undone > 0 && erased > 0, "{undone} undone, {erased} erased");
}
