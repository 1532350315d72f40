//! Whatever the bytes: the audio reader answers, and a recording that it takes has a length.
#![no_main]
#![expect(clippy::indexing_slicing, reason = "what is found is told by a panic")]

use libfuzzer_sys::fuzz_target;

/// The fixed part of an Ogg page's header, and where the checksum is in it (RFC 3533, section 6).
const PAGE_HEADER: usize = 27;
const CHECKSUM: std::ops::Range<usize> = 22..26;

fuzz_target!(|bytes: &[u8]| {
    inspect(bytes);
    if bytes.starts_with(b"OggS") {
        inspect(&sealed(bytes));
    }
});

fn inspect(bytes: &[u8]) {
    if let Ok(recording) = fuzz::cheap(|| audio::inspect(bytes)) {
        assert!(!recording.duration.is_zero(), "{recording:?}");
    }
}

/// The same with the checksums of its pages right, which chance does not find.
fn sealed(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut at = 0;
    while let Some(length) = bytes.get(at..).and_then(page) {
        let page = &mut bytes[at..at + length];
        page[CHECKSUM].fill(0);
        let checksum = page.iter().fold(0_u32, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| {
                crc << 1 ^ if crc >> 31 == 1 { 0x04C1_1DB7 } else { 0 }
            })
        });
        page[CHECKSUM].copy_from_slice(&checksum.to_le_bytes());
        at += length;
    }
    bytes
}

/// How long the page is at the start of these bytes, if one is there.
fn page(bytes: &[u8]) -> Option<usize> {
    let segments = usize::from(*bytes.get(PAGE_HEADER - 1)?);
    let body: usize =
        bytes.get(PAGE_HEADER..PAGE_HEADER + segments)?.iter().map(|&length| usize::from(length)).sum();
    let length = PAGE_HEADER + segments + body;
    (bytes.starts_with(b"OggS") && length <= bytes.len()).then_some(length)
}
