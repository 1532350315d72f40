//! For tests: the volume stops at the n-th step, as it would for a process that dies there.

use std::io;
use std::sync::atomic::{AtomicI64, Ordering};

/// How many steps are still done; unset: all.
pub(super) struct Faults(AtomicI64);

impl Default for Faults {
    fn default() -> Self {
        Self(AtomicI64::new(i64::MAX))
    }
}

impl Faults {
    /// Does `steps` more, then none.
    pub(super) fn stop_after(&self, steps: i64) {
        self.0.store(steps, Ordering::SeqCst);
    }

    /// Does all again. Whether the limit had been reached.
    pub(super) fn heal(&self) -> bool {
        self.0.swap(i64::MAX, Ordering::SeqCst) < 0
    }

    pub(super) fn pass(&self) -> io::Result<()> {
        let left = self.0.fetch_sub(1, Ordering::SeqCst);
        if left > 0 { Ok(()) } else { Err(io::Error::other("cut off by the test")) }
    }
}
