//! Mark read, delete, undo: what becomes of a message, one at a time and in bulk, and what MWI says right after.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::time::Duration;

use serde_json::{Value, json};
use tests::http::{Call, Centre, Person, id};

const DAY: Duration = Duration::from_hours(24);
/// An id that no message has.
const NOBODYS: &str = "0198b2f0-5a10-7c3e-8f11-2a4b6c8d0e1f";

/// A centre with so many messages of Alice: her, and their ids.
async fn messages(centre: &Centre, count: usize) -> (Person, Vec<String>) {
    centre.personal("5001", "alice").await;
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(id(&centre.deposit("5001", &Call::new()).await));
    }
    (centre.agent("alice"), ids)
}

/// A message as it is shown.
async fn look(who: &Person, message: &str) -> Value {
    who.get(&format!("5001/messages/{message}")).await.is(200).json()
}

async fn a_message_marked_read_is_old_and_says_who_was_first_and_when(centre: Centre) {
    let (alice, ids) = messages(&centre, 1).await;
    let read = format!("5001/messages/{}/read", ids[0]);
    let before = centre.now();
    let old = alice.put(&read).await.is(200).json();
    assert_eq!((&old["folder"], &old["read_by"]), (&json!("old"), &json!("alice")));
    let read_at = old["read_at"].as_str().unwrap();
    assert!(
        (before..=centre.now()).contains(&read_at.parse().unwrap()) && read_at.ends_with('Z'),
        "{read_at}"
    );
    assert_eq!(look(&alice, &ids[0]).await, old);
    assert_eq!(alice.put(&read).await.is(200).json(), old, "repeating is harmless");
    assert_eq!(centre.admin().put(&read).await.is(200).json(), old, "whoever was first stays");
    assert_eq!(centre.counts("5001").await, [0, 1, 0, 0]);
}

async fn a_message_marked_unread_is_new_again(centre: Centre) {
    let (alice, ids) = messages(&centre, 1).await;
    let read = format!("5001/messages/{}/read", ids[0]);
    let new = look(&alice, &ids[0]).await;
    assert_eq!(alice.delete(&read).await.is(200).json(), new, "of what is new it changes nothing");
    alice.put(&read).await.is(200);
    assert_eq!(alice.delete(&read).await.is(200).json(), new);
    assert_eq!(alice.delete(&read).await.is(200).json(), new);
    assert_eq!(centre.counts("5001").await, [1, 0, 0, 0]);
    assert_eq!(centre.admin().put(&read).await.is(200).json()["read_by"], "admin", "the mark was taken off");
}

async fn marking_or_deleting_what_is_not_there_is_404(centre: Centre) {
    let (alice, ids) = messages(&centre, 1).await;
    centre.personal("5002", "alice").await;
    for (mailbox, message) in [("5001", NOBODYS), ("5001", "nothing"), ("5002", &ids[0]), ("5003", &ids[0])] {
        let path = format!("{mailbox}/messages/{message}");
        alice.put(&format!("{path}/read")).await.refused(404, "not-found");
        alice.delete(&format!("{path}/read")).await.refused(404, "not-found");
        alice.delete(&path).await.refused(404, "not-found");
        alice.post(&format!("{path}/undo")).await.refused(404, "not-found");
    }
}

async fn many_are_marked_at_once_and_each_says_what_became_of_it(centre: Centre) {
    let (alice, ids) = messages(&centre, 3).await;
    let bulk = json!({"ids": [ids[0], NOBODYS, ids[1], "nothing", ids[0], "nothing"], "read": true});
    let answer = alice.post("5001/messages/read").json(bulk).await.is(200).json();
    let expected = json!({
        "succeeded": [ids[0], ids[1]],
        "failed": [{"id": NOBODYS, "code": "not-found"}, {"id": "nothing", "code": "not-found"}],
    });
    assert_eq!(answer, expected, "repeats count once");
    assert_eq!(centre.counts("5001").await, [1, 2, 0, 0]);
    let unread = json!({"ids": [ids[0], ids[2]], "read": false, "surprise": 1});
    let answer = alice.post("5001/messages/read").json(unread).await.is(200).json();
    assert_eq!(answer, json!({"succeeded": [ids[0], ids[2]], "failed": []}));
    assert_eq!(centre.counts("5001").await, [2, 1, 0, 0]);
}

async fn many_are_deleted_at_once(centre: Centre) {
    let (alice, ids) = messages(&centre, 3).await;
    let bulk = json!({"ids": [ids[0], ids[2], "nothing", ids[2]]});
    let answer = alice.post("5001/messages/delete").json(bulk.clone()).await.is(200).json();
    let expected = json!({"succeeded": [ids[0], ids[2]], "failed": [{"id": "nothing", "code": "not-found"}]});
    assert_eq!(answer, expected);
    assert_eq!(alice.post("5001/messages/delete").json(bulk).await.is(200).json(), expected, "as a repeat");
    assert_eq!(centre.counts("5001").await, [1, 0, 0, 0]);
    let (mut trashed, mut deleted) = (centre.ids("5001", "trash").await, [ids[0].clone(), ids[2].clone()]);
    trashed.sort();
    deleted.sort();
    assert_eq!(trashed, deleted);
}

async fn a_bulk_of_none_or_of_more_than_100_is_400(centre: Centre) {
    let (alice, ids) = messages(&centre, 1).await;
    for route in ["read", "delete"] {
        let path = format!("5001/messages/{route}");
        for count in [0, 101] {
            let body = json!({"ids": vec![ids[0].clone(); count], "read": true});
            assert_eq!(alice.post(&path).json(body).await.faults(), ["ids"], "{count}");
        }
        for bad in [
            json!({}),
            json!({"ids": "x"}),
            json!({"ids": [7]}),
            json!([]),
            json!({"ids": [], "read": "yes"}),
        ] {
            alice.post(&path).json(bad).await.refused(400, "bad-request");
        }
        alice.post(&path).body("application/json", "{").await.refused(400, "bad-request");
    }
    let huge = json!({"ids": [ids[0]], "surprise": "x".repeat(2 << 20)});
    alice.post("5001/messages/delete").json(huge).await.refused(413, "too-large");
    assert_eq!(centre.counts("5001").await, [1, 0, 0, 0]);
    let hundred: Vec<_> = (0..99).map(|n| n.to_string()).chain([ids[0].clone()]).collect();
    let answer = alice.post("5001/messages/delete").json(json!({"ids": hundred})).await.is(200).json();
    assert_eq!(answer["succeeded"], json!([ids[0]]));
    assert_eq!(answer["failed"].as_array().unwrap().len(), 99);
}

async fn a_deleted_message_leaves_for_the_trash_at_once_and_undo_brings_it_back_as_it_was(centre: Centre) {
    centre.personal("5001", "alice").await;
    let alice = centre.agent("alice");
    let new = centre.deposit("5001", &Call::new().with("urgent", true)).await;
    let old = id(&centre.deposit("5001", &Call::new()).await);
    let old = alice.put(&format!("5001/messages/{old}/read")).await.is(200).json();
    for (before, left) in [(&new, [0, 1, 0, 0]), (&old, [1, 0, 1, 0])] {
        let path = format!("5001/messages/{}", id(before));
        let deleted = alice.delete(&path).await.is(200).json();
        assert_eq!(centre.counts("5001").await, left);
        assert_eq!(deleted.as_object().unwrap().len(), 2, "{deleted}");
        assert_eq!(id(&deleted), id(before));
        let trashed = look(&alice, &id(before)).await;
        assert_eq!((&trashed["folder"], &trashed["purge_at"]), (&json!("trash"), &deleted["purge_at"]));
        assert_eq!(trashed["read_at"], before["read_at"], "the mark stays");
        assert_eq!(centre.ids("5001", "trash").await, [id(before)]);
        assert_eq!(alice.post(&format!("{path}/undo")).await.is(200).json(), *before);
        assert_eq!(look(&alice, &id(before)).await, *before);
        assert_eq!(centre.counts("5001").await, [1, 1, 1, 0]);
        assert!(centre.ids("5001", "trash").await.is_empty());
    }
}

async fn a_repeated_delete_answers_the_same_and_so_does_a_repeated_undo(centre: Centre) {
    let (alice, ids) = messages(&centre, 1).await;
    let path = format!("5001/messages/{}", ids[0]);
    let new = look(&alice, &ids[0]).await;
    assert_eq!(alice.post(&format!("{path}/undo")).await.is(200).json(), new, "of what was never deleted");
    let deleted = alice.delete(&path).await.is(200).json();
    assert_eq!(alice.delete(&path).await.is(200).json(), deleted);
    for _ in 0..2 {
        assert_eq!(alice.post(&format!("{path}/undo")).await.is(200).json(), new);
    }
    alice.delete(&path).await.is(200);
    assert_eq!(look(&alice, &ids[0]).await["folder"], "trash", "deleted again after an undo");
}

async fn of_many_who_delete_and_undo_at_once_nobody_loses_the_message(centre: Centre) {
    let (alice, ids) = messages(&centre, 1).await;
    let path = format!("5001/messages/{}", ids[0]);
    let storm = (0..12).map(|turn| {
        let (alice, path) = (&alice, &path);
        async move {
            match turn % 3 {
                0 => alice.delete(path).await.is(200),
                1 => alice.post(&format!("{path}/undo")).await.is(200),
                _ => alice.get(&format!("{path}/audio")).await.is(200),
            }
        }
    });
    futures::future::join_all(storm).await;
    alice.post(&format!("{path}/undo")).await.is(200);
    assert_eq!(centre.counts("5001").await, [1, 0, 0, 0]);
    assert_eq!(centre.recordings().len(), 1);
}

async fn purge_at_is_the_trash_window_after_the_first_delete_and_never_moves(centre: Centre) {
    let (alice, ids) = messages(&centre, 1).await;
    let path = format!("5001/messages/{}", ids[0]);
    let purge_at = centre.now().plus(DAY).to_string();
    let deleted = json!({"id": ids[0], "purge_at": purge_at});
    assert_eq!(alice.delete(&path).await.is(200).json(), deleted);
    centre.pass(Duration::from_hours(5));
    assert_eq!(alice.delete(&path).await.is(200).json(), deleted);
    assert_eq!(look(&alice, &ids[0]).await["purge_at"], deleted["purge_at"]);
    alice.post(&format!("{path}/undo")).await.is(200);
    let again = alice.delete(&path).await.is(200).json();
    assert_eq!(again["purge_at"], centre.now().plus(DAY).to_string(), "an undo ends the deadline");
}

async fn an_undo_works_until_the_purge_and_is_410_afterwards(centre: Centre) {
    let (alice, ids) = messages(&centre, 2).await;
    let undo = |message: &str| alice.post(&format!("5001/messages/{message}/undo"));
    for message in &ids {
        alice.delete(&format!("5001/messages/{message}")).await.is(200);
    }
    centre.pass(Duration::from_secs(24 * 3600 - 1));
    let swept = json!({"purged": 0, "expired": 0, "orphans": 0, "failed": 0});
    assert_eq!(centre.sweep().await, swept, "a second early");
    undo(&ids[0]).await.is(200);
    centre.pass(Duration::from_secs(1));
    assert_eq!(centre.sweep().await["purged"], 1);
    undo(&ids[1]).await.refused(410, "gone");
    undo(&ids[0]).await.is(200);
    for (method, path) in
        [("get", ""), ("delete", ""), ("get", "/audio"), ("put", "/read"), ("delete", "/read")]
    {
        let path = format!("5001/messages/{}{path}", ids[1]);
        let ask = match method {
            "get" => alice.get(&path),
            "put" => alice.put(&path),
            _ => alice.delete(&path),
        };
        ask.await.refused(404, "not-found");
    }
    let bulk = alice.post("5001/messages/delete").json(json!({"ids": [ids[1]]})).await.is(200).json();
    assert_eq!(bulk["failed"], json!([{"id": ids[1], "code": "not-found"}]));
    assert!(centre.ids("5001", "trash").await.is_empty());
    assert_eq!(centre.counts("5001").await, [1, 0, 0, 0]);
    assert_eq!(centre.recordings().len(), 1);
    assert_eq!(centre.sweep().await, swept, "a second sweep finds nothing to do");
}

async fn a_sweep_does_not_purge_what_an_undo_brought_back(centre: Centre) {
    let (alice, ids) = messages(&centre, 1).await;
    let path = format!("5001/messages/{}", ids[0]);
    alice.delete(&path).await.is(200);
    alice.post(&format!("{path}/undo")).await.is(200);
    centre.pass(DAY * 2);
    assert_eq!(centre.sweep().await["purged"], 0);
    alice.delete(&path).await.is(200);
    centre.pass(DAY / 2);
    assert_eq!(centre.sweep().await["purged"], 0, "the deadline of the second delete counts");
    alice.get(&format!("{path}/audio")).await.is(200);
}

tests::journeys![
    a_message_marked_read_is_old_and_says_who_was_first_and_when,
    a_message_marked_unread_is_new_again,
    marking_or_deleting_what_is_not_there_is_404,
    many_are_marked_at_once_and_each_says_what_became_of_it,
    many_are_deleted_at_once,
    a_bulk_of_none_or_of_more_than_100_is_400,
    a_deleted_message_leaves_for_the_trash_at_once_and_undo_brings_it_back_as_it_was,
    a_repeated_delete_answers_the_same_and_so_does_a_repeated_undo;
    on files:
    of_many_who_delete_and_undo_at_once_nobody_loses_the_message,
];

tests::journeys_in_time![
    purge_at_is_the_trash_window_after_the_first_delete_and_never_moves,
    an_undo_works_until_the_purge_and_is_410_afterwards,
    a_sweep_does_not_purge_what_an_undo_brought_back,
];
