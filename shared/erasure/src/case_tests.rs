//! A case from its opening to its end, on files.
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use domain::{Clock as _, Folder, Status, Undo};
use storage::{InsertOutcome, Lookup};

use crate::testing::*;
use crate::{CaseSweep, Error, ForgetOutcome, UndoOutcome};

#[tokio::test]
async fn one_request_hides_every_message_of_a_caller_in_every_mailbox_and_region_at_once() {
    let world = World::new().await;
    let mut all = Vec::new();
    for (mailbox, region) in [("5001", "west"), ("5002", "west"), ("5001", "east")] {
        all.push(world.deposit(ALICE, mailbox, region).await.unwrap());
    }
    world.trash(&all[1], world.clock.now().plus(DAY)).await;
    let other = world.deposit(BOB, "5001", "west").await.unwrap();
    let report = world.forget("1", &[ALICE, "+4930111"]).await;
    assert_eq!(report.pass.callers, [(subject(ALICE), 3)].into());
    let regions: Vec<_> = report.regions.iter().map(|r| (r.region.as_str(), r.messages, r.reached)).collect();
    assert_eq!(regions, [("west", 2, true), ("east", 1, true)], "the master first");
    assert_eq!(report.cases[0].status, Status::Pending);
    for facts in &all {
        assert_eq!(world.folder_of(facts).await, None);
    }
    assert_eq!(world.folder_of(&other).await, Some(Folder::New));
}

#[tokio::test]
async fn after_undo_every_message_is_where_it_was_byte_for_byte() {
    let world = World::new().await;
    let mut all = Vec::new();
    for region in ["west", "east", "west"] {
        all.push(world.deposit(ALICE, "5001", region).await.unwrap());
    }
    world.trash(&all[2], world.clock.now().plus(DAY)).await;
    let mark = domain::ReadMark { at: world.clock.now(), by: "alice".parse().unwrap() };
    world.storage.metadata.mark_read(&all[1].mailbox, all[1].id, &mark).await.unwrap().unwrap();
    let without_cases = |world: &World| {
        let mut files = world.files();
        files.retain(|path, _| {
            !["cases", "forgets"].iter().any(|folder| path.iter().any(|part| part == *folder))
        });
        files
    };
    let before = without_cases(&world);
    world.forget("1", &[ALICE]).await;
    assert_ne!(without_cases(&world), before);
    world.clock.advance(hm(23, 29));
    world.sweep().await;
    assert_eq!(world.undone("1").await, 3);
    assert_eq!(without_cases(&world), before);
    assert_eq!(world.undone("1").await, 3, "repeating is harmless");
    world.clock.advance(hm(1, 0));
    world.sweep().await;
    assert_eq!(without_cases(&world), before);
}

#[tokio::test]
async fn the_sweep_erases_what_is_not_undone_and_closes_the_case_with_a_certificate() {
    let world = World::new().await;
    let one = world.deposit(ALICE, "5001", "west").await.unwrap();
    let two = world.deposit(ALICE, "5002", "east").await.unwrap();
    world.forget("1", &[ALICE]).await;
    world.clock.advance(5 * MINUTE);
    let later = world.deposit(ALICE, "5001", "west").await.unwrap();
    world.clock.advance(hm(23, 26));
    assert_eq!(world.sweep().await.purged, 0, "no sweep claims before claim_from");
    assert!(matches!(world.undo("1", None).await, UndoOutcome::TooLate));
    world.clock.advance(MINUTE);
    let swept = world.sweep().await;
    assert_eq!((swept.purged, swept.failed, swept.overdue), (2, 0, false));
    assert!(world.is_purged(&one).await && world.is_purged(&two).await);
    assert_eq!(world.folder_of(&later).await, Some(Folder::New), "later calls are not touched");
    let case = world.case("1").await;
    assert_eq!((case.status, case.erased_at), (Status::Erased, Some(world.clock.now())));
    assert_eq!(case.regions.iter().map(|region| region.messages).collect::<Vec<_>>(), [1, 1]);
    assert!(matches!(world.undo("1", None).await, UndoOutcome::TooLate));
    world.clock.advance(DAY);
    world.sweep().await;
    assert_eq!(world.storage.metadata.watched_cases().await.unwrap(), []);
}

#[tokio::test]
async fn a_message_that_cannot_be_read_keeps_no_other_from_its_erasure_and_is_an_alarm() {
    let world = World::new().await;
    let mut all = Vec::new();
    for mailbox in ["5001", "5002", "5002"] {
        all.push(world.deposit(ALICE, mailbox, "west").await.unwrap());
    }
    world.forget("1", &[ALICE]).await;
    let damaged = world.file_of(&all[1]);
    let whole = std::fs::read(&damaged).unwrap();
    std::fs::write(&damaged, "{").unwrap();
    world.clock.advance(hm(23, 32));
    let swept = world.sweep().await;
    assert!(swept.purged == 2 && swept.failed > 0 && !swept.overdue, "{swept:?}");
    assert!(world.is_purged(&all[0]).await && world.is_purged(&all[2]).await);
    assert_eq!(world.case("1").await.status, Status::Erasing, "no certificate without it");
    world.clock.advance(18 * MINUTE);
    assert!(world.sweep().await.overdue);
    std::fs::write(&damaged, whole).unwrap();
    assert!(!world.sweep().await.overdue);
    let case = world.case("1").await;
    assert_eq!((case.status, case.regions[0].messages), (Status::Erased, 3), "as the request had counted");
}

#[tokio::test]
async fn an_erasure_that_is_overdue_is_told_also_where_nothing_but_its_certificate_is_missing() {
    let world = World::new().await;
    world.deposit(ALICE, "5001", "west").await.unwrap();
    world.forget("1", &[ALICE]).await;
    world.region("east", false);
    world.clock.advance(hm(23, 32));
    assert_eq!(world.sweep().await.purged, 1);
    world.clock.advance(18 * MINUTE);
    let swept = world.sweep().await;
    assert!(swept.overdue && swept.failed == 1, "{swept:?}");
    world.region("east", true);
    assert_eq!(world.sweep().await, CaseSweep::default());
}

#[tokio::test]
async fn without_time_left_to_schedule_deletions_all_is_hidden_and_the_sweep_goes_on() {
    let world = World::new().await;
    let all = [world.deposit(ALICE, "5001", "west").await, world.deposit(ALICE, "5001", "east").await];
    // It is asked for each message before its hold, and again before it is scheduled for deletion.
    let asked = AtomicUsize::new(0);
    let in_time = || asked.fetch_add(1, Ordering::SeqCst) < all.len();
    let forgotten = world.erasure().forget("1", subjects(&[ALICE]), &NOBODY, DAY, &in_time).await.unwrap();
    let ForgetOutcome::Pending(report, _) = forgotten else { panic!("{forgotten:?}") };
    assert_eq!((asked.load(Ordering::SeqCst), report.cases[0].status), (4, Status::Pending));
    assert!(report.regions.iter().all(|region| !region.reached && region.messages == 1));
    for facts in all.iter().flatten() {
        assert_eq!(world.folder_of(facts).await, None);
    }
    world.sweep().await;
    assert!(world.case("1").await.regions.iter().all(|region| region.reached));
}

#[tokio::test]
async fn with_a_region_down_nothing_is_changed_anywhere_and_it_is_named() {
    let world = World::new().await;
    world.deposit(ALICE, "5001", "west").await.unwrap();
    world.forget("1", &[BOB]).await;
    for region in ["west", "east"] {
        world.region(region, false);
        let before = world.files();
        let forget = world.erasure().forget("2", subjects(&[ALICE]), &NOBODY, DAY, &|| true).await.map(drop);
        let undo = world.erasure().undo("1", None, &|| true).await.map(drop);
        let undo_callers = world.erasure().undo_callers(&subjects(&[BOB]), &|| true).await.map(drop);
        for done in [forget, undo, undo_callers] {
            let Err(Error::Down(down)) = done else { panic!("{done:?}") };
            assert_eq!(down.region.as_str(), region);
        }
        assert_eq!(world.files(), before);
        let states = world.erasure().region_states().await;
        let up: Vec<_> = states.iter().map(|s| (s.region.as_str(), s.master, s.fault.is_none())).collect();
        assert_eq!(up, [("west", true, region != "west"), ("east", false, region != "east")]);
        world.region(region, true);
    }
}

#[tokio::test]
async fn a_region_that_is_lost_after_the_case_was_written_is_told_and_the_certificate_waits_for_it() {
    for lost in ["west", "east"] {
        let world = World::new().await;
        let mut all = Vec::new();
        for region in ["west", "east"] {
            all.push(world.deposit(ALICE, "5001", region).await.unwrap());
        }
        // The time is first asked for when the case is written.
        let is_lost = AtomicBool::new(false);
        let in_time = || {
            if !is_lost.swap(true, Ordering::SeqCst) {
                world.region(lost, false);
            }
            true
        };
        let forgotten =
            world.erasure().forget("1", subjects(&[ALICE]), &NOBODY, DAY, &in_time).await.unwrap();
        let ForgetOutcome::Pending(report, _) = forgotten else { panic!("{forgotten:?}") };
        let reached = report.regions.iter().map(|region| region.reached).collect::<Vec<_>>();
        assert_eq!(reached, ["west", "east"].map(|region| region != lost));
        assert_eq!(report.cases[0].status, Status::Pending, "it is hidden all the same");
        for facts in &all {
            assert_eq!(world.folder_of(facts).await, None);
        }
        world.clock.advance(hm(23, 32));
        let swept = world.sweep().await;
        assert_eq!((swept.purged, swept.failed, swept.overdue), (1, 1, false));
        assert_eq!(world.case("1").await.status, Status::Erasing);
        world.clock.advance(18 * MINUTE);
        assert!(world.sweep().await.overdue);
        world.region(lost, true);
        assert_eq!(world.sweep().await.purged, 1);
        for facts in &all {
            assert!(world.is_purged(facts).await);
        }
        let case = world.case("1").await;
        assert_eq!((case.status, case.erased_at), (Status::Erased, Some(world.clock.now())));
        assert_eq!(case.regions.iter().map(|region| region.messages).collect::<Vec<_>>(), [1, 1]);
    }
}

#[tokio::test]
async fn what_a_request_has_no_time_for_the_sweep_hides() {
    let world = World::new().await;
    let facts = world.deposit(ALICE, "5001", "west").await.unwrap();
    let forgotten = world.erasure().forget("1", subjects(&[ALICE]), &NOBODY, DAY, &|| false).await.unwrap();
    let ForgetOutcome::Pending(report, _) = forgotten else { panic!("{forgotten:?}") };
    assert_eq!((report.cases[0].status, world.folder_of(&facts).await), (Status::Hiding, Some(Folder::New)));
    world.sweep().await;
    assert_eq!((world.case("1").await.status, world.folder_of(&facts).await), (Status::Pending, None));
}

#[tokio::test]
async fn a_repeat_answers_the_case_as_it_is_and_never_opens_a_closed_one() {
    let world = World::new().await;
    world.deposit(ALICE, "5001", "west").await.unwrap();
    let first = world.forget("1", &[ALICE, BOB]).await;
    world.clock.advance(MINUTE);
    let late = world.deposit(ALICE, "5001", "west").await.unwrap();
    let again = world.forget("1", &[BOB, "030 123 45 67"]).await;
    assert_eq!(again.pass.callers[&subject(ALICE)], 2);
    let (first, again) = (&first.cases[0], &again.cases[0]);
    assert_eq!((again.requested_at, again.deadlines), (first.requested_at, first.deadlines));
    for numbers in [&[ALICE][..], &[ALICE, BOB, "+4930111"], &[ALICE, "+4930111"]] {
        let other = world.erasure().forget("1", subjects(numbers), &NOBODY, DAY, &|| true).await.unwrap();
        assert_eq!(other, ForgetOutcome::Conflict);
    }
    assert_eq!(world.undone("1").await, 2);
    let closed = world.erasure().forget("1", subjects(&[ALICE, BOB]), &NOBODY, DAY, &|| true).await.unwrap();
    assert!(matches!(closed, ForgetOutcome::Closed(report, _) if report.cases[0].status == Status::Undone));
    assert_eq!(world.folder_of(&late).await, Some(Folder::New));
}

#[tokio::test]
async fn undo_of_one_of_two_cases_shows_nothing_that_the_other_hides() {
    let world = World::new().await;
    let facts = world.deposit(ALICE, "5001", "west").await.unwrap();
    world.forget("1", &[ALICE]).await;
    world.clock.advance(hm(1, 0));
    world.forget("2", &[ALICE, BOB]).await;
    assert_eq!(world.undone("1").await, 0);
    assert_eq!(world.folder_of(&facts).await, None);
    assert_eq!(world.undone("2").await, 1);
    assert_eq!(world.folder_of(&facts).await, Some(Folder::New));
}

#[tokio::test]
async fn the_earlier_of_two_cases_purges_and_the_undo_of_the_later_brings_nothing_back() {
    let world = World::new().await;
    let facts = world.deposit(ALICE, "5001", "west").await.unwrap();
    world.forget("1", &[ALICE]).await;
    world.clock.advance(hm(1, 0));
    world.forget("2", &[ALICE]).await;
    world.clock.advance(hm(22, 32));
    world.sweep().await;
    assert!(world.is_purged(&facts).await);
    assert_eq!(world.undone("2").await, 0);
    assert_eq!(world.case("1").await.status, Status::Erased);
}

#[tokio::test]
async fn numbers_are_undone_one_by_one_and_the_case_with_the_last() {
    let world = World::new().await;
    let (alices, bobs) = (
        world.deposit(ALICE, "5001", "west").await.unwrap(),
        world.deposit(BOB, "5001", "east").await.unwrap(),
    );
    world.forget("1", &[ALICE, BOB]).await;
    assert!(matches!(world.undo("1", Some(&[ALICE, "+4930111"])).await, UndoOutcome::NotInCase(_)));
    assert!(matches!(world.undo("2", None).await, UndoOutcome::Missing));
    assert!(
        matches!(world.undo("1", Some(&[ALICE])).await, UndoOutcome::Undone(r) if r.pass.callers.len() == 1)
    );
    world.sweep().await;
    assert_eq!(world.folder_of(&alices).await, Some(Folder::New));
    assert_eq!((world.folder_of(&bobs).await, world.case("1").await.status), (None, Status::Pending));
    world.undo("1", Some(&[BOB])).await;
    assert_eq!(world.case("1").await.status, Status::Undone);
    assert_eq!(world.folder_of(&bobs).await, Some(Folder::New));
}

#[tokio::test]
async fn numbers_alone_are_undone_in_every_pending_case_and_else_the_newest_decides() {
    let world = World::new().await;
    let by_number =
        async |number: &str| world.erasure().undo_callers(&subjects(&[number]), &|| true).await.unwrap();
    assert_eq!(by_number(ALICE).await, UndoOutcome::Missing);
    let facts = world.deposit(ALICE, "5001", "west").await.unwrap();
    world.forget("1", &[ALICE]).await;
    world.forget("2", &[ALICE, BOB]).await;
    let UndoOutcome::Undone(report) = by_number(ALICE).await else { panic!() };
    assert_eq!((report.cases.len(), report.pass.callers), (2, [(subject(ALICE), 1)].into()));
    assert_eq!(world.folder_of(&facts).await, Some(Folder::New));
    assert_eq!(world.case("1").await.status, Status::Undone);
    assert_eq!(world.case("2").await.status, Status::Pending, "Bob is in it");
    let UndoOutcome::Undone(again) = by_number(ALICE).await else { panic!() };
    assert_eq!(
        (again.cases.len(), again.pass.callers[&subject(ALICE)]),
        (1, 1),
        "as the newest was answered"
    );
    world.clock.advance(MINUTE);
    world.forget("3", &[ALICE]).await;
    world.clock.advance(DAY);
    assert_eq!(by_number(ALICE).await, UndoOutcome::TooLate, "also where no sweep has come yet");
    world.sweep().await;
    assert_eq!(by_number(ALICE).await, UndoOutcome::TooLate);
}

#[tokio::test]
async fn a_deposit_under_way_holds_the_certificate_and_a_late_one_of_an_erased_case_leaves_nothing() {
    let world = World::new().await;
    let slow = world.attempt(ALICE, "5001", "west");
    world.arrive(&slow).await;
    world.forget("1", &[ALICE]).await;
    world.clock.advance(hm(23, 32));
    world.sweep().await;
    assert_eq!(world.case("1").await.status, Status::Erasing, "its marker tells of it");
    assert_eq!(world.storage.metadata.insert(&slow).await.unwrap(), InsertOutcome::Forgotten);
    world.take_back(&slow.facts).await;
    world.sweep().await;
    assert_eq!(world.case("1").await.status, Status::Erased);
    let found = world.storage.metadata.message(&slow.facts.mailbox, slow.facts.id).await.unwrap();
    assert_eq!(found, Lookup::Nothing);
}

#[tokio::test]
async fn an_attempt_that_lost_to_another_callers_does_not_hide_that_callers_message() {
    let world = World::new().await;
    let lost = world.attempt(ALICE, "5001", "west");
    world.arrive(&lost).await;
    let created = world.repeat(&lost, BOB);
    world.arrive(&created).await;
    assert!(matches!(world.storage.metadata.insert(&created).await.unwrap(), InsertOutcome::Created(_)));
    world.forget("1", &[ALICE]).await;
    world.clock.advance(hm(23, 32));
    world.sweep().await;
    assert_eq!(world.case("1").await.status, Status::Erasing, "what is left of the attempt is the caller's");
    world.take_back(&lost.facts).await;
    world.sweep().await;
    assert_eq!(world.case("1").await.status, Status::Erased);
    assert_eq!(world.folder_of(&created.facts).await, Some(Folder::New));
}

#[tokio::test]
async fn what_was_hidden_after_the_undo_is_taken_back_by_who_hid_it() {
    let world = World::new().await;
    let facts = world.deposit(ALICE, "5001", "west").await.unwrap();
    world.forget("1", &[ALICE]).await;
    let (before, now) = (world.case("1").await, world.clock.now());
    // The undo is decided, and its process dies before it has released anything.
    world.change("1", |case| assert_eq!(case.undo(None, now), Undo::Undone)).await;
    assert_eq!(world.folder_of(&facts).await, None);
    let pass = world.erasure().hide(&before, &|| true).await;
    world.erasure().tell(&before, &pass, &crate::Perhaps::new(), &|| true).await.unwrap();
    assert_eq!(world.folder_of(&facts).await, Some(Folder::New));
}
