//! Undo of Forget Me: what a case hid is back where it was.

use std::sync::Arc;

use axum::{Json, body::Body, extract::State, http::HeaderMap};
use erasure::{Callers, Report, UndoOutcome};
use futures::future::try_join;
use host::App;
use identity::{Operation, Principal, audit};
use privacy::{CaseAnswer, Request, erasure, failure, in_time, unusable_numbers};
use web::{Code, Problem, ProblemBody};

/// Undoes a case, or some of its numbers, or numbers in every pending case. Repeating is harmless; 410 after `undo_until`.
#[utoipa::path(
    post, path = "/v1/gdpr/undoforget", operation_id = "undoforget", tag = "undo",
    request_body = privacy::RequestBody,
    responses(
        (status = 200, body = CaseAnswer), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 410, body = ProblemBody), (status = 422, body = ProblemBody)
    )
)]
pub(crate) async fn undoforget(
    State(app): State<Arc<App>>,
    who: Principal,
    headers: HeaderMap,
    content: Body,
) -> Result<Json<CaseAnswer>, Problem> {
    let request = Request::read(&app, &who, Operation::UndoForget, &headers, content).await?;
    let tenancy = &request.tenancy;
    let callers = request.callers.as_ref();
    let (erasure, in_time) = (erasure(&app, tenancy), in_time(&app));
    let undone = async {
        let undone = match (request.caseid.as_deref(), callers) {
            (Some(case_id), _) => {
                let subjects = callers.map(Callers::subjects);
                erasure.undo(case_id, subjects.as_ref(), &in_time).await
            }
            (None, Some(callers)) => erasure.undo_callers(&callers.subjects(), &in_time).await,
            (None, None) => return Err(Problem::bad("caseid", "a case, or numbers in `consumers`")),
        };
        report_of(undone.map_err(failure)?, callers)
    };
    let others = callers.map(Callers::others).unwrap_or_default();
    let perhaps = async { Ok(erasure.perhaps(&others, &in_time).await) };
    let (report, perhaps) = try_join(undone, perhaps).await?;
    for case in &report.cases {
        audit(&who, Operation::UndoForget, &[("of_tenant", &tenancy.tenant.id), ("case", &case.key)]);
    }
    Ok(Json(CaseAnswer::undid(tenancy, &report, callers.map(|callers| (callers, &perhaps)))))
}

/// The same by its other name.
#[utoipa::path(
    post, path = "/v1/gdpr/undoforgot", operation_id = "undoforgot", tag = "undo",
    request_body = privacy::RequestBody,
    responses(
        (status = 200, body = CaseAnswer), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 410, body = ProblemBody), (status = 422, body = ProblemBody)
    )
)]
pub(crate) async fn undoforgot(
    state: State<Arc<App>>,
    who: Principal,
    headers: HeaderMap,
    content: Body,
) -> Result<Json<CaseAnswer>, Problem> {
    undoforget(state, who, headers, content).await
}

/// What an undo did; refused where it did nothing.
fn report_of(undone: UndoOutcome, callers: Option<&Callers>) -> Result<Box<Report>, Problem> {
    match undone {
        UndoOutcome::Undone(report) => Ok(report),
        UndoOutcome::TooLate => {
            Err(Problem::new(Code::Gone, "It is too late: what was hidden is erased, or about to be."))
        }
        UndoOutcome::NotInCase(case) => {
            Err(unusable_numbers(callers.map(|callers| callers.beyond(&case.subjects)).unwrap_or_default()))
        }
        UndoOutcome::Missing => Err(Problem::not_found("case")),
    }
}
