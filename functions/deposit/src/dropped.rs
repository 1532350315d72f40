//! A recording that a platform dropped into a bucket, in place of sending it.

use domain::{Code, Timestamp};
use host::{BoxError, Host, Problem, Tenancy};
use storage::{DropKey, Dropped, Drops};

use crate::call::{Call, Sent};
use crate::intake::MAX_BYTES;
use crate::store::{Deposited, store};
use crate::target;

/// What became of a drop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is a message, by this event or an earlier one, and taken away.
    Deposited,
    /// It can never be one, and lies among what was rejected.
    Rejected(Code),
    /// It was not there any more.
    Gone,
}

/// For an event that tells of a drop. A passing fault is an error, and the drop stays for the next try.
///
/// # Errors
/// The storage failed, or takes no drops there.
pub async fn on_drop(host: &Host, key: &DropKey) -> Result<(), BoxError> {
    let tenancy = host.tenant(&key.tenant).ok_or("a drop for a tenant that is not configured")?;
    let drops = tenancy.drops_in(&key.region).ok_or("a drop in a region that takes none")?;
    take(host, tenancy, drops, key).await.map(|_| ()).map_err(Problem::into_error)
}

/// Deposits a drop and takes it away; what can never be deposited is moved aside.
///
/// # Errors
/// The storage failed; the drop stays.
pub async fn take(host: &Host, tenancy: &Tenancy, drops: &dyn Drops, key: &DropKey) -> Result<Fate, Problem> {
    let Some(dropped) = drops.look(key).await? else { return Ok(Fate::Gone) };
    match deposit(host, tenancy, drops, key, &dropped).await {
        Ok(Some(_)) => {
            drops.delete(key, &dropped).await?;
            Ok(Fate::Deposited)
        }
        Ok(None) => Ok(Fate::Gone),
        // A call that was purged or erased: nothing of it is kept, not even among what was rejected.
        Err(problem) if problem.code == Code::Gone => {
            drops.delete(key, &dropped).await?;
            Ok(Fate::Gone)
        }
        Err(problem) if is_final(problem.code) => {
            drops.reject(key, &dropped, problem.code_name()).await?;
            metrics::counter!("voicemail_drops_rejected", "reason" => problem.code_name()).increment(1);
            tracing::warn!(tenant = %key.tenant, region = %key.region, reason = problem.code_name(), "a drop was rejected");
            Ok(Fate::Rejected(problem.code))
        }
        Err(problem) => Err(problem),
    }
}

async fn deposit(
    host: &Host,
    tenancy: &Tenancy,
    drops: &dyn Drops,
    key: &DropKey,
    dropped: &Dropped,
) -> Result<Option<Deposited>, Problem> {
    let (mailbox_id, mailbox) = target(tenancy, &key.mailbox).await?;
    let call = call(dropped, host.clock.now())?;
    let audio = if dropped.bytes > MAX_BYTES as u64 {
        Err(Problem::new(Code::TooLarge, "The recording is too large."))
    } else {
        match drops.read(key, dropped).await? {
            Some(bytes) => Ok(bytes),
            None => return Ok(None),
        }
    };
    store(host, tenancy, &key.region, mailbox_id, mailbox, call, audio).await.map(Some)
}

/// The facts of a drop's call. Without a time it was taken when it was dropped; without an id the drop itself is the
/// call, so that its event may come as often as it likes.
fn call(dropped: &Dropped, now: Timestamp) -> Result<Call, Problem> {
    let mut call = Sent::beside_drop(&dropped.facts).check(now)?;
    call.received_at.get_or_insert(dropped.at);
    call.call_id.get_or_insert_with(|| dropped.version.clone());
    Ok(call)
}

/// Whether a repeat would be refused again.
fn is_final(code: Code) -> bool {
    matches!(
        code,
        Code::BadRequest
            | Code::NotFound
            | Code::MailboxDisabled
            | Code::MailboxFull
            | Code::UnsupportedAudio
            | Code::BrokenAudio
            | Code::TooLong
            | Code::TooLarge
    )
}
