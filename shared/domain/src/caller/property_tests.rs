//! What holds of the reader whatever comes.

use proptest::prelude::*;

use super::tests::{read, requested};

const COUNTRIES: [&str; 8] = ["DE", "US", "IT", "FR", "AR", "RU", "MX", "HU"];

proptest! {
    #[test]
    fn reading_twice_changes_nothing(text in "\\PC{0,64}") {
        for country in COUNTRIES {
            if let Some(once) = read(&text, country) {
                prop_assert_eq!(read(&once, country), Some(once));
            }
        }
    }

    #[test]
    fn a_number_read_twice_is_the_same_number(text in "\\+?[0-9 ()/.-]{1,24}") {
        for country in COUNTRIES {
            if let Some(once) = read(&text, country) {
                prop_assert_eq!(read(&once, country), Some(once));
            }
        }
    }

    #[test]
    fn what_a_request_does_not_refuse_it_reads_as_a_deposit_does(text in field()) {
        for country in COUNTRIES {
            if let Ok(callers) = requested(&text, country) {
                let bare = text.trim_matches(|c: char| c == '"' || c.is_whitespace());
                let deposited = read(if text.contains('"') { bare } else { &text }, country);
                prop_assert!(callers.len() <= 2);
                prop_assert_eq!(deposited.as_ref(), callers.first(), "{:?} in {}", text, country);
            }
        }
    }
}

/// Pieces of what people write into a field.
fn field() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[0-9]{1,12}",
        "\\+[1-9][0-9]{4,12}",
        "0[1-9][0-9]{4,10}",
        "00[1-9][0-9]{4,10}",
        prop::sample::select(&[
            " ",
            "/",
            " / ",
            ",",
            ";",
            "\n",
            " or ",
            " oder ",
            "(",
            ")",
            "(0)",
            "-",
            "\u{2011}",
            "\u{a0}",
            "\u{202a}",
            "'",
            "Tel.: ",
            "Mobil ",
            "ext. ",
            "x",
            "#",
            ";ext=",
            ";phone-context=+4930",
            "tel:",
            "sip:",
            "sips:",
            "callto:",
            "//",
            "@",
            "pbx.example",
            "[2001:db8::1]",
            "anonymous",
            "private",
            "unknown.invalid",
            "<",
            ">",
            "%2B",
            "%41",
            "alice",
            "E+",
            ".",
        ])
        .prop_map(str::to_owned),
        "\\PC{1,4}",
    ];
    let pieces = prop::collection::vec(piece, 0..7).prop_map(|pieces| pieces.concat());
    (pieces, any::<bool>()).prop_map(|(text, is_quoted)| {
        let text = text.replace('"', "");
        if is_quoted && !text.contains('<') { format!("\"{text}\"") } else { text }
    })
}
