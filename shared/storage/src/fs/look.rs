//! Looks: one message, a page, the counts. Holds are read first, then claims, then messages: things move from holds to
//! claims, and a message's facts go before its claim does, so that what was hidden before is not shown. What is visible
//! throughout is not missed, since the names in `messages` are never renamed.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use domain::{Attempt, CountedMessage, Folder, Hold, MailboxId, Message, MessageId, Waiting};

use super::blocking::FsResult;
use super::disk::Disk;
use super::layout::{self, Mark};
use super::stored::{Row, passing_over, read_mark};
use super::takings::{self, taking};
use crate::{Lookup, Page, PageOf};

/// A message as its files stand.
#[derive(Debug)]
pub(super) enum Look {
    Nothing,
    Message(Box<Message>),
    Tombstone,
}

impl Look {
    /// What a client of the contract may know of it.
    pub(super) fn found(self) -> Lookup {
        match self {
            Self::Nothing => Lookup::Nothing,
            Self::Message(message) if !message.claimed => Lookup::Message(message),
            Self::Message(_) | Self::Tombstone => Lookup::Gone,
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
pub(super) fn look(disk: &Disk, mailbox: &MailboxId, id: MessageId) -> FsResult<Look> {
    let holds = holds_of(disk, mailbox, id)?;
    let claimed = disk.has(&layout::claim(mailbox, id))?;
    Ok(match Row::read(disk, mailbox, id)? {
        Row::Nothing => Look::Nothing,
        Row::Tombstone(_) => Look::Tombstone,
        Row::Facts(facts) => {
            let read = read_mark(disk, mailbox, id)?;
            let taking = taking(disk, mailbox, id)?;
            Look::Message(Box::new(Message { facts: *facts, read, taking, holds, claimed }))
        }
    })
}

/// The holds of a message, as the folder names them.
pub(super) fn holds_of(disk: &Disk, mailbox: &MailboxId, id: MessageId) -> FsResult<BTreeSet<Hold>> {
    let own = disk.list_as(&layout::holds(mailbox), |name| hold(name).filter(|(of, _)| *of == id))?;
    Ok(own.into_iter().map(|(_, hold)| hold).collect())
}

fn hold(name: &str) -> Option<(MessageId, Hold)> {
    match Mark::parse(name)? {
        (id, Mark::Hold(hold)) => Some((id, hold)),
        _ => None,
    }
}

/// All marks of a mailbox, by message.
pub(super) fn marks_by_message(disk: &Disk, mailbox: &MailboxId) -> FsResult<BTreeMap<MessageId, Vec<Mark>>> {
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

fn ids(disk: &Disk, folder: &str) -> FsResult<BTreeSet<MessageId>> {
    Ok(disk.list_as(folder, |name| name.parse().ok())?.into_iter().collect())
}

/// What names tell of the messages that folders show, listed in the order that shows nothing hidden.
struct Names {
    holds: BTreeMap<MessageId, BTreeSet<Hold>>,
    claims: BTreeSet<MessageId>,
    messages: BTreeSet<MessageId>,
}

/// A message that a folder shows: it has no holds but the trash's.
struct Shown<'a> {
    id: MessageId,
    holds: &'a BTreeSet<Hold>,
}

impl Names {
    fn list(disk: &Disk, mailbox: &MailboxId) -> FsResult<Self> {
        let mut holds: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for (id, hold) in disk.list_as(&layout::holds(mailbox), hold)? {
            holds.entry(id).or_default().insert(hold);
        }
        let claims = ids(disk, &layout::claims(mailbox))?;
        Ok(Self { holds, claims, messages: ids(disk, &layout::messages(mailbox))? })
    }

    /// Newest first.
    fn shown(&self, before: Option<MessageId>) -> impl Iterator<Item = Shown<'_>> {
        static NONE: BTreeSet<Hold> = BTreeSet::new();
        let before = before.map_or(Bound::Unbounded, Bound::Excluded);
        let messages = self.messages.range((Bound::Unbounded, before)).rev();
        let unclaimed = messages.filter(|id| !self.claims.contains(id));
        let all = unclaimed.map(|&id| Shown { id, holds: self.holds.get(&id).unwrap_or(&NONE) });
        all.filter(|one| one.holds.iter().all(|hold| matches!(hold, Hold::Trash { .. })))
    }
}

/// The marks of a mailbox.
#[derive(Default)]
struct Marks {
    read: BTreeSet<MessageId>,
    urgent: BTreeMap<MessageId, Vec<Attempt>>,
    /// The highest number of each.
    takings: BTreeMap<MessageId, u64>,
}

impl Marks {
    fn list(disk: &Disk, mailbox: &MailboxId) -> FsResult<Self> {
        let (mut read, mut urgent) = (Vec::new(), BTreeMap::<_, Vec<_>>::new());
        let mut takings = BTreeMap::<_, u64>::new();
        for (id, mark) in disk.list_as(&layout::marks(mailbox), Mark::parse)? {
            match mark {
                Mark::Read => read.push(id),
                Mark::Urgent(attempt) => urgent.entry(id).or_default().push(attempt),
                Mark::Taking(number) => {
                    let highest = takings.entry(id).or_default();
                    *highest = number.max(*highest);
                }
                Mark::Hold(_) => {}
            }
        }
        Ok(Self { read: read.into_iter().collect(), urgent, takings })
    }

    fn taking(&self, id: MessageId) -> u64 {
        self.takings.get(&id).copied().unwrap_or_default()
    }

    /// The rule of [`Message::folder`], on names.
    fn folder(&self, one: &Shown<'_>) -> Folder {
        match (one.holds.is_empty(), self.read.contains(&one.id)) {
            (false, _) => Folder::Trash,
            (true, true) => Folder::Old,
            (true, false) => Folder::New,
        }
    }

    fn counted(&self, disk: &Disk, mailbox: &MailboxId, id: MessageId) -> FsResult<CountedMessage> {
        let is_urgent = passing_over(self.is_urgent(disk, mailbox, id).map(Some))?.unwrap_or_default();
        Ok(CountedMessage { id, is_read: self.read.contains(&id), is_urgent, taking: self.taking(id) })
    }

    /// Any attempt may have left a hint: the facts are asked whether it was the one that was created.
    fn is_urgent(&self, disk: &Disk, mailbox: &MailboxId, id: MessageId) -> FsResult<bool> {
        let Some(hints) = self.urgent.get(&id) else { return Ok(false) };
        let row = Row::read(disk, mailbox, id)?;
        Ok(matches!(row, Row::Facts(facts) if facts.urgent && hints.contains(&facts.attempt)))
    }
}

/// A page of a mailbox.
pub(super) fn page(disk: &Disk, mailbox: &MailboxId, of: PageOf) -> FsResult<Page> {
    let wanted = |folder| of.folder.map_or(folder != Folder::Trash, |one| folder == one);
    let (marks, names) = (Marks::list(disk, mailbox)?, Names::list(disk, mailbox)?);
    let mut messages: Vec<Message> = Vec::new();
    for one in names.shown(of.before).filter(|one| wanted(marks.folder(one))) {
        if messages.len() >= of.limit.max(1) {
            let next = messages.last().map(|last| last.facts.id);
            return Ok(Page { messages, next });
        }
        // Else: purged since its name was listed, or damaged.
        let Some(message) = passing_over(message(disk, mailbox, &one, marks.taking(one.id)))? else {
            continue;
        };
        // Marked read or unread since its name was listed: it left the folder that was asked for.
        if message.folder().is_some_and(wanted) {
            messages.push(message);
        }
    }
    Ok(Page { messages, next: None })
}

fn message(disk: &Disk, mailbox: &MailboxId, shown: &Shown<'_>, number: u64) -> FsResult<Option<Message>> {
    // Before the facts: a purge takes these first, so while they are there, no mark means unread, and none that nobody takes it.
    let read = read_mark(disk, mailbox, shown.id)?;
    let taking = takings::listed(disk, mailbox, shown.id, number)?;
    let Row::Facts(facts) = Row::read(disk, mailbox, shown.id)? else { return Ok(None) };
    Ok(Some(Message { facts: *facts, read, taking, holds: shown.holds.clone(), claimed: false }))
}

/// How many messages a mailbox stores, as its limit counts them: by names alone.
pub(super) fn stored(disk: &Disk, mailbox: &MailboxId) -> FsResult<u32> {
    let names = Names::list(disk, mailbox)?;
    let stored = names.shown(None).filter(|one| one.holds.is_empty()).count();
    Ok(u32::try_from(stored).unwrap_or(u32::MAX))
}

/// Counts a mailbox: by names alone, but for the few with an urgent hint. So a damaged message counts, too, as one that
/// is not urgent: it is there, and a lamp that is lit for nothing is better than one that hides a call.
pub(super) fn counts(disk: &Disk, mailbox: &MailboxId) -> FsResult<Waiting> {
    let (marks, names) = (Marks::list(disk, mailbox)?, Names::list(disk, mailbox)?);
    let visible = names.shown(None).filter(|one| one.holds.is_empty());
    visible.map(|one| marks.counted(disk, mailbox, one.id)).collect()
}
