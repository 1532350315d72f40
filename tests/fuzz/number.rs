//! Whatever a platform sends for a caller: it is read, and what was read is one caller, however often it is read.
#![no_main]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "what is found is told by a panic")]

use domain::{Caller, Country};
use libfuzzer_sys::fuzz_target;

/// Countries whose dialling rules differ: exit codes, national prefixes that are kept, dropped or none, and numbers
/// whose mobile form is another one abroad.
const COUNTRIES: [&str; 12] = ["DE", "US", "IT", "FR", "AR", "BR", "MX", "JP", "AU", "RU", "HU", "SM"];

fuzz_target!(|input: (u8, &str)| {
    let (country, received) = input;
    let country: Country = COUNTRIES[usize::from(country) % COUNTRIES.len()].parse().unwrap();
    if let Some(caller) = fuzz::cheap(|| Caller::read(received, country)) {
        assert_eq!(Caller::read(caller.reveal(), country).as_ref(), Some(&caller), "{:?}", caller.reveal());
        // A plus, a country code and what the library lets a number have at most, or the text itself.
        assert!(caller.reveal().len() <= 3 * received.len() + 5, "{:?}", caller.reveal());
    }
});
