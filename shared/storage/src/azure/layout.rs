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

use domain::{AudioKey, CaseKey, Claim, GroupId, MailboxId, MessageId, Region, Subject, TenantId, Timestamp};

use crate::cloud::{Keys, claim_of, due_at, ms13};
use crate::{INCOMING, MessageRef, REJECTED};

/// The folder of what was announced.
const ANNOUNCED: &str = "announced";

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

    pub(super) fn arriving(&self) -> String {
        self.index("arriving/")
    }

    pub(super) fn all_due(&self) -> String {
        self.index("due/")
    }

    /// The entry of a claim.
    pub(super) fn due(&self, mailbox: &MailboxId, id: MessageId, claim: &Claim) -> Option<String> {
        let (at, letter) = due_at(claim)?;
        Some(format!("{}{}!{letter}!{id}!{mailbox}", self.all_due(), ms13(at)))
    }

    /// What an entry tells.
    pub(super) fn parse_due(&self, name: &str) -> Option<(MailboxId, MessageId, Claim)> {
        let mut parts = name.strip_prefix(&self.all_due())?.splitn(4, '!');
        let mut next = || parts.next();
        let (at, letter, id, mailbox) = (next()?, next()?, next()?, next()?);
        let claim = claim_of(Timestamp::from_millis(at.parse().ok()?), letter)?;
        Some((mailbox.parse().ok()?, id.parse().ok()?, claim))
    }

    pub(super) fn all_watched(&self) -> String {
        self.index("open/")
    }

    pub(super) fn orphans(&self, region: &Region) -> String {
        self.index(&format!("orphans/{region}"))
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

    pub(super) fn incoming(&self) -> String {
        format!("{INCOMING}/{}/", self.0)
    }

    pub(super) fn announced(&self) -> String {
        format!("{ANNOUNCED}/{}/", self.0)
    }

    pub(super) fn rejected(&self) -> String {
        format!("{REJECTED}/{}/", self.0)
    }
}

impl Keys for Layout {
    type Key = String;

    fn marker(&self, message_ref: &MessageRef) -> Option<String> {
        let subject = message_ref.subject.as_ref()?;
        Some(self.caller(subject) + &attempt(message_ref))
    }

    fn journal(&self, message_ref: &MessageRef) -> String {
        self.arriving() + &attempt(message_ref)
    }

    fn forget(&self, subject: &Subject, case: &CaseKey) -> String {
        format!("{}{case}", self.forgets(subject))
    }

    fn watched(&self, key: &CaseKey) -> Option<String> {
        Some(format!("{}{key}", self.all_watched()))
    }

    fn mailbox(&self, id: &MailboxId) -> String {
        format!("{}{id}!", self.mailboxes())
    }

    fn group(&self, id: &GroupId) -> String {
        format!("{}{id}!", self.groups())
    }

    fn case(&self, key: &CaseKey) -> String {
        format!("{}{key}", self.cases())
    }

    fn last_certificate(&self) -> String {
        self.index("certificate")
    }

    fn mailboxes(&self) -> String {
        self.index("mailbox/")
    }

    fn groups(&self) -> String {
        self.index("group/")
    }

    fn cases(&self) -> String {
        self.index("case/")
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
