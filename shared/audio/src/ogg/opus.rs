//! Opus in Ogg (RFC 7845): its two headers, and how long one packet plays (RFC 6716, section 3).

use std::num::NonZeroU32;

use super::coding::Coding;
use super::page::Page;
use crate::bytes::bytes_at;
use crate::recording::{Codec, Refusal};

/// Opus counts in 48 kHz whatever the rate of the microphone was (RFC 7845, section 4).
const RATE: NonZeroU32 = NonZeroU32::new(48_000).unwrap();
/// Samples of 120 ms, the most that a packet may hold (RFC 6716, section 3.2.5).
const LONGEST_PACKET: u64 = 5_760;

/// A stream of Opus.
pub(super) struct Opus {
    /// What the decoder needs to settle (RFC 7845, section 5.1).
    pre_skip: u16,
    /// Whether the comments have begun.
    comments: bool,
}

impl Opus {
    pub(super) fn read(head: &[u8]) -> Result<Self, Refusal> {
        let pre_skip = match bytes_at(head, 8) {
            Some([version, channels, low, high]) if version < 16 && channels > 0 => {
                u16::from_le_bytes([low, high])
            }
            _ => return Err(Refusal::broken("the Ogg's Opus header is damaged")),
        };
        Ok(Self { pre_skip, comments: false })
    }
}

impl Coding for Opus {
    const CODEC: Codec = Codec::Opus;

    fn rate(&self) -> NonZeroU32 {
        RATE
    }

    fn skip(&self) -> u64 {
        u64::from(self.pre_skip)
    }

    /// The second packet, the comments, has its pages to itself (RFC 7845, section 3).
    fn header(&mut self, page: &Page<'_>) -> Result<bool, Refusal> {
        if !self.comments && !page.body.starts_with(b"OpusTags") {
            return Err(Refusal::broken("the Ogg's Opus comments are missing"));
        }
        self.comments = true;
        Ok(!page.open)
    }

    fn samples(&mut self, start: &[u8]) -> u64 {
        samples(start).unwrap_or(0)
    }
}

/// How much sound a packet holds, by the bytes it begins with (RFC 6716, sections 3.1 and 3.2); nothing if there
/// can be no such packet.
fn samples(start: &[u8]) -> Option<u64> {
    let toc = *start.first()?;
    let frame = match toc >> 3 {
        config @ 0..12 => [480, 960, 1_920, 2_880].get(usize::from(config % 4))?,
        config @ 12..16 => [480, 960].get(usize::from(config % 2))?,
        config => [120, 240, 480, 960].get(usize::from(config % 4))?,
    };
    let frames = match toc & 0b11 {
        0 => 1,
        1 | 2 => 2,
        _ => u64::from(start.get(1)? & 0x3F),
    };
    Some(frame * frames).filter(|&samples| samples <= LONGEST_PACKET)
}

#[cfg(test)]
mod tests {
    use super::samples;

    #[test]
    fn a_packet_says_how_much_sound_it_holds() {
        for (start, count) in [
            (&[0 << 3][..], Some(480)),
            (&[11 << 3], Some(2_880)),
            (&[13 << 3 | 1], Some(1_920)),
            (&[16 << 3 | 2], Some(240)),
            (&[31 << 3 | 3, 6], Some(5_760)),
            (&[16 << 3 | 3, 0b1011_0000], Some(5_760)),
            (&[31 << 3 | 3, 7], None),
            (&[31 << 3 | 3], None),
            (&[], None),
        ] {
            assert_eq!(samples(start), count, "{start:?}");
        }
    }
}
