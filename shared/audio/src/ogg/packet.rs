//! How long one Opus packet plays (RFC 6716, section 3), in samples of 48 kHz.

/// Samples of 120 ms, the most that a packet may hold (RFC 6716, section 3.2.5).
const LONGEST_PACKET: u64 = 5_760;

/// How much sound a packet holds, by the bytes it begins with (RFC 6716, sections 3.1 and 3.2); nothing if there
/// can be no such packet.
pub(super) fn samples(start: &[u8]) -> Option<u64> {
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
