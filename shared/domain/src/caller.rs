//! Who called: one caller however the number is spelled, and a type that never shows it by accident.

use std::fmt;
use std::str::FromStr;

use rlibphonenumber::{PhoneNumber, PhoneNumberFormat};
use serde::{Deserialize, Serialize};

use crate::names::BadName;

/// The longest caller ID that is taken, in bytes, as received.
pub const MAX_CALLER_BYTES: usize = 256;

/// What platforms send in place of a number that the caller withheld (RFC 3323 and the common gateways).
const WITHHELD: [&str; 4] = ["anonymous", "restricted", "unavailable", "unknown"];

/// The countries whose dialling rules the library knows: elsewhere (`UK` in place of `GB`) no national number would become
/// one of E.164, and the spellings of one caller would silently be several. Written out, as programs that read no numbers
/// are linked without the library, which a start would wait 9 ms for.
const COUNTRIES: &str = "\
    AC AD AE AF AG AI AL AM AO AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT \
    BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER \
    ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GT GU GW GY HK HN HR HT HU ID IE \
    IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV \
    LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP \
    NR NU NZ OM PA PE PF PG PH PK PL PM PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK \
    SL SM SN SO SR SS ST SV SX SY SZ TA TC TD TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG US UY UZ VA \
    VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW";

/// The country whose dialling rules a tenant's national numbers follow: two letters of ISO 3166.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Country(rlibphonenumber::Region);

impl FromStr for Country {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let bad = BadName(
            "a country whose dialling rules are known, in two capital letters of ISO 3166, like DE or GB",
        );
        if !COUNTRIES.split(' ').any(|country| country == text) {
            return Err(bad);
        }
        text.parse().map(Self).map_err(|_| bad)
    }
}

/// A caller: an E.164 number, or the text that is no number. `Debug` shows neither; there is no `Display`.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Caller(String);

impl Caller {
    /// Reads a caller ID as received: a number in any spelling, a `tel:`, `sip:` or `sips:` URI, a name-addr
    /// (`"A" <sip:…>;tag=1`), or any other text. `None` where the caller is withheld or nothing is left.
    pub fn read(received: &str, country: Country) -> Option<Self> {
        let address = address(received.trim());
        let user = user(address);
        if is_withheld(user) {
            return None;
        }
        if let Some(digits) = number_like(user) {
            return Some(Self(e164(&digits, country).unwrap_or(digits)));
        }
        let text = address.split_once(['@']).map_or_else(
            || user.to_lowercase(),
            |(_, host)| {
                format!("{user}@{}", host.split([';', '?', ':', '>']).next().unwrap_or(host)).to_lowercase()
            },
        );
        Some(Self(text.trim().to_owned())).filter(|caller| !is_withheld(&caller.0))
    }

    /// The number or text in clear. For facts, for the answer to a person who may see it, for the keyed hash; never for
    /// a log, a key, a tag or a URL.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Caller(…)")
    }
}

fn is_withheld(text: &str) -> bool {
    text.is_empty() || WITHHELD.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// What stands in `<…>` of a name-addr (RFC 3261, 20.10), else the whole.
fn address(text: &str) -> &str {
    let Some((_, rest)) = text.rsplit_once('<') else { return text };
    rest.split_once('>').map_or(rest, |(inside, _)| inside).trim()
}

/// The user part of a `sip:` or `sips:` URI, the number of a `tel:` URI (RFC 3966), else what stands before an `@`.
fn user(address: &str) -> &str {
    let scheme = ["tel:", "sips:", "sip:"]
        .into_iter()
        .find(|scheme| address.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    let Some(scheme) = scheme else {
        return address.split_once('@').map_or(address, |(user, _)| user);
    };
    let rest = address.get(scheme.len()..).unwrap_or_default();
    let user = rest.split_once('@').map_or(rest, |(user, _)| user);
    // Parameters of the user (`;ext=`, `;phone-context=`) and a password are no part of who called.
    user.split([';', ':', '?']).next().unwrap_or(user).trim()
}

/// The digits, with a leading plus where there is one, of a text that has digits and the punctuation of numbers only.
fn number_like(text: &str) -> Option<String> {
    let text = text.trim();
    let punctuation = |c: char| matches!(c, ' ' | '-' | '.' | '(' | ')' | '/' | '\u{a0}');
    let plain = text.strip_prefix('+').unwrap_or(text);
    let digits: String = plain.chars().filter(char::is_ascii_digit).collect();
    let only = plain.chars().all(|c| c.is_ascii_digit() || punctuation(c));
    (only && !digits.is_empty()).then(|| format!("{}{digits}", if text.starts_with('+') { "+" } else { "" }))
}

/// E.164, where the library finds a number; `None` for a single digit and for more than 17. Whether the number is valid
/// in its country is never asked: numbers come from telephony, not from a form. So the extension `5001` of a German
/// tenant is `+495001`. What the library would read otherwise the second time (`00`, for example) is no number: one
/// caller must have one spelling.
fn e164(digits: &str, country: Country) -> Option<String> {
    let parse = |text: &str| {
        let number = PhoneNumber::parse(text, Some(country.0)).ok()?;
        Some(number.format_as(PhoneNumberFormat::E164).into_owned())
    };
    parse(digits).filter(|number| parse(number).as_ref() == Some(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str, country: &str) -> Option<String> {
        Caller::read(text, country.parse().unwrap()).map(|caller| caller.reveal().to_owned())
    }

    #[test]
    fn a_country_is_one_where_a_national_number_becomes_one_of_e164() {
        let letters = || 'A'..='Z';
        for code in letters().flat_map(|one| letters().map(move |two| format!("{one}{two}"))) {
            let known = Country(code.parse().unwrap());
            let is_e164 = Caller::read("2015550123", known).unwrap().reveal().starts_with('+');
            assert_eq!(code.parse::<Country>().is_ok(), is_e164, "{code}");
        }
        assert!("de".parse::<Country>().is_err() && "AC AD".parse::<Country>().is_err());
    }

    #[test]
    fn every_spelling_of_a_number_is_one_caller() {
        let spellings = [
            "+49 30 1234567",
            "0049301234567",
            "030 1234567",
            "(030) 123-4567",
            "030/1234567",
            " +49.30.1234567 ",
            "tel:+49-30-1234567",
            "TEL:+49301234567;ext=12",
            "sip:+49301234567@pbx.example",
            "sips:+49301234567:secret@pbx.example:5061;transport=tls",
            "<sip:030-1234567@pbx.example;user=phone>;tag=1",
            "\"A. Caller\" <sip:+49301234567@pbx.example>;tag=88sja8x",
            "A. Caller <tel:+49-30-1234567>",
            "+49301234567@pbx.example",
        ];
        for spelling in spellings {
            assert_eq!(read(spelling, "DE").as_deref(), Some("+49301234567"), "{spelling}");
        }
    }

    #[test]
    fn the_exit_code_and_the_national_prefix_are_the_tenants_own() {
        assert_eq!(read("011 49 30 1234567", "US").as_deref(), Some("+49301234567"));
        assert_eq!(read("555551212", "US").as_deref(), Some("+1555551212"));
        assert_eq!(read("(201) 555-0123", "US").as_deref(), Some("+12015550123"));
        assert_eq!(read("1 201 555 0123", "US").as_deref(), Some("+12015550123"));
        assert_eq!(read("01 23 45 67 89", "FR").as_deref(), Some("+33123456789"));
        assert_eq!(read("+39 06 12345678", "DE").as_deref(), Some("+390612345678"));
        assert_eq!(read("06 12345678", "IT").as_deref(), Some("+390612345678"));
        assert_eq!(read("011 15-2345-6789", "AR"), read("+54 9 11 2345 6789", "DE"));
    }

    #[test]
    fn what_is_no_number_is_kept_trimmed_and_in_lower_case() {
        assert_eq!(read(" Alice@PBX.example ", "DE").as_deref(), Some("alice@pbx.example"));
        assert_eq!(
            read("sip:Alice@pbx.example:5060;transport=tcp", "DE").as_deref(),
            Some("alice@pbx.example")
        );
        assert_eq!(read("Front Desk", "DE").as_deref(), Some("front desk"));
        assert_eq!(read("Room 5", "DE").as_deref(), Some("room 5"));
        assert_eq!(read("+999 12 34", "DE").as_deref(), Some("+9991234"), "no such country code");
    }

    #[test]
    fn a_withheld_caller_is_none() {
        for text in ["", "  ", "anonymous", "Anonymous", "RESTRICTED", "unavailable", "unknown", "<>"] {
            assert_eq!(read(text, "DE"), None, "{text:?}");
        }
        assert_eq!(read("\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=1", "DE"), None, "RFC 3323");
    }

    #[test]
    fn a_caller_never_prints() {
        let caller = Caller::read("+49301234567", "DE".parse().unwrap()).unwrap();
        assert_eq!(format!("{caller:?}"), "Caller(…)");
    }

    proptest! {
        #[test]
        fn no_caller_id_makes_a_panic_and_reading_twice_changes_nothing(text in "\\PC{0,64}") {
            for country in ["DE", "US", "IT", "FR", "AR"] {
                if let Some(once) = read(&text, country) {
                    prop_assert_eq!(read(&once, country), Some(once));
                }
            }
        }

        #[test]
        fn a_number_read_twice_is_the_same_number(text in "\\+?[0-9 ()/.-]{1,24}") {
            for country in ["DE", "US", "IT", "FR", "AR"] {
                if let Some(once) = read(&text, country) {
                    prop_assert_eq!(read(&once, country), Some(once));
                }
            }
        }
    }
}
