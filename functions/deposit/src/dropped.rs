//! A recording that a platform dropped into a bucket, in place of sending it.

use std::time::Duration;

use axum::BoxError;
use domain::Timestamp;
use host::{App, Tenancy};
use storage::{DropKey, DropProperties, Drops};
use web::{Code, Problem};

use crate::call::{Call, UncheckedCall};
use crate::intake::MAX_BYTES;
use crate::store::{DepositOutcome, store};
use crate::target::target;

/// A drop that is older was not brought by its event: Lambda tries a failed one for the last time after three minutes.
const LATE_AFTER: Duration = Duration::from_mins(10);
/// How long what was rejected stays for whoever asks why. It is gone within a day, however a schedule of ten minutes and
/// the clocks fall.
const REJECTED_LIFETIME: Duration = Duration::from_hours(23);
/// How many drops are listed at once.
const BATCH_SIZE: usize = 1000;
/// A run ends after this; the next goes on. Less than the schedule's five minutes.
const MAX_RUN_TIME: Duration = Duration::from_mins(4);

/// What became of a drop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropOutcome {
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
pub async fn on_drop(app: &App, key: &DropKey) -> Result<(), BoxError> {
    let tenancy = app.tenant(&key.tenant).ok_or("a drop for a tenant that is not configured")?;
    let drops = tenancy.drops_in(&key.region).ok_or("a drop in a region that takes none")?;
    take(app, tenancy, drops, key).await.map(|_| ()).map_err(Problem::into_error)
}

/// For a schedule: deposits the drops that no event brought, and deletes what was rejected yesterday, of every tenant in
/// every region. One that fails keeps no other from its turn.
///
/// # Errors
/// Something could not be done; the log says what, and the next run tries again.
pub async fn on_schedule(app: &App) -> Result<(), BoxError> {
    let started = app.clock.now();
    let mut failed = 0_u64;
    for tenancy in app.tenants() {
        for (region, drops) in tenancy.drops() {
            for problem in catch_up(app, tenancy, drops, started).await {
                failed += 1;
                let (tenant, error) = (&tenancy.tenant.id, problem.into_error());
                let error = storage::causes(error.as_ref());
                tracing::error!(%tenant, %region, error, "of the drops, something could not be done; the next run tries again");
            }
        }
    }
    if failed == 0 {
        return Ok(());
    }
    Err(format!("of the drops, {failed} could not be done; the next run tries again").into())
}

/// What could not be done.
async fn catch_up(app: &App, tenancy: &Tenancy, drops: &dyn Drops, started: Timestamp) -> Vec<Problem> {
    let mut failed = Vec::new();
    if let Err(error) = drops.clear_rejected(started.minus(REJECTED_LIFETIME)).await {
        failed.push(error.into());
    }
    let late = drops.waiting(started.minus(LATE_AFTER), BATCH_SIZE).await.unwrap_or_else(|error| {
        failed.push(error.into());
        Vec::new()
    });
    for key in late {
        if app.clock.now().since(started) >= MAX_RUN_TIME {
            break;
        }
        if let Err(problem) = take(app, tenancy, drops, &key).await {
            failed.push(problem);
        }
    }
    failed
}

/// Deposits a drop and takes it away; what can never be deposited is moved aside.
///
/// # Errors
/// The storage failed; the drop stays.
pub async fn take(
    app: &App,
    tenancy: &Tenancy,
    drops: &dyn Drops,
    key: &DropKey,
) -> Result<DropOutcome, Problem> {
    let Some(dropped) = drops.look(key).await? else { return Ok(DropOutcome::Gone) };
    match deposit(app, tenancy, drops, key, &dropped).await {
        Ok(Some(_)) => {
            drops.delete(key, &dropped).await?;
            Ok(DropOutcome::Deposited)
        }
        Ok(None) => Ok(DropOutcome::Gone),
        // A call that was purged or erased: nothing of it is kept, not even among what was rejected.
        Err(problem) if problem.code == Code::Gone => {
            drops.delete(key, &dropped).await?;
            Ok(DropOutcome::Gone)
        }
        Err(problem) if is_final(problem.code) => {
            drops.reject(key, &dropped, problem.code.name()).await?;
            metrics::counter!("voicemail_drops_rejected_total").increment(1);
            tracing::warn!(tenant = %key.tenant, region = %key.region, reason = problem.code.name(), "a drop was rejected");
            Ok(DropOutcome::Rejected(problem.code))
        }
        Err(problem) => Err(problem),
    }
}

async fn deposit(
    app: &App,
    tenancy: &Tenancy,
    drops: &dyn Drops,
    key: &DropKey,
    dropped: &DropProperties,
) -> Result<Option<DepositOutcome>, Problem> {
    if !tenancy.tenant.regions.contains(&key.region) {
        return Err(Problem::not_found("region"));
    }
    let (mailbox_id, mailbox) = target(tenancy, &key.mailbox).await?;
    let call = call(dropped, app.clock.now())?;
    let audio = if dropped.bytes > MAX_BYTES as u64 {
        Err(Problem::new(Code::TooLarge, "The recording is too large."))
    } else {
        match drops.read(key, dropped).await? {
            Some(bytes) => Ok(bytes),
            None => return Ok(None),
        }
    };
    store(app, tenancy, &key.region, mailbox_id, mailbox, call, audio).await.map(Some)
}

/// The facts of a drop's call. Without a time it was taken when it was dropped; without an id the drop itself is the
/// call, so that its event may come as often as it likes.
fn call(dropped: &DropProperties, now: Timestamp) -> Result<Call, Problem> {
    let mut call = UncheckedCall::beside_drop(&dropped.facts).check(now)?;
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
