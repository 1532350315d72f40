//! Whom a data protection request means: its body, and the callers that it names.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Caller, Country, MAX_CALLER_BYTES, Subject, TenantKey};
use serde::Deserialize;
use utoipa::ToSchema;

/// How many numbers a request may name.
pub const MAX_NUMBERS: usize = 1000;

/// The body of Forget Me, its undo and Export Me. Keys that are not listed are ignored, neither stored nor logged; there
/// is no `Debug`, as it holds numbers.
#[derive(Clone, Default, Deserialize, ToSchema)]
#[schema(as = DataProtectionRequest)]
pub struct Request {
    /// The case: 1 to 128 printable ASCII characters.
    pub caseid: Option<String>,
    /// The contact centre; must be the token's, or name it where the token names none.
    pub ccid: Option<String>,
    /// Whom it is about.
    pub consumers: Option<Vec<Consumer>>,
    /// Of an export: where it goes on, as `next` of the answer before gave it.
    pub cursor: Option<String>,
}

/// A person, or a number.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(untagged, expecting = "a number as text, or {\"consumer\":[{\"phone\":\"…\"},…]}")]
pub enum Consumer {
    /// A number.
    Number(String),
    /// What is known of a person.
    Person {
        /// One thing each.
        consumer: Vec<Entry>,
    },
}

/// One thing that is known of a person: only a number has an effect.
#[derive(Clone, Deserialize, ToSchema)]
pub struct Entry {
    /// A number, in any spelling.
    phone: Option<String>,
}

/// A number that can find nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Unusable {
    /// Its path in the body.
    pub place: String,
    /// As it came: for the answer, never for a log.
    pub number: String,
}

/// Why a request is not begun.
#[derive(Clone, PartialEq, Eq)]
pub enum Refused {
    /// More numbers than [`MAX_NUMBERS`].
    TooMany,
    /// It names consumers, and no number.
    NoNumber,
    /// These can find nobody; nothing is done for the others either.
    Unusable(Vec<Unusable>),
}

/// The callers of a request, under each spelling in which it names them. No `Debug`: it holds numbers.
#[derive(Clone)]
pub struct Callers(BTreeMap<String, Named>);

#[derive(Clone)]
struct Named {
    subject: Subject,
    place: String,
}

impl Request {
    /// Whom it names; `None`: it has no consumers at all.
    ///
    /// # Errors
    /// A number is unusable, or there are none or too many.
    pub fn callers(&self, country: Country, key: &TenantKey) -> Result<Option<Callers>, Refused> {
        let Some(consumers) = &self.consumers else { return Ok(None) };
        let (mut named, mut unusable) = (BTreeMap::new(), Vec::new());
        for (number, place) in numbers(consumers).take(MAX_NUMBERS + 1) {
            match usable(number, country) {
                Some(caller) => {
                    named.entry(number.to_owned()).or_insert(Named { subject: key.subject(&caller), place });
                }
                None => unusable.push(Unusable { place, number: number.to_owned() }),
            }
        }
        match numbers(consumers).take(MAX_NUMBERS + 1).count() {
            0 => Err(Refused::NoNumber),
            1..=MAX_NUMBERS if unusable.is_empty() => Ok(Some(Callers(named))),
            1..=MAX_NUMBERS => Err(Refused::Unusable(unusable)),
            _ => Err(Refused::TooMany),
        }
    }
}

/// Every number with its path in the body.
fn numbers(consumers: &[Consumer]) -> impl Iterator<Item = (&str, String)> {
    consumers.iter().enumerate().flat_map(|(at, consumer)| {
        let place = format!("consumers[{at}]");
        let (alone, entries) = match consumer {
            Consumer::Number(number) => (Some((number.as_str(), place.clone())), [].as_slice()),
            Consumer::Person { consumer } => (None, consumer.as_slice()),
        };
        let entries = entries.iter().enumerate().filter_map(move |(at, entry)| {
            entry.phone.as_deref().map(|phone| (phone, format!("{place}.consumer[{at}].phone")))
        });
        alone.into_iter().chain(entries)
    })
}

/// The caller that a number finds. It is never asked to be a valid one of its country, only to have a digit, or an `@`
/// as an address has.
fn usable(number: &str, country: Country) -> Option<Caller> {
    let can_find = number.len() <= MAX_CALLER_BYTES && number.chars().any(|c| c.is_ascii_digit() || c == '@');
    if can_find { Caller::read(number, country) } else { None }
}

impl Callers {
    /// The callers, each once.
    pub fn subjects(&self) -> BTreeSet<Subject> {
        self.0.values().map(|named| named.subject.clone()).collect()
    }

    /// Each spelling and whom it means.
    pub fn spellings(&self) -> impl Iterator<Item = (&str, &Subject)> {
        self.0.iter().map(|(spelling, named)| (spelling.as_str(), &named.subject))
    }

    /// The spellings of those who are not among `subjects`.
    pub fn beyond(&self, subjects: &BTreeMap<Subject, bool>) -> Vec<Unusable> {
        let beyond = self.0.iter().filter(|(_, named)| !subjects.contains_key(&named.subject));
        beyond
            .map(|(number, named)| Unusable { place: named.place.clone(), number: number.clone() })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn key() -> TenantKey {
        TenantKey::new(&[7; 32], &"t".parse().unwrap())
    }

    fn read(body: Value, country: &str) -> Result<Option<Callers>, Refused> {
        let request: Request = serde_json::from_value(body).unwrap();
        request.callers(country.parse().unwrap(), &key())
    }

    fn callers(numbers: &[&str], country: &str) -> Callers {
        read(json!({"consumers": numbers}), country).ok().flatten().unwrap()
    }

    #[test]
    fn the_body_of_the_contract_and_a_bare_array_name_the_same_callers() {
        let full = json!({"caseid": "1", "ccid": "c", "more": 1, "consumers": [
            {"consumer": [{"name": "A. Caller"}, {"phone": "555551212"}, {"phone": null}], "since": 2020},
            {"consumer": [{"phone": "555556161"}, {"email": "x@example.com"}]}]});
        let full = read(full, "US").ok().flatten().unwrap();
        let bare = callers(&["555551212", "555556161"], "US");
        assert_eq!(full.subjects(), bare.subjects());
        assert_eq!(full.subjects().len(), 2);
        assert!(full.spellings().eq(bare.spellings()));
    }

    #[test]
    fn any_spelling_finds_any_spelling() {
        for (country, spellings) in [
            (
                "DE",
                [
                    "+49 30 1234567",
                    "0049301234567",
                    "030 1234567",
                    "(030) 123-4567",
                    "tel:+49-30-1234567",
                    "sip:030-1234567@pbx.example;user=phone",
                    "<sip:+49301234567@pbx.example>;tag=1",
                ],
            ),
            (
                "US",
                [
                    "+12015550123",
                    "011 1 201 555 0123",
                    "201 555 0123",
                    "(201) 555-0123",
                    "tel:+1-201-555-0123",
                    "sip:2015550123@pbx.example",
                    "<sip:+12015550123@pbx.example>;tag=1",
                ],
            ),
            (
                "IT",
                [
                    "+39 06 12345678",
                    "003906 12345678",
                    "06 12345678",
                    "(06) 1234-5678",
                    "tel:+39-06-12345678",
                    "sip:0612345678@pbx.example",
                    "<sip:+390612345678@pbx.example>;tag=1",
                ],
            ),
            (
                "FR",
                [
                    "+33 1 23 45 67 89",
                    "0033123456789",
                    "01 23 45 67 89",
                    "(01) 23.45.67.89",
                    "tel:+33-123456789",
                    "sip:0123456789@pbx.example",
                    "<sip:+33123456789@pbx.example>;tag=1",
                ],
            ),
            (
                "AR",
                [
                    "+54 9 11 2345 6789",
                    "0054 9 11 2345 6789",
                    "011 15-2345-6789",
                    "(011) 15 2345 6789",
                    "tel:+54-9-11-2345-6789",
                    "sip:01115 23456789@pbx.example",
                    "<sip:+5491123456789@pbx.example>;tag=1",
                ],
            ),
        ] {
            let named = callers(&spellings, country);
            assert_eq!(named.subjects().len(), 1, "{country}");
            assert_eq!(named.spellings().count(), spellings.len(), "each is answered");
        }
        assert_eq!(callers(&["Alice@PBX.example", "sip:alice@pbx.example;tag=1"], "DE").subjects().len(), 1);
    }

    #[test]
    fn an_unusable_number_refuses_the_whole_request_and_is_named() {
        let long = "1".repeat(257);
        for number in ["", "  ", "Front Desk", "anonymous", "anonymous@anonymous.invalid", "+", &long] {
            let body = json!({"consumers": ["+4930123", {"consumer": [{"name": "A"}, {"phone": number}]}]});
            let Err(Refused::Unusable(unusable)) = read(body, "DE") else { panic!("{number:?} is taken") };
            let named: Vec<_> =
                unusable.iter().map(|one| (one.place.as_str(), one.number.as_str())).collect();
            assert_eq!(named, [("consumers[1].consumer[1].phone", number)]);
        }
    }

    #[test]
    fn a_request_names_one_to_a_thousand_numbers() {
        let many = |count: usize| read(json!({"consumers": vec!["+4930123"; count]}), "DE");
        assert!(many(1000).is_ok_and(|named| named.unwrap().subjects().len() == 1));
        assert!(matches!(many(1001), Err(Refused::TooMany)));
        assert!(matches!(many(0), Err(Refused::NoNumber)));
        assert!(matches!(read(json!({"consumers": [{"consumer": []}]}), "DE"), Err(Refused::NoNumber)));
        assert!(matches!(read(json!({"caseid": "1"}), "DE"), Ok(None)));
    }

    proptest! {
        #[test]
        fn whatever_comes_is_refused_or_answered_under_its_own_spelling(text in "\\PC{0,40}") {
            match read(json!({"consumers": [text.clone()]}), "DE") {
                Ok(named) => {
                    let named = named.unwrap();
                    prop_assert_eq!(named.spellings().map(|(s, _)| s).collect::<Vec<_>>(), [text.as_str()]);
                    prop_assert_eq!(named.subjects().len(), 1);
                }
                Err(refused) => prop_assert!(matches!(refused, Refused::Unusable(one) if one.iter().any(|one| one.number == text))),
            }
        }
    }
}
