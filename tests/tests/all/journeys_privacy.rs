//! Nothing personal leaves the messages: a marked number and name go through every route, in the right places and in all
//! the wrong ones, and are then looked for in whatever the service wrote.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, Request};
use bytes::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use tests::http::{Ask, Call, Centre, Person, Setting, id, wav};
use tests::marked::{Forms, NAME, NUMBER, SPELLINGS};

/// Headers that mean something to the service or to what it is made of, and one that means nothing.
const HEADERS: [&str; 19] = [
    "voicemail-caller-id",
    "voicemail-caller-name",
    "voicemail-urgent",
    "voicemail-received-at",
    "voicemail-call-id",
    "if-match",
    "if-none-match",
    "range",
    "if-range",
    "accept",
    "content-type",
    "x-request-id",
    "traceparent",
    "origin",
    "cookie",
    "user-agent",
    "forwarded",
    "expect",
    "x-anything",
];
/// Parameters that a route has, and one that none has.
const PARAMETERS: [&str; 12] = [
    "folder",
    "limit",
    "cursor",
    "ccid",
    "download",
    "link",
    "tenant",
    "expires",
    "signature",
    "status",
    "mailbox",
    "anything",
];

/// An operation of the document.
struct Route {
    method: Method,
    path: String,
}

/// Whoever may do everything.
fn all_roles(centre: &Centre) -> Person {
    centre.bearer(
        &json!({"sub": "alice", "groups": ["sales"], "roles": ["agent", "deposit", "admin", "privacy"]}),
    )
}

async fn routes(centre: &Centre) -> Vec<Route> {
    let document = centre.nobody().get("/openapi.json").await.is(200).json();
    let of_path = |(path, item): (&String, &Value)| {
        let methods: Vec<_> = item.as_object().unwrap().keys().cloned().collect();
        let route = |method: String| Route {
            method: Method::from_bytes(method.to_uppercase().as_bytes()).unwrap(),
            path: path.clone(),
        };
        methods.into_iter().map(route).collect::<Vec<_>>()
    };
    document["paths"].as_object().unwrap().iter().flat_map(of_path).collect()
}

impl Route {
    /// Its path for this mailbox and message.
    fn to(&self, mailbox: &str, message: &str) -> String {
        let path = self.path.replace("{mailbox}", mailbox).replace("{group}", mailbox);
        path.replace("{id}", message).replace("{caseid}", message).replace("{name}", message)
    }

    fn ask(&self, who: &Person, path: &str) -> Ask {
        who.ask(self.method.clone(), path)
    }
}

/// The marked caller as a whole journey: every spelling, as headers and as a form, and all that is done to the messages.
async fn usual_life(centre: &Centre) -> Vec<String> {
    let (alice, mut ids) = (centre.agent("alice"), Vec::new());
    for (n, spelling) in SPELLINGS.into_iter().enumerate() {
        let call = Call::from(spelling).with("caller_name", NAME).with("call_id", format!("{n} {spelling}"));
        let call = call.with("received_at", centre.ago(60));
        let made = centre.platform().deposit("5001", &call).await.is(201).json();
        assert_eq!((&made["caller_id"], &made["caller_name"]), (&json!(NUMBER), &json!(NAME)));
        centre.platform().deposit_form("5001", &call).await.is(200);
        centre.platform().deposit_form("5001", &Call::from(spelling).with("caller_name", NAME)).await.is(201);
        ids.push(id(&made));
    }
    let first = format!("5001/messages/{}", ids[0]);
    let link = alice.get(&format!("{first}/audio?link=1&download=1")).await.is(200).json();
    centre.nobody().get(link["url"].as_str().unwrap()).await.is(200);
    alice.get(&first).await.is(200);
    alice.get(&format!("{first}/audio?download=1")).await.is(200);
    alice.get(&format!("{first}/audio")).header("range", "bytes=0-9").await.is(206);
    alice.put(&format!("{first}/read")).await.is(200);
    alice.put(&format!("{first}/taken")).await.is(200);
    centre.admin().put(&format!("{first}/taken")).await.refused(409, "taken");
    centre.admin().put(&format!("{first}/taken?over=1")).await.is(200);
    alice.delete(&format!("{first}/taken")).await.is(200);
    alice.delete(&format!("{first}/read")).await.is(200);
    alice.delete(&first).await.is(200);
    alice.post(&format!("{first}/undo")).await.is(200);
    alice.post("5001/messages/read").json(json!({"ids": &ids[..2]})).await.is(200);
    alice.post("5001/messages/delete").json(json!({"ids": &ids[1..2]})).await.is(200);
    alice.get("5001/messages?limit=1").await.is(200);
    alice.get("5001/mwi").header("accept", "application/simple-message-summary").await.is(200);
    centre.settings("5001", json!({"max_messages": 1000})).await;
    data_protection(centre).await;
    centre.sweep().await;
    ids
}

/// The marked caller is exported, forgotten and taken back, by every spelling.
async fn data_protection(centre: &Centre) {
    let dpo = centre.privacy();
    let named = |text: &str| json!({"consumer": [{"name": NAME}, {"phone": text}, {"email": text}]});
    let body = json!({"caseid": "a case", "consumers": SPELLINGS.map(named), "name": NAME, "phone": NUMBER});
    for _ in 0..2 {
        let exported = dpo.post("/v1/gdpr/exportme").json(body.clone()).await.is(200).json();
        for file in exported["files"].as_object().unwrap().values() {
            dpo.get(file["url"].as_str().unwrap()).await.is(200);
        }
        dpo.post("/v1/gdpr/forgetme").json(body.clone()).await.is(202);
    }
    dpo.get("/v1/gdpr/cases").await.is(200);
    dpo.get("/v1/gdpr/cases/a%20case").await.is(200);
    let unusable = json!({"caseid": "a case", "consumers": [NAME, NUMBER]});
    for operation in ["forgetme", "undoforget", "exportme"] {
        let path = format!("/v1/gdpr/{operation}");
        dpo.post(&path).json(unusable.clone()).await.refused(422, "unusable-number");
    }
    let more = json!({"caseid": "a case", "consumers": [NUMBER, format!("{NUMBER}9")]});
    dpo.post("/v1/gdpr/forgetme").json(more.clone()).await.refused(409, "case-conflict");
    dpo.post("/v1/gdpr/undoforget").json(more).await.refused(422, "unusable-number");
    dpo.post("/v1/gdpr/undoforget").json(body).await.is(200);
}

/// The marked text in every place of every route where somebody could put it by mistake or by malice.
async fn wrong_places(centre: &Centre) {
    let (everybody, mut turn) = (all_roles(centre), SPELLINGS.into_iter().chain([NAME]).cycle());
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    for route in routes(centre).await {
        // Some of what follows is done, and deletes them.
        let mailbox = json!({"kind": "personal", "user": "alice", "settings": {"max_messages": 1000}});
        assert!(centre.admin().put("5009").json(mailbox).await.status < 300);
        let message = id(&centre.deposit("5009", &Call::from("anonymous")).await);
        let (message, good) = (message.as_str(), route.to("5009", &message));
        let mut next = || turn.next().unwrap();
        let mut asks = Vec::new();
        for text in SPELLINGS {
            asks.push(route.ask(&everybody, &route.to(&encoded(text), message)));
            asks.push(route.ask(&everybody, &route.to("5009", &encoded(text))));
        }
        for name in PARAMETERS {
            asks.push(route.ask(&everybody, &format!("{good}?{name}={}", encoded(next()))));
        }
        asks.push(route.ask(&everybody, &format!("{good}?{}=1&limit=1&limit=2", encoded(next()))));
        for name in HEADERS.into_iter().filter(|name| *name != "expect") {
            asks.push(route.ask(&everybody, &good).header(name, next()).body("audio/wav", wav(100)));
        }
        asks.push(route.ask(&everybody, &good).header("x-request-id", &NUMBER[1..]));
        for body in bodies(next()) {
            asks.push(route.ask(&everybody, &good).body("application/json", body.clone()));
            asks.push(route.ask(&everybody, &good).body("multipart/form-data; boundary=x", body));
        }
        for who in strangers(centre, next()) {
            asks.push(route.ask(&who, &good));
        }
        asks.push(everybody.ask(Method::PATCH, &route.to(&encoded(next()), message)));
        asks.push(everybody.ask(Method::from_bytes(b"X8395746").unwrap(), &good));
        for ask in asks {
            let answer = ask.await;
            assert!(!matches!(answer.status, 500 | 502..), "{answer:?}");
        }
    }
    for path in SPELLINGS {
        everybody.get(&format!("/{}", encoded(path))).await.is(404);
        everybody.get(&format!("/v1/{}?x={}", encoded(path), encoded(path))).await.is(404);
    }
}

/// Bodies that hold the text where it does not belong, or that break at it.
fn bodies(text: &str) -> Vec<String> {
    let json = Value::from(text);
    vec![
        text.to_owned(),
        format!("{{{json}:{json}}}"),
        format!("{{\"caller_id\":{json}"),
        json!({"members": [format!("{text}+")], "ids": text, "kind": text, "ccid": text}).to_string(),
        json!({"ids": [text], "read": true, "members": text}).to_string(),
        json!({"caseid": [text], "consumers": [text]}).to_string(),
        json!({"consumers": [text, {"consumer": [{"name": text}, {"phone": text}]}], "cursor": text})
            .to_string(),
        json!({"consumers": [{"phone": text}], "caseid": "1"}).to_string(),
        json!({"kind": "personal", "user": text, "settings": {"time_zone": text, "language": text}})
            .to_string(),
        json!({"id": text, "kind": "group", "group": text, "name": format!("\u{0}{text}")}).to_string(),
        format!(
            "--x\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\n{{\"urgent\":{json}}}\r\n--x\r\n\
             Content-Disposition: form-data; name={json}\r\n\r\nRIFF\r\n--x--\r\n"
        ),
    ]
}

/// Whoever signs in with the text in place of what belongs there.
fn strangers(centre: &Centre, text: &str) -> Vec<Person> {
    let token = all_roles(centre).credentials().unwrap();
    let mut strangers = vec![
        centre.basic(text, text),
        centre.password(text, text),
        centre.basic(&format!("{text}\\alice"), text),
        centre.authorization(&format!("{token}x")),
        centre.authorization(&format!("{token}.{}", text.len())),
    ];
    if text.is_ascii() {
        strangers.extend(
            ["Bearer", "Basic", "Digest"].map(|scheme| centre.authorization(&format!("{scheme} {text}"))),
        );
    }
    for claims in [
        json!({"sub": format!("{text}+"), "roles": ["admin"]}),
        json!({"sub": "bob", "roles": [text], "groups": [text]}),
        json!({"sub": "bob", "tenant": text, "roles": ["admin"]}),
        json!({"sub": "bob", "ccid": text, "roles": ["admin"]}),
        json!({"sub": text, "tenant": null, "client_id": text, "roles": ["privacy"]}),
        json!({"sub": "bob", "exp": text}),
        json!({"sub": "bob", "iss": text, "aud": text, "name": text, "phone_number": text, "roles": ["agent"]}),
    ] {
        strangers.push(centre.bearer(&claims));
    }
    strangers
}

/// Damages what is stored of messages, with the number in it, and works on all of it.
async fn damage(centre: &Centre, ids: &[String]) {
    let facts = |id: &String| facts_of(centre).into_iter().find(|path| path.ends_with(id)).unwrap();
    let whole = std::fs::read_to_string(facts(&ids[2])).unwrap();
    assert!(whole.contains(NUMBER));
    std::fs::write(facts(&ids[2]), &whole[..whole.find(NUMBER).unwrap() + NUMBER.len()]).unwrap();
    std::fs::write(facts(&ids[3]), whole.replace("\"urgent\":false", &format!("\"urgent\":\"{NUMBER}\"")))
        .unwrap();
    std::fs::remove_file(facts(&ids[4])).unwrap();
    std::fs::create_dir(centre.front.data().join("tenants/t0/mailboxes/5001/messages").join(&ids[4]))
        .unwrap();
    for recording in centre.recordings().iter().filter(|path| path.to_string_lossy().contains(&ids[5])) {
        std::fs::remove_file(recording).unwrap();
    }
    for (id, status) in [(&ids[2], 500), (&ids[3], 500), (&ids[4], 503), (&ids[5], 500)] {
        let path = format!("5001/messages/{id}");
        assert_eq!(broken(centre, "GET", &format!("{path}/audio")).await, status);
        for (method, path) in
            [("PUT", format!("{path}/read")), ("DELETE", path.clone()), ("POST", path + "/undo")]
        {
            broken(centre, method, &path).await;
        }
    }
    for path in ["5001/messages", "5001/mwi"] {
        broken(centre, "GET", path).await;
    }
    let _ = centre.privacy().post("/v1/gdpr/sweep").await;
}

/// A request of Alice whose answer may be that something stored is damaged; its status. The answer shows nothing of it.
async fn broken(centre: &Centre, method: &str, path: &str) -> u16 {
    let request = Request::builder().method(method).uri(format!("/v1/mailboxes/{path}"));
    let request = request.header("authorization", centre.agent("alice").credentials().unwrap());
    let answer = centre.front.send(request.body(Bytes::new()).unwrap()).await.unwrap();
    let is_of_one = answer.status().is_success() && !path.ends_with("/audio");
    assert!(is_of_one || Forms::default().shown_in(answer.body()).is_none(), "{answer:?}");
    answer.status().as_u16()
}

/// The files of messages: where number and name may be.
fn facts_of(centre: &Centre) -> Vec<PathBuf> {
    below(&centre.front.data()).into_iter().filter(|path| is_facts(path)).collect()
}

fn is_facts(path: &Path) -> bool {
    path.parent().is_some_and(|folder| folder.ends_with("messages")) && path.is_file()
}

/// Every file and folder below a folder.
fn below(folder: &Path) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let with_its_own =
        |path: PathBuf| if path.is_dir() { [vec![path.clone()], below(&path)].concat() } else { vec![path] };
    paths.flat_map(with_its_own).collect()
}

/// What others are answered meanwhile: headers and bodies.
async fn answers_to_others(centre: &Centre) -> Vec<u8> {
    let mut all = Vec::new();
    let (bob, next_door) = (centre.agent("bob"), centre.neighbour().admin());
    let nobody = centre.nobody();
    for (who, path) in [
        (&bob, "/v1/mwi"),
        (&bob, "/v1/mailboxes"),
        (&bob, "5001/messages"),
        (&bob, "5001"),
        (&next_door, "5001/messages"),
        (&next_door, "/v1/groups"),
        (&nobody, "/v1/mwi"),
        (&nobody, "/healthz"),
        (&nobody, "/readyz"),
        (&nobody, "/openapi.json"),
        (&nobody, "/.well-known/voicemail-jwks.json"),
        (&nobody, "/metrics"),
        (&nobody, "/"),
    ] {
        let answer = who.get(path).await;
        all.extend(format!("{path} {} {:?}\n", answer.status, answer.headers).into_bytes());
        all.extend_from_slice(&answer.body);
    }
    all
}

#[tokio::test]
async fn a_callers_number_and_name_are_nowhere_but_in_the_messages() {
    let forms = Forms::default();
    forms.are_told_apart();
    let centre = Centre::gateway(&Arc::new(Setting::new(1).with("RUST_LOG", "trace"))).await;
    centre.personal("5001", "alice").await;
    centre.members("sales", &["alice"]).await;
    let ids = usual_life(&centre).await;
    wrong_places(&centre).await;
    let documented = routes(&centre).await;
    damage(&centre, &ids).await;
    let others = answers_to_others(&centre).await;
    centre.nobody().get("/healthz").header("x-request-id", "the-last-request").await.is(200);
    let log = centre.process().stopped().await;

    // What was captured is all of it, and what is looked for is there where it may be.
    for Route { method, path } in &documented {
        let is_it = |line: &str| {
            line.contains("\"answered\"")
                && line.contains(&format!("\"method\":\"{method}\",\"route\":\"{path}\""))
        };
        assert!(log.lines().any(is_it), "{method} {path} has its lines");
        assert!(
            String::from_utf8_lossy(&others).contains(&format!("route=\"{path}\"")),
            "{path} in the metrics"
        );
    }
    for said in
        ["\"level\":\"INFO\"", "\"target\":\"audit\"", "what is stored cannot be read", "\"level\":\"ERROR\""]
    {
        assert!(log.contains(said), "{said} in the log");
    }
    let facts = facts_of(&centre);
    let with_number =
        facts.iter().filter(|path| std::fs::read(path).is_ok_and(|it| forms.shown_in(&it).is_some()));
    assert!(with_number.count() >= SPELLINGS.len(), "the messages hold it");

    for line in log.lines() {
        assert_eq!(forms.shown_in(line.as_bytes()), None, "in the log: {line}");
    }
    assert_eq!(forms.shown_in(&others), None, "in answers to others: {}", String::from_utf8_lossy(&others));
    let files = below(&centre.front.data());
    let markers =
        files.iter().filter(|path| path.to_string_lossy().contains("/callers/") && path.is_file()).count();
    assert!(markers >= SPELLINGS.len() && files.len() > 100, "{markers} markers in {} files", files.len());
    for path in &files {
        assert_eq!(forms.shown_in(path.to_string_lossy().as_bytes()), None, "{}", path.display());
        if path.is_file() && !is_facts(path) {
            assert_eq!(forms.shown_in(&std::fs::read(path).unwrap()), None, "in {}", path.display());
        }
    }

    // What is purged keeps nothing of it either.
    let later = centre.later(Duration::from_hours(25)).await;
    assert!(later.sweep().await["purged"].as_u64() > Some(0));
    let purged = facts_of(&centre).into_iter().find(|path| path.ends_with(&ids[1])).unwrap();
    assert_eq!(forms.shown_in(&std::fs::read(purged).unwrap()), None);
}
