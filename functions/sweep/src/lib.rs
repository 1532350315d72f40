//! Sweep: does what time has decided. Applies the fate of each case, purges what is due, moves what is over its retention
//! to the trash, and cleans up after deposits that were cut off. Two at once do no harm; one that is cut off is finished by
//! the next.

mod cases;
mod expire;
mod purge;
mod tidy;

use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use domain::Code;
use host::{
    BoxError, Host, Operation, Principal, Problem, ProblemBody, Query, Service, Tenancy, audit, body,
};
use serde::{Deserialize, Serialize};
use storage::StorageError;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// How many entries are read at once.
const BATCH: usize = 200;
/// A run ends after this; the next goes on. Less than the schedule's five minutes.
const RUN: Duration = Duration::from_mins(4);

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

/// Sweeps every tenant, for a schedule that wants to know whether something failed.
///
/// # Errors
/// Something could not be done; the log says what, and the next sweep tries again.
pub async fn on_schedule(host: &Host) -> Result<(), BoxError> {
    match all(host).await.failed {
        0 => Ok(()),
        failed => Err(format!("{failed} could not be done; the next sweep tries again").into()),
    }
}

/// Sweeps every tenant, for a schedule. A tenant that fails does not stop the others.
pub async fn all(host: &Host) -> Swept {
    let mut total = Swept::default();
    for tenancy in host.tenants() {
        let swept = tenant(host, tenancy).await.unwrap_or_else(|error| {
            tracing::error!(
                tenant = %tenancy.tenant.id, error = storage::causes(&error),
                "the sweep failed; the next one goes on"
            );
            Swept { failed: 1, ..Swept::default() }
        });
        total.purged += swept.purged;
        total.expired += swept.expired;
        total.orphans += swept.orphans;
        total.failed += swept.failed;
    }
    let Swept { purged, expired, orphans, failed } = total;
    metrics::counter!("voicemail_sweep_failures_total").increment(failed);
    tracing::info!(purged, expired, orphans, failed, "swept");
    total
}

/// Sweeps one tenant.
pub async fn tenant(host: &Service, tenancy: &Tenancy) -> Result<Swept, StorageError> {
    let started = host.clock.now();
    let in_time = || host.clock.now().since(started) < RUN;
    let mut swept = Swept::default();
    let parts = [
        cases::all(host, tenancy, &in_time, &mut swept).await,
        purge::due(tenancy, started, &in_time, &mut swept).await,
        expire::all(host, tenancy, started, &in_time, &mut swept).await,
        tidy::attempts(tenancy, started, &in_time, &mut swept).await,
        tidy::orphans(tenancy, started, &mut swept).await,
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

fn failed(swept: &mut Swept, error: &StorageError, what: &str) {
    swept.failed += 1;
    tracing::error!(error = storage::causes(error), "{what}; the next sweep tries again");
}
