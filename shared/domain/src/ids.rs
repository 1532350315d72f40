//! Ids that tell a time: of messages, and of where their recordings lie.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::names::{Attempt, BadName, MailboxId, by_its_text};
use crate::random::Random;
use crate::subject::TenantKey;

/// A message: a UUID of version 7 (RFC 9562) whose 48-bit time is when the call was taken, so that ids sort by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MessageId(Uuid);

impl MessageId {
    /// An id that no other call has.
    pub fn random(received_at: Timestamp, random: &dyn Random) -> Self {
        Self::with(received_at, random.bytes())
    }

    /// The id of a call: the same for each delivery of it, and nobody without the tenant's key can tell the call from it.
    pub fn of_call(received_at: Timestamp, mailbox: &MailboxId, call_id: &str, key: &TenantKey) -> Self {
        Self::with(received_at, key.call(mailbox, call_id))
    }

    /// Greater than every id of a call taken before `time`, and not greater than any of one taken then or later.
    pub fn first_at(time: Timestamp) -> Self {
        Self::with(time, [0; 10])
    }

    /// When the call was taken, to the millisecond.
    pub fn time(self) -> Timestamp {
        let millis = self.0.as_bytes().iter().take(6).fold(0, |millis, byte| millis << 8 | i64::from(*byte));
        Timestamp::from_millis(millis)
    }

    pub(crate) fn bytes(self) -> [u8; 16] {
        self.0.into_bytes()
    }

    fn with(time: Timestamp, rest: [u8; 10]) -> Self {
        let millis = u64::try_from(time.millis()).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &rest).into_uuid())
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.hyphenated(), f)
    }
}

impl FromStr for MessageId {
    type Err = BadName;

    /// Takes the one spelling that `Display` writes: 36 lower-case characters, version 7.
    fn from_str(text: &str) -> Result<Self, BadName> {
        let bad = BadName("a message id is a UUID of version 7 in lower case, with hyphens");
        // Of the spellings that the library takes, only the one with hyphens is as long.
        let is_so_spelled = text.len() == 36 && !text.bytes().any(|byte| byte.is_ascii_uppercase());
        let uuid = Uuid::try_parse(text).map_err(|_| bad)?;
        (uuid.get_version_num() == 7 && is_so_spelled).then_some(Self(uuid)).ok_or(bad)
    }
}

by_its_text!(MessageId);

/// Where a recording lies within its tenant and region: the hour of the put (UTC), then what made it. Written
/// `2026112210/<id>.<attempt>.<mailbox>.<extension>`; each backend lays it out its own way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AudioKey {
    /// `yyyymmddhh` of the put: what an orphan search in an object store lists.
    pub hour: String,
    /// The message.
    pub id: MessageId,
    /// The attempt that put it.
    pub attempt: Attempt,
    /// The mailbox.
    pub mailbox: MailboxId,
    /// The file's extension, without the dot: 1 to 8 of `a-z0-9`.
    pub extension: String,
}

impl AudioKey {
    /// The key of a recording that is put at `now`.
    pub fn new(now: Timestamp, id: MessageId, attempt: Attempt, mailbox: MailboxId, extension: &str) -> Self {
        Self { hour: now.hour(), id, attempt, mailbox, extension: extension.to_owned() }
    }

    /// The name under which the recording is given out: `<id>.<extension>`, nothing of the caller.
    pub fn file_name(&self) -> String {
        format!("{}.{}", self.id, self.extension)
    }
}

impl fmt::Display for AudioKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}.{}.{}.{}", self.hour, self.id, self.attempt, self.mailbox, self.extension)
    }
}

impl FromStr for AudioKey {
    type Err = BadName;

    /// Parsed by position, fixed widths first: a mailbox may hold dots.
    fn from_str(text: &str) -> Result<Self, BadName> {
        let parse = || {
            let (hour, rest) = text.split_once('/')?;
            let (id, rest) = (rest.get(..36)?, rest.get(36..)?.strip_prefix('.')?);
            let (attempt, rest) = (rest.get(..16)?, rest.get(16..)?.strip_prefix('.')?);
            let (mailbox, extension) = rest.rsplit_once('.')?;
            let hour_ok = hour.len() == 10 && hour.bytes().all(|b| b.is_ascii_digit());
            let extension_ok = (1..=8).contains(&extension.len())
                && extension.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
            (hour_ok && extension_ok).then_some(())?;
            Some(Self {
                hour: hour.to_owned(),
                id: id.parse().ok()?,
                attempt: attempt.parse().ok()?,
                mailbox: mailbox.parse().ok()?,
                extension: extension.to_owned(),
            })
        };
        parse().ok_or(BadName("an audio key is <yyyymmddhh>/<id>.<attempt>.<mailbox>.<extension>"))
    }
}

by_its_text!(AudioKey);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{SeededRandom, SystemRandom};
    use proptest::prelude::*;

    #[test]
    fn a_message_id_has_one_spelling() {
        let id = MessageId::random(Timestamp::from_millis(1_700_000_000_000), &SystemRandom).to_string();
        assert!(id.parse::<MessageId>().is_ok());
        assert!(id.to_uppercase().parse::<MessageId>().is_err());
        assert!(id.replace('-', "").parse::<MessageId>().is_err());
        assert!("67e55044-10b1-426f-9247-bb680e5fe0c8".parse::<MessageId>().is_err());
    }

    #[test]
    fn the_same_call_has_the_same_id_and_another_call_another() {
        let key = TenantKey::new(b"a secret of the installation, 32+", &"t".parse().unwrap());
        let (time, mailbox) = (Timestamp::from_millis(1_700_000_000_000), "5001".parse().unwrap());
        let id = MessageId::of_call(time, &mailbox, "call-1", &key);
        assert_eq!(id, MessageId::of_call(time, &mailbox, "call-1", &key));
        assert_ne!(id, MessageId::of_call(time, &mailbox, "call-2", &key));
        assert_ne!(id, MessageId::of_call(time, &"5002".parse().unwrap(), "call-1", &key));
        assert_ne!(
            id,
            MessageId::of_call(time.plus(std::time::Duration::from_millis(1)), &mailbox, "call-1", &key)
        );
    }

    proptest! {
        #[test]
        fn ids_sort_by_the_time_of_the_call(a in 0..4_000_000_000_000i64, b in 0..4_000_000_000_000i64, seed: u64) {
            let random = SeededRandom::new(seed);
            let (ta, tb) = (Timestamp::from_millis(a), Timestamp::from_millis(b));
            let (ia, ib) = (MessageId::random(ta, &random), MessageId::random(tb, &random));
            prop_assert!(a >= b || (ia < ib && ia.to_string() < ib.to_string()));
            prop_assert_eq!((ia.time(), MessageId::first_at(tb).time()), (ta, tb));
            prop_assert!(MessageId::first_at(ta) <= ia);
            prop_assert!(a >= b || ia < MessageId::first_at(tb));
        }

        #[test]
        fn an_audio_key_reads_back_as_it_was_written(mailbox in "[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}", seed: u64) {
            let random = SeededRandom::new(seed);
            let now = Timestamp::from_millis(1_795_341_600_000);
            let id = MessageId::random(now, &random);
            let key = AudioKey::new(now, id, Attempt::draw(&random), mailbox.parse().unwrap(), "wav");
            prop_assert!(key.to_string().starts_with("2026112210/"));
            prop_assert_eq!(key.to_string().parse::<AudioKey>(), Ok(key));
        }

        #[test]
        fn no_text_makes_an_audio_key_panic(text in ".{0,120}") {
            let _ = text.parse::<AudioKey>();
        }
    }
}
