//! Forget Me: hides at once what is stored of callers, and tells what became of it.

mod cases;
mod regions;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use domain::Code;
use erasure::Forgotten;
use host::privacy::{Asked, CaseAnswer, erasure, in_time};
use host::{Host, Operation, Principal, Problem, ProblemBody, audit};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// How long a case's id may be.
const MAX_CASE_ID: usize = 128;

/// Its routes.
pub fn routes() -> OpenApiRouter<Host> {
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
    request_body = erasure::Request,
    responses(
        (status = 202, description = "Hidden, or being hidden", body = CaseAnswer),
        (status = 200, description = "Closed before; nothing is done", body = CaseAnswer),
        (status = 400, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)
    )
)]
async fn forgetme(
    State(host): State<Host>,
    who: Principal,
    headers: HeaderMap,
    content: Body,
) -> Result<(StatusCode, Json<CaseAnswer>), Problem> {
    let asked = Asked::read(&host, &who, Operation::ForgetMe, &headers, content).await?;
    let case_id =
        asked.caseid.as_deref().filter(|id| is_case_id(id)).ok_or_else(|| {
            Problem::bad("caseid", format!("1 to {MAX_CASE_ID} printable ASCII characters"))
        })?;
    let (tenancy, callers) = (&asked.tenancy, asked.callers()?);
    let forgotten = erasure(&host, tenancy)
        .forget(case_id, callers.subjects(), &callers.others(), host.erase_after(), &in_time(&host))
        .await?;
    let (status, report, perhaps) = match forgotten {
        Forgotten::Pending(report, perhaps) => (StatusCode::ACCEPTED, report, perhaps),
        Forgotten::Closed(report, perhaps) => (StatusCode::OK, report, perhaps),
        Forgotten::Conflict => {
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
    (1..=MAX_CASE_ID).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
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
