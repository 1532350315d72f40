//! The same call deposited again: one message, whatever else comes the second time.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::time::Duration;

use serde_json::{Value, json};
use tests::http::{Call, Centre, id, wav};

const HOUR: Duration = Duration::from_hours(1);

/// A call that a platform names.
fn named(centre: &Centre, call_id: &str) -> Call {
    Call::from("+49301234567").with("received_at", centre.ago(60)).with("call_id", call_id)
}

/// A repeat of the call is answered 200 with this message, as headers and as a form.
async fn is_repeated(centre: &Centre, call: &Call, message: &Value) {
    let platform = centre.platform();
    for answer in [platform.deposit("5001", call).await, platform.deposit_form("5001", call).await] {
        let answer = answer.is(200);
        assert_eq!(answer.json(), *message);
        assert!(!answer.has("location"));
    }
}

async fn a_repeat_is_200_with_the_same_message_whatever_else_comes(centre: Centre) {
    centre.personal("5001", "alice").await;
    let call = named(&centre, "call-1");
    let message = centre.deposit("5001", &call).await;
    is_repeated(&centre, &call, &message).await;
    let other_facts =
        call.clone().with("caller_id", "+4989999").with("urgent", true).with("caller_name", "Eve");
    is_repeated(&centre, &other_facts, &message).await;
    is_repeated(&centre, &call.clone().audio(wav(2000)), &message).await;
    is_repeated(&centre, &call.clone().audio("no audio"), &message).await;
    is_repeated(&centre, &call.clone().audio(wav(1000).slice(..100)), &message).await;
    is_repeated(&centre, &call.clone().audio(""), &message).await;
    assert_eq!(centre.counts("5001").await, [1, 0, 0, 0]);
    assert_eq!(centre.recordings().len(), 1, "a repeat leaves no recording");
    let played = centre.agent("alice").get(&format!("5001/messages/{}/audio", id(&message))).await.is(200);
    assert_eq!(played.body, *call.bytes());
}

async fn a_repeat_of_a_call_too_large_for_the_mailbox_is_200(centre: Centre) {
    centre.personal("5001", "alice").await;
    let call = named(&centre, "call-1");
    let message = centre.deposit("5001", &call).await;
    centre.settings("5001", json!({"max_message_seconds": 1})).await;
    let answer = centre.platform().deposit("5001", &call.clone().audio(vec![0; 1 << 20])).await.is(200);
    assert_eq!(answer.json(), message);
    is_repeated(&centre, &call.audio(wav(1001)), &message).await;
}

async fn a_repeat_as_a_form_too_large_for_the_mailbox_is_200(centre: Centre) {
    centre.personal("5001", "alice").await;
    let call = named(&centre, "call-1");
    let message = centre.deposit("5001", &call).await;
    centre.settings("5001", json!({"max_message_seconds": 1})).await;
    let answer = centre.platform().deposit_form("5001", &call.audio(vec![0; 1 << 20])).await.is(200);
    assert_eq!(answer.json(), message);
}

async fn another_call_id_another_time_or_another_mailbox_is_another_message(centre: Centre) {
    centre.personal("5001", "alice").await;
    centre.personal("5002", "bob").await;
    let call = named(&centre, "call-1");
    let others = [call.clone().with("call_id", "call-2"), call.clone().with("received_at", centre.ago(61))];
    let mut ids = vec![id(&centre.deposit("5001", &call).await), id(&centre.deposit("5002", &call).await)];
    for other in &others {
        ids.push(id(&centre.deposit("5001", other).await));
    }
    let next_door = centre.neighbour();
    next_door.personal("5001", "alice").await;
    ids.push(id(&next_door.deposit("5001", &call).await));
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5);
}

async fn a_repeat_is_answered_from_the_old_folder_and_from_the_trash(centre: Centre) {
    centre.personal("5001", "alice").await;
    let call = named(&centre, "call-1");
    let message = id(&centre.deposit("5001", &call).await);
    let alice = centre.agent("alice");
    let old = alice.put(&format!("5001/messages/{message}/read")).await.is(200).json();
    is_repeated(&centre, &call, &old).await;
    alice.delete(&format!("5001/messages/{message}")).await.is(200);
    let trashed = alice.get(&format!("5001/messages/{message}")).await.is(200).json();
    assert_eq!(trashed["folder"], "trash");
    is_repeated(&centre, &call, &trashed).await;
    assert_eq!(centre.counts("5001").await, [0; 4], "a repeat brings nothing back");
}

async fn a_repeat_is_answered_where_the_mailbox_is_full_or_disabled_by_now(centre: Centre) {
    centre.personal("5001", "alice").await;
    let call = named(&centre, "call-1");
    let message = centre.deposit("5001", &call).await;
    centre.settings("5001", json!({"max_messages": 1})).await;
    is_repeated(&centre, &call, &message).await;
    let disabled = json!({"kind": "personal", "user": "alice", "enabled": false});
    centre.admin().put("5001").json(disabled).await.is(200);
    is_repeated(&centre, &call, &message).await;
    is_repeated(&centre, &call.audio("no audio"), &message).await;
}

async fn a_repeat_of_what_a_deleted_mailbox_held_is_410_also_when_it_is_made_again(centre: Centre) {
    centre.personal("5001", "alice").await;
    let call = named(&centre, "call-1");
    centre.deposit("5001", &call).await;
    centre.admin().delete("5001").await.is(204);
    centre.platform().deposit("5001", &call).await.refused(410, "gone");
    centre.platform().deposit("5001", &named(&centre, "call-2")).await.refused(404, "not-found");
    centre.personal("5001", "alice").await;
    let gone = centre.platform().deposit("5001", &call).await.refused(410, "gone");
    assert!(!gone.to_string().contains("49301234567"), "nothing is shown: {gone}");
    assert_eq!(centre.counts("5001").await, [0; 4]);
    centre.deposit("5001", &named(&centre, "call-2")).await;
}

async fn a_call_id_without_a_received_at_is_400(centre: Centre) {
    centre.personal("5001", "alice").await;
    let call = Call::new().with("call_id", "call-1");
    assert_eq!(centre.platform().deposit("5001", &call).await.faults(), ["received_at"]);
    assert_eq!(centre.platform().deposit_form("5001", &call).await.faults(), ["received_at"]);
    assert!(centre.recordings().is_empty());
}

async fn a_call_id_has_up_to_256_characters(centre: Centre) {
    centre.personal("5001", "alice").await;
    let longest = named(&centre, &"ü".repeat(256));
    let message = centre.platform().deposit_form("5001", &longest).await.is(201).json();
    assert_eq!(centre.platform().deposit("5001", &longest).await.is(200).json()["id"], message["id"]);
    let too_long = named(&centre, &"c".repeat(257));
    assert_eq!(centre.platform().deposit("5001", &too_long).await.faults(), ["call_id"]);
}

async fn of_deposits_of_one_call_at_the_same_time_one_is_201_and_the_others_200(centre: Centre) {
    centre.personal("5001", "alice").await;
    let call = named(&centre, "call-1");
    let platform = centre.platform();
    let answers =
        futures::future::join_all((0..8).map(|_| async { platform.deposit("5001", &call).await })).await;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 200, 200, 201]);
    assert!(answers.iter().all(|answer| id(&answer.json()) == id(&answers.first().unwrap().json())));
    assert_eq!(centre.counts("5001").await, [1, 0, 0, 0]);
    assert_eq!(centre.recordings().len(), 1);
}

async fn a_call_taken_by_a_clock_ahead_is_stored_as_now_and_its_repeat_has_the_same_id(centre: Centre) {
    centre.personal("5001", "alice").await;
    let ahead = centre.now().plus(Duration::from_mins(5)).to_string();
    let call = Call::new().with("received_at", ahead).with("call_id", "call-1");
    let now = centre.now();
    let message = centre.deposit("5001", &call).await;
    assert_eq!(message["received_at"], now.to_string());
    centre.pass(HOUR);
    is_repeated(&centre, &call, &message).await;
}

async fn a_repeat_of_a_purged_call_is_410_for_30_days(centre: Centre) {
    centre.personal("5001", "alice").await;
    let call = named(&centre, "call-1");
    let message = id(&centre.deposit("5001", &call).await);
    centre.agent("alice").delete(&format!("5001/messages/{message}")).await.is(200);
    centre.pass(HOUR * 24);
    assert_eq!(centre.sweep().await["purged"], 1);
    assert!(centre.recordings().is_empty());
    centre.platform().deposit("5001", &call).await.refused(410, "gone");
    centre.pass(HOUR * 24 * 29);
    for _ in 0..3 {
        centre.sweep().await;
        centre.pass(Duration::from_mins(5));
    }
    centre.platform().deposit("5001", &call).await.refused(410, "gone");
    centre.platform().deposit_form("5001", &call.audio("no audio")).await.refused(410, "gone");
    assert!(centre.recordings().is_empty());
}

tests::journeys![
    a_repeat_of_a_call_too_large_for_the_mailbox_is_200,
    a_repeat_as_a_form_too_large_for_the_mailbox_is_200,
    another_call_id_another_time_or_another_mailbox_is_another_message,
    a_repeat_is_answered_from_the_old_folder_and_from_the_trash,
    a_repeat_is_answered_where_the_mailbox_is_full_or_disabled_by_now,
    a_repeat_of_what_a_deleted_mailbox_held_is_410_also_when_it_is_made_again,
    a_call_id_has_up_to_256_characters;
    on files:
    a_repeat_is_200_with_the_same_message_whatever_else_comes,
    a_call_id_without_a_received_at_is_400,
    of_deposits_of_one_call_at_the_same_time_one_is_201_and_the_others_200,
];

tests::journeys_in_time![
    a_call_taken_by_a_clock_ahead_is_stored_as_now_and_its_repeat_has_the_same_id,
    a_repeat_of_a_purged_call_is_410_for_30_days,
];
