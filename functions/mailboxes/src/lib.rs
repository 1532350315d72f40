//! Mailboxes and groups: who has which, with which settings.

mod body;
mod group;
mod record;

use std::future::ready;
use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode};
use axum::{Json, body::Body, extract::State, response::Response};
use domain::{BadName, Mailbox, MailboxId};
use host::App;
use identity::{Operation, Principal, Role, audit};
use serde::Serialize;
use storage::Versioned;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use web::body::JSON_LIMIT;
use web::{Code, Path, Problem, ProblemBody};

use body::{MailboxBody, MailboxRequest};
use record::Change;

/// Its routes.
pub fn routes() -> OpenApiRouter<Arc<App>> {
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
async fn list(State(app): State<Arc<App>>, who: Principal) -> Result<Json<Mailboxes>, Problem> {
    let directory = &app.tenancy(&who, Operation::SeeMailboxes)?.directory;
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
    State(app): State<Arc<App>>,
    who: Principal,
    Path(mailbox): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let access = app.open(&who, Operation::SeeMailboxes, &mailbox).await?;
    Ok(record::shown(&headers, access.mailbox.version, &MailboxBody::from(access.mailbox.value)))
}

/// Makes or replaces a mailbox. What is missing in its settings is the tenant's default. The kind cannot change.
#[utoipa::path(
    put, path = "/v1/mailboxes/{mailbox}", operation_id = "mailboxes-put", tag = "mailboxes",
    params(("mailbox" = String, Path, description = "The mailbox")),
    request_body = MailboxRequest,
    responses(
        (status = 200, description = "Replaced", body = MailboxBody),
        (status = 201, description = "Made", body = MailboxBody),
        (status = 400, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 409, body = ProblemBody), (status = 412, body = ProblemBody)
    )
)]
async fn put(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(mailbox): Path<String>,
    headers: HeaderMap,
    content: Body,
) -> Result<Response, Problem> {
    let tenancy = app.tenancy(&who, Operation::Provision)?;
    let id: MailboxId = mailbox.parse().map_err(|bad: BadName| Problem::bad("mailbox", bad.to_string()))?;
    let directory = &tenancy.directory;
    let sent = async {
        let sent: MailboxRequest = web::body::json(&headers, content, JSON_LIMIT).await?;
        sent.check(id.clone(), &tenancy.tenant.settings)
    };
    let changed = record::change(
        &headers,
        || async { Ok(directory.read_mailbox(&id).await?) },
        sent,
        |sent: Mailbox, current| async move {
            let mailbox = in_place_of(current.as_ref(), sent)?;
            Ok(directory.put_mailbox(&mailbox, record::expect(current.as_ref())).await?)
        },
    );
    let Change { sent, made, version } = changed.await?;
    audit(&who, Operation::Provision, &[("mailbox", &id)]);
    Ok(record::written(made, version, &MailboxBody::from(sent)))
}

/// The mailbox as sent, which is still the one that is there.
fn in_place_of(current: Option<&Versioned<Mailbox>>, sent: Mailbox) -> Result<Mailbox, Problem> {
    let Some(current) = current.map(|current| &current.value) else { return Ok(sent) };
    if !current.owner.same_kind(&sent.owner) {
        return Err(Problem::new(
            Code::KindFixed,
            "A mailbox cannot change its kind; delete it and make another.",
        ));
    }
    Ok(Mailbox { generation: current.generation, ..sent })
}

/// Deletes a mailbox. Its messages can no longer be seen or undone and are purged in due time.
#[utoipa::path(
    delete, path = "/v1/mailboxes/{mailbox}", operation_id = "mailboxes-delete", tag = "mailboxes",
    params(("mailbox" = String, Path, description = "The mailbox")),
    responses((status = 204), (status = 404, body = ProblemBody), (status = 412, body = ProblemBody))
)]
async fn delete(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(mailbox): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let tenancy = app.tenancy(&who, Operation::Provision)?;
    let missing = || Problem::not_found("mailbox");
    let id: MailboxId = mailbox.parse().map_err(|_: BadName| missing())?;
    let directory = &tenancy.directory;
    let changed = record::change(
        &headers,
        || async { directory.read_mailbox(&id).await?.ok_or_else(missing).map(Some) },
        ready(Ok(())),
        |(), current| async {
            let version = current.ok_or_else(missing)?.version;
            let purge_at = app.trash_deadline(app.clock.now());
            Ok(directory.delete_mailbox(&id, version, purge_at).await?)
        },
    );
    changed.await?;
    audit(&who, Operation::Provision, &[("mailbox", &id)]);
    Ok(StatusCode::NO_CONTENT)
}
