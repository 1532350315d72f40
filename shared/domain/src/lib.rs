//! Types and rules of voicemail: mailbox, message, caller, holds, counts, case. No I/O, no HTTP, no SDK.

mod caller;
mod case;
mod clock;
mod counts;
mod ids;
mod lifetimes;
mod mailbox;
mod message;
mod names;
mod random;
mod subject;
mod taking;
mod tenant;

pub use caller::{
    BareNumbers, Caller, CallerName, Country, MAX_CALLER_BYTES, NumberingPlan, READER, Reading, Unreadable,
};
pub use case::{CLOCK_SKEW, Case, Certified, Deadlines, RegionReport, Status, Undo};
pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use counts::{CountedMessage, Counts, Waiting};
pub use ids::{AudioKey, MessageId};
pub use lifetimes::{CLOSED_CASE_LIFETIME, FENCE_LIFETIME, TOMBSTONE_LIFETIME};
pub use mailbox::{Group, Mailbox, Owner, Settings, SomeSettings};
pub use message::{
    Claim, ClaimOutcome, Facts, Folder, Hold, Message, ReadMark, Release, ReleaseOutcome, TakeOutcome,
};
pub use names::{Attempt, BadName, CaseKey, GroupId, MailboxId, Region, TenantId, UserId};
pub use random::{Random, SeededRandom, SystemRandom};
pub use subject::{Subject, TenantKey};
pub use taking::{TakenMark, Taking, is_taken};
pub use tenant::Tenant;
