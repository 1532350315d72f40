//! What a recording is: its kind, its codec and its length, read from the audio itself.
//!
//! [`inspect`] believes no header that it can check. A length is counted from the bytes that are there, so a
//! recording that was cut off on its way is refused instead of being kept as if it were whole:
//!
//! - WAV and AU: there must be as many bytes as the header says. Writers that cannot go back to fill the length in
//!   (a pipe) leave a placeholder; such a recording is measured to its end, and a cut in it cannot be told, except
//!   inside a block of GSM.
//! - Ogg: every page must be whole, have the right checksum and follow the page before it, and the last one must
//!   carry the end-of-stream flag. Without that flag a cut between two pages could not be told, so its absence
//!   counts as a cut, also for a live stream that was recorded without it.
//! - MP3: every frame must be whole and follow the frame before it, and there must be as many as the `Xing`,
//!   `Info` or `VBRI` header says. Without such a header a cut exactly between two frames cannot be told.
//!
//! Nothing is decoded, and no decoder library is under this: those look for a way to play on behind damage, and
//! take memory for tags that nobody asks for here. The time is linear in the number of bytes, and no memory is
//! taken because a header asks for it.

mod au;
mod bytes;
mod mp3;
mod ogg;
mod recording;
mod wav;

pub use recording::{Codec, Kind, Recording, Refusal};

/// Reads kind, codec and length from the audio itself.
///
/// The kind is decided by the first bytes alone, whatever a media type or a file name says.
///
/// # Errors
/// It is of no kind that is taken, or it is empty, damaged or cut off.
pub fn inspect(bytes: &[u8]) -> Result<Recording, Refusal> {
    if bytes.is_empty() {
        return Err(Refusal::broken("the recording is empty"));
    }
    if wav::claims(bytes) {
        wav::inspect(bytes)
    } else if au::claims(bytes) {
        au::inspect(bytes)
    } else if ogg::claims(bytes) {
        ogg::inspect(bytes)
    } else if mp3::claims(bytes) {
        mp3::inspect(bytes)
    } else {
        Err(Refusal::unsupported("this is not a WAV, AU, Ogg or MP3 recording"))
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::recording::length;

    /// What is said of a recording that is refused as broken.
    pub(crate) fn broken(bytes: &[u8]) -> String {
        match inspect(bytes) {
            Err(Refusal::Broken(why)) => why,
            other => panic!("{other:?}"),
        }
    }

    /// What is said of a recording that is refused as not supported.
    pub(crate) fn unsupported(bytes: &[u8]) -> String {
        match inspect(bytes) {
            Err(Refusal::Unsupported(why)) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn nothing_is_a_broken_recording() {
        assert_eq!(broken(b""), "the recording is empty");
    }

    #[test]
    fn what_is_not_audio_is_not_supported() {
        let not_audio: [&[u8]; 9] = [
            b"Hello, is anybody there?",
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
            b"PK\x03\x04\x14\0\0\0\x08\0",
            b"%PDF-1.7\n",
            b"\xff\xfeU\0T\0F\0-\x001\x006\0",
            b"RIFF\x24\0\0\0AVI LIST",
            b"dns.\x18\0\0\0",
            b"fLaC\0\0\0\x22",
            &[0; 4096],
        ];
        for bytes in not_audio {
            assert_eq!(unsupported(bytes), "this is not a WAV, AU, Ogg or MP3 recording");
        }
    }

    #[test]
    fn a_refusal_says_what_happened_and_what_to_do() {
        assert_eq!(
            inspect(b"hello").unwrap_err().to_string(),
            "this is not a WAV, AU, Ogg or MP3 recording: send WAV (PCM, mu-law, A-law or GSM), AU, Ogg (Opus or Vorbis) or MP3"
        );
        assert_eq!(
            inspect(b"").unwrap_err().to_string(),
            "the recording is empty: send the whole recording again"
        );
    }

    #[test]
    fn a_length_is_right_to_the_nanosecond_and_never_overflows() {
        let rate = |rate| NonZeroU32::new(rate).unwrap();
        assert_eq!(length(1, rate(3)), Duration::from_nanos(333_333_333));
        assert_eq!(length(12_000, rate(8_000)), Duration::from_millis(1_500));
        assert_eq!(length(1, rate(u32::MAX)), Duration::from_nanos(1));
        assert_eq!(length(u64::MAX, rate(1)), Duration::from_secs(u64::MAX));
        assert!(length(u64::MAX, rate(u32::MAX)) > Duration::from_secs(4_294_967_296));
    }

    proptest! {
        #[test]
        fn whatever_comes_is_answered_without_a_panic(
            magic in prop::sample::select(vec![
                &b""[..], b"RIFF\xff\xff\xff\xffWAVE", b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0",
                b"RIFF\xff\xff\xff\xffWAVEfmt \x14\0\0\0\x31\0\x01\0", b".snd", b".snd\0\0\0\x18",
                b"OggS\0\x02", b"ID3\x04\0\0\0\0\0\0", b"\xff\xfb\x90\x00", b"\xff\xe3\x18\xc4",
            ]),
            rest in prop::collection::vec(any::<u8>(), 0..2_000),
        ) {
            let _ = inspect(&[magic, &rest].concat());
        }
    }
}
