//! Mark read and unread: one message, or up to a hundred.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use domain::{MessageId, ReadMark};
use host::wire::{BulkAnswer, MessageBody, bulk};
use host::{Access, Host, Operation, Path, Principal, Problem, ProblemBody, audit, body, message_id};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Its routes.
pub fn routes() -> OpenApiRouter<Host> {
    OpenApiRouter::new().routes(routes!(read, unread)).routes(routes!(several))
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = MarkReadSeveral)]
struct Several {
    /// 1 to 100 message ids; repeats count once.
    #[schema(min_items = 1, max_items = 100)]
    ids: Vec<String>,
    /// Read, also where it is left out, or unread.
    #[serde(default = "yes")]
    read: bool,
}

fn yes() -> bool {
    true
}

/// Marks a message read. Repeating is harmless: whoever was first stays.
#[utoipa::path(
    put, path = "/v1/mailboxes/{mailbox}/messages/{id}/read", operation_id = "mark-read", tag = "mark-read",
    params(("mailbox" = String, Path, description = "The mailbox"), ("id" = String, Path, description = "The message")),
    responses((status = 200, body = MessageBody), (status = 404, body = ProblemBody))
)]
async fn read(
    State(host): State<Host>,
    who: Principal,
    Path((mailbox, id)): Path<(String, String)>,
) -> Result<Json<MessageBody>, Problem> {
    let access = host.open(&who, Operation::MarkRead, &mailbox).await?;
    mark(&host, &access, &who, message_id(&id)?, true).await.map(Json)
}

/// Marks a message unread. Repeating is harmless.
#[utoipa::path(
    delete, path = "/v1/mailboxes/{mailbox}/messages/{id}/read", operation_id = "mark-unread", tag = "mark-read",
    params(("mailbox" = String, Path, description = "The mailbox"), ("id" = String, Path, description = "The message")),
    responses((status = 200, body = MessageBody), (status = 404, body = ProblemBody))
)]
async fn unread(
    State(host): State<Host>,
    who: Principal,
    Path((mailbox, id)): Path<(String, String)>,
) -> Result<Json<MessageBody>, Problem> {
    let access = host.open(&who, Operation::MarkRead, &mailbox).await?;
    mark(&host, &access, &who, message_id(&id)?, false).await.map(Json)
}

/// Marks up to a hundred messages read or unread.
#[utoipa::path(
    post, path = "/v1/mailboxes/{mailbox}/messages/read", operation_id = "mark-read-several", tag = "mark-read",
    params(("mailbox" = String, Path, description = "The mailbox")),
    request_body = Several,
    responses((status = 200, body = BulkAnswer), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody))
)]
async fn several(
    State(host): State<Host>,
    who: Principal,
    Path(mailbox): Path<String>,
    headers: HeaderMap,
    content: Body,
) -> Result<Json<BulkAnswer>, Problem> {
    let access = host.open(&who, Operation::MarkRead, &mailbox).await?;
    let Several { ids, read } = body::json(&headers, content, body::JSON_LIMIT).await?;
    let (host, access, who) = (&host, &access, &who);
    bulk(&ids, |id| async move { mark(host, access, who, id, read).await.map(drop) }).await.map(Json)
}

async fn mark(
    host: &Host,
    access: &Access,
    who: &Principal,
    id: MessageId,
    read: bool,
) -> Result<MessageBody, Problem> {
    let marked = if read {
        let mark = ReadMark { at: host.clock.now(), by: who.user.clone() };
        access.index().mark_read(access.id(), id, &mark).await?
    } else {
        access.index().mark_unread(access.id(), id).await?
    };
    let message = marked.ok_or_else(|| Problem::not_found("message"))?;
    audit(who, Operation::MarkRead, &[("mailbox", access.id()), ("message", &id)]);
    MessageBody::shown(&message)
}
