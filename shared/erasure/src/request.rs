//! Whom a data protection request means: its body, and the callers that it names.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Caller, NumberingPlan, Subject, TenantKey};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::Perhaps;

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
    /// A number in any spelling, or two; an address; or a text caller in double quotes.
    phone: Option<String>,
}

/// A field that can find nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Unusable {
    /// Its path in the body.
    pub place: String,
    /// As it came: for the answer, never for a log.
    pub number: String,
    /// What is wrong with it, as the end of a sentence.
    pub why: String,
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
pub struct Callers {
    named: BTreeMap<String, Named>,
    /// Whom the same digits mean in another reading, and the request does not name.
    others: BTreeMap<Subject, Caller>,
}

#[derive(Clone)]
struct Named {
    callers: Vec<(Subject, Caller)>,
    place: String,
}

impl Named {
    fn subjects(&self) -> impl Iterator<Item = &Subject> {
        self.callers.iter().map(|(subject, _)| subject)
    }
}

impl Request {
    /// Whom it names; `None`: it has no consumers at all.
    ///
    /// # Errors
    /// A number is unusable, or there are none or too many.
    pub fn callers(&self, plan: NumberingPlan, key: &TenantKey) -> Result<Option<Callers>, Refused> {
        let Some(consumers) = &self.consumers else { return Ok(None) };
        let (mut named, mut unusable, mut count) = (BTreeMap::new(), Vec::new(), 0);
        for (number, place) in numbers(consumers).take(MAX_NUMBERS + 1) {
            match Caller::requested(number, plan) {
                Ok(callers) => {
                    count += callers.len();
                    let mut callers: Vec<_> =
                        callers.into_iter().map(|caller| (key.subject(&caller), caller)).collect();
                    // A field may hold one number twice.
                    callers.dedup();
                    named.entry(number.to_owned()).or_insert(Named { callers, place });
                }
                Err(why) => {
                    count += 1;
                    unusable.push(Unusable { place, number: number.to_owned(), why: why.to_string() });
                }
            }
        }
        match count {
            0 => Err(Refused::NoNumber),
            1..=MAX_NUMBERS if unusable.is_empty() => Ok(Some(Callers::new(named, plan, key))),
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

impl Callers {
    fn new(named: BTreeMap<String, Named>, plan: NumberingPlan, key: &TenantKey) -> Self {
        let callers = || named.values().flat_map(|named| &named.callers);
        let readings = named.keys().flat_map(|field| Caller::readings(field, plan));
        let mut others: BTreeMap<_, _> = callers()
            .flat_map(|(_, caller)| caller.counterparts(plan))
            .chain(readings)
            .map(|other| (key.subject(&other), other))
            .collect();
        for (subject, _) in callers() {
            others.remove(subject);
        }
        Self { named, others }
    }

    /// The callers, each once.
    pub fn subjects(&self) -> BTreeSet<Subject> {
        self.named.values().flat_map(Named::subjects).cloned().collect()
    }

    /// Whom the same digits mean in another reading, as far as these are valid numbers that the request does not name.
    pub fn others(&self) -> BTreeSet<Subject> {
        self.others.keys().cloned().collect()
    }

    /// Each spelling and whom it means: one caller, or the two of a field that holds two numbers.
    pub fn spellings(&self) -> impl Iterator<Item = (&str, impl Iterator<Item = &Subject>)> {
        self.named.iter().map(|(spelling, named)| (spelling.as_str(), named.subjects()))
    }

    /// How each spelling was read.
    pub fn read_as(&self) -> BTreeMap<String, Vec<String>> {
        let callers =
            |named: &Named| named.callers.iter().map(|(_, caller)| caller.reveal().to_owned()).collect();
        self.named.iter().map(|(spelling, named)| (spelling.clone(), callers(named))).collect()
    }

    /// In clear, who else it may be that has messages.
    pub fn perhaps(&self, counted: &Perhaps) -> BTreeMap<String, Option<u64>> {
        let told = counted.iter().filter(|(_, messages)| **messages != Some(0));
        let told = told.filter_map(|(subject, messages)| Some((self.others.get(subject)?, *messages)));
        told.map(|(caller, messages)| (caller.reveal().to_owned(), messages)).collect()
    }

    /// The spellings of those who are not among `subjects`.
    pub fn beyond(&self, subjects: &BTreeMap<Subject, bool>) -> Vec<Unusable> {
        let is_beyond = |named: &Named| named.subjects().any(|subject| !subjects.contains_key(subject));
        let unusable = |(number, named): (&String, &Named)| Unusable {
            place: named.place.clone(),
            number: number.clone(),
            why: "is not in this case".to_owned(),
        };
        self.named.iter().filter(|(_, named)| is_beyond(named)).map(unusable).collect()
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
