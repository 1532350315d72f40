//! Deposit: takes a recording and the facts of its call, and makes a message of them, once.

mod admit;
mod call;
mod dropped;
mod form;
mod intake;
mod store;
mod target;
mod upload;

use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, body::Body, extract::State};
use domain::Message;
use host::App;
use identity::{Operation, Principal};
use utoipa_axum::{router::OpenApiRouter, routes};
use web::wire::{MessageBody, Sound};
use web::{Code, Path, Problem, ProblemBody};

pub use call::Call;
pub use dropped::{DropOutcome, on_drop, on_schedule, take};
pub use intake::read;
pub use store::{DepositOutcome, store};

use target::target;

/// Its routes.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(deposit)).routes(routes!(upload::upload))
}

/// Deposits a message.
///
/// The body is the audio itself with the facts as headers, or `multipart/form-data` with the facts as a JSON part
/// `message`, then a part `audio`, and no other; all but the audio within 64 KiB. Nothing is compressed
/// (`Content-Encoding`). The same call id and received-at in the same mailbox is the same message.
#[utoipa::path(
    post, path = "/v1/mailboxes/{mailbox}/messages", operation_id = "deposit", tag = "deposit",
    params(
        ("mailbox" = String, Path, description = "The mailbox"),
        ("Voicemail-Caller-Id" = Option<String>, Header, max_length = 256, description = "As received: a number, a tel: or sip: URI, or text"),
        ("Voicemail-Caller-Name" = Option<String>, Header, description = "Percent-encoded UTF-8; control characters are taken out"),
        ("Voicemail-Urgent" = Option<bool>, Header, description = "`true` or `false`"),
        ("Voicemail-Received-At" = Option<String>, Header, format = DateTime, description = "When the call was taken (RFC 3339); now without it"),
        ("Voicemail-Call-Id" = Option<String>, Header, max_length = 256, description = "The platform's id of the call; needs a received-at"),
    ),
    request_body(content((Sound = "audio/*"), (intake::Form = "multipart/form-data"))),
    responses(
        (status = 201, body = MessageBody, headers(("Location" = String))),
        (status = 200, description = "A repeat: the message as it stands", body = MessageBody),
        (status = 400, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody),
        (status = 410, body = ProblemBody), (status = 413, body = ProblemBody), (status = 415, body = ProblemBody),
        (status = 422, body = ProblemBody)
    )
)]
async fn deposit(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(mailbox): Path<String>,
    headers: HeaderMap,
    content: Body,
) -> Result<Response, Problem> {
    let tenancy = app.tenancy(&who, Operation::Deposit)?;
    let (id, mailbox) = target(tenancy, &mailbox).await?;
    let (call, audio) = intake::read(&headers, content, mailbox.as_ref(), app.clock.now()).await?;
    let region = tenancy.tenant.deposit_region(app.here.as_ref());
    let stored = store(&app, tenancy, region, id, mailbox, call, audio).await;
    answer(&stored.map_err(|refusal| match tenancy.drops_in(region) {
        Some(_) if refusal.code == Code::TooLarge => with_way_out(refusal),
        _ => refusal,
    })?)
}

/// Tells of what takes more bytes than a request.
fn with_way_out(refusal: Problem) -> Problem {
    let detail = format!("{} A link from POST …/uploads takes more.", refusal.detail);
    Problem { detail: detail.into(), ..refusal }
}

fn answer(deposited: &DepositOutcome) -> Result<Response, Problem> {
    match deposited {
        DepositOutcome::Created(message) => {
            // A case may hide it already; the platform is answered what it deposited, and nobody else sees it.
            let created = Message::new(message.facts.clone());
            let location = format!("/v1/mailboxes/{}/messages/{}", created.facts.mailbox, created.facts.id);
            let body = Json(MessageBody::shown(&created)?);
            Ok((StatusCode::CREATED, [(header::LOCATION, location)], body).into_response())
        }
        DepositOutcome::Repeat(message) => Ok(Json(MessageBody::shown(message)?).into_response()),
    }
}
