//! Characters of what platforms and people send: what is brought to one form, what is no part of a caller ID or a name.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::CodePointMapData;
use icu_properties::props::GeneralCategory;
use rlibphonenumber::PHONE_NUMBER_UTIL;

use super::MAX_CALLER_BYTES;

/// How often a text is brought to lower case at most: that can ask for another composition, and that for another lower case.
const MAX_LOWERINGS: usize = 4;

fn category(c: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(c)
}

fn nfkc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    ComposingNormalizerBorrowed::new_nfkc().normalize(text)
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\n'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// A caller ID without control, format and direction characters, in NFKC (Unicode Standard Annex 15). A line end is `\n`,
/// any other space is a plain one.
pub(super) fn clean(text: &str) -> String {
    let keep = |text: &str| -> String {
        let kept = text.chars().filter_map(|c| match c {
            c if is_line_end(c) => Some('\n'),
            c if c.is_whitespace() => Some(' '),
            c if c.is_ascii() => Some(c).filter(|c| !c.is_ascii_control()),
            c => Some(c)
                .filter(|c| !matches!(category(*c), GeneralCategory::Control | GeneralCategory::Format)),
        });
        kept.collect()
    };
    // Before, as what is taken out may have kept two characters from being composed; after, as NFKC makes spaces.
    let kept = keep(text);
    let composed = keep(&nfkc(&kept));
    // A caller must be nameable: one character of Arabic becomes eighteen, and the field of a request takes 256 bytes.
    let is_longer = composed.len() > MAX_CALLER_BYTES && composed.len() > kept.len();
    (if is_longer { kept } else { composed }).trim().to_owned()
}

/// A text caller as it is kept: on one line, in lower case, trimmed.
pub(super) fn as_text(cleaned: &str) -> String {
    let mut text = cleaned.replace('\n', " ");
    for _ in 0..MAX_LOWERINGS {
        let next = clean(&text.to_lowercase());
        if next == text || next.len() > MAX_CALLER_BYTES.max(text.len()) {
            break;
        }
        text = next;
    }
    text
}

/// The ASCII digit of a digit of any script.
pub(super) fn digit(c: char) -> Option<char> {
    if c.is_ascii() {
        return Some(c).filter(char::is_ascii_digit);
    }
    if category(c) != GeneralCategory::DecimalNumber {
        return None;
    }
    PHONE_NUMBER_UTIL.normalize_digits_only(c.to_string()).chars().next()
}

/// Whether it only makes a number readable: a space, any dash, and what people put between digits.
pub(super) fn is_punctuation(c: char) -> bool {
    match c {
        // The last three: the minus sign, the dot between words, and the mark of a long vowel, which Japanese numbers have.
        ' ' | '-' | '.' | '(' | ')' | '/' | '[' | ']' | '~' | '\u{2212}' | '\u{b7}' | '\u{30fc}' => true,
        c => !c.is_ascii() && category(c) == GeneralCategory::DashPunctuation,
    }
}

/// A name without what acts on the terminal or the page that shows it: control characters, and those that turn the direction
/// of what follows (Unicode Standard Annex 9, 2.1 to 2.6). U+200C and U+200D stay, as scripts and emoji are written with them.
pub(super) fn printable(name: &str) -> String {
    let shown = name.chars().filter_map(|c| match c {
        c if c.is_whitespace() => Some(' '),
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => None,
        c => Some(c).filter(|c| !c.is_control()),
    });
    shown.collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_format_and_direction_characters_are_taken_out_and_spaces_are_plain() {
        assert_eq!(clean("\u{202a}+49 30\u{a0}12\u{3000}34\u{202c}\u{0}\u{ad}\u{feff}"), "+49 30 12 34");
        assert_eq!(clean("a\r\nb\u{2028}c\td"), "a\n\nb\nc d");
        assert_eq!(clean("\u{ff0b}\u{ff14}\u{ff19}"), "+49");
        assert_eq!(clean("a\u{200d}\u{301}"), "\u{e1}", "composed once nothing stands between");
    }

    #[test]
    fn digits_of_any_script_and_any_dash_are_known() {
        for (text, digits) in [("٤٩", "49"), ("۴۹", "49"), ("४९", "49"), ("๔๙", "49"), ("𞥔", "4")]
        {
            assert_eq!(text.chars().filter_map(digit).collect::<String>(), digits, "{text}");
        }
        assert_eq!(digit('½'), None);
        assert_eq!(digit('四'), None);
        for dash in ['-', '\u{2010}', '\u{2013}', '\u{2014}', '\u{2212}', '\u{fe58}', '\u{30fc}', '\u{1806}']
        {
            assert!(is_punctuation(dash), "{dash:?}");
        }
        assert!(!is_punctuation('a') && !is_punctuation('+') && !is_punctuation(','));
    }

    #[test]
    fn a_name_keeps_nothing_that_acts_on_what_shows_it() {
        assert_eq!(printable(" \u{1b}[31mAnn\u{7}\t\u{202e}\u{200f}Lee\u{0}\r\n"), "[31mAnn Lee");
        assert_eq!(printable("José ع \u{200d}👩\u{200c}x"), "José ع \u{200d}👩\u{200c}x");
        assert_eq!(printable("\u{0}\n"), "");
    }
}
