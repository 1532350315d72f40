//! Who takes a message: that somebody is going to answer it, for all who share a mailbox.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use tests::http::{Call, Centre, Person, id};

const CALLER: &str = "+4915112345678";
/// An id that no message has.
const NOBODYS: &str = "0198b2f0-5a10-7c3e-8f11-2a4b6c8d0e1f";

/// A mailbox that alice and bob share, with one message: they, and its path.
async fn shared(centre: &Centre) -> (Person, Person, String) {
    centre.group("5100", "sales", &["alice", "bob"]).await;
    let message = id(&centre.deposit("5100", &Call::from(CALLER)).await);
    (centre.agent("alice"), centre.agent("bob"), format!("5100/messages/{message}"))
}

async fn row(who: &Person) -> Value {
    who.get("5100/mwi").await.is(200).json()
}

async fn a_message_that_is_taken_says_by_whom_and_since_when_until_it_is_given_back(centre: Centre) {
    let (alice, bob, path) = shared(&centre).await;
    let taken = format!("{path}/taken");
    let before = alice.get(&path).await.is(200).json();
    assert_eq!(before["taken"], Value::Null);
    let (from, message) = (centre.now(), alice.put(&taken).await.is(200).json());
    let at = message["taken"]["at"].as_str().unwrap();
    assert!((from..=centre.now()).contains(&at.parse().unwrap()), "{at}");
    assert_eq!(message["taken"], json!({"by": "alice", "at": at}));
    let mut rest = message.clone();
    rest["taken"] = Value::Null;
    assert_eq!(rest, before, "nothing else changed");
    assert_eq!(bob.get(&path).await.is(200).json(), message);
    assert_eq!(bob.get("5100/messages").await.is(200).json()["messages"], json!([message]));
    assert_eq!(alice.put(&taken).await.is(200).json(), message, "repeating is harmless");
    assert_eq!(bob.delete(&taken).await.is(200).json(), before, "by anyone who may read the mailbox");
    assert_eq!(bob.delete(&taken).await.is(200).json(), before, "again");
    assert_eq!(bob.put(&taken).await.is(200).json()["taken"]["by"], "bob");
}

async fn what_another_has_taken_is_409_with_the_message_and_can_be_taken_over(centre: Centre) {
    let (alice, bob, path) = shared(&centre).await;
    let taken = format!("{path}/taken");
    let message = alice.put(&taken).await.is(200).json();
    for query in ["", "?over=0", "?over=", "?surprise=1"] {
        let answer = bob.put(&format!("{taken}{query}")).await;
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let problem = answer.refused(409, "taken");
        assert_eq!(problem["message"], message, "{query}");
    }
    assert_eq!(alice.get(&path).await.is(200).json(), message);
    let over = bob.put(&format!("{taken}?over=1")).await.is(200).json();
    assert_eq!(over["taken"]["by"], "bob");
    assert_eq!(alice.put(&taken).await.refused(409, "taken")["message"], over);
}

async fn only_what_new_or_old_shows_can_be_taken_or_given_back(centre: Centre) {
    let (alice, _, path) = shared(&centre).await;
    alice.delete(&path).await.is(200);
    let hidden = id(&centre.deposit("5100", &Call::from("030 1234567")).await);
    let forget = json!({"caseid": "1", "consumers": ["030 1234567"]});
    centre.privacy().post("/v1/gdpr/forgetme").json(forget).await.is(202);
    for path in [
        path,
        format!("5100/messages/{hidden}"),
        format!("5100/messages/{NOBODYS}"),
        "5100/messages/x".into(),
    ] {
        for query in ["", "?over=1"] {
            alice.put(&format!("{path}/taken{query}")).await.refused(404, "not-found");
        }
        alice.delete(&format!("{path}/taken")).await.refused(404, "not-found");
    }
    centre.agent("carol").put(&format!("5100/messages/{hidden}/taken")).await.refused(404, "not-found");
}

async fn a_taking_stays_through_read_delete_undo_forget_me_and_its_undo(centre: Centre) {
    let (alice, bob, path) = shared(&centre).await;
    let taken = alice.put(&format!("{path}/taken")).await.is(200).json()["taken"].clone();
    let shows = async |what: &str| {
        assert_eq!(bob.get(&path).await.is(200).json()["taken"], taken, "{what}");
    };
    assert_eq!(bob.put(&format!("{path}/read")).await.is(200).json()["taken"], taken);
    assert_eq!(bob.delete(&format!("{path}/read")).await.is(200).json()["taken"], taken);
    bob.delete(&path).await.is(200);
    shows("in the trash").await;
    let trash = bob.get("5100/messages?folder=trash").await.is(200).json();
    assert_eq!(trash["messages"][0]["taken"], taken);
    assert_eq!(bob.post(&format!("{path}/undo")).await.is(200).json()["taken"], taken);
    let dpo = centre.privacy();
    dpo.post("/v1/gdpr/forgetme").json(json!({"caseid": "1", "consumers": [CALLER]})).await.is(202);
    bob.get(&path).await.refused(404, "not-found");
    dpo.post("/v1/gdpr/undoforget").json(json!({"caseid": "1"})).await.is(200);
    shows("back again").await;
    assert_eq!(bob.put(&format!("{path}/taken")).await.refused(409, "taken")["message"]["taken"], taken);
}

async fn an_export_tells_that_a_message_is_taken_and_not_by_whom(centre: Centre) {
    let (alice, _, path) = shared(&centre).await;
    let taken = alice.put(&format!("{path}/taken")).await.is(200).json()["taken"].clone();
    let request = json!({"consumers": [CALLER]});
    let exported = centre.privacy().post("/v1/gdpr/exportme").json(request).await.is(200).json();
    let message = &exported["files"].as_object().unwrap().values().next().unwrap()["message"];
    assert_eq!(message["taken"], json!({"at": taken["at"]}));
}

async fn mwi_tells_the_oldest_new_message_how_many_are_taken_and_that_something_changed(centre: Centre) {
    let (alice, bob, path) = shared(&centre).await;
    let second = Call::new().with("received_at", centre.ago(3600)).with("call_id", "1");
    let oldest = centre.deposit("5100", &second).await;
    let first = row(&alice).await;
    assert_eq!((&first["oldest_new_at"], &first["new_taken"]), (&oldest["received_at"], &json!(0)));
    assert_eq!(first, row(&bob).await, "the same for all");
    let (digits, other) = (first["changed"].as_str().unwrap(), format!("5100/messages/{}", id(&oldest)));
    assert!(digits.len() == 16 && digits.bytes().all(|digit| b"0123456789abcdef".contains(&digit)));

    alice.put(&format!("{path}/taken")).await.is(200);
    let taken = row(&alice).await;
    assert_eq!((&taken["new"], &taken["new_taken"]), (&json!(2), &json!(1)));
    assert_ne!(taken["changed"], first["changed"]);
    alice.put(&format!("{other}/read")).await.is(200);
    let one_is_read = row(&alice).await;
    assert_ne!(one_is_read["oldest_new_at"], oldest["received_at"]);
    alice.delete(&format!("{other}/read")).await.is(200);
    alice.put(&format!("{path}/read")).await.is(200);
    let other_is_read = row(&alice).await;
    assert_eq!((&other_is_read["new"], &other_is_read["new_taken"]), (&json!(1), &json!(0)));
    assert_eq!(one_is_read["new"], other_is_read["new"]);
    assert_ne!(one_is_read["changed"], other_is_read["changed"], "another one is read");

    let tag = alice.get("5100/mwi").await.is(200).header("etag").to_owned();
    alice.get("5100/mwi").header("if-none-match", &tag).await.is(304);
    bob.put(&format!("{path}/taken?over=1")).await.is(200);
    alice.get("5100/mwi").header("if-none-match", &tag).await.is(200);
    let summary = async || {
        let answer =
            alice.get("5100/mwi").header("accept", "application/simple-message-summary").await.is(200);
        (answer.text().to_owned(), answer.header("etag").to_owned())
    };
    let before = summary().await;
    bob.delete(&format!("{path}/taken")).await.is(200);
    assert_eq!(summary().await, before, "RFC 3842 knows nothing of it");
}

tests::journeys![
    a_message_that_is_taken_says_by_whom_and_since_when_until_it_is_given_back,
    what_another_has_taken_is_409_with_the_message_and_can_be_taken_over,
    only_what_new_or_old_shows_can_be_taken_or_given_back,
    a_taking_stays_through_read_delete_undo_forget_me_and_its_undo,
    an_export_tells_that_a_message_is_taken_and_not_by_whom,
    mwi_tells_the_oldest_new_message_how_many_are_taken_and_that_something_changed,
];
