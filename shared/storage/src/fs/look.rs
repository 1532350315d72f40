//! Looks: one message, a page, the counts. Holds are read first, then claims, then messages: things move from holds to
//! claims, and a message's facts go before its claim does, so that what was hidden before is not shown. What is visible
//! throughout is not missed, since the names in `messages` are never renamed.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use domain::{Attempt, Counts, Folder, Hold, MailboxId, Message, MessageId};

use super::blocking::Step;
use super::disk::Disk;
use super::layout::{self, Mark};
use super::stored::{Row, passing_over, read_mark};
use crate::{Found, Page, PageOf};

/// A message as its files stand.
#[derive(Debug)]
pub(super) enum Look {
    Nothing,
    Message(Box<Message>),
    Tombstone,
}

impl Look {
    /// What a client of the contract may know of it.
    pub(super) fn found(self) -> Found {
        match self {
            Self::Nothing => Found::Nothing,
            Self::Message(message) if !message.claimed => Found::Message(message),
            Self::Message(_) | Self::Tombstone => Found::Gone,
        }
    }

    /// The message, unless it is being purged.
    pub(super) fn live(self) -> Option<Message> {
        match self {
            Self::Message(message) if !message.claimed => Some(*message),
            _ => None,
        }
    }
}

/// Looks at one message.
pub(super) fn look(disk: &Disk, mailbox: &MailboxId, id: MessageId) -> Step<Look> {
    let holds = holds_of(disk, mailbox, id)?;
    let claimed = disk.has(&layout::claim(mailbox, id))?;
    Ok(match Row::read(disk, mailbox, id)? {
        Row::Nothing => Look::Nothing,
        Row::Tombstone(_) => Look::Tombstone,
        Row::Facts(facts) => {
            let read = read_mark(disk, mailbox, id)?;
            Look::Message(Box::new(Message { facts: *facts, read, holds, claimed }))
        }
    })
}

/// The holds of a message, as the folder names them.
pub(super) fn holds_of(disk: &Disk, mailbox: &MailboxId, id: MessageId) -> Step<BTreeSet<Hold>> {
    let names = disk.list(&layout::holds(mailbox))?;
    Ok(holds(&marks_of(&names, &id.to_string()).collect::<Vec<_>>()))
}

/// The marks of a message among names, which begin with its id.
fn marks_of<'a>(names: &'a BTreeSet<String>, id: &'a str) -> impl Iterator<Item = Mark> + 'a {
    let own = names.range::<str, _>((Bound::Excluded(id), Bound::Unbounded));
    own.take_while(move |name| name.starts_with(id))
        .filter_map(|name| Mark::parse(name))
        .map(|(_, mark)| mark)
}

fn holds(marks: &[Mark]) -> BTreeSet<Hold> {
    let hold = |mark: &Mark| match mark {
        Mark::Hold(hold) => Some(hold.clone()),
        _ => None,
    };
    marks.iter().filter_map(hold).collect()
}

/// All marks of a mailbox, by message.
pub(super) fn marks_by_message(disk: &Disk, mailbox: &MailboxId) -> Step<BTreeMap<MessageId, Vec<Mark>>> {
    let mut marks: BTreeMap<MessageId, Vec<Mark>> = BTreeMap::new();
    for folder in [layout::marks(mailbox), layout::holds(mailbox)] {
        for name in disk.list(&folder)? {
            if let Some((id, mark)) = Mark::parse(&name) {
                marks.entry(id).or_default().push(mark);
            }
        }
    }
    Ok(marks)
}

/// The names in a mailbox, listed in the order that shows nothing hidden.
struct Names {
    marks: [BTreeSet<String>; 2],
    claims: BTreeSet<String>,
    messages: BTreeSet<String>,
}

/// What names tell of a message that a folder shows.
struct Shown {
    id: MessageId,
    folder: Folder,
    marks: Vec<Mark>,
}

impl Names {
    fn list(disk: &Disk, mailbox: &MailboxId) -> Step<Self> {
        Ok(Self {
            marks: [disk.list(&layout::marks(mailbox))?, disk.list(&layout::holds(mailbox))?],
            claims: disk.list(&layout::claims(mailbox))?,
            messages: disk.list(&layout::messages(mailbox))?,
        })
    }

    /// The messages that folders show, newest first. A page of a large mailbox looks at the marks of few.
    fn shown(&self, before: Option<MessageId>) -> impl Iterator<Item = Shown> {
        let before = before.map_or(Bound::Unbounded, |id| Bound::Excluded(id.to_string()));
        let messages = self.messages.range((Bound::Unbounded, before)).rev();
        messages.filter(|name| !self.claims.contains(*name)).filter_map(|name| {
            let marks = self.marks.iter().flat_map(|names| marks_of(names, name)).collect::<Vec<_>>();
            Some(Shown { id: name.parse().ok()?, folder: folder(&marks)?, marks })
        })
    }
}

/// The rule of [`Message::folder`], on names.
fn folder(marks: &[Mark]) -> Option<Folder> {
    let holds = || marks.iter().filter(|mark| matches!(mark, Mark::Hold(_)));
    if holds().any(|hold| !matches!(hold, Mark::Hold(Hold::Trash { .. }))) {
        return None;
    }
    Some(match (holds().next(), marks.contains(&Mark::Read)) {
        (Some(_), _) => Folder::Trash,
        (None, true) => Folder::Old,
        (None, false) => Folder::New,
    })
}

/// A page of a mailbox.
pub(super) fn page(disk: &Disk, mailbox: &MailboxId, of: PageOf) -> Step<Page> {
    let wanted = |folder| of.folder.map_or(folder != Folder::Trash, |one| folder == one);
    let names = Names::list(disk, mailbox)?;
    let mut messages: Vec<Message> = Vec::new();
    for one in names.shown(of.before).filter(|one| wanted(one.folder)) {
        if messages.len() >= of.limit.max(1) {
            let next = messages.last().map(|last| last.facts.id);
            return Ok(Page { messages, next });
        }
        // Else: purged since its name was listed, or damaged.
        let Some(message) = passing_over(message(disk, mailbox, &one))? else { continue };
        // Marked unread since its name was listed: it left the folder that was asked for.
        if message.folder().is_some_and(wanted) {
            messages.push(message);
        }
    }
    Ok(Page { messages, next: None })
}

fn message(disk: &Disk, mailbox: &MailboxId, shown: &Shown) -> Step<Option<Message>> {
    let Row::Facts(facts) = Row::read(disk, mailbox, shown.id)? else { return Ok(None) };
    let is_read = shown.marks.contains(&Mark::Read);
    let read = if is_read { read_mark(disk, mailbox, shown.id)? } else { None };
    Ok(Some(Message { facts: *facts, read, holds: holds(&shown.marks), claimed: false }))
}

/// Counts a mailbox: by names alone, but for the few with an urgent hint. So a damaged message counts, too, as one that
/// is not urgent: it is there, and a lamp that is lit for nothing is better than one that hides a call.
pub(super) fn counts(disk: &Disk, mailbox: &MailboxId) -> Step<Counts> {
    let mut counts = Counts::default();
    for one in Names::list(disk, mailbox)?.shown(None) {
        let is_urgent = passing_over(is_urgent(disk, mailbox, &one).map(Some))?;
        counts.add(one.folder, is_urgent.unwrap_or_default());
    }
    Ok(counts)
}

/// Any try may have left a hint: the facts are asked whether it was the one that was born.
fn is_urgent(disk: &Disk, mailbox: &MailboxId, shown: &Shown) -> Step<bool> {
    let hints: Vec<&Attempt> = shown
        .marks
        .iter()
        .filter_map(|mark| if let Mark::Urgent(attempt) = mark { Some(attempt) } else { None })
        .collect();
    if shown.folder == Folder::Trash || hints.is_empty() {
        return Ok(false);
    }
    let row = Row::read(disk, mailbox, shown.id)?;
    Ok(matches!(row, Row::Facts(facts) if facts.urgent && hints.contains(&&facts.attempt)))
}
