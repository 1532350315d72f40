//! Two and more at once. Who wins is open; that exactly one does, and that all see the same, is not.
#![expect(missing_docs, reason = "the name of a case is its documentation")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::{Claim, ClaimOutcome, Facts, Folder, MessageId, Release, ReleaseOutcome, Status};
use futures::StreamExt as _;
use futures::future::join_all;
use storage::{Expect, FenceOutcome, InsertOutcome, Lookup, MessageRef, WriteOutcome};

use crate::fixture::{ALICE, Call, Namespace, a_group, after, ids, mark, trash};
use crate::steps::case_hold;

const ROUNDS: usize = 100;

/// Many messages without a caller, made at once.
async fn many(space: &Namespace, count: usize) -> Vec<Facts> {
    let mailbox = space.mailbox("5001").await;
    let calls = (0..count).map(|_| space.attempt(&Call::to(&mailbox).withheld()));
    let deposits: Vec<_> = calls.collect();
    futures::stream::iter(&deposits)
        .map(|deposit| async { space.created(deposit).await.facts })
        .buffer_unordered(16)
        .collect()
        .await
}

pub async fn of_many_attempts_at_once_exactly_one_is_created(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    for _ in 0..8 {
        let first = space.attempt(&Call::to(&mailbox));
        let attempts: Vec<_> = (0..6).map(|_| space.again(&first)).collect();
        let insertions = join_all(attempts.iter().map(|deposit| async {
            match space.arrive(deposit).await {
                storage::ArriveOutcome::Taken(found) => InsertOutcome::Taken(found),
                storage::ArriveOutcome::Arrived(_) => space.insert(deposit).await,
            }
        }))
        .await;
        let mut created = insertions.iter().filter_map(|insertion| match insertion {
            InsertOutcome::Created(message) => Some(message.facts.clone()),
            InsertOutcome::Taken(Lookup::Message(_)) => None,
            other => panic!("{other:?}"),
        });
        let winner = created.next().expect("one is created");
        assert_eq!(created.next(), None, "two are created");
        for lost in attempts.iter().filter(|deposit| deposit.facts.attempt != winner.attempt) {
            space.take_back(&MessageRef::from(&lost.facts)).await;
            space.assert_try_left_nothing(&lost.facts).await;
        }
        space.assert_unchanged(&domain::Message::new(winner)).await;
    }
}

pub async fn of_a_commit_and_a_fence_that_race_one_wins(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    for _ in 0..40 {
        let deposit = space.attempt(&Call::to(&mailbox));
        let message_ref = MessageRef::from(&deposit.facts);
        space.arrived(&deposit).await;
        let (insertion, fenced) =
            futures::join!(space.insert(&deposit), space.metadata().fence(&message_ref));
        match fenced.unwrap() {
            FenceOutcome::Created => {
                let InsertOutcome::Created(created) = insertion else {
                    panic!("fenced as created, and {insertion:?}")
                };
                space.assert_unchanged(&created).await;
            }
            FenceOutcome::Never => {
                assert_eq!(insertion, InsertOutcome::Fenced);
                space.take_back(&message_ref).await;
                assert_eq!(space.look(&deposit.facts).await, Lookup::Nothing);
                space.assert_try_left_nothing(&deposit.facts).await;
            }
        }
    }
}

pub async fn of_an_undo_and_a_claim_that_race_exactly_one_wins(space: Namespace) {
    let hold = trash(after(9));
    let claim = Claim::Due(hold.clone());
    let mut wins = BTreeMap::new();
    for facts in many(&space, ROUNDS).await {
        for round in 0..20 {
            space.hold(&facts, &hold).await.unwrap();
            let (release, claim) = (space.release(&facts, &Release::Trash), space.claim(&facts, &claim));
            // In turn: a storage that does one call after the other lets the first win, round for round.
            let (released, claimed) = if round % 2 == 0 {
                futures::join!(release, claim)
            } else {
                let (claimed, released) = futures::join!(claim, release);
                (released, claimed)
            };
            *wins.entry(format!("{claimed:?}")).or_insert(0) += 1;
            match claimed {
                ClaimOutcome::Claimed => {
                    assert_eq!(released, ReleaseOutcome::Gone);
                    assert_eq!(space.look(&facts).await, Lookup::Gone);
                    break;
                }
                ClaimOutcome::Undone => {
                    assert!(matches!(released, ReleaseOutcome::Back(_)), "{released:?}");
                    assert_eq!(space.folder(&facts).await, Some(Folder::New));
                }
                ClaimOutcome::Gone => panic!("{wins:?}: gone, and nobody left a tombstone"),
            }
        }
    }
}

pub async fn of_two_deletes_that_race_an_undo_takes_all(space: Namespace) {
    for facts in many(&space, 30).await {
        let holds = [trash(after(9)), trash(after(7)), trash(after(8))];
        let held = join_all(holds.iter().map(|hold| space.hold(&facts, hold))).await;
        assert!(held.iter().all(Option::is_some));
        let stored = space.stored(&facts).await;
        assert_eq!(stored.folder(), Some(Folder::Trash));
        let due = space.all_due(stored.purge_at().unwrap()).await;
        assert!(due.iter().any(|due| due.message_ref.id == facts.id), "the deadline that is shown is told");
        let back = space.release(&facts, &Release::Trash).await;
        assert!(matches!(back, ReleaseOutcome::Back(message) if message.is_visible()));
        assert_eq!(space.folder(&facts).await, Some(Folder::New));
        space.sweep(after(9)).await;
        assert_eq!(space.folder(&facts).await, Some(Folder::New));
    }
}

pub async fn a_mark_that_races_a_delete_is_kept_exactly_if_it_was_answered(space: Namespace) {
    for facts in many(&space, 40).await {
        let (alice, hold) = (mark("alice", after(1)), trash(after(9)));
        let (marked, deleted) = futures::join!(space.read(&facts, &alice), space.hold(&facts, &hold));
        assert!(deleted.is_some());
        assert_eq!(space.folder(&facts).await, Some(Folder::Trash));
        let ReleaseOutcome::Back(back) = space.release(&facts, &Release::Trash).await else {
            panic!("no claim")
        };
        assert_eq!(back.read.is_some(), marked.is_some());
    }
}

pub async fn nothing_that_races_a_purge_brings_the_message_back(space: Namespace) {
    let case = space.open("1", &[ALICE], after(1)).await;
    let (hold, other, by_case) = (trash(after(9)), trash(after(8)), case_hold(&case));
    let alice = mark("alice", after(1));
    for facts in many(&space, 30).await {
        let claim = Claim::Case(case.key.clone());
        let message_ref = MessageRef::from(&facts);
        space.hold(&facts, &hold).await;
        futures::join!(
            space.purge(&message_ref, &claim, after(9)),
            space.release(&facts, &Release::Trash),
            space.read(&facts, &alice),
            space.hold(&facts, &other),
            space.hold(&facts, &by_case),
            space.unread(&facts),
        );
        assert_eq!(space.look(&facts).await, Lookup::Gone);
        space.sweep(after(9)).await;
        space.assert_purged(&facts).await;
    }
}

pub async fn a_hold_that_arrives_after_the_undo_is_taken_off_by_its_own_writer(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let message = space.deposit(&Call::to(&mailbox)).await;
    for round in 0..30 {
        let case = space.open(&round.to_string(), &[ALICE], after(1)).await;
        let ((), undone, ()) =
            futures::join!(space.hide(&case), space.undo(&case, after(2)), space.hide(&case));
        assert!(undone);
        space.assert_unchanged(&message).await;
    }
}

pub async fn a_message_created_while_its_case_is_undone_is_not_left_hidden(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    for round in 0..48 {
        let caller = format!("+49301{round:04}");
        let deposit = space.attempt(&Call::to(&mailbox).by(&caller));
        space.arrived(&deposit).await;
        let case = space.open(&round.to_string(), &[&caller], after(1)).await;
        let insert = async {
            // Another point of the undo in each round.
            tokio::time::sleep(Duration::from_millis(round % 12)).await;
            space.insert(&deposit).await
        };
        let (insertion, undone) = futures::join!(insert, space.undo(&case, after(2)));
        assert!(matches!(insertion, InsertOutcome::Created(_)) && undone);
        assert_eq!(space.folder(&deposit.facts).await, Some(Folder::New));
    }
}

pub async fn a_message_created_while_its_case_is_opened_is_hidden_by_the_next_pass(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    for round in 0..15 {
        let (id, caller) = (round.to_string(), format!("+49301{round:04}"));
        let deposit = space.attempt(&Call::to(&mailbox).by(&caller));
        space.arrived(&deposit).await;
        let callers = [&*caller];
        let (insertion, case) = futures::join!(space.insert(&deposit), space.forget(&id, &callers, after(1)));
        assert!(matches!(insertion, InsertOutcome::Created(_)));
        space.hide(&case).await;
        assert_eq!(space.stored(&deposit.facts).await.holds, [case_hold(&case)].into());
    }
}

pub async fn a_message_created_while_its_case_begins_erasing_is_purged_or_never_created(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    for round in 0..15 {
        let (id, caller) = (round.to_string(), format!("+49301{round:04}"));
        let deposit = space.attempt(&Call::to(&mailbox).by(&caller));
        let case = space.open(&id, &[&caller], after(1)).await;
        let claim_from = case.deadlines.claim_from;
        let erase = async {
            assert!(space.decide(&case.key, |case| case.begin_erasing(claim_from)).await);
            space.sweep_case(&case, claim_from).await;
        };
        futures::join!(space.deposit_or_take_back(&deposit), erase);
        space.sweep_case(&case, claim_from).await;
        space.assert_try_left_nothing(&deposit.facts).await;
        assert_eq!(space.listed(&mailbox).await, []);
    }
}

pub async fn a_case_has_one_fate(space: Namespace) {
    for round in 0..15 {
        let case = space.open(&round.to_string(), &[ALICE], after(1)).await;
        let decide = async |status| {
            let mut case = case.clone();
            case.status = status;
            let written = space.metadata().put_case(&case, Expect::Version(1)).await.unwrap();
            (status, written)
        };
        let fates =
            join_all([Status::Undone, Status::Erasing, Status::Undone, Status::Erasing].map(decide)).await;
        let won: Vec<_> = fates.iter().filter(|(_, written)| *written != WriteOutcome::Conflict).collect();
        assert_eq!(won.len(), 1, "{fates:?}");
        let now = space.metadata().case(&case.key).await.unwrap().unwrap();
        assert_eq!((now.value.status, WriteOutcome::Version(now.version)), *won[0]);
    }
}

pub async fn of_writes_that_expect_one_version_exactly_one_is_written(space: Namespace) {
    let id = space.mailbox("5001").await;
    for version in 1..12 {
        let before = space.metadata().mailbox(&id).await.unwrap().unwrap();
        assert_eq!(before.version, version);
        let values: Vec<_> = (0..6)
            .map(|n| domain::Mailbox { name: format!("{version} {n}"), ..before.value.clone() })
            .collect();
        let written = join_all(
            values.iter().map(|value| space.metadata().put_mailbox(value, Expect::Version(version))),
        )
        .await;
        let written: Vec<_> = written.into_iter().map(Result::unwrap).collect();
        let won: Vec<_> = (0..6).filter(|n| written[*n] != WriteOutcome::Conflict).collect();
        assert_eq!(won.len(), 1, "{written:?}");
        assert_eq!(written[won[0]], WriteOutcome::Version(version + 1));
        assert_eq!(space.metadata().mailbox(&id).await.unwrap().unwrap().value, values[won[0]]);
    }
}

pub async fn of_those_who_make_one_thing_exactly_one_makes_it(space: Namespace) {
    for round in 0..8 {
        let mailbox = crate::fixture::a_mailbox(&format!("m{round}"));
        let group = a_group(&format!("g{round}"), &["alice"]);
        let case = space.case(&round.to_string(), &[ALICE], after(1));
        let (mailboxes, groups, cases) = futures::join!(
            join_all((0..5).map(|_| space.metadata().put_mailbox(&mailbox, Expect::Absent))),
            join_all((0..5).map(|_| space.metadata().put_group(&group, Expect::Absent))),
            join_all((0..5).map(|_| space.metadata().put_case(&case, Expect::Absent))),
        );
        for written in [mailboxes, groups, cases] {
            let made =
                written.iter().filter(|written| matches!(written, Ok(WriteOutcome::Version(1)))).count();
            let conflicts =
                written.iter().filter(|written| matches!(written, Ok(WriteOutcome::Conflict))).count();
            assert_eq!((made, conflicts), (1, 4), "{written:?}");
        }
    }
}

pub async fn of_a_change_and_a_deletion_of_one_version_one_wins(space: Namespace) {
    for round in 0..12 {
        let id = space.mailbox(&format!("m{round}")).await;
        let value = space.metadata().mailbox(&id).await.unwrap().unwrap().value;
        let (put, deleted) = futures::join!(
            space.metadata().put_mailbox(&value, Expect::Version(1)),
            space.metadata().delete_mailbox(&id, 1, after(9)),
        );
        let now = space.metadata().mailbox(&id).await.unwrap();
        match (put.unwrap(), deleted.unwrap()) {
            (WriteOutcome::Version(2), WriteOutcome::Conflict) => {
                assert_eq!(now.map(|now| now.version), Some(2));
            }
            (WriteOutcome::Conflict, WriteOutcome::Version(2)) => assert_eq!(now, None),
            both => panic!("{both:?}"),
        }
    }
}

pub async fn a_deposit_that_races_the_deletion_of_its_mailbox_is_held_after_tidying(space: Namespace) {
    for round in 0..8 {
        let id = space.mailbox(&format!("m{round}")).await;
        let deposits: Vec<_> = (0..4).map(|_| space.attempt(&Call::to(&id))).collect();
        let (insertions, deleted) = futures::join!(
            join_all(deposits.iter().map(|deposit| space.deposit_or_take_back(deposit))),
            space.metadata().delete_mailbox(&id, 1, after(9)),
        );
        assert_eq!(deleted.unwrap(), WriteOutcome::Version(2));
        space.metadata().tidy(&id, after(1), after(9)).await.unwrap();
        assert_eq!(space.listed(&id).await, []);
        space.sweep(after(9)).await;
        for (deposit, insertion) in deposits.iter().zip(insertions) {
            match insertion {
                InsertOutcome::Created(_) => space.assert_purged(&deposit.facts).await,
                _ => space.assert_try_left_nothing(&deposit.facts).await,
            }
        }
    }
}

pub async fn a_list_during_a_hundred_holds_and_releases_shows_each_visible_message_exactly_once(
    space: Namespace,
) {
    let all = many(&space, 30).await;
    let (hidden, rest) = all.split_at(5);
    let (moving, staying) = rest.split_at(8);
    let mailbox = &all[0].mailbox;
    for facts in hidden {
        space.hold(facts, &trash(after(9))).await;
    }
    let count = |list: &[MessageId], facts: &Facts| list.iter().filter(|id| **id == facts.id).count();
    let done = AtomicBool::new(false);
    let change = async {
        for facts in moving.iter().cycle().take(100) {
            space.hold(facts, &trash(after(9))).await;
            space.release(facts, &Release::Trash).await;
            space.read(facts, &mark("alice", after(1))).await;
            space.unread(facts).await;
        }
        done.store(true, Ordering::SeqCst);
    };
    let look = |limit| {
        let done = &done;
        let space = &space;
        async move {
            let mut looks = 0;
            while !done.load(Ordering::SeqCst) || looks < 3 {
                looks += 1;
                let listed = ids(&space.walk(mailbox, None, limit).await);
                let once: BTreeSet<_> = listed.iter().collect();
                assert_eq!(once.len(), listed.len(), "shown twice");
                assert!(staying.iter().all(|facts| count(&listed, facts) == 1), "missed");
                assert!(hidden.iter().all(|facts| count(&listed, facts) == 0), "hidden before it began");
                let new = space.counts(mailbox).await.new;
                assert!((17..=25).contains(&new), "{new} counted");
            }
        }
    };
    futures::join!(change, look(50), look(7));
    assert_eq!(space.listed(mailbox).await.len(), 25);
}

pub async fn a_list_during_purges_never_shows_what_was_hidden_before_it_began(space: Namespace) {
    let all = many(&space, 60).await;
    let (staying, purged) = all.split_at(10);
    let mailbox = &all[0].mailbox;
    for facts in purged {
        space.hold(facts, &trash(after(9))).await;
    }
    let done = AtomicBool::new(false);
    let sweep = async {
        space.sweep(after(9)).await;
        done.store(true, Ordering::SeqCst);
    };
    let look = async || {
        while !done.load(Ordering::SeqCst) {
            let mut listed = space.listed(mailbox).await;
            listed.sort_unstable();
            let mut expected: Vec<_> = staying.iter().map(|facts| facts.id).collect();
            expected.sort_unstable();
            assert_eq!(listed, expected);
            assert_eq!(space.counts(mailbox).await.new, 10);
        }
    };
    futures::join!(sweep, look(), look());
    assert_eq!(space.walk(mailbox, Some(Folder::Trash), 50).await, []);
}
