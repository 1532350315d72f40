//! MWI: what is waiting, right in the very next read, as JSON and as telephony speaks it.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use tests::http::{Call, Centre, id};

const SUMMARY: &str = "application/simple-message-summary";

/// The ids of the mailboxes that `/v1/mwi` or `/v1/mailboxes` shows.
fn shown(answer: &Value, name: &str) -> Vec<String> {
    let rows = answer["mailboxes"].as_array().unwrap();
    rows.iter().map(|row| row[name].as_str().unwrap().to_owned()).collect()
}

async fn a_row_has_every_field_and_urgent_ones_are_among_new_and_old(centre: Centre) {
    let alice = json!({"kind": "personal", "user": "alice", "name": "Alice's"});
    centre.admin().put("5001").json(alice).await.is(201);
    let alice = centre.agent("alice");
    let look = async || {
        let mut row = alice.get("5001/mwi").await.is(200).json();
        assert!(row["changed"].take().is_string());
        assert_eq!(row["oldest_new_at"].take().is_null(), row["new"] == json!(0));
        row
    };
    let row = |waiting: bool, [new, old, urgent_new, urgent_old]: [u64; 4]| {
        json!({"mailbox": "5001", "name": "Alice's", "kind": "personal", "messages_waiting": waiting,
            "new": new, "old": old, "urgent_new": urgent_new, "urgent_old": urgent_old,
            "oldest_new_at": null, "new_taken": 0, "changed": null})
    };
    assert_eq!(look().await, row(false, [0; 4]));
    let mut ids = Vec::new();
    for urgent in [true, true, false] {
        ids.push(id(&centre.deposit("5001", &Call::new().with("urgent", urgent)).await));
    }
    assert_eq!(look().await, row(true, [3, 0, 2, 0]));
    let [first, ..] = ids.as_slice() else { unreachable!() };
    alice.put(&format!("5001/messages/{first}/read")).await.is(200);
    assert_eq!(look().await, row(true, [2, 1, 1, 1]));
    alice.post("5001/messages/read").json(json!({"ids": ids})).await.is(200);
    assert_eq!(look().await, row(false, [0, 3, 0, 2]), "only new ones wait");
    alice.post("5001/messages/delete").json(json!({"ids": ids})).await.is(200);
    assert_eq!(look().await, row(false, [0; 4]), "the trash is not counted");
}

async fn a_row_of_a_group_says_so(centre: Centre) {
    centre.group("5100", "sales", &["alice"]).await;
    let row = centre.agent("alice").get("5100/mwi").await.is(200).json();
    assert_eq!((&row["kind"], &row["name"]), (&json!("group"), &json!("5100")));
}

async fn what_did_not_change_is_304(centre: Centre) {
    centre.personal("5001", "alice").await;
    let alice = centre.agent("alice");
    for path in ["5001/mwi", "/v1/mwi"] {
        let tag = alice.get(path).await.is(200).header("etag").to_owned();
        assert!(alice.get(path).header("if-none-match", &tag).await.is(304).body.is_empty());
        centre.deposit("5001", &Call::new()).await;
        let changed = alice.get(path).header("if-none-match", &tag).await.is(200);
        assert_ne!(changed.header("etag"), tag);
    }
}

async fn a_summary_is_rfc_3842_with_the_tenants_domain(centre: Centre) {
    centre.personal("5001", "alice").await;
    let alice = centre.agent("alice");
    let summary = |waiting: &str, counts: &str| {
        let account = format!("sip:5001@{}.example.com", centre.tenant);
        format!("Messages-Waiting: {waiting}\r\nMessage-Account: {account}\r\nVoice-Message: {counts}\r\n")
    };
    let ask = |accept: &str| alice.get("5001/mwi").header("accept", accept);
    let none = ask(SUMMARY).await.is(200);
    assert_eq!(none.text(), summary("no", "0/0 (0/0)"));
    assert_eq!(none.header("content-type"), SUMMARY);
    let first = id(&centre.deposit("5001", &Call::new().with("urgent", true)).await);
    centre.deposit("5001", &Call::new()).await;
    let two = ask("application/json;q=0.1, application/simple-message-summary").await.is(200);
    assert_eq!(two.text(), summary("yes", "2/0 (1/0)"));
    ask(SUMMARY).header("if-none-match", two.header("etag")).await.is(304);
    alice.put(&format!("5001/messages/{first}/read")).await.is(200);
    assert_eq!(ask(SUMMARY).await.is(200).text(), summary("yes", "1/1 (0/1)"));
    for other in ["application/json", "*/*"] {
        assert_eq!(ask(other).await.is(200).json()["mailbox"], "5001", "{other}");
    }
    centre.agent("bob").get("5001/mwi").header("accept", SUMMARY).await.refused(404, "not-found");
}

async fn all_mailboxes_of_the_user_come_in_one_answer_own_and_groups_sorted(centre: Centre) {
    centre.group("5100", "sales", &["alice", "bob"]).await;
    centre.group("5090", "support", &["bob"]).await;
    centre.group("5080", "night", &[]).await;
    for (mailbox, user) in [("5002", "alice"), ("5001", "alice"), ("5003", "bob"), ("0500", "alice")] {
        centre.personal(mailbox, user).await;
    }
    centre.deposit("5100", &Call::new()).await;
    let mine = centre.agent("alice").get("/v1/mwi").await.is(200).json();
    assert_eq!(shown(&mine, "mailbox"), ["0500", "5001", "5002", "5100"]);
    let row = mine["mailboxes"].as_array().unwrap().last().unwrap();
    let one = centre.agent("alice").get("5100/mwi").await.is(200).json();
    assert_eq!((row, &row["new"]), (&one, &json!(1)), "each row is the mailbox's own");
    let bob = centre.agent("bob").get("/v1/mwi").await.is(200).json();
    assert_eq!(shown(&bob, "mailbox"), ["5003", "5090", "5100"]);
    let by_claim =
        centre.bearer(&json!({"sub": "carol", "roles": ["agent"], "groups": ["night", "support"]}));
    assert_eq!(shown(&by_claim.get("/v1/mwi").await.is(200).json(), "mailbox"), ["5080", "5090"]);
    assert_eq!(centre.agent("dave").get("/v1/mwi").await.is(200).json(), json!({"mailboxes": []}));
    let admin = centre.admin().get("/v1/mwi").await.is(200).json();
    assert_eq!(admin, json!({"mailboxes": []}), "of the signed-in user, also where it is an administrator");
}

async fn an_agent_sees_own_and_group_mailboxes_in_the_list_and_an_administrator_all(centre: Centre) {
    centre.group("5100", "sales", &["alice"]).await;
    centre.personal("5002", "bob").await;
    centre.personal("5001", "alice").await;
    let list = centre.agent("alice").get("/v1/mailboxes").await.is(200).json();
    assert_eq!(shown(&list, "id"), ["5001", "5100"]);
    let one = centre.agent("alice").get("5001").await.is(200).json();
    assert_eq!(list["mailboxes"].as_array().unwrap().first(), Some(&one));
    let all = centre.admin().get("/v1/mailboxes").await.is(200).json();
    assert_eq!(shown(&all, "id"), ["5001", "5002", "5100"]);
    assert_eq!(
        centre.neighbour().admin().get("/v1/mailboxes").await.is(200).json(),
        json!({"mailboxes": []})
    );
}

async fn an_unknown_mailbox_is_404(centre: Centre) {
    centre.personal("5001", "alice").await;
    centre.agent("alice").get("5002/mwi").await.refused(404, "not-found");
    centre.admin().get("5002/mwi").await.refused(404, "not-found");
}

tests::journeys![
    a_row_has_every_field_and_urgent_ones_are_among_new_and_old,
    a_row_of_a_group_says_so,
    what_did_not_change_is_304,
    a_summary_is_rfc_3842_with_the_tenants_domain,
    all_mailboxes_of_the_user_come_in_one_answer_own_and_groups_sorted,
    an_agent_sees_own_and_group_mailboxes_in_the_list_and_an_administrator_all,
    an_unknown_mailbox_is_404,
];
