//! What lies under a message's id, and one step of it.
//!
//! ```text
//! facts      what came in, JSON; a the attempt that was committed, urgent where it is
//! f          v#<id> while new or old shows it, t#<id> while the trash does, else absent
//! r_at r_by  the read mark
//! t d        the holds of the trash and of a mailbox: their deadlines;  c  those of cases
//! due        the earliest deadline of t and d, for the index of that name
//! claim      it is being purged
//! op         another one with each write
//! gone       in place of all these: when it was purged
//! fence      in place of all these: the attempts that can never be created
//! ```
//!
//! Most steps are one blind write, whose condition tells in which state they are right; what it finds otherwise comes
//! back with the refusal, and the rule of the domain goes on from there. Each is safe to repeat where its answer was
//! lost: it either finds its own doing and changes nothing, or asks by `op` whose write it was.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{Attempt, Facts, Folder, Hold, MailboxId, Message, MessageId, ReadMark, Timestamp};

use super::fault::contended;
use super::layout::{self, Key, Layout};
use super::table::{Item, ROUNDS, Table, Update, Updated, nonce, number, number_of, pause, text, text_of};
pub(super) use crate::stored::PassedOver;
use crate::stored::{Journal, decode, encode};
use crate::{Deposit, Found, Result, StorageError};

/// What lies under a message's id.
#[derive(Debug)]
pub(super) enum Row {
    Nothing,
    Message(Box<Message>),
    Gone(Timestamp),
    Fence,
}

impl Row {
    /// Reads an item.
    pub(super) fn read(item: Option<&Item>) -> Result<Self> {
        let Some(item) = item else { return Ok(Self::Nothing) };
        if let Some(facts) = text_of(item, "facts") {
            let journal = decode::<Journal>(facts.as_bytes()).ok_or_else(|| corrupt(item))?;
            return Ok(Self::Message(Box::new(message(item, journal.facts).ok_or_else(|| corrupt(item))?)));
        }
        if let Some(gone) = number_of(item, "gone") {
            return Ok(Self::Gone(Timestamp::from_millis(gone)));
        }
        if item.contains_key("fence") { Ok(Self::Fence) } else { Err(corrupt(item)) }
    }

    /// What a client of the contract may know of it.
    pub(super) fn found(self) -> Found {
        match self {
            Self::Nothing | Self::Fence => Found::Nothing,
            Self::Message(message) if !message.claimed => Found::Message(message),
            Self::Message(_) | Self::Gone(_) => Found::Gone,
        }
    }

    /// Whether this attempt was committed and its message is not purged.
    pub(super) fn is_of(&self, attempt: &Attempt) -> bool {
        matches!(self, Self::Message(message) if message.facts.attempt == *attempt)
    }
}

fn corrupt(item: &Item) -> StorageError {
    let key = Key::of(item).map(|key| key.sk).unwrap_or_default();
    StorageError::Corrupt { context: format!("the message {key}") }
}

/// What was read. What is damaged is passed over: one item must not hide or stop all others.
pub(super) fn passing_over(row: Result<Row>) -> Result<Row> {
    Ok(PassedOver::default().read(row)?.unwrap_or(Row::Nothing))
}

fn message(item: &Item, facts: Facts) -> Option<Message> {
    let at = |name| number_of(item, name).map(Timestamp::from_millis);
    let read = match at("r_at") {
        Some(at) => Some(ReadMark { at, by: text_of(item, "r_by")?.parse().ok()? }),
        None => None,
    };
    let mut holds = BTreeSet::new();
    holds.extend(at("t").map(|purge_at| Hold::Trash { purge_at }));
    holds.extend(at("d").map(|purge_at| Hold::Mailbox { purge_at }));
    for (case, at) in item.get("c")?.as_m().ok()? {
        let purge_at = Timestamp::from_millis(at.as_n().ok()?.parse().ok()?);
        holds.insert(Hold::Case { case: case.parse().ok()?, purge_at });
    }
    Some(Message { facts, read, holds, claimed: item.contains_key("claim") })
}

/// The item of a message that is created.
pub(super) fn created(key: &Key, deposit: &Deposit) -> Result<Item> {
    let facts = &deposit.facts;
    let mut item = key.item();
    item.insert("facts".to_owned(), json("the facts of a message", &Journal::from(deposit))?);
    item.insert("a".to_owned(), text(facts.attempt.as_str()));
    item.insert("f".to_owned(), text(layout::visible(facts.id)));
    item.insert("c".to_owned(), AttributeValue::M(HashMap::new()));
    item.insert("op".to_owned(), text(facts.attempt.as_str()));
    if facts.urgent {
        item.insert("urgent".to_owned(), AttributeValue::Bool(true));
    }
    Ok(item)
}

/// A value as JSON.
pub(super) fn json<T: serde::Serialize>(what: &'static str, value: &T) -> Result<AttributeValue> {
    let bytes = encode(value).map_err(|error| StorageError::unavailable(what, error))?;
    Ok(text(String::from_utf8_lossy(&bytes)))
}

/// `f` of a message as it stands.
fn f(message: &Message) -> Option<String> {
    let id = message.facts.id;
    Some(match message.folder()? {
        Folder::New | Folder::Old => layout::visible(id),
        Folder::Trash => layout::trashed(id),
    })
}

/// `due` of a message as it stands.
fn due(message: &Message) -> Option<String> {
    let Facts { id, mailbox, .. } = &message.facts;
    message.holds.iter().filter_map(|hold| layout::due(hold, *id, mailbox)).min()
}

/// The whole state of a message, but for its claim, in place of the one that `op` wrote.
fn replace(after: &Message, tenant: String, own: &str, op: AttributeValue) -> Update {
    let at = |wanted: fn(&Hold) -> Option<Timestamp>| {
        after.holds.iter().find_map(wanted).map(|at| number(at.millis()))
    };
    let cases = after.holds.iter().filter_map(|hold| match hold {
        Hold::Case { case, purge_at } => Some((case.to_string(), number(purge_at.millis()))),
        _ => None,
    });
    let due = due(after);
    let state = [
        ("f", ":f", f(after).map(text)),
        ("r_at", ":r_at", after.read.as_ref().map(|read| number(read.at.millis()))),
        ("r_by", ":r_by", after.read.as_ref().map(|read| text(read.by.as_str()))),
        ("t", ":t", at(|hold| if let Hold::Trash { purge_at } = hold { Some(*purge_at) } else { None })),
        ("d", ":d", at(|hold| if let Hold::Mailbox { purge_at } = hold { Some(*purge_at) } else { None })),
        ("c", ":c", Some(AttributeValue::M(cases.collect()))),
        ("tenant", ":tenant", due.is_some().then(|| text(tenant))),
        ("due", ":due", due.map(text)),
        ("op", ":own", Some(text(own))),
    ];
    let set =
        state.iter().filter(|(_, _, value)| value.is_some()).map(|(name, to, _)| format!("{name}={to}"));
    let remove = state.iter().filter(|(_, _, value)| value.is_none()).map(|(name, _, _)| (*name).to_owned());
    let (set, remove) = (set.collect::<Vec<_>>().join(","), remove.collect::<Vec<_>>().join(","));
    let remove = if remove.is_empty() { remove } else { format!(" REMOVE {remove}") };
    let mut values: Vec<_> = state.into_iter().filter_map(|(_, name, value)| Some((name, value?))).collect();
    values.push((":op", op));
    Update {
        expression: format!("SET {set}{remove}"),
        condition: "op = :op AND attribute_not_exists(claim)",
        values,
        names: Vec::new(),
    }
}

/// What a rule found, and what it said.
#[derive(Debug)]
pub(super) enum Ruled<T> {
    Nothing,
    Gone,
    /// The message after it.
    Message(Box<Message>, T),
}

/// The messages of a tenant.
#[derive(Debug, Clone)]
pub(super) struct Rows {
    pub(super) table: Table,
    pub(super) layout: Layout,
}

impl Rows {
    pub(super) async fn look(
        &self,
        context: &'static str,
        mailbox: &MailboxId,
        id: MessageId,
    ) -> Result<Row> {
        Row::read(self.table.get(context, &self.layout.message(mailbox, id)).await?.as_ref())
    }

    /// Changes a message by a rule, from what was found on: again and again, until nobody was faster.
    pub(super) async fn by_rule<T>(
        &self,
        context: &'static str,
        key: &Key,
        found: Option<Item>,
        rule: impl Fn(&mut Message) -> T + Send,
    ) -> Result<Ruled<T>> {
        let own = nonce()?;
        let mut found = found;
        for round in 0..ROUNDS {
            let op = found.as_ref().and_then(|item| item.get("op")).cloned();
            let (before, op) = match (Row::read(found.as_ref())?, op) {
                (Row::Nothing | Row::Fence, _) => return Ok(Ruled::Nothing),
                (Row::Gone(_), _) => return Ok(Ruled::Gone),
                (Row::Message(before), Some(op)) => (before, op),
                (Row::Message(_), None) => {
                    return Err(StorageError::Corrupt { context: format!("the message {}", key.sk) });
                }
            };
            let mut after = before.clone();
            let said = rule(&mut after);
            if after == before || op == text(&*own) {
                return Ok(Ruled::Message(after, said));
            }
            let update = replace(&after, self.layout.tenant(), &own, op);
            match self.table.update(context, key, update).await? {
                Updated::Done(_) => return Ok(Ruled::Message(after, said)),
                Updated::Refused(now) => found = now,
            }
            pause(round).await;
        }
        Err(contended(context))
    }
}
