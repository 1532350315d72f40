//! Who is going to answer a message, and how often that changed.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::names::UserId;

/// That somebody is going to answer a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenMark {
    /// Since when.
    pub at: Timestamp,
    /// Who.
    pub by: UserId,
}

/// The taking of a message: who has it, if anybody, and a number that each change raises. It stays with the message until that is
/// purged. A take and a give-back raise the number by one, a take-over by two, so it is odd while somebody has the message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taking {
    number: u64,
    mark: Option<TakenMark>,
}

impl Taking {
    /// A taking as it was stored; `None`: number and mark contradict each other, so one of them is damaged.
    pub fn stored(number: u64, mark: Option<TakenMark>) -> Option<Self> {
        (is_taken(number) == mark.is_some()).then_some(Self { number, mark })
    }

    /// How often it changed. 0: nobody ever took the message.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Who has the message, and since when.
    pub fn mark(&self) -> Option<&TakenMark> {
        self.mark.as_ref()
    }

    /// Gives the message to somebody. Who had it until then; `Err`: this one keeps it.
    pub(crate) fn take(&mut self, mark: &TakenMark, over: bool) -> Result<Option<UserId>, Refusal> {
        let from = match &self.mark {
            Some(there) if there.by == mark.by => return Ok(None),
            Some(_) if !over => return Err(Refusal),
            there => there.as_ref().map(|there| there.by.clone()),
        };
        self.number += if from.is_some() { 2 } else { 1 };
        self.mark = Some(mark.clone());
        Ok(from)
    }

    /// Ends the taking of this number, unless it is over.
    pub(crate) fn give_back(&mut self, number: u64) {
        if self.number == number && self.mark.take().is_some() {
            self.number += 1;
        }
    }
}

/// Somebody else has the message.
pub(crate) struct Refusal;

/// Whether somebody has a message whose taking has this number.
pub fn is_taken(number: u64) -> bool {
    number % 2 == 1
}
