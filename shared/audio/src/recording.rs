//! What is told of a recording: its kind, its codec, its length, or why it is not taken.

use std::num::NonZeroU32;
use std::time::Duration;

/// What a recording is, read from its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recording {
    /// The container.
    pub kind: Kind,
    /// How the sound is coded in it.
    pub codec: Codec,
    /// How long it plays: without the silence that MP3 and Opus encoders add at both ends and players take off
    /// again. Never zero.
    pub duration: Duration,
}

/// The container of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// RIFF/WAVE.
    Wav,
    /// Sun's and `NeXT`'s `.snd`.
    Au,
    /// Ogg (RFC 3533).
    Ogg,
    /// A bare stream of MPEG audio layer III frames, with or without ID3 tags.
    Mp3,
}

impl Kind {
    /// The media type to serve the recording with.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Wav => "audio/wav",
            Self::Au => "audio/basic",
            Self::Ogg => "audio/ogg",
            Self::Mp3 => "audio/mpeg",
        }
    }

    /// The file name extension, without a dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Wav => "wav",
            Self::Au => "au",
            Self::Ogg => "ogg",
            Self::Mp3 => "mp3",
        }
    }
}

/// How the sound of a recording is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Codec {
    /// Linear PCM of whole numbers, 8 to 32 bits a sample.
    Pcm,
    /// G.711 mu-law, 8 bits a sample.
    MuLaw,
    /// G.711 A-law, 8 bits a sample.
    ALaw,
    /// GSM 06.10 full rate, two frames in 65 bytes as Microsoft packs them.
    Gsm,
    /// Opus (RFC 6716).
    Opus,
    /// Vorbis I.
    Vorbis,
    /// MPEG-1, MPEG-2 or MPEG-2.5 audio layer III.
    Mp3,
}

/// Why a recording is not taken. The message is for whoever sent it: it quotes numbers from the headers, and
/// nothing else of what was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not audio, or audio of a kind that is not taken.
    #[error("{0}: send WAV (PCM, mu-law, A-law or GSM), AU, Ogg (Opus or Vorbis) or MP3")]
    Unsupported(String),
    /// Audio of a kind that is taken, but empty, damaged or cut off.
    #[error("{0}: send the whole recording again")]
    Broken(String),
}

impl Refusal {
    pub(crate) fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported(what.into())
    }

    pub(crate) fn broken(what: impl Into<String>) -> Self {
        Self::Broken(what.into())
    }
}

/// How long a number of samples plays, to the nanosecond, and one at least: rates of more than 1 GHz can be claimed.
pub(crate) fn length(samples: u64, rate: NonZeroU32) -> Duration {
    let rate = u64::from(rate.get());
    // Less than a second's worth of samples is left here, so that the product fits 62 bits.
    let length =
        Duration::from_secs(samples / rate) + Duration::from_nanos(samples % rate * 1_000_000_000 / rate);
    length.max(Duration::from_nanos(1))
}
