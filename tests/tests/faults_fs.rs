//! The fault grid on the file system.
#![expect(clippy::print_stdout, reason = "what the grid was made of is told")]

use std::collections::BTreeSet;

use tests::faults::{Operation, requests, sweeps};

/// Runs the grid of each, prints what it was made of, and gives every call that was broken.
async fn run(operations: Vec<Operation>) -> BTreeSet<&'static str> {
    let (mut cases, mut calls) = (0, BTreeSet::new());
    for operation in operations {
        let grid = operation.grid().await;
        println!("{grid}");
        cases += grid.cases;
        calls.extend(grid.calls);
    }
    println!("{cases:>4} cases, each once repeated and once left to time");
    calls
}

#[tokio::test]
async fn a_request_that_fails_at_any_call_of_the_storage_says_so_and_is_done_or_not() {
    let broken = run(requests::all()).await;
    let calls = "arrive counts delete delete_group delete_mailbox get group groups hold insert link mailbox mailboxes \
                 mark_read mark_unread message page put put_group put_mailbox release withdraw";
    assert_eq!(broken, calls.split(' ').collect());
}

#[tokio::test]
async fn a_sweep_that_fails_at_any_call_of_the_storage_is_finished_by_the_next() {
    let broken = run(sweeps::all()).await;
    let calls =
        "arriving bury claim delete due exists fence hold mailbox_ids mailboxes page settle tidy withdraw";
    assert_eq!(broken, calls.split(' ').collect());
}
