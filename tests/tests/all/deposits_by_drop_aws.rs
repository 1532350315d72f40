//! Deposits by a drop into a bucket and by an upload link, and the storage's own links to play, on AWS.

#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use serde_json::json;
use tests::by_drop::{Office, upload};
use tests::cloud::AWS;
use tests::http::{id, wav};

tests::deposits_by_drop!(AWS);

#[tokio::test]
async fn the_facts_of_an_upload_link_are_headers_that_it_signs() {
    let office = Office::new(AWS).await;
    let facts = json!({"caller_id": "+49 30 1234567"});
    let link = office.centre.platform().post("5001/uploads").json(facts).await.is(201).json();
    for (header, _) in link["headers"].as_object().unwrap() {
        assert!(header.starts_with("x-amz-meta-"), "{header}");
    }
    let mut without = link.clone();
    without["headers"] = json!({});
    assert_eq!(upload(&without, wav(1000)).await, 403);
    office.told(&format!("t0/5001/{}", id(&link))).await.unwrap();
    assert_eq!(office.centre.ids("5001", "").await, [""; 0]);
}
