//! The start on AWS: what cannot keep the promises of the contracts is refused, with what to change.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use domain::Region;
use serde_json::json;
use storage::Storage as _;
use storage::aws::{Aws, AwsSetup, Bucket, NotABucket};
use tests::fixture::{Call, Namespace, regions};
use tests::ministack::{Ministack, running, table};

async fn ministack() -> &'static Ministack {
    tokio::task::spawn_blocking(running).await.unwrap()
}

fn region() -> Region {
    regions().first().unwrap().clone()
}

/// An installation in one bucket.
fn on_bucket(ministack: &Ministack, name: &str) -> AwsSetup {
    let bucket = (region(), name.parse().unwrap());
    AwsSetup { buckets: [bucket].into(), ..ministack.setup(ministack.endpoint()) }
}

async fn refusal(setup: AwsSetup) -> String {
    Aws::open(setup).await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_bucket_with_versions_is_refused_unless_they_expire_within_a_day() {
    let ministack = ministack().await;
    ministack.make_bucket(&region(), "with-versions", "");
    let on = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    ministack.configure(&region(), "with-versions", "versioning", on);
    let rule = |prefix: &str, days: u32| {
        format!(
            "<LifecycleConfiguration><Rule><ID>a</ID><Filter><Prefix>{prefix}</Prefix></Filter><Status>Enabled</Status>\
             <NoncurrentVersionExpiration><NoncurrentDays>{days}</NoncurrentDays></NoncurrentVersionExpiration></Rule>\
             </LifecycleConfiguration>"
        )
    };
    let setup = || on_bucket(ministack, "with-versions/calls");
    let said = refusal(setup()).await;
    assert!(said.contains("with-versions") && said.contains("suspend its versioning"), "{said}");
    for (prefix, days) in [("", 2), ("other/", 1)] {
        ministack.configure(&region(), "with-versions", "lifecycle", &rule(prefix, days));
        assert!(refusal(setup()).await.contains("noncurrent versions"), "{prefix} {days}");
    }
    ministack.configure(&region(), "with-versions", "lifecycle", &rule("calls", 1));
    Aws::open(setup()).await.unwrap();
}

#[tokio::test]
async fn a_bucket_with_object_lock_is_refused() {
    let ministack = ministack().await;
    ministack.make_bucket(&region(), "locked-up", "x-amz-bucket-object-lock-enabled: true");
    let said = refusal(on_bucket(ministack, "locked-up")).await;
    assert!(said.contains("locked-up") && said.contains("without it"), "{said}");
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_refused() {
    let said = refusal(on_bucket(ministack().await, "no-such-bucket")).await;
    assert!(said.contains("no-such-bucket") && said.contains("VOICEMAIL_BUCKETS"), "{said}");
}

#[tokio::test]
async fn a_table_that_is_not_there_or_lacks_an_index_is_refused() {
    let ministack = ministack().await;
    let setup = |table: &str| AwsSetup { table: table.to_owned(), ..ministack.setup(ministack.endpoint()) };
    let said = refusal(setup("no-such-table")).await;
    assert!(said.contains("no-such-table") && said.contains("VOICEMAIL_TABLE"), "{said}");
    let mut without = table("without-index");
    let global = without.as_object_mut().unwrap().remove("GlobalSecondaryIndexes");
    assert!(global.is_some());
    without["AttributeDefinitions"].as_array_mut().unwrap().truncate(3);
    for region in regions() {
        ministack.make_table(&region, &without);
    }
    let said = refusal(setup("without-index")).await;
    assert!(said.contains("lacks the global index due"), "{said}");
    // As it was made before messages were taken.
    let mut older = table("older");
    older["LocalSecondaryIndexes"][0]["Projection"]["NonKeyAttributes"] = json!(["r_at", "urgent"]);
    for region in regions() {
        ministack.make_table(&region, &older);
    }
    let said = refusal(setup("older")).await;
    assert!(said.contains("includes r_at, urgent and w: make it anew as the template has it"), "{said}");
}

#[tokio::test]
async fn a_region_that_does_not_answer_does_not_keep_the_others_from_working() {
    let ministack = ministack().await;
    // A port that nobody listens at.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let setup = ministack.setup(format!("http://{closed}"));
    let aws = Aws::open(setup).await.unwrap();
    let space = Namespace::new(|tenant| aws.tenant(tenant), ());
    assert!(space.metadata().ping().await.is_err());
}

#[tokio::test]
async fn keys_that_are_exchanged_in_their_file_are_read_again() {
    let ministack = ministack().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    let setup = AwsSetup { credentials_file: Some(file.clone()), ..ministack.setup(ministack.endpoint()) };
    // No keys yet: nothing can be asked, and that is told as an outage is.
    let aws = Aws::open(setup).await.unwrap();
    let space = Namespace::new(|tenant| aws.tenant(tenant), ());
    assert!(space.metadata().ping().await.is_err());
    std::fs::write(&file, "[default]\naws_access_key_id=a\naws_secret_access_key=b\n").unwrap();
    let mailbox = space.mailbox("5001").await;
    space.deposit(&Call::to(&mailbox)).await;
}

#[test]
fn a_bucket_is_a_name_and_perhaps_a_folder() {
    let read = |text: &str| text.parse::<Bucket>().map(|bucket| (bucket.name, bucket.prefix));
    assert_eq!(read("voicemail"), Ok(("voicemail".to_owned(), String::new())));
    assert_eq!(read("voicemail/a/b/"), Ok(("voicemail".to_owned(), "a/b".to_owned())));
    for text in ["", "ab", "Voicemail", "s3://voicemail", "voice mail", "voicemail/a b", "voicemail/ä"] {
        assert_eq!(read(text), Err(NotABucket), "{text}");
    }
}
