//! Deposit: takes a recording and the facts of its call, and makes a message of them, once.

mod admit;
mod call;
mod dropped;
mod form;
mod intake;
mod store;
mod upload;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::{BadName, Code, Mailbox, MailboxId, Message};
use host::wire::{MessageBody, Sound};
use host::{Host, Operation, Path, Principal, Problem, ProblemBody, Tenancy};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use call::Call;
pub use dropped::{Fate, on_drop, on_schedule, take};
pub use intake::read;
pub use store::{Deposited, store};

/// Its routes.
pub fn routes() -> OpenApiRouter<Host> {
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
    State(host): State<Host>,
    who: Principal,
    Path(mailbox): Path<String>,
    headers: HeaderMap,
    content: Body,
) -> Result<Response, Problem> {
    let tenancy = host.tenancy(&who, Operation::Deposit)?;
    let (id, mailbox) = target(tenancy, &mailbox).await?;
    let (call, audio) = intake::read(&headers, content, mailbox.as_ref(), host.clock.now()).await?;
    let region = tenancy.tenant.deposit_region(host.here.as_ref());
    let stored = store(&host, tenancy, region, id, mailbox, call, audio).await;
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

/// The mailbox that a deposit names, however it came: its id, and what it is now, if it is there.
async fn target(tenancy: &Tenancy, name: &str) -> Result<(MailboxId, Option<Mailbox>), Problem> {
    let id: MailboxId = name.parse().map_err(|_: BadName| Problem::not_found("mailbox"))?;
    let mailbox = tenancy.directory.mailbox(&id).await?.map(|mailbox| mailbox.value);
    Ok((id, mailbox))
}

fn answer(deposited: &Deposited) -> Result<Response, Problem> {
    match deposited {
        Deposited::Created(message) => {
            // A case may hide it already; the platform is answered what it deposited, and nobody else sees it.
            let created = Message::new(message.facts.clone());
            let location = format!("/v1/mailboxes/{}/messages/{}", created.facts.mailbox, created.facts.id);
            let body = Json(MessageBody::shown(&created)?);
            Ok((StatusCode::CREATED, [(header::LOCATION, location)], body).into_response())
        }
        Deposited::Repeat(message) => Ok(Json(MessageBody::shown(message)?).into_response()),
    }
}
