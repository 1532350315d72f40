//! Round trips on AWS: at the contracts, and as real requests, counted by a proxy.

use domain::{Claim, Release};
use storage::Birth;
use tests::counting::Trips;
use tests::fixture::{ALICE, Call, after, mark, trash};
use tests::ministack::{behind_a_proxy, open};
use tests::steps::case_hold;

#[tokio::test]
async fn each_operation_takes_its_round_trips() {
    tests::round_trips::each_operation_takes_its_round_trips(open().await).await;
}

fn trips(serial: usize, requests: &[&'static str]) -> Trips {
    Trips { serial, calls: requests.to_vec() }
}

#[tokio::test]
async fn each_call_makes_its_requests_and_no_more() {
    let (space, proxy) = behind_a_proxy().await;
    let taken = || {
        let mut trips = proxy.take();
        trips.calls.sort_unstable();
        trips
    };
    let mailbox = space.mailbox("5001").await;
    let deposit = space.attempt(&Call::to(&mailbox));
    let facts = &deposit.facts;
    // Keys are read and connections made before the first.
    space.counts(&mailbox).await;
    proxy.take();

    space.arrived(&deposit).await;
    assert_eq!(taken(), trips(1, &["BatchWriteItem", "GetItem", "PutObject", "Query"]), "arrive");
    assert!(matches!(space.insert(&deposit).await, Birth::Born(_)));
    assert_eq!(taken(), trips(1, &["GetItem", "PutItem", "Query"]), "insert");

    space.counts(&mailbox).await;
    assert_eq!(taken(), trips(1, &["Query"]), "counts");
    space.listed(&mailbox).await;
    // The second one is the emulator's: its local index shows nothing but what it projects, where AWS takes the rest from
    // the table in the same request.
    assert_eq!(taken(), trips(2, &["BatchGetItem", "Query"]), "page");
    space.look(facts).await;
    assert_eq!(taken(), trips(1, &["GetItem"]), "message");
    space.bytes(&facts.audio, None).await;
    assert_eq!(taken(), trips(1, &["GetObject"]), "get");
    space.recordings().link(&facts.audio, std::time::Duration::from_mins(5), None).await.unwrap();
    assert_eq!(taken(), Trips::default(), "link");
    space.read(facts, &mark("alice", after(1))).await.unwrap();
    assert_eq!(taken(), trips(1, &["UpdateItem"]), "mark read");
    space.unread(facts).await.unwrap();
    assert_eq!(taken(), trips(1, &["UpdateItem"]), "mark unread");
    space.hold(facts, &trash(after(9))).await.unwrap();
    assert_eq!(taken(), trips(1, &["UpdateItem"]), "delete");
    space.release(facts, &Release::Trash).await;
    assert_eq!(taken(), trips(1, &["UpdateItem"]), "undo of a delete");

    let case = space.open("1", &[ALICE], after(1)).await;
    assert_eq!(taken(), trips(2, &["BatchWriteItem", "UpdateItem"]), "opening a case");
    space.index().by_caller(&space.subject(ALICE), None, 50).await.unwrap();
    assert_eq!(taken(), trips(1, &["Query"]), "by caller");
    space.hold(facts, &case_hold(&case)).await.unwrap();
    assert_eq!(taken(), trips(2, &["GetItem", "UpdateItem"]), "hiding, and looking at the case again");
    space.recordings().condemn(&facts.audio, &case.key).await.unwrap();
    assert_eq!(taken(), trips(2, &["CopyObject", "GetObjectTagging", "HeadObject"]), "condemn");
    space.recordings().pardon(&facts.audio).await.unwrap();
    assert_eq!(taken(), trips(2, &["GetObjectTagging", "PutObjectTagging"]), "pardon");
    space.release(facts, &Release::Case(case.key)).await;
    assert_eq!(taken(), trips(1, &["UpdateItem"]), "undo of a case, each message");

    space.hold(facts, &trash(after(9))).await.unwrap();
    let due = space.index().due(after(9), None, 50).await.unwrap().pop().unwrap();
    taken();
    space.claim(facts, &Claim::Due(due.hold.clone())).await;
    assert_eq!(taken(), trips(1, &["UpdateItem"]), "claim");
    space.recordings().delete(&facts.audio).await.unwrap();
    assert_eq!(taken(), trips(1, &["DeleteObject"]), "delete of a recording");
    assert!(!space.recordings().exists(&facts.audio).await.unwrap());
    assert_eq!(taken(), trips(1, &["HeadObject"]), "its proof");
    space.index().bury(&due.remains, after(9)).await.unwrap();
    assert_eq!(taken(), trips(1, &["TransactWriteItems"]), "bury");
    space.index().settle(&due).await.unwrap();
    assert_eq!(taken(), Trips::default(), "settle");
    space.assert_purged(facts).await;
}
