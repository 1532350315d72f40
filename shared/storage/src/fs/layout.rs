//! Where everything lies, and what its name says. Names of fixed width come first and the mailbox last, since it may
//! hold dots: names are parsed by position.
//!
//! ```text
//! mailboxes/<mailbox>/config/<n:08>.json        the newest number counts
//! mailboxes/<mailbox>/messages/<id>             facts, or a tombstone; never renamed
//! mailboxes/<mailbox>/marks/<id>.r              read; content: when, by whom
//! mailboxes/<mailbox>/marks/<id>.w.<n:08>       taken, or given back: the highest number counts; content: when, by whom, or nobody
//! mailboxes/<mailbox>/marks/<id>.u.<a>          urgent: a hint, believed only if the facts say so
//! mailboxes/<mailbox>/holds/<id>.t.<ms13>       held by the trash, until then       (.d.<ms13>: with its mailbox)
//! mailboxes/<mailbox>/holds/<id>.c.<case32>.<ms13>                                  held by a case
//! mailboxes/<mailbox>/purging/<id>              the claim; stays until the tombstone goes
//! arriving/<id>.<a>.<mailbox>                   an attempt: its facts, which become the message by a second name
//! dead/<id>.<a>.<mailbox>                       copy of an attempt that was fenced
//! callers/<s2>/<s21>.<id>.<a>.<mailbox>         caller marker: `s` is the subject's hash; none of a withheld caller
//! forgets/<subject>/<case32>                    a case names this subject
//! due/<yyyymmddhh>/<ms13>.<id>.<t|d>.<mailbox>  content: all that a purge needs
//! cases/<case32>/<n:08>.json                    cases/open/<case32>: the sweep watches it
//! certificates/<n:08>.json                     the tenant's certificates of erasure
//! groups/<group>/<n:08>.json
//! ```
//!
//! The longest name has 141 bytes: encrypted volumes take 143. Of a caller's hash a name has 138 bits, which no two share. A deadline has 13 digits, which suffice until 2286.

use std::fmt;

use domain::{Attempt, AudioKey, CaseKey, Facts, GroupId, Hold, MailboxId, MessageId, Subject, Timestamp};

use crate::MessageRef;
use crate::stored::{MAX_MS13, ms13};

pub(super) const MAILBOXES: &str = "mailboxes";
pub(super) const GROUPS: &str = "groups";
pub(super) const CASES: &str = "cases";
pub(super) const CERTIFICATES: &str = "certificates";
pub(super) const WATCHED: &str = "cases/open";
pub(super) const ARRIVING: &str = "arriving";
pub(super) const FENCED: &str = "dead";
pub(super) const CALLERS: &str = "callers";
pub(super) const FORGETS: &str = "forgets";
pub(super) const DUE: &str = "due";

/// Cuts a part of fixed width and the dot behind it off.
fn cut(text: &str, width: usize) -> Option<(&str, &str)> {
    Some((text.get(..width)?, text.get(width..)?.strip_prefix('.')?))
}

fn id_and_rest(name: &str) -> Option<(MessageId, &str)> {
    let (id, rest) = cut(name, 36)?;
    Some((id.parse().ok()?, rest))
}

fn parse_ms13(text: &str) -> Option<Timestamp> {
    let digits = text.len() == 13 && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok().map(Timestamp::from_millis))?
}

/// A mark of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mark {
    Read,
    Urgent(Attempt),
    /// The number of a taking.
    Taking(u64),
    Hold(Hold),
}

impl Mark {
    pub(super) fn parse(name: &str) -> Option<(MessageId, Self)> {
        let (id, rest) = id_and_rest(name)?;
        if rest == "r" {
            return Some((id, Self::Read));
        }
        let (kind, rest) = cut(rest, 1)?;
        let mark = match kind {
            "u" => Self::Urgent(rest.parse().ok()?),
            "w" => Self::Taking(parse_number(rest)?),
            "t" => Self::Hold(Hold::Trash { purge_at: parse_ms13(rest)? }),
            "d" => Self::Hold(Hold::Mailbox { purge_at: parse_ms13(rest)? }),
            "c" => {
                let (case, at) = cut(rest, 32)?;
                Self::Hold(Hold::Case { case: case.parse().ok()?, purge_at: parse_ms13(at)? })
            }
            _ => return None,
        };
        Some((id, mark))
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read => f.write_str("r"),
            Self::Urgent(attempt) => write!(f, "u.{attempt}"),
            Self::Taking(number) => write!(f, "w.{number:08}"),
            Self::Hold(Hold::Trash { purge_at }) => write!(f, "t.{}", ms13(*purge_at)),
            Self::Hold(Hold::Mailbox { purge_at }) => write!(f, "d.{}", ms13(*purge_at)),
            Self::Hold(Hold::Case { case, purge_at }) => write!(f, "c.{case}.{}", ms13(*purge_at)),
        }
    }
}

/// The name of an attempt: of its journal and of its caller marker.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct AttemptName {
    pub(super) id: MessageId,
    pub(super) attempt: Attempt,
    pub(super) mailbox: MailboxId,
}

impl AttemptName {
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (id, rest) = id_and_rest(name)?;
        let (attempt, mailbox) = cut(rest, 16)?;
        Some(Self { id, attempt: attempt.parse().ok()?, mailbox: mailbox.parse().ok()? })
    }

    pub(super) fn arriving(&self) -> String {
        format!("{ARRIVING}/{self}")
    }

    pub(super) fn fenced(&self) -> String {
        format!("{FENCED}/{self}")
    }

    pub(super) fn hint(&self) -> String {
        mark(&self.mailbox, self.id, &Mark::Urgent(self.attempt.clone()))
    }

    pub(super) fn caller(&self, subject: &Subject) -> String {
        let (folder, caller) = marker(subject);
        format!("{folder}/{caller}.{self}")
    }

    /// The caller's part of a marker's name, and its attempt.
    pub(super) fn parse_marker(name: &str) -> Option<(&str, Self)> {
        let (caller, attempt) = name.split_at_checked(HASH)?;
        Some((caller, Self::parse(attempt.strip_prefix('.')?)?))
    }
}

impl fmt::Display for AttemptName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.id, self.attempt, self.mailbox)
    }
}

impl From<&Facts> for AttemptName {
    fn from(facts: &Facts) -> Self {
        Self { id: facts.id, attempt: facts.attempt.clone(), mailbox: facts.mailbox.clone() }
    }
}

impl From<&MessageRef> for AttemptName {
    fn from(message_ref: &MessageRef) -> Self {
        let MessageRef { id, attempt, mailbox, .. } = message_ref;
        Self { id: *id, attempt: attempt.clone(), mailbox: mailbox.clone() }
    }
}

/// A hold with a deadline, as the sweep finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DueName {
    pub(super) hold: Hold,
    pub(super) id: MessageId,
    pub(super) mailbox: MailboxId,
}

impl DueName {
    /// The entry of a hold; `None` for one of a case, whose fate decides and not a deadline.
    pub(super) fn of(hold: &Hold, id: MessageId, mailbox: &MailboxId) -> Option<Self> {
        let timed = !matches!(hold, Hold::Case { .. });
        timed.then(|| Self { hold: hold.clone(), id, mailbox: mailbox.clone() })
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        let (at, rest) = cut(name, 13)?;
        let purge_at = parse_ms13(at)?;
        let (id, rest) = id_and_rest(rest)?;
        let (kind, mailbox) = cut(rest, 1)?;
        let hold = match kind {
            "t" => Hold::Trash { purge_at },
            "d" => Hold::Mailbox { purge_at },
            _ => return None,
        };
        Some(Self { hold, id, mailbox: mailbox.parse().ok()? })
    }

    pub(super) fn at(&self) -> Timestamp {
        self.hold.purge_at()
    }

    pub(super) fn hour(&self) -> String {
        hour(self.at())
    }

    pub(super) fn path(&self) -> String {
        format!("{DUE}/{}/{self}", self.hour())
    }
}

impl fmt::Display for DueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if matches!(self.hold, Hold::Mailbox { .. }) { 'd' } else { 't' };
        write!(f, "{}.{}.{kind}.{}", ms13(self.at()), self.id, self.mailbox)
    }
}

/// A folder of `due`: `yyyymmddhh`, UTC.
pub(super) fn hour(time: Timestamp) -> String {
    Timestamp::from_millis(time.millis().min(MAX_MS13)).hour()
}

/// A recording, in the folder of its mailbox. The hour of its key is for object stores and is no part of the name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Recording {
    pub(super) id: MessageId,
    pub(super) attempt: Attempt,
    pub(super) extension: String,
}

impl Recording {
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (id, rest) = id_and_rest(name)?;
        let (attempt, extension) = cut(rest, 16)?;
        is_extension(extension).then_some(())?;
        Some(Self { id, attempt: attempt.parse().ok()?, extension: extension.to_owned() })
    }
}

impl fmt::Display for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.id, self.attempt, self.extension)
    }
}

/// Where a recording lies; `None` for an extension that could leave the folder.
pub(super) fn recording(key: &AudioKey) -> Option<String> {
    let AudioKey { id, attempt, mailbox, extension, .. } = key;
    is_extension(extension).then(|| format!("{mailbox}/{id}.{attempt}.{extension}"))
}

fn is_extension(text: &str) -> bool {
    (1..=8).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

pub(super) fn config(mailbox: &MailboxId) -> String {
    format!("{MAILBOXES}/{mailbox}/config")
}

pub(super) fn messages(mailbox: &MailboxId) -> String {
    format!("{MAILBOXES}/{mailbox}/messages")
}

pub(super) fn row(mailbox: &MailboxId, id: MessageId) -> String {
    format!("{}/{id}", messages(mailbox))
}

pub(super) fn marks(mailbox: &MailboxId) -> String {
    format!("{MAILBOXES}/{mailbox}/marks")
}

/// Apart from the other marks: most messages are read in time and few are held, and each work on one message lists this.
pub(super) fn holds(mailbox: &MailboxId) -> String {
    format!("{MAILBOXES}/{mailbox}/holds")
}

pub(super) fn mark(mailbox: &MailboxId, id: MessageId, mark: &Mark) -> String {
    let folder = if matches!(mark, Mark::Hold(_)) { holds(mailbox) } else { marks(mailbox) };
    format!("{folder}/{id}.{mark}")
}

pub(super) fn claims(mailbox: &MailboxId) -> String {
    format!("{MAILBOXES}/{mailbox}/purging")
}

pub(super) fn claim(mailbox: &MailboxId, id: MessageId) -> String {
    format!("{}/{id}", claims(mailbox))
}

/// How much of a caller's hash stands in a marker's name, behind the two characters that name its folder.
const HASH: usize = 21;

/// The folder of a caller's markers, and how their names begin. A folder has those of many callers: one for each would cost
/// a deposit more than all else of its marker. There are 4,096, so that of a million markers each lists some hundreds.
pub(super) fn marker(subject: &Subject) -> (String, &str) {
    let (folder, rest) = subject.hash().split_at(2);
    (format!("{CALLERS}/{folder}"), rest.get(..HASH).unwrap_or(rest))
}

pub(super) fn forgets(subject: &Subject) -> String {
    format!("{FORGETS}/{subject}")
}

pub(super) fn forget(subject: &Subject, case: &CaseKey) -> String {
    format!("{}/{case}", forgets(subject))
}

pub(super) fn case(key: &CaseKey) -> String {
    format!("{CASES}/{key}")
}

pub(super) fn watched(key: &CaseKey) -> String {
    format!("{WATCHED}/{key}")
}

pub(super) fn group(id: &GroupId) -> String {
    format!("{GROUPS}/{id}")
}

/// A file of a version chain.
pub(super) fn version(folder: &str, number: u64) -> String {
    format!("{folder}/{number:08}.json")
}

pub(super) fn version_number(name: &str) -> Option<u64> {
    parse_number(name.strip_suffix(".json")?)
}

/// A number of a chain, as names have it.
fn parse_number(digits: &str) -> Option<u64> {
    (digits.len() >= 8 && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok())?
}

#[cfg(test)]
#[path = "layout_tests.rs"]
mod tests;
