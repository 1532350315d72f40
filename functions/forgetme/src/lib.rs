//! Forget Me: hides at once what is stored of callers, and tells what became of it.

mod cases;
mod regions;

use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode};
use axum::{Json, body::Body, extract::State};
use erasure::ForgetOutcome;
use host::App;
use identity::{Operation, Principal, audit};
use privacy::{CaseAnswer, Request, erasure, in_time};
use utoipa_axum::{router::OpenApiRouter, routes};
use web::{Code, Problem, ProblemBody};

/// How long a case's id may be.
const MAX_CASE_ID_BYTES: usize = 128;

/// Its routes.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(forgetme))
        .routes(routes!(cases::list))
        .routes(routes!(cases::look))
        .routes(routes!(regions::regions))
}

/// Forgets callers: hides every message of theirs, in every mailbox and region, and has it purged within a day.
///
/// The same again hides what came to light meanwhile; a case that is closed is answered as it is.
#[utoipa::path(
    post, path = "/v1/gdpr/forgetme", operation_id = "forgetme", tag = "forgetme",
    request_body = privacy::RequestBody,
    responses(
        (status = 202, description = "Hidden, or being hidden", body = CaseAnswer),
        (status = 200, description = "Closed before; nothing is done", body = CaseAnswer),
        (status = 400, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)
    )
)]
async fn forgetme(
    State(app): State<Arc<App>>,
    who: Principal,
    headers: HeaderMap,
    content: Body,
) -> Result<(StatusCode, Json<CaseAnswer>), Problem> {
    let request = Request::read(&app, &who, Operation::ForgetMe, &headers, content).await?;
    let case_id = request.caseid.as_deref().filter(|id| is_case_id(id)).ok_or_else(|| {
        Problem::bad("caseid", format!("1 to {MAX_CASE_ID_BYTES} printable ASCII characters"))
    })?;
    let (tenancy, callers) = (&request.tenancy, request.callers()?);
    let forgotten = erasure(&app, tenancy)
        .forget(case_id, callers.subjects(), &callers.others(), app.erase_after, &in_time(&app))
        .await
        .map_err(privacy::failure)?;
    let (status, report, perhaps) = match forgotten {
        ForgetOutcome::Pending(report, perhaps) => (StatusCode::ACCEPTED, report, perhaps),
        ForgetOutcome::Closed(report, perhaps) => (StatusCode::OK, report, perhaps),
        ForgetOutcome::Conflict => {
            let detail = "The case id is another request's, for other numbers. Nothing is done.";
            return Err(Problem::new(Code::CaseConflict, detail));
        }
    };
    for case in &report.cases {
        audit(&who, Operation::ForgetMe, &[("of_tenant", &tenancy.tenant.id), ("case", &case.key)]);
    }
    Ok((status, Json(CaseAnswer::forgot(tenancy, &report, (callers, &perhaps)))))
}

fn is_case_id(text: &str) -> bool {
    (1..=MAX_CASE_ID_BYTES).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_id_has_1_to_128_printable_ascii_characters() {
        for good in ["1", "ACME/2026 #7", &"x".repeat(128)] {
            assert!(is_case_id(good), "{good}");
        }
        for bad in ["", "a\nb", "a\u{7f}", "§ 17", &"x".repeat(129)] {
            assert!(!is_case_id(bad), "{bad}");
        }
    }
}
