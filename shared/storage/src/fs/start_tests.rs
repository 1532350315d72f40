use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

use super::super::{Fs, Setup};
use super::*;

fn regions(names: &[&str]) -> BTreeSet<Region> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

async fn start(root: &TempDir, setup: Setup, names: &[&str]) -> Result<Fs, StartError> {
    Fs::open(root.path(), setup, &regions(names)).await
}

fn listed(root: &TempDir) -> BTreeSet<Region> {
    super::read(&Disk::unmarked(root.path().to_owned()), root.path()).unwrap()
}

#[tokio::test]
async fn an_empty_root_is_a_new_store_only_where_that_is_allowed() {
    let root = TempDir::new().unwrap();
    let refused = start(&root, Setup::Never, &["a"]).await.unwrap_err();
    assert!(matches!(refused, StartError::NotMounted { .. }));
    assert!(refused.to_string().contains(&root.path().display().to_string()));
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0, "nothing was made");
    start(&root, Setup::Auto, &["a"]).await.unwrap();
    start(&root, Setup::Never, &["a"]).await.unwrap();
}

#[tokio::test]
async fn a_root_that_is_not_there_is_made() {
    let root = TempDir::new().unwrap();
    let deep = root.path().join("var/voicemail");
    Fs::open(&deep, Setup::Auto, &regions(&["a"])).await.unwrap();
    assert!(deep.join("recordings/a/region.json").is_file());
}

#[tokio::test]
async fn a_region_that_is_new_to_a_store_is_added() {
    let root = TempDir::new().unwrap();
    start(&root, Setup::Auto, &["a"]).await.unwrap();
    start(&root, Setup::Never, &["b"]).await.unwrap();
    assert_eq!(listed(&root), regions(&["a", "b"]));
}

#[tokio::test]
async fn a_listed_region_without_its_marker_is_never_made_again() {
    let root = TempDir::new().unwrap();
    start(&root, Setup::Auto, &["a", "b"]).await.unwrap();
    let folder = root.path().join("recordings/b");
    fs::remove_dir_all(&folder).unwrap();
    start(&root, Setup::Auto, &["a", "b"]).await.unwrap();
    assert!(!folder.exists());
    fs::create_dir(&folder).unwrap();
    start(&root, Setup::Auto, &["a", "b"]).await.unwrap();
    assert!(!folder.join(REGION).exists());
    assert_eq!(listed(&root), regions(&["a", "b"]));
}

#[tokio::test]
async fn processes_that_set_a_store_up_together_all_succeed_and_list_all_regions() {
    let root = TempDir::new().unwrap();
    let names = ["a", "b", "c", "d"];
    let starts = names.map(|name| {
        let root = root.path().to_owned();
        tokio::spawn(async move { Fs::open(&root, Setup::Auto, &regions(&[name, "all"])).await })
    });
    for one in starts {
        one.await.unwrap().unwrap();
    }
    assert_eq!(listed(&root), regions(&["a", "all", "b", "c", "d"]));
}

#[tokio::test]
async fn a_list_of_regions_that_cannot_be_read_stops_the_start_and_says_how_to_mend_it() {
    let root = TempDir::new().unwrap();
    for content in ["", "{", r#"{"v":2,"regions":[]}"#] {
        fs::write(root.path().join(STORE), content).unwrap();
        let refused = start(&root, Setup::Auto, &["a"]).await.unwrap_err();
        assert!(matches!(refused, StartError::Corrupt { .. }), "{content}: {refused}");
        assert!(refused.to_string().contains("restore it from a backup"));
    }
}

#[tokio::test]
async fn a_root_that_is_a_file_is_refused_with_its_place() {
    let root = TempDir::new().unwrap();
    let file = root.path().join("file");
    fs::write(&file, "").unwrap();
    let refused = Fs::open(&file, Setup::Auto, &regions(&["a"])).await.unwrap_err();
    assert!(refused.to_string().contains(&file.display().to_string()), "{refused}");
}

#[tokio::test]
async fn the_trial_of_the_volume_leaves_nothing() {
    let root = TempDir::new().unwrap();
    start(&root, Setup::Auto, &["a"]).await.unwrap();
    for folder in [root.path().to_owned(), root.path().join("recordings/a")] {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        assert!(names.into_iter().all(|name| !name.to_string_lossy().starts_with(".probe")));
    }
}

#[tokio::test]
async fn processes_that_start_together_agree_on_a_key() {
    let root = TempDir::new().unwrap();
    let store = start(&root, Setup::Auto, &["a"]).await.unwrap();
    let keys = (0..8u8).map(|n| {
        let store = store.clone();
        tokio::spawn(async move { store.key("token", || vec![n; 32]).await.unwrap() })
    });
    let keys = futures::future::join_all(keys).await;
    let first = store.key("token", || unreachable!("it is there")).await.unwrap();
    assert!(keys.into_iter().all(|key| key.unwrap() == first));
    let mode = fs::metadata(root.path().join("keys/token")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_key_cannot_leave_its_folder() {
    let root = TempDir::new().unwrap();
    let store = start(&root, Setup::Auto, &["a"]).await.unwrap();
    for name in ["", "../x", ".x", "a/b"] {
        assert!(store.key(name, Vec::new).await.is_err(), "{name}");
    }
}

#[tokio::test]
async fn no_key_is_made_on_a_volume_that_went_away() {
    let root = TempDir::new().unwrap();
    let store = start(&root, Setup::Auto, &["a"]).await.unwrap();
    fs::remove_file(root.path().join(STORE)).unwrap();
    assert!(store.key("token", || vec![1]).await.is_err());
    assert!(!root.path().join("keys").exists());
}
