//! AU: a header of six words, and the sound behind it.
//!
//! Sources: Sun's `audio_filehdr.h` and `NeXT`'s `soundstruct.h` (header, encodings). All words are big endian.

use std::num::NonZeroU32;

use crate::bytes::{bytes_at, size};
use crate::recording::{Codec, Kind, Recording, Refusal, length};

/// The size of the header without the annotation that may follow it.
const HEADER: u32 = 24;

/// Whether the first bytes are those of an AU file.
pub(crate) fn claims(bytes: &[u8]) -> bool {
    bytes.starts_with(b".snd")
}

pub(crate) fn inspect(bytes: &[u8]) -> Result<Recording, Refusal> {
    let cut_off = || Refusal::broken("the AU is cut off before its audio begins");
    let word = |at| bytes_at(bytes, at).map(u32::from_be_bytes).ok_or_else(cut_off);
    let (start, claimed, encoding, rate, channels) = (word(4)?, word(8)?, word(12)?, word(16)?, word(20)?);
    let (codec, sample) = match encoding {
        1 => (Codec::MuLaw, 1),
        2..=5 => (Codec::Pcm, u64::from(encoding) - 1),
        27 => (Codec::ALaw, 1),
        _ => {
            return Err(Refusal::unsupported(format!(
                "AU with encoding {encoding}{} is not taken",
                name(encoding)
            )));
        }
    };
    if start < HEADER {
        return Err(Refusal::broken(format!("the AU's audio begins inside its header, at byte {start}")));
    }
    let rate = NonZeroU32::new(rate).ok_or_else(|| Refusal::broken("the AU's sample rate is 0"))?;
    if channels == 0 {
        return Err(Refusal::broken("the AU has 0 channels"));
    }
    let there = bytes.get(size(start)..).ok_or_else(cut_off)?.len();
    let sound = match claimed {
        // "Unknown" by the book, and what telephony platforms leave that never go back to fill it in.
        u32::MAX | 0 => there,
        _ if size(claimed) > there => {
            return Err(Refusal::broken(format!(
                "the AU is cut off: {claimed} bytes of audio are announced, {there} are there"
            )));
        }
        _ => size(claimed),
    };
    // Two factors of 32 bits and less; a part of a sample at the end is passed over, as players do.
    let samples = sound as u64 / (u64::from(channels) * sample);
    if samples == 0 {
        return Err(Refusal::broken("the AU holds no audio"));
    }
    Ok(Recording { kind: Kind::Au, codec, duration: length(samples, rate) })
}

/// The names of the encodings that are not taken.
fn name(encoding: u32) -> &'static str {
    match encoding {
        6 | 7 => " (floating point)",
        23 => " (G.721 ADPCM)",
        24 => " (G.722)",
        25 | 26 => " (G.723 ADPCM)",
        _ => "",
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test may fail by indexing, as it may by unwrapping")]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;
    use crate::tests::{broken, unsupported};

    fn au([start, claimed, encoding, rate, channels]: [u32; 5], rest: usize) -> Vec<u8> {
        let words = [start, claimed, encoding, rate, channels].map(u32::to_be_bytes);
        [&b".snd"[..], &words.concat(), &vec![0x55; rest]].concat()
    }

    fn millis(bytes: &[u8]) -> u128 {
        let recording = crate::inspect(bytes).unwrap();
        assert_eq!(recording.kind, Kind::Au);
        recording.duration.as_millis()
    }

    #[test]
    fn the_encoding_decides_the_codec() {
        for (encoding, sample, codec) in [
            (1, 1, Codec::MuLaw),
            (2, 1, Codec::Pcm),
            (3, 2, Codec::Pcm),
            (4, 3, Codec::Pcm),
            (5, 4, Codec::Pcm),
            (27, 1, Codec::ALaw),
        ] {
            for channels in [1, 2] {
                let size = 12_000 * sample * channels;
                let bytes = au([24, size, encoding, 8_000, channels], size as usize);
                assert_eq!(crate::inspect(&bytes).unwrap().codec, codec);
                assert_eq!(millis(&bytes), 1_500, "{encoding}");
            }
        }
    }

    #[test]
    fn any_sample_rate_is_taken() {
        assert_eq!(millis(&au([24, 44_100, 1, 44_100, 1], 44_100)), 1_000);
        assert_eq!(millis(&au([24, 8_012, 1, 8_012, 1], 8_012)), 1_000);
    }

    #[test]
    fn the_audio_begins_where_the_header_says() {
        assert_eq!(millis(&au([32, 800, 1, 8_000, 1], 808)), 100);
        assert_eq!(millis(&au([32, u32::MAX, 1, 8_000, 1], 808)), 100);
        for start in [0, 4, 23] {
            assert!(broken(&au([start, 800, 1, 8_000, 1], 800)).contains("inside its header"), "{start}");
        }
        for start in [825, u32::MAX] {
            assert!(broken(&au([start, 800, 1, 8_000, 1], 800)).contains("before its audio"), "{start}");
        }
    }

    #[test]
    fn what_stands_behind_the_audio_is_passed_over() {
        assert_eq!(millis(&au([24, 800, 1, 8_000, 1], 900)), 100);
    }

    #[test]
    fn an_au_of_unknown_length_is_measured_to_its_end_in_whole_samples() {
        for unknown in [u32::MAX, 0] {
            assert_eq!(millis(&au([24, unknown, 3, 8_000, 2], 32_003)), 1_000);
            assert!(broken(&au([24, unknown, 3, 8_000, 2], 3)).contains("no audio"));
            assert!(broken(&au([24, unknown, 1, 8_000, 1], 0)).contains("no audio"));
        }
    }

    #[test]
    fn an_au_cut_off_in_its_audio_is_broken() {
        let why = broken(&au([24, 800, 1, 8_000, 1], 799));
        assert_eq!(why, "the AU is cut off: 800 bytes of audio are announced, 799 are there");
        assert!(broken(b".snd").contains("before its audio"));
    }

    #[test]
    fn an_encoding_that_is_not_taken_is_named() {
        for (encoding, name) in
            [(6, "6 (floating point)"), (23, "23 (G.721 ADPCM)"), (24, "24 (G.722)"), (99, "99 is")]
        {
            assert!(unsupported(&au([24, 800, encoding, 8_000, 1], 800)).contains(name), "{name}");
        }
    }

    #[test]
    fn a_header_that_cannot_be_is_broken() {
        assert!(broken(&au([24, 800, 1, 0, 1], 800)).contains("sample rate"));
        assert!(broken(&au([24, 800, 1, 8_000, 0], 800)).contains("0 channels"));
        assert!(broken(&au([24, 800, 5, 8_000, u32::MAX], 800)).contains("no audio"));
        assert!(broken(&au([24, u32::MAX - 1, 5, 8_000, 1], 800)).contains("cut off"));
    }

    prop_compose! {
        fn good()(
            (encoding, sample) in prop::sample::select(vec![(1, 1), (2, 1), (3, 2), (4, 3), (5, 4), (27, 1)]),
            channels in 1..=3_u32, rate in 1..=192_000_u32, samples in 1..200_u32, annotation in 0..20_u32,
        ) -> (Vec<u8>, u128) {
            let size = samples * channels * sample;
            let bytes = au([24 + annotation, size, encoding, rate, channels], (annotation + size) as usize);
            (bytes, u128::from(samples) * 1_000_000_000 / u128::from(rate))
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_good_au_is_measured_and_every_strict_prefix_of_it_is_refused((bytes, nanos) in good()) {
            prop_assert_eq!(crate::inspect(&bytes).unwrap().duration.as_nanos(), nanos);
            for end in 0..bytes.len() {
                prop_assert!(crate::inspect(&bytes[..end]).is_err(), "{} of {} bytes", end, bytes.len());
            }
        }

        #[test]
        fn a_damaged_au_is_answered_without_a_panic(
            (mut bytes, _) in good(), damage in prop::collection::vec((any::<Index>(), any::<u8>()), 1..8),
        ) {
            for (at, value) in damage {
                let at = at.index(24);
                bytes[at] = value;
            }
            let _ = crate::inspect(&bytes);
        }
    }
}
