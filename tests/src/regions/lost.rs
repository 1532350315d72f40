//! One of three regions is down, or dies meanwhile.
#![expect(missing_docs, reason = "the name of a case is its documentation")]

use std::sync::OnceLock;
use std::time::Duration;

use futures::future::{join, join_all};
use host::Metrics;
use serde_json::{Value, json};

use super::{ALICE, BOB, OF_ALICE, Spread};
use crate::cloud::{Emulated, Part};
use crate::proxy::Weather;

/// All of a region.
const ALL: &[Part] = &[Part::Ping, Part::Recordings, Part::Metadata];
/// Its recordings, and that they are there; of a region that is not the master, that is all.
const RECORDINGS: &[Part] = &[Part::Ping, Part::Recordings];
/// All but pings.
const BUT_PINGS: &[Part] = &[Part::Recordings];

const MINUTE: Duration = Duration::from_mins(1);
/// From the request to the purge.
const CLAIM_FROM: Duration = Duration::from_mins(23 * 60 + 32);

pub async fn a_region_that_is_down_is_named_and_nothing_is_changed_in_any(on: Emulated) {
    let spread = Spread::new(on).await;
    let bobs = json!({"caseid": "1", "consumers": [BOB]});
    spread.ask("forgetme", bobs.clone()).await.is(202);
    let before = spread.contents().await;
    for (weather, parts) in [(Weather::Silent, ALL), (Weather::Failing, RECORDINGS)] {
        for (down, region) in spread.regions.iter().enumerate() {
            spread.is(weather, &[down], parts);
            let requests = [
                ("forgetme", json!({"caseid": "2", "consumers": ALICE})),
                ("forgetme", bobs.clone()),
                ("undoforget", json!({"caseid": "1"})),
                ("undoforget", json!({"consumers": [BOB]})),
                ("undoforgot", bobs.clone()),
                ("exportme", json!({"consumers": ALICE})),
            ];
            let refusals = requests.map(|(operation, body)| async { spread.ask(operation, body).await });
            let regions = async { spread.centres[2].privacy().get("/v1/gdpr/regions").await };
            let (refusals, regions) = join(join_all(refusals), regions).await;
            for refused in refusals {
                assert!(refused.has("retry-after"));
                let detail = refused.refused(503, "region-unavailable")["detail"].to_string();
                let named: Vec<_> =
                    spread.regions.iter().filter(|region| detail.contains(region.as_str())).collect();
                assert_eq!(named, [region], "{detail}");
            }
            let up = |(n, region)| json!({"name": region, "master": n == 0, "up": n != down});
            let up: Value = spread.regions.iter().enumerate().map(up).collect();
            assert_eq!(regions.is(200).json()["regions"], up);
            assert_eq!(spread.contents().await, before, "{region} is {weather:?}");
        }
    }
    spread.is_fair();
    let forgotten = spread.forget("2").await;
    assert_eq!(forgotten["regions"], spread.reports(OF_ALICE, None));
}

pub async fn a_region_that_dies_after_the_case_was_written_is_told_and_the_certificate_waits_for_it(
    on: Emulated,
) {
    dies_after_the_case_was_written(on, 2).await;
}

pub async fn recordings_of_the_master_that_die_after_the_case_was_written_are_told_and_the_certificate_waits_for_them(
    on: Emulated,
) {
    dies_after_the_case_was_written(on, 0).await;
}

async fn dies_after_the_case_was_written(on: Emulated, lost: usize) {
    let spread = Spread::new(on).await;
    let (centre, others) = (&spread.centres[0], without(&[lost]));
    spread.is(Weather::Failing, &[lost], BUT_PINGS);
    let forgotten = spread.forget("1").await;
    assert_eq!(forgotten["regions"], spread.reports(OF_ALICE, Some(lost)));
    assert_eq!(forgotten["status"], "pending", "it is hidden all the same");
    spread.is_hidden().await;
    assert_eq!(spread.scheduled().await, others);

    spread.is(Weather::Failing, &[lost], RECORDINGS);
    centre.pass(CLAIM_FROM);
    let swept = centre.sweep().await;
    assert_eq!(swept["purged"], others.iter().sum::<usize>(), "{swept}");
    assert!(swept["failed"].as_u64() >= Some(OF_ALICE[lost] as u64), "{swept}");
    spread.waits_for(&[lost]).await;
    spread.is_back_and_erases(&[lost]).await;
}

pub async fn recordings_that_a_lost_region_did_not_schedule_for_deletion_the_next_sweep_does_and_touches_no_others(
    on: Emulated,
) {
    let (spread, lost) = (Spread::new(on).await, 0);
    spread.is(Weather::Failing, &[lost], BUT_PINGS);
    spread.forget("1").await;
    spread.is_fair();
    spread.proxy.take();
    let swept = spread.centres[0].sweep().await;
    assert_eq!((&swept["purged"], &swept["failed"]), (&json!(0), &json!(0)), "{swept}");
    // The rule counts its day from when a recording was scheduled for deletion last.
    let scheduled = spread.proxy.take().calls.into_iter();
    let scheduled = scheduled.filter(|request| ["CopyObject", "SetBlobTags"].contains(request));
    assert_eq!(scheduled.count(), OF_ALICE[lost]);
    assert_eq!(spread.scheduled().await, OF_ALICE);
    assert_eq!(spread.case("1").await["regions"], spread.reports(OF_ALICE, None));
}

pub async fn an_erasure_that_still_waits_for_regions_ten_minutes_before_its_end_is_counted_as_overdue(
    on: Emulated,
) {
    let (spread, lost) = (Spread::new(on).await, &[0, 2]);
    spread.forget("1").await;
    assert_eq!(spread.scheduled().await, OF_ALICE);
    spread.is(Weather::Failing, lost, RECORDINGS);
    spread.centres[0].pass(CLAIM_FROM + 18 * MINUTE);
    let before = overdue();
    spread.centres[0].sweep().await;
    assert_eq!(overdue(), before + 1);
    spread.waits_for(lost).await;
    spread.is_back_and_erases(lost).await;
    assert_eq!(overdue(), before + 1);
}

impl Spread {
    /// That a case is being erased, of which the recordings of these regions are left.
    async fn waits_for(&self, lost: &[usize]) {
        let shown = self.case("1").await;
        assert_eq!((&shown["status"], &shown["certificate"]), (&json!("erasing"), &Value::Null));
        let others = without(lost);
        // Bob's is in each.
        let left = std::array::from_fn(|n| OF_ALICE[n] - others[n] + 1);
        assert_eq!(self.stored(&self.contents().await).map(|its| its.len()), left);
        self.is_hidden().await;
    }

    /// The next sweep erases what is left in these regions, and the certificate tells all.
    async fn is_back_and_erases(&self, lost: &[usize]) {
        self.is_fair();
        let swept = self.centres[0].sweep().await;
        let left = lost.iter().map(|n| OF_ALICE[*n]).sum::<usize>();
        assert_eq!((&swept["purged"], &swept["failed"]), (&json!(left), &json!(0)), "{swept}");
        self.is_certified("1").await;
        assert_eq!(self.stored(&self.contents().await).map(|its| its.len()), [1; 3]);
        self.is_hidden().await;
    }
}

pub async fn an_undo_while_a_region_fails_says_what_is_back_and_the_next_sweep_shows_the_rest(on: Emulated) {
    let spread = Spread::new(on).await;
    let before = spread.seen().await;
    for (lost, case, undo) in
        [(1, "1", json!({"caseid": "1", "consumers": ALICE})), (0, "2", json!({"consumers": ALICE}))]
    {
        spread.forget(case).await;
        let back = without(&[lost]);
        spread.is(Weather::Failing, &[lost], BUT_PINGS);
        let undone = spread.ask("undoforget", undo.clone()).await.is(200).json();
        let all = json!({"messages": back.iter().sum::<usize>()});
        assert_eq!(
            undone["consumers"],
            json!({ALICE[0]: all, ALICE[1]: all}),
            "what another region has is not"
        );
        assert_eq!(undone["regions"], spread.reports(back, Some(lost)));
        assert_eq!((&undone["status"], &undone["caseid"]), (&json!("undone"), &json!(case)));
        // What shows is not under the lifecycle's rule any more; what is, does not show.
        assert_eq!(spread.scheduled().await, std::array::from_fn(|n| OF_ALICE[n] - back[n]));
        assert_eq!(spread.shown().await, back);

        spread.is_fair();
        let swept = spread.centres[0].sweep().await;
        assert_eq!((&swept["purged"], &swept["failed"]), (&json!(0), &json!(0)), "{swept}");
        assert_eq!(spread.seen().await, before, "each is where it was");
        assert_eq!(spread.scheduled().await, [0; 3]);
        let again = spread.ask("undoforget", undo).await.is(200).json();
        assert_eq!(again["regions"], spread.reports(OF_ALICE, None));
    }
}

/// How many messages of Alice are in the other regions.
fn without(lost: &[usize]) -> [usize; 3] {
    std::array::from_fn(|n| if lost.contains(&n) { 0 } else { OF_ALICE[n] })
}

/// How many times this process told that an erasure was overdue, since it was asked first.
fn overdue() -> usize {
    static METRICS: OnceLock<Metrics> = OnceLock::new();
    let told = METRICS.get_or_init(|| Metrics::install().unwrap()).render();
    let counted = told.lines().find_map(|line| line.strip_prefix("voicemail_erasures_overdue_total "));
    counted.map_or(0, |counted| counted.parse().unwrap())
}
