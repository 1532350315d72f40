//! The field of a data protection request that names a caller: what it names, or why it can name nobody.

use super::characters::clean;
use super::number::Number;
use super::{Caller, MAX_CALLER_BYTES, NumberingPlan, Single, several, single, spelling, uri};

/// The marks that a quoted text stands in, as people type and paste them.
const QUOTES: [char; 5] = ['"', '\u{201c}', '\u{201d}', '\u{201e}', '\u{201f}'];

/// ITU-T E.164, 6.2.1.
const MAX_E164_DIGITS: usize = 15;

/// Why a field names nobody whom a request could find.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Nothing is left of it.
    #[error("is empty")]
    Empty,
    /// It is longer than any caller ID.
    #[error("has more than 256 bytes")]
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
    let text = quoted(&cleaned);
    let marks = text.map_or(0, |text| cleaned.len() - text.len());
    if field.trim().len() > MAX_CALLER_BYTES + marks {
        return Err(Unreadable::TooLong);
    }
    if let Some(text) = text {
        let withheld = if text.trim().is_empty() { Unreadable::Empty } else { Unreadable::Withheld };
        return Caller::read(text, plan).map(|caller| vec![caller]).ok_or(withheld);
    }
    let parts = spelling::parts(&cleaned);
    let mut numbers = several(&parts, plan);
    if numbers.is_empty() {
        match single(&cleaned, plan) {
            Single::Withheld => return Err(Unreadable::Withheld),
            // `030 / 1234567`
            Single::Number(number) => numbers.push(number),
            Single::Text(text) if parts.len() == 1 && is_address(&text) && !uri::has_more(&cleaned) => {
                return Caller::read(&cleaned, plan).map(|caller| vec![caller]).ok_or(Unreadable::Withheld);
            }
            Single::Text(_) | Single::Host(_) => return Err(Unreadable::Other),
        }
    }
    let is_range = |part: &&str| uri::read(part).number().is_some_and(|spelling| spelling.is_range);
    if parts.iter().any(is_range) || is_range(&cleaned.as_str()) {
        return Err(Unreadable::Range);
    }
    // Two numbers without prefixes, as in `1234567 / 7654321`; whoever means digits as they are quotes them.
    let is_too_long = |number: &Number| number.text.trim_start_matches('+').len() > MAX_E164_DIGITS;
    if numbers.len() > 2 || numbers.iter().any(is_too_long) || parts.iter().any(|part| uri::has_more(part)) {
        return Err(Unreadable::Other);
    }
    Ok(numbers.into_iter().map(|number| Caller(number.text)).collect())
}

/// The text within the quotes that enclose the whole field, and no name before an address.
pub(super) fn quoted(cleaned: &str) -> Option<&str> {
    let inside = cleaned.strip_prefix(QUOTES)?.strip_suffix(QUOTES)?;
    let is_name = inside.split('"').skip(1).any(|rest| rest.trim_start().starts_with('<'));
    (!is_name).then_some(inside)
}

fn is_address(text: &str) -> bool {
    text.rsplit_once('@').is_some_and(|(user, host)| {
        !user.trim().is_empty() && !host.is_empty() && !host.contains(char::is_whitespace)
    })
}
