//! What lies under a message's id, and one step of it: all of it metadata of one blob, so that a look is one request and a
//! listing tells a whole mailbox.
//!
//! ```text
//! facts   what came in, JSON
//! state   the read mark, the holds, the claim, JSON; op: another one with each change
//! gone    in place of these: when it was purged, milliseconds
//! fence   in place of these: the attempts that can never be created, with commas; until: when it may go
//! ```
//!
//! Each step reads the blob, asks the rule of the domain and writes if nobody changed it meanwhile, else it begins anew.
//! A write whose answer was lost is known by its `op`.

use std::collections::{BTreeMap, BTreeSet};

use azure_core::http::Etag;
use domain::{Attempt, CaseKey, Facts, Hold, MailboxId, Message, MessageId, ReadMark, Timestamp};
use serde::{Deserialize, Serialize};

use super::blobs::{Blobs, Changed, Metadata, ROUNDS, json, nonce, pause, value_of};
use super::fault::contended;
use super::layout::Layout;
pub(super) use crate::stored::PassedOver;
use crate::stored::{Journal, StoredMessageRef};
use crate::{Deposit, Found, MessageRef, Result, StorageError};

const FACTS: &str = "facts";
const STATE: &str = "state";
const GONE: &str = "gone";
const FENCE: &str = "fence";
const UNTIL: &str = "until";

/// What changes of a message.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct State {
    op: String,
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

    fn message(self, facts: Facts) -> Message {
        let mut holds = BTreeSet::new();
        holds.extend(self.trash.map(|purge_at| Hold::Trash { purge_at }));
        holds.extend(self.mailbox.map(|purge_at| Hold::Mailbox { purge_at }));
        holds.extend(self.cases.into_iter().map(|(case, purge_at)| Hold::Case { case, purge_at }));
        Message { facts, read: self.read, holds, claimed: self.claimed }
    }
}

/// What lies under a message's id.
#[derive(Debug)]
pub(super) enum Row {
    Nothing,
    Message(Box<Message>),
    Gone(Timestamp),
    /// The attempts that can never be created, and when it may go.
    Fence(BTreeSet<Attempt>, Timestamp),
}

impl Row {
    /// Reads what a blob's metadata tells.
    pub(super) fn read(name: &str, metadata: &Metadata) -> Result<Self> {
        let corrupt = || StorageError::Corrupt { context: format!("the message {name}") };
        let time = |name| metadata.get(name)?.parse().ok().map(Timestamp::from_millis);
        if metadata.contains_key(FACTS) {
            let facts = value_of::<Journal>(metadata, FACTS).ok_or_else(corrupt)?.facts;
            let state = value_of::<State>(metadata, STATE).ok_or_else(corrupt)?;
            return Ok(Self::Message(Box::new(state.message(facts))));
        }
        if let Some(gone) = time(GONE) {
            return Ok(Self::Gone(gone));
        }
        let fenced = metadata.get(FENCE).ok_or_else(corrupt)?;
        let fenced = fenced.split(',').map(str::parse).collect::<std::result::Result<_, _>>();
        Ok(Self::Fence(fenced.map_err(|_| corrupt())?, time(UNTIL).ok_or_else(corrupt)?))
    }

    /// What a client of the contract may know of it.
    pub(super) fn found(self) -> Found {
        match self {
            Self::Nothing | Self::Fence(..) => Found::Nothing,
            Self::Message(message) if !message.claimed => Found::Message(message),
            Self::Message(_) | Self::Gone(_) => Found::Gone,
        }
    }

    /// Whether this attempt was committed and its message is not purged.
    pub(super) fn is_of(&self, attempt: &Attempt) -> bool {
        matches!(self, Self::Message(message) if message.facts.attempt == *attempt)
    }
}

/// What was read. What is damaged is passed over: one blob must not hide or stop all others.
pub(super) fn passing_over(row: Result<Row>) -> Result<Row> {
    Ok(PassedOver::default().read(row)?.unwrap_or(Row::Nothing))
}

/// A message that is created.
pub(super) fn created(deposit: &Deposit) -> Result<Metadata> {
    let context = "creating a message";
    let state = State::of(&Message::new(deposit.facts.clone()), nonce()?);
    let facts = json(context, &Journal::from(deposit))?;
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

/// What a rule found, and what it said.
#[derive(Debug)]
pub(super) enum Ruled<T> {
    Nothing,
    Gone,
    /// The message after it.
    Message(Box<Message>, T),
}

/// A step of a message.
pub(super) struct Step<'a> {
    pub(super) context: &'static str,
    pub(super) mailbox: &'a MailboxId,
    pub(super) id: MessageId,
    /// The entry that must be there before it is done.
    pub(super) noted: Option<String>,
    /// The entry that must tell what is left of the message before it is done.
    pub(super) left: Option<String>,
}

/// What is left of a message, in the metadata of an entry.
pub(super) const MESSAGE_REF: &str = "remains";

/// What is left of a message or attempt, as metadata.
pub(super) fn left(context: &'static str, message_ref: MessageRef) -> Result<Metadata> {
    Ok([(MESSAGE_REF.to_owned(), json(context, &StoredMessageRef::from(message_ref))?)].into())
}

/// The messages of a tenant.
#[derive(Debug, Clone)]
pub(super) struct Rows {
    pub(super) blobs: Blobs,
    pub(super) layout: Layout,
}

impl Rows {
    /// What lies under an id, and the `ETag` of the blob that tells it.
    pub(super) async fn at(
        &self,
        context: &'static str,
        mailbox: &MailboxId,
        id: MessageId,
    ) -> Result<(Row, Option<Etag>)> {
        let name = self.layout.message(mailbox, id);
        let Some(blob) = self.blobs.head(context, &name).await? else { return Ok((Row::Nothing, None)) };
        Ok((Row::read(&id.to_string(), &blob.metadata)?, Some(blob.etag)))
    }

    pub(super) async fn look(
        &self,
        context: &'static str,
        mailbox: &MailboxId,
        id: MessageId,
    ) -> Result<Row> {
        Ok(self.at(context, mailbox, id).await?.0)
    }

    /// Changes a message by a rule: again and again, until nobody was faster. `touch` says of what the rule said whether the
    /// blob is written also where nothing changed, so that who read it before finds it changed.
    pub(super) async fn by_rule<T>(
        &self,
        step: &Step<'_>,
        rule: impl Fn(&mut Message) -> T + Send,
        touch: impl Fn(&T) -> bool + Send,
    ) -> Result<Ruled<T>> {
        let Step { context, mailbox, id, noted, left: entry } = step;
        let name = self.layout.message(mailbox, *id);
        let own = nonce()?;
        for round in 0..ROUNDS {
            let note = async {
                match noted {
                    Some(entry) => self.blobs.note(context, entry, Metadata::new()).await,
                    None => Ok(()),
                }
            };
            let (found, noted) = futures::join!(self.blobs.head(context, &name), note);
            noted?;
            let Some(blob) = found? else { return Ok(Ruled::Nothing) };
            let before = match Row::read(&id.to_string(), &blob.metadata)? {
                Row::Nothing | Row::Fence(..) => return Ok(Ruled::Nothing),
                Row::Gone(_) => return Ok(Ruled::Gone),
                Row::Message(before) => before,
            };
            let is_mine = value_of::<State>(&blob.metadata, STATE).is_some_and(|state| state.op == own);
            let mut after = before.clone();
            let said = rule(&mut after);
            if is_mine || (after == before && !touch(&said)) {
                return Ok(Ruled::Message(after, said));
            }
            if let Some(entry) = entry.as_ref().filter(|_| after != before) {
                self.blobs.note(context, entry, left(context, MessageRef::from(&after.facts))?).await?;
            }
            let mut metadata = blob.metadata;
            metadata.insert(STATE.to_owned(), json(context, &State::of(&after, own.clone()))?);
            match self.blobs.change(context, &name, blob.etag, &metadata).await? {
                Changed::Done => return Ok(Ruled::Message(after, said)),
                Changed::Refused | Changed::Gone => {}
            }
            pause(round).await;
        }
        Err(contended(context))
    }
}
