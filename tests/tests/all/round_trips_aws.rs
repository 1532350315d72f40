//! Round trips on AWS: at the contracts, and as real requests, counted by a proxy.

use tests::ministack::{behind_a_proxy, open};

#[tokio::test]
async fn each_operation_takes_its_round_trips() {
    tests::round_trips::each_operation_takes_its_round_trips(open().await).await;
}

#[tokio::test]
async fn each_call_makes_its_requests_and_no_more() {
    let (space, proxy) = behind_a_proxy().await;
    let expected: [(&str, usize, &[&str]); 26] = [
        ("arrive", 1, &["BatchWriteItem", "GetItem", "PutObject", "Query"]),
        ("insert", 1, &["GetItem", "PutItem", "Query"]),
        ("counts", 1, &["Query"]),
        // The second one is the emulator's: its local index shows nothing but what it projects, where AWS takes the rest
        // from the table in the same request.
        ("page", 2, &["BatchGetItem", "Query"]),
        ("message", 1, &["GetItem"]),
        ("get", 1, &["GetObject"]),
        ("link", 0, &[]),
        ("mark read", 1, &["UpdateItem"]),
        ("mark unread", 1, &["UpdateItem"]),
        ("take", 1, &["UpdateItem"]),
        ("take again", 1, &["UpdateItem"]),
        // The first one is refused, and tells who has it.
        ("take over", 2, &["UpdateItem", "UpdateItem"]),
        ("give back", 1, &["UpdateItem"]),
        ("delete", 1, &["UpdateItem"]),
        ("undo of a delete", 1, &["UpdateItem"]),
        ("opening a case", 2, &["BatchWriteItem", "UpdateItem"]),
        ("by caller", 1, &["Query"]),
        ("hiding, and looking at the case again", 2, &["GetItem", "UpdateItem"]),
        ("schedule_deletion", 2, &["CopyObject", "GetObjectTagging", "HeadObject"]),
        ("cancel_deletion", 2, &["GetObjectTagging", "PutObjectTagging"]),
        ("undo of a case, each message", 1, &["UpdateItem"]),
        ("claim", 1, &["UpdateItem"]),
        ("delete of a recording", 1, &["DeleteObject"]),
        ("its proof", 1, &["HeadObject"]),
        ("leave_tombstone", 1, &["TransactWriteItems"]),
        ("remove_due_entry", 0, &[]),
    ];
    tests::requests::each_call_makes_its_requests_and_no_more(&space, &proxy, &expected).await;
}
