//! How old an answer may be, and that a "no" is never from memory.

use domain::{ManualClock, Settings};
use storage::Storage as _;

use super::*;
use crate::testing::{TestApp, tenant, testing};

/// Two processes over one storage, and a clock for both.
struct Two {
    here: Directory,
    elsewhere: Directory,
    clock: Arc<ManualClock>,
    _testing: TestApp,
}

async fn two() -> Two {
    let testing = testing().await;
    let clock = Arc::clone(&testing.clock);
    let directory = || {
        let metadata = testing.fs.tenant(&tenant()).metadata;
        Directory::new(metadata, Arc::clone(&clock) as _)
    };
    Two { here: directory(), elsewhere: directory(), clock, _testing: testing }
}

fn mailbox(name: &str) -> Mailbox {
    Mailbox {
        id: "5001".parse().unwrap(),
        owner: Owner::Group { group: "sales".parse().unwrap() },
        name: name.to_owned(),
        enabled: true,
        settings: Settings::default(),
        generation: 0,
    }
}

fn group(members: &[&str]) -> Group {
    Group {
        id: "sales".parse().unwrap(),
        members: members.iter().map(|member| member.parse().unwrap()).collect(),
    }
}

fn alice() -> Principal {
    Principal {
        tenant: "t".parse().ok(),
        user: "alice".parse().unwrap(),
        groups: [].into(),
        roles: [].into(),
        client: None,
    }
}

async fn name(directory: &Directory) -> Option<String> {
    directory.mailbox(&mailbox("").id).await.unwrap().map(|found| found.value.name)
}

fn version(written: WriteOutcome) -> u64 {
    match written {
        WriteOutcome::Version(version) => version,
        WriteOutcome::Conflict => 0,
    }
}

#[tokio::test]
async fn a_change_made_elsewhere_is_seen_within_ten_seconds() {
    let Two { here, elsewhere, clock, .. } = &two().await;
    let first = version(here.put_mailbox(&mailbox("one"), Expect::Absent).await.unwrap());
    assert_eq!(name(here).await.as_deref(), Some("one"));
    elsewhere.put_mailbox(&mailbox("two"), Expect::Version(first)).await.unwrap();
    assert_eq!(name(here).await.as_deref(), Some("one"), "remembered");
    clock.advance(Duration::from_secs(10));
    assert_eq!(name(here).await.as_deref(), Some("two"));
}

#[tokio::test]
async fn an_own_change_is_seen_at_once() {
    let Two { here, .. } = &two().await;
    let first = version(here.put_mailbox(&mailbox("one"), Expect::Absent).await.unwrap());
    let second = version(here.put_mailbox(&mailbox("two"), Expect::Version(first)).await.unwrap());
    assert_eq!(name(here).await.as_deref(), Some("two"));
    assert_eq!(here.all_mailboxes().await.unwrap().len(), 1);
    here.delete_mailbox(&mailbox("").id, second, Timestamp::from_millis(2_000_000_000_000)).await.unwrap();
    assert_eq!(name(here).await, None);
    assert_eq!(here.all_mailboxes().await.unwrap().len(), 0);
}

#[tokio::test]
async fn that_something_does_not_exist_is_never_from_memory() {
    let Two { here, elsewhere, .. } = &two().await;
    assert_eq!(name(here).await, None);
    assert!(here.group(&group(&[]).id).await.unwrap().is_none());
    elsewhere.put_mailbox(&mailbox("one"), Expect::Absent).await.unwrap();
    elsewhere.put_group(&group(&["alice"]), Expect::Absent).await.unwrap();
    assert_eq!(name(here).await.as_deref(), Some("one"));
    assert!(here.group(&group(&[]).id).await.unwrap().is_some());
}

#[tokio::test]
async fn that_somebody_is_no_member_is_never_from_memory_and_that_they_were_one_ends_in_time() {
    let Two { here, elsewhere, clock, .. } = &two().await;
    let (who, mailbox) = (alice(), mailbox("one"));
    let first = version(elsewhere.put_group(&group(&["bob"]), Expect::Absent).await.unwrap());
    assert!(!here.belongs(&who, &mailbox).await.unwrap());
    let second = version(elsewhere.put_group(&group(&["alice"]), Expect::Version(first)).await.unwrap());
    assert!(here.belongs(&who, &mailbox).await.unwrap(), "at once");
    elsewhere.put_group(&group(&["bob"]), Expect::Version(second)).await.unwrap();
    clock.advance(Duration::from_secs(10));
    assert!(!here.belongs(&who, &mailbox).await.unwrap());
}

#[tokio::test]
async fn an_older_reading_never_replaces_a_newer_one() {
    let Two { here, .. } = &two().await;
    let old = Versioned { value: mailbox("old"), version: 1 };
    let first = version(here.put_mailbox(&mailbox("one"), Expect::Absent).await.unwrap());
    here.put_mailbox(&mailbox("two"), Expect::Version(first)).await.unwrap();
    here.mailboxes.remember(&old.value.id, Timestamp::default(), Some(&old.value), old.version);
    assert_eq!(name(here).await.as_deref(), Some("two"));
}

#[tokio::test]
async fn a_users_mailboxes_are_their_own_and_their_groups() {
    let Two { here, elsewhere, clock, .. } = &two().await;
    let own = Mailbox {
        id: "5002".parse().unwrap(),
        owner: Owner::Personal { user: "alice".parse().unwrap() },
        ..mailbox("own")
    };
    here.put_mailbox(&own, Expect::Absent).await.unwrap();
    here.put_mailbox(&mailbox("shared"), Expect::Absent).await.unwrap();
    let ids = async || {
        let mine = here.mailboxes_of(&alice()).await.unwrap();
        mine.iter().map(|mailbox| mailbox.value.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(ids().await, ["5002"]);
    elsewhere.put_group(&group(&["alice"]), Expect::Absent).await.unwrap();
    clock.advance(Duration::from_secs(10));
    assert_eq!(ids().await, ["5001", "5002"]);
}

#[tokio::test]
async fn a_reading_of_all_that_began_before_an_own_change_is_not_kept() {
    let Two { here, .. } = &two().await;
    let before = async {
        here.put_mailbox(&mailbox("one"), Expect::Absent).await?;
        Ok(Vec::new())
    };
    assert!(here.mailboxes.all(here.clock.as_ref(), before).await.unwrap().is_empty());
    assert_eq!(here.all_mailboxes().await.unwrap().len(), 1);
}
