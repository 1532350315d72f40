//! Holds of the trash, of a case and of a deleted mailbox, and what takes them off.
#![expect(missing_docs, reason = "the name of a case is its documentation")]

use domain::{Claim, ClaimOutcome, Folder, Hold, Release, ReleaseOutcome};
use storage::{Lookup, MessageRef};

use crate::fixture::{ALICE, Call, Namespace, after, cut_off, mark, trash};
use crate::steps::case_hold;

pub async fn a_deleted_message_is_in_the_trash_alone_with_its_deadline(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let message = space.deposit(&Call::to(&mailbox)).await;
    let held = space.hold(&message.facts, &trash(after(9))).await.unwrap();
    assert_eq!((held.folder(), held.purge_at()), (Some(Folder::Trash), Some(after(9))));
    assert_eq!(space.stored(&message.facts).await, held);
    assert_eq!(space.walk(&mailbox, Some(Folder::Trash), 9).await, [held]);
    assert_eq!(space.listed(&mailbox).await, []);
}

pub async fn a_second_delete_does_not_move_the_deadline(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let message = space.deposit(&Call::to(&mailbox)).await;
    space.hold(&message.facts, &trash(after(9))).await;
    for other in [after(5), after(20)] {
        let held = space.hold(&message.facts, &trash(other)).await.unwrap();
        assert_eq!(held.purge_at(), Some(after(9)));
        assert_eq!(space.stored(&message.facts).await.purge_at(), Some(after(9)));
    }
}

pub async fn undo_restores_new_old_and_trash_as_they_were(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let new = space.deposit(&Call::to(&mailbox).urgent()).await;
    let old = space.deposit(&Call::to(&mailbox)).await;
    let old = space.read(&old.facts, &mark("alice", after(1))).await.unwrap();
    let deleted = space.deposit(&Call::to(&mailbox)).await;
    space.read(&deleted.facts, &mark("bob", after(2))).await;
    let deleted = space.hold(&deleted.facts, &trash(after(99))).await.unwrap();
    for message in [&new, &old] {
        space.hold(&message.facts, &trash(after(9))).await;
        let back = space.release(&message.facts, &Release::Trash).await;
        assert_eq!(back, ReleaseOutcome::Back(Box::new(message.clone())));
        space.assert_unchanged(message).await;
    }
    let counts = space.counts(&mailbox).await;
    let case = space.forget("1", &[ALICE], after(3)).await;
    assert_eq!(space.listed(&mailbox).await, []);
    assert!(space.undo(&case, after(4)).await);
    for message in [&new, &old, &deleted] {
        space.assert_unchanged(message).await;
    }
    assert_eq!(space.counts(&mailbox).await, counts);
}

pub async fn an_undo_of_what_is_not_deleted_changes_nothing(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let message = space.deposit(&Call::to(&mailbox)).await;
    let case = space.case("never opened", &[ALICE], after(1)).key;
    for release in [Release::Trash, Release::Case(case)] {
        let back = space.release(&message.facts, &release).await;
        assert_eq!(back, ReleaseOutcome::Back(Box::new(message.clone())));
    }
    space.assert_unchanged(&message).await;
}

pub async fn what_is_not_there_can_neither_be_held_nor_released(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let facts = space.attempt(&Call::to(&mailbox)).facts;
    let case = space.open("1", &["+4930999"], after(1)).await;
    for hold in [trash(after(9)), Hold::Mailbox { purge_at: after(9) }, case_hold(&case)] {
        assert_eq!(space.hold(&facts, &hold).await, None);
    }
    for release in [Release::Trash, Release::Case(case.key)] {
        assert_eq!(space.release(&facts, &release).await, ReleaseOutcome::Missing);
    }
    assert_eq!(space.look(&facts).await, Lookup::Nothing);
}

pub async fn what_a_case_hides_is_not_there_for_an_agent(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let message = space.deposit(&Call::to(&mailbox)).await;
    let case = space.forget("1", &[ALICE], after(1)).await;
    assert_eq!(space.stored(&message.facts).await.holds, [case_hold(&case)].into());
    assert_eq!(space.read(&message.facts, &mark("alice", after(2))).await, None);
    assert_eq!(space.hold(&message.facts, &trash(after(9))).await, None);
    assert_eq!(space.release(&message.facts, &Release::Trash).await, ReleaseOutcome::Hidden);
    for folder in [None, Some(Folder::New), Some(Folder::Old), Some(Folder::Trash)] {
        assert_eq!(space.walk(&mailbox, folder, 9).await, []);
    }
    assert_eq!(space.counts(&mailbox).await, domain::Counts::default());
    assert_eq!(space.stored(&message.facts).await.holds, [case_hold(&case)].into());
}

pub async fn undo_of_one_of_two_cases_shows_nothing(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let message = space.deposit(&Call::to(&mailbox)).await;
    let first = space.forget("1", &[ALICE], after(1)).await;
    let second = space.forget("2", &[ALICE, "+4930999"], after(2)).await;
    assert!(space.undo(&first, after(3)).await);
    assert_eq!(space.stored(&message.facts).await.holds, [case_hold(&second)].into());
    assert_eq!(space.listed(&mailbox).await, []);
    assert_eq!(space.folder(&message.facts).await, None);
    let again = space.release(&message.facts, &Release::Case(first.key)).await;
    assert_eq!(again, ReleaseOutcome::Hidden);
    assert!(space.undo(&second, after(4)).await);
    space.assert_unchanged(&message).await;
}

pub async fn undo_of_a_case_returns_a_message_to_the_trash_with_its_own_deadline(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let message = space.deposit(&Call::to(&mailbox)).await;
    let deleted = space.hold(&message.facts, &trash(after(9))).await.unwrap();
    let case = space.forget("1", &[ALICE], after(1)).await;
    assert_eq!(space.release(&message.facts, &Release::Trash).await, ReleaseOutcome::Hidden);
    let back = space.release(&message.facts, &Release::Case(case.key)).await;
    assert_eq!(back, ReleaseOutcome::Back(Box::new(deleted.clone())));
    space.assert_unchanged(&deleted).await;
}

pub async fn the_trash_keeps_running_while_a_case_hides_it(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let message = space.deposit(&Call::to(&mailbox)).await;
    space.hold(&message.facts, &trash(after(9))).await;
    space.forget("1", &[ALICE], after(1)).await;
    space.sweep(after(8)).await;
    assert!(matches!(space.look(&message.facts).await, Lookup::Message(_)), "never ahead of its deadline");
    space.sweep(after(9)).await;
    space.assert_purged(&message.facts).await;
}

pub async fn a_hold_put_on_twice_is_one_hold(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let message = space.deposit(&Call::to(&mailbox)).await;
    let case = space.open("1", &[ALICE], after(1)).await;
    for hold in [trash(after(9)), case_hold(&case), Hold::Mailbox { purge_at: after(20) }] {
        let once = space.hold(&message.facts, &hold).await.unwrap();
        assert!(once.holds.contains(&hold));
        assert_eq!(space.stored(&message.facts).await, once);
        if !matches!(hold, Hold::Trash { .. }) {
            assert_eq!(space.hold(&message.facts, &hold).await, Some(once.clone()));
        }
        assert_eq!(space.stored(&message.facts).await, once);
    }
    space.release(&message.facts, &Release::Case(case.key)).await;
    let left = [trash(after(9)), Hold::Mailbox { purge_at: after(20) }];
    assert_eq!(space.stored(&message.facts).await.holds, left.into());
}

pub async fn what_went_with_its_mailbox_cannot_be_undone_by_an_agent(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let message = space.deposit(&Call::to(&mailbox)).await;
    let hold = Hold::Mailbox { purge_at: after(9) };
    space.hold(&message.facts, &hold).await;
    assert_eq!(space.release(&message.facts, &Release::Trash).await, ReleaseOutcome::Hidden);
    assert_eq!(space.hold(&message.facts, &trash(after(5))).await, None);
    assert_eq!(space.stored(&message.facts).await.holds, [hold].into());
    space.sweep(after(9)).await;
    space.assert_purged(&message.facts).await;
}

pub async fn due_tells_holds_of_the_trash_and_of_a_mailbox_from_their_deadline_on(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let holds = [trash(after(9)), Hold::Mailbox { purge_at: after(5) }];
    let mut expected = Vec::new();
    for hold in holds {
        let message = space.deposit(&Call::to(&mailbox)).await;
        space.hold(&message.facts, &hold).await;
        let claim = Claim::Due(hold);
        expected.insert(0, storage::Due { message_ref: MessageRef::from(&message.facts), claim });
    }
    space.deposit(&Call::to(&mailbox)).await;
    space.deposit(&Call::to(&mailbox).by("+4930999")).await;
    space.forget("1", &["+4930999"], after(1)).await;
    assert_eq!(space.all_due(after(4)).await, []);
    assert_eq!(space.all_due(after(5)).await, expected[..1]);
    assert_eq!(space.all_due(after(9)).await, expected, "oldest first");
    assert_eq!(space.all_due(after(999_999)).await, expected, "a case is not told here");
}

pub async fn due_tells_the_oldest_first_in_pages_across_hours(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let mut deadlines = [7200, 3, 3600, 90_000, 3, 1, 3, 3599].map(after);
    for deadline in deadlines {
        let message = space.deposit(&Call::to(&mailbox).withheld()).await;
        space.hold(&message.facts, &trash(deadline)).await;
    }
    deadlines.sort_unstable();
    for limit in [1, 2, 3, 8, 50] {
        let mut told: Vec<storage::Due> = Vec::new();
        loop {
            let page = space.metadata().due(after(90_000), told.last(), limit).await.unwrap();
            assert!(page.len() <= limit);
            if page.is_empty() {
                break;
            }
            told.extend(page);
        }
        let claims: Vec<_> = told.iter().map(|due| due.claim.clone()).collect();
        assert_eq!(claims, deadlines.map(|deadline| Claim::Due(trash(deadline))), "in pages of {limit}");
        told.dedup();
        assert_eq!(told.len(), deadlines.len(), "told twice in pages of {limit}");
    }
    assert_eq!(space.all_due(after(3600)).await.len(), 6);
}

pub async fn an_entry_that_is_removed_is_due_no_more(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    for deadline in [5, 6] {
        let message = space.deposit(&Call::to(&mailbox)).await;
        space.hold(&message.facts, &trash(after(deadline))).await;
        space.release(&message.facts, &Release::Trash).await;
        if deadline == 6 {
            space.hold(&message.facts, &trash(after(7))).await;
        }
    }
    for due in space.all_due(after(6)).await {
        let claimed = space.metadata().claim(&mailbox, due.message_ref.id, &due.claim).await.unwrap();
        assert_eq!(claimed, ClaimOutcome::Undone);
        space.metadata().remove_due_entry(&due).await.unwrap();
        space.metadata().remove_due_entry(&due).await.unwrap();
    }
    assert_eq!(space.all_due(after(6)).await, []);
    assert_eq!(space.all_due(after(7)).await.len(), 1, "another hold of that message");
}

pub async fn a_delete_after_an_undo_has_its_own_deadline(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let message = space.deposit(&Call::to(&mailbox)).await;
    space.hold(&message.facts, &trash(after(5))).await;
    space.release(&message.facts, &Release::Trash).await;
    let held = space.hold(&message.facts, &trash(after(9))).await.unwrap();
    assert_eq!(held.purge_at(), Some(after(9)));
    space.sweep(after(8)).await;
    assert_eq!(space.folder(&message.facts).await, Some(Folder::Trash));
    space.hold(&message.facts, &trash(after(9))).await;
    space.sweep(after(9)).await;
    space.assert_purged(&message.facts).await;
}

pub async fn a_hold_cut_off_anywhere_is_told_by_due_once_it_is_on(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let mut finished = 0;
    for polls in 0..40 {
        let facts = space.deposit(&Call::to(&mailbox)).await.facts;
        let hold = if polls % 2 == 0 { trash(after(9)) } else { Hold::Mailbox { purge_at: after(9) } };
        finished += usize::from(cut_off(polls, space.hold(&facts, &hold)).await.is_some());
        if !space.stored(&facts).await.holds.is_empty() {
            let due = space.all_due(after(9)).await;
            assert!(due.iter().any(|due| due.message_ref.id == facts.id), "after {polls} polls");
        }
        if finished > 2 {
            break;
        }
    }
    assert!(finished > 0, "a hold of more than 40 steps");
}
