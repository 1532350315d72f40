//! Delete: into the trash, from which an undo brings back until the deadline.

use std::sync::Arc;

use axum::{Json, body::Body, extract::State, http::HeaderMap};
use domain::{Hold, MessageId};
use host::{Access, App};
use identity::{Operation, Principal, audit};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use web::wire::{BulkAnswer, bulk, message_id};
use web::{Path, Problem, ProblemBody, body};

/// Its routes.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(delete)).routes(routes!(several))
}

#[derive(Debug, Serialize, ToSchema)]
struct Deleted {
    /// The message.
    id: String,
    /// Until when it can be undone; then it is purged.
    #[schema(required = true)]
    purge_at: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
struct DeleteSeveral {
    /// 1 to 100 message ids; repeats count once.
    #[schema(min_items = 1, max_items = 100)]
    ids: Vec<String>,
}

/// Deletes a message. Repeating answers the same.
#[utoipa::path(
    delete, path = "/v1/mailboxes/{mailbox}/messages/{id}", operation_id = "delete", tag = "delete",
    params(("mailbox" = String, Path, description = "The mailbox"), ("id" = String, Path, description = "The message")),
    responses((status = 200, body = Deleted), (status = 404, body = ProblemBody))
)]
async fn delete(
    State(app): State<Arc<App>>,
    who: Principal,
    Path((mailbox, id)): Path<(String, String)>,
) -> Result<Json<Deleted>, Problem> {
    let access = app.open(&who, Operation::Delete, &mailbox).await?;
    trash(&app, &access, &who, message_id(&id)?).await.map(Json)
}

/// Deletes up to a hundred messages.
#[utoipa::path(
    post, path = "/v1/mailboxes/{mailbox}/messages/delete", operation_id = "delete-several", tag = "delete",
    params(("mailbox" = String, Path, description = "The mailbox")),
    request_body = DeleteSeveral,
    responses((status = 200, body = BulkAnswer), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody))
)]
async fn several(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(mailbox): Path<String>,
    headers: HeaderMap,
    content: Body,
) -> Result<Json<BulkAnswer>, Problem> {
    let access = app.open(&who, Operation::Delete, &mailbox).await?;
    let DeleteSeveral { ids } = body::json(&headers, content, body::JSON_LIMIT).await?;
    let (app, access, who) = (&app, &access, &who);
    bulk(&ids, |id| async move { trash(app, access, who, id).await.map(drop) }).await.map(Json)
}

async fn trash(app: &App, access: &Access, who: &Principal, id: MessageId) -> Result<Deleted, Problem> {
    let hold = Hold::Trash { purge_at: app.trash_deadline(app.clock.now()) };
    let message = access.metadata().hold(access.id(), id, &hold).await?;
    let message = message.ok_or_else(|| Problem::not_found("message"))?;
    audit(who, Operation::Delete, &[("mailbox", access.id()), ("message", &id)]);
    Ok(Deleted { id: id.to_string(), purge_at: message.purge_at().map(|at| at.to_string()) })
}
