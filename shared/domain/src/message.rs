//! A message: facts, a read mark, a taking, a set of holds, a claim. Its rules, as functions over values.
//!
//! ```text
//! facts     what came in; committed once, never changed
//! read      there or not
//! taking    who is going to answer it, if anybody
//! holds     trash · with its mailbox · case            any number at once
//! claim     irrevocable: being purged; afterwards the facts become a tombstone
//!
//! visible = no claim, no hold       folder = read ? old : new       in the trash = only trash holds
//! ```
//!
//! There is no "where it was": a hold is put on and taken off and nothing else changes, so that undoing one of two
//! shows nothing that the other hides, and whatever comes back is where it was by itself.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::caller::{Caller, CallerName};
use crate::clock::Timestamp;
use crate::ids::{AudioKey, MessageId};
use crate::names::{Attempt, CaseKey, MailboxId, Region, UserId};
use crate::subject::Subject;
use crate::taking::{Refusal, TakenMark, Taking};

/// What came in. Written once, by the attempt that was committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The message.
    pub id: MessageId,
    /// The attempt that deposited it.
    pub attempt: Attempt,
    /// Its mailbox.
    pub mailbox: MailboxId,
    /// The generation of the mailbox that it was deposited into.
    pub generation: u64,
    /// Who called; `None` where withheld.
    pub caller: Option<Caller>,
    /// Which reader made the caller of its caller ID ([`crate::READER`]); messages of before it was noted are the first's.
    #[serde(default = "first_reader")]
    pub reader: u8,
    /// The caller's name as received.
    pub caller_name: Option<CallerName>,
    /// The caller's keyed hash; `None` where withheld.
    pub subject: Option<Subject>,
    /// When the call was taken, never later than when it came in.
    pub received_at: Timestamp,
    /// Its length in milliseconds, measured.
    pub duration_ms: u64,
    /// Its media type, read from the audio.
    pub media_type: String,
    /// Its size.
    pub bytes: u64,
    /// Whether the caller marked it urgent.
    pub urgent: bool,
    /// Where its recording lies.
    pub region: Region,
    /// Its recording.
    pub audio: AudioKey,
}

fn first_reader() -> u8 {
    1
}

/// That somebody marked it read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadMark {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: UserId,
}

/// What became of a take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakeOutcome {
    /// Whoever asked has it, by this or by an earlier take.
    Taken {
        /// The message.
        message: Box<Message>,
        /// Who had it until now, where it was taken over.
        from: Option<UserId>,
    },
    /// Somebody else has it; nothing changed.
    TakenByAnother(Box<Message>),
    /// New and old do not show it; nothing changed.
    NotVisible,
}

/// A reason why a message is not in its folder. Each has its deadline, which never moves.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hold {
    /// Somebody deleted it, or its retention is over.
    Trash {
        /// When it is purged, in whole seconds.
        purge_at: Timestamp,
    },
    /// Its mailbox was deleted.
    Mailbox {
        /// When it is purged, in whole seconds.
        purge_at: Timestamp,
    },
    /// A case forgets its caller.
    Case {
        /// The case, whose fate decides.
        case: CaseKey,
        /// By when it is purged.
        purge_at: Timestamp,
    },
}

impl Hold {
    /// By when the message is purged.
    pub fn purge_at(&self) -> Timestamp {
        match self {
            Self::Trash { purge_at } | Self::Mailbox { purge_at } | Self::Case { purge_at, .. } => *purge_at,
        }
    }
}

/// Which hold to take off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Release {
    /// All of the trash: an agent's undo.
    Trash,
    /// One case's: the undo of that case.
    Case(CaseKey),
}

/// What became of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReleaseOutcome {
    /// It is in a folder, the trash included. Also where there was nothing to take off.
    Back(Box<Message>),
    /// Another hold still hides it; to an agent it is not there.
    Hidden,
    /// It is being purged, or purged.
    Gone,
    /// There is no such message.
    Missing,
}

/// Why a message is purged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// This hold, of the trash or of a deleted mailbox, is over.
    Due(Hold),
    /// A case that is erasing; decided on the case, so it always succeeds on a message that is there.
    Case(CaseKey),
    /// A case has claimed it before, and its purge was cut off.
    Unfinished,
}

/// What became of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimOutcome {
    /// It is claimed, by this or by an earlier try: go on with the purge.
    Claimed,
    /// The hold was taken off: leave the message alone.
    Undone,
    /// Purged already, or never there.
    Gone,
}

/// Where a message is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Folder {
    /// Not marked read.
    New,
    /// Marked read.
    Old,
    /// Deleted, until its deadline.
    Trash,
}

/// A message as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What came in.
    pub facts: Facts,
    /// Whether it is read.
    pub read: Option<ReadMark>,
    /// Who is going to answer it.
    pub taking: Taking,
    /// Why it is not in its folder.
    pub holds: BTreeSet<Hold>,
    /// Whether it is being purged.
    pub claimed: bool,
}

impl Message {
    /// A message as it is created: new.
    pub fn new(facts: Facts) -> Self {
        Self { facts, read: None, taking: Taking::default(), holds: BTreeSet::new(), claimed: false }
    }

    /// Whether the new or old folder shows it.
    pub fn is_visible(&self) -> bool {
        !self.claimed && self.holds.is_empty()
    }

    /// The folder that shows it; `None` where it is hidden or being purged.
    pub fn folder(&self) -> Option<Folder> {
        let only_trash = self.holds.iter().all(|hold| matches!(hold, Hold::Trash { .. }));
        (only_trash && !self.claimed).then(|| self.folder_beneath())
    }

    /// The folder that it is in beneath what hides it: a case, or the deletion of its mailbox.
    pub fn folder_beneath(&self) -> Folder {
        match (self.purge_at(), &self.read) {
            (Some(_), _) => Folder::Trash,
            (None, Some(_)) => Folder::Old,
            (None, None) => Folder::New,
        }
    }

    /// When it leaves the trash for good: the earliest deadline, where two deletes raced.
    pub fn purge_at(&self) -> Option<Timestamp> {
        self.holds.iter().find_map(|hold| match hold {
            Hold::Trash { purge_at } => Some(*purge_at),
            _ => None,
        })
    }

    /// Marks it read; whoever was first stays. `false`: it is not visible, nothing changed.
    pub fn mark_read(&mut self, mark: ReadMark) -> bool {
        if self.is_visible() {
            self.read.get_or_insert(mark);
        }
        self.is_visible()
    }

    /// Takes the read mark off. `false`: it is not visible, nothing changed.
    pub fn mark_unread(&mut self) -> bool {
        if self.is_visible() {
            self.read = None;
        }
        self.is_visible()
    }

    /// Takes it: whoever asks is going to answer it. `over`: also where somebody else is. Taking what is one's own changes nothing.
    pub fn take(&mut self, mark: &TakenMark, over: bool) -> TakeOutcome {
        if !self.is_visible() {
            return TakeOutcome::NotVisible;
        }
        match self.taking.take(mark, over) {
            Ok(from) => TakeOutcome::Taken { message: Box::new(self.clone()), from },
            Err(Refusal) => TakeOutcome::TakenByAnother(Box::new(self.clone())),
        }
    }

    /// Gives it back: ends the taking of this number, and none that came after it. `false`: it is not visible, nothing changed.
    pub fn give_back(&mut self, number: u64) -> bool {
        if self.is_visible() {
            self.taking.give_back(number);
        }
        self.is_visible()
    }

    /// Puts a hold on. `false`: it cannot take this one (the trash takes what is in a folder, the others whatever is
    /// not being purged), nothing changed. A second hold of the trash, of the mailbox or of one case changes nothing:
    /// deadlines never move.
    pub fn hold(&mut self, hold: Hold) -> bool {
        let may = match hold {
            Hold::Trash { .. } => self.folder().is_some(),
            Hold::Mailbox { .. } | Hold::Case { .. } => !self.claimed,
        };
        let same = |there: &Hold| match (there, &hold) {
            (Hold::Trash { .. }, Hold::Trash { .. }) | (Hold::Mailbox { .. }, Hold::Mailbox { .. }) => true,
            (Hold::Case { case: there, .. }, Hold::Case { case, .. }) => there == case,
            _ => false,
        };
        if may && !self.holds.iter().any(same) {
            self.holds.insert(hold);
        }
        may
    }

    /// Takes off what `release` names and nothing else.
    pub fn release(&mut self, release: &Release) -> ReleaseOutcome {
        if self.claimed {
            return ReleaseOutcome::Gone;
        }
        match release {
            Release::Trash if self.folder().is_none() => return ReleaseOutcome::Hidden,
            Release::Trash => self.holds.clear(),
            Release::Case(case) => {
                self.holds.retain(|hold| !matches!(hold, Hold::Case { case: k, .. } if k == case));
            }
        }
        if self.folder().is_some() {
            ReleaseOutcome::Back(Box::new(self.clone()))
        } else {
            ReleaseOutcome::Hidden
        }
    }

    /// Claims it for the purge.
    pub fn claim(&mut self, claim: &Claim) -> ClaimOutcome {
        let may = match claim {
            Claim::Due(hold) => self.claimed || self.holds.contains(hold),
            Claim::Case(_) => true,
            Claim::Unfinished => self.claimed,
        };
        self.claimed |= may;
        if may { ClaimOutcome::Claimed } else { ClaimOutcome::Undone }
    }
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
