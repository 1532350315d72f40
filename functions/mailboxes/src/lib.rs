//! Mailboxes and groups: who has which, with which settings.

mod body;
mod group;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::{BadName, Code, MailboxId};
use host::{Host, Operation, Path, Principal, Problem, ProblemBody, Role, audit, etag};
use serde::Serialize;
use storage::{Expect, Versioned, Written};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use body::{MailboxBody, Sent};
use host::body::JSON_LIMIT;

/// How often a write without a condition is tried against others' writes.
const TRIES: usize = 8;

/// Its routes.
pub fn routes() -> OpenApiRouter<Host> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get, put, delete)).merge(group::routes())
}

#[derive(Debug, Serialize, ToSchema)]
struct Mailboxes {
    /// By id.
    mailboxes: Vec<MailboxBody>,
}

/// The mailboxes that the caller sees: an agent's own and groups', an administrator all.
#[utoipa::path(
    get, path = "/v1/mailboxes", operation_id = "mailboxes", tag = "mailboxes",
    responses((status = 200, body = Mailboxes))
)]
async fn list(State(host): State<Host>, who: Principal) -> Result<Json<Mailboxes>, Problem> {
    let directory = &host.tenancy(&who, Operation::SeeMailboxes)?.directory;
    let mailboxes = if who.is(Role::Admin) {
        directory.all_mailboxes().await?.as_ref().clone()
    } else {
        directory.mailboxes_of(&who).await?
    };
    Ok(Json(Mailboxes { mailboxes: mailboxes.into_iter().map(|mailbox| mailbox.value.into()).collect() }))
}

/// A mailbox with its settings.
#[utoipa::path(
    get, path = "/v1/mailboxes/{mailbox}", operation_id = "mailboxes-get", tag = "mailboxes",
    params(("mailbox" = String, Path, description = "The mailbox")),
    responses((status = 200, body = MailboxBody), (status = 304), (status = 404, body = ProblemBody))
)]
async fn get(
    State(host): State<Host>,
    who: Principal,
    Path(mailbox): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let access = host.open(&who, Operation::SeeMailboxes, &mailbox).await?;
    Ok(versioned(&headers, access.mailbox.version, &MailboxBody::from(access.mailbox.value)))
}

/// Makes or replaces a mailbox. What is missing in its settings is the tenant's default. The kind cannot change.
#[utoipa::path(
    put, path = "/v1/mailboxes/{mailbox}", operation_id = "mailboxes-put", tag = "mailboxes",
    params(("mailbox" = String, Path, description = "The mailbox")),
    request_body = Sent,
    responses(
        (status = 200, description = "Replaced", body = MailboxBody),
        (status = 201, description = "Made", body = MailboxBody),
        (status = 400, body = ProblemBody), (status = 409, body = ProblemBody), (status = 412, body = ProblemBody)
    )
)]
async fn put(
    State(host): State<Host>,
    who: Principal,
    Path(mailbox): Path<String>,
    headers: HeaderMap,
    content: Body,
) -> Result<Response, Problem> {
    let tenancy = host.tenancy(&who, Operation::Provision)?;
    let id: MailboxId = mailbox.parse().map_err(|bad: BadName| Problem::bad("mailbox", bad.to_string()))?;
    let sent: Sent = host::body::json(&headers, content, JSON_LIMIT).await?;
    let mut mailbox = sent.check(id, &tenancy.tenant.settings)?;
    for _ in 0..TRIES {
        let current = tenancy.directory.read_mailbox(&mailbox.id).await?;
        etag::precondition(&headers, current.as_ref().map(|current| current.version))?;
        if current.as_ref().is_some_and(|current| !current.value.owner.same_kind(&mailbox.owner)) {
            return Err(Problem::new(
                Code::KindFixed,
                "A mailbox cannot change its kind; delete it and make another.",
            ));
        }
        mailbox.generation = current.as_ref().map_or(0, |current| current.value.generation);
        if let Written::Version(version) =
            tenancy.directory.put_mailbox(&mailbox, expect(current.as_ref())).await?
        {
            audit(&who, Operation::Provision, &[("mailbox", &mailbox.id)]);
            return Ok(written(current.is_none(), version, &MailboxBody::from(mailbox)));
        }
    }
    Err(contended())
}

/// Deletes a mailbox. Its messages can no longer be seen or undone and are purged in due time.
#[utoipa::path(
    delete, path = "/v1/mailboxes/{mailbox}", operation_id = "mailboxes-delete", tag = "mailboxes",
    params(("mailbox" = String, Path, description = "The mailbox")),
    responses((status = 204), (status = 404, body = ProblemBody), (status = 412, body = ProblemBody))
)]
async fn delete(
    State(host): State<Host>,
    who: Principal,
    Path(mailbox): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let tenancy = host.tenancy(&who, Operation::Provision)?;
    let missing = || Problem::not_found("mailbox");
    let id: MailboxId = mailbox.parse().map_err(|_: BadName| missing())?;
    for _ in 0..TRIES {
        let current = tenancy.directory.read_mailbox(&id).await?.ok_or_else(missing)?;
        etag::precondition(&headers, Some(current.version))?;
        let purge_at = host.trash_deadline(host.clock.now());
        if let Written::Version(_) = tenancy.directory.delete_mailbox(&id, current.version, purge_at).await? {
            audit(&who, Operation::Provision, &[("mailbox", &id)]);
            return Ok(StatusCode::NO_CONTENT);
        }
    }
    Err(contended())
}

/// What a write expects to replace.
fn expect<T>(current: Option<&Versioned<T>>) -> Expect {
    current.map_or(Expect::Absent, |current| Expect::Version(current.version))
}

/// Answers a record under its version, or 304 where the client has it.
fn versioned(headers: &HeaderMap, version: u64, body: &impl Serialize) -> Response {
    let tag = etag::of_version(version);
    if etag::names(headers, &header::IF_NONE_MATCH, &tag) == Some(true) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response();
    }
    ([(header::ETAG, tag)], Json(body)).into_response()
}

/// Answers a record that was made or replaced.
fn written(made: bool, version: u64, body: &impl Serialize) -> Response {
    let status = if made { StatusCode::CREATED } else { StatusCode::OK };
    (status, [(header::ETAG, etag::of_version(version))], Json(body)).into_response()
}

fn contended() -> Problem {
    Problem::new(Code::Busy, "Others change it at the same time; repeat the request.")
}
