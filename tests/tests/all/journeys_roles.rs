//! Who may do what: every route of the document with every role.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use axum::http::Method;
use serde_json::{Value, json};
use tests::http::{Ask, Call, Centre, Person, id, wav};

const AGENT: &[&str] = &["agent", "admin"];
const DEPOSIT: &[&str] = &["deposit"];
const ADMIN: &[&str] = &["admin"];
const PRIVACY: &[&str] = &["privacy"];
const ROLES: [&str; 4] = ["agent", "deposit", "admin", "privacy"];

/// Routes that need no token.
const OPEN: [&str; 5] =
    ["/healthz", "/readyz", "/openapi.json", "/.well-known/voicemail-jwks.json", "/metrics"];

/// An operation: its id, function, method and path, who may do it, and how a good request of it is answered.
struct Row(&'static str, &'static str, &'static str, &'static str, &'static [&'static str], u16);

const MESSAGE: &str = "/v1/mailboxes/{mailbox}/messages/{id}";

fn table() -> Vec<Row> {
    vec![
        Row("deposit", "deposit", "post", "/v1/mailboxes/{mailbox}/messages", DEPOSIT, 201),
        Row("deposit-upload", "deposit", "post", "/v1/mailboxes/{mailbox}/uploads", DEPOSIT, 501),
        Row("list", "list", "get", "/v1/mailboxes/{mailbox}/messages", AGENT, 200),
        Row("list-message", "list", "get", MESSAGE, AGENT, 200),
        Row("play", "play", "get", "/v1/mailboxes/{mailbox}/messages/{id}/audio", AGENT, 200),
        Row("mark-read", "mark-read", "put", "/v1/mailboxes/{mailbox}/messages/{id}/read", AGENT, 200),
        Row("mark-unread", "mark-read", "delete", "/v1/mailboxes/{mailbox}/messages/{id}/read", AGENT, 200),
        Row("mark-read-several", "mark-read", "post", "/v1/mailboxes/{mailbox}/messages/read", AGENT, 200),
        Row("take", "mark-read", "put", "/v1/mailboxes/{mailbox}/messages/{id}/taken", AGENT, 200),
        Row("give-back", "mark-read", "delete", "/v1/mailboxes/{mailbox}/messages/{id}/taken", AGENT, 200),
        Row("delete", "delete", "delete", MESSAGE, AGENT, 200),
        Row("delete-several", "delete", "post", "/v1/mailboxes/{mailbox}/messages/delete", AGENT, 200),
        Row("undo", "undo", "post", "/v1/mailboxes/{mailbox}/messages/{id}/undo", AGENT, 200),
        Row("mwi-count", "mwi-count", "get", "/v1/mailboxes/{mailbox}/mwi", AGENT, 200),
        Row("mwi-count-mine", "mwi-count", "get", "/v1/mwi", AGENT, 200),
        Row("mailboxes", "mailboxes", "get", "/v1/mailboxes", AGENT, 200),
        Row("mailboxes-get", "mailboxes", "get", "/v1/mailboxes/{mailbox}", AGENT, 200),
        Row("mailboxes-put", "mailboxes", "put", "/v1/mailboxes/{mailbox}", ADMIN, 200),
        Row("mailboxes-delete", "mailboxes", "delete", "/v1/mailboxes/{mailbox}", ADMIN, 204),
        Row("groups", "mailboxes", "get", "/v1/groups", ADMIN, 200),
        Row("groups-get", "mailboxes", "get", "/v1/groups/{group}", ADMIN, 200),
        Row("groups-put", "mailboxes", "put", "/v1/groups/{group}", ADMIN, 200),
        Row("groups-delete", "mailboxes", "delete", "/v1/groups/{group}", ADMIN, 204),
        Row("forgetme", "forgetme", "post", "/v1/gdpr/forgetme", PRIVACY, 202),
        Row("cases", "forgetme", "get", "/v1/gdpr/cases", PRIVACY, 200),
        Row("case", "forgetme", "get", "/v1/gdpr/cases/{caseid}", PRIVACY, 200),
        Row("regions", "forgetme", "get", "/v1/gdpr/regions", PRIVACY, 200),
        Row("undoforget", "undo", "post", "/v1/gdpr/undoforget", PRIVACY, 200),
        Row("undoforgot", "undo", "post", "/v1/gdpr/undoforgot", PRIVACY, 200),
        Row("exportme", "exportme", "post", "/v1/gdpr/exportme", PRIVACY, 200),
        Row("export-file", "exportme", "get", "/v1/gdpr/files/{name}", PRIVACY, 200),
        Row("sweep", "sweep", "post", "/v1/gdpr/sweep", PRIVACY, 200),
    ]
}

/// The operations of the document: method and path, with the operation.
async fn documented(centre: &Centre) -> BTreeMap<(String, String), Value> {
    let document = centre.nobody().get("/openapi.json").await.is(200).json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."), "{}", document["openapi"]);
    let paths = document["paths"].as_object().unwrap().clone();
    let of_path = |(path, methods): (String, Value)| {
        let methods = methods.as_object().unwrap().clone().into_iter();
        let known = methods
            .filter(|(method, _)| ["get", "put", "post", "delete", "patch"].contains(&method.as_str()));
        known.map(move |(method, operation)| ((method, path.clone()), operation)).collect::<Vec<_>>()
    };
    paths.into_iter().filter(|(path, _)| !OPEN.contains(&path.as_str())).flat_map(of_path).collect()
}

/// A good request of an operation.
fn request(who: &Person, Row(operation, _, method, path, ..): &Row, message: &str) -> Ask {
    let path = path.replace("{mailbox}", "5001").replace("{id}", message).replace("{group}", "sales");
    let path = path.replace("{caseid}", "a case").replace("{name}", &format!("{message}.wav"));
    let path = path.replace(' ', "%20");
    let ask = who.ask(Method::from_bytes(method.to_uppercase().as_bytes()).unwrap(), &path);
    match *operation {
        "deposit" => ask.body("audio/wav", wav(100)),
        "mark-read-several" | "delete-several" => ask.json(json!({"ids": [message]})),
        "mailboxes-put" => ask.json(json!({"kind": "personal", "user": "alice"})),
        "groups-put" => ask.json(json!({"members": []})),
        "forgetme" => ask.json(json!({"caseid": message, "consumers": ["+49 30 999"]})),
        "undoforget" | "undoforgot" => ask.json(json!({"caseid": "a case"})),
        "exportme" => ask.json(json!({"consumers": ["+49 30 999"]})),
        _ => ask,
    }
}

/// Makes what the requests are about, where it is not there.
async fn provisioned(centre: &Centre) -> String {
    let mailbox = json!({"kind": "personal", "user": "alice", "settings": {"max_messages": 1000}});
    assert!(centre.admin().put("5001").json(mailbox).await.status < 300);
    centre.members("sales", &["bob"]).await;
    let forget = json!({"caseid": "a case", "consumers": ["+49 30 999"]});
    assert!(centre.privacy().post("/v1/gdpr/forgetme").json(forget).await.status < 300);
    id(&centre.deposit("5001", &Call::new()).await)
}

async fn the_document_and_this_table_list_the_same_operations(centre: Centre) {
    let documented = documented(&centre).await;
    let in_document: BTreeMap<_, _> = documented
        .iter()
        .map(|((method, path), operation)| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            (text(&operation["operationId"]), (text(&operation["tags"][0]), method.clone(), path.clone()))
        })
        .collect();
    assert_eq!(in_document.len(), documented.len(), "operation ids are unique");
    let in_table: BTreeMap<_, _> = table()
        .into_iter()
        .map(|Row(id, function, method, path, ..)| {
            (id.to_owned(), (function.to_owned(), method.to_owned(), path.to_owned()))
        })
        .collect();
    assert_eq!(in_document, in_table);
}

async fn every_operation_is_allowed_to_its_roles_and_to_no_other(centre: Centre) {
    for row in table() {
        let Row(operation, _, _, _, allowed, status) = row;
        let message = provisioned(&centre).await;
        for role in ROLES {
            let answer = request(&centre.user("alice", role), &row, &message).await;
            if allowed.contains(&role) {
                assert_eq!(answer.status, status, "{operation} as {role}: {answer:?}");
                provisioned(&centre).await;
            } else {
                assert_eq!(answer.status, 403, "{operation} as {role}: {answer:?}");
                assert_eq!(answer.json()["code"], "forbidden");
            }
        }
    }
}

async fn without_a_token_every_operation_is_401_and_without_a_role_403(centre: Centre) {
    let message = provisioned(&centre).await;
    for row in table() {
        let nobody = request(&centre.nobody(), &row, &message).await.is(401);
        assert_eq!(nobody.json()["code"], "unauthenticated");
        let schemes: Vec<_> = nobody.headers.get_all("www-authenticate").iter().collect();
        assert!(schemes.iter().any(|scheme| scheme.to_str().unwrap().starts_with("Bearer")), "{schemes:?}");
        for roles in
            [json!([]), json!(null), json!("admin"), json!(["root", "Admin", "", 7]), json!({"admin": true})]
        {
            let nothing = centre.bearer(&json!({"sub": "alice", "roles": roles}));
            request(&nothing, &row, &message).await.refused(403, "forbidden");
        }
    }
    assert_eq!(centre.counts("5001").await, [1, 0, 0, 0]);
}

async fn several_roles_add_up(centre: Centre) {
    let message = provisioned(&centre).await;
    let both = centre.bearer(&json!({"sub": "alice", "roles": ["agent", "deposit", "unknown"]}));
    both.get(&format!("5001/messages/{message}")).await.is(200);
    both.deposit("5001", &Call::new()).await.is(201);
    both.delete("5001").await.refused(403, "forbidden");
}

async fn an_agent_works_in_own_and_group_mailboxes_only_and_an_administrator_in_all(centre: Centre) {
    let message = provisioned(&centre).await;
    for row in table().into_iter().filter(|row| row.3.contains("{mailbox}") && row.4 == AGENT) {
        request(&centre.agent("bob"), &row, &message).await.refused(404, "not-found");
        let admin = request(&centre.admin(), &row, &message).await;
        assert_eq!(admin.status, row.5, "{admin:?}");
    }
}

async fn a_mailbox_of_others_looks_exactly_like_one_that_does_not_exist(centre: Centre) {
    let next_door = centre.neighbour();
    centre.personal("5000", "alice").await;
    let message = id(&centre.deposit("5000", &Call::new()).await);
    let rows: Vec<_> =
        table().into_iter().filter(|row| row.3.contains("{mailbox}") && row.4 != ADMIN).collect();
    let (alice, platform) = (centre.agent("alice"), centre.platform());
    let ask = async |row: &Row, message: &str| {
        let who = if row.4 == DEPOSIT { &platform } else { &alice };
        let answer = request(who, row, message).header("x-request-id", "the-same").await.is(404);
        let headers = answer.headers.iter().filter(|(name, _)| *name != "date");
        let headers: BTreeMap<_, _> = headers.map(|(name, value)| (name.as_str(), value)).collect();
        (format!("{headers:?}"), answer.body.clone())
    };
    let mut missing = Vec::new();
    for row in &rows {
        missing.push(ask(row, &message).await);
    }
    next_door.personal("5001", "alice").await;
    let theirs = id(&next_door.deposit("5001", &Call::new()).await);
    for (row, missing) in rows.iter().zip(&missing) {
        for message in [&message, &theirs] {
            assert_eq!(ask(row, message).await, *missing, "{}: another tenant's", row.0);
        }
    }
    centre.group("5001", "support", &["bob"]).await;
    let theirs = id(&centre.deposit("5001", &Call::new()).await);
    for (row, missing) in rows.iter().zip(&missing).filter(|(row, _)| row.4 == AGENT) {
        for message in [&message, &theirs, "nothing"] {
            assert_eq!(ask(row, message).await, *missing, "{}: a group's that the agent is not in", row.0);
        }
    }
}

async fn tenants_never_meet(centre: Centre) {
    let next_door = centre.neighbour();
    let (ours, theirs) = (provisioned(&centre).await, provisioned(&next_door).await);
    let alice = centre.agent("alice");
    alice.get(&format!("5001/messages/{theirs}")).await.refused(404, "not-found");
    alice.get(&format!("5001/messages/{theirs}/audio")).await.refused(404, "not-found");
    alice.delete(&format!("5001/messages/{theirs}")).await.refused(404, "not-found");
    assert_eq!(centre.ids("5001", "").await, [ours]);
    assert_eq!(next_door.ids("5001", "").await, [theirs]);
    centre.admin().delete("5001").await.is(204);
    assert_eq!(next_door.counts("5001").await, [1, 0, 0, 0]);
}

async fn checks_come_in_order_token_role_mailbox_headers_body(centre: Centre) {
    centre.personal("5001", "alice").await;
    let bad = Call::new().with("urgent", "perhaps").audio("no audio");
    let send = async |who: Person, mailbox: &str, call: &Call| who.deposit(mailbox, call).await;
    send(centre.authorization("Bearer x"), "5009", &bad).await.refused(401, "unauthenticated");
    send(centre.agent("alice"), "5009", &bad).await.refused(403, "forbidden");
    send(centre.platform(), "5009", &Call::new().audio("no audio")).await.refused(404, "not-found");
    send(centre.platform(), "5001", &bad).await.refused(400, "bad-request");
    send(centre.platform(), "5001", &Call::new().audio("no audio")).await.refused(415, "unsupported-audio");
    for (mailbox, who, status) in [
        ("5009", centre.authorization("Bearer x"), 401),
        ("5009", centre.platform(), 403),
        ("5009", centre.agent("alice"), 404),
        ("5001", centre.agent("alice"), 400),
    ] {
        who.post(&format!("{mailbox}/messages/read")).body("application/json", "{").await.is(status);
    }
    for bad in [&bad, &Call::new().with("call_id", "without a time"), &Call::new().with("received_at", "now")]
    {
        centre.platform().deposit("5009", bad).await.refused(404, "not-found");
        centre.platform().deposit_form("5009", bad).await.refused(404, "not-found");
    }
    centre.platform().deposit_parts("5009", &[("audio", b"")]).await.refused(404, "not-found");
    centre.platform().post("5009/messages").body("multipart/form-data", "x").await.refused(404, "not-found");
    for wrong in ["limit=0", "limit=1&limit=2"] {
        centre.agent("alice").get(&format!("5009/messages?{wrong}")).await.refused(404, "not-found");
        centre.platform().get(&format!("5001/messages?{wrong}")).await.refused(403, "forbidden");
        centre.agent("alice").get(&format!("5001/messages?{wrong}")).await.refused(400, "bad-request");
    }
    let put = |who: Person| who.put("5001").body("application/json", "{");
    put(centre.nobody()).await.is(401);
    put(centre.agent("alice")).await.is(403);
    put(centre.admin()).await.is(400);
}

tests::journeys![
    the_document_and_this_table_list_the_same_operations,
    without_a_token_every_operation_is_401_and_without_a_role_403,
    several_roles_add_up,
    a_mailbox_of_others_looks_exactly_like_one_that_does_not_exist,
    tenants_never_meet,
    checks_come_in_order_token_role_mailbox_headers_body;
    on files:
    every_operation_is_allowed_to_its_roles_and_to_no_other,
    an_agent_works_in_own_and_group_mailboxes_only_and_an_administrator_in_all,
];
