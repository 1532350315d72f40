//! Forget Me asked in every minute of a day, with a sweep every five minutes, of which any two in a row are lost.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use domain::{Clock as _, Counts, Facts, Folder, ManualClock, SystemRandom, Tenant, Timestamp};
use erasure::{Erasure, ForgetOutcome, UndoOutcome};
use futures::{StreamExt as _, stream};
use host::{App, AppSetup, CertificateKey};
use identity::Identity;
use storage::{Lookup, Storage, TenantStorage};
use tests::fixture::{ALICE, Call, DAY, Namespace, mark, trash};
use tests::http::{CERTIFICATE_KEY, SUBJECT_KEY};
use tests::model;

const CAROL: &str = "+4930333";
const EVERY: u64 = 5;
const UNDO: Duration = Duration::from_mins(23 * 60 + 30);
/// A midnight, in milliseconds.
const MIDNIGHT: i64 = 1_795_305_600_000;

struct Memory(TenantStorage);

impl Storage for Memory {
    fn tenant(&self, _: &Tenant) -> TenantStorage {
        self.0.clone()
    }
}

/// A tenant whose messages are in memory, and a service that sweeps them.
struct Office {
    space: Namespace,
    app: Arc<App>,
    clock: Arc<ManualClock>,
}

impl Office {
    fn new(now: Timestamp) -> Self {
        let space = Namespace::new(|_| model::storage(), ());
        let clock = Arc::new(ManualClock::at(now));
        let app = App::new(AppSetup {
            tenants: vec![space.tenant.clone()],
            here: None,
            subject_key: SUBJECT_KEY.into(),
            trash_window: DAY,
            erase_after: DAY,
            identity: Identity::new(None, None),
            certificate_key: CertificateKey::read(CERTIFICATE_KEY.as_bytes()).unwrap(),
            storage: Arc::new(Memory(space.storage.clone())),
            clock: Arc::clone(&clock) as _,
            random: Arc::new(SystemRandom),
        });
        Self { space, app, clock }
    }

    fn erasure(&self) -> Erasure<'_> {
        Erasure { tenant: &self.space.tenant, storage: &self.space.storage, clock: &*self.clock }
    }

    /// A new message of a caller, an old one, and one in the trash until then.
    async fn three(&self, caller: &str, purge_at: Timestamp) -> [Facts; 3] {
        let (space, now) = (&self.space, self.clock.now());
        let call = Call::to(&"5001".parse().unwrap()).by(caller).at(now);
        let [new, old, deleted] =
            [space.deposit(&call).await, space.deposit(&call).await, space.deposit(&call).await];
        space.read(&old.facts, &mark("alice", now)).await.unwrap();
        space.hold(&deleted.facts, &trash(purge_at)).await.unwrap();
        [new.facts, old.facts, deleted.facts]
    }

    async fn forget(&self, case: &str, caller: &str) {
        let subjects = [self.space.subject(caller)].into();
        let forgotten = self
            .erasure()
            .forget(case, subjects, &std::collections::BTreeSet::new(), DAY, &|| true)
            .await
            .unwrap();
        assert!(matches!(forgotten, ForgetOutcome::Pending(_, _)));
    }

    fn goes_to(&self, time: Timestamp) {
        self.clock.advance(time.since(self.clock.now()));
    }

    async fn sweep(&self) {
        let swept = sweep::tenant(&self.app, self.app.tenant(&self.space.tenant.id).unwrap()).await;
        assert_eq!(swept.unwrap().failed, 0);
    }

    async fn shows(&self, new: u32, old: u32) {
        let counts = self.space.counts(&"5001".parse().unwrap()).await;
        assert_eq!(counts, Counts { new, old, ..Counts::default() }, "at {}", self.clock.now());
    }
}

/// The request comes in this minute of the day; of the sweeps after it, two are lost: the first two where it comes in the
/// first five minutes of the day, and so on. So each distance to the sweep meets each place of the lost ones.
async fn a_day_after(minute: u64) {
    let at = |minutes: u64| Timestamp::from_millis(MIDNIGHT).plus(Duration::from_mins(minutes));
    let office = Office::new(at(minute));
    let space = &office.space;
    space.mailbox("5001").await;
    space.deposit(&Call::to(&"5001".parse().unwrap()).by("+4930222").at(at(minute))).await;
    let requested_at = at(minute);
    let alice = office.three(ALICE, requested_at.plus(DAY / 2)).await;
    let carol = office.three(CAROL, requested_at.plus(2 * DAY)).await;
    office.shows(3, 2).await;
    office.forget("1", ALICE).await;
    office.shows(2, 1).await;
    office.forget("2", CAROL).await;
    office.shows(1, 0).await;
    let (first, lost) = (minute / EVERY + 1, minute / EVERY);
    let mut is_undone = false;
    for sweep in first..first + DAY.as_secs() / 60 / EVERY {
        let barely = requested_at.plus(UNDO).minus(Duration::from_millis(1));
        if !is_undone && at(sweep * EVERY) > barely {
            office.goes_to(barely);
            let undone = office.erasure().undo("2", None, &|| true).await.unwrap();
            assert!(matches!(undone, UndoOutcome::Undone(_)), "{undone:?}");
            is_undone = true;
            office.shows(2, 1).await;
            assert_eq!(space.folder(&carol[2]).await, Some(Folder::Trash));
        }
        office.goes_to(at(sweep * EVERY));
        if ![lost, lost + 1].contains(&(sweep - first)) {
            office.sweep().await;
        }
        let carols = u32::from(is_undone);
        office.shows(1 + carols, carols).await;
    }
    assert!(office.clock.now() <= requested_at.plus(DAY) && is_undone);
    for facts in &alice {
        assert_eq!(space.look(facts).await, Lookup::Gone, "asked at minute {minute}");
        assert!(!space.recordings().exists(&facts.audio).await.unwrap());
    }
    assert_eq!(space.markers_of(ALICE).await, []);
    for facts in &carol {
        assert!(space.recordings().exists(&facts.audio).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whichever_minute_it_is_asked_in_and_whichever_sweeps_are_lost_all_is_gone_in_a_day_and_undone_until_then()
 {
    let days = stream::iter(0..24 * 60).map(|minute| tokio::spawn(a_day_after(minute)));
    days.buffer_unordered(2).for_each(async |day| day.unwrap()).await;
}
