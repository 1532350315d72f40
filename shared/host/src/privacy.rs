//! What the data protection requests share: how one is read, how it is refused, and how a case is answered.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use domain::{Case, Code, RegionReport, Status, Timestamp};
use erasure::{Callers, Down, Erasure, Error, Perhaps, Refused, Report, Request, Unusable};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::body;
use crate::identity::Principal;
use crate::problem::{Fault, Problem};
use crate::role::Operation;
use crate::service::{Service, Tenancy};

/// How long a request works on messages; the sweep does the rest.
const AT_ONCE: Duration = Duration::from_secs(10);

/// A data protection request that may be done.
pub struct Asked {
    /// Whose.
    pub tenancy: Arc<Tenancy>,
    /// The case that it names.
    pub caseid: Option<String>,
    /// Of an export: where it goes on.
    pub cursor: Option<String>,
    callers: Option<Callers>,
}

impl Asked {
    /// Reads a request of somebody who may make it.
    pub async fn read(
        host: &Service,
        who: &Principal,
        operation: Operation,
        headers: &HeaderMap,
        content: Body,
    ) -> Result<Self, Problem> {
        who.may(operation)?;
        let request: Request = body::json(headers, content, body::JSON_LIMIT).await?;
        let tenancy = Arc::clone(host.data_protection(who, operation, request.ccid.as_deref())?);
        let callers = request.callers(tenancy.tenant.numbering, tenancy.key().await?).map_err(refused)?;
        let Request { caseid, cursor, .. } = request;
        Ok(Self { tenancy, caseid, cursor, callers })
    }

    /// Whom it names, where it names anybody.
    pub fn some_callers(&self) -> Option<&Callers> {
        self.callers.as_ref()
    }

    /// Whom it names: 400 where that is nobody.
    pub fn callers(&self) -> Result<&Callers, Problem> {
        self.callers.as_ref().ok_or_else(nobody)
    }
}

/// Whose cases or files, for those who ask with a query.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Whose {
    /// The contact centre, for a token that names none.
    pub ccid: Option<String>,
}

/// The data protection of a tenant.
pub fn erasure<'a>(host: &'a Service, tenancy: &'a Tenancy) -> Erasure<'a> {
    Erasure { tenant: &tenancy.tenant, storage: tenancy.storage(), clock: host.clock.as_ref() }
}

/// Whether a request that began now has time left, by the service's clock.
pub fn in_time(host: &Service) -> impl Fn() -> bool + Sync {
    let begun = host.clock.now();
    move || host.clock.now().since(begun) < AT_ONCE
}

fn nobody() -> Problem {
    Problem::bad("consumers", format!("names 1 to {} numbers", erasure::MAX_NUMBERS))
}

fn refused(refused: Refused) -> Problem {
    match refused {
        Refused::TooMany | Refused::NoNumber => nobody(),
        Refused::Unusable(unusable) => not_usable(unusable),
    }
}

/// The 422 that names numbers, and why they cannot be used.
pub fn not_usable(unusable: Vec<Unusable>) -> Problem {
    let numbers: Vec<_> = unusable.iter().map(|one| format!("{:?}", one.number)).collect();
    let detail = format!("Nothing is done, as a number cannot be used: {}.", numbers.join(", "));
    let fault = |Unusable { place, number, why }| Fault { place, detail: format!("{number:?} {why}") };
    let errors = unusable.into_iter().map(fault).collect();
    Problem { errors, ..Problem::new(Code::UnusableNumber, detail) }
}

impl From<Down> for Problem {
    fn from(down: Down) -> Self {
        let detail =
            format!("The region {} does not answer. Nothing is changed; repeat the request.", down.region);
        Self { cause: Some(Arc::new(down)), ..Self::new(Code::RegionUnavailable, detail) }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Down(down) => down.into(),
            Error::Storage(error) => error.into(),
        }
    }
}

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
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
        Some(match name {
            "hiding" => Status::Hiding,
            "pending" => Status::Pending,
            "undone" => Status::Undone,
            "erasing" => Status::Erasing,
            "erased" => Status::Erased,
            _ => return None,
        })
    }
}

impl From<Status> for CaseStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Hiding => Self::Hiding,
            Status::Pending => Self::Pending,
            Status::Undone => Self::Undone,
            Status::Erasing => Self::Erasing,
            Status::Erased => Self::Erased,
        }
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
    status: CaseStatus,
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
pub struct RegionBody {
    /// Its name.
    region: String,
    /// Whether the metadata is there.
    master: bool,
    /// How many messages it found.
    messages: u64,
    /// Whether it answered; one that did not is finished by the sweep.
    reached: bool,
}

/// The answer to Forget Me and to its undo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CaseAnswer {
    /// The case.
    #[serde(flatten)]
    case: CaseBody,
    /// What was done for each number, as the request spelled it; of a field that holds two, for both.
    consumers: BTreeMap<String, Messages>,
    /// Whom each spelling means: a number in E.164, a text, or the two numbers of a field that holds two. Absent from an undo by
    /// case id alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    read_as: Option<BTreeMap<String, Vec<String>>>,
    /// Other numbers that the same digits are in another reading, and that have messages: how many, of 200 at most; `null`
    /// where they could not be counted in time. These are not touched: whoever means them names them. Absent likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    perhaps: Option<BTreeMap<String, Option<u64>>>,
}

/// So many messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Messages {
    /// How many.
    messages: u64,
}

impl CaseBody {
    /// A case as it is stored.
    pub fn of(tenancy: &Tenancy, case: &Case) -> Self {
        let is_undone = case.subjects.values().any(|undone| *undone);
        let operation = if is_undone { CaseOperation::UndoForget } else { CaseOperation::ForgetMe };
        Self::says(tenancy, Some(case), operation, case.status.into(), &case.regions)
    }

    fn says(
        tenancy: &Tenancy,
        case: Option<&Case>,
        operation: CaseOperation,
        status: CaseStatus,
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

impl CaseAnswer {
    /// What a Forget Me did, with whom it named, and what was counted of whom that may mean, too.
    pub fn forgot(tenancy: &Tenancy, report: &Report, named: (&Callers, &Perhaps)) -> Self {
        let case = report.cases.first();
        let status = case.map_or(CaseStatus::Hiding, |case| case.status.into());
        Self::says(tenancy, report, (CaseOperation::ForgetMe, status), Some(named))
    }

    /// What an undo did, to one case or to several; with whom it named, and what was counted of whom that may mean, too.
    pub fn undid(tenancy: &Tenancy, report: &Report, named: Option<(&Callers, &Perhaps)>) -> Self {
        Self::says(tenancy, report, (CaseOperation::UndoForget, CaseStatus::Undone), named)
    }

    fn says(
        tenancy: &Tenancy,
        report: &Report,
        (operation, status): (CaseOperation, CaseStatus),
        named: Option<(&Callers, &Perhaps)>,
    ) -> Self {
        let only = if let [only] = report.cases.as_slice() { Some(only) } else { None };
        let found = |subject| report.pass.callers.get(subject).copied().unwrap_or_default();
        let spellings = named.into_iter().flat_map(|(callers, _)| callers.spellings());
        let consumers = spellings.map(|(spelling, subjects)| {
            (spelling.to_owned(), Messages { messages: subjects.map(found).sum() })
        });
        Self {
            case: CaseBody::says(tenancy, only, operation, status, &report.regions),
            consumers: consumers.collect(),
            read_as: named.map(|(callers, _)| callers.read_as()),
            perhaps: named.map(|(callers, counted)| callers.perhaps(counted)),
        }
    }
}
