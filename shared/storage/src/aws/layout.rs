//! Where things lie: the keys of the table and of the bucket.
//!
//! ```text
//! <t>#m#<mailbox>   <id>                        a message, its tombstone, or the fence of attempts that were not created
//! <t>#s#<subject>   <id>#<attempt>#<mailbox>    a message of this caller
//! <t>#s#<subject>   !case#<case>                a case names this caller
//! <t>#arriving      <id>#<attempt>#<mailbox>    an attempt; f = when it began
//! <t>#mailbox       <mailbox>                   a mailbox
//! <t>#group         <group>                     a group
//! <t>#case          <case>                      a case; f = open#… while it is watched
//! <t>#certificate   last                        the newest certificate of erasure
//! #kept             <name>                      a value of the installation
//! <t>#orphans       <region>                    up to which hour recordings without a message were looked for
//! ```

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{AudioKey, Claim, MailboxId, MessageId, Region, Subject, TenantId, Timestamp};

use crate::cloud::{CASES, GROUPS, MAILBOXES, Thing, claim_of, due_at};
use crate::stored::ms13;
use crate::{DropKey, MessageRef};

/// The local index by folder, or by what else must be found in order: `pk`, `f`.
pub(super) const FOLDER: &str = "folder";
/// The global index of holds with a deadline: `tenant`, `due`.
pub(super) const DUE: &str = "due";

/// Attributes by name.
pub(super) type Item = HashMap<String, AttributeValue>;

/// A key of the table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) pk: String,
    pub(super) sk: String,
}

impl Key {
    /// The key of an item.
    pub(super) fn of(item: &Item) -> Option<Self> {
        let text = |name| item.get(name)?.as_s().ok().cloned();
        Some(Self { pk: text("pk")?, sk: text("sk")? })
    }

    /// As attributes.
    pub(super) fn item(&self) -> Item {
        let text = |text: &String| AttributeValue::S(text.clone());
        [("pk".to_owned(), text(&self.pk)), ("sk".to_owned(), text(&self.sk))].into()
    }
}

/// The keys of a tenant. No tenant's id has a `#`.
#[derive(Debug, Clone)]
pub(super) struct Layout(TenantId);

impl Layout {
    pub(super) fn new(tenant: TenantId) -> Self {
        Self(tenant)
    }

    /// The partition of the index of what is due.
    pub(super) fn tenant(&self) -> String {
        self.0.to_string()
    }

    /// The partition of what is called so.
    pub(super) fn pk(&self, what: &str) -> String {
        format!("{}#{what}", self.0)
    }

    /// The partition of a mailbox's messages.
    pub(super) fn messages(&self, mailbox: &MailboxId) -> String {
        self.pk(&format!("m#{mailbox}"))
    }

    pub(super) fn message(&self, mailbox: &MailboxId, id: MessageId) -> Key {
        Key { pk: self.messages(mailbox), sk: id.to_string() }
    }

    /// The partition of a caller.
    pub(super) fn caller(&self, subject: &Subject) -> String {
        self.pk(&format!("s#{subject}"))
    }

    /// The partition of attempts.
    pub(super) fn arriving(&self) -> String {
        self.pk("arriving")
    }

    /// That a case is watched is told by its record.
    pub(super) fn key(&self, thing: Thing<'_>) -> Key {
        let (pk, sk) = match thing {
            Thing::Marker(subject, message_ref) => (self.caller(subject), attempt(message_ref)),
            Thing::Journal(message_ref) => (self.arriving(), attempt(message_ref)),
            Thing::Forget(subject, case) => (self.caller(subject), format!("{FORGET}{case}")),
            Thing::Mailbox(id) => (self.pk(MAILBOXES), id.to_string()),
            Thing::Group(id) => (self.pk(GROUPS), id.to_string()),
            Thing::Case(key) | Thing::Watched(key) => (self.pk(CASES), key.to_string()),
            Thing::LastCertificate => (self.pk("certificate"), "last".to_owned()),
            Thing::Orphans(region) => (self.pk("orphans"), region.to_string()),
        };
        Key { pk, sk }
    }
}

/// A value of the installation, of all its tenants. No tenant's id is empty.
pub(super) fn kept(name: &str) -> Key {
    Key { pk: "#kept".to_owned(), sk: name.to_owned() }
}

/// How the sort keys of cases begin that name a caller. Before those of messages, which begin with a digit.
pub(super) const FORGET: &str = "!case#";

/// Greater than every sort key that names a case, and smaller than every one of a message.
pub(super) const AFTER_FORGETS: &str = "!~";

/// The sort key of an attempt.
pub(super) fn attempt(message_ref: &MessageRef) -> String {
    format!("{}#{}#{}", message_ref.id, message_ref.attempt, message_ref.mailbox)
}

/// `f` of a message that new or old shows. Both are one range of the index, so that a message which is marked read
/// between two pages, or while a page is read, is neither missed nor doubled: its place does not change.
pub(super) fn visible_sort_key(id: MessageId) -> String {
    format!("v#{id}")
}

/// The message that `f` names, if new or old shows it.
pub(super) fn visible_id(f: &str) -> Option<MessageId> {
    f.strip_prefix("v#")?.parse().ok()
}

/// `f` of a message in the trash.
pub(super) fn trash_sort_key(id: MessageId) -> String {
    format!("t#{id}")
}

/// `due` of a message: the deadline first. One partition for each tenant: a write of the index needs a unit, of which a
/// partition has 1,000 a second, so a tenant may delete as many messages a second; and what is due is one range, however
/// old, without hours to walk.
pub(super) fn due(claim: &Claim, id: MessageId, mailbox: &MailboxId) -> Option<String> {
    let (at, letter) = due_at(claim)?;
    Some(format!("{}.{letter}.{id}.{mailbox}", ms13(at)))
}

/// The claim that `due` tells.
pub(super) fn due_claim(due: &str) -> Option<Claim> {
    let (at, rest) = due.split_once('.')?;
    claim_of(Timestamp::from_millis(at.parse().ok()?), rest.split('.').next()?)
}

/// The objects of a tenant in a bucket, with whatever prefix the installation has there.
#[derive(Debug, Clone)]
pub(super) struct Prefix(String);

impl Prefix {
    /// `prefix` is empty, or a folder of the bucket.
    pub(super) fn new(prefix: &str, tenant: &TenantId) -> Self {
        let separator = if prefix.is_empty() { "" } else { "/" };
        Self(format!("{prefix}{separator}{tenant}/"))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Where a recording lies: the hour of its put comes first, so that a search for orphans lists each hour once.
    pub(super) fn object(&self, key: &AudioKey) -> String {
        format!("{}{key}", self.0)
    }

    /// What lies there.
    pub(super) fn parse(&self, object: &str) -> Option<AudioKey> {
        object.strip_prefix(&self.0)?.parse().ok()
    }
}

/// Where drops lie in a bucket, beside the recordings: in `incoming/` and, those that were rejected, in `rejected/`.
#[derive(Debug, Clone)]
pub(super) struct DropFolders(String);

impl DropFolders {
    /// `prefix` is empty, or a folder of the bucket.
    pub(super) fn new(prefix: &str) -> Self {
        Self(if prefix.is_empty() { String::new() } else { format!("{prefix}/") })
    }

    /// The drops of a tenant in `INCOMING` or `REJECTED`.
    pub(super) fn folder(&self, of: &str, tenant: &TenantId) -> String {
        format!("{}{of}/{tenant}/", self.0)
    }

    pub(super) fn object(&self, of: &str, key: &DropKey) -> String {
        self.folder(of, &key.tenant) + &key.below()
    }

    /// The drop that an object is.
    pub(super) fn parse(&self, region: &Region, object: &str) -> Option<DropKey> {
        DropKey::parse(region, object.strip_prefix(&self.0)?)
    }
}
