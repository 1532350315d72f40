//! MP3: a walk from frame to frame.
//!
//! A frame's header says how long the frame is, so that the next header's place is known. A player looks for a new
//! beginning where that fails; here a chain that breaks is a damaged recording.
//!
//! Sources: ISO/IEC 11172-3 and 13818-3 (frame header), Gabriel Bouvigne's "Mp3 Info Tag" revision 1 (`Xing`,
//! `Info`, delay and padding), id3.org (`ID3v1`, `ID3v2`), hydrogenaudio's `APEv2` specification.

use std::iter::successors;
use std::num::NonZeroU32;

use crate::bytes::bytes_at;
use crate::recording::{Codec, Kind, Recording, Refusal, length};

/// Frames in a row that make MP3 of what begins like a frame: eleven set bits alone are in any noise.
const CONFIRMED: usize = 3;
/// kbit/s of MPEG-1 layer III by the header's index. Index 0, a free bit rate, is in no recorder's output.
const MPEG1_KBITS: [u32; 14] = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
/// The same of MPEG-2 and MPEG-2.5.
const MPEG2_KBITS: [u32; 14] = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
/// Hz of MPEG-1; MPEG-2 has the half of it, MPEG-2.5 the quarter.
const MPEG1_RATES: [u32; 3] = [44_100, 48_000, 32_000];
/// Samples by which a decoder lags behind the encoder; players take them off together with the encoder's delay.
const DECODER_DELAY: u32 = 529;
/// An `ID3v2` header or footer.
const ID3V2_HEADER: usize = 10;
/// An `ID3v1` tag, the last bytes of a file.
const ID3V1: usize = 128;
/// The header of an `APEv2` tag, which its length leaves out.
const APE_HEADER: usize = 32;

/// Whether an `ID3v2` tag is at the start, or frames that follow each other.
pub(crate) fn claims(bytes: &[u8]) -> bool {
    matches!(bytes, [b'I', b'D', b'3', 2..=4, ..])
        || frames(bytes, 0).take(CONFIRMED).count() == CONFIRMED
        || Frame::read(bytes, 0).is_some_and(|frame| Announcement::read(bytes, &frame).is_some())
}

pub(crate) fn inspect(bytes: &[u8]) -> Result<Recording, Refusal> {
    let audio = bytes.get(id3v2_length(bytes)?..).unwrap_or_default();
    if audio.is_empty() {
        return Err(Refusal::broken("the MP3 holds no audio after its ID3 tag"));
    }
    let first =
        Frame::read(audio, 0).ok_or_else(|| Refusal::unsupported("what follows the ID3 tag is not MP3"))?;
    let announcement = Announcement::read(audio, &first);

    let mut end = 0;
    let mut count = 0_u64;
    for frame in frames(audio, 0) {
        if frame.end > audio.len() {
            return Err(Refusal::broken("the MP3 is cut off in its last frame"));
        }
        end = frame.end;
        count += 1;
    }
    if !is_tag(audio.get(end..).unwrap_or_default()) {
        return Err(Refusal::broken(format!("the MP3 is damaged or cut off after {count} frames")));
    }
    let mut trim = 0;
    if let Some(announcement) = announcement {
        // The frame that announces is silent and not one of those that it counts.
        count -= 1;
        if count < u64::from(announcement.frames) {
            return Err(Refusal::broken(format!(
                "the MP3 is cut off: {} frames are announced, {count} are there",
                announcement.frames
            )));
        }
        trim = announcement.trim;
    }
    let samples = (count * first.samples).saturating_sub(u64::from(trim));
    if samples == 0 {
        return Err(Refusal::broken("the MP3 holds no audio"));
    }
    Ok(Recording { kind: Kind::Mp3, codec: Codec::Mp3, duration: length(samples, first.rate) })
}

/// The length of the `ID3v2` tags at the start.
fn id3v2_length(bytes: &[u8]) -> Result<usize, Refusal> {
    let mut end = 0;
    while bytes.get(end..).is_some_and(|rest| rest.starts_with(b"ID3")) {
        let broken = || Refusal::broken("the MP3 is cut off in its ID3 tag, or the tag's length is wrong");
        let [_, _, _, _, _, flags, digits @ ..]: [u8; ID3V2_HEADER] =
            bytes_at(bytes, end).ok_or_else(broken)?;
        // Four digits of 7 bits; the footer is announced by a flag and not counted.
        if digits.iter().any(|&digit| digit > 0x7F) {
            return Err(broken());
        }
        let size = digits.iter().fold(0, |size, &digit| size << 7 | usize::from(digit));
        let footer = if flags & 0x10 == 0 { 0 } else { ID3V2_HEADER };
        end += ID3V2_HEADER + size + footer;
        if end > bytes.len() {
            return Err(broken());
        }
    }
    Ok(end)
}

/// Whether this is nothing, or one of the tags that may stand at the end.
fn is_tag(mut rest: &[u8]) -> bool {
    if rest.starts_with(b"APETAGEX") {
        let size = bytes_at(rest, 12).map_or(u32::MAX, u32::from_le_bytes);
        let end = usize::try_from(size).unwrap_or(usize::MAX).saturating_add(APE_HEADER);
        let Some(after) = rest.get(end..) else { return false };
        rest = after;
    }
    rest.is_empty() || (rest.len() == ID3V1 && rest.starts_with(b"TAG"))
}

/// The frames from an offset on, as far as each follows the one before. The last one may be cut.
fn frames(bytes: &[u8], at: usize) -> impl Iterator<Item = Frame> {
    successors(Frame::read(bytes, at), |frame| {
        Frame::read(bytes, frame.end).filter(|next| next.form == frame.form)
    })
}

/// A frame's header.
struct Frame {
    at: usize,
    end: usize,
    /// Version, layer and sample rate, the bits that stay as they are throughout a recording.
    form: u32,
    rate: NonZeroU32,
    samples: u64,
    /// Bytes between the header and what it heads, of which the encoder leaves zeros in an `Info` frame.
    side_info: usize,
}

impl Frame {
    fn read(bytes: &[u8], at: usize) -> Option<Self> {
        let word = u32::from_be_bytes(bytes_at(bytes, at)?);
        let field = |shift: u32, mask: u32| word >> shift & mask;
        if field(21, 0x7FF) != 0x7FF || field(17, 0b11) != 0b01 {
            return None;
        }
        let (mpeg1, halvings) = match field(19, 0b11) {
            0b11 => (true, 0),
            0b10 => (false, 1),
            0b00 => (false, 2),
            _ => return None,
        };
        let kbits = if mpeg1 { MPEG1_KBITS } else { MPEG2_KBITS };
        let kbits = kbits.get(usize::try_from(field(12, 0xF)).ok()?.checked_sub(1)?)?;
        let rate = MPEG1_RATES.get(usize::try_from(field(10, 0b11)).ok()?)? >> halvings;
        let rate = NonZeroU32::new(rate)?;
        let samples: u32 = if mpeg1 { 1152 } else { 576 };
        let size = samples / 8 * kbits * 1000 / rate + field(9, 1);
        let mono = field(6, 0b11) == 0b11;
        let side_info = match (mpeg1, mono) {
            (true, false) => 32,
            (true, true) | (false, false) => 17,
            (false, true) => 9,
        };
        let end = at + usize::try_from(size).ok()?;
        Some(Self { at, end, form: word & 0xFFFE_0C00, rate, samples: u64::from(samples), side_info })
    }
}

/// What the first frame says about the others, where an encoder used it for that.
struct Announcement {
    /// How many frames follow; 0 if it is not said, as when the encoder could not go back to fill it in.
    frames: u32,
    /// Samples to take off: what encoder and decoder lag behind, and what the last frame was filled up with.
    trim: u32,
}

impl Announcement {
    fn read(bytes: &[u8], frame: &Frame) -> Option<Self> {
        let body = bytes.get(frame.at + 4..frame.end)?;
        let word = |at| bytes_at(body, at).map(u32::from_be_bytes);
        if bytes_at(body, 32) == Some(*b"VBRI") {
            // Whether the count includes this frame is written nowhere, so that one missing frame passes.
            return Some(Self { frames: word(32 + 14)?.saturating_sub(1), trim: 0 });
        }
        let tag = frame.side_info;
        if !matches!(&bytes_at(body, tag)?, b"Xing" | b"Info") {
            return None;
        }
        let flags = word(tag + 4)?;
        let frames = if flags & 1 == 0 { 0 } else { word(tag + 8)? };
        // Frames, bytes, a table of 100 places to seek to, and the quality: each only with its flag.
        let encoder = [4, 4, 100, 4].iter().enumerate().filter(|(bit, _)| flags >> bit & 1 == 1);
        let encoder = encoder.fold(tag + 8, |at, (_, size)| at + size);
        // Others do not write these fields, or not so that players use them.
        let trim = match bytes_at(body, encoder).as_ref() {
            Some(b"LAME" | b"Lavf" | b"Lavc") => {
                let [high, middle, low]: [u8; 3] = bytes_at(body, encoder + 21)?;
                let both = u32::from_be_bytes([0, high, middle, low]);
                // The decoder's delay shifts the sound into the padding, and cannot shift it further.
                (both >> 12) + (both & 0xFFF).max(DECODER_DELAY)
            }
            _ => 0,
        };
        Some(Self { frames, trim })
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test may fail by indexing, as it may by unwrapping")]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;
    use crate::tests::{broken, unsupported};

    /// MPEG-2.5, 8 kHz, 16 kbit/s, mono: 144 bytes and 72 ms a frame.
    const SMALL: [u8; 4] = [0xFF, 0xE3, 0x28, 0xC4];
    /// MPEG-1, 44.1 kHz, 128 kbit/s, stereo: 417 bytes and 1,152 samples a frame.
    const LARGE: [u8; 4] = [0xFF, 0xFB, 0x90, 0x04];

    fn frame(header: [u8; 4]) -> Vec<u8> {
        let size = Frame::read(&header, 0).unwrap().end;
        [&header[..], &vec![0x11; size - 4]].concat()
    }

    /// The first frame as an encoder writes it over once it knows the rest.
    fn info(
        header: [u8; 4],
        name: [u8; 4],
        frames: u32,
        encoder: &[u8; 9],
        delay: u32,
        padding: u32,
    ) -> Vec<u8> {
        let at = 4 + Frame::read(&header, 0).unwrap().side_info;
        let both = (delay << 12 | padding).to_be_bytes();
        let mut tag = [&name[..], &[0, 0, 0, 0x0F], &frames.to_be_bytes(), &[0; 4 + 100 + 4]].concat();
        tag.extend([&encoder[..], &[0; 12], &both[1..]].concat());
        // Bit rates below 64 kbit/s leave no room for the tag; encoders take a larger frame for it, too.
        let mut whole = [&header[..], &vec![0; 4_000]].concat();
        whole[at..at + tag.len()].copy_from_slice(&tag);
        whole.truncate(Frame::read(&header, 0).unwrap().end);
        whole
    }

    fn millis(parts: &[Vec<u8>]) -> u128 {
        let recording = crate::inspect(&parts.concat()).unwrap();
        assert_eq!((recording.kind, recording.codec), (Kind::Mp3, Codec::Mp3));
        recording.duration.as_millis()
    }

    #[test]
    fn frames_are_counted() {
        assert_eq!(millis(&vec![frame(SMALL); 10]), 720);
        assert_eq!(millis(&vec![frame(LARGE); 100]), 2_612);
    }

    #[test]
    fn frames_of_a_variable_bit_rate_are_each_as_long_as_they_say() {
        let mut louder = LARGE;
        louder[2] = 0xE2;
        assert_eq!(frame(louder).len(), 1_045);
        assert_eq!(millis(&[frame(LARGE), frame(louder), frame(louder), frame(LARGE)]), 104);
    }

    #[test]
    fn a_header_frame_is_no_sound_and_its_delay_and_padding_are_taken_off() {
        let sound = vec![frame(LARGE); 10].concat();
        let length = |name: &[u8; 4], encoder, delay, padding| {
            let samples =
                crate::inspect(&[info(LARGE, *name, 10, encoder, delay, padding), sound.clone()].concat());
            (samples.unwrap().duration.as_nanos() * 44_100).div_ceil(1_000_000_000)
        };
        assert_eq!(length(b"Info", b"LAME3.100", 576, 1_000), 11_520 - 1_576);
        assert_eq!(length(b"Xing", b"Lavc59.37", 1_105, 600), 11_520 - 1_705);
        assert_eq!(length(b"Info", b"LAME3.100", 576, 100), 11_520 - 576 - 529);
        assert_eq!(length(b"Info", b"GOGO\0\0\0\0\0", 576, 1_000), 11_520);
    }

    #[test]
    fn fewer_frames_than_announced_are_broken() {
        let ten = vec![frame(LARGE); 10].concat();
        let announced =
            |frames| [info(LARGE, *b"Info", frames, b"LAME3.100", 576, 600), ten.clone()].concat();
        assert_eq!(broken(&announced(11)), "the MP3 is cut off: 11 frames are announced, 10 are there");
        assert_eq!(millis(&[announced(0)]), millis(&[announced(10)]));
        let mut vbri = frame(LARGE);
        vbri[36..40].copy_from_slice(b"VBRI");
        vbri[50..54].copy_from_slice(&10_u32.to_be_bytes());
        assert_eq!(millis(&[vbri.clone(), ten.clone()]), 261);
        assert!(broken(&[&vbri, &ten[..8 * 417]].concat()).contains("cut off"));
    }

    #[test]
    fn a_last_frame_that_is_cut_is_broken() {
        let bytes = vec![frame(SMALL); 10].concat();
        for missing in 1..143 {
            broken(&bytes[..bytes.len() - missing]);
        }
    }

    #[test]
    fn a_chain_that_breaks_is_broken() {
        let damaged = [vec![frame(SMALL); 5], vec![vec![0; 50]], vec![frame(SMALL); 5]].concat().concat();
        assert_eq!(broken(&damaged), "the MP3 is damaged or cut off after 5 frames");
        let other_rate = [vec![frame(SMALL); 5], vec![frame(LARGE); 5]].concat().concat();
        assert!(broken(&other_rate).contains("after 5 frames"));
    }

    #[test]
    fn what_only_begins_like_a_frame_is_not_supported() {
        unsupported(&SMALL);
        unsupported(&[&SMALL[..], &[0; 4_000]].concat());
        unsupported(&[frame(SMALL), vec![0; 4_000]].concat());
        for other in [[0xFF, 0xF1, 0x50, 0x80], [0xFF, 0xFD, 0x90, 0x04], [0xFF, 0xFB, 0x00, 0x04]] {
            unsupported(&other.repeat(1_000));
        }
    }

    #[test]
    fn tags_at_both_ends_are_passed_over() {
        let id3v2 = |size: u8, flags: u8, body: usize| {
            [b"ID3\x04\0", &[flags, 0, 0, 0, size], &vec![9; body][..]].concat()
        };
        let id3v1 = [&b"TAG"[..], &[0; 125]].concat();
        let ape = [&b"APETAGEX\xd0\x07\0\0\x32\0\0\0"[..], &[0; 16 + 50]].concat();
        let sound = vec![frame(SMALL); 10].concat();
        for (before, after) in [
            (id3v2(100, 0, 100), vec![]),
            (id3v2(100, 0x10, 110), id3v1.clone()),
            ([id3v2(5, 0, 5), id3v2(0, 0, 0)].concat(), ape.clone()),
            (vec![], [ape.clone(), id3v1.clone()].concat()),
        ] {
            assert_eq!(millis(&[before, sound.clone(), after]), 720);
        }
        broken(&[&sound[..], &id3v1[..127]].concat());
        broken(&[&sound[..], &ape[..81]].concat());
    }

    #[test]
    fn an_id3_tag_that_lies_about_its_length_is_broken() {
        let sound = vec![frame(SMALL); 10].concat();
        assert!(broken(&[b"ID3\x04\0\0\x7f\x7f\x7f\x7f", &sound[..]].concat()).contains("ID3 tag"));
        assert!(broken(&[b"ID3\x04\0\0\0\0\0\xff", &sound[..]].concat()).contains("ID3 tag"));
        assert!(broken(b"ID3\x03").contains("ID3 tag"));
        assert!(broken(b"ID3\x03\0\0\0\0\0\0").contains("no audio"));
        unsupported(b"ID3\x03\0\0\0\0\0\x02ab\xff\xf1\x50\x80");
        unsupported(b"ID3 is how a tag of an MP3 begins");
    }

    #[test]
    fn a_header_frame_alone_is_broken() {
        assert!(broken(&info(LARGE, *b"Info", 0, b"LAME3.100", 576, 600)).contains("no audio"));
    }

    prop_compose! {
        fn good()(
            bit_rates in prop::collection::vec(4..15_u8, 3..12), header in prop::option::of(1..600_u32), tag in 0..20_u8,
        ) -> (Vec<u8>, bool) {
            let frames = u32::try_from(bit_rates.len()).unwrap();
            let mut bytes = [b"ID3\x04\0\0\0\0\0", &[tag][..], &vec![0; usize::from(tag)]].concat();
            bytes.extend(header.map_or(vec![], |delay| info(LARGE, *b"Xing", frames, b"LAME3.100", delay, delay)));
            bytes.extend(bit_rates.iter().flat_map(|rate| frame([0xFF, 0xFB, rate << 4, 0x04])));
            (bytes, header.is_some())
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn every_strict_prefix_of_a_good_mp3_that_can_be_told_is_refused((bytes, announced) in good()) {
            prop_assert!(crate::inspect(&bytes).is_ok());
            let sound = usize::from(bytes[9]) + 10;
            let boundaries: Vec<_> = frames(&bytes, sound).map(|frame| frame.end).collect();
            for end in 0..bytes.len() {
                let refused = crate::inspect(&bytes[..end]).is_err();
                prop_assert_eq!(refused, announced || !boundaries.contains(&end), "{} of {}", end, bytes.len());
            }
        }

        #[test]
        fn a_damaged_mp3_is_answered_without_a_panic(
            (mut bytes, _) in good(), damage in prop::collection::vec((any::<Index>(), any::<u8>()), 1..8),
        ) {
            for (at, value) in damage {
                let at = at.index(bytes.len().min(250));
                bytes[at] = value;
            }
            let _ = crate::inspect(&bytes);
        }
    }
}
