//! Who withholds the number is nobody: the words and numbers that platforms send in its place.
//!
//! One Forget Me of such a "caller" would take the messages of everybody who withholds theirs.

/// As the whole text, or as the user at any host: else all who withhold theirs through one gateway would be one caller.
const AT_ANY_HOST: [&str; 4] = [
    "anonymous",   // RFC 3323, 4.1.1.3: the From of a private call; RFC 3261, 8.1.1.3
    "restricted",  // Cisco, Avaya and Broadsoft, for presentation restricted (ITU-T Q.951.4)
    "unavailable", // RFC 3398, 12: a call from the telephone network without its number; 3GPP TS 29.163
    "unknown",     // Asterisk and FreeSWITCH, where no number came
];

/// As the whole text, or as the user at a host under `.invalid` (RFC 2606), as a user of a real host may have such a name. Spaces
/// stand for hyphens and underscores, too. What a number's absence is called is in no standard but the first; the others are
/// the displays of carriers, exchanges and telephones, as their manuals print them.
const AS_A_WHOLE: [&str; 8] = [
    // Telcordia GR-30-CORE and ETSI EN 300 659-3, 5.4.4: the reasons for the absence of a number, private and out of area.
    "private, private caller, private name, private number, out of area, not available",
    // North America, and Twilio's words for its numbers below.
    "blocked, blocked number, caller id blocked, no caller id, no number, number unavailable, \
     unknown caller, unknown number, anonymous caller, restricted number",
    // The United Kingdom and Australia.
    "withheld, number withheld, withheld number, caller withheld, suppressed",
    // German.
    "anonym, privat, unbekannt, unterdrückt, unterdrueckt, nummer unterdrückt, rufnummer unterdrückt",
    // French.
    "inconnu, numéro masqué, numero masque, numéro privé",
    // Italian.
    "anonimo, sconosciuto, numero privato",
    // Spanish and Portuguese.
    "privado, oculto, número oculto, número privado, desconocido, desconhecido",
    // Dutch.
    "anoniem, onbekend",
];

/// In E.164, and the numbers of nobody: words on a telephone's keys. From Twilio's page "Why am I getting calls from these
/// strange numbers?" (support article 223179988), which writes RESTRICTED with a slip; other carriers write it as it is spelled,
/// or ANONYMOUS behind a 1.
const NUMBERS: [&str; 8] = [
    "+266696687",   // ANONYMOUS
    "+1266696687",  // 1 and ANONYMOUS: a digit short of a number of North America
    "+7378742833",  // RESTRICTED
    "+7378742883",  // RESTRICTED, as on that page
    "+2562533",     // BLOCKED
    "+8656696",     // UNKNOWN
    "+86282452253", // UNAVAILABLE
    "+464",         // on that page without a word
];

/// The fewest digits of a word on the keys that counts without its `+`, too: shorter ones may be somebody's number within a town.
const MIN_BARE_DIGITS: usize = 9;

/// Whether a text, in lower case, stands for a number that is withheld.
pub(super) fn is_word(text: &str) -> bool {
    let (user, host) = match text.split_once('@') {
        Some((user, host)) => (user, Some(host)),
        // A URI without a user is its host.
        None => text.strip_suffix(".invalid").map_or((text, None), |user| (user, Some("invalid"))),
    };
    let is_nowhere = host.is_none_or(|host| host == "invalid" || host.ends_with(".invalid"));
    let words = user.replace(['-', '_'], " ");
    let is_whole = AS_A_WHOLE.into_iter().flat_map(|texts| texts.split(", ")).any(|text| text == words);
    user.is_empty() || AT_ANY_HOST.contains(&user) || is_nowhere && is_whole
}

/// Whether digits, behind a `+` where they are international, are all zeros or one of the numbers that stand for none.
pub(super) fn is_number(number: &str) -> bool {
    number.trim_start_matches('+').bytes().all(|digit| digit == b'0') || NUMBERS.contains(&number)
}

/// Whether bare digits that are no valid number where they came in are one of these without its `+`.
pub(super) fn is_bare_number(digits: &str) -> bool {
    digits.len() >= MIN_BARE_DIGITS && NUMBERS.iter().any(|number| number.trim_start_matches('+') == digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_rfcs_count_at_any_host_and_the_others_alone_or_at_no_real_host() {
        for text in [
            "",
            "anonymous",
            "unknown@gw1.example",
            "private",
            "blocked@anonymous.invalid",
            "anonymous.invalid",
        ] {
            assert!(is_word(text), "{text}");
        }
        for text in [
            "private@acme.example",
            "anonymous caller@acme.example",
            "alice@x.invalid",
            "anonymouse",
            "acme.invalid",
        ] {
            assert!(!is_word(text), "{text}");
        }
    }

    #[test]
    fn the_numbers_are_the_words_on_a_telephones_keys() {
        let keys = |word: &str| -> String {
            let key = |c: char| match c {
                'A'..='C' => '2',
                'D'..='F' => '3',
                'G'..='I' => '4',
                'J'..='L' => '5',
                'M'..='O' => '6',
                'P'..='S' => '7',
                'T'..='V' => '8',
                _ => '9',
            };
            format!("+{}", word.chars().map(key).collect::<String>())
        };
        for word in ["ANONYMOUS", "RESTRICTED", "BLOCKED", "UNKNOWN", "UNAVAILABLE"] {
            assert!(is_number(&keys(word)), "{word}");
        }
        assert!(is_number("0000000000") && is_number("+00") && !is_number("0001") && !is_number("266696687"));
        assert!(is_bare_number("266696687") && !is_bare_number("2562533") && !is_bare_number("464"));
    }
}
