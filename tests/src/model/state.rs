//! What the model remembers of a tenant, and its rules over more than one message.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use domain::{
    Attempt, AudioKey, Case, CaseKey, Certified, Claim, Group, GroupId, Hold, Mailbox, MailboxId, Message,
    MessageId, Region, Subject, Timestamp,
};
use storage::{CallerMarker, Due, Expect, Lookup, MessageRef, Versioned, WriteOutcome};

#[derive(Default)]
pub(super) struct State {
    pub(super) messages: BTreeMap<(MailboxId, MessageId), Row>,
    pub(super) attempts: BTreeMap<(MessageId, Attempt), DepositAttempt>,
    pub(super) markers: BTreeMap<(Subject, MessageId, Attempt), CallerMarker>,
    pub(super) due: BTreeMap<(Timestamp, MessageId, Hold), Due>,
    pub(super) mailboxes: BTreeMap<MailboxId, Vec<Option<Mailbox>>>,
    /// Until when the messages of the mailbox's last deletion are held.
    pub(super) deleted: BTreeMap<MailboxId, Timestamp>,
    pub(super) groups: BTreeMap<GroupId, Vec<Option<Group>>>,
    pub(super) cases: BTreeMap<CaseKey, Vec<Option<Case>>>,
    pub(super) certificates: BTreeMap<(), Vec<Option<Certified>>>,
    pub(super) watched: BTreeSet<CaseKey>,
    pub(super) audio: BTreeMap<(Region, AudioKey), Bytes>,
}

pub(super) enum Row {
    Message(Box<Message>),
    Tombstone(Timestamp),
}

pub(super) struct DepositAttempt {
    pub(super) message_ref: MessageRef,
    pub(super) begun_at: Timestamp,
    pub(super) fenced: bool,
}

impl State {
    pub(super) fn message(&mut self, mailbox: &MailboxId, id: MessageId) -> Option<&mut Message> {
        match self.messages.get_mut(&(mailbox.clone(), id)) {
            Some(Row::Message(message)) => Some(message),
            _ => None,
        }
    }

    pub(super) fn found(&mut self, mailbox: &MailboxId, id: MessageId) -> Lookup {
        match self.messages.get(&(mailbox.clone(), id)) {
            None => Lookup::Nothing,
            Some(Row::Message(message)) if !message.claimed => Lookup::Message(message.clone()),
            Some(_) => Lookup::Gone,
        }
    }

    pub(super) fn is_created(&mut self, message_ref: &MessageRef) -> bool {
        let message = self.message(&message_ref.mailbox, message_ref.id);
        message.is_some_and(|message| message.facts.attempt == message_ref.attempt)
    }

    /// What a mailbox shows, the trash included, by id.
    pub(super) fn shown(&self, mailbox: &MailboxId) -> impl DoubleEndedIterator<Item = &Message> {
        let rows = self.messages.iter().filter(move |((id, _), _)| id == mailbox);
        rows.filter_map(|(_, row)| match row {
            Row::Message(message) if message.folder().is_some() => Some(&**message),
            _ => None,
        })
    }

    /// Until when a message of this generation is held with its mailbox, if that was deleted.
    pub(super) fn deleted_until(&self, mailbox: &MailboxId, generation: u64) -> Option<Timestamp> {
        let now = newest(&self.mailboxes, mailbox).map(|found| found.value.generation);
        self.deleted.get(mailbox).copied().filter(|_| now.is_none_or(|now| generation < now))
    }

    pub(super) fn hold(&mut self, mailbox: &MailboxId, id: MessageId, hold: &Hold) -> Option<Message> {
        let message = self.message(mailbox, id)?;
        let after = message.hold(hold.clone()).then(|| message.clone())?;
        if let Hold::Trash { purge_at } | Hold::Mailbox { purge_at } = hold
            && after.holds.contains(hold)
        {
            let due = Due { message_ref: MessageRef::from(&after.facts), claim: Claim::Due(hold.clone()) };
            self.due.insert((*purge_at, id, hold.clone()), due);
        }
        Some(after)
    }

    pub(super) fn hold_all(&mut self, mailbox: &MailboxId, before: u64, purge_at: Timestamp) {
        let rows = self.messages.iter().filter(|((id, _), _)| id == mailbox);
        let ids: Vec<_> = rows
            .filter(|(_, row)| matches!(row, Row::Message(message) if message.facts.generation < before))
            .map(|((_, id), _)| *id)
            .collect();
        for id in ids {
            self.hold(mailbox, id, &Hold::Mailbox { purge_at });
        }
    }
}

/// The newest version of a thing, if it is not deleted.
pub(super) fn newest<K: Ord, V: Clone>(
    chains: &BTreeMap<K, Vec<Option<V>>>,
    key: &K,
) -> Option<Versioned<V>> {
    let chain = chains.get(key)?;
    let value = chain.last()?.clone()?;
    Some(Versioned { value, version: u64::try_from(chain.len()).unwrap() })
}

pub(super) fn all<K: Ord, V: Clone>(chains: &BTreeMap<K, Vec<Option<V>>>) -> Vec<Versioned<V>> {
    chains.keys().filter_map(|key| newest(chains, key)).collect()
}

/// Writes a version, `None` for a deletion, if what is there is as expected.
pub(super) fn write<K: Ord, V: Clone>(
    chains: &mut BTreeMap<K, Vec<Option<V>>>,
    key: K,
    expect: Expect,
    value: impl FnOnce(u64) -> Option<V>,
) -> WriteOutcome {
    let found = newest(chains, &key).map_or(Expect::Absent, |found| Expect::Version(found.version));
    if found != expect {
        return WriteOutcome::Conflict;
    }
    let chain = chains.entry(key).or_default();
    let version = u64::try_from(chain.len() + 1).unwrap();
    chain.push(value(version));
    WriteOutcome::Version(version)
}
