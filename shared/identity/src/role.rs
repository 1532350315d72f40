//! Who may do what: the one table of roles and operations.

use serde::Deserialize;
use serde::de::value::{Error, StrDeserializer};

/// What a principal may be.
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
    /// Take a message, to answer it.
    Take,
    /// Take a message over from somebody else.
    TakeOver,
    /// Give a message back.
    GiveBack,
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

/// Who works with messages.
const OF_MAILBOXES: &[Role] = &[Role::Agent, Role::Admin];
/// Who answers for data protection.
const OF_PRIVACY: &[Role] = &[Role::Privacy];

impl Operation {
    /// Its name in audit lines and metrics.
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// The roles that may do it.
    pub fn roles(self) -> &'static [Role] {
        self.row().1
    }

    /// Its name, and the roles that may do it.
    fn row(self) -> (&'static str, &'static [Role]) {
        match self {
            Self::Deposit => ("deposit", &[Role::Deposit]),
            Self::List => ("list", OF_MAILBOXES),
            Self::Play => ("play", OF_MAILBOXES),
            Self::MarkRead => ("mark-read", OF_MAILBOXES),
            Self::Take => ("take", OF_MAILBOXES),
            Self::TakeOver => ("take-over", OF_MAILBOXES),
            Self::GiveBack => ("give-back", OF_MAILBOXES),
            Self::Delete => ("delete", OF_MAILBOXES),
            Self::Undo => ("undo", OF_MAILBOXES),
            Self::Count => ("mwi-count", OF_MAILBOXES),
            Self::SeeMailboxes => ("see-mailboxes", OF_MAILBOXES),
            Self::Provision => ("provision", &[Role::Admin]),
            Self::ForgetMe => ("forgetme", OF_PRIVACY),
            Self::UndoForget => ("undoforget", OF_PRIVACY),
            Self::ExportMe => ("exportme", OF_PRIVACY),
            Self::ExportFile => ("export-file", OF_PRIVACY),
            Self::SeeCases => ("see-cases", OF_PRIVACY),
            Self::Sweep => ("sweep", OF_PRIVACY),
        }
    }
}
