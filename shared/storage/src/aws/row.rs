//! The item under a message's id.
//!
//! ```text
//! facts      what came in, JSON; a the attempt that was committed, urgent where it is
//! f          v#<id> while new or old shows it, t#<id> while the trash does, else absent
//! r_at r_by  the read mark
//! w          the number of the taking; w_at w_by while somebody has it; w_back the nonce of the last give-back
//! t d        the holds of the trash and of a mailbox: their deadlines;  c  those of cases
//! due        the earliest deadline of t and d, for the index of that name
//! claim      it is being purged
//! op         another one with each write
//! gone       in place of all these: when it was purged
//! fence      in place of all these: the attempts that can never be created
//! ```
//!
//! Each change is one conditional `UpdateItem`, sent without reading first. If its condition fails, `DynamoDB` returns the item; we
//! apply the rule of the domain to it and write again, conditional on its `op`. Each is safe to repeat where its answer was lost: it
//! either finds its own doing and changes nothing, or asks by `op` whose write it was.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{Claim, CountedMessage, Facts, Folder, Hold, Message, ReadMark, TakenMark, Taking, Timestamp};

use super::layout::{self, Item, Key};
use super::table::{Update, number, number_of, text, text_of, value_of};
use crate::cloud::Row;
use crate::stored::encode;
use crate::{Deposit, Result, StorageError};

/// What an item tells.
pub(super) fn read(item: Option<&Item>) -> Result<Row> {
    let Some(item) = item else { return Ok(Row::Nothing) };
    let time = |name| number_of(item, name).map(Timestamp::from_millis);
    if item.contains_key("facts") {
        let deposit = value_of::<Deposit>(item, "facts").ok_or_else(|| corrupt(item))?;
        return Ok(Row::Message(Box::new(message(item, deposit.facts).ok_or_else(|| corrupt(item))?)));
    }
    if let Some(gone) = time("gone") {
        return Ok(Row::Tombstone(gone));
    }
    if !item.contains_key("fence") {
        return Err(corrupt(item));
    }
    // In whole seconds, which are over with the last millisecond of the last one.
    let until = number_of(item, "ttl").map_or(i64::MAX, |ttl| ttl * 1000 + 999);
    Ok(Row::Fence(Timestamp::from_millis(until)))
}

fn corrupt(item: &Item) -> StorageError {
    let key = Key::of(item).map(|key| key.sk).unwrap_or_default();
    StorageError::corrupt(format!("the message {key}"))
}

fn message(item: &Item, facts: Facts) -> Option<Message> {
    let at = |name| number_of(item, name).map(Timestamp::from_millis);
    let read = match at("r_at") {
        Some(at) => Some(ReadMark { at, by: text_of(item, "r_by")?.parse().ok()? }),
        None => None,
    };
    let taken = match at("w_at") {
        Some(at) => Some(TakenMark { at, by: text_of(item, "w_by")?.parse().ok()? }),
        None => None,
    };
    let taking = Taking::stored(taking_number(item)?, taken)?;
    let mut holds = BTreeSet::new();
    holds.extend(at("t").map(|purge_at| Hold::Trash { purge_at }));
    holds.extend(at("d").map(|purge_at| Hold::Mailbox { purge_at }));
    for (case, at) in item.get("c")?.as_m().ok()? {
        let purge_at = Timestamp::from_millis(at.as_n().ok()?.parse().ok()?);
        holds.insert(Hold::Case { case: case.parse().ok()?, purge_at });
    }
    Some(Message { facts, read, taking, holds, claimed: item.contains_key("claim") })
}

/// `None`: it is damaged.
fn taking_number(item: &Item) -> Option<u64> {
    item.get("w").map_or(Some(0), |number| number.as_n().ok()?.parse().ok())
}

/// A message as the index tells it.
pub(super) fn counted(entry: &Item) -> Option<CountedMessage> {
    Some(CountedMessage {
        id: layout::visible_id(text_of(entry, "f")?)?,
        is_read: entry.contains_key("r_at"),
        is_urgent: entry.contains_key("urgent"),
        // The message tells of its damage; here one must not hide or stop all others.
        taking: taking_number(entry).unwrap_or_default(),
    })
}

/// The item of a message that is created.
pub(super) fn created(key: &Key, deposit: &Deposit) -> Result<Item> {
    let facts = &deposit.facts;
    let mut item = key.item();
    item.insert("facts".to_owned(), json("the facts of a message", deposit)?);
    item.insert("a".to_owned(), text(facts.attempt.as_str()));
    item.insert("f".to_owned(), text(layout::visible_sort_key(facts.id)));
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
        Folder::New | Folder::Old => layout::visible_sort_key(id),
        Folder::Trash => layout::trash_sort_key(id),
    })
}

/// `due` of a message as it stands.
fn due(message: &Message) -> Option<String> {
    let Facts { id, mailbox, .. } = &message.facts;
    message.holds.iter().filter_map(|hold| layout::due(&Claim::Due(hold.clone()), *id, mailbox)).min()
}

/// The whole state of a message, but for its claim, in place of the one that `op` wrote.
pub(super) fn replace(after: &Message, tenant: String, own: &str, op: AttributeValue) -> Update {
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
        ("w", ":w", Some(after.taking.number()).filter(|number| *number > 0).map(number)),
        ("w_at", ":w_at", after.taking.mark().map(|mark| number(mark.at.millis()))),
        ("w_by", ":w_by", after.taking.mark().map(|mark| text(mark.by.as_str()))),
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
    Update::new(format!("SET {set}{remove}"), "op = :op AND attribute_not_exists(claim)", values)
}
