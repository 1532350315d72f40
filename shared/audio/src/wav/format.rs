//! What the `fmt ` chunk of a WAV says, and how long so many bytes of it play.

use std::num::NonZeroU32;

use crate::bytes::{bytes_at, u32_at};
use crate::recording::{Codec, Kind, Recording, Refusal, length};

/// The second to sixteenth byte of a subformat GUID, in which the first two are a format tag:
/// `xxxx0000-0000-0010-8000-00AA00389B71`.
pub(super) const SUBFORMAT: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71];
/// Bytes of a block of GSM 6.10 (`GSM610WAVEFORMAT` of `mmreg.h`): two frames of 260 bits.
const GSM_BLOCK: u16 = 65;
/// Samples of a block of GSM 6.10.
const GSM_SAMPLES: u16 = 320;

/// What the `fmt ` chunk says, checked.
pub(super) struct Format {
    codec: Codec,
    rate: NonZeroU32,
    /// Bytes of the smallest piece that can be decoded: one sample of all channels, or a block of GSM.
    block: usize,
    /// Samples of each channel in it.
    samples: u64,
}

impl Format {
    pub(super) fn read(chunk: &[u8]) -> Result<Self, Refusal> {
        let short = || Refusal::broken("the WAV's format chunk is too short");
        let field = |at| bytes_at(chunk, at).map(u16::from_le_bytes).ok_or_else(short);
        let mut tag = field(0)?;
        let channels = field(2)?;
        let rate = u32_at(chunk, 4).ok_or_else(short)?;
        let block = field(12)?;
        let bits = field(14)?;
        if tag == 0xFFFE {
            tag = field(24)?;
            if bytes_at(chunk, 26).ok_or_else(short)? != SUBFORMAT {
                return Err(Refusal::unsupported("the WAV's subformat is not a registered one"));
            }
        }
        let codec = match tag {
            0x0001 => Codec::Pcm,
            0x0006 => Codec::ALaw,
            0x0007 => Codec::MuLaw,
            0x0031 => Codec::Gsm,
            _ => {
                return Err(Refusal::unsupported(format!(
                    "WAV with format tag {tag:#06x}{} is not taken",
                    name(tag)
                )));
            }
        };
        let rate = NonZeroU32::new(rate).ok_or_else(|| Refusal::broken("the WAV's sample rate is 0"))?;
        if channels == 0 {
            return Err(Refusal::broken("the WAV has 0 channels"));
        }
        let samples = if codec == Codec::Gsm { field(18)? } else { 1 };
        let sound = match codec {
            Codec::Gsm => (channels, block, samples) == (1, GSM_BLOCK, GSM_SAMPLES),
            Codec::Pcm => {
                (1..=32).contains(&bits)
                    && u32::from(block) == u32::from(channels) * u32::from(bits.div_ceil(8))
            }
            // G.711 is 8 bits by definition; some writers leave the field 0 or put the 16 bits of the decoded sample.
            _ => block == channels,
        };
        if !sound {
            return Err(Refusal::broken(format!(
                "the WAV contradicts itself: {channels} channels of {bits} bits, {samples} samples in blocks of \
                 {block} bytes"
            )));
        }
        Ok(Self { codec, rate, block: usize::from(block), samples: u64::from(samples) })
    }

    /// What so many bytes are, of which the `fact` chunk says how many samples they hold.
    ///
    /// A part of a sample at the end is passed over, as players do. A part of a block of GSM is a cut, even where the
    /// length is unknown: who writes it writes whole blocks. Only the byte that makes the length even may follow,
    /// which sox and some telephony platforms count as audio.
    pub(super) fn recording(&self, bytes: usize, fact: Option<u32>) -> Result<Recording, Refusal> {
        // `read` let no block of 0 bytes through.
        let blocks = bytes.checked_div(self.block).unwrap_or(0);
        let samples = blocks as u64 * self.samples;
        if self.codec == Codec::Gsm {
            let rest = bytes - blocks * self.block;
            if rest > 1 || rest == 1 && blocks.is_multiple_of(2) {
                return Err(Refusal::broken("the WAV is cut off in its last block"));
            }
            // 0 stands where a writer never went back to count.
            let fact = u64::from(fact.unwrap_or(0));
            if fact != 0 && samples.abs_diff(fact) > self.samples {
                return Err(Refusal::broken(format!(
                    "the WAV contradicts itself: {fact} samples are announced, {samples} are there"
                )));
            }
        }
        if samples == 0 {
            return Err(Refusal::broken("the WAV holds no audio"));
        }
        Ok(Recording { kind: Kind::Wav, codec: self.codec, duration: length(samples, self.rate) })
    }
}

/// The names of the tags that phone systems do send.
fn name(tag: u16) -> &'static str {
    match tag {
        0x0002 => " (Microsoft ADPCM)",
        0x0003 => " (floating point)",
        0x0011 => " (IMA ADPCM)",
        0x0040 => " (G.721 ADPCM)",
        0x0045 => " (G.726 ADPCM)",
        0x0055 => " (MP3)",
        _ => "",
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test may fail by indexing, as it may by unwrapping")]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::Index;

    use crate::tests::broken;
    use crate::{Codec, Kind, inspect};

    /// The header as telephony platforms write it: 60 bytes, the lengths as given.
    fn header(riff: u32, fact: u32, data: u32) -> Vec<u8> {
        let mut bytes = [b"RIFF", &riff.to_le_bytes()[..], b"WAVEfmt \x14\0\0\0\x31\0\x01\0"].concat();
        bytes.extend([8_000_u32.to_le_bytes(), 1_625_u32.to_le_bytes()].concat());
        bytes.extend(b"\x41\0\0\0\x02\0\x40\x01fact\x04\0\0\0");
        bytes.extend([fact.to_le_bytes(), *b"data", data.to_le_bytes()].concat());
        bytes
    }

    /// A file of so many bytes of sound, all its lengths right.
    fn gsm(data: u32, fact: u32) -> Vec<u8> {
        [header(52 + data, fact, data), vec![0x55; data as usize]].concat()
    }

    fn millis(bytes: &[u8]) -> u128 {
        let recording = inspect(bytes).unwrap();
        assert_eq!((recording.kind, recording.codec), (Kind::Wav, Codec::Gsm));
        recording.duration.as_millis()
    }

    #[test]
    fn gsm_is_as_long_as_its_blocks() {
        assert_eq!(millis(&gsm(65 * 50, 16_000)), 2_000);
        assert_eq!(millis(&gsm(65, 320)), 40);
        assert!(broken(&gsm(0, 0)).contains("no audio"));
    }

    #[test]
    fn a_part_of_a_gsm_block_is_a_cut_but_for_the_byte_of_padding() {
        assert_eq!(millis(&gsm(65 * 51 + 1, 51 * 320)), 2_040);
        for bytes in [1, 64, 65 * 50 + 1, 65 * 51 + 2, 65 * 52 - 1] {
            assert_eq!(broken(&gsm(bytes, 0)), "the WAV is cut off in its last block", "{bytes}");
        }
    }

    #[test]
    fn the_samples_counted_in_a_gsm_file_agree_with_its_blocks_within_one() {
        for fact in [0, 15_680, 15_999, 16_001, 16_320] {
            assert_eq!(millis(&gsm(65 * 50, fact)), 2_000, "{fact}");
        }
        for fact in [1, 15_679, 16_321, u32::MAX] {
            let why = broken(&gsm(65 * 50, fact));
            assert_eq!(
                why,
                format!("the WAV contradicts itself: {fact} samples are announced, 16000 are there")
            );
        }
    }

    #[test]
    fn a_streamed_gsm_file_is_measured_to_its_end_in_whole_blocks() {
        for (riff, fact, data) in
            [(u32::MAX, 0, u32::MAX), (0, 0, 0), (0x7FFF_EFF6, 0x7627_1280, 0x7FFF_EFC2)]
        {
            let bytes = [header(riff, fact, data), vec![0x55; 65 * 51 + 1]].concat();
            assert_eq!(millis(&bytes), 2_040);
            assert_eq!(millis(&bytes[..60 + 65 * 25]), 1_000);
            assert!(broken(&bytes[..60 + 65 * 25 - 1]).contains("last block"));
            assert!(broken(&bytes[..60]).contains("no audio"));
        }
    }

    #[test]
    fn a_gsm_format_that_cannot_be_is_broken() {
        for (at, value) in [(22, 2), (32, 64), (38, 0x41)] {
            let mut bytes = gsm(65 * 50, 16_000);
            bytes[at] = value;
            assert!(broken(&bytes).contains("contradicts itself"), "{at}");
        }
        let short = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x31\0\x01\0\x40\x1f\0\0\x59\x06\0\0\x41\0\0\0";
        assert!(broken(short).contains("too short"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn every_strict_prefix_of_a_good_gsm_file_is_refused(blocks in 1..12_u32, padded in any::<bool>()) {
            let bytes = gsm(65 * blocks + u32::from(padded && blocks % 2 == 1), 320 * blocks);
            prop_assert_eq!(millis(&bytes), 40 * u128::from(blocks));
            for end in 0..bytes.len() {
                prop_assert!(inspect(&bytes[..end]).is_err(), "{} of {} bytes", end, bytes.len());
            }
        }

        #[test]
        fn a_damaged_gsm_file_is_answered_without_a_panic(
            damage in prop::collection::vec((any::<Index>(), any::<u8>()), 1..8),
        ) {
            let mut bytes = gsm(650, 3_200);
            for (at, value) in damage {
                bytes[at.index(60)] = value;
            }
            let _ = inspect(&bytes);
        }
    }
}
