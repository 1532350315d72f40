use domain::SystemRandom;
use proptest::prelude::*;

use super::*;

const LONGEST: usize = 141;

fn id() -> MessageId {
    MessageId::random(Timestamp::from_millis(1_795_341_600_000), &SystemRandom)
}

fn mailboxes() -> impl Strategy<Value = MailboxId> {
    "[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}".prop_map(|text| text.parse().unwrap())
}

fn times() -> impl Strategy<Value = Timestamp> {
    (0..=MAX_MS13).prop_map(Timestamp::from_millis)
}

fn marks_of_all_kinds() -> impl Strategy<Value = Mark> {
    let case = "[0-9a-f]{32}".prop_map(|text| text.parse::<CaseKey>().unwrap());
    prop_oneof![
        Just(Mark::Read),
        "[0-9a-f]{16}".prop_map(|text| Mark::Urgent(text.parse().unwrap())),
        (1..=u64::MAX).prop_map(Mark::Taking),
        times().prop_map(|purge_at| Mark::Hold(Hold::Trash { purge_at })),
        times().prop_map(|purge_at| Mark::Hold(Hold::Mailbox { purge_at })),
        (case, times()).prop_map(|(case, purge_at)| Mark::Hold(Hold::Case { case, purge_at })),
    ]
}

proptest! {
    #[test]
    fn a_mark_reads_back_as_it_was_written(mark in marks_of_all_kinds()) {
        let id = id();
        let name = format!("{id}.{mark}");
        prop_assert!(name.len() <= LONGEST);
        prop_assert_eq!(Mark::parse(&name), Some((id, mark)));
    }

    #[test]
    fn an_attempt_reads_back_whatever_dots_its_mailbox_has(mailbox in mailboxes(), hash in "[A-Za-z0-9_-]{43}") {
        let one = AttemptName { id: id(), attempt: Attempt::draw(&SystemRandom), mailbox };
        prop_assert!(one.to_string().len() <= LONGEST);
        let subject: Subject = format!("1.{hash}").parse().unwrap();
        let path = one.caller(&subject);
        let (folder, name) = path.rsplit_once('/').unwrap();
        prop_assert!(name.len() <= LONGEST);
        let (its_folder, caller) = marker(&subject);
        prop_assert_eq!(folder, its_folder);
        prop_assert_eq!(AttemptName::parse_marker(name), Some((caller, one.clone())));
        prop_assert_eq!(AttemptName::parse(&one.to_string()), Some(one));
    }

    #[test]
    fn a_due_entry_reads_back_and_sorts_by_its_deadline(mailbox in mailboxes(), a in times(), b in times()) {
        let entry = |purge_at| DueName { hold: Hold::Mailbox { purge_at }, id: id(), mailbox: mailbox.clone() };
        let (first, second) = (entry(a), entry(b));
        prop_assert!(first.to_string().len() <= LONGEST);
        prop_assert!(a >= b || (first.to_string() < second.to_string() && first.hour() <= second.hour()));
        prop_assert_eq!(DueName::parse(&first.to_string()), Some(first));
    }

    #[test]
    fn a_recording_reads_back(extension in "[a-z0-9]{1,8}", mailbox in mailboxes()) {
        let (id, attempt) = (id(), Attempt::draw(&SystemRandom));
        let time = Timestamp::from_millis(1_795_341_600_000);
        let key = AudioKey::new(time, id, attempt.clone(), mailbox.clone(), &extension);
        let path = recording(&key).unwrap();
        let name = path.strip_prefix(&format!("{mailbox}/")).unwrap();
        prop_assert_eq!(Recording::parse(name), Some(Recording { id, attempt, extension }));
    }

    #[test]
    fn no_name_makes_a_panic(name in ".{0,130}") {
        let _ = (Mark::parse(&name), AttemptName::parse(&name), DueName::parse(&name), Recording::parse(&name));
        let _ = AttemptName::parse_marker(&name);
        let _ = version_number(&name);
    }

    #[test]
    fn versions_sort_as_their_numbers(a in 0..100_000_000u64) {
        prop_assert_eq!(version_number(version("f", a).strip_prefix("f/").unwrap()), Some(a));
    }
}

#[test]
fn an_extension_that_could_leave_the_folder_is_no_recording() {
    let time = Timestamp::from_millis(1_795_341_600_000);
    for extension in ["", "../x", "WAV", "a.b", "123456789"] {
        let mailbox = "5001".parse().unwrap();
        let key = AudioKey::new(time, id(), Attempt::draw(&SystemRandom), mailbox, extension);
        assert_eq!(recording(&key), None, "{extension:?}");
    }
}

#[test]
fn a_case_has_no_due_entry() {
    let hold = Hold::Case { case: "0".repeat(32).parse().unwrap(), purge_at: Timestamp::default() };
    assert_eq!(DueName::of(&hold, id(), &"5001".parse().unwrap()), None);
}
