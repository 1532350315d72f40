//! As many random bytes as are asked for.

use domain::Random;

/// `count` fresh random bytes.
pub fn bytes(random: &dyn Random, count: usize) -> Vec<u8> {
    std::iter::repeat_with(|| random.bytes()).flatten().take(count).collect()
}

/// 16 fresh random bytes as lowercase hex digits.
pub fn hex16(random: &dyn Random) -> String {
    let mut drawn = std::iter::repeat_with(|| random.bytes()).flatten();
    format!("{:032x}", u128::from_be_bytes(std::array::from_fn(|_| drawn.next().unwrap_or_default())))
}
