//! Round trips on Azure: at the contracts, and as real requests, counted by a proxy.

use tests::azurite::{behind_a_proxy, open};

#[tokio::test]
async fn each_operation_takes_its_round_trips() {
    tests::round_trips::each_operation_takes_its_round_trips(open().await).await;
}

#[tokio::test]
async fn each_call_makes_its_requests_and_no_more() {
    let (space, proxy) = behind_a_proxy().await;
    let expected: [(&str, usize, &[&str]); 26] = [
        ("arrive", 1, &["GetBlobProperties", "ListBlobs", "PutBlob", "PutBlob", "PutBlob"]),
        ("insert", 1, &["GetBlob", "ListBlobs", "PutBlob"]),
        ("counts", 1, &["ListBlobs"]),
        ("page", 1, &["ListBlobs"]),
        ("message", 1, &["GetBlobProperties"]),
        ("get", 1, &["GetBlob"]),
        ("link", 0, &[]),
        ("mark read", 2, &["GetBlobProperties", "SetBlobMetadata"]),
        ("mark unread", 2, &["GetBlobProperties", "SetBlobMetadata"]),
        ("take", 2, &["GetBlobProperties", "SetBlobMetadata"]),
        ("take again", 1, &["GetBlobProperties"]),
        ("take over", 2, &["GetBlobProperties", "SetBlobMetadata"]),
        ("give back", 2, &["GetBlobProperties", "SetBlobMetadata"]),
        ("delete", 2, &["GetBlobProperties", "PutBlob", "SetBlobMetadata"]),
        ("undo of a delete", 2, &["GetBlobProperties", "SetBlobMetadata"]),
        ("opening a case", 3, &["GetBlob", "PutBlob", "PutBlob", "PutBlob"]),
        ("by caller", 1, &["ListBlobs"]),
        ("hiding, and looking at the case again", 3, &["GetBlob", "GetBlobProperties", "SetBlobMetadata"]),
        ("schedule_deletion", 3, &["GetBlobProperties", "SetBlobMetadata", "SetBlobTags"]),
        ("cancel_deletion", 3, &["GetBlobProperties", "SetBlobMetadata", "SetBlobTags"]),
        ("undo of a case, each message", 2, &["GetBlobProperties", "SetBlobMetadata"]),
        ("claim", 3, &["GetBlobProperties", "PutBlob", "SetBlobMetadata"]),
        ("delete of a recording", 1, &["DeleteBlob"]),
        ("its proof", 1, &["GetBlobProperties"]),
        ("leave_tombstone", 4, &["DeleteBlob", "DeleteBlob", "DeleteBlob", "GetBlobProperties", "PutBlob"]),
        ("remove_due_entry", 1, &["DeleteBlob"]),
    ];
    tests::requests::each_call_makes_its_requests_and_no_more(&space, &proxy, &expected).await;
}
