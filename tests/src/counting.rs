//! Counts serial round trips: how many calls of the contracts had to wait for one another.

use std::sync::{Arc, Mutex};

use storage::{Result, TenantStorage};

use crate::wrap::{self, Route};

/// What a piece of work asked of the storage.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trips {
    /// The longest chain of calls of which each began after the one before it had ended.
    pub serial: usize,
    /// Every call by name, in the order in which they began.
    pub calls: Vec<&'static str>,
}

/// Counts the calls of a storage. Clones count together.
#[derive(Clone, Default)]
pub struct Counter(Arc<Mutex<State>>);

impl Counter {
    /// What was counted since the last time; counting begins anew. Only while no call is under way.
    pub fn take(&self) -> Trips {
        let state = std::mem::take(&mut *self.0.lock().unwrap());
        Trips { serial: state.ended, calls: state.calls }
    }

    /// A call begins; what to tell when it ends.
    pub(crate) fn begins(&self, call: &'static str) -> usize {
        let mut state = self.0.lock().unwrap();
        state.calls.push(call);
        state.ended + 1
    }

    /// It ended.
    pub(crate) fn ends(&self, depth: usize) {
        let mut state = self.0.lock().unwrap();
        state.ended = state.ended.max(depth);
    }
}

/// A storage whose calls are counted, and the count.
pub fn wrap(storage: &TenantStorage) -> (TenantStorage, Counter) {
    let counter = Counter::default();
    (wrap::wrap(&[storage], &Arc::new(counter.clone())), counter)
}

#[derive(Default)]
struct State {
    /// The greatest depth of a call that has ended. A call is one deeper than all that ended before it began, so that
    /// two which overlap, also one made inside another, are side by side.
    ended: usize,
    calls: Vec<&'static str>,
}

impl Route for Counter {
    fn begin(&self, call: &'static str) -> Result<(usize, usize)> {
        Ok((0, self.begins(call)))
    }

    fn end(&self, depth: usize) -> Result<()> {
        self.ends(depth);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(counter: &Counter, call: &'static str) -> usize {
        counter.begins(call)
    }

    fn end(counter: &Counter, depth: usize) {
        counter.ends(depth);
    }

    #[test]
    fn calls_one_after_the_other_add_up() {
        let counter = Counter::default();
        for call in ["a", "b", "c"] {
            end(&counter, begin(&counter, call));
        }
        assert_eq!(counter.take(), Trips { serial: 3, calls: vec!["a", "b", "c"] });
        assert_eq!(counter.take(), Trips::default(), "a count that was taken begins anew");
    }

    #[test]
    fn calls_that_overlap_are_one_round_trip_in_whichever_order_they_end() {
        let counter = Counter::default();
        let (a, b) = (begin(&counter, "a"), begin(&counter, "b"));
        end(&counter, b);
        end(&counter, a);
        assert_eq!(counter.take().serial, 1);
    }

    #[test]
    fn a_call_inside_another_is_beside_it() {
        let counter = Counter::default();
        let arrive = begin(&counter, "arrive");
        end(&counter, begin(&counter, "put"));
        end(&counter, arrive);
        end(&counter, begin(&counter, "insert"));
        assert_eq!(counter.take(), Trips { serial: 2, calls: vec!["arrive", "put", "insert"] });
    }

    #[test]
    fn a_long_call_beside_a_chain_does_not_make_the_chain_longer() {
        let counter = Counter::default();
        let long = begin(&counter, "long");
        end(&counter, begin(&counter, "a"));
        end(&counter, begin(&counter, "b"));
        end(&counter, long);
        assert_eq!(counter.take().serial, 2);
    }

    #[test]
    fn a_call_waits_for_the_deepest_of_those_before_it() {
        let counter = Counter::default();
        let short = begin(&counter, "short");
        end(&counter, begin(&counter, "a"));
        let second = begin(&counter, "b");
        end(&counter, short);
        end(&counter, second);
        end(&counter, begin(&counter, "last"));
        assert_eq!(counter.take().serial, 3);
    }
}
