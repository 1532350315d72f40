//! Forget Me and its undo, as a data protection officer sees them: what is hidden, what is back, what is refused, and what
//! is told of a case.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::Timestamp;
use serde_json::{Value, json};
use tests::http::{Answer, Ask, Call, Centre, Setting, id};

const ALICE: &str = "+49 30 1234567";
const BOB: &str = "+49 30 7654321";
/// As long as two seconds may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

fn ask(centre: &Centre, operation: &str, body: Value) -> Ask {
    centre.privacy().post(&format!("/v1/gdpr/{operation}")).json(body)
}

async fn forget(centre: &Centre, case: &str, numbers: &[&str]) -> Answer {
    ask(centre, "forgetme", json!({"caseid": case, "consumers": numbers})).await
}

async fn case(centre: &Centre, case: &str) -> Value {
    centre.privacy().get(&format!("/v1/gdpr/cases/{case}")).await.is(200).json()
}

fn time(case: &Value, of: &str) -> Timestamp {
    case[of].as_str().unwrap().parse().unwrap()
}

/// Two mailboxes with four messages of Alice, new, old and in the trash, and one of Bob.
async fn provisioned(centre: &Centre) -> Vec<String> {
    centre.personal("5001", "alice").await;
    centre.personal("5002", "alice").await;
    let mut ids = Vec::new();
    for (mailbox, caller) in [
        ("5001", "030 1234567"),
        ("5001", ALICE),
        ("5002", "sip:030-1234567@pbx"),
        ("5002", ALICE),
        ("5001", BOB),
    ] {
        ids.push(id(&centre.deposit(mailbox, &Call::from(caller)).await));
    }
    let alice = centre.agent("alice");
    alice.put(&format!("5001/messages/{}/read", ids[1])).await.is(200);
    alice.delete(&format!("5002/messages/{}", ids[3])).await.is(200);
    ids
}

/// Everything that agents see.
async fn seen(centre: &Centre) -> Vec<Value> {
    let (alice, mut seen) = (centre.agent("alice"), Vec::new());
    for path in [
        "5001/messages",
        "5002/messages",
        "5001/messages?folder=trash",
        "5002/messages?folder=trash",
        "/v1/mwi",
    ] {
        seen.push(alice.get(path).await.is(200).json());
    }
    seen
}

async fn forget_me_hides_every_message_of_a_caller_at_once_and_says_how_many(centre: Centre) {
    let ids = provisioned(&centre).await;
    let body = json!({"caseid": "ACME 17 #1", "ccid": format!("cc-{}", centre.tenant), "consumers": [
        {"consumer": [{"name": "A. Caller"}, {"phone": "030 1234567"}, {"phone": "0049301234567"}]},
        {"consumer": [{"phone": "+1 201 555 0123"}, {"email": "x@example.com"}]}]});
    let answer = ask(&centre, "forgetme", body).await.is(202).json();
    assert_eq!((&answer["caseid"], &answer["operation"]), (&json!("ACME 17 #1"), &json!("forgetme")));
    assert_eq!(answer["status"], "pending");
    let counted = json!({"030 1234567": {"messages": 4}, "0049301234567": {"messages": 4},
        "+1 201 555 0123": {"messages": 0}});
    assert_eq!(answer["consumers"], counted);
    let regions = json!([{"region": "eu-central-1", "master": true, "messages": 4, "reached": true},
        {"region": "us-east-1", "master": false, "messages": 0, "reached": true}]);
    assert_eq!(answer["regions"], regions);
    let [requested, undo, purge] = ["requested_at", "undo_until", "purge_at"].map(|of| time(&answer, of));
    assert_eq!(purge.since(requested), Duration::from_hours(24));
    assert_eq!(undo.since(requested), Duration::from_mins(23 * 60 + 30));
    assert_eq!(centre.ids("5001", "").await, [ids[4].clone()]);
    assert_eq!((centre.counts("5001").await, centre.counts("5002").await), ([1, 0, 0, 0], [0; 4]));
    for mailbox in ["5001", "5002"] {
        assert!(centre.ids(mailbox, "trash").await.is_empty());
        for message in &ids[..4] {
            centre.agent("alice").get(&format!("{mailbox}/messages/{message}/audio")).await.is(404);
        }
    }
    let shown = case(&centre, "ACME%2017%20%231").await;
    assert_eq!((&shown["regions"], &shown["purge_at"]), (&regions, &answer["purge_at"]));
}

async fn after_undo_every_message_is_where_it_was(centre: Centre) {
    provisioned(&centre).await;
    let before = seen(&centre).await;
    forget(&centre, "1", &[ALICE]).await.is(202);
    assert_ne!(seen(&centre).await, before);
    let answer = ask(&centre, "undoforget", json!({"caseid": "1"})).await.is(200).json();
    assert_eq!((&answer["operation"], &answer["status"]), (&json!("undoforget"), &json!("undone")));
    assert_eq!((&answer["consumers"], &answer["regions"][0]["messages"]), (&json!({}), &json!(4)));
    assert_eq!(seen(&centre).await, before);
    let again = ask(&centre, "undoforgot", json!({"caseid": "1", "consumers": [ALICE]})).await.is(200).json();
    assert_eq!(again["consumers"], json!({ALICE: {"messages": 4}}), "repeating is harmless");
    assert_eq!(seen(&centre).await, before);
    let shown = case(&centre, "1").await;
    assert_eq!((&shown["operation"], &shown["status"]), (&json!("undoforget"), &json!("undone")));
    assert_eq!(shown["undone_at"], answer["undone_at"]);
    let closed = forget(&centre, "1", &["030/1234567"]).await.is(200).json();
    assert_eq!((&closed["status"], &closed["operation"]), (&json!("undone"), &json!("forgetme")));
    assert_eq!(seen(&centre).await, before, "a closed case is never opened again");
}

async fn a_repeat_answers_the_case_as_it_is_and_other_numbers_are_a_conflict(centre: Centre) {
    provisioned(&centre).await;
    let first = forget(&centre, "1", &[ALICE]).await.is(202).json();
    assert_eq!(forget(&centre, "1", &[ALICE]).await.is(202).json(), first);
    let before = seen(&centre).await;
    forget(&centre, "1", &[BOB]).await.refused(409, "case-conflict");
    forget(&centre, "1", &[ALICE, BOB]).await.refused(409, "case-conflict");
    assert_eq!(seen(&centre).await, before);
    let next_door = centre.neighbour();
    forget(&next_door, "1", &[ALICE]).await.is(202);
}

async fn numbers_are_undone_in_one_case_or_in_every_pending_one(centre: Centre) {
    provisioned(&centre).await;
    let undo = async |body: Value| ask(&centre, "undoforget", body).await;
    undo(json!({"consumers": [ALICE]})).await.refused(404, "not-found");
    let first = forget(&centre, "1", &[ALICE, BOB]).await.is(202).json();
    forget(&centre, "2", &[ALICE]).await.is(202);
    let both = json!({"caseid": "2", "consumers": [ALICE, {"consumer": [{"phone": BOB}]}]});
    let faults = undo(both).await.refused(422, "unusable-number");
    assert_eq!(faults["errors"][0]["where"], "consumers[1].consumer[0].phone");
    assert!(faults["detail"].as_str().unwrap().contains(BOB));
    let hidden = undo(json!({"caseid": "2", "consumers": [ALICE]})).await.is(200).json();
    assert_eq!(hidden["consumers"][ALICE]["messages"], 0, "another case still hides them");
    assert_eq!(undo(json!({"caseid": "1", "consumers": [BOB]})).await.is(200).json()["status"], "undone");
    let shown = case(&centre, "1").await;
    assert_eq!((&shown["status"], &shown["operation"]), (&json!("pending"), &json!("undoforget")));
    forget(&centre, "3", &[ALICE]).await.is(202);
    let several = undo(json!({"consumers": ["0049 30 1234567"]})).await.is(200).json();
    assert_eq!((&several["caseid"], &several["requested_at"]), (&Value::Null, &Value::Null));
    assert_eq!(several["consumers"]["0049 30 1234567"]["messages"], 4);
    assert_eq!(
        (case(&centre, "1").await["status"].clone(), first["status"].clone()),
        (json!("undone"), json!("pending"))
    );
    let again = undo(json!({"consumers": [ALICE]})).await.is(200).json();
    assert_eq!(again["consumers"][ALICE]["messages"], 4, "a repeat answers the newest case");
    assert!(again["caseid"].is_string());
}

async fn a_request_that_cannot_be_done_says_where_it_is_wrong_and_does_nothing(centre: Centre) {
    provisioned(&centre).await;
    let before = seen(&centre).await;
    let many = vec![ALICE; 1001];
    for (body, place) in [
        (json!({"consumers": [ALICE]}), "caseid"),
        (json!({"caseid": "", "consumers": [ALICE]}), "caseid"),
        (json!({"caseid": "x".repeat(129), "consumers": [ALICE]}), "caseid"),
        (json!({"caseid": "§ 17", "consumers": [ALICE]}), "caseid"),
        (json!({"caseid": 17, "consumers": [ALICE]}), "caseid"),
        (json!({"caseid": "1"}), "consumers"),
        (json!({"caseid": "1", "consumers": []}), "consumers"),
        (json!({"caseid": "1", "consumers": [{"consumer": [{"name": "A"}]}]}), "consumers"),
        (json!({"caseid": "1", "consumers": many}), "consumers"),
        (json!({"caseid": "1", "consumers": [{"phone": ALICE}]}), "consumers[0]"),
        (json!([]), "body"),
    ] {
        assert_eq!(ask(&centre, "forgetme", body.clone()).await.faults(), [place], "{body}");
    }
    for number in ["", "withheld", &"1".repeat(257)] {
        let body = json!({"caseid": "1", "consumers": [ALICE, number]});
        for operation in ["forgetme", "undoforget", "undoforgot", "exportme"] {
            let refused = ask(&centre, operation, body.clone()).await.refused(422, "unusable-number");
            assert_eq!(refused["errors"][0]["where"], "consumers[1]");
            assert!(refused["detail"].as_str().unwrap().contains(number));
        }
    }
    assert_eq!(ask(&centre, "undoforget", json!({})).await.faults(), ["caseid"]);
    ask(&centre, "undoforget", json!({"caseid": "nobody's"})).await.refused(404, "not-found");
    centre.privacy().get("/v1/gdpr/cases/1").await.refused(404, "not-found");
    assert_eq!(seen(&centre).await, before);
}

async fn cases_are_listed_page_by_page_and_by_status_without_a_number_in_them(centre: Centre) {
    provisioned(&centre).await;
    let dpo = centre.privacy();
    for name in ["1", "2", "3", "4", "5"] {
        forget(&centre, name, &[ALICE, BOB]).await.is(202);
    }
    ask(&centre, "undoforget", json!({"caseid": "2"})).await.is(200);
    let all = async |query: &str| {
        let (mut names, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = dpo.get(&format!("/v1/gdpr/cases?{query}{cursor}")).await.is(200).json();
            let cases = page["cases"].as_array().unwrap();
            names.extend(cases.iter().map(|case| case["caseid"].as_str().unwrap().to_owned()));
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        names.sort();
        names
    };
    assert_eq!(all("").await, ["1", "2", "3", "4", "5"]);
    assert_eq!(all("limit=2").await, ["1", "2", "3", "4", "5"]);
    assert_eq!(all("limit=2&status=pending").await, ["1", "3", "4", "5"]);
    assert_eq!(all("status=undone").await, ["2"]);
    assert!(all("status=erased").await.is_empty());
    for (query, place) in [("status=open", "status"), ("limit=0", "limit"), ("cursor=x", "cursor")] {
        assert_eq!(dpo.get(&format!("/v1/gdpr/cases?{query}")).await.faults(), [place]);
    }
    let shown = case(&centre, "1").await;
    assert_eq!((shown["subjects"].as_array().unwrap().len(), &shown["certificate"]), (2, &Value::Null));
    assert!(["1234567", "7654321"].iter().all(|number| !shown.to_string().contains(number)));
    assert!(centre.neighbour().privacy().get("/v1/gdpr/cases").await.is(200).json()["cases"] == json!([]));
}

async fn a_client_without_a_tenant_names_the_contact_centre(centre: Centre) {
    provisioned(&centre).await;
    let client = centre.bearer(&json!({"tenant": null, "sub": "scheduler", "roles": ["privacy"]}));
    let ours = format!("cc-{}", centre.tenant);
    let body = json!({"caseid": "1", "consumers": [ALICE]});
    client.post("/v1/gdpr/forgetme").json(body.clone()).await.refused(403, "forbidden");
    client.get("/v1/gdpr/cases/1").await.refused(403, "forbidden");
    let body = json!({"caseid": "1", "ccid": ours, "consumers": [ALICE]});
    client.post("/v1/gdpr/forgetme").json(body.clone()).await.is(202);
    let regions = client.get(&format!("/v1/gdpr/regions?ccid={ours}")).await.is(200).json();
    let expected = [("eu-central-1", true), ("us-east-1", false)];
    let expected = expected.map(|(name, master)| json!({"name": name, "master": master, "up": true}));
    assert_eq!(regions, json!({"regions": expected}));
    client.get(&format!("/v1/gdpr/cases/1?ccid={ours}")).await.is(200);
    client.get(&format!("/v1/gdpr/cases?ccid={ours}")).await.is(200);
    client.post("/v1/gdpr/exportme").json(body.clone()).await.is(200);
    client.post("/v1/gdpr/undoforget").json(body).await.is(200);
}

async fn a_case_is_erased_within_a_day_and_its_certificate_is_checked_by_the_key_set(centre: Centre) {
    provisioned(&centre).await;
    let forgotten = forget(&centre, "1", &[ALICE]).await.is(202).json();
    forget(&centre, "2", &["+49 30 999"]).await.is(202);
    ask(&centre, "undoforget", json!({"caseid": "2"})).await.is(200);
    centre.pass(Duration::from_mins(23 * 60 + 30));
    for body in [json!({"caseid": "1"}), json!({"consumers": [ALICE]})] {
        ask(&centre, "undoforget", body).await.refused(410, "gone");
    }
    centre.pass(Duration::from_mins(1));
    assert_eq!(centre.sweep().await["purged"], 0);
    centre.pass(Duration::from_mins(1));
    let swept = centre.sweep().await;
    assert_eq!((&swept["purged"], &swept["failed"]), (&json!(4), &json!(0)));
    assert_eq!(centre.recordings().len(), 1);
    let shown = case(&centre, "1").await;
    assert_eq!((&shown["status"], &shown["operation"]), (&json!("erased"), &json!("forgetme")));
    assert!(time(&shown, "erased_at") <= time(&shown, "purge_at"));
    let says = centre.certified(shown["certificate"].as_str().unwrap()).await;
    assert_eq!((&says["caseid"], &says["tenant"]), (&json!("1"), &json!(centre.tenant)));
    assert_eq!((&says["requested_at"], &says["subjects"]), (&forgotten["requested_at"], &shown["subjects"]));
    let master =
        json!({"region": "eu-central-1", "master": true, "found": 4, "deleted": 4, "verified_absent": 4});
    assert_eq!(says["regions"][0], master);
    let closed = forget(&centre, "1", &[ALICE]).await.is(200).json();
    assert_eq!((&closed["status"], &closed["consumers"][ALICE]["messages"]), (&json!("erased"), &json!(0)));
    ask(&centre, "undoforget", json!({"caseid": "1"})).await.refused(410, "gone");
    ask(&centre, "undoforget", json!({"caseid": "2"})).await.is(200);
}

async fn undo_works_in_the_last_minute_of_its_time(centre: Centre) {
    provisioned(&centre).await;
    let before = seen(&centre).await;
    forget(&centre, "1", &[ALICE]).await.is(202);
    centre.pass(Duration::from_mins(23 * 60 + 29));
    centre.sweep().await;
    ask(&centre, "undoforget", json!({"caseid": "1"})).await.is(200);
    centre.sweep().await;
    assert_eq!(seen(&centre).await, before);
}

#[tokio::test]
async fn an_erasure_that_is_overdue_is_an_error_in_the_log_and_a_number_of_the_metrics() {
    let setting = Setting::new(1).with("VOICEMAIL_ERASE_AFTER", "2s");
    let centre = Centre::gateway(&Arc::new(setting)).await;
    provisioned(&centre).await;
    forget(&centre, "1", &[ALICE]).await.is(202);
    let mark = centre.front.data().join("recordings/us-east-1/region.json");
    let away = centre.front.data().join("away");
    std::fs::rename(&mark, &away).unwrap();
    let (begun, overdue) = (Instant::now(), "voicemail_erasures_overdue_total");
    let told = async || {
        let metrics = centre.nobody().get("/metrics").await.is(200).text().to_owned();
        let line = metrics.lines().find(|line| line.starts_with(overdue)).map(str::to_owned);
        line.is_some_and(|line| !line.ends_with(" 0"))
    };
    while !told().await {
        assert!(begun.elapsed() < PATIENCE, "no alarm");
        centre.sweep().await;
    }
    assert_eq!(case(&centre, "1").await["status"], "erasing", "it has no certificate");
    std::fs::rename(&away, &mark).unwrap();
    centre.sweep().await;
    assert_eq!(case(&centre, "1").await["status"], "erased");
    let log = centre.process().stopped().await;
    let line = log.lines().find(|line| line.contains("a case could not be swept")).unwrap();
    assert!(
        line.contains("the storage is not available: ") && line.contains("marker file"),
        "and why: {line}"
    );
    let line = log.lines().find(|line| line.contains("an erasure is overdue")).unwrap();
    assert!(line.contains("\"level\":\"ERROR\"") && line.contains("\"case\":\""), "{line}");
}

tests::journeys![
    forget_me_hides_every_message_of_a_caller_at_once_and_says_how_many,
    after_undo_every_message_is_where_it_was,
    a_repeat_answers_the_case_as_it_is_and_other_numbers_are_a_conflict,
    numbers_are_undone_in_one_case_or_in_every_pending_one,
    a_request_that_cannot_be_done_says_where_it_is_wrong_and_does_nothing,
    cases_are_listed_page_by_page_and_by_status_without_a_number_in_them,
    a_client_without_a_tenant_names_the_contact_centre,
];
tests::journeys_in_time![
    a_case_is_erased_within_a_day_and_its_certificate_is_checked_by_the_key_set,
    undo_works_in_the_last_minute_of_its_time,
];
