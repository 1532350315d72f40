//! WAV: a walk over the chunks of a RIFF file.
//!
//! The `fact` chunk, which counts the samples, is asked only where they are coded in blocks (GSM), and only if the
//! length of the audio is known too: in a pipe it is left at 0, at a placeholder or at what a writer calculates from
//! one.
//!
//! Sources: "Multimedia Programming Interface and Data Specifications 1.0" (RIFF, `fmt `, `data`), Microsoft's
//! `WAVEFORMATEXTENSIBLE` and its list of format tags (`mmreg.h`, RFC 2361).

mod format;

use self::format::Format;
use crate::bytes::{bytes_at, size, u32_at};
use crate::recording::{Recording, Refusal};

/// The size of the RIFF header: `RIFF`, a length, `WAVE`.
const RIFF_HEADER_BYTES: usize = 12;
/// The size of a chunk's header: its name and its length.
const CHUNK_HEADER_BYTES: usize = 8;
/// From here on a length is a writer's "I do not know yet": ffmpeg leaves `0xFFFFFFFF` in a pipe, sox and espeak-ng
/// `0x7FFFF000`, which sox rounds down to whole blocks (of at most 65,535 bytes). No deposit is near 2 GiB.
const PLACEHOLDER: u32 = 0x7FFE_F000;

/// Whether the first bytes are those of a WAV file, one of the variants that are not taken included.
pub(crate) fn claims(bytes: &[u8]) -> bool {
    matches!(bytes_at(bytes, 0).as_ref(), Some(b"RIFF" | b"RIFX" | b"RF64" | b"BW64"))
        && matches!(bytes_at(bytes, 8).as_ref(), Some(b"WAVE") | None)
}

pub(crate) fn inspect(bytes: &[u8]) -> Result<Recording, Refusal> {
    if !bytes.starts_with(b"RIFF") {
        return Err(Refusal::unsupported("the variants RIFX, RF64 and BW64 of WAV are not taken"));
    }
    let cut_off = || Refusal::broken("the WAV is cut off before its audio begins");
    let file_length = u32_at(bytes, 4).filter(|_| bytes.len() >= RIFF_HEADER_BYTES).ok_or_else(cut_off)?;
    let length_known = file_length != 0 && file_length < PLACEHOLDER;
    if length_known && bytes.len() - CHUNK_HEADER_BYTES < size(file_length) {
        return Err(Refusal::broken(format!(
            "the WAV is cut off: its header says {} bytes, {} are there",
            u64::from(file_length) + 8,
            bytes.len()
        )));
    }

    let mut format: Option<Format> = None;
    let mut fact = None;
    let mut at = RIFF_HEADER_BYTES;
    loop {
        let name: [u8; 4] = bytes_at(bytes, at).ok_or_else(cut_off)?;
        let claimed = u32_at(bytes, at + 4).ok_or_else(cut_off)?;
        let body = bytes.get(at + CHUNK_HEADER_BYTES..).ok_or_else(cut_off)?;
        if &name == b"data" {
            let format = format.ok_or_else(|| Refusal::broken("the WAV has no format before its audio"))?;
            let streamed = claimed >= PLACEHOLDER || (claimed == 0 && !length_known);
            let there = if streamed { body.len() } else { size(claimed) };
            if there > body.len() {
                return Err(Refusal::broken(format!(
                    "the WAV is cut off: {claimed} bytes of audio are announced, {} are there",
                    body.len()
                )));
            }
            return format.recording(there, fact.filter(|_| !streamed));
        }
        let chunk = body.get(..size(claimed)).ok_or_else(cut_off)?;
        if &name == b"fmt " {
            format = Some(Format::read(chunk)?);
        } else if &name == b"fact" {
            fact = u32_at(chunk, 0);
        }
        // A chunk of an odd length is followed by a byte of padding.
        at += CHUNK_HEADER_BYTES + chunk.len() + chunk.len() % 2;
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test may fail by indexing, as it may by unwrapping")]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::format::SUBFORMAT;
    use crate::tests::{broken, unsupported};
    use crate::{Codec, Kind};

    const MU_LAW: [u16; 4] = [7, 1, 1, 8];

    fn chunk(name: [u8; 4], body: &[u8]) -> Vec<u8> {
        let size = u32::try_from(body.len()).unwrap().to_le_bytes();
        [&name[..], &size, body, &[0][..body.len() % 2]].concat()
    }

    fn fmt([tag, channels, block, bits]: [u16; 4], rate: u32) -> Vec<u8> {
        let mut body = [tag.to_le_bytes(), channels.to_le_bytes()].concat();
        body.extend(rate.to_le_bytes());
        body.extend(rate.wrapping_mul(u32::from(block)).to_le_bytes());
        body.extend([block.to_le_bytes(), bits.to_le_bytes()].concat());
        chunk(*b"fmt ", &body)
    }

    fn extensible(subformat: u16, rest: &[u8]) -> Vec<u8> {
        let mut body = fmt([0xFFFE, 1, 2, 16], 8_000)[8..].to_vec();
        body.extend([22, 0, 16, 0, 4, 0, 0, 0]);
        body.extend(subformat.to_le_bytes());
        body.extend(rest);
        chunk(*b"fmt ", &body)
    }

    fn riff(chunks: &[&[u8]]) -> Vec<u8> {
        chunk(*b"RIFF", &[&b"WAVE"[..], &chunks.concat()].concat())
    }

    fn wav(format: [u16; 4], rate: u32, data: usize) -> Vec<u8> {
        riff(&[&fmt(format, rate), &chunk(*b"data", &vec![0x55; data])])
    }

    fn millis(bytes: &[u8]) -> u128 {
        crate::inspect(bytes).unwrap().duration.as_millis()
    }

    #[test]
    fn the_format_tag_decides_the_codec() {
        for (format, codec) in [
            ([1, 1, 1, 8], Codec::Pcm),
            ([1, 2, 4, 16], Codec::Pcm),
            ([1, 1, 3, 24], Codec::Pcm),
            ([1, 1, 4, 32], Codec::Pcm),
            ([6, 1, 1, 8], Codec::ALaw),
            ([7, 2, 2, 8], Codec::MuLaw),
            ([7, 1, 1, 16], Codec::MuLaw),
        ] {
            let recording = crate::inspect(&wav(format, 8_000, usize::from(format[2]) * 12_000)).unwrap();
            assert_eq!((recording.kind, recording.codec), (Kind::Wav, codec));
            assert_eq!(recording.duration.as_millis(), 1_500, "{format:?}");
        }
    }

    #[test]
    fn an_extensible_format_is_what_its_subformat_says() {
        let data = chunk(*b"data", &[0; 16_000]);
        assert_eq!(millis(&riff(&[&extensible(1, &SUBFORMAT), &data])), 1_000);
        assert!(unsupported(&riff(&[&extensible(3, &SUBFORMAT), &data])).contains("0x0003"));
        assert!(unsupported(&riff(&[&extensible(1, &[7; 14]), &data])).contains("subformat"));
        assert!(broken(&riff(&[&extensible(1, &[]), &data])).contains("too short"));
    }

    #[test]
    fn a_codec_that_is_not_taken_is_named_by_its_format_tag() {
        for (tag, name) in
            [(0x02, "0x0002 (Microsoft ADPCM)"), (0x11, "0x0011 (IMA ADPCM)"), (0x1234, "0x1234")]
        {
            assert!(unsupported(&wav([tag, 1, 1, 4], 8_000, 800)).contains(name), "{name}");
        }
    }

    #[test]
    fn big_endian_and_64_bit_wavs_are_not_supported() {
        for magic in [b"RIFX", b"RF64", b"BW64"] {
            let mut bytes = wav(MU_LAW, 8_000, 800);
            bytes[..4].copy_from_slice(magic);
            unsupported(&bytes);
        }
    }

    #[test]
    fn a_wav_cut_off_in_its_data_is_broken() {
        let bytes = wav(MU_LAW, 8_000, 8_000);
        assert_eq!(broken(&bytes[..100]), "the WAV is cut off: its header says 8044 bytes, 100 are there");
    }

    #[test]
    fn a_wav_whose_data_chunk_alone_says_too_much_is_broken() {
        let mut bytes = wav(MU_LAW, 8_000, 8_000);
        bytes[40..44].copy_from_slice(&8_001_u32.to_le_bytes());
        assert!(broken(&bytes).contains("8001 bytes of audio are announced, 8000 are there"));
    }

    #[test]
    fn a_streamed_wav_is_measured_to_its_end() {
        for (riff, data) in [
            (0xFFFF_FFFF, 0xFFFF_FFFF),
            (0, 0),
            (0x7FFF_F024, 0x7FFF_F000),
            (0x7FFF_F048, 0x7FFF_EFFF),
            (0, 0xFFFF_FFFF_u32),
        ] {
            let mut bytes = wav(MU_LAW, 8_000, 4_000);
            bytes[4..8].copy_from_slice(&u32::to_le_bytes(riff));
            bytes[40..44].copy_from_slice(&data.to_le_bytes());
            assert_eq!(millis(&bytes), 500, "{riff:#x} {data:#x}");
            assert_eq!(millis(&bytes[..44 + 1_000]), 125, "{riff:#x} {data:#x}");
            assert!(broken(&bytes[..44]).contains("no audio"));
        }
    }

    #[test]
    fn chunks_around_the_audio_are_passed_over() {
        let (format, data) = (fmt(MU_LAW, 8_000), chunk(*b"data", &[0; 801]));
        let (list, fact) = (chunk(*b"LIST", b"INFOodd"), chunk(*b"fact", &801_u32.to_le_bytes()));
        assert_eq!(millis(&riff(&[&list, &format, &fact, &list, &data, &list])), 100);
        let with_rubbish_behind = [riff(&[&format, &data]), vec![0x2E; 77]].concat();
        assert_eq!(millis(&with_rubbish_behind), 100);
    }

    #[test]
    fn a_wav_without_a_sample_is_broken() {
        assert!(broken(&wav(MU_LAW, 8_000, 0)).contains("no audio"));
        assert!(broken(&wav([1, 2, 4, 16], 8_000, 3)).contains("no audio"));
    }

    #[test]
    fn a_format_that_cannot_be_is_broken() {
        assert!(broken(&wav(MU_LAW, 0, 800)).contains("sample rate"));
        assert!(broken(&wav([7, 0, 1, 8], 8_000, 800)).contains("0 channels"));
        for format in
            [[7, 1, 0, 8], [7, 2, 1, 8], [1, 1, 1, 16], [1, 1, 0, 0], [1, 0xFFFF, 4, 16], [1, 1, 5, 40]]
        {
            assert!(broken(&wav(format, 8_000, 800)).contains("contradicts itself"), "{format:?}");
        }
        assert!(broken(&riff(&[&chunk(*b"data", &[0; 800])])).contains("no format"));
        assert!(broken(&riff(&[&chunk(*b"fmt ", &[7, 0, 1, 0])])).contains("too short"));
        assert!(broken(&riff(&[&fmt(MU_LAW, 8_000)])).contains("before its audio begins"));
    }

    prop_compose! {
        fn good()(
            bytes in 1..=4_u16, channels in 1..=3_u16, rate in 1..=192_000_u32, samples in 1..400_usize,
            before in prop::option::of(0..9_usize), after in prop::option::of(0..9_usize),
        ) -> (Vec<u8>, u128) {
            let list = |size: Option<usize>| size.map_or(vec![], |size| chunk(*b"LIST", &vec![0x20; size]));
            let data = chunk(*b"data", &vec![0x55; samples * usize::from(bytes * channels)]);
            let format = fmt([1, channels, bytes * channels, bytes * 8], rate);
            let nanos = samples as u128 * 1_000_000_000 / u128::from(rate);
            (riff(&[&list(before), &format, &data, &list(after)]), nanos)
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_good_wav_is_measured_and_every_strict_prefix_of_it_is_refused((bytes, nanos) in good()) {
            prop_assert_eq!(crate::inspect(&bytes).unwrap().duration.as_nanos(), nanos);
            for end in 0..bytes.len() {
                prop_assert!(crate::inspect(&bytes[..end]).is_err(), "{} of {} bytes", end, bytes.len());
            }
        }

        #[test]
        fn a_damaged_wav_is_answered_without_a_panic(
            (mut bytes, _) in good(), damage in prop::collection::vec((any::<Index>(), any::<u8>()), 1..8),
        ) {
            for (at, value) in damage {
                let at = at.index(bytes.len().min(80));
                bytes[at] = value;
            }
            let _ = crate::inspect(&bytes);
        }
    }
}
