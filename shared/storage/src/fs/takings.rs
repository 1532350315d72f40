//! The taking of a message: a chain of files, none of which is ever changed. The one with the highest number counts. Whoever makes the
//! next number has the message, so that of those who take it at once one has it.

use domain::{MailboxId, MessageId, TakenMark, Taking};
use serde::{Deserialize, Serialize};

use super::blocking::{Fault, FsResult};
use super::disk::{Disk, PublishOutcome};
use super::layout::{self, Mark};
use super::stored::{CUT_OFF_AFTER, corrupt, encode, read};

/// The number of the first take. Its file is there as long as any of the chain.
const FIRST: u64 = 1;

/// How often what others change meanwhile is tried.
pub(super) const TRIES: usize = 100;

/// What a file says: who has the message from then on; `None`: nobody.
#[derive(Serialize, Deserialize)]
struct Link {
    taken: Option<TakenMark>,
}

fn path(mailbox: &MailboxId, id: MessageId, number: u64) -> String {
    layout::mark(mailbox, id, &Mark::Taking(number))
}

/// The taking of a message. Most were never taken: of these nothing is listed.
pub(super) fn taking(disk: &Disk, mailbox: &MailboxId, id: MessageId) -> FsResult<Taking> {
    for _ in 0..TRIES {
        if !disk.has(&path(mailbox, id, FIRST))? {
            return Ok(Taking::default());
        }
        let newest = numbers(disk, mailbox, id)?.last().copied().unwrap_or_default();
        if let Some(taking) = at(disk, mailbox, id, newest)? {
            return Ok(taking);
        }
        // Removed since by its writer, who came after the claim, or by the purge.
    }
    Err(contended())
}

/// The taking of a message of which a listing shows this number.
pub(super) fn listed(disk: &Disk, mailbox: &MailboxId, id: MessageId, number: u64) -> FsResult<Taking> {
    match at(disk, mailbox, id, number)? {
        Some(taking) => Ok(taking),
        None => taking(disk, mailbox, id),
    }
}

/// `None`: the file is not there.
fn at(disk: &Disk, mailbox: &MailboxId, id: MessageId, number: u64) -> FsResult<Option<Taking>> {
    if number == 0 {
        return Ok(Some(Taking::default()));
    }
    let path = path(mailbox, id, number);
    let Some(link) = read::<Link>(disk, &path)? else { return Ok(None) };
    Taking::stored(number, link.taken).map(Some).ok_or_else(|| corrupt(&path))
}

/// The numbers of a chain, sorted.
fn numbers(disk: &Disk, mailbox: &MailboxId, id: MessageId) -> FsResult<Vec<u64>> {
    let own = |name: &str| match Mark::parse(name)? {
        (of, Mark::Taking(number)) => (of == id).then_some(number),
        _ => None,
    };
    let mut numbers = disk.list_as(&layout::marks(mailbox), own)?;
    numbers.sort_unstable();
    Ok(numbers)
}

/// What became of a file of the chain.
pub(super) enum LinkOutcome {
    Done,
    /// Somebody else made one of this number.
    There,
    /// The message was claimed meanwhile: the file came too late to be removed with the others.
    Purging,
}

/// Makes the file of a taking.
pub(super) fn publish(
    disk: &Disk,
    mailbox: &MailboxId,
    id: MessageId,
    taking: &Taking,
) -> FsResult<LinkOutcome> {
    let path = path(mailbox, id, taking.number());
    let link = Link { taken: taking.mark().cloned() };
    let published = disk.publish(&path, &encode(&link)?)?;
    if disk.has(&layout::claim(mailbox, id))? {
        disk.take(&path)?;
        return Ok(LinkOutcome::Purging);
    }
    Ok(match published {
        PublishOutcome::Done => LinkOutcome::Done,
        PublishOutcome::There(_) => LinkOutcome::There,
    })
}

/// Removes the chain of a message that is purged. The first goes last, as it tells of the others.
pub(super) fn clear(disk: &Disk, mailbox: &MailboxId, id: MessageId) -> FsResult<()> {
    if !disk.has(&path(mailbox, id, FIRST))? {
        return Ok(());
    }
    let newest_first = numbers(disk, mailbox, id)?.into_iter().rev();
    Ok(disk.take_all(&newest_first.map(|number| path(mailbox, id, number)).collect::<Vec<_>>())?)
}

/// Removes what counts no longer of a chain that was listed, once what counts is an hour old: whoever looked before that is done.
/// The first stays.
pub(super) fn tidy(disk: &Disk, mailbox: &MailboxId, id: MessageId, listed: &[Mark]) -> FsResult<()> {
    let numbers =
        listed.iter().filter_map(|mark| if let Mark::Taking(number) = mark { Some(*number) } else { None });
    let Some(newest) = numbers.clone().max() else { return Ok(()) };
    // Damage is to be found before somebody needs it.
    at(disk, mailbox, id, newest)?;
    if disk.age(&path(mailbox, id, newest))?.is_none_or(|age| age < CUT_OFF_AFTER) {
        return Ok(());
    }
    let over = numbers.filter(|number| *number != FIRST && *number != newest);
    Ok(disk.take_all(&over.map(|number| path(mailbox, id, number)).collect::<Vec<_>>())?)
}

/// Others were faster each time.
pub(super) fn contended() -> Fault {
    std::io::Error::other("others take this message faster than it can be looked at").into()
}
