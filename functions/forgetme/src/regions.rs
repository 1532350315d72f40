//! How the regions of a tenant are.

use std::sync::Arc;

use axum::{Json, extract::State};
use host::App;
use identity::{Operation, Principal};
use privacy::{TenantQuery, erasure};
use serde::Serialize;
use utoipa::ToSchema;
use web::{Problem, ProblemBody, Query};

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Regions {
    /// The master first.
    regions: Vec<Region>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Region {
    /// Its name.
    name: String,
    /// Whether the metadata is there.
    master: bool,
    /// Whether it answers.
    up: bool,
}

/// The regions of the contact centre, each asked now.
#[utoipa::path(
    get, path = "/v1/gdpr/regions", operation_id = "regions", tag = "forgetme", params(TenantQuery),
    responses((status = 200, body = Regions), (status = 400, body = ProblemBody))
)]
pub(crate) async fn regions(
    State(app): State<Arc<App>>,
    who: Principal,
    query: Result<Query<TenantQuery>, Problem>,
) -> Result<Json<Regions>, Problem> {
    who.may(Operation::SeeCases)?;
    let Query(TenantQuery { ccid }) = query?;
    let tenancy = app.data_protection(&who, Operation::SeeCases, ccid.as_deref())?;
    let states = erasure(&app, tenancy).region_states().await;
    let regions = states.into_iter().map(|state| Region {
        name: state.region.to_string(),
        master: state.master,
        up: state.fault.is_none(),
    });
    Ok(Json(Regions { regions: regions.collect() }))
}
