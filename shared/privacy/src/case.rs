//! The shape of a case on the wire.

use domain::{Case, RegionReport, Status, Timestamp};
use host::Tenancy;
use serde::de::value::{Error, StrDeserializer};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a case is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CaseOperation {
    /// It forgets.
    ForgetMe,
    /// It forgot, and was taken back, for some callers or for all.
    UndoForget,
}

/// What became of a case.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(remote = "Status", rename_all = "lowercase")]
pub enum CaseStatus {
    /// Not yet is everything hidden; the sweep goes on.
    Hiding,
    /// All is hidden; undo works until `undo_until`.
    Pending,
    /// Taken back. Final.
    Undone,
    /// Being purged.
    Erasing,
    /// Purged, verified and certified. Final.
    Erased,
}

impl CaseStatus {
    /// The status of this name.
    pub fn named(name: &str) -> Option<Status> {
        Self::deserialize(StrDeserializer::<Error>::new(name)).ok()
    }
}

/// A case. Times are RFC 3339 UTC with milliseconds. `caseid` and times are `null` in the answer to an undo of several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Case)]
pub struct CaseBody {
    /// As the requester named it.
    #[schema(required = true)]
    caseid: Option<String>,
    /// The last one.
    operation: CaseOperation,
    /// What became of it.
    #[serde(with = "CaseStatus")]
    #[schema(value_type = CaseStatus)]
    status: Status,
    /// When it was requested.
    #[schema(required = true)]
    requested_at: Option<String>,
    /// Until when it can be undone.
    #[schema(required = true)]
    undo_until: Option<String>,
    /// By when all is gone.
    #[schema(required = true)]
    purge_at: Option<String>,
    /// When it was undone.
    #[schema(required = true)]
    undone_at: Option<String>,
    /// When all was gone.
    #[schema(required = true)]
    erased_at: Option<String>,
    /// What each region said, the master first.
    regions: Vec<RegionBody>,
}

/// What a region said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = CaseRegion)]
pub(crate) struct RegionBody {
    /// Its name.
    region: String,
    /// Whether the metadata is there.
    master: bool,
    /// How many messages it found.
    messages: u64,
    /// Whether it answered; one that did not is finished by the sweep.
    reached: bool,
}

impl CaseBody {
    /// A case as it is stored.
    pub fn of(tenancy: &Tenancy, case: &Case) -> Self {
        let is_undone = case.subjects.values().any(|undone| *undone);
        let operation = if is_undone { CaseOperation::UndoForget } else { CaseOperation::ForgetMe };
        Self::new(tenancy, Some(case), operation, case.status, &case.regions)
    }

    pub(crate) fn new(
        tenancy: &Tenancy,
        case: Option<&Case>,
        operation: CaseOperation,
        status: Status,
        regions: &[RegionReport],
    ) -> Self {
        let time = |of: fn(&Case) -> Option<Timestamp>| case.and_then(of).map(|at| at.to_string());
        let region = |report: &RegionReport| RegionBody {
            region: report.region.to_string(),
            master: report.region == tenancy.tenant.master,
            messages: report.messages,
            reached: report.reached,
        };
        Self {
            caseid: case.map(|case| case.case_id.clone()),
            operation,
            status,
            requested_at: time(|case| Some(case.requested_at)),
            undo_until: time(|case| Some(case.deadlines.undo_until)),
            purge_at: time(|case| Some(case.deadlines.purge_at)),
            undone_at: time(|case| case.undone_at),
            erased_at: time(|case| case.erased_at),
            regions: regions.iter().map(region).collect(),
        }
    }
}
