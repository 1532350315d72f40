use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::clock::Timestamp;
use crate::random::SeededRandom;

/// What new and old show: by number of the message, as a client could tell it apart.
type Shown = BTreeSet<(u8, bool, bool, u64)>;

fn id(number: u8) -> MessageId {
    MessageId::random(
        Timestamp::from_millis(1_795_341_600_000 + i64::from(number)),
        &SeededRandom::new(number.into()),
    )
}

fn waiting(shown: impl IntoIterator<Item = (u8, bool, bool, u64)>) -> Waiting {
    let message =
        |(number, is_read, is_urgent, taking)| CountedMessage { id: id(number), is_read, is_urgent, taking };
    shown.into_iter().map(message).collect()
}

fn shown() -> impl Strategy<Value = Shown> {
    let messages = prop::collection::btree_map(0..4_u8, (any::<bool>(), any::<bool>(), 0..3_u64), 0..4);
    messages.prop_map(|messages| {
        messages.into_iter().map(|(id, (read, urgent, taking))| (id, read, urgent, taking)).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]
    #[test]
    fn changed_differs_exactly_where_what_is_shown_differs(one in shown(), other in shown(), seed: u64) {
        prop_assert_eq!(waiting(one.clone()).changed == waiting(other.clone()).changed, one == other);
        let mut turned: Vec<_> = one.iter().copied().collect();
        let by = usize::try_from(seed).unwrap_or_default() % turned.len().max(1);
        turned.rotate_left(by);
        prop_assert_eq!(waiting(turned), waiting(one), "in whatever order they are listed");
    }

    #[test]
    fn what_is_waiting_is_counted_from_what_is_shown(shown in shown()) {
        let Waiting { counts, oldest_new, new_taken, .. } = waiting(shown.clone());
        let count = |which: fn(&(u8, bool, bool, u64)) -> bool| {
            u32::try_from(shown.iter().filter(|one| which(one)).count()).unwrap()
        };
        prop_assert_eq!((counts.new, counts.old), (count(|one| !one.1), count(|one| one.1)));
        let urgent = (count(|one| !one.1 && one.2), count(|one| one.1 && one.2));
        prop_assert_eq!((counts.urgent_new, counts.urgent_old), urgent);
        prop_assert_eq!(new_taken, count(|one| !one.1 && one.3 == 1));
        prop_assert_eq!(oldest_new, shown.iter().find(|one| !one.1).map(|one| id(one.0)));
    }
}

#[test]
fn changed_is_the_same_in_every_version_of_the_service() {
    assert_eq!(waiting([]).changed, 0xe3b0_c442_98fc_1c14, "the digest of nothing");
    let one = |id: &str, is_read, is_urgent, taking| CountedMessage {
        id: id.parse().unwrap(),
        is_read,
        is_urgent,
        taking,
    };
    let urgent_and_taken = one("0198b2f0-5a10-7c3e-8f11-2a4b6c8d0e1f", false, true, 3);
    let read = one("0198b301-0000-7c3e-8f11-2a4b6c8d0e1f", true, false, 0);
    let changed = Waiting::from_iter([read, urgent_and_taken]).changed;
    assert_eq!(format!("{changed:016x}"), "53637d147ecb9107", "as sha256sum tells it");
}
