//! Mark read and unread: one message, or up to a hundred. Take and give back: who is going to answer a message.

mod taken;

use std::sync::Arc;

use axum::{Json, body::Body, extract::State, http::HeaderMap};
use domain::{MessageId, ReadMark};
use host::{Access, App};
use identity::{Operation, Principal, audit};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use web::wire::{BulkAnswer, MessageBody, bulk, message_id};
use web::{Path, Problem, ProblemBody, body};

/// Its routes.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(read, unread))
        .routes(routes!(several))
        .routes(routes!(taken::take, taken::give_back))
}

#[derive(Debug, Deserialize, ToSchema)]
struct MarkReadSeveral {
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
    State(app): State<Arc<App>>,
    who: Principal,
    Path((mailbox, id)): Path<(String, String)>,
) -> Result<Json<MessageBody>, Problem> {
    let access = app.open(&who, Operation::MarkRead, &mailbox).await?;
    mark(&app, &access, &who, message_id(&id)?, true).await.map(Json)
}

/// Marks a message unread. Repeating is harmless.
#[utoipa::path(
    delete, path = "/v1/mailboxes/{mailbox}/messages/{id}/read", operation_id = "mark-unread", tag = "mark-read",
    params(("mailbox" = String, Path, description = "The mailbox"), ("id" = String, Path, description = "The message")),
    responses((status = 200, body = MessageBody), (status = 404, body = ProblemBody))
)]
async fn unread(
    State(app): State<Arc<App>>,
    who: Principal,
    Path((mailbox, id)): Path<(String, String)>,
) -> Result<Json<MessageBody>, Problem> {
    let access = app.open(&who, Operation::MarkRead, &mailbox).await?;
    mark(&app, &access, &who, message_id(&id)?, false).await.map(Json)
}

/// Marks up to a hundred messages read or unread.
#[utoipa::path(
    post, path = "/v1/mailboxes/{mailbox}/messages/read", operation_id = "mark-read-several", tag = "mark-read",
    params(("mailbox" = String, Path, description = "The mailbox")),
    request_body = MarkReadSeveral,
    responses((status = 200, body = BulkAnswer), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody))
)]
async fn several(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(mailbox): Path<String>,
    headers: HeaderMap,
    content: Body,
) -> Result<Json<BulkAnswer>, Problem> {
    let access = app.open(&who, Operation::MarkRead, &mailbox).await?;
    let MarkReadSeveral { ids, read } = body::json(&headers, content, body::JSON_LIMIT).await?;
    let (app, access, who) = (&app, &access, &who);
    bulk(&ids, |id| async move { mark(app, access, who, id, read).await.map(drop) }).await.map(Json)
}

async fn mark(
    app: &App,
    access: &Access,
    who: &Principal,
    id: MessageId,
    read: bool,
) -> Result<MessageBody, Problem> {
    let marked = if read {
        let mark = ReadMark { at: app.clock.now(), by: who.user.clone() };
        access.metadata().mark_read(access.id(), id, &mark).await?
    } else {
        access.metadata().mark_unread(access.id(), id).await?
    };
    let message = marked.ok_or_else(|| Problem::not_found("message"))?;
    audit(who, Operation::MarkRead, &[("mailbox", access.id()), ("message", &id)]);
    MessageBody::shown(&message)
}
