//! Deposits by a drop into a container and by an upload link, and the storage's own links to play, on Azure.

#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use serde_json::json;
use tests::by_drop::{Office, upload};
use tests::cloud::AZURE;
use tests::fixture::HOUR;
use tests::http::{id, wav};

tests::deposits_by_drop!(AZURE);

#[tokio::test]
async fn who_has_an_upload_link_says_no_other_facts_and_nothing_of_the_caller_is_kept_beside_the_message() {
    let office = Office::new(AZURE).await;
    let facts = json!({"caller_id": "+49 30 1234567", "caller_name": "Jürgen M."});
    let mut link = office.centre.platform().post("5001/uploads").json(facts).await.is(201).json();
    assert_eq!(link["headers"], json!({"x-ms-blob-type": "BlockBlob"}));
    let key = format!("t0/5001/{}", id(&link));
    link["headers"]["x-ms-meta-caller_id"] = "+15550100".into();
    for _ in 0..2 {
        assert_eq!(upload(&link, wav(1000)).await, 201);
        assert_eq!(upload(&link, wav(2000)).await, 403, "what is there is not replaced");
        office.told(&key).await.unwrap();
        let message = office.message().await;
        assert_eq!((id(&message), &message["caller_id"]), (id(&link), &json!("+49301234567")));
        // Enough to tell the same call once more.
        let kept = office.cloud.place.metadata(&format!("announced/{key}")).await.unwrap();
        assert!(!kept["facts"].contains("1234567") && !kept["facts"].contains("rgen"), "{kept:?}");
    }
    office.centre.pass(24 * HOUR);
    deposit::on_schedule(&office.app).await.unwrap();
    assert_eq!(office.cloud.objects("announced").await, [""; 0]);
}
