//! The blob under a message's id: all of it is metadata, so that a look is one request and a listing tells a whole mailbox.
//!
//! ```text
//! facts   what came in, JSON
//! state   the read mark, the holds, the claim, JSON; op: another one with each change
//! taking  who takes it and how often that changed, JSON; absent where nobody ever did. Apart from the state, so that processes which
//!         know nothing of it keep it: they write back what they read
//! gone    in place of these: when it was purged, milliseconds
//! fence   in place of these: the attempts that can never be created, with commas; until: when it may go
//! ```
//!
//! Each change reads the blob, applies the rule of the domain and sends one Set Blob Metadata, conditional on the `ETag` that was read.
//! If the condition fails, it begins anew. A write whose answer was lost is known by its `op`.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Attempt, CaseKey, Facts, Hold, Message, ReadMark, TakenMark, Taking, Timestamp};
use serde::{Deserialize, Serialize};

use super::blobs::{Metadata, json, value_of};
use crate::cloud::{Row, nonce};
use crate::{Deposit, MessageRef, Result, StorageError};

const FACTS: &str = "facts";
pub(super) const STATE: &str = "state";
const TAKING: &str = "taking";
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
    fn of(message: &Message, op: String) -> Self {
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

    fn message(self, facts: Facts, taking: Taking) -> Message {
        let mut holds = BTreeSet::new();
        holds.extend(self.trash.map(|purge_at| Hold::Trash { purge_at }));
        holds.extend(self.mailbox.map(|purge_at| Hold::Mailbox { purge_at }));
        holds.extend(self.cases.into_iter().map(|(case, purge_at)| Hold::Case { case, purge_at }));
        Message { facts, read: self.read, taking, holds, claimed: self.claimed }
    }
}

/// The taking of a message.
#[derive(Serialize, Deserialize)]
struct StoredTaking {
    number: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    taken: Option<TakenMark>,
}

/// Puts all that changes of a message into the metadata of its blob.
pub(super) fn put_state(
    context: &'static str,
    metadata: &mut Metadata,
    message: &Message,
    op: String,
) -> Result<()> {
    metadata.insert(STATE.to_owned(), json(context, &State::of(message, op))?);
    if message.taking != Taking::default() {
        let (number, taken) = (message.taking.number(), message.taking.mark().cloned());
        metadata.insert(TAKING.to_owned(), json(context, &StoredTaking { number, taken })?);
    }
    Ok(())
}

/// What the metadata of a blob tells.
pub(super) fn read(name: &str, metadata: &Metadata) -> Result<Row> {
    let corrupt = || StorageError::corrupt(format!("the message {name}"));
    let time = |name| metadata.get(name)?.parse().ok().map(Timestamp::from_millis);
    if metadata.contains_key(FACTS) {
        let facts = value_of::<Deposit>(metadata, FACTS).ok_or_else(corrupt)?.facts;
        let state = value_of::<State>(metadata, STATE).ok_or_else(corrupt)?;
        let taking = if metadata.contains_key(TAKING) {
            let StoredTaking { number, taken } = value_of(metadata, TAKING).ok_or_else(corrupt)?;
            Taking::stored(number, taken).ok_or_else(corrupt)?
        } else {
            Taking::default()
        };
        return Ok(Row::Message(Box::new(state.message(facts, taking))));
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
    let mut metadata: Metadata = [(FACTS.to_owned(), json(context, deposit)?)].into();
    put_state(context, &mut metadata, &Message::new(deposit.facts.clone()), nonce()?)?;
    Ok(metadata)
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
