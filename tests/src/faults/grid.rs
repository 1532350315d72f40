//! The cases of an operation, and what must hold in each.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::LazyLock;

use futures::future::BoxFuture;
use serde_json::Value;
use tokio::sync::Mutex;

use super::breaker::{Level, Made, Plan};
use super::ground::{Contents, Ground};
use super::settle::{settled, start};
use super::view::{Known, View, known, look};
use super::world::World;
use crate::http::Answer;
use crate::wrap::Fault;

/// What is asked of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One request: it was done, or it was not.
    Request,
    /// One request, decided by one step of its storage; what follows from that is done by it or by the sweep.
    Decision,
    /// One data protection request: decided by one step of its storage; what it could not do for a region it tells, and
    /// the sweep does it.
    Case,
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
    /// Whether it works on several messages at once, so that its calls come in another order each time.
    pub is_abreast: bool,
}

/// What is compared of an answer: all but what chance has drawn.
#[derive(Debug, Clone, PartialEq)]
struct ComparedAnswer {
    status: u16,
    body: Value,
}

/// The answer, the state after it, and where time leads from there.
type RunOutcome = (ComparedAnswer, View, View);

/// What an operation does where nothing is broken.
struct Course {
    before: View,
    before_settled: View,
    made: Vec<Made>,
    once: RunOutcome,
    /// When it is repeated.
    twice: RunOutcome,
}

/// How many cases an operation had, and of what.
pub struct Grid {
    /// The operation.
    pub name: &'static str,
    /// The calls or steps that it makes without faults.
    pub made: usize,
    /// The cases, each once repeated and once left to time.
    pub cases: usize,
    /// All that was broken.
    pub broken: BTreeSet<String>,
}

impl fmt::Display for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>4} cases: {}, of {} that it makes", self.cases, self.name, self.made)
    }
}

/// A case, for whoever reads a failure.
struct Case<'a> {
    operation: &'a Operation,
    course: &'a Course,
    plan: &'a Plan,
    made: &'a [Made],
}

/// How a call or a step is broken at first. The process dies at steps that change something: what is stored after its
/// death before another is what is stored before the next.
fn faults(level: Level, made: &Made) -> &'static [(Fault, bool)] {
    const REFUSED: (Fault, bool) = (Fault::Refused, false);
    const LOST: (Fault, bool) = (Fault::AnswerLost, false);
    const DIES_BEFORE: (Fault, bool) = (Fault::Refused, true);
    const DIES_AFTER: (Fault, bool) = (Fault::AnswerLost, true);
    match level {
        Level::Calls => &[REFUSED, LOST],
        Level::Steps if made.changes => &[REFUSED, LOST, DIES_BEFORE, DIES_AFTER],
        Level::Steps => &[REFUSED],
    }
}

/// Each way to break it.
fn every(level: Level, made: &Made, plan: impl Fn(Fault) -> Plan) -> impl Iterator<Item = Plan> {
    faults(level, made)
        .iter()
        .map(move |(fault, dies)| if *dies { plan(*fault).from_then_on() } else { plan(*fault) })
}

impl Operation {
    /// Runs every case.
    pub async fn grid(&self, level: Level, ground: &dyn Ground) -> Grid {
        let mut prepared = World::on(ground, start()).await;
        (self.prepare)(&mut prepared).await;
        let course = self.course(level, &prepared).await;
        let names: Vec<&str> = course.made.iter().map(|made| made.name.as_str()).collect();
        assert!(!names.is_empty(), "{} asks nothing of the storage", self.name);
        let needs = if level == Level::Calls { self.needs } else { &[] };
        assert!(needs.iter().all(|call| names.contains(call)), "{} makes only {names:?}", self.name);

        let mut plans: VecDeque<Plan> = VecDeque::new();
        for (number, made) in course.made.iter().enumerate() {
            plans.extend(every(level, made, |fault| Plan::one(number, fault)));
        }
        let (mut all, mut broken, mut seen) = (course.made.clone(), BTreeSet::new(), BTreeSet::new());
        let mut cases = 0;
        while let Some(plan) = plans.pop_front() {
            let made = self.case(level, &prepared, &course, &plan).await;
            cases += 1;
            all.extend(made.iter().cloned());
            for (number, fault) in &plan.breaks {
                broken.extend(made.get(*number).map(|made| (made.name.clone(), format!("{fault:?}"))));
            }
            // What is only made because something was broken is broken, too.
            let next = plan.breaks.keys().next_back().map_or(0, |last| last + 1);
            if plan.last.is_none() {
                // Where no call follows, the death of the process is the same case.
                if level == Level::Calls && made.len() > next {
                    plans.push_back(plan.clone().from_then_on());
                }
                for number in next..made.len() {
                    let name = &made[number].name;
                    let so_often = |made: &[Made]| made.iter().filter(|it| it.name == *name).count();
                    let time = so_often(&made[..=number]);
                    // A call after each fault before it; of steps there are many, and one does not know which came before.
                    let after = (level == Level::Calls).then(|| format!("{plan:?}"));
                    if time > so_often(&course.made) && seen.insert((after, name.clone(), time)) {
                        plans.extend(every(level, &made[number], |fault| plan.and(number, fault)));
                    }
                }
            }
        }
        // Of what works abreast, each run breaks what comes then.
        for made in all.iter().filter(|_| !self.is_abreast) {
            let is_broken = |fault: Fault| broken.contains(&(made.name.clone(), format!("{fault:?}")));
            let all_are = faults(level, made).iter().all(|(fault, _)| is_broken(*fault));
            assert!(all_are, "{}: {} was made and not broken", self.name, made.name);
        }
        let broken = broken.into_iter().map(|(name, _)| name).collect();
        Grid { name: self.name, made: course.made.len(), cases, broken }
    }

    async fn course(&self, level: Level, prepared: &World) -> Course {
        let world = prepared.copy().await;
        let before = look(&world).await;
        let before_settled = settled(&world, &before.contents).await;
        world.breaking_at(level, Plan::default());
        let once = self.run(&world).await;
        let made = world.healed_at(level);
        assert!(once.0.status < 500, "{}: {:?}", self.name, once.0);
        let twice = self.run(&world).await;
        Course { before: before.shown, before_settled, made, once, twice }
    }

    /// Does it.
    async fn run(&self, world: &World) -> RunOutcome {
        let answer = self.answer(world).await;
        let after = look(world).await;
        let end = settled(world, &after.contents).await;
        (answer, after.shown, end)
    }

    /// The same of a sweep. It remembers nothing of the one before: what is stored and the time alone tell what it does, so
    /// it is done once for each.
    async fn swept(&self, world: &World, contents: &Contents) -> RunOutcome {
        static SEEN: LazyLock<Mutex<BTreeMap<Known, RunOutcome>>> = LazyLock::new(Mutex::default);
        let known = known(world, contents);
        if let Some(seen) = SEEN.lock().await.get(&known) {
            return seen.clone();
        }
        let done = self.run(world).await;
        SEEN.lock().await.insert(known, done.clone());
        done
    }

    /// Runs it once, for its answer alone.
    async fn answer(&self, world: &World) -> ComparedAnswer {
        let answer = (self.act)(world).await;
        let is_json = answer.header("content-type").ends_with("json");
        let body = if is_json { answer.json() } else { Value::from(answer.body.as_ref()) };
        ComparedAnswer { status: answer.status, body: without_ids(body) }
    }

    /// A case, once left to time and once repeated; what the operation made.
    async fn case(&self, level: Level, prepared: &World, course: &Course, plan: &Plan) -> Vec<Made> {
        let mut world = prepared.copy().await;
        world.breaking_at(level, plan.clone());
        let answer = self.answer(&world).await;
        let made = world.healed_at(level);
        let case = Case { operation: self, course, plan, made: &made };
        case.was_made();
        if level == Level::Steps && plan.last.is_some() {
            // The process is dead; what it said was heard by nobody, and is no lie all the same.
            world = world.reopened().await;
        }
        let seen = look(&world).await;
        let is_done = case.was_honest(&answer, &seen.shown);
        case.keeps_no_litter(&world, &seen.contents);
        case.is_settled(is_done, &settled(&world, &seen.contents).await);
        let (answer, after, end) = match self.kind {
            Kind::Sweep => self.swept(&world, &seen.contents).await,
            _ => self.run(&world).await,
        };
        case.is_repeated(is_done, &answer, &after, &end);
        made
    }
}

impl fmt::Display for Case<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.made.iter().map(|made| made.name.as_str()).collect();
        let broken: Vec<&str> = self.plan.breaks.keys().filter_map(|n| names.get(*n).copied()).collect();
        write!(f, "{} with {:?}, that is {broken:?} of {names:?}", self.operation.name, self.plan)
    }
}

impl Case<'_> {
    /// The calls that were to be broken were made, and they are those of the run without faults as far as the first.
    fn was_made(&self) {
        let breaks = &self.plan.breaks;
        let first = self.plan.first().unwrap_or_default();
        assert!(first < self.made.len(), "{self}");
        if self.operation.is_abreast {
            return;
        }
        assert!(breaks.keys().all(|number| *number < self.made.len()), "{self}");
        assert_eq!(self.made[..=first], self.course.made[..=first], "{self}");
    }

    /// Whether it was done, after an answer that does not lie and with a state that is a legal one.
    fn was_honest(&self, answer: &ComparedAnswer, seen: &View) -> bool {
        let Course { before, once: (truth, after, _), .. } = self.course;
        let is_unavailable = |of: &Value| of["code"] == "storage-unavailable";
        if answer.status == 503 && answer.body["code"] == "region-unavailable" {
            assert_eq!(seen, before, "{self}: where a region is down nothing is changed");
            return false;
        }
        let failed = &answer.body["failed"];
        let tells = match self.operation.kind {
            Kind::Request | Kind::Decision => false,
            Kind::Case => {
                let regions = answer.body["regions"].as_array();
                answer.body["status"] == "hiding"
                    || regions.is_some_and(|all| all.iter().any(|region| region["reached"] == false))
            }
            Kind::Bulk => {
                failed.as_array().is_some_and(|all| !all.is_empty() && all.iter().all(is_unavailable))
            }
            Kind::Sweep => failed.as_u64().is_some_and(|failed| failed > 0),
        };
        if (answer.status == 503 && is_unavailable(&answer.body)) || (answer.status < 300 && tells) {
            let is_legal = match self.operation.kind {
                Kind::Request => seen == before || seen == after,
                Kind::Decision | Kind::Case | Kind::Bulk | Kind::Sweep => is_between(seen, before, after),
            };
            assert!(is_legal, "{self}: {seen:#?}\nis neither {before:#?}\nnor {after:#?}");
        } else {
            assert_eq!(answer, truth, "{self}: an answer that is no failure is the true one");
            assert_eq!(seen, after, "{self}: an answer that is no failure had its effect");
        }
        match self.operation.kind {
            Kind::Decision | Kind::Case => seen != before,
            _ => before != after && seen == after,
        }
    }

    /// Recordings and caller markers that nothing explains.
    fn keeps_no_litter(&self, world: &World, contents: &Contents) {
        if !self.operation.has_litter {
            assert_eq!(world.ground.leavings(contents, false), Vec::<String>::new(), "{self}");
        }
    }

    /// The repetition is answered and does what it would without faults: the second time if the first one did it.
    fn is_repeated(&self, is_done: bool, answer: &ComparedAnswer, seen: &View, end: &View) {
        let Course { once, twice, .. } = self.course;
        let (truth, after, settled) = if is_done { twice } else { once };
        if self.operation.kind == Kind::Sweep {
            assert!(answer.status == 200 && answer.body["failed"] == 0, "{self}: {answer:?}");
            assert_eq!(seen, &once.1, "{self}: the next sweep finishes it");
        } else {
            assert_eq!(answer, truth, "{self}: repeated");
            let is_legal = match self.operation.kind {
                Kind::Decision | Kind::Case => is_between(seen, &self.course.before, after),
                _ => seen == after,
            };
            assert!(is_legal, "{self}: repeated, {seen:#?}\nis not {after:#?}");
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
