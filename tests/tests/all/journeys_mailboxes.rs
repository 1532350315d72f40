//! Mailboxes and groups, as an administrator provisions them.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use tests::http::{Call, Centre, id};

/// What a tenant's mailboxes start with in these tests.
fn defaults() -> Value {
    json!({"max_messages": 40, "max_message_seconds": 180, "retention_days": null,
        "time_zone": "Europe/Berlin", "language": "de"})
}

async fn a_mailbox_is_made_with_201_and_replaced_with_200_and_answered_as_it_is(centre: Centre) {
    let admin = centre.admin();
    let whole = json!({"id": "5001", "kind": "personal", "user": "alice", "name": "Alice Ä.", "enabled": true,
        "settings": {"max_messages": 100, "max_message_seconds": 3600, "retention_days": 30,
            "time_zone": "America/New_York", "language": "en-US"}});
    let made = admin.put("5001").json(whole.clone()).await.is(201);
    assert_eq!(made.json(), whole);
    let shown = admin.get("5001").await.is(200);
    assert_eq!((shown.json(), shown.header("etag")), (whole.clone(), made.header("etag")));
    let other = json!({"id": "5001", "kind": "personal", "user": "bob", "name": "Bob", "enabled": false,
        "settings": defaults()});
    let replaced = admin.put("5001").json(other.clone()).await.is(200);
    assert_eq!(replaced.json(), other);
    assert_ne!(replaced.header("etag"), made.header("etag"));
    assert_eq!(admin.get("5001").await.is(200).json(), other);
}

async fn what_is_left_out_is_the_id_true_and_the_tenants_defaults(centre: Centre) {
    let admin = centre.admin();
    let expected = json!({"id": "5001", "kind": "personal", "user": "alice", "name": "5001", "enabled": true,
        "settings": defaults()});
    let least = json!({"kind": "personal", "user": "alice", "surprise": {"x": 1}});
    assert_eq!(admin.put("5001").json(least.clone()).await.is(201).json(), expected);
    let some =
        json!({"kind": "personal", "user": "alice", "settings": {"max_messages": 7, "retention_days": 1}});
    let settings = admin.put("5001").json(some).await.is(200).json()["settings"].clone();
    assert_eq!((&settings["max_messages"], &settings["retention_days"]), (&json!(7), &json!(1)));
    assert_eq!(settings["time_zone"], "Europe/Berlin");
    assert_eq!(admin.put("5001").json(least).await.is(200).json(), expected, "a put replaces the whole");
}

async fn a_group_mailbox_names_its_group_in_place_of_a_user(centre: Centre) {
    let body = json!({"kind": "group", "group": "sales", "name": "Sales"});
    let made = centre.admin().put("5100").json(body).await.is(201).json();
    assert_eq!((&made["kind"], &made["group"], made.get("user")), (&json!("group"), &json!("sales"), None));
}

async fn the_kind_cannot_change(centre: Centre) {
    centre.personal("5001", "alice").await;
    let group = json!({"kind": "group", "group": "sales"});
    centre.admin().put("5001").json(group.clone()).await.refused(409, "kind-fixed");
    assert_eq!(centre.admin().get("5001").await.is(200).json()["kind"], "personal");
    centre.admin().delete("5001").await.is(204);
    centre.admin().put("5001").json(group).await.is(201);
}

async fn what_is_out_of_range_is_400_and_named(centre: Centre) {
    let admin = centre.admin();
    let put = |settings: Value| {
        admin.put("5001").json(json!({"kind": "personal", "user": "alice", "settings": settings}))
    };
    for (name, bad) in [
        ("max_messages", json!([0, 100_001, -1, 1.5, "7"])),
        ("max_message_seconds", json!([0, 3601, -1])),
        ("retention_days", json!([0, 3651, -1])),
        ("time_zone", json!(["Mars/Base", "", 7])),
        ("language", json!(["", "?"])),
    ] {
        for bad in bad.as_array().unwrap() {
            assert_eq!(put(json!({ name: bad })).await.faults(), [format!("settings.{name}")], "{bad}");
        }
    }
    let mut all = put(json!({"max_messages": 0, "retention_days": 0})).await.faults();
    all.sort();
    assert_eq!(all, ["settings.max_messages", "settings.retention_days"], "all at once");
    admin.get("5001").await.refused(404, "not-found");
    for good in [
        json!({"max_messages": 1, "max_message_seconds": 1, "retention_days": 1}),
        json!({"max_messages": 100_000, "max_message_seconds": 3600, "retention_days": 3650}),
        json!({"retention_days": null}),
    ] {
        let settings = put(good.clone()).await.json()["settings"].clone();
        assert!(good.as_object().unwrap().iter().all(|(name, value)| settings[name] == *value), "{settings}");
    }
}

async fn a_body_that_is_not_a_mailbox_is_400_and_says_where(centre: Centre) {
    let admin = centre.admin();
    for (body, place) in [
        (json!({"kind": "personal"}), "user"),
        (json!({"kind": "group", "user": "alice"}), "group"),
        (json!({"kind": "personal", "user": "../x"}), "user"),
        (json!({"kind": "shared", "user": "alice"}), "kind"),
        (json!({"id": "5002", "kind": "personal", "user": "alice"}), "id"),
        (json!({"kind": "personal", "user": "alice", "enabled": "yes"}), "enabled"),
    ] {
        assert_eq!(admin.put("5001").json(body).await.faults(), [place]);
    }
    for text in ["", "{", "[]", "null", "{\"kind\":\"personal\",\"user\":\"alice\"} x"] {
        admin.put("5001").body("application/json", text).await.refused(400, "bad-request");
    }
    assert_eq!(admin.get("/v1/mailboxes").await.is(200).json(), json!({"mailboxes": []}));
}

async fn an_id_has_1_to_64_plain_characters_and_leading_zeros_count(centre: Centre) {
    let admin = centre.admin();
    let body = json!({"kind": "personal", "user": "Alice.B_c-9"});
    for bad in [".x", "..", "a%20b", "a%2Fb", "%C3%A4", "a%00", "*", &"x".repeat(65)] {
        let refused = admin.put(bad).json(body.clone()).await;
        assert!(matches!(refused.status, 400 | 404), "{bad}: {refused:?}");
        admin.get(bad).await.refused(404, "not-found");
        admin.delete(bad).await.refused(404, "not-found");
    }
    let good = ["500", "0500", "00500", "A", "a", "9.9_-", &"x".repeat(64)];
    for good in good {
        assert_eq!(admin.put(good).json(body.clone()).await.is(201).json()["id"], good);
    }
    let listed = admin.get("/v1/mailboxes").await.is(200).json();
    let ids: Vec<_> = listed["mailboxes"].as_array().unwrap().iter().map(id).collect();
    let mut sorted = good.to_vec();
    sorted.sort_unstable();
    assert_eq!(ids, sorted);
}

async fn conditions_are_honoured(centre: Centre) {
    let admin = centre.admin();
    let body = json!({"kind": "personal", "user": "alice"});
    let put = || admin.put("5001").json(body.clone());
    put().header("if-match", "\"1\"").await.refused(412, "etag-mismatch");
    put().header("if-match", "*").await.refused(412, "etag-mismatch");
    let first = put().header("if-none-match", "*").await.is(201).header("etag").to_owned();
    put().header("if-none-match", "*").await.refused(412, "etag-mismatch");
    admin.get("5001").header("if-none-match", &first).await.is(304);
    let second = put().header("if-match", &first).await.is(200).header("etag").to_owned();
    put().header("if-match", &first).await.refused(412, "etag-mismatch");
    admin.delete("5001").header("if-match", &first).await.refused(412, "etag-mismatch");
    admin.get("5001").header("if-none-match", &first).await.is(200);
    put().header("if-match", format!("{first}, {second}")).await.is(200);
    put().header("if-match", "*").await.is(200);
    for path in ["5001", "/v1/groups/sales"] {
        let broken = admin.put(path).body("application/json", "{").header("if-match", "\"0\"").await;
        broken.refused(412, "etag-mismatch");
        admin.put(path).body("application/json", "{").await.refused(400, "bad-request");
    }
    let last = admin.get("5001").await.is(200).header("etag").to_owned();
    admin.delete("5001").header("if-match", last).await.is(204);
}

async fn of_writes_at_once_under_one_version_one_wins(centre: Centre) {
    centre.personal("5001", "alice").await;
    let admin = centre.admin();
    let tag = admin.get("5001").await.is(200).header("etag").to_owned();
    let writes = (0..6).map(|n| {
        let body = json!({"kind": "personal", "user": "alice", "name": n.to_string()});
        let ask = admin.put("5001").header("if-match", &tag).json(body);
        async { ask.await }
    });
    let answers = futures::future::join_all(writes).await;
    let won: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(won.len(), 1);
    assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 412)));
    assert_eq!(admin.get("5001").await.is(200).json(), won[0].json());
}

async fn a_deleted_mailbox_is_404_everywhere_and_made_again_starts_empty(centre: Centre) {
    centre.personal("5001", "alice").await;
    let (alice, admin) = (centre.agent("alice"), centre.admin());
    let (message, trashed) =
        (centre.deposit("5001", &Call::new()).await, centre.deposit("5001", &Call::new()).await);
    let (message, trashed) =
        (format!("5001/messages/{}", id(&message)), format!("5001/messages/{}", id(&trashed)));
    alice.delete(&trashed).await.is(200);
    let link = alice.get(&format!("{message}/audio?link=1")).await.is(200).json()["url"]
        .as_str()
        .unwrap()
        .to_owned();
    let gone = admin.delete("5001").await.is(204);
    assert!(gone.body.is_empty());
    for again in [false, true] {
        for who in [&alice, &admin] {
            if !again {
                for path in ["5001", "5001/messages", "5001/mwi"] {
                    who.get(path).await.refused(404, "not-found");
                }
            }
            for message in [&message, &trashed] {
                who.get(message).await.refused(404, "not-found");
                who.get(&format!("{message}/audio")).await.refused(404, "not-found");
                who.post(&format!("{message}/undo")).await.refused(404, "not-found");
                who.put(&format!("{message}/read")).await.refused(404, "not-found");
                who.delete(message).await.refused(404, "not-found");
            }
        }
        centre.nobody().get(&link).await.refused(404, "not-found");
        if !again {
            centre.platform().deposit("5001", &Call::new()).await.refused(404, "not-found");
            admin.delete("5001").await.refused(404, "not-found");
            assert_eq!(alice.get("/v1/mwi").await.is(200).json(), json!({"mailboxes": []}));
            centre.personal("5001", "alice").await;
        }
    }
    assert_eq!(centre.counts("5001").await, [0; 4]);
    assert!(centre.ids("5001", "").await.is_empty() && centre.ids("5001", "trash").await.is_empty());
    centre.deposit("5001", &Call::new()).await;
    assert_eq!(centre.counts("5001").await, [1, 0, 0, 0]);
}

async fn a_mailbox_given_to_another_user_is_theirs_with_its_messages(centre: Centre) {
    centre.personal("5001", "alice").await;
    centre.deposit("5001", &Call::new()).await;
    centre.agent("bob").get("5001").await.refused(404, "not-found");
    centre.admin().put("5001").json(json!({"kind": "personal", "user": "bob"})).await.is(200);
    centre.agent("alice").get("5001").await.refused(404, "not-found");
    assert_eq!(centre.agent("bob").get("5001/mwi").await.is(200).json()["new"], 1);
}

async fn a_group_is_made_shown_replaced_and_deleted(centre: Centre) {
    let admin = centre.admin();
    let sales = "/v1/groups/sales";
    admin.get(sales).await.refused(404, "not-found");
    assert_eq!(admin.get("/v1/groups").await.is(200).json(), json!({"groups": []}));
    let made = admin.put(sales).json(json!({"members": ["bob", "alice", "bob"], "x": 1})).await.is(201);
    assert_eq!(made.json(), json!({"id": "sales", "members": ["alice", "bob"]}));
    let shown = admin.get(sales).await.is(200);
    assert_eq!((shown.json(), shown.header("etag")), (made.json(), made.header("etag")));
    admin.get(sales).header("if-none-match", made.header("etag")).await.is(304);
    admin
        .put(sales)
        .header("if-match", "\"0\"")
        .json(json!({"members": []}))
        .await
        .refused(412, "etag-mismatch");
    admin
        .put(sales)
        .header("if-none-match", "*")
        .json(json!({"members": []}))
        .await
        .refused(412, "etag-mismatch");
    let replaced =
        admin.put(sales).header("if-match", made.header("etag")).json(json!({"members": ["eve"]})).await;
    assert_eq!(replaced.is(200).json(), json!({"id": "sales", "members": ["eve"]}));
    admin.put("/v1/groups/night").json(json!({"members": []})).await.is(201);
    let all = json!({"groups": [{"id": "night", "members": []}, {"id": "sales", "members": ["eve"]}]});
    assert_eq!(admin.get("/v1/groups").await.is(200).json(), all);
    admin.delete(sales).header("if-match", made.header("etag")).await.refused(412, "etag-mismatch");
    assert!(admin.delete(sales).await.is(204).body.is_empty());
    admin.get(sales).await.refused(404, "not-found");
    admin.delete(sales).await.refused(404, "not-found");
    admin.put(sales).json(json!({"members": []})).await.is(201);
}

async fn a_body_that_is_not_a_group_is_400(centre: Centre) {
    let admin = centre.admin();
    for body in [
        json!({}),
        json!({"members": "alice"}),
        json!({"members": ["a b"]}),
        json!({"members": [7]}),
        json!([]),
    ] {
        admin.put("/v1/groups/sales").json(body).await.refused(400, "bad-request");
    }
    admin.put("/v1/groups/.x").json(json!({"members": []})).await.refused(400, "bad-request");
    admin.get("/v1/groups/.x").await.refused(404, "not-found");
    admin.get("/v1/groups/sales").await.refused(404, "not-found");
}

async fn who_joins_or_leaves_a_group_sees_or_loses_its_mailbox_at_once_on_the_same_host(centre: Centre) {
    centre.group("5100", "sales", &["alice"]).await;
    let bob = centre.agent("bob");
    bob.get("5100/messages").await.refused(404, "not-found");
    centre.members("sales", &["alice", "bob"]).await;
    bob.get("5100/messages").await.is(200);
    centre.members("sales", &["alice"]).await;
    bob.get("5100/messages").await.refused(404, "not-found");
    centre.admin().delete("/v1/groups/sales").await.is(204);
    centre.agent("alice").get("5100").await.refused(404, "not-found");
    let by_claim = centre.bearer(&json!({"sub": "carol", "roles": ["agent"], "groups": ["sales"]}));
    by_claim.get("5100").await.is(200);
}

tests::journeys![
    a_mailbox_is_made_with_201_and_replaced_with_200_and_answered_as_it_is,
    what_is_left_out_is_the_id_true_and_the_tenants_defaults,
    a_group_mailbox_names_its_group_in_place_of_a_user,
    the_kind_cannot_change,
    what_is_out_of_range_is_400_and_named,
    a_body_that_is_not_a_mailbox_is_400_and_says_where,
    an_id_has_1_to_64_plain_characters_and_leading_zeros_count,
    conditions_are_honoured,
    of_writes_at_once_under_one_version_one_wins,
    a_deleted_mailbox_is_404_everywhere_and_made_again_starts_empty,
    a_mailbox_given_to_another_user_is_theirs_with_its_messages,
    a_group_is_made_shown_replaced_and_deleted,
    a_body_that_is_not_a_group_is_400,
    who_joins_or_leaves_a_group_sees_or_loses_its_mailbox_at_once_on_the_same_host,
];
