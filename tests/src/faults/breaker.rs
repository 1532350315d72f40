//! Counts the calls of a storage, or the steps below it, and breaks chosen ones.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use storage::fs::{Faults, Step};
use storage::{Result, StorageError, TenantStorage};

use crate::wrap::{self, Fault, Route};

/// Where a storage is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// At the calls of the contracts.
    Calls,
    /// Below them, at the steps on the volume.
    Steps,
}

/// A call or a step that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Which.
    pub name: String,
    /// Whether it may change what is stored: if not, it can neither lose an answer nor leave something half done.
    pub changes: bool,
}

/// What is broken, by its number since the breaker was armed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// These, and how each of them is.
    pub breaks: BTreeMap<usize, Fault>,
    /// Nothing is done after this one, as where the process dies or the storage stays away.
    pub last: Option<usize>,
}

impl Plan {
    /// Breaks one and none after it.
    pub fn one(number: usize, fault: Fault) -> Self {
        Self { breaks: [(number, fault)].into(), last: None }
    }

    /// The same, and nothing works after the last that it breaks.
    pub fn from_then_on(self) -> Self {
        Self { last: self.breaks.keys().next_back().copied(), ..self }
    }

    /// Breaks one more.
    pub fn and(&self, number: usize, fault: Fault) -> Self {
        let mut plan = self.clone();
        plan.breaks.insert(number, fault);
        plan
    }

    /// The first that it breaks.
    pub fn first(&self) -> Option<usize> {
        self.breaks.keys().next().copied()
    }

    fn fault(&self, number: usize) -> Option<Fault> {
        let is_out = self.last.is_some_and(|last| last < number);
        if is_out { Some(Fault::Refused) } else { self.breaks.get(&number).copied() }
    }
}

/// What counts and breaks; nothing until it is armed.
#[derive(Debug, Default)]
pub struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    plan: Plan,
    made: Vec<Made>,
}

impl Breaker {
    /// From here on it counts, and breaks by this plan. What was made since the last time.
    pub fn arm(&self, plan: Plan) -> Vec<Made> {
        std::mem::replace(&mut *self.0.lock().unwrap(), State { plan, made: Vec::new() }).made
    }

    /// The storage behind this breaker.
    pub fn wrap(self: &Arc<Self>, storage: &TenantStorage) -> TenantStorage {
        wrap::wrap(&[storage], self)
    }

    /// The number of what begins; `None`: it is refused.
    fn begins(&self, made: Made) -> Option<usize> {
        let mut state = self.0.lock().unwrap();
        let number = state.made.len();
        state.made.push(made);
        (state.plan.fault(number) != Some(Fault::Refused)).then_some(number)
    }

    /// Whether the answer arrives.
    fn ends(&self, number: usize) -> bool {
        self.0.lock().unwrap().plan.fault(number) != Some(Fault::AnswerLost)
    }
}

impl Route for Breaker {
    fn begin(&self, call: &'static str) -> Result<(usize, usize)> {
        let number = self.begins(Made { name: call.to_owned(), changes: true });
        number.map(|number| (0, number)).ok_or_else(put_in)
    }

    fn end(&self, number: usize) -> Result<()> {
        self.ends(number).then_some(()).ok_or_else(put_in)
    }
}

impl Faults for Breaker {
    fn begin(&self, step: Step<'_>) -> io::Result<usize> {
        let name = format!("{} {}", step.name, place(step.path));
        self.begins(Made { name, changes: step.changes }).ok_or_else(|| io::Error::other("put in"))
    }

    fn end(&self, number: usize) -> io::Result<()> {
        self.ends(number).then_some(()).ok_or_else(|| io::Error::other("put in"))
    }
}

fn put_in() -> StorageError {
    StorageError::unavailable("a fault that was put in", "put in")
}

/// Which folder of a store a path lies in, without what names a tenant, a mailbox, a caller or a message.
fn place(path: &Path) -> String {
    let names: Vec<_> = path.iter().map(|name| name.to_string_lossy()).collect();
    let tops = ["tenants", "recordings", "store.json"];
    let top = names.iter().position(|name| tops.contains(&name.as_ref())).unwrap_or_default();
    match names[top..].iter().map(AsRef::as_ref).collect::<Vec<_>>().as_slice() {
        ["tenants", _, "mailboxes", _, folder, ..] => format!("mailboxes/{folder}"),
        ["tenants", _, folder, ..] => (*folder).to_owned(),
        ["recordings", _, "region.json"] => "region.json".to_owned(),
        ["recordings", _, _, ".tmp", ..] => "recordings/.tmp".to_owned(),
        [top, ..] => (*top).to_owned(),
        [] => String::new(),
    }
}
