//! Ogg with Opus or Vorbis: a walk from page to page.
//!
//! Every page must be whole, have the right checksum and follow the one before, up to the end-of-stream flag (RFC
//! 3533). The length is what the last page's position says, less where the stream starts, and never more than the
//! packets hold: each says in its first bytes how much sound is in it.

mod coding;
mod opus;
mod page;
mod vorbis;

use self::coding::Coding;
use self::opus::Opus;
use self::page::{FIRST, LAST, NO_GRANULE, Page};
use self::vorbis::Vorbis;
use crate::recording::{Kind, Recording, Refusal, length};

/// Whether the first bytes are those of an Ogg page.
pub(crate) fn claims(bytes: &[u8]) -> bool {
    bytes.starts_with(b"OggS")
}

pub(crate) fn inspect(bytes: &[u8]) -> Result<Recording, Refusal> {
    let first = Page::read(bytes, 0)?;
    if !first.is(FIRST) {
        return Err(Refusal::broken("the Ogg lacks its beginning"));
    }
    match first.body {
        [b'O', b'p', b'u', b's', b'H', b'e', b'a', b'd', ..] => {
            measure(bytes, Opus::read(first.body)?, first)
        }
        [0x01, b'v', b'o', b'r', b'b', b'i', b's', ..] => measure(bytes, Vorbis::read(first.body)?, first),
        [0x7F, b'F', b'L', b'A', b'C', ..] => Err(Refusal::unsupported("Ogg with FLAC is not taken")),
        [b'S', b'p', b'e', b'e', b'x', ..] => Err(Refusal::unsupported("Ogg with Speex is not taken")),
        _ => Err(Refusal::unsupported("Ogg with an unknown codec is not taken")),
    }
}

fn measure<C: Coding>(bytes: &[u8], mut coding: C, first: Page<'_>) -> Result<Recording, Refusal> {
    match sound(bytes, &mut coding, first)?.samples().checked_sub(coding.skip()) {
        None | Some(0) => Err(Refusal::broken("the Ogg holds no audio")),
        Some(samples) => {
            Ok(Recording { kind: Kind::Ogg, codec: C::CODEC, duration: length(samples, coding.rate()) })
        }
    }
}

/// The sound of a stream, once all its pages are found to be in order.
fn sound(bytes: &[u8], coding: &mut impl Coding, first: Page<'_>) -> Result<Sound, Refusal> {
    let mut sound = Sound::default();
    let mut in_headers = true;
    let mut page = first;
    while !page.is(LAST) {
        let at = page.end;
        if at == bytes.len() {
            return Err(Refusal::broken("the Ogg is cut off: no page is marked as its last"));
        }
        let next = Page::read(bytes, at)?;
        if next.serial != page.serial || next.is(FIRST) {
            return Err(Refusal::unsupported("Ogg with more than one stream is not taken"));
        }
        if !next.follows(&page) {
            return Err(Refusal::broken(format!("the Ogg is damaged: pages are missing before byte {at}")));
        }
        if in_headers {
            in_headers = !coding.header(&next)?;
        } else if !sound.add(&next, coding) {
            return Err(Refusal::broken(format!("the Ogg is damaged: its time runs backwards at byte {at}")));
        }
        page = next;
    }
    if page.open {
        return Err(Refusal::broken("the Ogg is cut off: its last packet has no end"));
    }
    if page.end == bytes.len() {
        return Ok(sound);
    }
    Err(if Page::read(bytes, page.end)?.is(FIRST) {
        Refusal::unsupported("Ogg with more than one stream is not taken")
    } else {
        Refusal::broken("the Ogg goes on after its last page")
    })
}

/// How much sound the pages hold so far, in samples.
#[derive(Default)]
struct Sound {
    /// In the packet that goes on in the next page.
    open: u64,
    /// In all packets before that.
    ended: u64,
    /// The positions at which the sound starts and ends.
    span: Option<(i64, i64)>,
}

impl Sound {
    /// Takes in a page; not if its position is before that of an earlier one.
    fn add(&mut self, page: &Page<'_>, coding: &mut impl Coding) -> bool {
        for (begins, ends, segment) in page.segments() {
            if begins {
                self.open = coding.samples(segment);
            }
            if ends {
                self.ended += std::mem::take(&mut self.open);
            }
        }
        if page.granule == NO_GRANULE {
            return true;
        }
        // A stream cut out of a longer one does not start at 0 (RFC 7845, section 4.3; Vorbis I, section A.2).
        let ended = i64::try_from(self.ended).unwrap_or(i64::MAX);
        let (start, end) = self.span.unwrap_or((page.granule.saturating_sub(ended).max(0), 0));
        self.span = Some((start, page.granule));
        // The last page alone may go back, to take off what the last packet was filled up with (section 4.4).
        page.granule >= end || page.is(LAST)
    }

    /// What is played, and what Opus skips at the start. A position beyond the packets is a claim without sound.
    fn samples(&self) -> u64 {
        let (start, end) = self.span.unwrap_or_default();
        u64::try_from(end.saturating_sub(start)).unwrap_or(0).min(self.ended)
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test may fail by indexing, as it may by unwrapping")]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::page::{CONTINUED, page, seal};
    use super::*;
    use crate::Codec;
    use crate::tests;

    /// A packet of one frame of 20 ms, 960 samples (RFC 6716, table 2: configuration 1, code 0).
    const PACKET: [u8; 3] = [1 << 3, 0xAA, 0xBB];

    fn head(pre_skip: u16) -> Vec<u8> {
        let [low, high] = pre_skip.to_le_bytes();
        [&b"OpusHead\x01\x01"[..], &[low, high], &16_000_u32.to_le_bytes(), &[0, 0, 0]].concat()
    }

    /// The two pages before the sound.
    fn headers(pre_skip: u16) -> Vec<Vec<u8>> {
        let tags = b"OpusTags\x04\0\0\0test\0\0\0\0";
        vec![page(FIRST, 0, 0, &[&head(pre_skip)], false), page(0, 0, 1, &[tags], false)]
    }

    /// A stream of pages of so many packets each, its granule positions beginning and ending as said.
    fn opus(pre_skip: u16, start: i64, pages: &[usize], end: i64) -> Vec<Vec<u8>> {
        let mut stream = headers(pre_skip);
        let mut granule = start;
        for (index, &packets) in pages.iter().enumerate() {
            granule += 960 * i64::try_from(packets).unwrap();
            let last = index + 1 == pages.len();
            let (flags, granule) = if last { (LAST, end) } else { (0, granule) };
            stream.push(page(
                flags,
                granule,
                u32::try_from(index).unwrap() + 2,
                &vec![&PACKET[..]; packets],
                false,
            ));
        }
        stream
    }

    fn samples(pages: &[Vec<u8>]) -> u128 {
        let recording = crate::inspect(&pages.concat()).unwrap();
        assert_eq!((recording.kind, recording.codec), (Kind::Ogg, Codec::Opus));
        (recording.duration.as_nanos() * 48_000).div_ceil(1_000_000_000)
    }

    fn broken(pages: &[Vec<u8>]) -> String {
        tests::broken(&pages.concat())
    }

    fn unsupported(pages: &[Vec<u8>]) -> String {
        tests::unsupported(&pages.concat())
    }

    #[test]
    fn opus_is_as_long_as_its_last_position_less_the_pre_skip() {
        assert_eq!(samples(&opus(312, 0, &[50, 50, 3], 98_500)), 98_500 - 312);
        assert_eq!(samples(&opus(312, 0, &[2], 1_500)), 1_500 - 312);
    }

    #[test]
    fn a_stream_that_does_not_start_at_zero_is_measured_from_its_start() {
        assert_eq!(samples(&opus(312, 1_000_000, &[50, 50], 1_095_000)), 95_000 - 312);
    }

    #[test]
    fn a_position_beyond_the_sound_that_is_there_adds_nothing() {
        assert_eq!(samples(&opus(0, 0, &[50, 50], i64::MAX)), 96_000);
    }

    #[test]
    fn an_empty_last_page_still_trims_the_end() {
        let mut pages = opus(312, 0, &[50, 50], 0);
        pages[3] = page(0, 96_000, 3, &[&PACKET[..]; 50], false);
        pages.push(page(LAST, 95_500, 4, &[], false));
        assert_eq!(samples(&pages), 95_500 - 312);
    }

    #[test]
    fn time_that_runs_backwards_is_broken() {
        let mut pages = opus(312, 0, &[50, 50, 50], 144_000);
        pages[3] = page(0, 47_000, 3, &[&PACKET[..]; 50], false);
        assert!(broken(&pages).contains("runs backwards"));
        pages[3] = page(0, -2, 3, &[&PACKET[..]; 50], false);
        assert!(broken(&pages).contains("runs backwards"));
    }

    #[test]
    fn a_packet_may_go_on_over_pages() {
        let long = [&PACKET[..1], &[0xCC; 509][..]].concat();
        let mut pages = headers(0);
        pages.push(page(0, NO_GRANULE, 2, &[&long], true));
        pages.push(page(CONTINUED | LAST, 1_920, 3, &[&[0xDD; 100], &PACKET], false));
        assert_eq!(samples(&pages), 1_920);
        pages[3] = page(LAST, 1_920, 3, &[&[0xDD; 100], &PACKET], false);
        assert!(broken(&pages).contains("damaged"));
    }

    #[test]
    fn an_ogg_without_its_last_page_is_broken() {
        let pages = opus(312, 0, &[50, 50, 50], 144_000);
        assert!(broken(&pages[..4]).contains("no page is marked as its last"));
        let mut pages = headers(0);
        pages.push(page(LAST, 960, 2, &[&[PACKET[0]; 510]], true));
        assert!(broken(&pages).contains("last packet has no end"));
    }

    #[test]
    fn an_ogg_with_a_page_missing_or_damaged_is_broken() {
        let mut pages = opus(312, 0, &[50, 50, 50], 144_000);
        pages[3][40] ^= 1;
        assert!(broken(&pages).contains("damaged in the page at byte"));
        pages.remove(3);
        assert!(broken(&pages).contains("pages are missing"));
        assert!(broken(&pages[1..]).contains("lacks its beginning"));
    }

    #[test]
    fn an_ogg_with_rubbish_behind_its_last_page_is_broken() {
        let mut pages = opus(312, 0, &[50], 48_000);
        pages.push(b"rubbish".to_vec());
        assert!(broken(&pages).contains("no page begins"));
        pages[3] = page(0, 48_000, 3, &[&PACKET], false);
        assert!(broken(&pages).contains("goes on"));
    }

    #[test]
    fn an_ogg_of_several_streams_is_not_supported() {
        let pages = opus(312, 0, &[50], 48_000);
        assert!(unsupported(&[&pages[..], &pages[..]].concat()).contains("more than one stream"));
        let beside = [pages[0].clone(), pages[0].clone(), pages[1].clone()];
        assert!(unsupported(&beside).contains("more than one stream"));
    }

    #[test]
    fn other_codecs_in_an_ogg_are_not_supported() {
        for (packet, name) in
            [(&b"\x7fFLAC\x01\0"[..], "FLAC"), (b"Speex   1.2", "Speex"), (b"\x80theora", "an unknown codec")]
        {
            assert!(unsupported(&[page(FIRST, 0, 0, &[packet], false)]).contains(name));
        }
    }

    #[test]
    fn an_opus_stream_with_wrong_headers_is_broken() {
        let mut pages = opus(312, 0, &[50], 48_000);
        pages[1] = page(0, 0, 1, &[b"OpusTogs"], false);
        assert!(broken(&pages).contains("comments are missing"));
        for (at, value) in [(8, 16), (9, 0)] {
            let mut head = head(312);
            head[at] = value;
            pages[0] = page(FIRST, 0, 0, &[&head], false);
            assert!(broken(&pages).contains("header is damaged"));
        }
    }

    #[test]
    fn an_ogg_without_sound_is_broken() {
        let mut pages = headers(312);
        pages.push(page(LAST, 0, 2, &[], false));
        broken(&pages);
        assert!(broken(&opus(960, 0, &[1], 960)).contains("no audio"));
        assert!(broken(&opus(u16::MAX, 0, &[1], 960)).contains("no audio"));
    }

    prop_compose! {
        fn good()(
            pre_skip in 0..960_u16, start in 0..100_000_i64, packets in prop::collection::vec(1..6_usize, 2..6),
            trim in 0..960_i64,
        ) -> (Vec<Vec<u8>>, i64) {
            let coded = 960 * i64::try_from(packets.iter().sum::<usize>()).unwrap();
            let pages = opus(pre_skip, start, &packets, start + coded - trim);
            (pages, coded - trim - i64::from(pre_skip))
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_good_ogg_is_measured_and_every_strict_prefix_of_it_is_refused((pages, length) in good()) {
            prop_assume!(length > 0);
            prop_assert_eq!(samples(&pages), u128::try_from(length).unwrap());
            let bytes = pages.concat();
            for end in 0..bytes.len() {
                prop_assert!(crate::inspect(&bytes[..end]).is_err(), "{} of {} bytes", end, bytes.len());
            }
        }

        /// The checksums are made good again: what is inside the pages has to be met, too.
        #[test]
        fn a_damaged_ogg_is_answered_without_a_panic(
            (mut pages, _) in good(),
            damage in prop::collection::vec((any::<Index>(), any::<Index>(), any::<u8>()), 1..8),
            sealed in any::<bool>(),
        ) {
            for (page, at, value) in damage {
                let page = page.get_mut(&mut pages);
                let at = at.index(page.len());
                page[at] = value;
                if sealed {
                    seal(page);
                }
            }
            let _ = crate::inspect(&pages.concat());
        }
    }
}
