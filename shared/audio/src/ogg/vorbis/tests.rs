#![expect(clippy::indexing_slicing, reason = "a test may fail by indexing, as it may by unwrapping")]

use proptest::prelude::*;
use proptest::sample::Index;

use super::super::page::{CONTINUED, FIRST, LAST, NO_GRANULE, page, seal};
use super::*;
use crate::{Kind, inspect, tests};

/// A block of 256 and one of 2,048 samples.
const BLOCKS: u8 = 0xB8;
/// A packet in the first of two modes, and one in the second.
const SHORT: &[u8] = &[0b00, 0xAA];
const LONG: &[u8] = &[0b10, 0xBB, 0xCC];

fn identification(channels: u8, rate: u32, blocks: u8) -> Vec<u8> {
    [&b"\x01vorbis\0\0\0\0"[..], &[channels], &rate.to_le_bytes(), &[0; 12], &[blocks, 1]].concat()
}

/// A setup header that ends in these modes.
fn setup(long: &[bool]) -> Vec<u8> {
    let bits = |value: usize, count: usize| (0..count).map(move |bit| value >> bit & 1 == 1);
    let mut end: Vec<bool> = bits(long.len() - 1, COUNT).collect();
    for (mode, &long) in long.iter().enumerate() {
        end.extend(bits(usize::from(long), 33).chain(bits(mode, 8)));
    }
    end.push(true);
    let end = end.chunks(8).map(|byte| byte.iter().rev().fold(0, |value, &bit| value << 1 | u8::from(bit)));
    b"\x05vorbis".iter().copied().chain([0xFF; 600]).chain(end).collect()
}

/// The two pages before the sound.
fn headers(long: &[bool]) -> Vec<Vec<u8>> {
    let comments = b"\x03vorbis\x04\0\0\0test\0\0\0\0\x01";
    vec![
        page(FIRST, 0, 0, &[&identification(1, 8_000, BLOCKS)], false),
        page(0, 0, 1, &[comments, &setup(long)], false),
    ]
}

/// A stream with each page's packets and position as given.
fn vorbis(pages: &[(&[&[u8]], i64)]) -> Vec<Vec<u8>> {
    let mut stream = headers(&[false, true]);
    for (index, (packets, granule)) in pages.iter().enumerate() {
        let flags = if index + 1 == pages.len() { LAST } else { 0 };
        stream.push(page(flags, *granule, u32::try_from(index).unwrap() + 2, packets, false));
    }
    stream
}

fn samples(pages: &[Vec<u8>]) -> u128 {
    let recording = inspect(&pages.concat()).unwrap();
    assert_eq!((recording.kind, recording.codec), (Kind::Ogg, Codec::Vorbis));
    recording.duration.as_nanos() * 8_000 / 1_000_000_000
}

fn broken(pages: &[Vec<u8>]) -> String {
    tests::broken(&pages.concat())
}

#[test]
fn vorbis_is_as_long_as_its_last_position() {
    // 576 where the blocks differ, 1,024 between long ones, 128 between short ones.
    assert_eq!(samples(&vorbis(&[(&[SHORT, LONG, LONG], 1_600), (&[SHORT, SHORT], 2_304)])), 2_304);
    assert_eq!(samples(&vorbis(&[(&[SHORT, LONG, LONG], 1_600), (&[SHORT, SHORT], 2_300)])), 2_300);
    assert_eq!(samples(&vorbis(&[(&[LONG, LONG], 1_000)])), 1_000);
}

#[test]
fn vorbis_that_does_not_start_at_zero_is_measured_from_its_start() {
    let far = 1_000_000_000_000;
    let pages = vorbis(&[(&[SHORT, LONG, LONG], far + 1_600), (&[LONG], far + 2_624)]);
    assert_eq!(samples(&pages), 2_624);
}

#[test]
fn a_position_before_the_sound_of_the_first_page_takes_off_its_start() {
    assert_eq!(samples(&vorbis(&[(&[SHORT, LONG, LONG], 1_500), (&[LONG], 2_524)])), 2_524);
}

#[test]
fn a_position_beyond_the_sound_that_is_there_adds_nothing() {
    for claim in [1_000_000_000_000, i64::MAX] {
        assert_eq!(samples(&vorbis(&[(&[SHORT, LONG, LONG], 1_600), (&[LONG], claim)])), 2_624);
        assert_eq!(samples(&vorbis(&[(&[SHORT, LONG, LONG], claim), (&[LONG], claim)])), 1_600);
    }
}

#[test]
fn packets_that_are_no_audio_hold_no_sound() {
    let pages = vorbis(&[(&[SHORT, LONG, &[0b11, 0], &[], LONG], i64::from(i32::MAX)), (&[], i64::MAX)]);
    assert_eq!(samples(&pages), 1_600);
}

#[test]
fn as_many_modes_as_there_can_be_are_read() {
    for count in [1, 2, 3, 5, 32, 63, 64] {
        let long: Vec<_> = (0..count).map(|mode| mode % 3 == 0).collect();
        let modes = Modes::read(&setup(&long)).unwrap();
        assert_eq!(modes.count, count);
        for (mode, &long) in (0..).zip(&long) {
            assert_eq!(modes.is_long(mode << 1), Some(long), "mode {mode} of {count}");
            assert_eq!(modes.is_long(mode << 1 | 1), None);
        }
    }
    assert_eq!(Modes::read(&setup(&[true; 5])).unwrap().is_long(5 << 1), None);
}

#[test]
fn headers_may_go_on_over_pages() {
    let comments = [&b"\x03vorbis"[..], &[b'c'; 503]].concat();
    let setup = setup(&[false, true]);
    let (before, after) = setup.split_at(255);
    let pages = [
        headers(&[true])[0].clone(),
        page(0, NO_GRANULE, 1, &[&comments], true),
        page(CONTINUED, 0, 2, &[&[b'c'; 10], before], true),
        page(CONTINUED, 0, 3, &[after], false),
        page(LAST, 1_600, 4, &[SHORT, LONG, LONG], false),
    ];
    assert_eq!(samples(&pages), 1_600);
}

#[test]
fn vorbis_without_its_three_headers_is_broken() {
    let good = vorbis(&[(&[SHORT, LONG, LONG], 1_600)]);
    let (comments, setup) = (&b"\x03vorbis\0\0\0\0\0\0\0\0\x01"[..], &setup(&[false, true])[..]);
    for packets in
        [&[setup, comments][..], &[comments, SHORT], &[comments, comments], &[comments, setup, SHORT]]
    {
        let pages = [good[0].clone(), page(0, 0, 1, packets, false), good[2].clone()];
        assert!(broken(&pages).contains("not the three"));
    }
    let pages = [good[0].clone(), page(0, 0, 1, &[comments], false), page(LAST, 1_600, 2, &[SHORT], false)];
    assert!(broken(&pages).contains("not the three"));
    for setup in [&b"\x05vorbis"[..], b"\x05vorbis\0\0\0\0\x01", &[b"\x05vorbis", &[0xFF; 300][..]].concat()]
    {
        let pages = [good[0].clone(), page(0, 0, 1, &[comments, setup], false), good[2].clone()];
        assert!(broken(&pages).contains("setup is damaged"));
    }
}

#[test]
fn an_identification_header_that_cannot_be_is_broken() {
    let mut pages = vorbis(&[(&[SHORT, LONG, LONG], 1_600)]);
    let mut version = identification(1, 8_000, BLOCKS);
    version[7] = 1;
    for header in [
        identification(0, 8_000, BLOCKS),
        identification(1, 0, BLOCKS),
        identification(1, 8_000, 0xB5),
        identification(1, 8_000, 0x8B),
        identification(1, 8_000, 0xEB),
        identification(1, 8_000, BLOCKS)[..29].to_vec(),
        b"\x01vorbis".to_vec(),
        version,
    ] {
        pages[0] = page(FIRST, 0, 0, &[&header], false);
        assert!(broken(&pages).contains("header is damaged"));
    }
}

#[test]
fn vorbis_without_its_last_page_or_without_sound_is_broken() {
    let pages = vorbis(&[(&[SHORT, LONG], 576), (&[LONG], 1_600)]);
    assert!(broken(&pages[..3]).contains("no page is marked as its last"));
    assert!(broken(&vorbis(&[(&[LONG], 0)])).contains("no audio"));
    assert!(broken(&vorbis(&[(&[], 0)])).contains("no audio"));
    assert!(broken(&vorbis(&[(&[LONG, LONG], -5)])).contains("no audio"));
}

prop_compose! {
    /// A good stream and how many samples it holds.
    fn good()(
        start in 0..100_000_u64, trim in 0..500_u64,
        blocks in prop::collection::vec(prop::collection::vec(any::<bool>(), 2..6), 2..5),
    ) -> (Vec<Vec<u8>>, u64) {
        let size = |long: bool| if long { 2_048 } else { 256 };
        let (mut position, mut before) = (start, None);
        let mut pages = headers(&[false, true]);
        for (index, page_blocks) in blocks.iter().enumerate() {
            for &long in page_blocks {
                position += before.replace(size(long)).map_or(0, |before| before / 4 + size(long) / 4);
            }
            let last = index + 1 == blocks.len();
            let packets: Vec<_> = page_blocks.iter().map(|&long| if long { LONG } else { SHORT }).collect();
            let granule = i64::try_from(position - if last { trim.min(200) } else { 0 }).unwrap();
            let sequence = u32::try_from(index).unwrap() + 2;
            pages.push(page(if last { LAST } else { 0 }, granule, sequence, &packets, false));
        }
        (pages, position - trim.min(200) - start)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_good_vorbis_is_measured_and_every_strict_prefix_of_it_is_refused((pages, length) in good()) {
        prop_assert_eq!(samples(&pages), u128::from(length));
        let bytes = pages.concat();
        for end in 0..bytes.len() {
            prop_assert!(inspect(&bytes[..end]).is_err(), "{} of {} bytes", end, bytes.len());
        }
    }

    /// The checksums are made good again: what is inside the pages has to be met, too.
    #[test]
    fn a_damaged_vorbis_is_answered_without_a_panic(
        (mut pages, _) in good(), sealed in any::<bool>(),
        damage in prop::collection::vec((any::<Index>(), any::<Index>(), any::<u8>()), 1..8),
    ) {
        for (page, at, value) in damage {
            let page = page.get_mut(&mut pages);
            let at = at.index(page.len());
            page[at] = value;
            if sealed {
                seal(page);
            }
        }
        let _ = inspect(&pages.concat());
    }

    #[test]
    fn whatever_the_setup_header_ends_with_is_answered_without_a_panic(
        zeros in 0..TAIL, rest in prop::collection::vec(any::<u8>(), 0..40), first in any::<u8>(),
    ) {
        if let Some(modes) = Modes::read(&[vec![0; zeros], rest].concat()) {
            let _ = modes.is_long(first);
        }
    }
}
