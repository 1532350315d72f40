//! Numbers of every region whose dialling rules the library knows, in the spellings that people and platforms give them.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use domain::{BareNumbers, Caller, Country, NumberingPlan, Reading};
use proptest::prelude::*;
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, PhoneNumberType, Region};

/// What the table says of a region: `ambiguous.tsv` tells how it was made.
struct Row {
    code: &'static str,
    has_trunk_prefix: bool,
    counts: &'static str,
    ambiguous: Vec<&'static str>,
}

fn table() -> BTreeMap<&'static str, Row> {
    let lines = include_str!("ambiguous.tsv").lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let columns: Vec<_> = line.split('\t').collect();
            let ambiguous = columns[4].split(' ').filter(|digits| *digits != "-").collect();
            let row =
                Row { code: columns[1], has_trunk_prefix: columns[2] != "-", counts: columns[3], ambiguous };
            (columns[0], row)
        })
        .collect()
}

fn plan(region: &str, bare_numbers: BareNumbers) -> NumberingPlan {
    NumberingPlan { country: region.parse::<Country>().unwrap(), bare_numbers }
}

fn auto(region: &str) -> NumberingPlan {
    plan(region, BareNumbers::Auto)
}

fn e164(number: &PhoneNumber) -> String {
    number.format_as(PhoneNumberFormat::E164).into_owned()
}

fn is_valid(e164: &str) -> bool {
    PhoneNumber::parse(e164, None).is_ok_and(|number| number.is_valid() && self::e164(&number) == e164)
}

/// A landline and a mobile of a region, in E.164 with their national spelling.
fn examples(region: &str) -> Vec<(String, String)> {
    let region: Region = region.parse().unwrap();
    let example = |kind| {
        let number = PHONE_NUMBER_UTIL.get_example_number_for_type_and_region(region, kind).ok()?;
        Some((e164(&number), number.format_as(PhoneNumberFormat::National).into_owned()))
    };
    [PhoneNumberType::FixedLine, PhoneNumberType::Mobile].into_iter().filter_map(example).collect()
}

/// Who a deposit and a request both read, where they agree.
fn read(spelling: &str, plan: NumberingPlan) -> Option<String> {
    let deposited = Caller::read(spelling, plan)?;
    let requested = Caller::requested(spelling, plan).ok()?;
    (requested == [deposited.clone()]).then(|| deposited.reveal().to_owned())
}

fn in_digits_of(text: &str, zero: char) -> String {
    let digit = |c: char| c.to_digit(10).and_then(|digit| char::from_u32(zero as u32 + digit)).unwrap_or(c);
    text.chars().map(digit).collect()
}

#[test]
fn the_numbers_of_every_region_are_read_in_ten_spellings_by_deposit_and_by_request() {
    let (mut count, mut wrong, mut only_dialled_otherwise) = (0, Vec::new(), Vec::new());
    for (region, row) in table() {
        for (number, national) in examples(region) {
            let rest = number.strip_prefix('+').and_then(|digits| digits.strip_prefix(row.code)).unwrap();
            let dialled_abroad = PhoneNumber::parse(&number, None)
                .unwrap()
                .format_out_of_country_calling_number(if region == "DE" { Region::FR } else { Region::DE })
                .into_owned();
            let mut spellings = vec![
                number.clone(),
                format!("({}) {}", &number[..number.len() - rest.len()], rest),
                format!("+{}\u{2011}{}\u{2013}{}", row.code, &rest[..2], &rest[2..]),
                format!("\u{202a}+{}\u{a0}{rest}\u{202c}", row.code),
                in_digits_of(&number, '\u{ff10}'),
                in_digits_of(&number, '\u{660}'),
                format!("tel:{number};ext=5"),
                format!("\"A. Caller\" <sip:{number}@pbx.example;user=phone>;tag=1"),
                format!("Tel.: {number} ext. 5"),
                format!("'{number}"),
            ];
            // As people of the region write it: where the library itself reads that back.
            let region_of_it: Region = region.parse().unwrap();
            match PhoneNumber::parse(&national, Some(region_of_it)) {
                Ok(read) if e164(&read) == number => spellings.push(national),
                _ => only_dialled_otherwise.push((region, national)),
            }
            for spelling in spellings {
                count += 1;
                let found = read(&spelling, auto(region));
                if found.as_ref() != Some(&number) {
                    wrong.push(format!("{region} {spelling:?}: {found:?}, not {number}"));
                }
            }
            // As somebody in another country dials it.
            let abroad = auto(if region == "DE" { "FR" } else { "DE" });
            if read(&dialled_abroad, abroad).as_ref() != Some(&number) && dialled_abroad.starts_with("00") {
                wrong.push(format!("{region} {dialled_abroad:?} from abroad: not {number}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 4000, "{count}");
    assert!(only_dialled_otherwise.len() < 12, "{only_dialled_otherwise:?}");
}

#[test]
fn bare_digits_with_the_countrys_code_are_international_or_national_as_the_table_says_and_the_other_is_told()
{
    for (region, row) in table() {
        for (number, _) in examples(region) {
            let digits = number.strip_prefix('+').unwrap();
            let at_home = format!("+{}{digits}", row.code);
            let is_home = row.counts == "national" && is_valid(&at_home);
            let (expected, other) = if is_home { (&at_home, &number) } else { (&number, &at_home) };
            assert_eq!(read(digits, auto(region)).as_ref(), Some(expected), "{region} {digits}");
            let others = Caller::read(digits, auto(region)).unwrap().counterparts(auto(region));
            let is_told = others.iter().any(|it| it.reveal() == other);
            assert_eq!(is_told, is_valid(other), "{region} {digits}");
            let set = |bare_numbers| read(digits, plan(region, bare_numbers));
            assert_eq!(set(BareNumbers::International).as_ref(), Some(&number), "{region} {digits}");
            if is_valid(&at_home) && row.counts != "same" {
                assert_eq!(set(BareNumbers::National), Some(at_home), "{region} {digits}");
            }
        }
        for digits in row.ambiguous {
            let reading = Reading::of(digits, auto(region)).unwrap();
            let (abroad, home) = (format!("+{digits}"), format!("+{}{digits}", row.code));
            let (counts, other) = if row.has_trunk_prefix { (abroad, home) } else { (home, abroad) };
            assert!(reading.has_two_readings, "{region} {digits}");
            assert_eq!(reading.caller.reveal(), counts, "{region} {digits}");
            let others = reading.caller.counterparts(auto(region));
            assert!(others.iter().any(|it| it.reveal() == other), "{region} {digits}");
        }
    }
}

/// Spellings of a number, made without the reader: how it is marked, what stands between its digits and around it.
fn spelling() -> impl Strategy<Value = (String, String)> {
    let numbers: Vec<(String, String)> = table()
        .keys()
        .flat_map(|region| examples(region).into_iter().map(|(number, _)| ((*region).to_owned(), number)))
        .collect();
    let between = prop::sample::select(vec![
        "", "", "", " ", "-", ".", "/", "\u{a0}", "\u{2011}", "\u{2009}", "\u{ad}", "\u{200b}", ") (",
        "\u{2212}",
    ]);
    let around = prop::sample::select(vec![
        ("", ""),
        (" ", "\t"),
        ("'", ""),
        ("Tel. ", ""),
        ("Phone: ", ""),
        ("Mobil ", ""),
        ("\u{202a}", "\u{202c}"),
        ("\u{feff}", ""),
        ("tel:", ""),
        ("TEL:", ";ext=12"),
        ("callto:", ""),
        ("sip:", "@pbx.example"),
        ("<sips:", "@pbx.example:5061>;tag=7"),
        ("", " ext. 12"),
        ("", " x12"),
        ("/", ""),
        ("\"B\" <tel:", ">"),
        ("", " (mobil)"),
    ]);
    let zeros =
        prop::sample::select(vec!['0', '0', '\u{ff10}', '\u{660}', '\u{966}', '\u{e50}', '\u{1d7ce}']);
    let plus = prop::sample::select(vec!["+", "\u{ff0b}", "(+", "+ "]);
    let gaps = prop::collection::vec(between, 20);
    (prop::sample::select(numbers), gaps, around, zeros, plus).prop_map(
        |((region, number), gaps, (before, behind), zero, plus)| {
            let digits = number.trim_start_matches('+');
            let length = digits.len();
            // A `/` before the last one or two digits makes a range of extensions.
            let gap = |at: usize, gap| if gap == "/" && at + 3 >= length { "-" } else { gap };
            let spread = digits.chars().zip(gaps).enumerate();
            let spread: String =
                spread.map(|(at, (digit, between))| format!("{digit}{}", gap(at, between))).collect();
            let spread = in_digits_of(spread.trim_end_matches(|c: char| !c.is_ascii_digit()), zero);
            (region + " " + &number, format!("{before}{plus}{spread}{behind}"))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_spelling_of_a_number_finds_it((whose, spelling) in spelling()) {
        let (region, number) = whose.split_once(' ').unwrap();
        let found = read(&spelling, auto(region));
        prop_assert_eq!(found.as_deref(), Some(number), "{:?}", spelling);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bare_digits_have_two_readings_only_where_the_table_has_such(region in prop::sample::select(table().into_keys().collect::<Vec<_>>()), rest in "[0-9]{4,11}") {
        let row = &table()[region];
        let digits = format!("{}{rest}", row.code);
        if Reading::of(&digits, auto(region)).is_some_and(|reading| reading.has_two_readings) {
            prop_assert!(!row.ambiguous.is_empty(), "{} {}", region, digits);
            let both = [format!("+{digits}"), format!("+{}{digits}", row.code)];
            let can_be = |number: &String| PhoneNumber::parse(number, None).is_ok_and(|number| number.is_valid());
            prop_assert!(both.iter().all(can_be), "{:?}", both);
        }
    }

    #[test]
    fn whoever_is_stored_for_a_number_without_its_plus_is_that_caller_or_told_as_perhaps(
        region in prop::sample::select(table().into_keys().collect::<Vec<_>>()),
        (whose, _) in spelling(),
        bare_numbers in prop::sample::select(vec![BareNumbers::Auto, BareNumbers::International, BareNumbers::National]),
    ) {
        let (_, number) = whose.split_once(' ').unwrap();
        let plan = plan(region, bare_numbers);
        let caller = Caller::read(number, plan).unwrap();
        if let Some(stored) = Caller::read(number.trim_start_matches('+'), plan) {
            let is_told = stored == caller || caller.counterparts(plan).contains(&stored) || !is_valid(stored.reveal());
            prop_assert!(is_told, "{} in {}: {}", number, region, stored.reveal());
        }
    }
}
