//! One page of an Ogg stream (RFC 3533, section 6).

use crate::bytes::bytes_at;
use crate::recording::Refusal;

/// The fixed part of a page's header, before the lengths of its segments.
const PAGE_HEADER: usize = 27;
/// Where in the header the checksum is, which counts as zeros in its own calculation.
const CHECKSUM: usize = 22;
/// A page's flag: its first packet began on the page before.
pub(super) const CONTINUED: u8 = 0x01;
/// A page's flag: the stream begins here.
pub(super) const FIRST: u8 = 0x02;
/// A page's flag: the stream ends here.
pub(super) const LAST: u8 = 0x04;
/// The granule position of a page on which no packet ends.
pub(super) const NO_GRANULE: i64 = -1;

/// One page, whole and with the right checksum.
pub(super) struct Page<'a> {
    flags: u8,
    /// How much has been coded when the last packet that ends here is over, in samples.
    pub(super) granule: i64,
    pub(super) serial: u32,
    sequence: u32,
    /// Whether its last packet goes on in the next page.
    pub(super) open: bool,
    /// The lengths of the segments; one of less than 255 bytes ends a packet.
    segments: &'a [u8],
    pub(super) body: &'a [u8],
    /// Where the next page begins.
    pub(super) end: usize,
}

impl<'a> Page<'a> {
    pub(super) fn read(bytes: &'a [u8], at: usize) -> Result<Self, Refusal> {
        let rest = bytes.get(at..).unwrap_or_default();
        // The fifth byte is the version; 0 is the only one there is.
        if !rest.starts_with(b"OggS\0") {
            return Err(Refusal::broken(format!(
                "the Ogg is damaged or cut off: no page begins at byte {at}"
            )));
        }
        let cut_off = || Refusal::broken(format!("the Ogg is cut off in the page at byte {at}"));
        let (page, checksum) = Self::parse(rest, at).ok_or_else(cut_off)?;
        if checksum_of(rest.get(..page.end - at).ok_or_else(cut_off)?) != checksum {
            return Err(Refusal::broken(format!("the Ogg is damaged in the page at byte {at}")));
        }
        Ok(page)
    }

    /// The page and the checksum that it should have; nothing if the bytes end before it does.
    fn parse(rest: &'a [u8], at: usize) -> Option<(Self, u32)> {
        let [segments] = bytes_at(rest, PAGE_HEADER - 1)?;
        let body_at = PAGE_HEADER + usize::from(segments);
        let segments = rest.get(PAGE_HEADER..body_at)?;
        let body_len = segments.iter().map(|&length| usize::from(length)).sum();
        let body = rest.get(body_at..)?.get(..body_len)?;
        let [flags] = bytes_at(rest, 5)?;
        let page = Self {
            flags,
            granule: i64::from_le_bytes(bytes_at(rest, 6)?),
            serial: u32::from_le_bytes(bytes_at(rest, 14)?),
            sequence: u32::from_le_bytes(bytes_at(rest, 18)?),
            open: segments.last() == Some(&u8::MAX),
            segments,
            body,
            end: at + body_at + body_len,
        };
        Some((page, u32::from_le_bytes(bytes_at(rest, CHECKSUM)?)))
    }

    pub(super) fn is(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The segments in their order: whether one begins a packet, whether it ends one, and its bytes.
    pub(super) fn segments(&self) -> impl Iterator<Item = (bool, bool, &'a [u8])> {
        let mut begins = !self.is(CONTINUED);
        let mut rest = self.body;
        self.segments.iter().map(move |&length| {
            let (segment, after) = rest.split_at_checked(usize::from(length)).unwrap_or_default();
            let ends = length < u8::MAX;
            let item = (begins, ends, segment);
            (begins, rest) = (ends, after);
            item
        })
    }

    /// Whether this page may come after another one of the same stream.
    pub(super) fn follows(&self, before: &Self) -> bool {
        self.sequence == before.sequence.wrapping_add(1) && self.is(CONTINUED) == before.open
    }
}

/// What a byte does to the checksum: CRC-32 with the polynomial 0x04C11DB7, first bit first, from 0, not inverted.
#[expect(clippy::indexing_slicing, reason = "the index stays below the table's length")]
const CRC: [u32; 256] = {
    let mut table = [0; 256];
    let (mut index, mut byte) = (0, 0_u32);
    while index < table.len() {
        let mut crc = byte << 24;
        let mut bit = 0;
        while bit < 8 {
            crc = crc << 1 ^ if crc >> 31 == 1 { 0x04C1_1DB7 } else { 0 };
            bit += 1;
        }
        table[index] = crc;
        (index, byte) = (index + 1, byte + 1);
    }
    table
};

/// The checksum of a page, for which the checksum in it counts as zeros.
fn checksum_of(page: &[u8]) -> u32 {
    let (before, rest) = page.split_at(CHECKSUM);
    let counted = before.iter().chain(&[0; 4]).chain(rest.get(4..).unwrap_or_default());
    counted.fold(0_u32, |crc, byte| {
        let [top, ..] = crc.to_be_bytes();
        #[expect(clippy::indexing_slicing, reason = "a byte is less than 256")]
        let step = CRC[usize::from(top ^ byte)];
        crc << 8 ^ step
    })
}

/// Makes the checksum of a page right.
#[cfg(test)]
pub(super) fn seal(page: &mut [u8]) {
    let checksum = checksum_of(page).to_le_bytes();
    page.iter_mut().skip(CHECKSUM).zip(checksum).for_each(|(byte, checksum)| *byte = checksum);
}

/// A page of whole packets; of the last one without its end if it is said to be open.
#[cfg(test)]
pub(super) fn page(flags: u8, granule: i64, sequence: u32, packets: &[&[u8]], open: bool) -> Vec<u8> {
    let mut segments = Vec::new();
    for packet in packets {
        segments.extend(vec![255; packet.len() / 255]);
        segments.push(u8::try_from(packet.len() % 255).unwrap());
    }
    if open {
        assert_eq!(segments.pop(), Some(0), "an open page ends with a full segment");
    }
    let mut page = [b"OggS\0".as_slice(), &[flags], &granule.to_le_bytes(), b"SERI"].concat();
    page.extend([sequence.to_le_bytes(), [0; 4]].concat());
    page.push(u8::try_from(segments.len()).unwrap());
    page.extend(segments);
    page.extend(packets.concat());
    seal(&mut page);
    page
}
