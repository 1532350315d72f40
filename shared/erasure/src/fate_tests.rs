//! Cases, their undo and the sweep in any order, against a model that knows only what the contract says.
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::time::Duration;

use domain::{Clock as _, Facts, Folder, Status, Timestamp};
use proptest::prelude::*;

use crate::testing::*;
use crate::{ForgetOutcome, UndoOutcome};

const CALLERS: [&str; 3] = [ALICE, BOB, "alice@pbx.example"];

#[derive(Debug, Clone)]
enum Step {
    Deposit(usize, &'static str),
    Forget(usize, Vec<usize>),
    Undo(usize, Option<Vec<usize>>),
    UndoCaller(usize),
    Sweep,
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let some = || prop::sample::subsequence(vec![0, 1, 2], 1..=3);
    let step = prop_oneof![
        4 => (0..3usize, prop::sample::select(vec!["west", "east"])).prop_map(|(who, at)| Step::Deposit(who, at)),
        4 => (0..3usize, some()).prop_map(|(case, who)| Step::Forget(case, who)),
        2 => (0..3usize, prop::option::of(some())).prop_map(|(case, who)| Step::Undo(case, who)),
        1 => (0..3usize).prop_map(Step::UndoCaller),
        3 => Just(Step::Sweep),
        4 => prop::sample::select(vec![1, 2, 3, 300, 23 * 60, 23 * 60 + 29, 23 * 60 + 31]).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 1..24)
}

#[derive(Debug)]
struct Case {
    requested_at: Timestamp,
    /// Whether each is undone.
    callers: BTreeMap<usize, bool>,
    erased: bool,
}

impl Case {
    fn covers(&self, caller: usize, received_at: Timestamp) -> bool {
        self.callers.get(&caller) == Some(&false) && received_at <= self.requested_at.plus(2 * MINUTE)
    }

    fn status(&self) -> Status {
        match (self.erased, self.callers.values().all(|undone| *undone)) {
            (true, _) => Status::Erased,
            (false, true) => Status::Undone,
            (false, false) => Status::Pending,
        }
    }

    /// `None`: too late.
    fn undo(&mut self, callers: &[usize], now: Timestamp) -> Option<()> {
        let left: Vec<_> =
            callers.iter().filter(|caller| self.callers.get(*caller) == Some(&false)).collect();
        if left.is_empty() {
            return Some(());
        }
        let in_time = !self.erased && now < self.requested_at.plus(hm(23, 30));
        for caller in left {
            self.callers.insert(*caller, in_time);
        }
        in_time.then_some(())
    }
}

/// What the contract says must be.
#[derive(Default)]
struct Model {
    cases: BTreeMap<usize, Case>,
    /// With its caller, and whether it is purged.
    messages: Vec<(usize, Facts, bool)>,
}

impl Model {
    fn sweep(&mut self, now: Timestamp) {
        for case in self.cases.values_mut() {
            let begins = now >= case.requested_at.plus(hm(23, 32));
            case.erased |= begins && case.status() == Status::Pending;
            for (caller, facts, purged) in &mut self.messages {
                *purged |= case.erased && case.covers(*caller, facts.received_at);
            }
        }
    }

    async fn agrees(&self, world: &World) {
        for (id, case) in &self.cases {
            assert_eq!(world.case(&id.to_string()).await.status, case.status(), "{case:?}");
        }
        for (caller, facts, purged) in &self.messages {
            let hidden = self.cases.values().any(|case| case.covers(*caller, facts.received_at));
            let shown = world.folder_of(facts).await;
            assert_eq!(shown, (!hidden && !purged).then_some(Folder::New), "{facts:?} {:?}", self.cases);
            assert_eq!(world.is_purged(facts).await, *purged);
        }
    }
}

#[expect(clippy::too_many_lines, reason = "one arm for each step")]
async fn take(world: &World, model: &mut Model, step: Step) {
    let now = world.clock.now();
    let names = |callers: &[usize]| callers.iter().map(|caller| CALLERS[*caller]).collect::<Vec<_>>();
    match step {
        Step::Deposit(caller, region) => {
            let facts = world.deposit(CALLERS[caller], "5001", region).await.unwrap();
            model.messages.push((caller, facts, false));
        }
        Step::Forget(id, callers) => {
            let subjects = subjects(&names(&callers));
            let forgotten =
                world.erasure().forget(&id.to_string(), subjects, &NOBODY, DAY, &|| true).await.unwrap();
            let new = Case {
                requested_at: now,
                callers: callers.iter().map(|caller| (*caller, false)).collect(),
                erased: false,
            };
            let case = model.cases.entry(id).or_insert(new);
            match forgotten {
                ForgetOutcome::Conflict => assert!(!case.callers.keys().eq(&callers)),
                ForgetOutcome::Closed(_, _) => assert_ne!(case.status(), Status::Pending),
                ForgetOutcome::Pending(report, _) => {
                    assert_eq!(
                        (case.status(), report.cases[0].requested_at),
                        (Status::Pending, case.requested_at)
                    );
                }
            }
        }
        Step::Undo(id, callers) => {
            let undone = world.undo(&id.to_string(), callers.as_deref().map(names).as_deref()).await;
            let case = model.cases.get_mut(&id);
            let all = |case: &Case| case.callers.keys().copied().collect::<Vec<_>>();
            match (case, callers) {
                (None, _) => assert_eq!(undone, UndoOutcome::Missing),
                (Some(case), Some(callers))
                    if callers.iter().any(|caller| !case.callers.contains_key(caller)) =>
                {
                    assert!(matches!(undone, UndoOutcome::NotInCase(_)));
                }
                (Some(case), callers) => {
                    let chosen = callers.unwrap_or_else(|| all(case));
                    match case.undo(&chosen, now) {
                        Some(()) => assert!(matches!(undone, UndoOutcome::Undone(_))),
                        None => assert_eq!(undone, UndoOutcome::TooLate),
                    }
                }
            }
        }
        Step::UndoCaller(caller) => {
            let undone = world.erasure().undo_callers(&subjects(&names(&[caller])), &|| true).await.unwrap();
            let holds_it = |case: &&mut Case| case.callers.contains_key(&caller);
            let decided: Vec<_> =
                model.cases.values_mut().filter(holds_it).map(|case| case.undo(&[caller], now)).collect();
            match undone {
                UndoOutcome::Missing => assert!(decided.is_empty()),
                UndoOutcome::TooLate => assert!(decided.contains(&None)),
                UndoOutcome::Undone(_) => assert!(decided.contains(&Some(()))),
                UndoOutcome::NotInCase(_) => panic!("only those that are in it were asked"),
            }
        }
        Step::Sweep => {
            world.sweep().await;
            model.sweep(now);
        }
        Step::Wait(minutes) => world.clock.advance(Duration::from_mins(minutes)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn whatever_is_asked_in_whatever_order_each_message_is_where_the_contract_says(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (world, mut model) = (World::new().await, Model::default());
            for step in steps {
                take(&world, &mut model, step).await;
                model.agrees(&world).await;
            }
            world.clock.advance(DAY);
            assert_eq!(world.sweep().await.failed, 0);
            model.sweep(world.clock.now());
            model.agrees(&world).await;
        });
    }
}
