//! The cases of an operation, and what must hold in each.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;

use futures::future::BoxFuture;
use serde_json::Value;

use super::breaker::Plan;
use super::settle::{settled, start};
use super::view::{View, leavings, view};
use super::world::World;
use crate::http::Answer;
use crate::wrap::Fault;

const FAULTS: [Fault; 2] = [Fault::Refused, Fault::AnswerLost];

/// What is asked of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One request: it was done, or it was not.
    Request,
    /// One request for several messages, each of which is answered on its own.
    Bulk,
    /// A sweep, which does as much as it can and is finished by the next.
    Sweep,
}

/// An operation and what it begins with.
pub struct Operation {
    /// What is done.
    pub name: &'static str,
    /// A request or a sweep.
    pub kind: Kind,
    /// Makes what the operation works on.
    pub prepare: for<'a> fn(&'a mut World) -> BoxFuture<'a, ()>,
    /// Does it.
    pub act: for<'a> fn(&'a World) -> BoxFuture<'a, Answer>,
    /// Calls that it must make, or it is not what its name says.
    pub needs: &'static [&'static str],
    /// Whether the preparation puts files there that no deposit would leave.
    pub has_litter: bool,
}

/// What a run of an operation gave.
#[derive(Debug, Clone, PartialEq)]
struct Said {
    status: u16,
    body: Value,
}

/// What an operation does where nothing is broken.
struct Course {
    before: View,
    before_settled: View,
    calls: Vec<&'static str>,
    /// The answer, the state after it, and where time leads from there.
    once: (Said, View, View),
    /// The same when it is repeated.
    twice: (Said, View, View),
}

/// How many cases an operation had, and of which calls.
pub struct Grid {
    /// The operation.
    pub name: &'static str,
    /// Its calls without faults.
    pub calls: Vec<&'static str>,
    /// The cases, each run twice.
    pub cases: usize,
}

impl fmt::Display for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>4} cases: {}, of {}", self.cases, self.name, self.calls.join(", "))
    }
}

/// A case, for whoever reads a failure.
struct Case<'a> {
    operation: &'a Operation,
    course: &'a Course,
    plan: &'a Plan,
    calls: Vec<&'static str>,
}

impl Operation {
    /// Runs every case.
    pub async fn grid(&self) -> Grid {
        let mut prepared = World::new(start()).await;
        (self.prepare)(&mut prepared).await;
        let course = self.course(&prepared).await;
        assert!(!course.calls.is_empty(), "{} asks nothing of the storage", self.name);
        let is_made = |call| course.calls.contains(call);
        assert!(self.needs.iter().all(is_made), "{} makes only {:?}", self.name, course.calls);

        let mut plans: VecDeque<Plan> = VecDeque::new();
        for (call, fault) in (0..course.calls.len()).flat_map(|call| FAULTS.map(|fault| (call, fault))) {
            plans.extend([Plan::one(call, fault), Plan::one(call, fault).from_then_on()]);
        }
        let (mut made, mut broken) = (BTreeSet::new(), BTreeSet::new());
        made.extend(course.calls.iter().copied());
        let mut cases = 0;
        while let Some(plan) = plans.pop_front() {
            let calls = self.case(&prepared, &course, &plan).await;
            cases += 1;
            made.extend(calls.iter().copied());
            for (call, fault) in &plan.breaks {
                broken.insert((calls[*call], format!("{fault:?}")));
            }
            // What is only called because something was broken is broken, too.
            let last = plan.breaks.keys().next_back().copied().unwrap_or_default();
            if !plan.outage {
                for call in last + 1..calls.len() {
                    let so_often = |calls: &[&str], name| calls.iter().filter(|it| **it == name).count();
                    if so_often(&calls[..=call], calls[call]) > so_often(&course.calls, calls[call]) {
                        plans.extend(FAULTS.map(|fault| plan.and(call, fault)));
                    }
                }
            }
        }
        for call in made {
            let is_broken = |fault: Fault| broken.contains(&(call, format!("{fault:?}")));
            assert!(FAULTS.into_iter().all(is_broken), "{}: {call} was made and not broken", self.name);
        }
        Grid { name: self.name, calls: course.calls, cases }
    }

    async fn course(&self, prepared: &World) -> Course {
        let world = prepared.copy().await;
        let before = view(&world).await;
        world.breaking(Plan::default());
        let said = self.said(&world).await;
        let calls = world.healed();
        assert!(said.status < 500, "{}: {said:?}", self.name);
        let after = view(&world).await;
        let once = (said, after, settled(&world.copy().await).await);
        let said = self.said(&world).await;
        let after = view(&world).await;
        let twice = (said, after, settled(&world).await);
        Course { before, before_settled: settled(&prepared.copy().await).await, calls, once, twice }
    }

    /// What is said, without what chance has drawn.
    async fn said(&self, world: &World) -> Said {
        let answer = (self.act)(world).await;
        let is_json = answer.header("content-type").ends_with("json");
        let body = if is_json { answer.json() } else { Value::from(answer.body.as_ref()) };
        Said { status: answer.status, body: without_ids(body) }
    }

    /// Both runs of a case; the calls that the operation made.
    async fn case(&self, prepared: &World, course: &Course, plan: &Plan) -> Vec<&'static str> {
        let mut calls = Vec::new();
        for is_repeated in [true, false] {
            let world = prepared.copy().await;
            world.breaking(plan.clone());
            let said = self.said(&world).await;
            calls = world.healed();
            let case = Case { operation: self, course, plan, calls: calls.clone() };
            case.was_made();
            let seen = view(&world).await;
            let is_done = case.was_honest(&said, &seen);
            case.keeps_no_litter(&world);
            if is_repeated {
                let repeated = self.said(&world).await;
                case.is_repeated(is_done, &repeated, &view(&world).await, &settled(&world).await);
            } else {
                case.is_settled(is_done, &settled(&world).await);
            }
        }
        calls
    }
}

impl fmt::Display for Case<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with {:?} of {:?}", self.operation.name, self.plan, self.calls)
    }
}

impl Case<'_> {
    /// The calls that were to be broken were made, and they are those of the run without faults as far as the first.
    fn was_made(&self) {
        let breaks = &self.plan.breaks;
        assert!(breaks.keys().all(|call| *call < self.calls.len()), "{self}");
        let first = self.plan.first().unwrap_or_default();
        assert_eq!(self.calls[..=first], self.course.calls[..=first], "{self}");
    }

    /// Whether it was done, after an answer that does not lie and with a state that is a legal one.
    fn was_honest(&self, said: &Said, seen: &View) -> bool {
        let Course { before, once: (truth, after, _), .. } = self.course;
        let is_unavailable = |of: &Value| of["code"] == "storage-unavailable";
        let failed = &said.body["failed"];
        let tells = match self.operation.kind {
            Kind::Request => false,
            Kind::Bulk => {
                failed.as_array().is_some_and(|all| !all.is_empty() && all.iter().all(is_unavailable))
            }
            Kind::Sweep => failed.as_u64().is_some_and(|failed| failed > 0),
        };
        if (said.status == 503 && is_unavailable(&said.body)) || (said.status == 200 && tells) {
            let is_legal = match self.operation.kind {
                Kind::Request => seen == before || seen == after,
                Kind::Bulk | Kind::Sweep => is_between(seen, before, after),
            };
            assert!(is_legal, "{self}: {seen:#?}\nis neither {before:#?}\nnor {after:#?}");
        } else {
            assert_eq!(said, truth, "{self}: an answer that is no failure is the true one");
            assert_eq!(seen, after, "{self}: an answer that is no failure had its effect");
        }
        before != after && seen == after
    }

    /// Recordings and caller markers that nothing explains.
    fn keeps_no_litter(&self, world: &World) {
        if !self.operation.has_litter {
            assert_eq!(leavings(world, false), Vec::<String>::new(), "{self}");
        }
    }

    /// The repetition is answered and does what it would without faults: the second time if the first one did it.
    fn is_repeated(&self, is_done: bool, said: &Said, seen: &View, end: &View) {
        let Course { once, twice, .. } = self.course;
        let (truth, after, settled) = if is_done { twice } else { once };
        if self.operation.kind == Kind::Sweep {
            assert!(said.status == 200 && said.body["failed"] == 0, "{self}: {said:?}");
            assert_eq!(seen, &once.1, "{self}: the next sweep finishes it");
        } else {
            assert_eq!((said, seen), (truth, after), "{self}: repeated");
        }
        assert_eq!(end, settled, "{self}: repeated and settled");
    }

    /// Time leads to where it would lead: from the operation if it was done, else from before it.
    fn is_settled(&self, is_done: bool, end: &View) {
        let Course { before_settled, once: (_, _, settled), .. } = self.course;
        if self.operation.kind == Kind::Bulk && !is_done {
            assert!(is_between(end, before_settled, settled), "{self}: settled as {end:#?}");
        } else {
            assert_eq!(end, if is_done { settled } else { before_settled }, "{self}: settled");
        }
    }
}

/// Whether what is seen is partly before and partly after.
fn is_between(seen: &View, before: &View, after: &View) -> bool {
    let is_of = |line: &String| before.contains(line) || after.contains(line);
    let stays = |line: &&String| after.contains(line);
    seen.iter().all(is_of) && before.iter().filter(stays).all(|line| seen.contains(line))
}

/// Takes away what differs from one run to the next without a meaning.
fn without_ids(mut body: Value) -> Value {
    match &mut body {
        Value::Object(fields) => {
            fields.retain(|name, _| !matches!(name.as_str(), "id" | "instance" | "url"));
            for value in fields.values_mut() {
                *value = without_ids(value.take());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = without_ids(item.take())),
        _ => {}
    }
    body
}
