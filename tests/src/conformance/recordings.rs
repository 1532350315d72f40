//! The audio of a region.
#![expect(missing_docs, reason = "the name of a case is its documentation")]

use std::time::Duration;

use bytes::Bytes;
use domain::{AudioKey, CaseKey};
use futures::future::join_all;
use storage::StorageError;

use crate::fixture::{ALICE, Call, Namespace, cut_off};

fn key(space: &Namespace, mailbox: &str) -> AudioKey {
    space.attempt(&Call::to(&mailbox.parse().unwrap())).facts.audio
}

async fn put(space: &Namespace, key: &AudioKey, bytes: &[u8]) -> storage::Result<()> {
    let subject = space.subject(ALICE);
    space.recordings().put(key, Bytes::copy_from_slice(bytes), "audio/wav", Some(&subject)).await
}

fn case(space: &Namespace) -> CaseKey {
    CaseKey::of(&space.tenant.id, "1")
}

pub async fn a_recording_is_read_as_it_was_put(space: Namespace) {
    let megabyte: Vec<u8> = (0..1_100_003u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
    for bytes in [&megabyte[..], b"x", b"\0\r\n\xff"] {
        let key = key(&space, "5001");
        put(&space, &key, bytes).await.unwrap();
        assert!(space.bytes(&key, None).await.unwrap() == bytes, "{} bytes", bytes.len());
        assert!(space.recordings().exists(&key).await.unwrap());
    }
}

pub async fn a_range_is_read_from_its_first_to_its_last_byte(space: Namespace) {
    let bytes: Vec<u8> = (0..300_000u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
    let key = key(&space, "5001");
    put(&space, &key, &bytes).await.unwrap();
    for range in [0..1, 299_999..300_000, 0..300_000, 1..299_999, 65_535..65_537, 131_072..262_144] {
        let (from, to) = (usize::try_from(range.start).unwrap(), usize::try_from(range.end).unwrap());
        let read = space.bytes(&key, Some(range.clone())).await.unwrap();
        assert!(read == bytes[from..to], "{range:?}");
    }
}

pub async fn a_recording_that_is_not_there_is_none(space: Namespace) {
    let key = key(&space, "5001");
    assert_eq!(space.bytes(&key, None).await, None);
    assert_eq!(space.bytes(&key, Some(0..1)).await, None);
    assert!(!space.recordings().exists(&key).await.unwrap());
    assert!(!space.recordings().cancel_deletion(&key).await.unwrap());
    drop(space.recordings().schedule_deletion(&key, &case(&space)).await);
    assert!(!space.recordings().exists(&key).await.unwrap());
}

pub async fn the_same_bytes_under_the_same_key_are_a_repeat(space: Namespace) {
    let key = key(&space, "5001");
    for _ in 0..3 {
        put(&space, &key, b"audio").await.unwrap();
        assert_eq!(space.bytes(&key, None).await.unwrap(), b"audio");
    }
}

pub async fn other_bytes_under_the_same_key_are_a_conflict(space: Namespace) {
    let key = key(&space, "5001");
    put(&space, &key, b"audio").await.unwrap();
    for other in [&b"other"[..], b"aud", b"audio and more", b""] {
        let refused = put(&space, &key, other).await;
        assert!(matches!(refused, Err(StorageError::Conflict { .. })), "{refused:?}");
        assert_eq!(space.bytes(&key, None).await.unwrap(), b"audio");
    }
}

pub async fn of_puts_that_race_over_one_key_one_is_stored_whole(space: Namespace) {
    for _ in 0..5 {
        let key = key(&space, "5001");
        let all: Vec<Vec<u8>> = (0..6u8).map(|n| vec![n; 50_000 + usize::from(n)]).collect();
        let puts = join_all(all.iter().map(|bytes| put(&space, &key, bytes))).await;
        let stored: Vec<_> = puts.iter().zip(&all).filter(|(put, _)| put.is_ok()).collect();
        assert_eq!(stored.len(), 1, "{puts:?}");
        assert!(space.bytes(&key, None).await.unwrap() == *stored[0].1);
    }
}

pub async fn a_put_cut_off_anywhere_is_whole_or_not_there(space: Namespace) {
    let bytes = vec![7; 200_000];
    for polls in 0..20 {
        let key = key(&space, "5001");
        let finished = cut_off(polls, put(&space, &key, &bytes)).await.is_some();
        if let Some(read) = space.bytes(&key, None).await {
            assert!(read == bytes, "{} of {} bytes", read.len(), bytes.len());
        } else {
            assert!(!finished);
        }
        put(&space, &key, &bytes).await.unwrap();
        assert!(space.bytes(&key, None).await.unwrap() == bytes);
        if finished {
            return;
        }
    }
}

pub async fn a_deleted_recording_is_gone_and_deleting_it_again_is_harmless(space: Namespace) {
    let (first, other) = (key(&space, "5001"), key(&space, "5001"));
    put(&space, &first, b"audio").await.unwrap();
    put(&space, &other, b"other").await.unwrap();
    for _ in 0..2 {
        space.recordings().delete(&first).await.unwrap();
        assert!(!space.recordings().exists(&first).await.unwrap());
        assert_eq!(space.bytes(&first, None).await, None);
    }
    assert_eq!(space.bytes(&other, None).await.unwrap(), b"other");
}

pub async fn a_recording_scheduled_for_deletion_still_plays_and_its_deletion_can_be_cancelled(
    space: Namespace,
) {
    let key = key(&space, "5001");
    put(&space, &key, b"audio").await.unwrap();
    for _ in 0..2 {
        space.recordings().schedule_deletion(&key, &case(&space)).await.unwrap();
        assert_eq!(space.bytes(&key, None).await.unwrap(), b"audio");
    }
    for _ in 0..2 {
        assert!(space.recordings().cancel_deletion(&key).await.unwrap());
        assert_eq!(space.bytes(&key, None).await.unwrap(), b"audio");
    }
    put(&space, &key, b"audio").await.unwrap();
}

pub async fn schedule_deletion_after_delete_makes_no_object(space: Namespace) {
    let key = key(&space, "5001");
    put(&space, &key, b"audio").await.unwrap();
    space.recordings().schedule_deletion(&key, &case(&space)).await.unwrap();
    space.recordings().delete(&key).await.unwrap();
    drop(space.recordings().schedule_deletion(&key, &case(&space)).await);
    assert!(!space.recordings().exists(&key).await.unwrap());
    assert_eq!(space.bytes(&key, None).await, None);
    assert!(!space.recordings().cancel_deletion(&key).await.unwrap());
    assert!(!space.recordings().exists(&key).await.unwrap());
}

pub async fn a_schedule_deletion_that_races_a_delete_brings_nothing_back(space: Namespace) {
    for _ in 0..20 {
        let key = key(&space, "5001");
        put(&space, &key, b"audio").await.unwrap();
        let case = case(&space);
        let (_, deleted, _) = futures::join!(
            space.recordings().schedule_deletion(&key, &case),
            space.recordings().delete(&key),
            space.recordings().schedule_deletion(&key, &case),
        );
        deleted.unwrap();
        assert!(!space.recordings().exists(&key).await.unwrap());
    }
}

pub async fn a_link_is_a_url_where_the_storage_has_links(space: Namespace) {
    let key = key(&space, "5001");
    put(&space, &key, b"audio").await.unwrap();
    for name in [None, Some("message 1.wav")] {
        let link = space.recordings().link(&key, Duration::from_mins(5), name).await.unwrap();
        assert!(link.is_none_or(|link| link.starts_with("http")));
    }
}

pub async fn each_region_has_its_own_recordings(space: Namespace) {
    let key = key(&space, "5001");
    let regions = &space.tenant.regions;
    for region in regions {
        let recordings = space.recordings_in(region);
        assert!(!recordings.exists(&key).await.unwrap(), "{region}");
        recordings.put(&key, Bytes::from(region.to_string()), "audio/wav", None).await.unwrap();
    }
    for (gone, region) in regions.iter().enumerate() {
        space.recordings_in(region).delete(&key).await.unwrap();
        for (n, region) in regions.iter().enumerate() {
            assert_eq!(space.recordings_in(region).exists(&key).await.unwrap(), n > gone, "{region}");
        }
    }
}

pub async fn keys_of_mailboxes_with_dots_are_apart(space: Namespace) {
    let first = key(&space, "5001");
    let mut keys = vec![first.clone()];
    for (mailbox, extension) in
        [("5001", "mp3"), ("5001.wav", "wav"), ("5001.mp3", "wav"), (&"x".repeat(64), "wav")]
    {
        let key =
            AudioKey { mailbox: mailbox.parse().unwrap(), extension: extension.to_owned(), ..first.clone() };
        keys.push(key);
    }
    for key in &keys {
        put(&space, key, key.to_string().as_bytes()).await.unwrap();
    }
    for key in &keys {
        assert_eq!(space.bytes(key, None).await.unwrap(), key.to_string().as_bytes());
    }
    space.recordings().delete(&keys[0]).await.unwrap();
    for key in &keys[1..] {
        assert!(space.recordings().exists(key).await.unwrap(), "{key}");
    }
}
