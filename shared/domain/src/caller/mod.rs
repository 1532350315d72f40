//! Who called: one caller however the number is spelled, and a type that never shows it by accident.
//!
//! One reader for deposits and for data protection requests: what a request does not refuse it reads as a deposit does. A
//! deposit is never refused for what its caller ID says.

mod characters;
mod country;
mod name;
mod number;
mod parameters;
mod requested;
mod spelling;
mod uri;
mod withheld;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use country::{BareNumbers, Country, NumberingPlan};
pub use name::CallerName;
pub use requested::Unreadable;

use number::Number;

/// The longest caller ID that is taken, in bytes, as received.
pub const MAX_CALLER_BYTES: usize = 256;

/// Which reader made a message's caller: counts on whenever a caller ID is read otherwise than before.
pub const READER: u8 = 2;

/// A caller: an E.164 number, or the text that is no number. `Debug` shows neither; there is no `Display`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Caller(String);

/// A caller as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Who called.
    pub caller: Caller,
    /// Its bare digits are a valid number in the other reading, too: the tenant's `bare_numbers` decides between them.
    pub has_two_readings: bool,
}

/// One caller ID.
enum Single {
    Withheld,
    Number(Number),
    Text(String),
    /// The IPv4 address of a host without a user: no number, though it looks like one.
    Host(String),
}

impl Reading {
    /// Reads a caller ID as received: a number in any spelling, a `tel:`, `sip:`, `sips:` or `callto:` URI, a name-addr
    /// (`"A" <sip:…>;tag=1`), or any other text; of several numbers the first. `None` where the caller is withheld or nothing
    /// is left.
    pub fn of(received: &str, plan: NumberingPlan) -> Option<Self> {
        let mut text = characters::clean(received);
        // Whoever reads what was kept must find the same caller. Each reading that changes a text takes something from it, or
        // makes it lower case.
        for _ in 0..=text.len() {
            if let Some(inside) = requested::quoted(&text) {
                text = inside.trim().to_owned();
                continue;
            }
            match first(&text, plan) {
                Single::Withheld => return None,
                Single::Number(Number { text, has_two_readings, .. }) => {
                    return Some(Self { caller: Caller(text), has_two_readings });
                }
                Single::Text(kept) if kept == text => break,
                Single::Text(kept) => text = kept,
                Single::Host(host) => {
                    text = host;
                    break;
                }
            }
        }
        Some(Self { caller: Caller(text), has_two_readings: false })
    }
}

impl Caller {
    /// The caller of a [`Reading`].
    pub fn read(received: &str, plan: impl Into<NumberingPlan>) -> Option<Self> {
        Reading::of(received, plan.into()).map(|reading| reading.caller)
    }

    /// The callers that a field of a data protection request names: one, or two numbers.
    ///
    /// # Errors
    /// It names nobody, or more than it can say.
    pub fn requested(field: &str, plan: NumberingPlan) -> Result<Vec<Self>, Unreadable> {
        requested::read(field, plan)
    }

    /// The callers that the same digits are in another reading, as far as these are valid numbers.
    pub fn counterparts(&self, plan: NumberingPlan) -> Vec<Self> {
        number::counterparts(&self.0, plan).into_iter().map(Self).collect()
    }

    /// The callers that the bare digits of a field may mean, in whichever reading is a valid number: of digits without a prefix
    /// the reader chooses one, and whoever wrote them may have meant the other. None where the field says which it is.
    pub fn readings(field: &str, plan: NumberingPlan) -> Vec<Self> {
        let spelling = uri::read(&characters::clean(field)).number();
        let numbers = spelling.map(|spelling| number::readings(&spelling, plan.country));
        numbers.into_iter().flatten().map(Self).collect()
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

/// The first of several numbers, or what is one caller ID.
fn first(cleaned: &str, plan: NumberingPlan) -> Single {
    let parts = spelling::parts(cleaned);
    several(&parts, plan).into_iter().next().map_or_else(|| single(cleaned, plan), Single::Number)
}

/// The numbers of a field that has nothing but them: one, or several that each say whether they are national or international.
fn several(parts: &[&str], plan: NumberingPlan) -> Vec<Number> {
    let number = |part: &&str| match single(part, plan) {
        Single::Number(number) if parts.len() == 1 || number.is_marked && number.is_e164 => Some(number),
        _ => None,
    };
    parts.iter().map(number).collect::<Option<_>>().unwrap_or_default()
}

/// Reads what is one caller ID.
fn single(cleaned: &str, plan: NumberingPlan) -> Single {
    let address = uri::read(cleaned);
    if let Some(spelling) = address.number() {
        return number::read(&spelling, plan).map_or(Single::Withheld, Single::Number);
    }
    let text = characters::as_text(&address.text());
    match text {
        text if withheld::is_word(&text) => Single::Withheld,
        text if address.user.is_empty() && uri::is_ipv4(&text) => Single::Host(text),
        text => Single::Text(text),
    }
}

#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod tests;
