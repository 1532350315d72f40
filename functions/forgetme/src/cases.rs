//! Cases: what became of each request to forget.

use std::sync::Arc;

use axum::{Json, extract::State};
use domain::{Case, CaseKey, Status};
use host::{App, Tenancy};
use identity::{Operation, Principal};
use privacy::{CaseBody, CaseStatus, TenantQuery};
use serde::{Deserialize, Serialize};
use storage::StorageError;
use utoipa::{IntoParams, ToSchema};
use web::{Path, Problem, ProblemBody, Query, wire};

/// How many cases are read at once.
const BATCH_SIZE: usize = 200;
/// How many batches a page reads at most, where few have the status that is asked for.
const MAX_BATCHES: usize = 5;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CasesQuery {
    /// Only those of this status.
    #[param(value_type = Option<CaseStatus>, inline)]
    status: Option<String>,
    /// 1 to 200; 50 without it.
    #[param(value_type = Option<usize>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// The contact centre, for a token that names none.
    ccid: Option<String>,
}

/// A case, with what proves it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CaseLook)]
pub(crate) struct CaseDetails {
    #[serde(flatten)]
    case: CaseBody,
    /// What logs call it, where its id may be a number.
    key: String,
    /// The numbers, as keyed hashes.
    subjects: Vec<String>,
    /// The certificate, a compact JWS, once it is erased.
    #[schema(required = true)]
    certificate: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Cases {
    /// The cases, in the order of their keys.
    cases: Vec<CaseDetails>,
    /// The cursor of the next page; `null` on the last. A page may be short, or empty, before that.
    #[schema(required = true)]
    next: Option<String>,
}

/// The cases of the contact centre.
#[utoipa::path(
    get, path = "/v1/gdpr/cases", operation_id = "cases", tag = "forgetme", params(CasesQuery),
    responses((status = 200, body = Cases), (status = 400, body = ProblemBody))
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    who: Principal,
    query: Result<Query<CasesQuery>, Problem>,
) -> Result<Json<Cases>, Problem> {
    who.may(Operation::SeeCases)?;
    let Query(query) = query?;
    let tenancy = app.data_protection(&who, Operation::SeeCases, query.ccid.as_deref())?;
    let status = query.status.as_deref().map(|name| CaseStatus::named(name).ok_or(name)).transpose();
    let status = status.map_err(|_| Problem::bad("status", "hiding, pending, undone, erasing or erased"))?;
    let limit = wire::limit(query.limit.as_deref())?;
    let after = query.cursor.map(|cursor| cursor.parse()).transpose();
    let after = after.map_err(|_| Problem::bad("cursor", "as `next` gave it"))?;
    let (cases, next) = page(tenancy, status, limit, after).await?;
    let cases = cases.iter().map(|case| CaseDetails::of(tenancy, case)).collect();
    Ok(Json(Cases { cases, next: next.map(|next| next.to_string()) }))
}

/// One case.
#[utoipa::path(
    get, path = "/v1/gdpr/cases/{caseid}", operation_id = "case", tag = "forgetme",
    params(("caseid" = String, Path, description = "The case, as the requester named it"), TenantQuery),
    responses((status = 200, body = CaseDetails), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody))
)]
pub(crate) async fn look(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(case_id): Path<String>,
    query: Result<Query<TenantQuery>, Problem>,
) -> Result<Json<CaseDetails>, Problem> {
    who.may(Operation::SeeCases)?;
    let Query(TenantQuery { ccid }) = query?;
    let tenancy = app.data_protection(&who, Operation::SeeCases, ccid.as_deref())?;
    let found = tenancy.metadata().case(&CaseKey::of(&tenancy.tenant.id, &case_id)).await?;
    let found = found.ok_or_else(|| Problem::not_found("case"))?;
    Ok(Json(CaseDetails::of(tenancy, &found.value)))
}

/// The cases of a page, and the last of them where there may be more.
async fn page(
    tenancy: &Tenancy,
    status: Option<Status>,
    limit: usize,
    mut after: Option<CaseKey>,
) -> Result<(Vec<Case>, Option<CaseKey>), StorageError> {
    let mut cases = Vec::new();
    // One more than asked for tells whether there are more.
    let batch = if status.is_some() { BATCH_SIZE } else { limit + 1 };
    for _ in 0..MAX_BATCHES {
        let found = tenancy.metadata().cases(after.as_ref(), batch).await?;
        let is_last = found.len() < batch;
        for case in found.into_iter().map(|found| found.value) {
            if cases.len() == limit {
                return Ok((cases, after));
            }
            after = Some(case.key.clone());
            if status.is_none_or(|status| case.status == status) {
                cases.push(case);
            }
        }
        if is_last {
            return Ok((cases, None));
        }
    }
    Ok((cases, after))
}

impl CaseDetails {
    fn of(tenancy: &Tenancy, case: &Case) -> Self {
        Self {
            case: CaseBody::of(tenancy, case),
            key: case.key.to_string(),
            subjects: case.subjects.keys().map(ToString::to_string).collect(),
            certificate: case.certificate.clone(),
        }
    }
}
