//! A caller's name, as it may be shown.

/// A name without what acts on the terminal or the page that shows it: control characters, and those that turn the
/// direction of what follows (Unicode Standard Annex 9, 2.1 to 2.5).
pub(crate) fn printable(name: &str) -> String {
    let shown = name.chars().filter_map(|c| match c {
        c if c.is_whitespace() => Some(' '),
        '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => None,
        c => Some(c).filter(|c| !c.is_control()),
    });
    shown.collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_nothing_that_acts_on_what_shows_it() {
        assert_eq!(printable(" \u{1b}[31mAnn\u{7}\t\u{202e}Lee\u{0}\r\n"), "[31mAnn Lee");
        assert_eq!(printable("José ع \u{200d}👩"), "José ع \u{200d}👩");
        assert_eq!(printable("\u{0}\n"), "");
    }
}
