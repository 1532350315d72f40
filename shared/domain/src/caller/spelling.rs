//! The spellings of one number: punctuation, labels, extensions, parameters, and the parts of a field that holds several.

use super::characters::{digit, is_punctuation};
use super::parameters::{begins_with_parameter, decoded, parameters};

/// What people write before or behind a number, in lower case and without dots and hyphens.
const LABELS: &str = "tel, tel nr, tel no, telnr, telefon, telefonnr, telefonnummer, telephone, telefono, teléfono, \
     téléphone, tél, telefoon, t, phone, phone no, phone number, ph, fon, fax, telefax, mob, mobil, mobile, \
     mobile phone, mobile no, mobile number, mobil nr, mobilnr, mobilnummer, mobilfunk, mobiltelefon, móvil, \
     m, handy, handy nr, handynr, handynummer, cell, cell phone, cellphone, rufnummer, nummer, number, home, \
     work, office, business, direct, privat, private, büro, zentrale, geschäftlich, dienstlich";

/// What people write before an extension (RFC 3966, 5.3: `ext`).
const EXTENSIONS: [&str; 11] =
    ["extension", "extn", "ext", "x", "durchwahl", "dw", "nebenstelle", "poste", "anexo", "int", "доб"];

/// The most digits of an extension, and the fewest of a number that has one.
const MAX_EXTENSION: usize = 11;
const MIN_DIGITS_BEFORE_EXTENSION: usize = 3;

/// What separates two numbers in one field.
const SEPARATORS: [&str; 7] = [" / ", ",", ";", "\n", " or ", " oder ", " und "];
/// What encloses what belongs together.
const ENCLOSING: [(char, char); 2] = [('"', '"'), ('<', '>')];

/// A number as it is spelled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Spelling {
    /// ASCII digits, with a leading `+` where there is one.
    pub(super) digits: String,
    /// The same without the zero that stood in parentheses behind a country's code, `(0)`.
    pub(super) without_zero: Option<String>,
    /// What stands before a local number (RFC 3966, 5.1.5), with its `+`.
    pub(super) context: Option<String>,
    /// It ends in a range of extensions: one or two digits after a last `/`, as in `030 1234567/68`.
    pub(super) is_range: bool,
}

/// The digits of a number with what people and platforms write around it. `None`: it is no number. The user of a host has no
/// label and no extension but that of a parameter: `100x5@acme.example` is a name.
pub(super) fn digits(text: &str, is_user: bool) -> Option<Spelling> {
    let (number, parameters) = parameters(text);
    let number = number.trim();
    let found = plain(if is_user { number } else { without_extension(without_label(number)) })?;
    // A local number's context stands in front of it where it is one of numbers; a domain is none of it.
    let context = parameters.iter().find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("phone-context").then(|| decoded(value))
    });
    let context = context.and_then(|context| plain(&context)).map(|context| context.digits);
    Some(Spelling { context: context.filter(|context| context.starts_with('+')), ..found })
}

/// The digits, with a leading plus where there is one, of a text that has digits and the punctuation of numbers only.
fn plain(text: &str) -> Option<Spelling> {
    let text = text.strip_prefix(['\'', '\u{2019}']).unwrap_or(text);
    let begins = text.trim_start_matches(is_punctuation);
    // Punctuation before a plus is no part of it; before a digit it may be the parenthesis of `(0)`.
    let (sign, rest) = match begins.strip_prefix('+') {
        Some(rest) => ("+", rest.trim_start_matches('+')),
        None => ("", text),
    };
    let mut digits = sign.to_owned();
    let mut zero = None;
    for (at, c) in rest.char_indices() {
        if let Some(digit) = digit(c) {
            let is_behind_others = digits.len() > sign.len();
            if digit == '0' && is_behind_others && is_in_parentheses(rest, at, at + c.len_utf8()) {
                zero.get_or_insert(digits.len());
            }
            digits.push(digit);
        } else if !is_punctuation(c) {
            return None;
        }
    }
    let without_zero = zero.map(|at| {
        let mut without = digits.clone();
        without.remove(at);
        without
    });
    let is_range = is_range(text);
    (digits.len() > sign.len()).then_some(Spelling { digits, without_zero, context: None, is_range })
}

/// Whether what stands from `start` to `end` is all that a pair of parentheses encloses.
fn is_in_parentheses(text: &str, start: usize, end: usize) -> bool {
    let before = text.get(..start).unwrap_or_default().trim_end();
    let behind = text.get(end..).unwrap_or_default().trim_start();
    before.ends_with('(') && behind.starts_with(')') || before.ends_with('[') && behind.starts_with(']')
}

/// A number without the label before or behind it.
fn without_label(text: &str) -> &str {
    let is_mark =
        |c: char| matches!(c, '.' | ':' | '#' | '=' | ' ' | '(' | ')' | '[' | ']' | '-' | '\'' | '\u{2019}');
    let is_label = |text: &str| {
        let words = text.trim_matches(is_mark).to_lowercase().replace(['.', '-'], " ");
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        LABELS.split(", ").any(|label| label == words)
    };
    let of_number = |c: char| c == '+' || digit(c).is_some();
    let (Some(first), Some(last)) = (text.find(of_number), text.rfind(of_number)) else { return text };
    let end = last + text.get(last..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    let before = text.get(..first).unwrap_or_default();
    // A parenthesis that opens before the digits is the number's.
    let opened = before.trim_end_matches(['(', '[']).len();
    let start = if is_label(before) { opened } else { 0 };
    let end = if text.get(end..).is_some_and(is_label) { end } else { text.len() };
    text.get(start..end).unwrap_or(text)
}

/// A number without its extension: `ext. 5`, `x5`, `(DW 12)`.
fn without_extension(text: &str) -> &str {
    let is_digit = |c: char| digit(c).is_some();
    let whole = text.trim_end_matches([')', ']', ' ']);
    let head = whole.trim_end_matches(is_digit);
    let extension = whole.get(head.len()..).unwrap_or_default().chars().count();
    let head = head.trim_end_matches([' ', '.', ':', '=', '-']);
    let lower = head.to_lowercase();
    let word = EXTENSIONS.iter().find(|word| lower.ends_with(*word)).map_or(0, |word| word.len());
    let Some(number) = head.get(..head.len().saturating_sub(word)).filter(|_| lower.len() == head.len())
    else {
        return text;
    };
    let is_number = number.chars().filter(|c| is_digit(*c)).count() >= MIN_DIGITS_BEFORE_EXTENSION;
    if word > 0 && (1..=MAX_EXTENSION).contains(&extension) && is_number {
        number.trim_end_matches([' ', ',', '(', '[', ';'])
    } else {
        text
    }
}

/// The parts of a field that may hold several numbers. Nothing is split within quotes and `<…>`, nor before the parameters of a
/// URI.
pub(super) fn parts(text: &str) -> Vec<&str> {
    let lower = text.to_ascii_lowercase();
    let (mut parts, mut from, mut at) = (Vec::new(), 0, 0);
    let mut enclosed_until = None;
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let separator = SEPARATORS.into_iter().find(|separator| {
            lower.get(at..).is_some_and(|rest| rest.starts_with(*separator))
                && !(*separator == ";" && begins_with_parameter(text.get(at + 1..).unwrap_or_default()))
        });
        match (enclosed_until, separator) {
            (Some(end), _) if c == end => enclosed_until = None,
            (Some(_), _) => {}
            (None, Some(separator)) => {
                parts.extend(text.get(from..at));
                from = at + separator.len();
                at = from;
                continue;
            }
            (None, None) => {
                enclosed_until = ENCLOSING.into_iter().find(|(open, _)| *open == c).map(|(_, end)| end);
            }
        }
        at += c.len_utf8();
    }
    parts.extend(text.get(from..));
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

fn is_range(text: &str) -> bool {
    let Some((head, end)) = text.rsplit_once('/') else { return false };
    let end = end.trim();
    let count = end.chars().filter_map(digit).count();
    (1..=2).contains(&count) && count == end.chars().count() && head.chars().any(|c| digit(c).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<String> {
        let found = digits(text, false)?;
        let context = found.context.unwrap_or_default();
        Some(context + &found.without_zero.unwrap_or(found.digits))
    }

    #[test]
    fn what_stands_around_a_number_is_no_part_of_it() {
        for spelling in [
            "+49 30 1234567",
            "(+49) 30 1234567",
            "+ 49 30 1234567",
            "/+49301234567",
            "'+49301234567",
            "Tel.: +49 30 1234567",
            "Tel.+49 30 1234567",
            "MOBIL +49 30 1234567",
            "Tel.-Nr. +49301234567",
            "Phone:+49 (0) 30 1234567",
            "+49 30 1234567 (mobil)",
            "+49 30 1234567 Tel.",
            "+49 30 1234567 ext. 5",
            "+49 30 1234567x5",
            "+49 30 1234567 x 55",
            "+49 30 1234567, ext 5",
            "+49 30 1234567 (ext. 5",
            "+49 30 1234567 (ext. 5)",
            "+49 30 1234567 [DW 12]",
            "'Tel.: '+49 30 1234567",
            "Mobile phone: +49301234567",
            "T: +49301234567",
            "+49 30 1234567;ext=5",
            "+49[0]30 1234567",
            "1234567;phone-context=+4930",
            "1234567;ext=5;PHONE-CONTEXT=%2B49-30",
        ] {
            assert_eq!(of(spelling).as_deref(), Some("+49301234567"), "{spelling}");
        }
        assert_eq!(
            of("Tel. (0)30 1234567").as_deref(),
            Some("0301234567"),
            "the trunk prefix of a national number"
        );
        assert_eq!(digits("Tel. (030) 1234567", false).unwrap().digits, "0301234567");
        assert_eq!(of("1234567;phone-context=pbx.example").as_deref(), Some("1234567"));
    }

    #[test]
    fn what_has_other_characters_is_no_number() {
        for text in [
            "",
            "+",
            "Room 5",
            "4,93012E+11",
            "1-800-FLOWERS",
            "12 x",
            "x5",
            "+49+30",
            "030 1234567;68",
            "5x5",
        ] {
            assert_eq!(digits(text, false), None, "{text}");
        }
    }

    #[test]
    fn a_field_is_split_where_people_separate_numbers() {
        for text in ["1 / 2", "1,2", "1; 2", "1\n2", "1 or 2", "1 ODER 2", "1 und 2", "1,\n2"] {
            assert_eq!(parts(text), ["1", "2"], "{text:?}");
        }
        assert_eq!(parts("030/1234567"), ["030/1234567"]);
        assert_eq!(parts("+4930123,"), ["+4930123"]);
        for text in ["tel:+4930123;ext=5", "\"Doe, J; K\" <sip:+49301@a;x=y,z>;tag=1", "+4930123;isub=1"] {
            assert_eq!(parts(text), [text]);
        }
        assert_eq!(
            parts("sip:1@a;user=phone, sip:2@a;user=phone"),
            ["sip:1@a;user=phone", "sip:2@a;user=phone"]
        );
        assert_eq!(parts("<sip:1@a;user=phone>, <sip:2@a>"), ["<sip:1@a;user=phone>", "<sip:2@a>"]);
    }

    #[test]
    fn a_range_of_extensions_is_told_wherever_it_stands() {
        let is_range = |text| digits(text, false).is_some_and(|found| found.is_range);
        for text in [
            "030 1234567/68",
            "030 1234567 / 8",
            "030 1234567/68 (mobil)",
            "030 1234567/68 ext. 5",
            "Tel. 030 1234567/68",
        ] {
            assert!(is_range(text), "{text}");
        }
        for text in ["030/1234567", "030 1234567/689", "/68"] {
            assert!(!is_range(text), "{text}");
        }
        assert_eq!(digits("100x5", true), None, "the user of a host");
    }
}
