use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

use super::*;

fn disk() -> (TempDir, Disk) {
    let root = TempDir::new().unwrap();
    fs::write(root.path().join("marker"), "").unwrap();
    let disk = Disk::new(root.path().join("top"), root.path().join("marker"), Volume::default());
    (root, disk)
}

#[test]
fn a_name_is_given_once_and_whoever_comes_later_learns_what_has_it() {
    let (_root, disk) = disk();
    assert_eq!(disk.publish("a/b", b"first").unwrap(), PublishOutcome::Done);
    assert_eq!(disk.publish("a/b", b"second").unwrap(), PublishOutcome::There(b"first".to_vec()));
    assert_eq!(disk.prepare("a/b", b"third").unwrap(), PublishOutcome::There(b"first".to_vec()));
    assert_eq!(disk.read("a/b").unwrap().unwrap(), b"first");
}

#[test]
fn the_same_bytes_under_the_same_name_are_a_lost_answer() {
    let (_root, disk) = disk();
    assert_eq!(disk.publish("a/b", b"mine").unwrap(), PublishOutcome::Done);
    assert_eq!(disk.publish("a/b", b"mine").unwrap(), PublishOutcome::Done);
    assert_eq!(disk.prepare("a/d", b"mine").unwrap(), PublishOutcome::Done);
    assert_eq!(disk.prepare("a/d", b"mine").unwrap(), PublishOutcome::Done);
    assert!(disk.create("a/c", b"mine").unwrap() && disk.create("a/c", b"mine").unwrap());
    assert!(!disk.create("a/c", b"other").unwrap());
}

#[test]
fn of_many_that_publish_one_name_exactly_one_does() {
    let (_root, disk) = disk();
    let done = std::thread::scope(|scope| {
        let attempts: Vec<_> = (0..8u8)
            .map(|n| {
                let disk = &disk;
                scope.spawn(move || disk.publish("a/b/c", &[n]).unwrap() == PublishOutcome::Done)
            })
            .collect();
        attempts.into_iter().map(|one| one.join().unwrap()).filter(|done| *done).count()
    });
    assert_eq!(done, 1);
}

#[test]
fn what_is_placed_twice_and_taken_twice_is_as_it_should_be() {
    let (_root, disk) = disk();
    disk.take("a/b").unwrap();
    disk.place("a/b").unwrap();
    disk.place("a/b").unwrap();
    assert!(disk.has("a/b").unwrap());
    disk.take("a/b").unwrap();
    disk.take("a/b").unwrap();
    assert!(!disk.has("a/b").unwrap());
}

#[test]
fn a_claim_whose_answer_was_lost_is_a_claim_and_one_that_finds_nothing_is_none() {
    let (_root, disk) = disk();
    assert!(!disk.claim("marks/m", "purging/m").unwrap());
    disk.place("marks/m").unwrap();
    assert!(disk.claim("marks/m", "purging/m").unwrap());
    assert!(disk.claim("marks/m", "purging/m").unwrap());
    assert!(!disk.has("marks/m").unwrap());
}

#[test]
fn a_second_name_tells_whether_it_is_taken_and_whether_the_first_is_gone() {
    let (_root, disk) = disk();
    assert_eq!(disk.link("a", "messages/m").unwrap(), LinkOutcome::NoSource);
    disk.place("a").unwrap();
    assert_eq!(disk.link("a", "messages/m").unwrap(), LinkOutcome::Done);
    assert_eq!(disk.link("a", "messages/m").unwrap(), LinkOutcome::There);
}

#[test]
fn nothing_is_believed_gone_and_nothing_is_made_on_a_volume_that_lost_its_marker() {
    let (root, disk) = disk();
    disk.place("a/b").unwrap();
    fs::remove_file(root.path().join("marker")).unwrap();
    assert!(disk.mounted().is_err());
    assert!(disk.has("a/c").is_err() && disk.read("c").is_err() && disk.list("c").is_err());
    assert!(disk.place("c/d").is_err() && disk.publish("c/d", b"").is_err());
    assert!(disk.take("c/d").is_err() && disk.claim("c/d", "e/f").is_err());
    fs::remove_dir_all(root.path().join("top")).unwrap();
    assert!(disk.place("a/b").is_err());
    assert!(!root.path().join("top").exists());
}

#[test]
fn a_listing_shows_no_temporary_file() {
    let (root, disk) = disk();
    disk.place("a/b").unwrap();
    fs::write(root.path().join("top/a/.nfs0001"), "").unwrap();
    assert_eq!(disk.list("a").unwrap(), BTreeSet::from(["b".to_owned()]));
    assert!(!disk.list("").unwrap().contains(TEMPORARY));
}

#[test]
fn only_temporary_files_of_more_than_an_hour_are_cleared() {
    let (root, disk) = disk();
    disk.publish("a", b"").unwrap();
    disk.prepare("b", b"").unwrap();
    let folder = root.path().join("top").join(TEMPORARY);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "a file that has its name leaves none");
    let hour = Duration::from_hours(1);
    for (name, age) in [("old", hour * 2), ("young", hour / 2)] {
        let file = File::create(folder.join(name)).unwrap();
        file.set_modified(SystemTime::now() - age).unwrap();
    }
    disk.clear_temporary(hour).unwrap();
    assert!(!folder.join("old").exists() && folder.join("young").exists());
}

#[test]
fn a_folder_that_is_removed_meanwhile_is_made_again() {
    let (_root, disk) = disk();
    disk.place("a/b").unwrap();
    disk.remove_empty("a").unwrap();
    assert!(disk.has("a/b").unwrap(), "it was not empty");
    disk.take("a/b").unwrap();
    disk.remove_empty("a").unwrap();
    disk.remove_empty("a").unwrap();
    disk.place("a/b").unwrap();
}

#[test]
fn a_secret_is_its_owners_alone_and_no_file_is_everybodys() {
    let (root, disk) = disk();
    disk.publish_secret("keys/k", b"secret").unwrap();
    disk.publish("a/b", b"a caller").unwrap();
    let mode =
        |path: &str| fs::metadata(root.path().join("top").join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("keys"), mode("keys/k")), (0o700, 0o600));
    assert_eq!((mode("a") & 0o007, mode("a/b") & 0o007), (0, 0));
}
