//! Whose dialling rules count: a tenant's country, and what its platform means by digits without a prefix.

use std::str::FromStr;

use rlibphonenumber::Region;

use crate::names::BadName;

/// The countries whose dialling rules the library knows, by the trunk prefix that their national numbers are dialled with:
/// elsewhere (`UK` in place of `GB`) no national number would become one of E.164, and the spellings of one caller would
/// silently be several. Written out from the metadata of libphonenumber 9.0.43, as the library in Rust does not tell the
/// prefix, and as programs that read no numbers are linked without the library, which a start would wait 6 ms for.
const BY_TRUNK_PREFIX: [(&str, &str); 5] = [
    (
        "0",
        "AE AF AL AM AR AT AU AX AZ BA BD BE BG BL BO BR CC CD CH CN CO CU CX DE DZ EC EG EH ER ET FI FR GB \
         GE GF GG GH GP HR ID IE IL IM IN IQ IR JE JO JP KE KG KH KI KP KR LA LB LI LK LR LT LY MA MC MD ME \
         MF MG MK MM MN MQ MW MY NA NG NL NP NZ PE PH PK PM PS PY RE RO RS RW SA SD SE SI SK SL SO SS SY TH \
         TR TW TZ UA UG UY VE VN XK YE YT ZA ZM ZW",
    ),
    (
        "",
        "AC AD AO AW BF BH BI BJ BN BQ BT BW BZ CF CG CI CK CL CM CR CV CW CY CZ DJ DK EE ES FJ FK FM FO GA \
         GI GL GM GN GQ GR GT GW GY HK HN HT IO IS IT KM KW LS LU LV ML MO MR MT MU MV MX MZ NC NE NF NI NO \
         NR NU OM PA PF PG PL PT PW QA SB SC SG SH SJ SM SN SR ST SV SZ TA TD TG TJ TK TL TN TO TV UZ VA VU \
         WF WS",
    ),
    ("1", "AG AI AS BB BM BS CA DM DO GD GU JM KN KY LC MH MP MS PR SX TC TT US VC VG VI"),
    ("8", "BY KZ RU TM"),
    ("06", "HU"),
];

/// The country whose dialling rules a tenant's national numbers follow: two letters of ISO 3166.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Country {
    pub(super) region: Region,
    /// What national numbers begin with where they are dialled; empty where they have no such prefix.
    pub(super) trunk_prefix: &'static str,
}

impl FromStr for Country {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let bad = BadName(
            "a country whose dialling rules are known, in two capital letters of ISO 3166, like DE or GB",
        );
        let known = BY_TRUNK_PREFIX
            .into_iter()
            .find(|(_, countries)| countries.split(' ').any(|country| country == text));
        let (trunk_prefix, _) = known.ok_or(bad)?;
        text.parse().map(|region| Self { region, trunk_prefix }).map_err(|_| bad)
    }
}

/// What a tenant's platform means by bare digits: without `+`, exit code and trunk prefix.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BareNumbers {
    /// National ones; those that begin with the country's own code are read as the rule of [`NumberingPlan`] says.
    #[default]
    Auto,
    /// E.164 less its `+`, whatever the country.
    International,
    /// National ones without exception.
    National,
}

impl FromStr for BareNumbers {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        match text {
            "auto" => Ok(Self::Auto),
            "international" => Ok(Self::International),
            "national" => Ok(Self::National),
            _ => Err(BadName("auto, international or national")),
        }
    }
}

/// How a tenant's numbers are read.
///
/// Bare digits that begin with the country's own code have two readings. With [`BareNumbers::Auto`], where the country has a
/// trunk prefix the international one counts if it is valid, elsewhere the national one if it is valid; else the other one if
/// that is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberingPlan {
    /// Whose dialling rules count.
    pub country: Country,
    /// What bare digits are.
    pub bare_numbers: BareNumbers,
}

impl From<Country> for NumberingPlan {
    fn from(country: Country) -> Self {
        Self { country, bare_numbers: BareNumbers::Auto }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, PhoneNumberType};

    fn countries() -> impl Iterator<Item = (&'static str, Country)> {
        let codes = BY_TRUNK_PREFIX.into_iter().flat_map(|(_, countries)| countries.split(' '));
        codes.map(|code| (code, code.parse().unwrap()))
    }

    #[test]
    fn a_country_is_one_whose_dialling_rules_the_library_knows() {
        let mut known: Vec<_> = countries().map(|(code, _)| code.to_owned()).collect();
        let mut library: Vec<_> =
            PHONE_NUMBER_UTIL.get_supported_regions().map(|region| region.to_string()).collect();
        known.sort();
        library.sort();
        assert_eq!(known, library);
        for text in ["de", "UK", "", "D", "AC AD", "ZZ"] {
            assert!(text.parse::<Country>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_number_of_each_country_is_the_same_with_its_trunk_prefix() {
        let e164 = |number: &PhoneNumber| number.format_as(PhoneNumberFormat::E164).into_owned();
        for (code, country) in countries() {
            let is_same = |kind| {
                let example =
                    PHONE_NUMBER_UTIL.get_example_number_for_type_and_region(country.region, kind).ok()?;
                let dialled =
                    format!("{}{}", country.trunk_prefix, example.get_national_significant_number());
                let read = PhoneNumber::parse(&dialled, Some(country.region)).ok()?;
                Some(e164(&read) == e164(&example))
            };
            // One of both: mobile telephones of Colombia are dialled without it.
            let both = [PhoneNumberType::FixedLine, PhoneNumberType::Mobile].map(is_same);
            assert!(both.contains(&Some(true)), "{code}");
        }
    }
}
