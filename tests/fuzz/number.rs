//! Whatever a platform or a person sends for a caller: it is read, what was read is one caller, however often it is read, and a
//! request that is not refused means whom a deposit means.
#![no_main]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "what is found is told by a panic")]

use std::net::Ipv4Addr;

use domain::{BareNumbers, Caller, NumberingPlan};
use libfuzzer_sys::fuzz_target;

/// Countries whose dialling rules differ: exit codes, national prefixes that are kept, dropped or none, and numbers
/// whose mobile form is another one abroad.
const COUNTRIES: [&str; 12] = ["DE", "US", "IT", "FR", "AR", "BR", "MX", "JP", "AU", "RU", "HU", "SM"];
const SETTINGS: [BareNumbers; 3] = [BareNumbers::Auto, BareNumbers::International, BareNumbers::National];
/// What a character becomes at most in NFKC (U+FDFA, 18 characters of 33 bytes in place of 3), and a plus with a country code.
const MAX_GROWTH: usize = 11;
const MAX_PREFIX: usize = 5;

fuzz_target!(|input: (u8, u8, &str)| {
    let (country, setting, received) = input;
    let plan = NumberingPlan {
        country: COUNTRIES[usize::from(country) % COUNTRIES.len()].parse().unwrap(),
        bare_numbers: SETTINGS[usize::from(setting) % SETTINGS.len()],
    };
    let read = fuzz::cheap(|| Caller::read(received, plan));
    if let Some(caller) = &read {
        // Of all that was read only the host of a URI may look like a number: `20.20.30.40`.
        let is_host = caller.reveal().parse::<Ipv4Addr>().is_ok();
        assert!(
            is_host || Caller::read(caller.reveal(), plan).as_ref() == Some(caller),
            "{:?}",
            caller.reveal()
        );
        assert!(caller.reveal().len() <= MAX_GROWTH * received.len() + MAX_PREFIX, "{:?}", caller.reveal());
        for other in caller.counterparts(plan) {
            assert_ne!(&other, caller);
        }
    }
    if let Ok(callers) = fuzz::cheap(|| Caller::requested(received, plan)) {
        assert!((1..=2).contains(&callers.len()));
        let is_quoted = received.contains(['"', '\u{201c}', '\u{201d}', '\u{201e}', '\u{201f}', '\u{ff02}']);
        assert!(is_quoted || read.as_ref() == callers.first(), "{callers:?}");
    }
});
