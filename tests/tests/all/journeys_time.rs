//! What time decides: retention, purges, and how soon a change is in force on another host.
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::time::Duration;

use serde_json::{Value, json};
use tests::http::{Call, Centre, id};

const DAY: Duration = Duration::from_hours(24);
/// How soon a change of membership, owner or settings is in force everywhere.
const IN_FORCE: Duration = Duration::from_secs(10);

fn swept(purged: u64, expired: u64) -> Value {
    json!({"purged": purged, "expired": expired, "orphans": 0, "failed": 0})
}

async fn a_message_over_its_retention_goes_to_the_trash_as_by_a_delete(centre: Centre) {
    centre.personal("5001", "alice").await;
    centre.settings("5001", json!({"retention_days": 2})).await;
    let message = centre.deposit("5001", &Call::new()).await;
    let path = format!("5001/messages/{}", id(&message));
    let alice = centre.agent("alice");
    let old = alice.put(&format!("{path}/read")).await.is(200).json();
    centre.pass(Duration::from_secs(2 * 24 * 3600 - 1));
    assert_eq!(centre.sweep().await, swept(0, 0), "a second early");
    centre.pass(Duration::from_secs(1));
    assert_eq!(centre.sweep().await, swept(0, 1));
    let trashed = alice.get(&path).await.is(200).json();
    assert_eq!(
        (&trashed["folder"], &trashed["purge_at"]),
        (&json!("trash"), &json!(centre.now().plus(DAY).to_string()))
    );
    assert_eq!(centre.counts("5001").await, [0; 4]);
    assert_eq!(alice.post(&format!("{path}/undo")).await.is(200).json(), old);
    assert_eq!(centre.sweep().await, swept(0, 1), "it is still over its retention");
    centre.pass(DAY);
    assert_eq!(centre.sweep().await, swept(1, 0));
    alice.post(&format!("{path}/undo")).await.refused(410, "gone");
    assert!(centre.recordings().is_empty());
}

async fn retention_counts_from_the_time_the_call_was_received(centre: Centre) {
    centre.personal("5001", "alice").await;
    centre.settings("5001", json!({"retention_days": 1})).await;
    let day = DAY.as_secs();
    for age in [day + 1, day, day - 1] {
        centre.deposit("5001", &Call::new().with("received_at", centre.ago(age))).await;
    }
    assert_eq!(centre.sweep().await, swept(0, 2));
    assert_eq!(centre.counts("5001").await, [1, 0, 0, 0]);
}

async fn a_shorter_retention_counts_for_messages_that_are_there_and_none_means_never(centre: Centre) {
    for mailbox in ["5001", "5002"] {
        centre.personal(mailbox, "alice").await;
        centre.deposit(mailbox, &Call::new()).await;
    }
    centre.pass(DAY * 400);
    assert_eq!(centre.sweep().await, swept(0, 0), "without a retention");
    centre.settings("5001", json!({"retention_days": 401})).await;
    assert_eq!(centre.sweep().await, swept(0, 0));
    centre.settings("5001", json!({"retention_days": 400})).await;
    assert_eq!(centre.sweep().await, swept(0, 1));
    assert_eq!((centre.counts("5001").await[0], centre.counts("5002").await[0]), (0, 1));
}

async fn the_messages_of_a_deleted_mailbox_are_purged_in_due_time(centre: Centre) {
    centre.personal("5001", "alice").await;
    let call = Call::new().with("call_id", "c1").with("received_at", centre.ago(60));
    centre.deposit("5001", &call).await;
    let trashed = id(&centre.deposit("5001", &Call::new()).await);
    centre.agent("alice").delete(&format!("5001/messages/{trashed}")).await.is(200);
    centre.admin().delete("5001").await.is(204);
    centre.personal("5001", "alice").await;
    let new = id(&centre.deposit("5001", &Call::new()).await);
    assert_eq!(centre.sweep().await["purged"], 0);
    // The mailbox's own turn comes once a day; its messages go with the deadlines of their own.
    for _ in 0..3 {
        centre.pass(DAY);
        centre.sweep().await;
        for _ in 0..288 {
            if centre.recordings().len() == 1 {
                break;
            }
            centre.pass(Duration::from_mins(5));
            centre.sweep().await;
        }
    }
    assert_eq!(centre.recordings().len(), 1, "only the new mailbox's");
    assert_eq!(centre.ids("5001", "").await, [new]);
    centre.platform().deposit("5001", &call).await.refused(410, "gone");
}

async fn a_sweep_is_of_the_principals_tenant_alone(centre: Centre) {
    let next_door = centre.neighbour();
    for centre in [&centre, &next_door] {
        centre.personal("5001", "alice").await;
        let message = id(&centre.deposit("5001", &Call::new()).await);
        centre.agent("alice").delete(&format!("5001/messages/{message}")).await.is(200);
    }
    centre.pass(DAY);
    assert_eq!(centre.sweep().await, swept(1, 0));
    assert_eq!(next_door.recordings().len(), 1);
    assert_eq!(next_door.sweep().await, swept(1, 0));
}

async fn a_trash_window_can_be_configured(_: Centre) {
    let centre = Centre::of(tests::http::Setting::new(1).with("VOICEMAIL_TRASH_WINDOW", "90m")).await;
    centre.personal("5001", "alice").await;
    let message = id(&centre.deposit("5001", &Call::new()).await);
    let deleted = centre.agent("alice").delete(&format!("5001/messages/{message}")).await.is(200).json();
    assert_eq!(deleted["purge_at"], centre.now().plus(Duration::from_mins(90)).to_string());
    centre.pass(Duration::from_mins(90));
    assert_eq!(centre.sweep().await, swept(1, 0));
}

async fn who_leaves_a_group_loses_its_mailbox_on_another_host_within_10_s(here: Centre) {
    here.group("5100", "sales", &["alice", "bob"]).await;
    let there = here.beside().await;
    there.agent("bob").get("5100/messages").await.is(200);
    there.agent("bob").get("/v1/mwi").await.is(200);
    here.members("sales", &["alice"]).await;
    here.pass(IN_FORCE);
    there.agent("bob").get("5100/messages").await.refused(404, "not-found");
    assert_eq!(there.agent("bob").get("/v1/mwi").await.is(200).json(), json!({"mailboxes": []}));
    there.agent("alice").get("5100/messages").await.is(200);
    here.admin().delete("/v1/groups/sales").await.is(204);
    here.pass(IN_FORCE);
    there.agent("alice").get("5100/messages").await.refused(404, "not-found");
}

async fn who_joins_a_group_sees_its_mailbox_on_another_host_within_10_s(here: Centre) {
    here.group("5100", "sales", &["alice"]).await;
    let there = here.beside().await;
    there.agent("bob").get("5100/messages").await.refused(404, "not-found");
    assert_eq!(there.agent("bob").get("/v1/mwi").await.is(200).json(), json!({"mailboxes": []}));
    here.members("sales", &["alice", "bob"]).await;
    here.pass(IN_FORCE);
    there.agent("bob").get("5100/messages").await.is(200);
    assert_eq!(there.agent("bob").get("/v1/mwi").await.is(200).json()["mailboxes"][0]["mailbox"], "5100");
}

async fn a_new_owner_is_in_force_on_another_host_within_10_s(here: Centre) {
    here.personal("5001", "alice").await;
    let there = here.beside().await;
    there.agent("alice").get("5001/messages").await.is(200);
    here.admin().put("5001").json(json!({"kind": "personal", "user": "bob"})).await.is(200);
    here.pass(IN_FORCE);
    there.agent("alice").get("5001/messages").await.refused(404, "not-found");
    there.agent("bob").get("5001/messages").await.is(200);
}

async fn settings_are_in_force_on_another_host_within_10_s(here: Centre) {
    here.personal("5001", "alice").await;
    let there = here.beside().await;
    there.deposit("5001", &Call::new()).await;
    here.settings("5001", json!({"max_messages": 1})).await;
    here.pass(IN_FORCE);
    there.platform().deposit("5001", &Call::new()).await.refused(409, "mailbox-full");
    here.settings("5001", json!({"max_messages": 2})).await;
    here.pass(IN_FORCE);
    there.deposit("5001", &Call::new()).await;
    for (enabled, status) in [(false, 409), (true, 201)] {
        let body =
            json!({"kind": "personal", "user": "alice", "enabled": enabled, "settings": {"max_messages": 9}});
        here.admin().put("5001").json(body).await.is(200);
        here.pass(IN_FORCE);
        there.platform().deposit("5001", &Call::new()).await.is(status);
    }
}

async fn a_deleted_mailbox_is_gone_on_another_host_within_10_s(here: Centre) {
    here.personal("5001", "alice").await;
    let there = here.beside().await;
    let message = id(&there.deposit("5001", &Call::new()).await);
    here.admin().delete("5001").await.is(204);
    here.pass(IN_FORCE);
    there.agent("alice").get("5001").await.refused(404, "not-found");
    there.agent("alice").get(&format!("5001/messages/{message}/audio")).await.refused(404, "not-found");
    there.platform().deposit("5001", &Call::new()).await.refused(404, "not-found");
    here.personal("5001", "alice").await;
    there.agent("alice").get("5001").await.is(200);
    assert_eq!(there.counts("5001").await, [0; 4], "a 404 is never answered from memory");
}

async fn messages_are_seen_on_another_host_at_once(here: Centre) {
    here.personal("5001", "alice").await;
    let there = here.beside().await;
    let call = Call::new().with("call_id", "c1").with("received_at", here.ago(60));
    let message = here.deposit("5001", &call).await;
    assert_eq!(there.platform().deposit("5001", &call).await.is(200).json(), message);
    let path = format!("5001/messages/{}", id(&message));
    for (one, other) in [(&here, &there), (&there, &here)] {
        one.agent("alice").put(&format!("{path}/read")).await.is(200);
        assert_eq!(other.counts("5001").await, [0, 1, 0, 0]);
        one.agent("alice").delete(&path).await.is(200);
        assert_eq!(other.counts("5001").await, [0; 4]);
        other.agent("alice").post(&format!("{path}/undo")).await.is(200);
        assert_eq!(one.ids("5001", "old").await, [id(&message)]);
        other.agent("alice").delete(&format!("{path}/read")).await.is(200);
        assert_eq!(one.counts("5001").await, [1, 0, 0, 0]);
    }
    here.agent("alice").delete(&path).await.is(200);
    here.pass(DAY);
    assert_eq!(there.sweep().await, swept(1, 0));
    here.agent("alice").post(&format!("{path}/undo")).await.refused(410, "gone");
}

tests::journeys_in_time![
    a_message_over_its_retention_goes_to_the_trash_as_by_a_delete,
    retention_counts_from_the_time_the_call_was_received,
    a_shorter_retention_counts_for_messages_that_are_there_and_none_means_never,
    the_messages_of_a_deleted_mailbox_are_purged_in_due_time,
    a_sweep_is_of_the_principals_tenant_alone,
    a_trash_window_can_be_configured,
    who_leaves_a_group_loses_its_mailbox_on_another_host_within_10_s,
    who_joins_a_group_sees_its_mailbox_on_another_host_within_10_s,
    a_new_owner_is_in_force_on_another_host_within_10_s,
    settings_are_in_force_on_another_host_within_10_s,
    a_deleted_mailbox_is_gone_on_another_host_within_10_s,
    messages_are_seen_on_another_host_at_once,
];
