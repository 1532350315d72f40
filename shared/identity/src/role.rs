//! Who may do what: the one table of roles and operations.

use serde::Deserialize;
use serde::de::value::{Error, StrDeserializer};

/// What a caller may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Works with the messages of their own and their groups' mailboxes.
    Agent,
    /// A telephony platform: deposits into any mailbox of the tenant, nothing else.
    Deposit,
    /// Provisions mailboxes and groups, and may what an agent may in every mailbox of the tenant.
    Admin,
    /// Answers data protection requests.
    Privacy,
}

impl Role {
    /// The role of this name in a token or a users file.
    pub fn named(name: &str) -> Option<Self> {
        Self::deserialize(StrDeserializer::<Error>::new(name)).ok()
    }
}

/// What can be done, as the audit names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Deposit a message.
    Deposit,
    /// List messages, or look at one.
    List,
    /// Listen to a message.
    Play,
    /// Mark read or unread.
    MarkRead,
    /// Delete a message.
    Delete,
    /// Undo a delete.
    Undo,
    /// Ask what is waiting.
    Count,
    /// See mailboxes.
    SeeMailboxes,
    /// Make, change and delete mailboxes and groups.
    Provision,
    /// Forget callers.
    ForgetMe,
    /// Take that back.
    UndoForget,
    /// See what is stored of callers.
    ExportMe,
    /// Hand out a recording of an export.
    ExportFile,
    /// See cases, or how the regions are.
    SeeCases,
    /// Sweep the tenant.
    Sweep,
}

impl Operation {
    /// Its name in audit lines and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deposit => "deposit",
            Self::List => "list",
            Self::Play => "play",
            Self::MarkRead => "mark-read",
            Self::Delete => "delete",
            Self::Undo => "undo",
            Self::Count => "mwi-count",
            Self::SeeMailboxes => "see-mailboxes",
            Self::Provision => "provision",
            Self::ForgetMe => "forgetme",
            Self::UndoForget => "undoforget",
            Self::ExportMe => "exportme",
            Self::ExportFile => "export-file",
            Self::SeeCases => "see-cases",
            Self::Sweep => "sweep",
        }
    }

    /// The roles that may do it.
    pub fn roles(self) -> &'static [Role] {
        match self {
            Self::Deposit => &[Role::Deposit],
            Self::List
            | Self::Play
            | Self::MarkRead
            | Self::Delete
            | Self::Undo
            | Self::Count
            | Self::SeeMailboxes => &[Role::Agent, Role::Admin],
            Self::Provision => &[Role::Admin],
            Self::ForgetMe
            | Self::UndoForget
            | Self::ExportMe
            | Self::ExportFile
            | Self::SeeCases
            | Self::Sweep => &[Role::Privacy],
        }
    }
}
