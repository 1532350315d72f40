//! List: a mailbox's messages in pages, newest first, and one message.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use tests::http::{Call, Centre, Person, id};

/// A centre with so many messages of Alice, each a minute older than the one before, so that a slow machine changes no order: her, and their ids, newest first.
async fn messages(centre: &Centre, count: u64) -> (Person, Vec<String>) {
    centre.personal("5001", "alice").await;
    let mut ids = Vec::new();
    for age in 1..=count {
        ids.push(id(&centre.deposit("5001", &Call::new().with("received_at", centre.ago(60 * age))).await));
    }
    (centre.agent("alice"), ids)
}

/// A page: the ids that it shows and where the next begins.
async fn page(who: &Person, query: &str) -> (Vec<String>, Option<String>) {
    let page = who.get(&format!("5001/messages?{query}")).await.is(200).json();
    let next = &page["next"];
    assert!(next.is_string() || next.is_null(), "{page}");
    (page["messages"].as_array().unwrap().iter().map(id).collect(), next.as_str().map(str::to_owned))
}

async fn messages_come_newest_first_by_the_time_they_were_received(centre: Centre) {
    let (alice, ids) = messages(&centre, 5).await;
    let oldest = id(&centre.deposit("5001", &Call::new().with("received_at", "2001-01-01T00:00:00Z")).await);
    let newest = id(&centre.deposit("5001", &Call::new()).await);
    let expected: Vec<_> = [newest].into_iter().chain(ids).chain([oldest]).collect();
    assert_eq!(page(&alice, "").await, (expected.clone(), None));
    let mut sorted = expected.clone();
    sorted.sort();
    sorted.reverse();
    assert_eq!(sorted, expected, "ids begin with the received time");
}

async fn a_page_shows_each_message_as_a_look_does(centre: Centre) {
    let (alice, ids) = messages(&centre, 2).await;
    let listed = alice.get("5001/messages").await.is(200).json();
    assert_eq!(listed["next"], Value::Null);
    for (index, message) in ids.iter().enumerate() {
        assert_eq!(
            listed["messages"][index],
            alice.get(&format!("5001/messages/{message}")).await.is(200).json()
        );
    }
}

async fn a_folder_shows_its_own_and_without_one_new_and_old_are_shown(centre: Centre) {
    let (alice, ids) = messages(&centre, 6).await;
    for read in &ids[2..4] {
        alice.put(&format!("5001/messages/{read}/read")).await.is(200);
    }
    for deleted in &ids[3..5] {
        alice.delete(&format!("5001/messages/{deleted}")).await.is(200);
    }
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    for (query, expected) in [
        ("folder=new", vec![ids[0], ids[1], ids[5]]),
        ("folder=old", vec![ids[2]]),
        ("folder=trash", vec![ids[3], ids[4]]),
        ("", vec![ids[0], ids[1], ids[2], ids[5]]),
    ] {
        assert_eq!(page(&alice, query).await.0, expected, "{query}");
        let listed = alice.get(&format!("5001/messages?{query}")).await.is(200).json();
        let folders =
            listed["messages"].as_array().unwrap().iter().map(|message| message["folder"].as_str().unwrap());
        let folder = query.strip_prefix("folder=");
        assert!(folders.into_iter().all(|shown| folder.map_or(shown != "trash", |folder| shown == folder)));
    }
}

async fn an_empty_mailbox_is_an_empty_page(centre: Centre) {
    let (alice, _) = messages(&centre, 0).await;
    for query in ["", "folder=new", "folder=old", "folder=trash", "limit=1"] {
        assert_eq!(page(&alice, query).await, (Vec::new(), None), "{query}");
    }
}

async fn a_limit_outside_1_to_200_an_unknown_folder_and_a_bad_cursor_are_400(centre: Centre) {
    let (alice, _) = messages(&centre, 1).await;
    for limit in ["0", "201", "-1", "x", "", "1.5", "99999999999999999999"] {
        assert_eq!(alice.get(&format!("5001/messages?limit={limit}")).await.faults(), ["limit"], "{limit}");
    }
    for folder in ["inbox", "", "NEW", "new,old"] {
        assert_eq!(
            alice.get(&format!("5001/messages?folder={folder}")).await.faults(),
            ["folder"],
            "{folder}"
        );
    }
    for cursor in ["nonsense", "", "AAAA", "%00", "0198b2f0-5a10-7c3e-8f11-2a4b6c8d0e1f"] {
        assert_eq!(
            alice.get(&format!("5001/messages?cursor={cursor}")).await.faults(),
            ["cursor"],
            "{cursor}"
        );
    }
    for good in ["limit=1", "limit=200"] {
        assert_eq!(page(&alice, good).await.0.len(), 1);
    }
    assert_eq!(page(&alice, "surprise=1&x").await.0.len(), 1, "unknown parameters are ignored");
}

async fn the_limit_is_50_where_it_is_not_given(centre: Centre) {
    centre.personal("5001", "alice").await;
    centre.settings("5001", json!({"max_messages": 100})).await;
    let platform = centre.platform();
    let call = Call::new();
    let deposits =
        futures::future::join_all((0..51).map(|_| async { platform.deposit("5001", &call).await.is(201) }));
    deposits.await;
    let (first, next) = page(&centre.agent("alice"), "").await;
    assert_eq!(first.len(), 50);
    assert_eq!(page(&centre.agent("alice"), &format!("cursor={}", next.unwrap())).await.0.len(), 1);
}

async fn pages_follow_each_other_without_gap_or_repeat(centre: Centre) {
    let (alice, ids) = messages(&centre, 7).await;
    for limit in [1, 2, 3, 7, 8] {
        let (mut seen, mut next) = page(&alice, &format!("limit={limit}")).await;
        while let Some(cursor) = next {
            let (more, after) = page(&alice, &format!("limit={limit}&cursor={cursor}")).await;
            assert!(more.len() <= limit && !more.is_empty(), "{limit}");
            seen.extend(more);
            next = after;
        }
        assert_eq!(seen, ids, "{limit}");
    }
}

async fn what_is_there_throughout_is_neither_skipped_nor_repeated_while_others_come_and_go(centre: Centre) {
    let (alice, ids) = messages(&centre, 9).await;
    let (mut seen, mut next) = page(&alice, "limit=2").await;
    let mut turn = 0;
    while let Some(cursor) = next {
        // A new one comes, the last one shown goes, and one that was to be shown goes.
        centre.deposit("5001", &Call::new()).await;
        alice.delete(&format!("5001/messages/{}", seen.last().unwrap())).await.is(200);
        if turn == 0 {
            alice.delete(&format!("5001/messages/{}", ids[4])).await.is(200);
        }
        let (more, after) = page(&alice, &format!("limit=2&cursor={cursor}")).await;
        seen.extend(more);
        (next, turn) = (after, turn + 1);
    }
    let throughout: Vec<_> = ids.iter().filter(|id| **id != ids[4]).cloned().collect();
    assert_eq!(seen, throughout);
}

async fn a_cursor_holds_within_its_folder(centre: Centre) {
    let (alice, ids) = messages(&centre, 4).await;
    for message in &ids {
        alice.put(&format!("5001/messages/{message}/read")).await.is(200);
    }
    let (mut seen, next) = page(&alice, "folder=old&limit=3").await;
    let (rest, end) = page(&alice, &format!("folder=old&limit=3&cursor={}", next.unwrap())).await;
    seen.extend(rest);
    assert_eq!((seen, end), (ids, None));
}

async fn a_message_is_shown_by_its_id_with_an_etag_also_in_the_trash(centre: Centre) {
    let (alice, ids) = messages(&centre, 1).await;
    let path = format!("5001/messages/{}", ids[0]);
    let new = alice.get(&path).await.is(200);
    let tag = new.header("etag").to_owned();
    assert!(alice.get(&path).header("if-none-match", &tag).await.is(304).body.is_empty());
    alice.put(&format!("{path}/read")).await.is(200);
    let old = alice.get(&path).header("if-none-match", &tag).await.is(200);
    assert_eq!(old.json()["folder"], "old");
    assert_ne!(old.header("etag"), tag);
    alice.delete(&path).await.is(200);
    let trashed = alice.get(&path).header("if-none-match", old.header("etag")).await.is(200);
    assert_eq!(trashed.json()["folder"], "trash");
    alice.get(&path).header("if-none-match", trashed.header("etag")).await.is(304);
}

async fn an_id_that_is_unknown_malformed_or_of_another_mailbox_is_404(centre: Centre) {
    let (alice, ids) = messages(&centre, 1).await;
    centre.personal("5002", "alice").await;
    let other_case = ids[0].to_uppercase();
    let no_hyphens = ids[0].replace('-', "");
    for unknown in
        ["0198b2f0-5a10-7c3e-8f11-2a4b6c8d0e1f", "nothing", "..", "%2e%2e%2f", &other_case, &no_hyphens]
    {
        alice.get(&format!("5001/messages/{unknown}")).await.refused(404, "not-found");
    }
    alice.get(&format!("5002/messages/{}", ids[0])).await.refused(404, "not-found");
    alice.get("5003/messages").await.refused(404, "not-found");
}

tests::journeys![
    messages_come_newest_first_by_the_time_they_were_received,
    a_page_shows_each_message_as_a_look_does,
    a_folder_shows_its_own_and_without_one_new_and_old_are_shown,
    an_empty_mailbox_is_an_empty_page,
    a_limit_outside_1_to_200_an_unknown_folder_and_a_bad_cursor_are_400,
    the_limit_is_50_where_it_is_not_given,
    pages_follow_each_other_without_gap_or_repeat,
    what_is_there_throughout_is_neither_skipped_nor_repeated_while_others_come_and_go,
    a_cursor_holds_within_its_folder,
    a_message_is_shown_by_its_id_with_an_etag_also_in_the_trash,
    an_id_that_is_unknown_malformed_or_of_another_mailbox_is_404,
];
