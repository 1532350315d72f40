//! Where things lie: the names of the blobs of a container, of which each region has one.
//!
//! ```text
//! kept/<name>                                           a value of the installation
//! index/<t>/m/<mailbox>!<inverse id>                    a message, its tombstone, or the fence of attempts that were not created
//! index/<t>/callers/<subject>/<id>!<attempt>!<mailbox>  a message of this caller
//! index/<t>/forgets/<subject>/<case>                    a case names this caller
//! index/<t>/arriving/<id>!<attempt>!<mailbox>           an attempt
//! index/<t>/due/<ms13>!<t|d>!<id>!<mailbox>             a hold with a deadline
//! index/<t>/mailbox/<mailbox>!                          a mailbox
//! index/<t>/group/<group>!                              a group
//! index/<t>/case/<case>                                 a case
//! index/<t>/open/<case>                                 a case that is watched
//! index/<t>/certificate                                 the newest certificate of erasure
//! index/<t>/orphans/<region>                            up to which hour recordings without a message were looked for
//! recordings/<t>/<audio key>                            a recording, in its region
//! incoming/<t>/<mailbox>/<name>                         a drop
//! announced/<t>/<mailbox>/<name>                        the facts of a drop that a link was made for
//! rejected/<t>/<mailbox>/<name>                         a drop that can never be deposited
//! ```
//!
//! `index` is in the master region. Names of mailboxes and groups may hold dots, and a part of a path must not end with
//! one: so a `!` ends theirs, which they never hold. A listing goes by name and forward only: the id of a message is
//! written with each digit `d` as `f - d`, so that the newest comes first.

use domain::{AudioKey, Claim, MailboxId, MessageId, Subject, TenantId, Timestamp};

use crate::MessageRef;
use crate::cloud::{CASES, GROUPS, MAILBOXES, Thing, claim_of, due_at};
use crate::stored::ms13;

/// The folders of what is no record.
pub(super) const ARRIVING: &str = "arriving";
pub(super) const DUE: &str = "due";
pub(super) const WATCHED: &str = "open";
/// The folder of what was announced.
pub(super) const ANNOUNCED: &str = "announced";

/// The names of a tenant.
#[derive(Debug, Clone)]
pub(super) struct Layout(TenantId);

impl Layout {
    pub(super) fn new(tenant: TenantId) -> Self {
        Self(tenant)
    }

    fn index(&self, what: &str) -> String {
        format!("index/{}/{what}", self.0)
    }

    /// How the names of a mailbox's messages begin.
    pub(super) fn messages(&self, mailbox: &MailboxId) -> String {
        self.index(&format!("m/{mailbox}!"))
    }

    pub(super) fn message(&self, mailbox: &MailboxId, id: MessageId) -> String {
        self.messages(mailbox) + &inverse(&id.to_string())
    }

    /// How the names of a caller's markers begin.
    pub(super) fn caller(&self, subject: &Subject) -> String {
        self.index(&format!("callers/{subject}/"))
    }

    pub(super) fn forgets(&self, subject: &Subject) -> String {
        self.index(&format!("forgets/{subject}/"))
    }

    /// The entry of a claim.
    pub(super) fn due(&self, mailbox: &MailboxId, id: MessageId, claim: &Claim) -> Option<String> {
        let (at, letter) = due_at(claim)?;
        Some(format!("{}{}!{letter}!{id}!{mailbox}", self.folder(DUE), ms13(at)))
    }

    /// What an entry tells.
    pub(super) fn parse_due(&self, name: &str) -> Option<(MailboxId, MessageId, Claim)> {
        let mut parts = name.strip_prefix(&self.folder(DUE))?.splitn(4, '!');
        let mut next = || parts.next();
        let (at, letter, id, mailbox) = (next()?, next()?, next()?, next()?);
        let claim = claim_of(Timestamp::from_millis(at.parse().ok()?), letter)?;
        Some((mailbox.parse().ok()?, id.parse().ok()?, claim))
    }

    /// How the names of what lies in a folder begin.
    pub(super) fn folder(&self, folder: &str) -> String {
        self.index(&format!("{folder}/"))
    }

    pub(super) fn name(&self, thing: Thing<'_>) -> String {
        match thing {
            Thing::Marker(subject, message_ref) => self.caller(subject) + &attempt(message_ref),
            Thing::Journal(message_ref) => self.folder(ARRIVING) + &attempt(message_ref),
            Thing::Forget(subject, case) => self.forgets(subject) + case.as_str(),
            Thing::Watched(case) => self.folder(WATCHED) + case.as_str(),
            Thing::Mailbox(id) => format!("{}{id}!", self.folder(MAILBOXES)),
            Thing::Group(id) => format!("{}{id}!", self.folder(GROUPS)),
            Thing::Case(key) => self.folder(CASES) + key.as_str(),
            Thing::LastCertificate => self.index("certificate"),
            Thing::Orphans(region) => self.index(&format!("orphans/{region}")),
        }
    }

    pub(super) fn recordings(&self) -> String {
        format!("recordings/{}/", self.0)
    }

    pub(super) fn recording(&self, key: &AudioKey) -> String {
        format!("{}{key}", self.recordings())
    }

    pub(super) fn parse_recording(&self, name: &str) -> Option<AudioKey> {
        name.strip_prefix(&self.recordings())?.parse().ok()
    }

    /// The drops in `INCOMING` or `REJECTED`, or what was announced of them.
    pub(super) fn drops(&self, of: &str) -> String {
        format!("{of}/{}/", self.0)
    }
}

/// A value of the installation, of all its tenants.
pub(super) fn kept(name: &str) -> String {
    format!("kept/{name}")
}

/// What names an attempt among those of its caller or of its tenant.
pub(super) fn attempt(message_ref: &MessageRef) -> String {
    format!("{}!{}!{}", message_ref.id, message_ref.attempt, message_ref.mailbox)
}

/// A name where the greatest is the smallest: hex digits are replaced by what they lack to `f`.
pub(super) fn inverse(id: &str) -> String {
    let digit = |c: char| c.to_digit(16).and_then(|d| char::from_digit(15 - d, 16)).unwrap_or(c);
    id.chars().map(digit).collect()
}
