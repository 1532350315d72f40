//! Time, passed in: a timestamp of milliseconds and where "now" comes from.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::names::{BadName, by_its_text};

/// A point in time, to the millisecond, as the wire shows it: `2026-11-22T10:00:00.000Z`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(i64);

/// The last millisecond that RFC 3339 can write: 9999-12-30T22:00:00Z, jiff's own limit.
const MAX_MILLIS: i64 = 253_402_207_200_000;

impl Timestamp {
    /// From milliseconds since 1970, brought into 1970..=9999.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(0, MAX_MILLIS))
    }

    /// Milliseconds since 1970.
    pub fn millis(self) -> i64 {
        self.0
    }

    /// This time and `duration` more.
    pub fn plus(self, duration: Duration) -> Self {
        Self::from_millis(self.0.saturating_add(millis_of(duration)))
    }

    /// This time less `duration`.
    pub fn minus(self, duration: Duration) -> Self {
        Self::from_millis(self.0.saturating_sub(millis_of(duration)))
    }

    /// How long after `earlier` this is; nothing when it is before.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }

    /// The hour it lies in, UTC, as names of folders and keys have it: `2026112210`.
    pub fn hour(self) -> String {
        self.to_string().chars().filter(char::is_ascii_digit).take(10).collect()
    }

    /// The next whole second, or this one when it is whole.
    pub fn up_to_second(self) -> Self {
        Self::from_millis(self.0.saturating_add(999) / 1000 * 1000)
    }
}

fn millis_of(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        write!(f, "{}", time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ"))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is none.
const NOT_A_TIME: BadName = BadName("not a time like 2026-11-22T10:00:00Z (RFC 3339, from 1970 to 9999)");

impl FromStr for Timestamp {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let time: jiff::Timestamp = text.parse().map_err(|_| NOT_A_TIME)?;
        let millis = time.as_millisecond();
        (0..=MAX_MILLIS).contains(&millis).then_some(Self(millis)).ok_or(NOT_A_TIME)
    }
}

by_its_text!(Timestamp);

/// Where "now" comes from.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
    }
}

/// A clock that stands until it is moved: a day passes in a test in a millisecond.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that stands at `now`.
    pub fn at(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.millis()))
    }

    /// Moves it on.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(millis_of(by), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_time_is_written_in_utc_with_milliseconds() {
        let time: Timestamp = "2026-11-22T11:00:00+01:00".parse().unwrap();
        assert_eq!(time.to_string(), "2026-11-22T10:00:00.000Z");
    }

    #[test]
    fn an_hour_is_that_of_utc() {
        let time: Timestamp = "2026-11-22T00:59:59.999+01:00".parse().unwrap();
        assert_eq!(time.hour(), "2026112123");
    }

    #[test]
    fn a_time_without_a_zone_is_refused() {
        assert_eq!("2026-11-22T11:00:00".parse::<Timestamp>(), Err(NOT_A_TIME));
    }

    proptest! {
        #[test]
        fn a_time_reads_back_as_it_was_written(millis in 0..=MAX_MILLIS) {
            let time = Timestamp::from_millis(millis);
            prop_assert_eq!(time.to_string().parse::<Timestamp>(), Ok(time));
        }
    }
}
