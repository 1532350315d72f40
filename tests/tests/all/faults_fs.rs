//! The fault grid on the file system: at the calls of the contracts, and at each step on the volume below them.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "what the grid was made of is told")]

use std::collections::BTreeSet;

use tests::faults::{Folder, Level, Operation, cases, requests, sweeps};

/// Runs the grid of each, prints what it was made of, and gives all that was broken.
fn run(level: Level, operations: Vec<Operation>) -> BTreeSet<String> {
    // One after the other on one thread for files, so that the n-th step is the same in each run.
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).enable_all().build();
    runtime.unwrap().block_on(async {
        let (mut cases, mut broken) = (0, BTreeSet::new());
        for operation in operations {
            let grid = operation.grid(level, &Folder::default()).await;
            println!("{grid}");
            cases += grid.cases;
            broken.extend(grid.broken);
        }
        println!("{cases:>4} cases, each once repeated and once left to time");
        broken
    })
}

fn names(broken: &BTreeSet<String>) -> Vec<&str> {
    broken.iter().map(String::as_str).collect()
}

#[test]
fn a_request_that_fails_at_any_call_of_the_storage_says_so_and_is_done_or_not() {
    let broken = run(Level::Calls, requests::all());
    let calls = "arrive counts delete delete_group delete_mailbox get give_back group groups hold insert link \
                 mailbox mailboxes mark_read mark_unread message page put put_group put_mailbox release take \
                 withdraw";
    assert_eq!(names(&broken), calls.split(' ').collect::<Vec<_>>());
}

#[test]
fn a_sweep_that_fails_at_any_call_of_the_storage_is_finished_by_the_next() {
    let broken = run(Level::Calls, sweeps::all());
    let calls = "arriving claim delete due exists fence hold leave_tombstone mailbox_ids mailboxes page \
                 remove_due_entry remove_orphans tidy watched_cases withdraw";
    assert_eq!(names(&broken), calls.split(' ').collect::<Vec<_>>());
}

#[test]
fn a_data_protection_request_that_fails_at_any_call_of_the_storage_says_so_and_is_done_or_finished_by_the_sweep()
 {
    let broken = run(Level::Calls, cases::requests());
    let calls = "arrive by_caller cancel_deletion case cases delete forgets get hold insert link mailbox \
                 mailbox_ids message ping put put_case release schedule_deletion withdraw";
    assert_eq!(names(&broken), calls.split(' ').collect::<Vec<_>>());
}

#[test]
fn a_sweep_of_a_case_that_fails_at_any_call_of_the_storage_is_finished_by_the_next() {
    let broken = run(Level::Calls, cases::sweeps());
    let calls = "arriving by_caller cancel_deletion case claim delete dismiss_case due exists hold \
                 last_certificate leave_tombstone mailbox_ids mailboxes message ping put_case put_certificate \
                 release remove_due_entry remove_orphans schedule_deletion tidy watched_cases";
    assert_eq!(names(&broken), calls.split(' ').collect::<Vec<_>>());
}

/// Those that leave something half done where the process dies.
fn changes(broken: &BTreeSet<String>) -> Vec<&str> {
    let looks = ["list ", "look at ", "open ", "read ", "sync "];
    names(broken).into_iter().filter(|step| !looks.iter().any(|look| step.starts_with(look))).collect()
}

#[test]
fn a_request_that_fails_or_dies_at_any_step_on_the_volume_says_so_and_is_done_or_not() {
    let broken = run(Level::Steps, requests::all());
    let made = [
        "create .tmp",
        "create arriving",
        "create callers",
        "create mailboxes/holds",
        "create mailboxes/marks",
        "create recordings/.tmp",
        "link due",
        "link groups",
        "link mailboxes/config",
        "link mailboxes/marks",
        "link mailboxes/messages",
        "link recordings",
        "make arriving",
        "make callers",
        "make due",
        "make groups",
        "make mailboxes",
        "make mailboxes/config",
        "make mailboxes/holds",
        "make mailboxes/messages",
        "make recordings",
        "make recordings/.tmp",
        "remove .tmp",
        "remove arriving",
        "remove callers",
        "remove dead",
        "remove mailboxes/holds",
        "remove mailboxes/marks",
        "remove recordings",
        "remove recordings/.tmp",
        "write .tmp",
        "write arriving",
        "write recordings/.tmp",
    ];
    assert_eq!(changes(&broken), made);
}

#[test]
fn a_sweep_that_fails_or_dies_at_any_step_on_the_volume_is_finished_by_the_next() {
    let broken = run(Level::Steps, sweeps::all());
    let made = [
        "create .tmp",
        "create mailboxes/holds",
        "link dead",
        "link due",
        "make dead",
        "make due",
        "make mailboxes/holds",
        "make mailboxes/purging",
        "remove .tmp",
        "remove arriving",
        "remove callers",
        "remove dead",
        "remove due",
        "remove mailboxes/marks",
        "remove mailboxes/messages",
        "remove mailboxes/purging",
        "remove recordings",
        "remove recordings/.tmp",
        "rename mailboxes/messages",
        "rename mailboxes/purging",
        "write .tmp",
    ];
    assert_eq!(changes(&broken), made);
}
