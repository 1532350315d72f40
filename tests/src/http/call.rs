//! A call as a telephony platform deposits it.

use bytes::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use super::ask::Ask;

/// The boundary of forms.
const BOUNDARY: &str = "----a-boundary-of-the-tests";

/// A recording and the facts of its call.
#[derive(Debug, Clone)]
pub struct Call {
    facts: Map<String, Value>,
    audio: Bytes,
    content_type: String,
}

impl Default for Call {
    /// A second of audio and no facts.
    fn default() -> Self {
        Self { facts: Map::new(), audio: wav(1000), content_type: "audio/wav".to_owned() }
    }
}

impl Call {
    /// A second of audio and no facts.
    pub fn new() -> Self {
        Self::default()
    }

    /// From this caller.
    pub fn from(caller: &str) -> Self {
        Self::new().with("caller_id", caller)
    }

    /// With one more fact, by its JSON name.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }

    /// With this recording.
    pub fn audio(self, audio: impl Into<Bytes>) -> Self {
        Self { audio: audio.into(), ..self }
    }

    /// With this content type.
    pub fn content_type(self, content_type: &str) -> Self {
        Self { content_type: content_type.to_owned(), ..self }
    }

    /// The recording.
    pub fn bytes(&self) -> &Bytes {
        &self.audio
    }

    /// As a body of audio with the facts as headers.
    pub(super) fn raw(&self, ask: Ask) -> Ask {
        let ask = self.facts.iter().fold(ask, |ask, (name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let encoded = utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string();
            let value = if name == "caller_name" { encoded } else { text };
            ask.header(&format!("voicemail-{}", name.replace('_', "-")), value)
        });
        ask.body(&self.content_type, self.audio.clone())
    }

    /// As a form of two parts.
    pub(super) fn form(&self, ask: Ask) -> Ask {
        let facts = Value::Object(self.facts.clone()).to_string();
        form(ask, &[("message", facts.as_bytes()), ("audio", &self.audio)])
    }
}

/// A form of these parts.
pub(super) fn form(ask: Ask, parts: &[(&str, &[u8])]) -> Ask {
    let mut body = Vec::new();
    for (name, content) in parts {
        let kind = if *name == "message" { "application/json" } else { "audio/wav" };
        body.extend_from_slice(
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\nContent-Type: {kind}\r\n\r\n")
                .as_bytes(),
        );
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    ask.body(&format!("multipart/form-data; boundary={BOUNDARY}"), body)
}

/// A WAV file of so many milliseconds: 8 kHz, 16 bits, mono, of which no two samples in a row are the same.
pub fn wav(millis: u32) -> Bytes {
    let samples =
        (0..millis * 8).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes().into_iter().take(2));
    let length = millis * 16;
    let mut file = Vec::new();
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(36 + length).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend_from_slice(&8000_u32.to_le_bytes());
    file.extend_from_slice(&16_000_u32.to_le_bytes());
    file.extend_from_slice(b"\x02\0\x10\0data");
    file.extend_from_slice(&length.to_le_bytes());
    file.extend(samples);
    file.into()
}
