//! Vorbis in Ogg ("Vorbis I specification", Xiph.Org): its three headers, and how long one packet plays.
//!
//! A packet is a block of one of two sizes, and each overlaps with the one before (section 1.3.2). Which size it is
//! stands in its mode (section 4.3.1), and the modes are the last things in the setup header (section 4.2.4). What
//! comes before them is of no use here and cannot be stepped over without reading all of it, so they are read from
//! the end.

use std::num::NonZeroU32;

use super::coding::Coding;
use super::page::Page;
use crate::bytes::bytes_at;
use crate::recording::{Codec, Refusal};

/// The bytes with which the second and third header begin.
const HEADERS: [&[u8]; 2] = [b"\x03vorbis", b"\x05vorbis"];
/// Bits of a mode: block flag, window type, transform type, mapping (section 4.2.4).
const MODE: usize = 1 + 16 + 16 + 8;
/// Bits in which the number of modes stands before them, less one.
const COUNT: usize = 6;
/// What there can be of mappings (section 4.2.4).
const MAPPINGS: u64 = 64;
/// More bytes than the end of the setup header can need: 64 modes, their number and a byte for the framing bit.
const TAIL: usize = 64 * MODE / 8 + 4;

/// A stream of Vorbis.
pub(super) struct Vorbis {
    rate: NonZeroU32,
    /// Samples of a short and a long block.
    blocks: [u64; 2],
    /// How many headers behind the first have ended.
    headers: usize,
    /// The end of the header that is being read.
    tail: Vec<u8>,
    modes: Modes,
    /// Samples of the block before.
    before: Option<u64>,
}

impl Vorbis {
    /// Reads the identification header (section 4.2.2), which has the first page to itself.
    pub(super) fn read(identification: &[u8]) -> Result<Self, Refusal> {
        let damaged = || Refusal::broken("the Ogg's Vorbis header is damaged");
        let [version @ .., channels] = bytes_at::<5>(identification, 7).ok_or_else(damaged)?;
        let rate = bytes_at(identification, 12).map(u32::from_le_bytes).and_then(NonZeroU32::new);
        let [exponents, framing] = bytes_at(identification, 28).ok_or_else(damaged)?;
        let (short, long) = (exponents & 0xF, exponents >> 4);
        let sound = version == [0; 4]
            && channels > 0
            && 6 <= short
            && short <= long
            && long <= 13
            && framing & 1 == 1
            && identification.len() == 30;
        let rate = rate.filter(|_| sound).ok_or_else(damaged)?;
        let blocks = [1 << short, 1 << long];
        Ok(Self { rate, blocks, headers: 0, tail: Vec::new(), modes: Modes::default(), before: None })
    }
}

impl Coding for Vorbis {
    const CODEC: Codec = Codec::Vorbis;

    fn rate(&self) -> NonZeroU32 {
        self.rate
    }

    fn skip(&self) -> u64 {
        0
    }

    /// The comments and the setup may share a page, and the sound begins on a new one (section A.2).
    fn header(&mut self, page: &Page<'_>) -> Result<bool, Refusal> {
        for (begins, ends, segment) in page.segments() {
            if begins {
                let name = HEADERS.get(self.headers);
                if !name.is_some_and(|name| segment.starts_with(name)) {
                    return Err(Refusal::broken(
                        "the Ogg's Vorbis headers are not the three that must be there",
                    ));
                }
                self.tail.clear();
            }
            self.tail.extend_from_slice(segment);
            self.tail.drain(..self.tail.len().saturating_sub(TAIL));
            if ends {
                self.headers += 1;
            }
        }
        if self.headers < HEADERS.len() {
            return Ok(false);
        }
        let damaged = || Refusal::broken("the Ogg's Vorbis setup is damaged");
        self.modes = Modes::read(&self.tail).ok_or_else(damaged)?;
        Ok(true)
    }

    /// The first block is only there to be overlapped with (section 4.3.8).
    fn samples(&mut self, start: &[u8]) -> u64 {
        let block = start.first().and_then(|&first| self.modes.is_long(first));
        // What is no audio, or in no mode that there is, is passed over by decoders, too.
        let Some(long) = block else { return 0 };
        let [short_block, long_block] = self.blocks;
        let block = if long { long_block } else { short_block };
        self.before.replace(block).map_or(0, |before| before / 4 + block / 4)
    }
}

/// The block sizes of the modes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Modes {
    count: u32,
    /// A bit for each mode, the first one lowest: whether its block is the long one.
    long: u64,
}

impl Modes {
    /// Reads them from the end of the setup header, backwards from the framing bit. Where they begin is where their
    /// number stands before them; the last place that fits it is taken, as the mapping of a mode ends in zeros that
    /// look like the number of a single one.
    fn read(setup: &[u8]) -> Option<Self> {
        let framing = setup.iter().rposition(|&byte| byte != 0)?;
        let mut at = framing * 8 + 7 - usize::try_from(setup.get(framing)?.leading_zeros()).ok()?;
        let (mut long, mut found) = (0, None);
        for count in 1..=64 {
            let Some(start) = at.checked_sub(MODE) else { break };
            // Window and transform have one type each, 0.
            let types = field(setup, start + 1, 32)?;
            if types != 0 || field(setup, start + 33, 8)? >= MAPPINGS {
                break;
            }
            at = start;
            long = long << 1 | field(setup, start, 1)?;
            let number = at.checked_sub(COUNT).and_then(|at| field(setup, at, COUNT));
            if number == Some(u64::from(count) - 1) {
                found = Some(Self { count, long });
            }
        }
        found
    }

    /// Whether the block of the packet that begins with this byte is the long one; nothing if it is no audio.
    fn is_long(self, first: u8) -> Option<bool> {
        // As many bits as the highest mode needs, none if there is but one (section 4.3.1).
        let bits = u32::BITS - self.count.checked_sub(1)?.leading_zeros();
        let mode = u32::from(first >> 1) & ((1 << bits) - 1);
        (first & 1 == 0 && mode < self.count).then_some(self.long >> mode & 1 == 1)
    }
}

/// Some bits, the lowest of each byte first (section 2.1).
fn field(bytes: &[u8], at: usize, bits: usize) -> Option<u64> {
    (at..at + bits).rev().try_fold(0, |value, at| {
        let byte = bytes.get(at / 8)?;
        Some(value << 1 | u64::from(byte >> (at % 8) & 1))
    })
}

#[cfg(test)]
mod tests;
