//! The grid on a cloud, at the calls of the contracts: each case is a function of the ground that its emulator gives.
#![expect(
    clippy::print_stdout,
    missing_docs,
    reason = "what the grid was made of is told; a case's name is its documentation"
)]

use std::collections::BTreeSet;

use super::{Ground, Level, Operation, cases, requests, sweeps};

/// Makes a test of each case, on a ground.
#[macro_export]
macro_rules! grid {
    ($ground:ty) => {
        $crate::grid!($ground:
            a_request_that_fails_at_any_call_of_the_storage_says_so_and_is_done_or_not,
            a_sweep_that_fails_at_any_call_of_the_storage_is_finished_by_the_next,
            a_data_protection_request_that_fails_at_any_call_of_the_storage_says_so_and_is_done_or_finished_by_the_sweep,
            a_sweep_of_a_case_that_fails_at_any_call_of_the_storage_is_finished_by_the_next,
        );
    };
    ($ground:ty: $($case:ident),+ $(,)?) => {
        $(#[tokio::test]
        async fn $case() {
            $crate::faults::clouds::$case(&<$ground>::first().await).await;
        })+
    };
}

/// Runs the grid of each, prints what it was made of, and gives all that was broken.
async fn run(ground: &dyn Ground, operations: Vec<Operation>) -> String {
    let (mut cases, mut broken) = (0, BTreeSet::new());
    for operation in operations {
        let grid = operation.grid(Level::Calls, ground).await;
        println!("{grid}");
        cases += grid.cases;
        broken.extend(grid.broken);
    }
    println!("{cases:>4} cases, each once repeated and once left to time");
    Vec::from_iter(broken).join(" ")
}

pub async fn a_request_that_fails_at_any_call_of_the_storage_says_so_and_is_done_or_not(ground: &dyn Ground) {
    // Without `get`: who plays a recording is sent to the storage.
    let calls = "arrive counts delete delete_group delete_mailbox give_back group groups hold insert link \
                 mailbox mailboxes mark_read mark_unread message page put put_group put_mailbox release take \
                 withdraw";
    assert_eq!(run(ground, requests::all()).await, calls);
}

pub async fn a_sweep_that_fails_at_any_call_of_the_storage_is_finished_by_the_next(ground: &dyn Ground) {
    let calls = "arriving claim delete due exists fence hold leave_tombstone mailbox_ids mailboxes page \
                 remove_due_entry remove_orphans tidy watched_cases withdraw";
    assert_eq!(run(ground, sweeps::anywhere()).await, calls);
}

pub async fn a_data_protection_request_that_fails_at_any_call_of_the_storage_says_so_and_is_done_or_finished_by_the_sweep(
    ground: &dyn Ground,
) {
    let calls = "arrive by_caller cancel_deletion case cases delete forgets hold insert link mailbox \
                 mailbox_ids message ping put put_case release schedule_deletion withdraw";
    assert_eq!(run(ground, cases::requests()).await, calls);
}

pub async fn a_sweep_of_a_case_that_fails_at_any_call_of_the_storage_is_finished_by_the_next(
    ground: &dyn Ground,
) {
    let calls = "arriving by_caller cancel_deletion case claim delete dismiss_case due exists hold \
                 last_certificate leave_tombstone mailbox_ids mailboxes message ping put_case put_certificate \
                 release remove_due_entry remove_orphans schedule_deletion watched_cases";
    assert_eq!(run(ground, cases::sweeps_of_each_step()).await, calls);
}
