//! Play: the bytes as they were deposited, whole or in ranges, and links that play them for minutes.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tests::http::{Call, Centre, Person, id, wav};

/// A centre with one message of Alice: her, the path of the message, and its recording.
async fn one_message(centre: &Centre) -> (Person, String, Bytes) {
    centre.personal("5001", "alice").await;
    let audio = wav(500);
    let message = centre.deposit("5001", &Call::from("+49301234567").audio(audio.clone())).await;
    (centre.agent("alice"), format!("5001/messages/{}", id(&message)), audio)
}

async fn the_bytes_are_those_that_were_deposited(centre: Centre) {
    let (alice, message, audio) = one_message(&centre).await;
    let played = alice.get(&format!("{message}/audio")).await.is(200);
    assert_eq!(played.body, audio);
    assert_eq!(played.header("content-type"), "audio/wav");
    assert_eq!(played.header("accept-ranges"), "bytes");
    assert_eq!(played.header("content-length"), audio.len().to_string());
    assert!(!played.has("content-disposition") && !played.has("content-range"));
}

async fn playing_never_changes_the_message(centre: Centre) {
    let (alice, message, _) = one_message(&centre).await;
    let before = alice.get(&message).await.is(200);
    alice.get(&format!("{message}/audio")).await.is(200);
    alice.get(&format!("{message}/audio?link=1")).await.is(200);
    alice.get(&format!("{message}/audio?download=1")).await.is(200);
    let after = alice.get(&message).await.is(200);
    assert_eq!((before.json(), before.header("etag")), (after.json(), after.header("etag")));
    assert_eq!(centre.counts("5001").await, [1, 0, 0, 0]);
}

async fn what_the_client_has_already_is_304(centre: Centre) {
    let (alice, message, _) = one_message(&centre).await;
    let audio = format!("{message}/audio");
    let tag = alice.get(&audio).await.is(200).header("etag").to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 2, "{tag}");
    for known in [tag.clone(), format!("\"x\", {tag}"), format!("W/{tag}"), "*".to_owned()] {
        let same = alice.get(&audio).header("if-none-match", known).await.is(304);
        assert!(same.body.is_empty() && same.header("etag") == tag);
    }
    alice.get(&audio).header("if-none-match", "\"x\"").await.is(200);
}

async fn a_range_is_206_with_its_bytes(centre: Centre) {
    let (alice, message, audio) = one_message(&centre).await;
    let last = audio.len() - 1;
    let ranges = [
        ("bytes=0-0".to_owned(), 0..=0),
        ("bytes=0-99".to_owned(), 0..=99),
        ("bytes=100-199".to_owned(), 100..=199),
        (format!("bytes={last}-"), last..=last),
        ("bytes=100-".to_owned(), 100..=last),
        ("bytes=-10".to_owned(), last - 9..=last),
        ("bytes=-999999".to_owned(), 0..=last),
        (format!("bytes=100-{}", last + 1000), 100..=last),
    ];
    for (asked, range) in ranges {
        let part = alice.get(&format!("{message}/audio")).header("range", &asked).await.is(206);
        let (start, end) = (range.start(), range.end());
        assert_eq!(part.header("content-range"), format!("bytes {start}-{end}/{}", audio.len()), "{asked}");
        assert_eq!(part.header("content-length"), (end - start + 1).to_string(), "{asked}");
        assert_eq!(part.body, audio[range], "{asked}");
        assert_eq!((part.header("content-type"), part.header("accept-ranges")), ("audio/wav", "bytes"));
        assert!(part.has("etag"));
    }
}

async fn a_range_outside_the_recording_is_416_with_its_size(centre: Centre) {
    let (alice, message, audio) = one_message(&centre).await;
    for asked in [format!("bytes={}-", audio.len()), "bytes=999999-1000000".to_owned()] {
        let outside = alice.get(&format!("{message}/audio")).header("range", asked).await;
        assert_eq!(outside.header("content-range"), format!("bytes */{}", audio.len()));
        outside.refused(416, "range");
    }
}

async fn several_ranges_and_what_is_no_range_are_answered_whole(centre: Centre) {
    let (alice, message, audio) = one_message(&centre).await;
    for asked in ["bytes=0-1,5-6", "items=0-1", "bytes=x-y", "bytes=5-1"] {
        let whole = alice.get(&format!("{message}/audio")).header("range", asked).await;
        assert_eq!((whole.status, &whole.body), (200, &audio), "{asked}");
    }
}

async fn if_range_gives_the_range_of_the_same_recording_only(centre: Centre) {
    let (alice, message, audio) = one_message(&centre).await;
    let path = format!("{message}/audio");
    let tag = alice.get(&path).await.is(200).header("etag").to_owned();
    let part = alice.get(&path).header("range", "bytes=0-9").header("if-range", &tag).await.is(206);
    assert_eq!(part.body, audio[..10]);
    let whole = alice.get(&path).header("range", "bytes=0-9").header("if-range", "\"other\"").await.is(200);
    assert_eq!(whole.body, audio);
}

async fn head_is_the_same_without_the_bytes(centre: Centre) {
    let (alice, message, audio) = one_message(&centre).await;
    let path = format!("{message}/audio");
    let (head, get) = (alice.head(&path).await.is(200), alice.get(&path).await.is(200));
    assert!(head.body.is_empty());
    for name in ["content-type", "etag", "accept-ranges", "content-length"] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
    assert_eq!(head.header("content-length"), audio.len().to_string());
    alice.head("5001/messages/nothing/audio").await.is(404);
    let ranged = alice.head(&path).header("range", "bytes=0-9").await.is(200);
    assert!(!ranged.has("content-range"), "a range is of a GET alone");
}

async fn a_download_is_named_by_the_messages_id_and_nothing_of_the_caller(centre: Centre) {
    let (alice, message, audio) = one_message(&centre).await;
    let file = alice.get(&format!("{message}/audio?download=1")).await.is(200);
    let name = message.rsplit('/').next().unwrap();
    assert_eq!(file.header("content-disposition"), format!("attachment; filename=\"{name}.wav\""));
    assert_eq!(file.body, audio);
}

async fn a_link_plays_without_a_token_and_a_changed_one_does_not(centre: Centre) {
    let (alice, message, audio) = one_message(&centre).await;
    let before = centre.now();
    let link = alice.get(&format!("{message}/audio?link=1")).await.is(200).json();
    let url = link["url"].as_str().unwrap();
    let expires_at = link["expires_at"].as_str().unwrap().parse::<domain::Timestamp>().unwrap();
    assert!(expires_at > before && expires_at <= centre.now().plus(Duration::from_mins(5)), "{link}");
    assert!(!url.contains("49301234567"), "{url}");
    let played = centre.nobody().get(url).await.is(200);
    assert_eq!((&played.body, played.header("content-type")), (&audio, "audio/wav"));
    let part = centre.nobody().get(url).header("range", "bytes=0-9").await.is(206);
    assert_eq!(part.body, audio[..10]);
    for changed in changed(url) {
        centre.nobody().get(&changed).await.refused(401, "unauthenticated");
    }
    let other = centre.deposit("5001", &Call::new()).await;
    let of_another = url.replace(message.rsplit('/').next().unwrap(), &id(&other));
    centre.nobody().get(&of_another).await.refused(401, "unauthenticated");
}

/// The link with one thing of it changed at a time: its tenant, its end, its signature.
fn changed(url: &str) -> Vec<String> {
    let (path, query) = url.split_once('?').unwrap();
    let pairs: Vec<(&str, &str)> = query.split('&').map(|pair| pair.split_once('=').unwrap()).collect();
    let mut changed = vec![path.to_owned()];
    for (index, (_, value)) in pairs.iter().enumerate() {
        let last = if value.ends_with('1') { "2" } else { "1" };
        let other = format!("{}{last}", &value[..value.len() - 1]);
        for replaced in [other.as_str(), "", "x"] {
            let mut pairs = pairs.clone();
            pairs[index].1 = replaced;
            let query: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
            changed.push(format!("{path}?{}", query.join("&")));
        }
    }
    changed
}

async fn a_link_to_download_names_the_file(centre: Centre) {
    let (alice, message, _) = one_message(&centre).await;
    let link = alice.get(&format!("{message}/audio?link=1&download=1")).await.is(200).json();
    let file = centre.nobody().get(link["url"].as_str().unwrap()).await.is(200);
    assert!(file.header("content-disposition").starts_with("attachment; filename=\""));
}

async fn a_message_in_the_trash_plays(centre: Centre) {
    let (alice, message, audio) = one_message(&centre).await;
    let link = alice.get(&format!("{message}/audio?link=1")).await.is(200).json();
    alice.delete(&message).await.is(200);
    assert_eq!(alice.get(&format!("{message}/audio")).await.is(200).body, audio);
    assert_eq!(centre.nobody().get(link["url"].as_str().unwrap()).await.is(200).body, audio);
    let link = alice.get(&format!("{message}/audio?link=1")).await.is(200).json();
    assert_eq!(centre.nobody().get(link["url"].as_str().unwrap()).await.is(200).body, audio);
    assert_eq!(alice.get(&message).await.is(200).json()["folder"], "trash", "playing brings nothing back");
}

async fn what_is_not_there_is_404(centre: Centre) {
    let (alice, message, _) = one_message(&centre).await;
    let unknown = format!("{}0", &message[..message.len() - 1]);
    let unknown = if unknown == message { format!("{}1", &message[..message.len() - 1]) } else { unknown };
    for path in [unknown.as_str(), "5001/messages/nothing", "5002/messages/nothing", &message.to_uppercase()]
    {
        alice.get(&format!("{path}/audio")).await.refused(404, "not-found");
        alice.get(&format!("{path}/audio?link=1")).await.refused(404, "not-found");
    }
    for path in ["%FF/messages/x/audio", "5001/messages/x/audio?link=1&link=2"] {
        centre.nobody().get(path).await.refused(401, "unauthenticated");
    }
}

async fn a_link_lives_for_five_minutes(centre: Centre) {
    let (alice, message, audio) = one_message(&centre).await;
    let link = alice.get(&format!("{message}/audio?link=1")).await.is(200).json();
    let url = link["url"].as_str().unwrap();
    centre.pass(Duration::from_secs(299));
    assert_eq!(centre.nobody().get(url).await.is(200).body, audio);
    centre.pass(Duration::from_secs(1));
    centre.nobody().get(url).await.refused(401, "unauthenticated");
    assert_eq!(link["expires_at"], Value::from(centre.now().to_string()));
}

async fn a_link_to_what_is_purged_is_404(centre: Centre) {
    let (alice, message, _) = one_message(&centre).await;
    alice.delete(&message).await.is(200);
    centre.pass(Duration::from_hours(24));
    let link = alice.get(&format!("{message}/audio?link=1")).await.is(200).json();
    centre.sweep().await;
    centre.nobody().get(link["url"].as_str().unwrap()).await.refused(404, "not-found");
    alice.get(&format!("{message}/audio")).await.refused(404, "not-found");
    assert!(centre.recordings().is_empty());
}

tests::journeys![
    what_is_not_there_is_404;
    on files:
    the_bytes_are_those_that_were_deposited,
    playing_never_changes_the_message,
    what_the_client_has_already_is_304,
    a_range_is_206_with_its_bytes,
    a_range_outside_the_recording_is_416_with_its_size,
    several_ranges_and_what_is_no_range_are_answered_whole,
    if_range_gives_the_range_of_the_same_recording_only,
    head_is_the_same_without_the_bytes,
    a_download_is_named_by_the_messages_id_and_nothing_of_the_caller,
    a_link_plays_without_a_token_and_a_changed_one_does_not,
    a_link_to_download_names_the_file,
    a_message_in_the_trash_plays,
];

tests::journeys_in_time![a_link_lives_for_five_minutes, a_link_to_what_is_purged_is_404];
