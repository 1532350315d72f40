//! Randomness, passed in.

use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest as _, Sha256};

/// Where random bytes come from.
pub trait Random: Send + Sync {
    /// Ten fresh random bytes, what the random part of an id of version 7 takes.
    fn bytes(&self) -> [u8; 10];
}

/// The operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(clippy::expect_used, reason = "a system without randomness cannot make an id that is its own")]
    fn bytes(&self) -> [u8; 10] {
        let mut bytes = [0; 10];
        getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
        bytes
    }
}

/// The same bytes in each run, for tests: SHA-256 of a seed and a count.
#[derive(Debug)]
pub struct SeededRandom {
    seed: u64,
    drawn: AtomicU64,
}

impl SeededRandom {
    /// A source that this seed names.
    pub fn new(seed: u64) -> Self {
        Self { seed, drawn: AtomicU64::new(0) }
    }
}

impl Random for SeededRandom {
    fn bytes(&self) -> [u8; 10] {
        let drawn = self.drawn.fetch_add(1, Ordering::Relaxed);
        let digest =
            Sha256::new().chain_update(self.seed.to_be_bytes()).chain_update(drawn.to_be_bytes()).finalize();
        let mut bytes = [0; 10];
        bytes.copy_from_slice(digest.get(..10).unwrap_or(&[0; 10]));
        bytes
    }
}
