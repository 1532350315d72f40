//! How the regions of a tenant are.

use axum::Json;
use axum::extract::State;
use host::privacy::{Whose, erasure};
use host::{Host, Operation, Principal, Problem, ProblemBody, Query};
use serde::Serialize;
use utoipa::ToSchema;

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
    get, path = "/v1/gdpr/regions", operation_id = "regions", tag = "forgetme", params(Whose),
    responses((status = 200, body = Regions), (status = 400, body = ProblemBody))
)]
pub(crate) async fn regions(
    State(host): State<Host>,
    who: Principal,
    query: Result<Query<Whose>, Problem>,
) -> Result<Json<Regions>, Problem> {
    who.may(Operation::SeeCases)?;
    let Query(Whose { ccid }) = query?;
    let tenancy = host.data_protection(&who, Operation::SeeCases, ccid.as_deref())?;
    let states = erasure(&host, tenancy).region_states().await;
    let regions = states.into_iter().map(|state| Region {
        name: state.region.to_string(),
        master: state.master,
        up: state.fault.is_none(),
    });
    Ok(Json(Regions { regions: regions.collect() }))
}
