//! Real recordings: speech in the formats that telephony platforms send, played back byte for byte.
//!
//! The tools are espeak-ng, sox and ffmpeg. Where one is missing the case is skipped, loudly; with `CI=true` it fails.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and skips loudly"
)]

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use tests::http::{Call, Centre, id};

/// How far a length may be off.
const TOLERANCE_MS: u64 = 20;
const TOOLS: [(&str, &str); 3] = [("espeak-ng", "--version"), ("sox", "--version"), ("ffmpeg", "-version")];
const TEXT: &str = "Hello, this is Ada Example. Please call me back about case seventeen.";
/// A file, its media type, and how sox or ffmpeg makes it of the speech.
const FORMATS: [(&str, &str, &str, &str); 9] = [
    ("mulaw.wav", "audio/wav", "sox", "-r 8000 -c 1 -e u-law"),
    ("alaw.wav", "audio/wav", "sox", "-r 8000 -c 1 -e a-law"),
    ("pcm.wav", "audio/wav", "sox", "-r 16000 -c 1 -e signed -b 16"),
    ("stereo.wav", "audio/wav", "sox", "-r 8000 -c 2 -e signed -b 16"),
    ("gsm.wav", "audio/wav", "sox", "-r 8000 -c 1 -e gsm-full-rate"),
    ("mulaw.au", "audio/basic", "sox", "-r 8000 -c 1 -e u-law"),
    ("vorbis.ogg", "audio/ogg", "ffmpeg", "-c:a libvorbis -ar 16000"),
    ("opus.ogg", "audio/ogg", "ffmpeg", "-c:a libopus -b:a 16k -ar 48000"),
    ("speech.mp3", "audio/mpeg", "ffmpeg", "-c:a libmp3lame -b:a 24k -ar 16000"),
];

/// A folder with the speech in it, or nothing where a tool is missing.
fn studio() -> Option<TempDir> {
    for (tool, version) in TOOLS {
        if !Command::new(tool).arg(version).output().is_ok_and(|done| done.status.success()) {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{tool} is missing: install it");
            println!("\n!!! SKIPPED: {tool} is missing, so real recordings are NOT deposited !!!\n");
            return None;
        }
    }
    let folder = TempDir::new().unwrap();
    run(folder.path(), "espeak-ng", &["-w", "speech.wav", TEXT]);
    Some(folder)
}

/// Runs a tool in the folder; what it prints.
fn run(folder: &Path, tool: &str, arguments: &[&str]) -> Vec<u8> {
    let done = Command::new(tool).args(arguments).current_dir(folder).output().unwrap();
    assert!(done.status.success(), "{tool} {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    done.stdout
}

/// Makes a file of the speech.
fn make(folder: &Path, file: &str, tool: &str, options: &str) -> Vec<u8> {
    let options: Vec<_> = options.split_whitespace().collect();
    let start: &[&str] =
        if tool == "sox" { &["-V1", "speech.wav"] } else { &["-v", "error", "-y", "-i", "speech.wav"] };
    run(folder, tool, &[start, &options, &[file]].concat());
    std::fs::read(folder.join(file)).unwrap()
}

/// How long ffmpeg plays a file, in milliseconds, by the samples that come out.
fn plays(folder: &Path, file: &str) -> u64 {
    let samples =
        run(folder, "ffmpeg", &["-v", "error", "-i", file, "-ac", "1", "-ar", "48000", "-f", "s16le", "-"]);
    samples.len() as u64 / 2 / 48
}

async fn speech_in_every_format_is_deposited_listed_and_played_back_byte_for_byte(centre: Centre) {
    let Some(studio) = studio() else { return };
    centre.personal("5001", "alice").await;
    let alice = centre.agent("alice");
    for (taken, (file, media_type, tool, options)) in (0..).zip(FORMATS) {
        let bytes = make(studio.path(), file, tool, options);
        let received_at = centre.ago(100 - taken);
        let call = Call::from("+49301234567").with("received_at", received_at).audio(bytes.clone());
        let call = call.content_type(media_type);
        let message = centre.deposit("5001", &call).await;
        assert_eq!(message["media_type"], media_type, "{file}");
        assert_eq!(message["bytes"], bytes.len(), "{file}");
        let (said, played) = (message["duration_ms"].as_u64().unwrap(), plays(studio.path(), file));
        assert!(said.abs_diff(played) <= TOLERANCE_MS, "{file}: {said} ms, and ffmpeg plays {played} ms");
        let listed = alice.get("5001/messages?limit=1").await.is(200).json();
        assert_eq!(listed["messages"].as_array().unwrap().first(), Some(&message), "{file}");
        let back = alice.get(&format!("5001/messages/{}/audio?download=1", id(&message))).await.is(200);
        assert_eq!(back.body, bytes, "{file}");
        assert_eq!(back.header("content-type"), media_type);
        let extension = file.rsplit('.').next().unwrap();
        assert!(back.header("content-disposition").ends_with(&format!(".{extension}\"")), "{file}");
    }
}

async fn speech_that_was_cut_off_on_its_way_is_refused(centre: Centre) {
    let Some(studio) = studio() else { return };
    centre.personal("5001", "alice").await;
    for (file, _, tool, options) in FORMATS {
        let bytes = make(studio.path(), file, tool, options);
        let cut = Call::new().audio(bytes.get(..bytes.len() / 2 + 7).unwrap().to_vec());
        centre.platform().deposit("5001", &cut).await.refused(422, "broken-audio");
    }
    assert!(centre.recordings().is_empty());
}

async fn speech_through_a_pipe_that_does_not_know_its_length_is_measured(centre: Centre) {
    let Some(studio) = studio() else { return };
    centre.personal("5001", "alice").await;
    let piped =
        run(studio.path(), "ffmpeg", &["-v", "error", "-i", "speech.wav", "-ar", "8000", "-f", "wav", "-"]);
    let message = centre.deposit("5001", &Call::new().audio(piped)).await;
    let said = message["duration_ms"].as_u64().unwrap();
    assert!(said.abs_diff(plays(studio.path(), "speech.wav")) <= TOLERANCE_MS, "{said} ms");
}

tests::journeys![
    on files:
    speech_in_every_format_is_deposited_listed_and_played_back_byte_for_byte,
    speech_that_was_cut_off_on_its_way_is_refused,
    speech_through_a_pipe_that_does_not_know_its_length_is_measured,
];
