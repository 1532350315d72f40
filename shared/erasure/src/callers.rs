//! Whom a data protection request means: the callers that its numbers name.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Caller, NumberingPlan, Subject, TenantKey};

use crate::perhaps::Perhaps;

/// How many numbers a request may name.
pub const MAX_NUMBERS: usize = 1000;

/// A number that can find nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct UnusableNumber {
    /// Its path in the body.
    pub place: String,
    /// As it came: for the answer, never for a log.
    pub number: String,
    /// What is wrong with it, as the end of a sentence.
    pub why: String,
}

/// Why a request is not begun.
#[derive(Clone, PartialEq, Eq)]
pub enum RequestRefusal {
    /// More numbers than [`MAX_NUMBERS`].
    TooMany,
    /// It names consumers, and no number.
    NoNumber,
    /// These can find nobody; nothing is done for the others either.
    Unusable(Vec<UnusableNumber>),
}

/// The callers of a request, under each spelling in which it names them. No `Debug`: it holds numbers.
#[derive(Clone)]
pub struct Callers {
    named: BTreeMap<String, NamedCallers>,
    /// Whom the same digits mean in another reading, and the request does not name.
    others: BTreeMap<Subject, Caller>,
}

#[derive(Clone)]
struct NamedCallers {
    callers: Vec<(Subject, Caller)>,
    place: String,
}

impl NamedCallers {
    fn subjects(&self) -> impl Iterator<Item = &Subject> {
        self.callers.iter().map(|(subject, _)| subject)
    }
}

impl Callers {
    /// Whom numbers name, each with its path in the body.
    ///
    /// # Errors
    /// A number is unusable, or there are none or too many.
    pub fn read<'n>(
        numbers: impl Iterator<Item = (&'n str, String)>,
        plan: NumberingPlan,
        key: &TenantKey,
    ) -> Result<Self, RequestRefusal> {
        let (mut named, mut unusable, mut count) = (BTreeMap::new(), Vec::new(), 0);
        for (number, place) in numbers.take(MAX_NUMBERS + 1) {
            match Caller::requested(number, plan) {
                Ok(callers) => {
                    count += callers.len();
                    let mut callers: Vec<_> =
                        callers.into_iter().map(|caller| (key.subject(&caller), caller)).collect();
                    // A field may hold one number twice.
                    callers.dedup();
                    named.entry(number.to_owned()).or_insert(NamedCallers { callers, place });
                }
                Err(why) => {
                    count += 1;
                    unusable.push(UnusableNumber { place, number: number.to_owned(), why: why.to_string() });
                }
            }
        }
        match count {
            0 => Err(RequestRefusal::NoNumber),
            1..=MAX_NUMBERS if unusable.is_empty() => Ok(Self::new(named, plan, key)),
            1..=MAX_NUMBERS => Err(RequestRefusal::Unusable(unusable)),
            _ => Err(RequestRefusal::TooMany),
        }
    }

    fn new(named: BTreeMap<String, NamedCallers>, plan: NumberingPlan, key: &TenantKey) -> Self {
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
        self.named.values().flat_map(NamedCallers::subjects).cloned().collect()
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
        let callers = |named: &NamedCallers| {
            named.callers.iter().map(|(_, caller)| caller.reveal().to_owned()).collect()
        };
        self.named.iter().map(|(spelling, named)| (spelling.clone(), callers(named))).collect()
    }

    /// In clear, who else it may be that has messages.
    pub fn perhaps(&self, counted: &Perhaps) -> BTreeMap<String, Option<u64>> {
        let told = counted.iter().filter(|(_, messages)| **messages != Some(0));
        let told = told.filter_map(|(subject, messages)| Some((self.others.get(subject)?, *messages)));
        told.map(|(caller, messages)| (caller.reveal().to_owned(), messages)).collect()
    }

    /// The spellings of those who are not among `subjects`.
    pub fn beyond(&self, subjects: &BTreeMap<Subject, bool>) -> Vec<UnusableNumber> {
        let is_beyond =
            |named: &NamedCallers| named.subjects().any(|subject| !subjects.contains_key(subject));
        let unusable = |(number, named): (&String, &NamedCallers)| UnusableNumber {
            place: named.place.clone(),
            number: number.clone(),
            why: "is not in this case".to_owned(),
        };
        self.named.iter().filter(|(_, named)| is_beyond(named)).map(unusable).collect()
    }
}
