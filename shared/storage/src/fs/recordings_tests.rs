use std::collections::BTreeSet;
use std::fs;

use bytes::Bytes;
use futures::TryStreamExt as _;

use super::super::testing::*;
use super::super::{Fs, Setup};
use crate::{Mailboxes as _, Messages as _, Metadata as _, Recordings as _, Storage as _, StorageError};

async fn read(store: &Store, key: &domain::AudioKey, range: Option<std::ops::Range<u64>>) -> Vec<u8> {
    let audio = store.recordings.get(key, range).await.unwrap().unwrap();
    let parts: Vec<Bytes> = audio.bytes.try_collect().await.unwrap();
    let all = parts.concat();
    assert_eq!(all.len() as u64, audio.len);
    all
}

#[tokio::test]
async fn a_recording_comes_in_parts_and_a_range_is_cut_out_of_it() {
    let store = Store::new().await;
    let key = deposit("030 1").facts.audio;
    let bytes: Vec<u8> = (0..200_000u32).map(|n| n.to_le_bytes()[0]).collect();
    store.recordings.put(&key, Bytes::from(bytes.clone()), "audio/wav", None).await.unwrap();
    assert_eq!(read(&store, &key, None).await, bytes);
    assert_eq!(read(&store, &key, Some(70_000..140_001)).await, bytes.get(70_000..140_001).unwrap());
    assert_eq!(read(&store, &key, Some(0..1)).await, bytes.get(..1).unwrap());
}

#[tokio::test]
async fn other_bytes_under_a_key_are_a_conflict_and_the_same_a_repeat() {
    let store = Store::new().await;
    let key = deposit("030 1").facts.audio;
    let put = |bytes: &'static [u8]| store.recordings.put(&key, Bytes::from_static(bytes), "audio/wav", None);
    put(b"one").await.unwrap();
    put(b"one").await.unwrap();
    assert!(matches!(put(b"other").await, Err(StorageError::Conflict { .. })));
    assert_eq!(read(&store, &key, None).await, b"one");
}

#[tokio::test]
async fn a_region_that_lost_its_marker_is_down_in_every_call_and_nothing_is_made_in_it() {
    let store = Store::new().await;
    let key = deposit("030 1").facts.audio;
    store.recordings.put(&key, Bytes::from_static(AUDIO), "audio/wav", None).await.unwrap();
    let region = store.folder.path().join("recordings/local");
    for whole in [false, true] {
        if whole {
            fs::remove_dir_all(&region).unwrap();
            fs::create_dir(&region).unwrap();
        } else {
            fs::remove_file(region.join("region.json")).unwrap();
        }
        let down = |result: crate::Result<()>| matches!(result, Err(StorageError::Unavailable { .. }));
        let recordings = &store.recordings;
        assert!(down(recordings.ping().await));
        assert!(down(recordings.put(&key, Bytes::from_static(AUDIO), "audio/wav", None).await));
        assert!(down(recordings.get(&key, None).await.map(drop)));
        assert!(down(recordings.exists(&key).await.map(drop)));
        assert!(down(recordings.delete(&key).await));
        assert!(down(recordings.cancel_deletion(&key).await.map(drop)));
        assert!(down(recordings.schedule_deletion(&key, &case("k", "030 1", at(0)).key).await));
        store.metadata.ping().await.unwrap();
    }
    assert_eq!(fs::read_dir(&region).unwrap().count(), 0);
}

#[tokio::test]
async fn a_root_that_was_unmounted_answers_nothing_and_nothing_is_made_in_it() {
    let store = Store::new().await;
    let created = store.created("030 1").await;
    let root = store.folder.path();
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
    }
    assert!(store.metadata.ping().await.is_err());
    assert!(store.metadata.message(&mailbox(), created.facts.id).await.is_err(), "not: there is none");
    assert!(store.metadata.counts(&mailbox()).await.is_err());
    assert!(store.metadata.mailboxes().await.is_err());
    assert!(store.recordings.exists(&created.facts.audio).await.is_err(), "not: it is erased");
    assert!(store.arrive(&deposit("030 1")).await.is_err());
    assert_eq!(fs::read_dir(root).unwrap().count(), 0);
}

#[tokio::test]
async fn recordings_in_a_region_that_the_tenant_has_left_are_still_reached() {
    let store = Store::new().await;
    let key = store.created("030 1").await.facts.audio;
    let (other, here) =
        ("other".parse::<domain::Region>().unwrap(), BTreeSet::from(["other".parse().unwrap()]));
    let fs = Fs::open(store.folder.path(), Setup::Auto, &here).await.unwrap();
    let moved = domain::Tenant { master: other.clone(), regions: vec![other], ..tenant() };
    let recordings = fs.tenant(&moved).recordings;
    assert!(recordings.get(&region()).unwrap().exists(&key).await.unwrap());
}
