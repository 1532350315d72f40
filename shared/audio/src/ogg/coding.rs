//! What differs from codec to codec.

use std::num::NonZeroU32;

use super::page::Page;
use crate::recording::{Codec, Refusal};

/// A codec in Ogg.
pub(super) trait Coding {
    const CODEC: Codec;

    /// Samples a second, as positions count them.
    fn rate(&self) -> NonZeroU32;

    /// Samples at the start that are not played.
    fn skip(&self) -> u64;

    /// Takes in a page of the headers behind the first; whether it is the last one of them.
    fn header(&mut self, page: &Page<'_>) -> Result<bool, Refusal>;

    /// How many samples a packet adds, by the bytes it begins with. Each packet is asked about once, in their order.
    fn samples(&mut self, start: &[u8]) -> u64;
}
