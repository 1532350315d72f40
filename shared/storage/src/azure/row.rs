//! The blob under a message's id: all of it is metadata, so that a look is one request and a listing tells a whole mailbox.
//!
//! ```text
//! facts   what came in, JSON
//! state   the read mark, the holds, the claim, JSON; op: another one with each change
//! gone    in place of these: when it was purged, milliseconds
//! fence   in place of these: the attempts that can never be created, with commas; until: when it may go
//! ```
//!
//! Each change reads the blob, applies the rule of the domain and sends one Set Blob Metadata, conditional on the `ETag` that was read.
//! If the condition fails, it begins anew. A write whose answer was lost is known by its `op`.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Attempt, CaseKey, Facts, Hold, Message, ReadMark, Timestamp};
use serde::{Deserialize, Serialize};

use super::blobs::{Metadata, json, value_of};
use crate::cloud::{Row, nonce};
use crate::{Deposit, MessageRef, Result, StorageError};

const FACTS: &str = "facts";
pub(super) const STATE: &str = "state";
const GONE: &str = "gone";
const FENCE: &str = "fence";
const UNTIL: &str = "until";

/// What changes of a message.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) op: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    read: Option<ReadMark>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trash: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mailbox: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    cases: BTreeMap<CaseKey, Timestamp>,
    #[serde(default)]
    claimed: bool,
}

impl State {
    pub(super) fn of(message: &Message, op: String) -> Self {
        let mut state = Self { op, read: message.read.clone(), claimed: message.claimed, ..Self::default() };
        for hold in &message.holds {
            match hold {
                Hold::Trash { purge_at } => state.trash = Some(*purge_at),
                Hold::Mailbox { purge_at } => state.mailbox = Some(*purge_at),
                Hold::Case { case, purge_at } => {
                    state.cases.insert(case.clone(), *purge_at);
                }
            }
        }
        state
    }

    fn message(self, facts: Facts) -> Message {
        let mut holds = BTreeSet::new();
        holds.extend(self.trash.map(|purge_at| Hold::Trash { purge_at }));
        holds.extend(self.mailbox.map(|purge_at| Hold::Mailbox { purge_at }));
        holds.extend(self.cases.into_iter().map(|(case, purge_at)| Hold::Case { case, purge_at }));
        Message { facts, read: self.read, holds, claimed: self.claimed }
    }
}

/// What the metadata of a blob tells.
pub(super) fn read(name: &str, metadata: &Metadata) -> Result<Row> {
    let corrupt = || StorageError::corrupt(format!("the message {name}"));
    let time = |name| metadata.get(name)?.parse().ok().map(Timestamp::from_millis);
    if metadata.contains_key(FACTS) {
        let facts = value_of::<Deposit>(metadata, FACTS).ok_or_else(corrupt)?.facts;
        let state = value_of::<State>(metadata, STATE).ok_or_else(corrupt)?;
        return Ok(Row::Message(Box::new(state.message(facts))));
    }
    if let Some(gone) = time(GONE) {
        return Ok(Row::Tombstone(gone));
    }
    fenced(metadata).ok_or_else(corrupt)?;
    Ok(Row::Fence(time(UNTIL).ok_or_else(corrupt)?))
}

/// The attempts of a fence.
pub(super) fn fenced(metadata: &Metadata) -> Option<BTreeSet<Attempt>> {
    metadata.get(FENCE)?.split(',').map(str::parse).collect::<std::result::Result<_, _>>().ok()
}

/// A message that is created.
pub(super) fn created(deposit: &Deposit) -> Result<Metadata> {
    let context = "creating a message";
    let state = State::of(&Message::new(deposit.facts.clone()), nonce()?);
    let facts = json(context, deposit)?;
    Ok([(FACTS.to_owned(), facts), (STATE.to_owned(), json(context, &state)?)].into())
}

/// A message that was purged.
pub(super) fn tombstone(now: Timestamp) -> Metadata {
    [(GONE.to_owned(), now.millis().to_string())].into()
}

/// The fence of these attempts.
pub(super) fn fence(attempts: &BTreeSet<Attempt>, until: Timestamp) -> Metadata {
    let attempts = attempts.iter().map(Attempt::to_string).collect::<Vec<_>>().join(",");
    [(FENCE.to_owned(), attempts), (UNTIL.to_owned(), until.millis().to_string())].into()
}

/// What a marker tells, in its metadata.
pub(super) const MARKER: &str = "marker";

/// What is left of a message, in the metadata of an entry.
pub(super) const MESSAGE_REF: &str = "remains";

/// What is left of a message or attempt, as metadata.
pub(super) fn left(context: &'static str, message_ref: &MessageRef) -> Result<Metadata> {
    Ok([(MESSAGE_REF.to_owned(), json(context, message_ref)?)].into())
}
