//! Somebody's number and name, and every form in which they could leak.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

/// The number in E.164.
pub const NUMBER: &str = "+4915128395746";
/// The number as platforms and people spell it; of a German tenant.
pub const SPELLINGS: [&str; 8] = [
    NUMBER,
    "004915128395746",
    "015128395746",
    "+49 (1512) 839-57-46",
    "tel:+49-1512-8395746;ext=1",
    "sip:+4915128395746@pbx.example;user=phone",
    "\"Z\" <sip:+49.1512.8395746@pbx.example>;tag=1",
    "01512/8395746",
];
/// The caller's name.
pub const NAME: &str = "Zaphod Bëeblebrox";

/// What of them must nowhere be: the last seven digits are part of every spelling and of every longer tail.
const SECRETS: [&str; 3] = ["8395746", "Zaphod", "eeblebrox"];

/// The forms of number and name that a text shows.
pub struct Forms(Vec<String>);

impl Default for Forms {
    /// In clear, as base64 at any place of a longer text, in hex, with every byte percent-encoded, and as plain hashes.
    fn default() -> Self {
        let mut forms = Vec::new();
        for secret in SECRETS {
            let bytes = secret.as_bytes();
            forms.push(secret.to_lowercase());
            forms.push(hex(bytes));
            forms.push(bytes.iter().map(|byte| format!("%{byte:02x}")).collect());
            forms.extend((0..3).map(|before| inside_base64(bytes, before).to_lowercase()));
        }
        for whole in SPELLINGS.into_iter().chain([NAME, &NUMBER[1..]]) {
            let hash = Sha256::digest(whole);
            forms.push(hex(&hash));
            forms.push(BASE64_STANDARD.encode(hash).to_lowercase());
            forms.push(BASE64_URL_SAFE_NO_PAD.encode(hash).to_lowercase());
        }
        Self(forms)
    }
}

impl Forms {
    /// The first form that the text shows, also with the punctuation of numbers in between.
    pub fn shown_in(&self, text: &[u8]) -> Option<&str> {
        let text = String::from_utf8_lossy(text).to_lowercase();
        let plain: String =
            text.chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '/' | '(' | ')')).collect();
        let is_shown = |form: &&String| text.contains(form.as_str()) || plain.contains(form.as_str());
        self.0.iter().find(is_shown).map(String::as_str)
    }

    /// Each form is found where it is, and nothing in what is none.
    pub fn are_told_apart(&self) {
        for form in &self.0 {
            assert!(self.shown_in(format!("before {form} after").as_bytes()).is_some(), "{form}");
        }
        for spelling in SPELLINGS.into_iter().chain([NAME]) {
            assert!(self.shown_in(spelling.as_bytes()).is_some(), "{spelling}");
            for before in ["", "x", "xy"] {
                let encoded = BASE64_STANDARD.encode(format!("{before}{spelling}, and more"));
                let is_plain = spelling.contains("8395746") || spelling == NAME;
                assert!(!is_plain || self.shown_in(encoded.as_bytes()).is_some(), "{encoded}");
            }
        }
        assert_eq!(
            self.shown_in(b"{\"status\":200,\"ids\":\"mailbox=5001\"} 2026-11-22T10:00:00.839Z 5746"),
            None
        );
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is always there of some bytes in the base64 of a longer text, so many bytes into a group of three.
fn inside_base64(bytes: &[u8], before: usize) -> String {
    let encoded = BASE64_STANDARD.encode([&vec![0; before], bytes].concat());
    // Six bits are a character: those that hold no bit of a neighbour.
    encoded[(before * 8).div_ceil(6)..(before + bytes.len()) * 8 / 6].to_owned()
}
