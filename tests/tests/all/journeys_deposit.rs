//! Deposit, as a telephony platform sees it: what is taken, how it is answered, and what is refused.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use tests::http::{Call, Centre, id, wav};

/// A centre with the mailbox 5001 of Alice.
async fn alices(centre: &Centre) {
    centre.personal("5001", "alice").await;
}

/// Refused as expected, and nothing is left: no message, no count, no file.
async fn leaves_nothing(centre: &Centre, mailbox: &str, call: &Call, status: u16, code: &str) -> Value {
    let files = centre.files();
    let counts = centre.counts(mailbox).await;
    let problem = centre.platform().deposit(mailbox, call).await.refused(status, code);
    assert_eq!(centre.files(), files, "{code}");
    assert_eq!(centre.counts(mailbox).await, counts, "{code}");
    problem
}

async fn a_deposit_is_answered_with_201_its_place_and_the_whole_message(centre: Centre) {
    alices(&centre).await;
    let audio = wav(12_340);
    let received_at = centre.ago(60);
    let call = Call::from("+49 30 12345678").audio(audio.clone()).with("received_at", received_at.clone());
    let answer = centre.platform().deposit("5001", &call).await.is(201);
    let message = answer.json();
    assert_eq!(answer.header("location"), format!("/v1/mailboxes/5001/messages/{}", id(&message)));
    assert_eq!(
        message,
        json!({
            "id": id(&message), "mailbox": "5001", "folder": "new", "caller_id": "+493012345678", "caller_name": null,
            "received_at": received_at, "duration_ms": 12_340, "media_type": "audio/wav", "bytes": audio.len(),
            "urgent": false, "region": "eu-central-1", "read_at": null, "read_by": null, "purge_at": null,
            "taken": null,
        })
    );
    assert_eq!(message["id"].as_str().unwrap().split('-').nth(2).unwrap().chars().next(), Some('7'));
    let shown = centre.agent("alice").get(&format!("5001/messages/{}", id(&message))).await.is(200).json();
    assert_eq!(shown, message, "a deposit answers what a look shows");
}

async fn a_form_of_two_parts_is_the_same_as_headers(centre: Centre) {
    alices(&centre).await;
    let call = Call::from("030 1234567")
        .with("caller_name", "Jürgen \"Müller\" 100 %")
        .with("urgent", true)
        .with("received_at", centre.ago(30));
    let [mut raw, mut form] = [
        centre.platform().deposit("5001", &call).await.is(201).json(),
        centre.platform().deposit_form("5001", &call).await.is(201).json(),
    ];
    assert_eq!((&raw["caller_name"], &raw["urgent"]), (&json!("Jürgen \"Müller\" 100 %"), &json!(true)));
    assert_ne!(raw["id"].take(), form["id"].take(), "without a call id they are two messages");
    assert_eq!(raw, form);
}

async fn every_spelling_of_a_number_becomes_e164_with_the_tenants_country(centre: Centre) {
    alices(&centre).await;
    let spellings = [
        "+49 30 1234567",
        "0049301234567",
        "030 1234567",
        "(030) 123-4567",
        "tel:+49-30-1234567",
        "sip:+49301234567@pbx.example",
        "\"A. Caller\" <sip:030-1234567@pbx.example;user=phone>;tag=1",
    ];
    for spelling in spellings {
        let message = centre.deposit("5001", &Call::from(spelling)).await;
        assert_eq!(message["caller_id"], "+49301234567", "{spelling}");
    }
    let american = centre.neighbour();
    alices(&american).await;
    for (spelling, number) in [("(201) 555-0123", "+12015550123"), ("011 49 30 1234567", "+49301234567")] {
        assert_eq!(american.deposit("5001", &Call::from(spelling)).await["caller_id"], number);
    }
}

async fn a_caller_that_is_no_number_is_kept_trimmed_and_in_lower_case(centre: Centre) {
    alices(&centre).await;
    for (sent, kept) in
        [("  Alice@PBX.example ", "alice@pbx.example"), ("Front Desk", "front desk"), ("Room 5", "room 5")]
    {
        // A header's value is trimmed by HTTP itself: the form shows that the service does it.
        let message = centre.platform().deposit_form("5001", &Call::from(sent)).await.is(201).json();
        assert_eq!(message["caller_id"], kept);
    }
    let unicode = Call::from("Jürgen Straße").with("caller_name", "Ü");
    assert_eq!(centre.deposit("5001", &unicode).await["caller_id"], "jürgen straße", "UTF-8 in a header");
}

async fn a_withheld_caller_is_null_and_never_refuses_a_deposit(centre: Centre) {
    alices(&centre).await;
    for withheld in ["", "anonymous", "Anonymous", "RESTRICTED", "unavailable", "unknown"] {
        assert_eq!(
            centre.deposit("5001", &Call::from(withheld)).await["caller_id"],
            Value::Null,
            "{withheld}"
        );
    }
    assert_eq!(centre.deposit("5001", &Call::new()).await["caller_id"], Value::Null, "absent");
    let null = Call::new().with("caller_id", Value::Null);
    assert_eq!(centre.platform().deposit_form("5001", &null).await.is(201).json()["caller_id"], Value::Null);
    for odd in ["+", "@", "<>", "tel:", "sip:@", "++49", "12345678901234567890123456789", "a\tb"] {
        centre.platform().deposit("5001", &Call::from(odd)).await.is(201);
    }
}

async fn a_caller_id_of_256_bytes_is_taken_and_a_longer_one_is_400(centre: Centre) {
    alices(&centre).await;
    let longest = "x".repeat(256);
    assert_eq!(centre.deposit("5001", &Call::from(&longest)).await["caller_id"], longest);
    let too_long = Call::from(&"x".repeat(257));
    leaves_nothing(&centre, "5001", &too_long, 400, "bad-request").await;
    assert_eq!(centre.platform().deposit_form("5001", &too_long).await.faults(), ["caller_id"]);
}

async fn urgent_is_true_or_false_and_counted(centre: Centre) {
    alices(&centre).await;
    for (sent, urgent) in [("true", true), ("false", false)] {
        assert_eq!(centre.deposit("5001", &Call::new().with("urgent", sent)).await["urgent"], urgent);
    }
    assert_eq!(centre.counts("5001").await, [2, 0, 1, 0]);
    for odd in ["yes", "1", "TRUE", ""] {
        assert_eq!(
            centre.platform().deposit("5001", &Call::new().with("urgent", odd)).await.faults(),
            ["urgent"]
        );
    }
}

async fn received_at_is_now_where_it_is_not_given(centre: Centre) {
    alices(&centre).await;
    let before = centre.now();
    let message = centre.deposit("5001", &Call::new()).await;
    let received_at = message["received_at"].as_str().unwrap();
    assert!(
        received_at.len() == "2026-11-22T10:00:00.000Z".len() && received_at.ends_with('Z'),
        "{received_at}"
    );
    let received_at = received_at.parse().unwrap();
    assert!((before..=centre.now()).contains(&received_at), "{received_at}");
}

async fn received_at_is_from_2000_to_5_minutes_in_the_future(centre: Centre) {
    alices(&centre).await;
    let ahead = |seconds| centre.now().plus(std::time::Duration::from_secs(seconds)).to_string();
    let bad = [
        "1999-12-31T23:59:59Z".to_owned(),
        ahead(400),
        "2026-11-22".to_owned(),
        "now".to_owned(),
        String::new(),
    ];
    for bad in bad {
        let call = Call::new().with("received_at", bad.clone());
        assert_eq!(centre.platform().deposit("5001", &call).await.faults(), ["received_at"], "{bad}");
    }
    assert_eq!(centre.recordings().len(), 0);
    for (sent, shown) in [
        ("2000-01-01T00:00:00Z", "2000-01-01T00:00:00.000Z"),
        ("2020-02-29T12:00:00.1234+01:00", "2020-02-29T11:00:00.123Z"),
    ] {
        assert_eq!(
            centre.deposit("5001", &Call::new().with("received_at", sent)).await["received_at"],
            shown
        );
    }
    centre.deposit("5001", &Call::new().with("received_at", ahead(200))).await;
}

async fn all_that_is_wrong_with_the_facts_is_named_at_once(centre: Centre) {
    alices(&centre).await;
    let call = Call::from(&"x".repeat(257))
        .with("urgent", "perhaps")
        .with("received_at", "yesterday")
        .with("call_id", "c".repeat(257));
    let mut faults = centre.platform().deposit("5001", &call).await.faults();
    faults.sort();
    assert_eq!(faults, ["call_id", "caller_id", "received_at", "urgent"]);
}

async fn a_form_without_its_json_part_or_with_it_second_is_400(centre: Centre) {
    alices(&centre).await;
    let (facts, audio): (&[u8], &[u8]) = (b"{}", &wav(100));
    let parts: [&[(&str, &[u8])]; 6] = [
        &[("audio", audio)],
        &[("audio", audio), ("message", facts)],
        &[("message", facts)],
        &[("facts", facts), ("audio", audio)],
        &[("message", b"{"), ("audio", audio)],
        &[],
    ];
    for parts in parts {
        centre.platform().deposit_parts("5001", parts).await.refused(400, "bad-request");
    }
    centre
        .platform()
        .post("5001/messages")
        .body("multipart/form-data", "x")
        .await
        .refused(400, "bad-request");
    assert!(centre.recordings().is_empty());
    centre.platform().deposit_parts("5001", &[("message", facts), ("audio", audio)]).await.is(201);
}

async fn unknown_facts_and_query_parameters_are_ignored(centre: Centre) {
    alices(&centre).await;
    let call = Call::new().with("surprise", json!({"a": [1]})).with("id", "mine").with("folder", "trash");
    let message = centre.platform().deposit_form("5001", &call).await.is(201).json();
    assert_eq!((&message["folder"], message.get("surprise")), (&json!("new"), None));
    let platform = centre.platform();
    platform.post("5001/messages?caller_id=1&x=%20").body("audio/wav", wav(100)).await.is(201);
}

async fn the_kind_is_read_from_the_audio_whatever_its_content_type_says(centre: Centre) {
    alices(&centre).await;
    for kind in ["audio/ogg", "application/octet-stream", "text/plain; charset=x"] {
        assert_eq!(centre.deposit("5001", &Call::new().content_type(kind)).await["media_type"], "audio/wav");
    }
}

async fn a_streamed_wav_that_does_not_know_its_length_is_measured_to_its_end(centre: Centre) {
    alices(&centre).await;
    let mut streamed = wav(1500).to_vec();
    streamed[4..8].fill(0xff);
    streamed[40..44].fill(0xff);
    let message = centre.deposit("5001", &Call::new().audio(streamed.clone())).await;
    assert_eq!((&message["duration_ms"], &message["bytes"]), (&json!(1500), &json!(streamed.len())));
}

async fn an_unknown_mailbox_is_404(centre: Centre) {
    alices(&centre).await;
    for mailbox in ["5002", "05001", ".hidden", "%20", "a%2Fb", &"x".repeat(65)] {
        centre.platform().deposit(mailbox, &Call::new()).await.refused(404, "not-found");
        centre.platform().deposit_form(mailbox, &Call::new()).await.refused(404, "not-found");
    }
    assert!(centre.recordings().is_empty());
}

async fn a_disabled_mailbox_is_409_before_the_audio_is_looked_at(centre: Centre) {
    alices(&centre).await;
    let set = |enabled: bool| json!({"kind": "personal", "user": "alice", "enabled": enabled});
    centre.admin().put("5001").json(set(false)).await.is(200);
    leaves_nothing(&centre, "5001", &Call::new(), 409, "mailbox-disabled").await;
    leaves_nothing(&centre, "5001", &Call::new().audio("no audio"), 409, "mailbox-disabled").await;
    centre.admin().put("5001").json(set(true)).await.is(200);
    centre.deposit("5001", &Call::new()).await;
}

async fn a_full_mailbox_is_409_and_new_and_old_count_but_not_the_trash(centre: Centre) {
    alices(&centre).await;
    centre.settings("5001", json!({"max_messages": 2})).await;
    let (first, second) =
        (centre.deposit("5001", &Call::new()).await, centre.deposit("5001", &Call::new()).await);
    let alice = centre.agent("alice");
    alice.put(&format!("5001/messages/{}/read", id(&first))).await.is(200);
    leaves_nothing(&centre, "5001", &Call::new(), 409, "mailbox-full").await;
    leaves_nothing(&centre, "5001", &Call::new().audio("no audio"), 409, "mailbox-full").await;
    alice.delete(&format!("5001/messages/{}", id(&second))).await.is(200);
    centre.deposit("5001", &Call::new()).await;
    leaves_nothing(&centre, "5001", &Call::new(), 409, "mailbox-full").await;
    alice.post(&format!("5001/messages/{}/undo", id(&second))).await.is(200);
    assert_eq!(centre.counts("5001").await, [2, 1, 0, 0], "an undo is never refused by a full mailbox");
}

async fn what_is_not_audio_is_415(centre: Centre) {
    alices(&centre).await;
    let png: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    for bytes in [&b"hello, this is text"[..], png, b"PK\x03\x04\x14\0\0\0\x08\0", b"<html></html>"] {
        let call = Call::new().audio(bytes.to_vec());
        leaves_nothing(&centre, "5001", &call, 415, "unsupported-audio").await;
        centre.platform().deposit_form("5001", &call).await.refused(415, "unsupported-audio");
    }
}

async fn an_empty_or_cut_off_recording_is_422(centre: Centre) {
    alices(&centre).await;
    let whole = wav(1000);
    for cut in [0, 20, 44, 100, whole.len() - 1] {
        let call = Call::new().audio(whole.slice(..cut));
        let problem = leaves_nothing(&centre, "5001", &call, 422, "broken-audio").await;
        assert_eq!(problem["errors"].as_array().unwrap().len(), 1, "{problem}");
        centre.platform().deposit_form("5001", &call).await.refused(422, "broken-audio");
    }
}

async fn a_recording_longer_than_the_mailbox_allows_is_413_too_long(centre: Centre) {
    alices(&centre).await;
    centre.settings("5001", json!({"max_message_seconds": 2})).await;
    leaves_nothing(&centre, "5001", &Call::new().audio(wav(2001)), 413, "too-long").await;
    centre.deposit("5001", &Call::new().audio(wav(2000))).await;
}

async fn a_body_over_the_size_limit_is_413_too_large(centre: Centre) {
    alices(&centre).await;
    centre.settings("5001", json!({"max_message_seconds": 1})).await;
    let huge = Call::new().audio(vec![0; 1 << 20]);
    leaves_nothing(&centre, "5001", &huge, 413, "too-large").await;
    centre.platform().deposit_form("5001", &huge).await.refused(413, "too-large");
}

async fn at_the_limit_each_deposit_is_stored_whole_or_leaves_nothing(centre: Centre) {
    alices(&centre).await;
    centre.settings("5001", json!({"max_messages": 1})).await;
    let (platform, call) = (centre.platform(), Call::new());
    let answers =
        futures::future::join_all((0..8).map(|_| async { platform.deposit("5001", &call).await })).await;
    let stored = answers.iter().filter(|answer| answer.status == 201).count();
    assert!(stored >= 1 && answers.iter().all(|answer| matches!(answer.status, 201 | 409)), "{answers:?}");
    assert_eq!((centre.ids("5001", "").await.len(), centre.recordings().len()), (stored, stored));
    leaves_nothing(&centre, "5001", &call, 409, "mailbox-full").await;
}

async fn no_file_is_named_by_a_caller(centre: Centre) {
    alices(&centre).await;
    centre.deposit("5001", &Call::from("+4915112345678").with("caller_name", "Zaphod")).await;
    centre.deposit("5001", &Call::from("trillian@pbx.example")).await;
    for path in centre.files() {
        let name = path.display().to_string();
        assert!(["15112345678", "Zaphod", "trillian"].iter().all(|caller| !name.contains(caller)), "{name}");
    }
}

async fn an_upload_link_is_501_on_a_file_system(centre: Centre) {
    alices(&centre).await;
    centre
        .platform()
        .post("5001/uploads")
        .json(json!({"caller_id": "1"}))
        .await
        .refused(501, "not-supported");
    centre.platform().post("5002/uploads").json(json!({})).await.refused(404, "not-found");
}

tests::journeys![
    a_deposit_is_answered_with_201_its_place_and_the_whole_message,
    a_form_of_two_parts_is_the_same_as_headers,
    every_spelling_of_a_number_becomes_e164_with_the_tenants_country,
    a_caller_that_is_no_number_is_kept_trimmed_and_in_lower_case,
    a_withheld_caller_is_null_and_never_refuses_a_deposit,
    a_caller_id_of_256_bytes_is_taken_and_a_longer_one_is_400,
    urgent_is_true_or_false_and_counted,
    received_at_is_now_where_it_is_not_given,
    all_that_is_wrong_with_the_facts_is_named_at_once,
    unknown_facts_and_query_parameters_are_ignored,
    the_kind_is_read_from_the_audio_whatever_its_content_type_says,
    a_streamed_wav_that_does_not_know_its_length_is_measured_to_its_end;
    on files:
    received_at_is_from_2000_to_5_minutes_in_the_future,
    a_form_without_its_json_part_or_with_it_second_is_400,
    an_unknown_mailbox_is_404,
    a_disabled_mailbox_is_409_before_the_audio_is_looked_at,
    a_full_mailbox_is_409_and_new_and_old_count_but_not_the_trash,
    what_is_not_audio_is_415,
    an_empty_or_cut_off_recording_is_422,
    a_recording_longer_than_the_mailbox_allows_is_413_too_long,
    a_body_over_the_size_limit_is_413_too_large,
    at_the_limit_each_deposit_is_stored_whole_or_leaves_nothing,
    no_file_is_named_by_a_caller,
    an_upload_link_is_501_on_a_file_system,
];
