//! Real speech in the formats that phone systems send, made by the tools that make them, measured against what
//! ffmpeg and sox decode.
//!
//! The tools are espeak-ng, sox and ffmpeg. Where one is missing the tests are skipped, loudly; with `CI=true` they
//! fail.

#[cfg(test)]
mod real_recordings {
    use std::path::Path;
    use std::process::Command;
    use std::time::Duration;

    use audio::{Codec, Kind, Recording, Refusal, inspect};
    use tempfile::TempDir;

    const TOLERANCE: Duration = Duration::from_millis(20);
    const TOOLS: [(&str, &str); 3] =
        [("espeak-ng", "--version"), ("sox", "--version"), ("ffmpeg", "-version")];
    const TEXT: &str =
        "Hello, this is Ada Example. Please call me back about case seventeen. Thank you, good bye.";

    /// A folder with the speech in it, as the tools read it: `speech.wav`, 22.05 kHz, 16 bits, mono.
    struct Studio(TempDir);

    impl Studio {
        fn open() -> Option<Self> {
            for (tool, version) in TOOLS {
                if !Command::new(tool).arg(version).output().is_ok_and(|done| done.status.success()) {
                    assert!(std::env::var("CI").as_deref() != Ok("true"), "{tool} is missing: install it");
                    println!("\n!!! SKIPPED: {tool} is missing, so real recordings are NOT tested !!!\n");
                    return None;
                }
            }
            let studio = Self(TempDir::new().unwrap());
            studio.run("espeak-ng", &["-w", "speech.wav", TEXT]);
            Some(studio)
        }

        fn folder(&self) -> &Path {
            self.0.path()
        }

        /// Runs a tool in the folder; what it prints.
        fn run(&self, tool: &str, arguments: &[&str]) -> Vec<u8> {
            let done = Command::new(tool).args(arguments).current_dir(self.folder()).output().unwrap();
            assert!(done.status.success(), "{tool} {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
            done.stdout
        }

        fn ffmpeg(&self, to: &str, options: &str) -> Vec<u8> {
            let options = options.split_whitespace();
            let arguments: Vec<_> =
                ["-v", "error", "-y", "-i", "speech.wav"].into_iter().chain(options).collect();
            self.run("ffmpeg", &[&arguments[..], &[to]].concat());
            self.read(to)
        }

        fn sox(&self, to: &str, options: &str) -> Vec<u8> {
            let options: Vec<_> = options.split_whitespace().collect();
            self.run("sox", &[&["-V1", "speech.wav"], &options[..], &[to]].concat());
            self.read(to)
        }

        fn read(&self, name: &str) -> Vec<u8> {
            std::fs::read(self.folder().join(name)).unwrap()
        }

        /// How long ffmpeg plays the file, by the samples that come out at 48 kHz.
        fn ffmpeg_plays(&self, name: &str) -> Duration {
            let raw = self
                .run("ffmpeg", &["-v", "error", "-i", name, "-ac", "1", "-ar", "48000", "-f", "s16le", "-"]);
            at_48_khz(&raw)
        }

        /// The same of sox, which reads no Opus and plays of an MP3 also the silence at both ends.
        fn sox_plays(&self, name: &str) -> Duration {
            let to_raw = ["-t", "raw", "-e", "signed", "-b", "16", "-c", "1", "-r", "48000", "-"];
            at_48_khz(&self.run("sox", &[&["-V1", name], &to_raw[..]].concat()))
        }

        /// The file's kind, codec and length are these, and the length is that of the speech.
        fn expect(&self, name: &str, bytes: &[u8], kind: Kind, codec: Codec) {
            let recording = inspect(bytes).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
            assert_eq!((recording.kind, recording.codec), (kind, codec), "{name}");
            close(name, recording, self.ffmpeg_plays(name));
            close(name, recording, self.ffmpeg_plays("speech.wav"));
        }

        /// The same of what came out of a pipe; sox decodes as much, and GSM may be filled up to a whole block.
        fn expect_streamed(&self, name: &str, bytes: &[u8], kind: Kind, codec: Codec) {
            std::fs::write(self.folder().join(name), bytes).unwrap();
            let recording = inspect(bytes).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
            assert_eq!((recording.kind, recording.codec), (kind, codec), "{name}");
            close(name, recording, self.sox_plays(name));
            close(name, recording, self.ffmpeg_plays(name));
        }
    }

    fn at_48_khz(raw: &[u8]) -> Duration {
        Duration::from_micros(raw.len() as u64 / 2 * 1_000_000 / 48_000)
    }

    fn close(name: &str, recording: Recording, truth: Duration) {
        let off = recording.duration.abs_diff(truth);
        println!("{name}: {:?}, {off:?} from {truth:?}", recording.duration);
        assert!(off <= TOLERANCE, "{name}: {:?} is {off:?} from {truth:?}", recording.duration);
        assert!(truth > Duration::from_secs(3), "{name}: {truth:?} is no speech");
    }

    fn refused_at_every_cut(name: &str, bytes: &[u8]) {
        for cut in (0..bytes.len()).step_by(977).chain(bytes.len().saturating_sub(300)..bytes.len()) {
            assert!(inspect(bytes.get(..cut).unwrap()).is_err(), "{name}: {cut} of {} bytes", bytes.len());
        }
    }

    #[test]
    fn wavs_of_phone_systems_are_read() {
        let Some(studio) = Studio::open() else { return };
        for (name, options, codec) in [
            ("mu-law.wav", "-r 8000 -e mu-law", Codec::MuLaw),
            ("a-law.wav", "-r 8000 -e a-law", Codec::ALaw),
            ("mu-law-stereo.wav", "-r 8000 -e mu-law -c 2", Codec::MuLaw),
            ("pcm8.wav", "-r 8000 -e unsigned -b 8", Codec::Pcm),
            ("pcm16.wav", "-r 8000 -b 16", Codec::Pcm),
            ("pcm16-stereo.wav", "-r 44100 -b 16 -c 2", Codec::Pcm),
            ("pcm24.wav", "-r 16000 -b 24", Codec::Pcm),
            ("pcm24-stereo.wav", "-r 48000 -b 24 -c 2", Codec::Pcm),
            ("pcm32.wav", "-r 11025 -b 32", Codec::Pcm),
        ] {
            let bytes = studio.sox(name, options);
            studio.expect(name, &bytes, Kind::Wav, codec);
            close(name, inspect(&bytes).unwrap(), studio.sox_plays(name));
            refused_at_every_cut(name, &bytes);
        }
        for (name, options, codec) in [
            ("ffmpeg-mu-law.wav", "-ar 8000 -c:a pcm_mulaw", Codec::MuLaw),
            ("ffmpeg-a-law.wav", "-ar 8000 -ac 2 -c:a pcm_alaw", Codec::ALaw),
            ("ffmpeg-pcm24.wav", "-ar 44100 -c:a pcm_s24le", Codec::Pcm),
        ] {
            let bytes = studio.ffmpeg(name, options);
            studio.expect(name, &bytes, Kind::Wav, codec);
            close(name, inspect(&bytes).unwrap(), studio.sox_plays(name));
            refused_at_every_cut(name, &bytes);
        }
    }

    /// Blocks of 40 ms are filled up, so that the speech itself may be shorter.
    #[test]
    fn gsm_in_wav_is_as_long_as_its_blocks() {
        let Some(studio) = Studio::open() else { return };
        for (name, bytes) in [
            ("gsm.wav", studio.sox("gsm.wav", "-r 8000 -e gsm-full-rate")),
            ("gsm-11k.wav", studio.sox("gsm-11k.wav", "-r 11025 -e gsm-full-rate")),
            ("ffmpeg-gsm.wav", studio.ffmpeg("ffmpeg-gsm.wav", "-ar 8000 -c:a libgsm_ms")),
            // One block more, so that one of the two has an odd number of bytes.
            (
                "ffmpeg-gsm-longer.wav",
                studio.ffmpeg("ffmpeg-gsm-longer.wav", "-af apad=pad_dur=0.04 -ar 8000 -c:a libgsm_ms"),
            ),
        ] {
            let recording = inspect(&bytes).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
            assert_eq!((recording.kind, recording.codec), (Kind::Wav, Codec::Gsm), "{name}");
            close(name, recording, studio.sox_plays(name));
            close(name, recording, studio.ffmpeg_plays(name));
            refused_at_every_cut(name, &bytes);
        }
    }

    #[test]
    fn aus_are_read() {
        let Some(studio) = Studio::open() else { return };
        for (name, options, codec) in [
            ("mu-law.au", "-r 8000 -e mu-law", Codec::MuLaw),
            ("mu-law-stereo.au", "-r 8000 -e mu-law -c 2", Codec::MuLaw),
            ("a-law.au", "-r 8012 -e a-law", Codec::ALaw),
            ("pcm8.au", "-r 8000 -e signed -b 8", Codec::Pcm),
            ("pcm16.au", "-b 16", Codec::Pcm),
            ("pcm24-stereo.au", "-r 48000 -b 24 -c 2", Codec::Pcm),
            ("pcm32.snd", "-t au -r 11025 -b 32", Codec::Pcm),
        ] {
            let bytes = studio.sox(name, options);
            studio.expect(name, &bytes, Kind::Au, codec);
            close(name, inspect(&bytes).unwrap(), studio.sox_plays(name));
            refused_at_every_cut(name, &bytes);
        }
        for (name, options, codec) in [
            ("ffmpeg-mu-law.au", "-ar 8000 -c:a pcm_mulaw", Codec::MuLaw),
            ("ffmpeg-a-law.au", "-ar 8000 -ac 2 -c:a pcm_alaw -metadata title=Call", Codec::ALaw),
            ("ffmpeg-pcm16.au", "-ar 44100 -c:a pcm_s16be", Codec::Pcm),
            ("ffmpeg-pcm24.au", "-ar 16000 -c:a pcm_s24be", Codec::Pcm),
        ] {
            let bytes = studio.ffmpeg(name, options);
            studio.expect(name, &bytes, Kind::Au, codec);
            close(name, inspect(&bytes).unwrap(), studio.sox_plays(name));
            refused_at_every_cut(name, &bytes);
        }
    }

    /// A pipe behind the tool, so that it cannot go back, and for sox one before it, so that it does not know.
    #[test]
    fn what_is_written_into_a_pipe_is_measured_to_its_end() {
        let Some(studio) = Studio::open() else { return };
        studio.run("sox", &["-V1", "speech.wav", "-r", "8000", "-b", "16", "-e", "signed", "speech.raw"]);
        let by_espeak = studio.run("espeak-ng", &["--stdout", TEXT]);
        studio.expect_streamed("espeak-ng.wav", &by_espeak, Kind::Wav, Codec::Pcm);
        for (name, of_sox, of_ffmpeg, kind, codec) in [
            ("mu-law.wav", "-e mu-law", "-c:a pcm_mulaw", Kind::Wav, Codec::MuLaw),
            ("a-law.wav", "-e a-law", "-c:a pcm_alaw", Kind::Wav, Codec::ALaw),
            ("pcm8.wav", "-e unsigned -b 8", "-c:a pcm_u8", Kind::Wav, Codec::Pcm),
            ("pcm16.wav", "-b 16", "-c:a pcm_s16le", Kind::Wav, Codec::Pcm),
            ("pcm24.wav", "-b 24", "-c:a pcm_s24le", Kind::Wav, Codec::Pcm),
            ("pcm24-stereo.wav", "-b 24 -c 2", "-c:a pcm_s24le -ac 2", Kind::Wav, Codec::Pcm),
            ("pcm32.wav", "-b 32", "-c:a pcm_s32le", Kind::Wav, Codec::Pcm),
            ("gsm.wav", "-e gsm-full-rate", "-c:a libgsm_ms", Kind::Wav, Codec::Gsm),
            ("mu-law.au", "-e mu-law", "-c:a pcm_mulaw", Kind::Au, Codec::MuLaw),
            ("a-law.au", "-e a-law", "-c:a pcm_alaw", Kind::Au, Codec::ALaw),
            ("pcm16.au", "-b 16", "-c:a pcm_s16be", Kind::Au, Codec::Pcm),
            ("vorbis.ogg", "", "-c:a libvorbis", Kind::Ogg, Codec::Vorbis),
        ] {
            let extension = kind.extension();
            let raw = "-t raw -r 8000 -e signed -b 16 -c 1";
            let sox = format!("cat speech.raw | sox -V1 {raw} - {of_sox} -t {extension} - | cat");
            let by_sox = studio.run("sh", &["-c", &sox]);
            studio.expect_streamed(&format!("sox-{name}"), &by_sox, kind, codec);
            let ffmpeg = format!("-v error -i speech.wav -ar 8000 {of_ffmpeg} -f {extension} -");
            let by_ffmpeg = studio.run("ffmpeg", &ffmpeg.split_whitespace().collect::<Vec<_>>());
            studio.expect_streamed(&format!("ffmpeg-{name}"), &by_ffmpeg, kind, codec);
        }
    }

    #[test]
    fn vorbis_is_read_at_every_quality() {
        let Some(studio) = Studio::open() else { return };
        for (name, options) in
            [("sox.ogg", ""), ("sox-8k.ogg", "-r 8000 -C 0"), ("sox-44k-stereo.ogg", "-r 44100 -c 2 -C 8")]
        {
            let bytes = studio.sox(name, options);
            studio.expect(name, &bytes, Kind::Ogg, Codec::Vorbis);
            close(name, inspect(&bytes).unwrap(), studio.sox_plays(name));
            refused_at_every_cut(name, &bytes);
        }
        for (name, options) in [
            ("libvorbis-8k.ogg", "-ar 8000 -c:a libvorbis -q:a 0"),
            ("libvorbis-48k-stereo.ogg", "-ar 48000 -ac 2 -c:a libvorbis -b:a 96k"),
            ("libvorbis-small-pages.oga", "-c:a libvorbis -page_duration 20000"),
            ("ffmpeg-vorbis.ogg", "-ac 2 -c:a vorbis -strict experimental"),
        ] {
            let bytes = studio.ffmpeg(name, options);
            studio.expect(name, &bytes, Kind::Ogg, Codec::Vorbis);
            close(name, inspect(&bytes).unwrap(), studio.sox_plays(name));
            refused_at_every_cut(name, &bytes);
        }
        for (name, options) in
            [("later.ogg", "-ss 1 -c copy"), ("later-in-time.ogg", "-ss 1 -c copy -copyts")]
        {
            let arguments = format!("-v error -y -i sox.ogg {options} {name}");
            studio.run("ffmpeg", &arguments.split(' ').collect::<Vec<_>>());
            close(name, inspect(&studio.read(name)).unwrap(), studio.sox_plays(name));
        }
    }

    #[test]
    fn opus_is_read_at_every_bit_rate() {
        let Some(studio) = Studio::open() else { return };
        for (name, options) in [
            ("opus-6k.ogg", "-c:a libopus -b:a 6k -application voip"),
            ("opus-16k.ogg", "-ar 8000 -c:a libopus -b:a 16k"),
            ("opus-24k-60ms.opus", "-c:a libopus -b:a 24k -frame_duration 60"),
            ("opus-32k-2.5ms.ogg", "-c:a libopus -b:a 32k -frame_duration 2.5"),
            ("opus-cbr.ogg", "-c:a libopus -b:a 32k -vbr off"),
            ("opus-stereo.ogg", "-ac 2 -c:a libopus -b:a 96k"),
            ("opus-small-pages.ogg", "-c:a libopus -b:a 24k -page_duration 20000"),
        ] {
            let bytes = studio.ffmpeg(name, options);
            studio.expect(name, &bytes, Kind::Ogg, Codec::Opus);
            refused_at_every_cut(name, &bytes);
        }
    }

    #[test]
    fn mp3s_are_read_without_the_silence_that_the_encoder_adds() {
        let Some(studio) = Studio::open() else { return };
        for (name, options) in [
            ("cbr-8k.mp3", "-ar 8000 -c:a libmp3lame -b:a 16k"),
            ("cbr-16k.mp3", "-ar 16000 -c:a libmp3lame -b:a 32k"),
            ("cbr-44k.mp3", "-ar 44100 -c:a libmp3lame -b:a 64k"),
            ("cbr-44k-stereo.mp3", "-ar 44100 -ac 2 -c:a libmp3lame -b:a 128k"),
            ("vbr-8k.mp3", "-ar 8000 -c:a libmp3lame -q:a 7"),
            ("vbr-22k.mp3", "-c:a libmp3lame -q:a 5"),
            ("vbr-44k.mp3", "-ar 44100 -c:a libmp3lame -q:a 4"),
            ("abr-48k.mp3", "-ar 48000 -c:a libmp3lame -abr 1 -b:a 48k"),
        ] {
            let bytes = studio.ffmpeg(name, options);
            studio.expect(name, &bytes, Kind::Mp3, Codec::Mp3);
            refused_at_every_cut(name, &bytes);
        }
    }

    #[test]
    fn mp3s_without_a_header_frame_are_as_long_as_their_frames() {
        let Some(studio) = Studio::open() else { return };
        for (name, options) in [
            ("bare-8k.mp3", "-ar 8000 -c:a libmp3lame -b:a 16k -write_xing 0 -id3v2_version 0"),
            ("bare-44k.mp3", "-ar 44100 -c:a libmp3lame -b:a 64k -write_xing 0"),
            (
                "id3v1.mp3",
                "-ar 16000 -c:a libmp3lame -b:a 32k -write_xing 0 -write_id3v1 1 -metadata title=Call",
            ),
        ] {
            let bytes = studio.ffmpeg(name, options);
            close(name, inspect(&bytes).unwrap(), studio.ffmpeg_plays(name));
        }
        let by_sox = studio.sox("sox.mp3", "-r 8000");
        close("sox.mp3", inspect(&by_sox).unwrap(), studio.ffmpeg_plays("sox.mp3"));
    }

    #[test]
    fn what_is_not_taken_is_named() {
        let Some(studio) = Studio::open() else { return };
        for (bytes, name) in [
            (studio.sox("ms.wav", "-r 8000 -e ms-adpcm"), "0x0002 (Microsoft ADPCM)"),
            (studio.sox("ima.wav", "-r 8000 -e ima-adpcm"), "0x0011 (IMA ADPCM)"),
            (studio.sox("float.wav", "-e floating-point"), "0x0003 (floating point)"),
            (studio.ffmpeg("speex.ogg", "-ar 8000 -c:a libspeex"), "Ogg with Speex"),
            (studio.ffmpeg("flac.ogg", "-c:a flac"), "Ogg with FLAC"),
            (studio.ffmpeg("bare.flac", ""), "not a WAV, AU, Ogg or MP3"),
            (studio.sox("float.au", "-e floating-point"), "6 (floating point)"),
            (studio.ffmpeg("layer2.mp2", "-c:a mp2"), "not a WAV, AU, Ogg or MP3"),
            (studio.ffmpeg("aac.aac", "-c:a aac"), "not a WAV, AU, Ogg or MP3"),
        ] {
            match inspect(&bytes) {
                Err(Refusal::Unsupported(why)) => assert!(why.contains(name), "{why} does not name {name}"),
                other => panic!("{name}: {other:?}"),
            }
        }
    }
}
