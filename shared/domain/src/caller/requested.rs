//! The field of a data protection request that names a caller: what it names, or why it can name nobody.

use super::characters::clean;
use super::{Caller, MAX_CALLER_BYTES, NumberingPlan, Reading, Single, number, several, single, spelling};

/// The marks that a quoted text stands in, as people type and paste them.
const QUOTES: [char; 6] = ['"', '\u{201c}', '\u{201d}', '\u{201e}', '\u{201f}', '\u{ff02}'];

/// ITU-T E.164, 6.2.1.
const MAX_E164_DIGITS: usize = 15;

/// Why a field names nobody whom a request could find.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Nothing is left of it.
    #[error("is empty")]
    Empty,
    /// It is longer than any caller ID.
    #[error("has more than 256 bytes, which no caller ID has")]
    TooLong,
    /// It stands for a number that is withheld, which is nobody's.
    #[error("stands for callers who withhold their number: it is nobody's, and would mean all of them")]
    Withheld,
    /// A range of extensions.
    #[error("is a range of extensions: name each number")]
    Range,
    /// Neither a number, nor two, nor an address, nor a quoted text.
    #[error(
        "is neither a number, nor two that each begin with +, an exit code or a trunk prefix, nor an address with an @, \
         nor a text in double quotes"
    )]
    Other,
}

/// Reads a field as a deposit reads a caller ID, where it is clear whom it means.
pub(super) fn read(field: &str, plan: NumberingPlan) -> Result<Vec<Caller>, Unreadable> {
    let cleaned = clean(field);
    if cleaned.is_empty() {
        return Err(Unreadable::Empty);
    }
    if field.len() > MAX_CALLER_BYTES {
        return Err(Unreadable::TooLong);
    }
    if let Some(text) = quoted(&cleaned) {
        let withheld = if text.trim().is_empty() { Unreadable::Empty } else { Unreadable::Withheld };
        return Reading::of(text, plan).map(|reading| vec![reading.caller]).ok_or(withheld);
    }
    if spelling::is_range(&cleaned) {
        return Err(Unreadable::Range);
    }
    let numbers = several(&cleaned, plan);
    match numbers.len() {
        0 => {}
        2 => return Ok(numbers.into_iter().map(|number| Caller(number.text)).collect()),
        _ => return Err(Unreadable::Other),
    }
    if has_a_second(&cleaned, plan) {
        return Err(Unreadable::Other);
    }
    match single(&cleaned, plan) {
        Single::Withheld => Err(Unreadable::Withheld),
        Single::Number(number) => Ok(vec![Caller(number.text)]),
        Single::Text(text) if is_address(&text) => {
            Reading::of(&text, plan).map(|reading| vec![reading.caller]).ok_or(Unreadable::Withheld)
        }
        Single::Text(_) => Err(Unreadable::Other),
    }
}

/// Whether what could be read as one number is two without prefixes: `1234567 / 7654321`, where `030 / 1234567` is one.
fn has_a_second(cleaned: &str, plan: NumberingPlan) -> bool {
    let parts = spelling::parts(cleaned);
    let digits = |part: &&str| spelling::digits(part);
    let numbers: Vec<_> = parts.iter().map_while(digits).collect();
    let count: usize = numbers.iter().map(|number| number.digits.trim_start_matches('+').len()).sum();
    let is_whole = |digits| number::read(digits, plan).is_some_and(|number| number::is_valid(&number.text));
    numbers.len() == parts.len()
        && parts.len() > 1
        && (count > MAX_E164_DIGITS || numbers.iter().all(is_whole))
}

/// The text within the quotes that enclose the whole field.
fn quoted(cleaned: &str) -> Option<&str> {
    let inside = cleaned.strip_prefix(QUOTES)?.strip_suffix(QUOTES)?;
    (!inside.contains('<')).then_some(inside)
}

fn is_address(text: &str) -> bool {
    text.rsplit_once('@').is_some_and(|(user, host)| {
        !user.trim().is_empty() && !host.is_empty() && !host.contains(char::is_whitespace)
    })
}
