//! Export Me: what a caller is told of, and the recordings.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tests::http::{Call, Centre, Person, id, wav};

const ALICE: &str = "+49 30 1234567";
const BOB: &str = "+49 30 7654321";

async fn export(who: &Person, body: Value) -> Value {
    who.post("/v1/gdpr/exportme").json(body).await.is(200).json()
}

/// Messages of Alice in two mailboxes, one of them in the trash, and one of Bob.
async fn provisioned(centre: &Centre) -> Vec<String> {
    centre.personal("5001", "alice").await;
    centre.personal("5002", "bob").await;
    let mut ids = Vec::new();
    for (mailbox, caller) in [("5001", "030 1234567"), ("5002", ALICE), ("5002", ALICE), ("5001", BOB)] {
        ids.push(id(&centre.deposit(mailbox, &Call::from(caller)).await));
    }
    centre.agent("bob").put(&format!("5002/messages/{}/read", ids[1])).await.is(200);
    centre.agent("bob").delete(&format!("5002/messages/{}", ids[2])).await.is(200);
    ids
}

async fn an_export_names_every_recording_under_each_spelling_and_tells_of_each_message(centre: Centre) {
    let ids = provisioned(&centre).await;
    let dpo = centre.privacy();
    let body = json!({"caseid": "17", "consumers": [
        {"consumer": [{"phone": "030 1234567"}, {"phone": ALICE}]}, "+49 30 999"]});
    let exported = export(&dpo, body.clone()).await;
    let names: Vec<String> = ids[..3].iter().map(|id| format!("{id}.wav")).collect();
    let mut told = exported["consumers"].clone();
    for spelling in ["030 1234567", ALICE] {
        told[spelling].as_array_mut().unwrap().sort_by_key(ToString::to_string);
    }
    let mut sorted = names.clone();
    sorted.sort();
    assert_eq!(told, json!({"030 1234567": sorted, ALICE: sorted, "+49 30 999": []}));
    assert_eq!((&exported["caseid"], &exported["next"]), (&json!("17"), &Value::Null));
    let files = exported["files"].as_object().unwrap();
    assert_eq!(files.keys().collect::<BTreeSet<_>>(), names.iter().collect());
    for (name, mailbox, folder) in
        [(&names[0], "5001", "new"), (&names[1], "5002", "old"), (&names[2], "5002", "trash")]
    {
        let file = &files[name];
        assert_eq!(file["url"], format!("/v1/gdpr/files/{name}"));
        assert_eq!(file["bytes"].as_u64(), u64::try_from(wav(1000).len()).ok());
        let shown = centre.admin().get(&format!("{mailbox}/messages/{}", &name[..36])).await.is(200).json();
        assert_eq!((&file["message"], &shown["folder"]), (&shown, &json!(folder)));
    }
    let before = export(&dpo, body.clone()).await;
    dpo.post("/v1/gdpr/forgetme").json(body.clone()).await.is(202);
    assert_eq!(export(&dpo, body).await, before, "what is being forgotten is in it until it is purged");
    assert!(
        export(&centre.neighbour().privacy(), json!({"consumers": ["+49301234567"]})).await["files"]
            == json!({})
    );
}

async fn a_recording_of_an_export_is_handed_out_by_its_name_also_of_a_hidden_message(centre: Centre) {
    let ids = provisioned(&centre).await;
    let dpo = centre.privacy();
    dpo.post("/v1/gdpr/forgetme").json(json!({"caseid": "1", "consumers": [ALICE]})).await.is(202);
    for id in &ids {
        let url = format!("/v1/gdpr/files/{id}.wav");
        let whole = dpo.get(&url).await.is(200);
        assert_eq!((&whole.body, whole.header("content-type")), (&wav(1000), "audio/wav"));
        assert!(whole.header("content-disposition").contains(&format!("\"{id}.wav\"")));
        let part = dpo.get(&url).header("range", "bytes=100-199").await.is(206);
        assert_eq!((&part.body[..], part.header("content-length")), (&wav(1000)[100..200], "100"));
        dpo.get(&url).header("range", "bytes=999999-").await.refused(416, "range");
        assert_eq!(dpo.head(&url).await.is(200).header("content-length"), whole.header("content-length"));
        dpo.get(&url).header("if-none-match", whole.header("etag")).await.is(304);
    }
    let hinted = format!("/v1/gdpr/files/{}.wav", ids[0]);
    dpo.get(&format!("{hinted}?mailbox=5001")).await.is(200);
    for query in ["?mailbox=5002", "?mailbox=nobodys", "?mailbox=%2F"] {
        dpo.get(&format!("{hinted}{query}")).await.refused(404, "not-found");
    }
    for name in
        [format!("{}.mp3", ids[0]), ids[0].clone(), "x.wav".into(), "%2e%2e".into(), "..%2F..%2Fx".into()]
    {
        dpo.get(&format!("/v1/gdpr/files/{name}")).await.refused(404, "not-found");
    }
    centre.neighbour().privacy().get(&hinted).await.refused(404, "not-found");
    let client = centre.bearer(&json!({"tenant": null, "sub": "scheduler", "roles": ["privacy"]}));
    client.get(&hinted).await.refused(403, "forbidden");
    client.get(&format!("{hinted}?ccid=cc-{}", centre.tenant)).await.is(200);
}

async fn what_is_purged_is_in_no_export(centre: Centre) {
    let ids = provisioned(&centre).await;
    let dpo = centre.privacy();
    dpo.post("/v1/gdpr/forgetme").json(json!({"caseid": "1", "consumers": [ALICE]})).await.is(202);
    centre.pass(Duration::from_hours(24));
    centre.sweep().await;
    let exported = export(&dpo, json!({"consumers": [ALICE, BOB]})).await;
    assert_eq!(exported["consumers"], json!({ALICE: [], BOB: [format!("{}.wav", ids[3])]}));
    dpo.get(&format!("/v1/gdpr/files/{}.wav", ids[0])).await.refused(404, "not-found");
}

async fn a_deleted_mailboxs_messages_are_exported_until_they_are_purged(centre: Centre) {
    let ids = provisioned(&centre).await;
    centre.admin().delete("5001").await.is(204);
    let exported = export(&centre.privacy(), json!({"consumers": [BOB]})).await;
    assert_eq!(exported["consumers"], json!({BOB: [format!("{}.wav", ids[3])]}));
    centre.privacy().get(&format!("/v1/gdpr/files/{}.wav", ids[3])).await.is(200);
}

async fn an_export_of_more_than_a_thousand_goes_on_with_its_cursor(centre: Centre) {
    centre.personal("5001", "alice").await;
    centre.settings("5001", json!({"max_messages": 2000})).await;
    for _ in 0..1003 {
        centre.deposit("5001", &Call::from(ALICE)).await;
    }
    let dpo = centre.privacy();
    let mut body = json!({"caseid": "1", "consumers": [ALICE]});
    let first = export(&dpo, body.clone()).await;
    body["cursor"] = first["next"].clone();
    let second = export(&dpo, body.clone()).await;
    assert_eq!(first["consumers"], second["consumers"], "the names are always whole");
    let names = |part: &Value| part["files"].as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    let (first, rest) = (names(&first), names(&second));
    assert_eq!((first.len(), rest.len(), &second["next"]), (1000, 3, &Value::Null));
    let all =
        second["consumers"][ALICE].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned());
    assert_eq!(first.union(&rest).cloned().collect::<BTreeSet<_>>(), all.collect());
    body["cursor"] = json!("x");
    assert_eq!(dpo.post("/v1/gdpr/exportme").json(body).await.faults(), ["cursor"]);
}

#[tokio::test]
async fn a_region_that_is_down_is_named_and_nothing_is_changed_anywhere() {
    for region in ["eu-central-1", "us-east-1"] {
        let centre = Centre::in_process().await;
        provisioned(&centre).await;
        let forget = json!({"caseid": "1", "consumers": [BOB]});
        centre.privacy().post("/v1/gdpr/forgetme").json(forget).await.is(202);
        let mark = centre.front.data().join("recordings").join(region).join("region.json");
        let away = centre.front.data().join("away");
        std::fs::rename(&mark, &away).unwrap();
        let content = |centre: &Centre| -> Vec<_> {
            centre.files().into_iter().map(|file| (std::fs::read(&file).unwrap(), file)).collect()
        };
        let before = content(&centre);
        for (operation, body) in [
            ("forgetme", json!({"caseid": "2", "consumers": [ALICE]})),
            ("forgetme", json!({"caseid": "1", "consumers": [BOB]})),
            ("undoforget", json!({"caseid": "1"})),
            ("undoforget", json!({"consumers": [BOB]})),
            ("exportme", json!({"consumers": [ALICE]})),
        ] {
            let refused = centre.privacy().post(&format!("/v1/gdpr/{operation}")).json(body).await;
            assert!(refused.has("retry-after"));
            let refused = refused.refused(503, "region-unavailable");
            assert!(refused["detail"].as_str().unwrap().contains(region));
        }
        assert_eq!(content(&centre), before);
        let regions = centre.privacy().get("/v1/gdpr/regions").await.is(200).json();
        let up =
            |at: usize| (regions["regions"][at]["name"] == region) != (regions["regions"][at]["up"] == true);
        assert!(up(0) && up(1), "{regions}");
        std::fs::rename(&away, &mark).unwrap();
        let forget = json!({"caseid": "2", "consumers": [ALICE]});
        centre.privacy().post("/v1/gdpr/forgetme").json(forget).await.is(202);
    }
}

tests::journeys![
    an_export_names_every_recording_under_each_spelling_and_tells_of_each_message;
    on files:
    a_recording_of_an_export_is_handed_out_by_its_name_also_of_a_hidden_message,
    a_deleted_mailboxs_messages_are_exported_until_they_are_purged,
];
tests::journeys_in_time![
    what_is_purged_is_in_no_export,
    an_export_of_more_than_a_thousand_goes_on_with_its_cursor,
];
