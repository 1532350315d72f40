//! How what is due is written: its deadline and a letter. A case's claim is written as a hold of the trash whose deadline is the
//! beginning of time: it is due at once, so that the sweep finishes what was cut off.

use domain::{Claim, Hold, Timestamp};

/// The deadline and the letter of a claim; `None`: a case's hold has no entry.
pub(crate) fn due_at(claim: &Claim) -> Option<(Timestamp, char)> {
    match claim {
        Claim::Due(Hold::Trash { purge_at }) => Some((*purge_at, 't')),
        Claim::Due(Hold::Mailbox { purge_at }) => Some((*purge_at, 'd')),
        Claim::Due(Hold::Case { .. }) => None,
        Claim::Case(_) | Claim::Unfinished => Some((Timestamp::default(), 't')),
    }
}

/// The claim that an entry with this deadline and letter is of.
pub(crate) fn claim_of(purge_at: Timestamp, letter: &str) -> Option<Claim> {
    match letter {
        "t" if purge_at == Timestamp::default() => Some(Claim::Unfinished),
        "t" => Some(Claim::Due(Hold::Trash { purge_at })),
        "d" => Some(Claim::Due(Hold::Mailbox { purge_at })),
        _ => None,
    }
}
