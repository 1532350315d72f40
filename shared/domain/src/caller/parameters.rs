//! The parameters of a number in a URI: `;ext=5`, `;phone-context=+49` (RFC 3966, 3), and the escapes of its parts.

use percent_encoding::percent_decode_str;

use super::characters::clean;

/// A part of a URI without its escapes (RFC 3261, 19.1.2).
pub(super) fn decoded(part: &str) -> String {
    clean(&percent_decode_str(part).decode_utf8_lossy())
}

/// A number and its parameters: `;ext=5`. What follows a semicolon and is none leaves the whole as it is.
pub(super) fn parameters(text: &str) -> (&str, Vec<&str>) {
    let mut parts = text.split(';');
    let number = parts.next().unwrap_or(text);
    let parameters: Vec<_> = parts.filter(|part| !part.trim().is_empty()).collect();
    if parameters.iter().all(|part| is_parameter(part)) { (number, parameters) } else { (text, Vec::new()) }
}

/// Whether what stands behind a semicolon begins with a parameter.
pub(super) fn begins_with_parameter(text: &str) -> bool {
    is_parameter(text.split([';', ',', '\n', '>']).next().unwrap_or(text))
}

/// A name, perhaps with a value, of the characters that RFC 3966, 3 and RFC 3261, 25.1 have for them.
fn is_parameter(text: &str) -> bool {
    let (name, value) = text.trim().split_once('=').unwrap_or((text.trim(), ""));
    let of_value = |c: char| c.is_ascii_alphanumeric() || "-_.!~*'()[]/:&+$%".contains(c);
    let begins = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
    begins && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') && value.chars().all(of_value)
}
