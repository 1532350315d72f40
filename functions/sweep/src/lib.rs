//! Sweep: does what time has decided. Applies the fate of each case, purges what is due, moves what is over its retention
//! to the trash, and cleans up after deposits that were cut off. Two at once do no harm; one that is cut off is finished by
//! the next.

mod cases;
mod expire;
mod purge;
mod sweep;
mod tidy;

use std::sync::Arc;

use axum::{BoxError, Json};
use axum::{body::Body, extract::State, http::HeaderMap};
use host::{App, Tenancy};
use identity::{Operation, Principal, audit};
use serde::Deserialize;
use storage::StorageError;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use web::{Code, Problem, ProblemBody, Query, body};

pub use self::sweep::SweepReport;

use self::sweep::Sweep;

/// Its routes.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(sweep))
}

#[derive(Debug, Default, Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[schema(as = Sweep)]
struct SweepRequest {
    /// The tenant, for a token that names none.
    ccid: Option<String>,
}

/// Sweeps the caller's tenant now.
#[utoipa::path(
    post, path = "/v1/gdpr/sweep", operation_id = "sweep", tag = "sweep", params(SweepRequest),
    request_body = Option<SweepRequest>,
    responses((status = 200, body = SweepReport), (status = 400, body = ProblemBody))
)]
async fn sweep(
    State(app): State<Arc<App>>,
    who: Principal,
    query: Result<Query<SweepRequest>, Problem>,
    headers: HeaderMap,
    content: Body,
) -> Result<Json<SweepReport>, Problem> {
    who.may(Operation::Sweep)?;
    let Query(query) = query?;
    let SweepRequest { ccid } = body::json_or_nothing(&headers, content, body::JSON_LIMIT).await?;
    let tenancy = app.data_protection(&who, Operation::Sweep, ccid.as_deref().or(query.ccid.as_deref()))?;
    if query.ccid.is_some_and(|ccid| ccid != tenancy.tenant.ccid) {
        return Err(Problem::new(Code::Forbidden, "The query and the body name two contact centres."));
    }
    let report = tenant(&app, tenancy).await?;
    audit(&who, Operation::Sweep, &[("tenant_swept", &tenancy.tenant.id)]);
    Ok(Json(report))
}

/// Sweeps every tenant, for a schedule that wants to know whether something failed.
///
/// # Errors
/// Something could not be done; the log says what, and the next sweep tries again.
pub async fn on_schedule(app: &App) -> Result<(), BoxError> {
    match all(app).await.failed {
        0 => Ok(()),
        failed => Err(format!("{failed} could not be done; the next sweep tries again").into()),
    }
}

/// Sweeps every tenant, for a schedule. A tenant that fails does not stop the others.
pub async fn all(app: &App) -> SweepReport {
    let mut total = SweepReport::default();
    for tenancy in app.tenants() {
        let report = tenant(app, tenancy).await.unwrap_or_else(|error| {
            tracing::error!(
                tenant = %tenancy.tenant.id, error = storage::causes(&error),
                "the sweep failed; the next one goes on"
            );
            SweepReport { failed: 1, ..SweepReport::default() }
        });
        total.purged += report.purged;
        total.expired += report.expired;
        total.orphans += report.orphans;
        total.failed += report.failed;
    }
    let SweepReport { purged, expired, orphans, failed } = total;
    metrics::counter!("voicemail_sweep_failures_total").increment(failed);
    tracing::info!(purged, expired, orphans, failed, "swept");
    total
}

/// Sweeps one tenant.
///
/// # Errors
/// No part of it could be done: the first reason.
pub async fn tenant(app: &App, tenancy: &Tenancy) -> Result<SweepReport, StorageError> {
    let mut sweep = Sweep { app, tenancy, started: app.clock.now(), report: SweepReport::default() };
    let parts = [
        cases::all(&mut sweep).await,
        purge::due(&mut sweep).await,
        expire::all(&mut sweep).await,
        tidy::attempts(&mut sweep).await,
        tidy::orphans(&mut sweep).await,
        tidy::mailboxes(&mut sweep).await,
    ];
    let (all, mut errors) = (parts.len(), parts.into_iter().filter_map(Result::err).collect::<Vec<_>>());
    if errors.len() == all
        && let Some(error) = errors.pop()
    {
        return Err(error);
    }
    // A part that cannot even begin keeps no other from its work.
    for error in &errors {
        sweep.report.fail(error, "a part of the sweep could not be done");
    }
    Ok(sweep.report)
}
