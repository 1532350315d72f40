//! What is waiting (MWI): counted from the messages themselves, never kept beside them.

use sha2::{Digest as _, Sha256};

use crate::ids::MessageId;
use crate::message::Message;
use crate::taking::is_taken;

/// The counts of a mailbox. Urgent ones are among `new` and `old`; the trash is not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Counts {
    /// Messages nobody has marked read.
    pub new: u32,
    /// Messages marked read.
    pub old: u32,
    /// Urgent ones among the new.
    pub urgent_new: u32,
    /// Urgent ones among the old.
    pub urgent_old: u32,
}

impl Counts {
    /// How many messages the mailbox stores, as its limit counts them.
    pub fn stored(self) -> u32 {
        self.new.saturating_add(self.old)
    }

    fn add(&mut self, message: CountedMessage) {
        let (all, urgent_ones) = if message.is_read {
            (&mut self.old, &mut self.urgent_old)
        } else {
            (&mut self.new, &mut self.urgent_new)
        };
        *all = all.saturating_add(1);
        *urgent_ones = urgent_ones.saturating_add(u32::from(message.is_urgent));
    }
}

/// A message that new or old shows: what counting asks of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountedMessage {
    /// The message.
    pub id: MessageId,
    /// Whether it is old.
    pub is_read: bool,
    /// Whether the caller marked it urgent.
    pub is_urgent: bool,
    /// The number of its taking.
    pub taking: u64,
}

impl CountedMessage {
    /// The message, if new or old shows it.
    pub fn of(message: &Message) -> Option<Self> {
        message.is_visible().then(|| Self {
            id: message.facts.id,
            is_read: message.read.is_some(),
            is_urgent: message.facts.urgent,
            taking: message.taking.number(),
        })
    }

    /// All of it, in a form that is never changed: what processes of several versions make of it must be the same.
    fn digested(self) -> [u8; 25] {
        let mut bytes = [0; 25];
        let (id, rest) = bytes.split_at_mut(16);
        let (flags, taking) = rest.split_at_mut(1);
        id.copy_from_slice(&self.id.bytes());
        flags.copy_from_slice(&[u8::from(self.is_read) | u8::from(self.is_urgent) << 1]);
        taking.copy_from_slice(&self.taking.to_be_bytes());
        bytes
    }
}

/// What is waiting in a mailbox, made of the messages that new and old show, whatever order they come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Waiting {
    /// How many messages.
    pub counts: Counts,
    /// The new one that has waited longest.
    pub oldest_new: Option<MessageId>,
    /// How many of the new ones somebody has taken.
    pub new_taken: u32,
    /// The first 64 bits of the SHA-256 of all of them: another one where another set of messages is shown, another part of it is
    /// read, or a taking changed; else the same, in each process and after each restart.
    pub changed: u64,
}

impl FromIterator<CountedMessage> for Waiting {
    fn from_iter<I: IntoIterator<Item = CountedMessage>>(messages: I) -> Self {
        let mut messages: Vec<CountedMessage> = messages.into_iter().collect();
        messages.sort_unstable_by_key(|message| message.id);
        let (mut counts, mut oldest_new, mut new_taken) = (Counts::default(), None, 0_u32);
        let mut digest = Sha256::new();
        for message in messages {
            counts.add(message);
            digest.update(message.digested());
            if !message.is_read {
                oldest_new.get_or_insert(message.id);
                new_taken = new_taken.saturating_add(u32::from(is_taken(message.taking)));
            }
        }
        let changed = digest.finalize().iter().take(8).fold(0, |first, byte| first << 8 | u64::from(*byte));
        Self { counts, oldest_new, new_taken, changed }
    }
}

impl<'a> FromIterator<&'a Message> for Waiting {
    fn from_iter<I: IntoIterator<Item = &'a Message>>(messages: I) -> Self {
        messages.into_iter().filter_map(CountedMessage::of).collect()
    }
}

#[cfg(test)]
#[path = "counts_tests.rs"]
mod tests;
