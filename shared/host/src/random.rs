//! As many random bytes as are asked for.

use domain::Random;

/// `count` fresh random bytes.
pub(crate) fn bytes(random: &dyn Random, count: usize) -> Vec<u8> {
    std::iter::repeat_with(|| random.bytes()).flatten().take(count).collect()
}

/// `count` fresh random bytes as lowercase hex digits.
pub(crate) fn hex(random: &dyn Random, count: usize) -> String {
    bytes(random, count).iter().map(|byte| format!("{byte:02x}")).collect()
}
