//! Digits as a number of E.164: by the tenant's dialling rules, in one of two readings where they have two.

use std::borrow::Cow;

use rlibphonenumber::{CountryCodeSource, PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat};

use super::country::{BareNumbers, Country, NumberingPlan};
use super::spelling::Spelling;
use super::withheld;

/// Old forms of numbers that can be nobody else's: the country code, what stood between it and the number, and how many
/// digits the number has.
const OLD_FORMS: [(&str, &str, usize); 1] = [
    // Mexico: the 1 of mobile telephones was abolished on 3 August 2019 (Instituto Federal de Telecomunicaciones, Plan
    // Técnico Fundamental de Numeración); no number of Mexico has eleven digits.
    ("52", "1", 10),
];

/// A number that each exit code can stand before.
const ABROAD: &str = "12015550123";
/// No exit code is longer.
const MAX_EXIT_CODE: usize = 6;

/// Digits as they were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Number {
    /// In E.164 where the library finds a number, else the digits as they came.
    pub(super) text: String,
    /// It says whether it is national or international: by a `+`, an exit code or a trunk prefix.
    pub(super) is_marked: bool,
    /// It is a number of E.164.
    pub(super) is_e164: bool,
    /// The other reading is valid, too.
    pub(super) has_two_readings: bool,
}

/// Reads a number. `None`: it stands for one that is withheld.
///
/// A zero in parentheses is no part of it (`+49 (0)30`), unless the number is valid with it: Italy's `+39 (0)6`. The context of a
/// URI stands before a number that is not international by itself.
pub(super) fn read(found: &Spelling, plan: NumberingPlan) -> Option<Number> {
    let digits = with_plus(&found.digits, plan.country);
    if let Some(context) = found.context.as_ref().filter(|_| !digits.starts_with('+')) {
        return read_digits(&format!("{context}{digits}"), plan);
    }
    let number = read_digits(&digits, plan)?;
    match &found.without_zero {
        Some(without) if !is_valid(&number.text) => read_digits(&with_plus(without, plan.country), plan),
        _ => Some(number),
    }
}

/// Reads digits, with a leading `+` where they are international.
///
/// Whether the number is valid in its country is asked only between two readings: numbers come from telephony, not from a form.
/// So the extension `5001` of a German tenant is `+495001`. What the library would read otherwise the second time is no number:
/// one caller must have one spelling.
fn read_digits(digits: &str, plan: NumberingPlan) -> Option<Number> {
    let country = plan.country;
    let is_international = digits.starts_with('+');
    let has_trunk_prefix = country.is_trunk_prefix_of(digits);
    let (e164, has_two_readings) = match plan.bare_numbers {
        _ if is_international => (as_dialled(digits, country), false),
        BareNumbers::International => (bare_international(digits, has_trunk_prefix, country), false),
        _ if has_trunk_prefix => (as_dialled(digits, country), false),
        BareNumbers::National => (national(digits, country), false),
        BareNumbers::Auto => bare(digits, country),
    };
    let is_withheld = withheld::is_number(digits)
        || e164.as_deref().is_some_and(|number| withheld::is_number(number) || is_all_zeros(number))
        || !is_international && withheld::is_bare_number(digits) && !e164.as_deref().is_some_and(is_valid);
    (!is_withheld).then(|| Number {
        is_marked: is_international || has_trunk_prefix,
        is_e164: e164.is_some(),
        text: e164.unwrap_or_else(|| digits.to_owned()),
        has_two_readings,
    })
}

/// Bare digits, and whether both readings are valid.
fn bare(digits: &str, country: Country) -> (Option<String>, bool) {
    if !digits.starts_with(&country.code()) {
        return (as_dialled(digits, country), false);
    }
    let valid = |number: Option<String>| number.filter(|number| is_valid(number));
    let (abroad, home) = (valid(international(digits)), valid(national(digits, country)));
    let has_two_readings = abroad.is_some() && home.is_some() && abroad != home;
    let number = if country.trunk_prefix.is_empty() { home.or(abroad) } else { abroad.or(home) };
    (number.or_else(|| as_dialled(digits, country)), has_two_readings)
}

/// Digits without `+` where all such are international ones; what no country can have is national, like an extension. Behind a
/// trunk prefix only what is valid as it stands: the library would take the zero out of Russia's `8 800 …`, and find Bangladesh.
fn bare_international(digits: &str, has_trunk_prefix: bool, country: Country) -> Option<String> {
    let as_it_stands = |number: &String| number.strip_prefix('+') == Some(digits) && is_valid(number);
    let abroad = international(digits).filter(|number| !has_trunk_prefix || as_it_stands(number));
    abroad.or_else(|| as_dialled(digits, country))
}

/// The numbers that the same digits are in another reading, as far as they are valid: with the country's code in front or as
/// somebody in the country dials them, and without the code where the rest begins with it, too. Where bare digits are
/// international ones, those that begin with a trunk prefix other than 0 have a national reading, too.
pub(super) fn counterparts(caller: &str, plan: NumberingPlan) -> Vec<String> {
    let is_digits = |digits: &&str| digits.bytes().all(|digit| digit.is_ascii_digit());
    let Some(digits) = caller.strip_prefix('+').filter(is_digits) else { return Vec::new() };
    let (code, trunk) = (plan.country.code(), plan.country.trunk_prefix);
    let rest = digits.strip_prefix(code.as_str());
    let is_trunk_read =
        plan.bare_numbers == BareNumbers::International && !trunk.is_empty() && !trunk.starts_with('0');
    let with_trunk = rest.filter(|_| is_trunk_read).map(|rest| format!("{trunk}{rest}"));
    let others = [
        canonical(&format!("+{code}{digits}"), None),
        as_dialled(digits, plan.country),
        rest.filter(|rest| rest.starts_with(&code)).and_then(international),
        with_trunk.and_then(|digits| bare_international(&digits, true, plan.country)),
    ];
    let mut numbers: Vec<_> = others.into_iter().flatten().collect();
    numbers.retain(|number| number != caller && is_valid(number));
    numbers.sort();
    numbers.dedup();
    numbers
}

/// What bare digits are in each reading, as far as that is valid.
pub(super) fn readings(found: &Spelling, country: Country) -> Vec<String> {
    let digits = with_plus(&found.digits, country);
    if digits.starts_with('+') || country.is_trunk_prefix_of(&digits) {
        return Vec::new();
    }
    let both = [international(&digits), national(&digits, country)];
    both.into_iter().flatten().filter(|number| is_valid(number)).collect()
}

impl Country {
    /// Its country code: `49`.
    fn code(self) -> String {
        PHONE_NUMBER_UTIL.get_country_code_for_region(self.region).unwrap_or_default().to_string()
    }

    /// Whether digits begin as national numbers are dialled.
    fn is_trunk_prefix_of(self, digits: &str) -> bool {
        !self.trunk_prefix.is_empty() && digits.starts_with(self.trunk_prefix)
    }
}

/// Digits with a `+` in place of the country's exit code.
fn with_plus(digits: &str, country: Country) -> Cow<'_, str> {
    match behind_exit_code(digits, country) {
        Some(rest) => Cow::Owned(format!("+{rest}")),
        None => Cow::Borrowed(digits),
    }
}

/// What stands behind the country's exit code. The library does not tell its length: it is that of what turns a number of
/// another country into that number.
fn behind_exit_code(digits: &str, country: Country) -> Option<&str> {
    if digits.starts_with('+') {
        return None;
    }
    let dialled = |digits: &str| PHONE_NUMBER_UTIL.parse_and_keep_raw_input(digits, Some(country.region));
    let is_from_exit =
        |number: &PhoneNumber| number.country_code_source() == CountryCodeSource::FromNumberWithIdd;
    // An error may be a code with no country, or no number, behind it.
    if dialled(digits).is_ok_and(|number| !is_from_exit(&number)) {
        return None;
    }
    (1..=MAX_EXIT_CODE).find_map(|length| {
        let (code, rest) = digits.split_at_checked(length)?;
        let number = dialled(&format!("{code}{ABROAD}")).ok().filter(is_from_exit)?;
        let is_it = number.format_as(PhoneNumberFormat::E164).strip_prefix('+') == Some(ABROAD);
        (is_it && !rest.is_empty()).then_some(rest)
    })
}

/// Whether nothing but zeros stands behind a country's code.
fn is_all_zeros(e164: &str) -> bool {
    let digits = e164.trim_start_matches('+');
    let is_code = |code: &str| {
        code.parse().is_ok_and(|code| PHONE_NUMBER_UTIL.get_region_for_country_code(code).is_some())
    };
    (1..=3)
        .filter_map(|length| digits.split_at_checked(length))
        .any(|(code, rest)| !rest.is_empty() && rest.bytes().all(|digit| digit == b'0') && is_code(code))
}

/// As somebody in the country who dials it means it.
fn as_dialled(digits: &str, country: Country) -> Option<String> {
    canonical(digits, Some(country))
}

fn international(digits: &str) -> Option<String> {
    canonical(&format!("+{digits}"), None)
}

/// As a national number, also where the library would take the first digits for the country's code.
fn national(digits: &str, country: Country) -> Option<String> {
    let number = PHONE_NUMBER_UTIL.parse_and_keep_raw_input(digits, Some(country.region)).ok()?;
    if number.country_code_source() == CountryCodeSource::FromNumberWithoutPlusSign {
        return canonical(&format!("+{}{digits}", country.code()), None);
    }
    as_dialled(digits, country)
}

/// The one spelling of a number in E.164. `None`: the library finds no number (a single digit, more than 17), or reads what it
/// has found otherwise.
fn canonical(digits: &str, country: Option<Country>) -> Option<String> {
    let region = country.map(|country| country.region);
    let parse = |text: &str| {
        let number = PhoneNumber::parse(text, region).ok()?;
        Some(number.format_as(PhoneNumberFormat::E164).into_owned())
    };
    let number = without_old_form(parse(digits)?);
    parse(&number).filter(|again| *again == number)
}

/// A number without what was abolished.
fn without_old_form(number: String) -> String {
    for (code, old, length) in OLD_FORMS {
        let rest = number.strip_prefix('+').and_then(|rest| rest.strip_prefix(code));
        let rest = rest.and_then(|rest| rest.strip_prefix(old)).filter(|rest| rest.len() == length);
        if let Some(rest) = rest {
            return format!("+{code}{rest}");
        }
    }
    number
}

/// Whether a number in E.164 can be somebody's.
pub(super) fn is_valid(e164: &str) -> bool {
    PhoneNumber::parse(e164, None).is_ok_and(|number| number.is_valid())
}
