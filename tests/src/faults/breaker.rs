//! Breaks chosen calls of a storage that works otherwise.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use storage::{Result, StorageError, TenantStorage};

use crate::wrap::{self, Fault, Route};

/// Which calls are broken, by their number since the breaker was armed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The calls, and how each of them is.
    pub breaks: BTreeMap<usize, Fault>,
    /// Whether no call is made after the first of them, as where the process dies or the storage stays away.
    pub outage: bool,
}

impl Plan {
    /// Breaks one call and none after it.
    pub fn one(call: usize, fault: Fault) -> Self {
        Self { breaks: [(call, fault)].into(), outage: false }
    }

    /// The same, and nothing works from then on.
    pub fn from_then_on(self) -> Self {
        Self { outage: true, ..self }
    }

    /// Breaks one more call.
    pub fn and(&self, call: usize, fault: Fault) -> Self {
        let mut plan = self.clone();
        plan.breaks.insert(call, fault);
        plan
    }

    /// The first call that it breaks.
    pub fn first(&self) -> Option<usize> {
        self.breaks.keys().next().copied()
    }

    fn fault(&self, call: usize) -> Option<Fault> {
        let is_out = self.outage && self.first().is_some_and(|first| first < call);
        if is_out { Some(Fault::Refused) } else { self.breaks.get(&call).copied() }
    }
}

/// What breaks the calls of one storage; nothing until it is armed.
#[derive(Default)]
pub struct Breaker(Mutex<State>);

#[derive(Default)]
struct State {
    plan: Plan,
    made: usize,
}

impl Breaker {
    /// From here on calls are counted and broken by this plan.
    pub fn arm(&self, plan: Plan) {
        *self.0.lock().unwrap() = State { plan, made: 0 };
    }

    /// The storage behind this breaker.
    pub fn wrap(self: &Arc<Self>, storage: &TenantStorage) -> TenantStorage {
        wrap::wrap(&[storage], self)
    }
}

impl Route for Breaker {
    fn begin(&self, _: &'static str) -> Result<(usize, usize)> {
        let mut state = self.0.lock().unwrap();
        let call = state.made;
        state.made += 1;
        match state.plan.fault(call) {
            Some(Fault::Refused) => Err(put_in()),
            Some(Fault::AnswerLost) | None => Ok((0, call)),
        }
    }

    fn end(&self, call: usize) -> Result<()> {
        match self.0.lock().unwrap().plan.fault(call) {
            Some(Fault::AnswerLost) => Err(put_in()),
            Some(Fault::Refused) | None => Ok(()),
        }
    }
}

fn put_in() -> StorageError {
    StorageError::unavailable("a fault that was put in", "put in")
}
