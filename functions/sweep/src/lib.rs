//! Sweep: does what time has decided. Purges what is due, moves what is over its retention to the trash, and cleans up
//! after deposits that were cut off. Two at once do no harm; one that is cut off is finished by the next.

mod tidy;

use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use domain::{Claim, Claimed, Code, Hold, MessageId, Timestamp};
use futures::{StreamExt as _, stream};
use host::{Host, Operation, Principal, Problem, ProblemBody, Query, Service, Tenancy, audit, body};
use serde::{Deserialize, Serialize};
use storage::{Due, PageOf, StorageError};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// How many messages are worked on at once.
const ABREAST: usize = 8;
/// How many entries are read at once.
const BATCH: usize = 200;
/// A run ends after this; the next goes on. Less than the schedule's five minutes.
const RUN: Duration = Duration::from_mins(4);
/// A day, as retention counts.
const DAY: Duration = Duration::from_hours(24);

/// Its routes.
pub fn routes() -> OpenApiRouter<Host> {
    OpenApiRouter::new().routes(routes!(sweep))
}

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Swept {
    /// Messages purged.
    pub purged: u64,
    /// Messages whose retention was over: now in the trash.
    pub expired: u64,
    /// Leavings of deposits that were cut off.
    pub orphans: u64,
    /// What could not be done and is tried again by the next.
    pub failed: u64,
}

#[derive(Debug, Default, Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[schema(as = Sweep)]
struct Whose {
    /// The tenant, for a token that names none.
    ccid: Option<String>,
}

/// Sweeps the caller's tenant now.
#[utoipa::path(
    post, path = "/v1/gdpr/sweep", operation_id = "sweep", tag = "sweep", params(Whose),
    request_body = Option<Whose>,
    responses((status = 200, body = Swept), (status = 400, body = ProblemBody))
)]
async fn sweep(
    State(host): State<Host>,
    who: Principal,
    query: Result<Query<Whose>, Problem>,
    headers: HeaderMap,
    content: Body,
) -> Result<Json<Swept>, Problem> {
    who.may(Operation::Sweep)?;
    let Query(asked) = query?;
    let Whose { ccid } = body::json_or_nothing(&headers, content, body::JSON_LIMIT).await?;
    let tenancy = host.data_protection(&who, Operation::Sweep, ccid.as_deref().or(asked.ccid.as_deref()))?;
    if asked.ccid.is_some_and(|asked| asked != tenancy.tenant.ccid) {
        return Err(Problem::new(Code::Forbidden, "The query and the body name two contact centres."));
    }
    let swept = tenant(&host, tenancy).await?;
    audit(&who, Operation::Sweep, &[("tenant_swept", &tenancy.tenant.id)]);
    Ok(Json(swept))
}

/// Sweeps every tenant, for a schedule. A tenant that fails does not stop the others.
pub async fn all(host: &Host) -> Swept {
    let mut total = Swept::default();
    for tenancy in host.tenants() {
        let swept = tenant(host, tenancy).await.unwrap_or_else(|error| {
            tracing::error!(
                tenant = %tenancy.tenant.id, error = &error as &dyn std::error::Error,
                "the sweep failed; the next one goes on"
            );
            Swept { failed: 1, ..Swept::default() }
        });
        total.purged += swept.purged;
        total.expired += swept.expired;
        total.orphans += swept.orphans;
        total.failed += swept.failed;
    }
    total
}

/// Sweeps one tenant.
pub async fn tenant(host: &Service, tenancy: &Tenancy) -> Result<Swept, StorageError> {
    let started = host.clock.now();
    let in_time = || host.clock.now().since(started) < RUN;
    let mut swept = Swept::default();
    let parts = [
        purge_due(tenancy, started, &in_time, &mut swept).await,
        expire(host, tenancy, started, &in_time, &mut swept).await,
        tidy::attempts(tenancy, started, &in_time, &mut swept).await,
        tidy::mailboxes(host, tenancy, started, &in_time, &mut swept).await,
    ];
    let (all, mut errors) = (parts.len(), parts.into_iter().filter_map(Result::err).collect::<Vec<_>>());
    if errors.len() == all
        && let Some(error) = errors.pop()
    {
        return Err(error);
    }
    // A part that cannot even begin keeps no other from its work.
    for error in &errors {
        failed(&mut swept, error, "a part of the sweep could not be done");
    }
    Ok(swept)
}

/// Purges what is due: the trash and deleted mailboxes, oldest deadline first.
async fn purge_due(
    tenancy: &Tenancy,
    now: Timestamp,
    in_time: &(dyn Fn() -> bool + Sync),
    swept: &mut Swept,
) -> Result<(), StorageError> {
    let mut last: Option<Due> = None;
    loop {
        let batch = tenancy.index().due(now, last.as_ref(), BATCH).await?;
        let more = batch.len() == BATCH;
        last = batch.last().cloned();
        let mut outcomes =
            stream::iter(batch).map(async |due| purge(tenancy, &due, now).await).buffer_unordered(ABREAST);
        while let Some(outcome) = outcomes.next().await {
            match outcome {
                Ok(purged) => swept.purged += u64::from(purged),
                Err(error) => failed(swept, &error, "a message could not be purged"),
            }
        }
        if !more || !in_time() {
            return Ok(());
        }
    }
}

/// Purges one message: claim, delete the audio, see that it is gone, bury. `false`: somebody took the hold off, or an
/// earlier sweep was here.
async fn purge(tenancy: &Tenancy, due: &Due, now: Timestamp) -> Result<bool, StorageError> {
    let (index, remains) = (tenancy.index(), &due.remains);
    let claimed = index.claim(&remains.mailbox, remains.id, &Claim::Due(due.hold.clone())).await?;
    match claimed {
        Claimed::Claimed => {
            let recordings = tenancy.recordings(&remains.region)?;
            recordings.delete(&remains.audio).await?;
            if recordings.exists(&remains.audio).await? {
                return Err(StorageError::unavailable("deleting a recording", "it is still there"));
            }
            index.bury(remains, now).await?;
        }
        // A burial may have been cut off before all that names the message was taken: it is finished here.
        Claimed::Gone => index.bury(remains, now).await?,
        Claimed::Undone => {}
    }
    index.settle(due).await?;
    Ok(claimed == Claimed::Claimed)
}

/// Moves what is over its mailbox's retention to the trash, as a delete would.
async fn expire(
    host: &Service,
    tenancy: &Tenancy,
    now: Timestamp,
    in_time: &(dyn Fn() -> bool + Sync),
    swept: &mut Swept,
) -> Result<(), StorageError> {
    let hold = Hold::Trash { purge_at: host.trash_deadline(now) };
    let mut mailboxes = tenancy.index().mailboxes().await?;
    mailboxes.sort_by_cached_key(|mailbox| tidy::place(&mailbox.value.id, now));
    for mailbox in mailboxes {
        let Some(days) = mailbox.value.settings.retention_days else { continue };
        let (id, over) = (&mailbox.value.id, now.minus(DAY * days));
        // Ids begin with the time of the call, and none is received after that.
        let mut before = Some(MessageId::first_at(over.plus(Duration::from_millis(1))));
        while in_time() && before.is_some() {
            let of = PageOf { folder: None, before, limit: BATCH };
            let page = match tenancy.index().page(id, of).await {
                Ok(page) => page,
                Err(error) => {
                    failed(swept, &error, "a mailbox could not be expired");
                    break;
                }
            };
            for message in &page.messages {
                match tenancy.index().hold(id, message.facts.id, &hold).await {
                    Ok(message) => swept.expired += u64::from(message.is_some()),
                    Err(error) => failed(swept, &error, "a message could not be expired"),
                }
            }
            before = page.next;
        }
    }
    Ok(())
}

fn failed(swept: &mut Swept, error: &StorageError, what: &str) {
    swept.failed += 1;
    tracing::error!(error = error as &dyn std::error::Error, "{what}; the next sweep tries again");
}
