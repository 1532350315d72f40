//! Links of the storage: those that take a recording, and those that play one.
#![expect(missing_docs, reason = "the name of a case is its documentation")]

use std::time::Duration;

use domain::Hold;
use serde_json::{Value, json};

use super::{Office, play, upload};
use crate::cloud::Emulated;
use crate::fixture::HOUR;
use crate::http::{Call, id, wav};

const FIVE_MINUTES: Duration = Duration::from_mins(5);
/// What may be over of them on a busy machine when a link is looked at.
const A_MOMENT: Duration = Duration::from_secs(20);

pub async fn what_is_put_to_an_upload_link_is_the_message_whose_id_was_told(on: Emulated) {
    let office = Office::new(on).await;
    let link = a_link(&office).await;
    let key = format!("t0/5001/{}", id(&link));
    // What is put there twice is one message.
    for _ in 0..2 {
        assert_stored(upload(&link, wav(120_000)).await);
        office.told(&key).await.unwrap();
        assert_told(&office.message().await, &link);
    }
    office.is_clear().await;
    // By the link that its audio redirects to, and nothing else.
    let (status, _, bytes) = play(&office.link(&office.message().await, "").await).await;
    assert_eq!((status, bytes), (200, wav(120_000)));
}

pub async fn what_is_put_to_an_upload_link_after_it_was_rejected_is_still_that_message(on: Emulated) {
    let office = Office::new(on).await;
    let link = a_link(&office).await;
    let key = format!("t0/5001/{}", id(&link));
    assert_stored(upload(&link, "no audio at all".into()).await);
    office.told(&key).await.unwrap();
    assert_eq!(office.cloud.reason(&key).await.as_deref(), Some("unsupported-audio"));
    assert_stored(upload(&link, wav(120_000)).await);
    office.told(&key).await.unwrap();
    assert_told(&office.message().await, &link);
}

/// A link for an urgent message of Jürgen, whose address tells nothing of him.
async fn a_link(office: &Office) -> Value {
    let facts = json!({"caller_id": "\u{202a}(+49)\u{2011}30 1234567", "caller_name": "Jürgen M.\u{202e}", "urgent": true});
    let link = office.centre.platform().post("5001/uploads").json(facts).await.is(201).json();
    assert!(!link["url"].as_str().unwrap().contains("1234567"), "a URL is written to logs: {link}");
    link
}

fn assert_stored(status: u16) {
    assert!(matches!(status, 200 | 201), "{status}");
}

/// That a message is what the link was made for.
fn assert_told(message: &Value, link: &Value) {
    assert_eq!(id(message), id(link));
    for (name, value) in [
        ("caller_id", json!("+49301234567")),
        ("caller_name", json!("Jürgen M.")),
        ("urgent", json!(true)),
        ("duration_ms", json!(120_000)),
    ] {
        assert_eq!(message[name], value, "{name}");
    }
}

pub async fn a_link_is_given_only_where_a_recording_would_be_taken(on: Emulated) {
    let office = Office::new(on).await;
    let (platform, centre) = (office.centre.platform(), &office.centre);
    platform.post("none/uploads").await.refused(404, "not-found");
    platform.post("5001/uploads").header("voicemail-call-id", "c-1").await.refused(400, "bad-request");
    centre.agent("alice").post("5001/uploads").await.refused(403, "forbidden");
    centre.settings("5001", json!({"max_messages": 1})).await;
    let received_at = centre.ago(5);
    let call = Call::new().with("call_id", "c-1").with("received_at", received_at.as_str());
    let message = centre.deposit("5001", &call).await;
    platform.post("5001/uploads").await.refused(409, "mailbox-full");
    let repeat = json!({"call_id": "c-1", "received_at": received_at});
    let link = platform.post("5001/uploads").json(repeat).await.is(201).json();
    assert_eq!(id(&link), id(&message), "a repeat is the message that is there");
}

pub async fn a_deposit_that_is_too_large_for_a_request_is_told_of_the_links(on: Emulated) {
    let office = Office::new(on).await;
    office.centre.settings("5001", json!({"max_message_seconds": 1})).await;
    let call = Call::new().audio(wav(30_000));
    let refused = office.centre.platform().deposit("5001", &call).await.refused(413, "too-large");
    assert!(refused["detail"].as_str().unwrap().contains("/uploads"), "{refused}");
}

pub async fn a_recording_is_played_by_a_link_of_five_minutes_that_needs_no_token(on: Emulated) {
    let office = Office::new(on).await;
    let message = office.centre.deposit("5001", &Call::from("+49301234567")).await;
    for (query, disposition) in
        [("", None), ("?download=1", Some(format!("attachment; filename=\"{}.wav\"", id(&message))))]
    {
        let link = office.link(&message, query).await;
        let life = office.cloud.place.life(&link);
        assert!(life <= FIVE_MINUTES && life + A_MOMENT >= FIVE_MINUTES, "{life:?}: {link}");
        assert!(!link.contains("301234567"), "{link}");
        let (status, headers, bytes) = play(&link).await;
        assert_eq!((status, bytes), (200, wav(1000)));
        assert_eq!(headers["content-type"], "audio/wav");
        assert_eq!(headers.get("content-disposition"), disposition.as_ref());
    }
    let path = format!("5001/messages/{}/audio?link=1", id(&message));
    let link = office.centre.agent("alice").get(&path).await.is(200).json();
    let link = link["url"].as_str().unwrap();
    assert_eq!(play(link).await.0, 200);
    let prolonged = office.cloud.place.prolonged(link);
    assert_ne!(prolonged, link);
    assert_eq!(play(&prolonged).await.0, 403, "its end is signed");
    office.centre.neighbour().admin().get(&path).await.refused(404, "not-found");
    // Forgotten, or with a mailbox that was deleted: no link is given any more.
    let tenant = office.app.tenant(&"t0".parse().unwrap()).unwrap();
    let (mailbox, message) = ("5001".parse().unwrap(), id(&message).parse().unwrap());
    let hidden = Hold::Mailbox { purge_at: office.centre.now().plus(HOUR) };
    tenant.metadata().hold(&mailbox, message, &hidden).await.unwrap().unwrap();
    for query in ["", "?link=1", "?download=1"] {
        let path = format!("5001/messages/{message}/audio{query}");
        office.centre.agent("alice").get(&path).await.refused(404, "not-found");
    }
}
