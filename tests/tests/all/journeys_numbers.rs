//! Numbers from the deposit to the answer of a data protection request: who is found, who is told, and who is not touched.
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use tests::http::{Answer, Call, Centre, id};

/// What a platform sends for one mobile telephone, and what people write.
const SPELLINGS: [&str; 8] = [
    "4915112345678",
    "\u{202a}+49 151 12345678\u{202c}",
    "+49\u{2011}151\u{2011}12345678",
    "(+49) 151 12345678",
    "tel:12345678;phone-context=+49151",
    "sip:%2B4915112345678@pbx.example",
    "Tel.: 0151 12345678 ext. 5",
    "0151 12345678, 030 7654321",
];
/// Somebody else, whose number has the same digits behind the country's code.
const OTHER: &str = "04915 112345678";

async fn ask(centre: &Centre, operation: &str, body: Value) -> Answer {
    centre.privacy().post(&format!("/v1/gdpr/{operation}")).json(body).await
}

async fn forget(centre: &Centre, case: &str, number: &str) -> Answer {
    ask(centre, "forgetme", json!({"caseid": case, "consumers": [number]})).await
}

/// A mailbox with a message for each spelling, by header and by form in turn.
async fn with_every_spelling(centre: &Centre) -> Vec<String> {
    centre.personal("5001", "alice").await;
    let mut ids = Vec::new();
    for (n, spelling) in SPELLINGS.into_iter().enumerate() {
        let (platform, call) = (centre.platform(), Call::from(spelling));
        let asked =
            if n % 2 == 0 { platform.deposit("5001", &call) } else { platform.deposit_form("5001", &call) };
        let message = asked.await.is(201).json();
        assert_eq!(message["caller_id"], "+4915112345678", "{spelling}");
        ids.push(id(&message));
    }
    ids
}

async fn every_spelling_of_a_deposit_is_found_by_every_spelling_of_a_request(centre: Centre) {
    let ids = with_every_spelling(&centre).await;
    for (n, spelling) in SPELLINGS[..7].iter().enumerate() {
        let answer = forget(&centre, &n.to_string(), spelling).await.is(202).json();
        assert_eq!(answer["read_as"], json!({*spelling: ["+4915112345678"]}));
        assert_eq!(answer["consumers"][spelling]["messages"], ids.len(), "{spelling:?}");
        assert!(centre.ids("5001", "").await.is_empty(), "{spelling:?}");
        ask(&centre, "undoforget", json!({"caseid": n.to_string()})).await.is(200);
    }
}

async fn who_else_the_digits_mean_is_told_in_all_three_answers_and_stays(centre: Centre) {
    centre.personal("5001", "alice").await;
    centre.deposit("5001", &Call::from("4915112345678")).await;
    let other = id(&centre.deposit("5001", &Call::from(OTHER)).await);
    let (number, told) = ("+49 151 12345678", json!({"+494915112345678": 1}));
    let body = json!({"caseid": "1", "consumers": [number, "+49 30 7654321"]});
    for (operation, status) in [("exportme", 200), ("forgetme", 202), ("undoforget", 200), ("forgetme", 200)]
    {
        let answer = ask(&centre, operation, body.clone()).await.is(status).json();
        assert_eq!(answer["perhaps"], told, "{operation}");
        let read_as = json!({number: ["+4915112345678"], "+49 30 7654321": ["+49307654321"]});
        assert_eq!(answer["read_as"], read_as, "{operation}");
        if operation == "exportme" {
            assert_eq!(answer["consumers"]["+49 30 7654321"], json!([]));
            assert_eq!(answer["consumers"][number].as_array().map(Vec::len), Some(1));
        }
        assert!(centre.ids("5001", "").await.contains(&other), "{operation}");
    }
    let by_case_alone = ask(&centre, "undoforget", json!({"caseid": "1"})).await.is(200).json();
    assert_eq!((by_case_alone.get("read_as"), by_case_alone.get("perhaps")), (None, None));
    let both = json!({"caseid": "2", "consumers": [number, OTHER]});
    let answer = ask(&centre, "forgetme", both).await.is(202).json();
    assert_eq!((&answer["perhaps"], &answer["consumers"][OTHER]["messages"]), (&json!({}), &json!(1)));
    assert!(centre.ids("5001", "").await.is_empty(), "whoever means both names both");
}

async fn a_field_may_hold_two_numbers_a_text_is_named_in_quotes_and_the_rest_is_refused(centre: Centre) {
    centre.personal("5001", "alice").await;
    for caller in ["030 1234567", "0151 12345678", "Front Desk", "Alice@pbx.example", "Private", "+266696687"]
    {
        centre.deposit("5001", &Call::from(caller)).await;
    }
    let two = "030 1234567 oder 0049 151 12345678";
    let export = ask(&centre, "exportme", json!({"consumers": [two]})).await.is(200).json();
    assert_eq!(export["consumers"][two].as_array().map(Vec::len), Some(2));
    let answer = forget(&centre, "1", two).await.is(202).json();
    assert_eq!(answer["consumers"][two]["messages"], 2);
    assert_eq!(answer["read_as"][two], json!(["+49301234567", "+4915112345678"]));
    for (case, named, text) in
        [("2", "\"Front Desk\"", "front desk"), ("3", "alice@PBX.example", "alice@pbx.example")]
    {
        let answer = forget(&centre, case, named).await.is(202).json();
        assert_eq!(
            (&answer["read_as"][named], &answer["consumers"][named]["messages"]),
            (&json!([text]), &json!(1))
        );
    }
    let left = centre.agent("alice").get("5001/messages").await.is(200).json();
    let left: Vec<_> =
        left["messages"].as_array().into_iter().flatten().map(|message| &message["caller_id"]).collect();
    assert_eq!(left, [&Value::Null; 2], "who withholds the number is nobody");
    for field in [
        "Front Desk",
        "4,93012E+11",
        "030 1234567/68",
        "Private",
        "+266696687",
        "000",
        "1234567, 7654321",
        "",
        "\"\"",
    ] {
        let body = json!({"caseid": "4", "consumers": ["030 1234567", field]});
        for operation in ["forgetme", "exportme", "undoforget"] {
            let answer = ask(&centre, operation, body.clone()).await;
            let faults = answer.json()["errors"].clone();
            answer.refused(422, "unusable-number");
            assert_eq!(
                (&faults[0]["where"], faults.as_array().map(Vec::len)),
                (&json!("consumers[1]"), Some(1)),
                "{field}"
            );
        }
    }
    centre.privacy().get("/v1/gdpr/cases/4").await.refused(404, "not-found");
}

async fn what_acts_on_a_screen_is_kept_neither_of_a_caller_id_nor_of_a_name(centre: Centre) {
    centre.personal("5001", "alice").await;
    let call =
        Call::from("Front\u{202e}\u{200b}Desk\u{ad}").with("caller_name", "A\u{200f}nn \u{200d}Lee\u{202e}");
    for asked in [centre.platform().deposit("5001", &call), centre.platform().deposit_form("5001", &call)] {
        let message = asked.await.is(201).json();
        assert_eq!(
            (&message["caller_id"], &message["caller_name"]),
            (&json!("frontdesk"), &json!("Ann \u{200d}Lee"))
        );
    }
}

tests::journeys![
    every_spelling_of_a_deposit_is_found_by_every_spelling_of_a_request,
    who_else_the_digits_mean_is_told_in_all_three_answers_and_stays,
    a_field_may_hold_two_numbers_a_text_is_named_in_quotes_and_the_rest_is_refused,
    what_acts_on_a_screen_is_kept_neither_of_a_caller_id_nor_of_a_name,
];
