//! Undo, of a delete and of Forget Me: the message is back in the folder it came from.

mod forget;

use std::sync::Arc;

use axum::{Json, extract::State};
use domain::{Release, ReleaseOutcome};
use host::App;
use identity::{Operation, Principal, audit};
use utoipa_axum::{router::OpenApiRouter, routes};
use web::wire::{MessageBody, message_id};
use web::{Code, Path, Problem, ProblemBody};

/// Its routes.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(undo))
        .routes(routes!(forget::undoforget))
        .routes(routes!(forget::undoforgot))
}

/// Undoes a delete. Repeating is harmless; 410 once the message is purged.
#[utoipa::path(
    post, path = "/v1/mailboxes/{mailbox}/messages/{id}/undo", operation_id = "undo", tag = "undo",
    params(("mailbox" = String, Path, description = "The mailbox"), ("id" = String, Path, description = "The message")),
    responses((status = 200, body = MessageBody), (status = 404, body = ProblemBody), (status = 410, body = ProblemBody))
)]
async fn undo(
    State(app): State<Arc<App>>,
    who: Principal,
    Path((mailbox, id)): Path<(String, String)>,
) -> Result<Json<MessageBody>, Problem> {
    let access = app.open(&who, Operation::Undo, &mailbox).await?;
    let id = message_id(&id)?;
    match access.metadata().release(access.id(), id, &Release::Trash).await? {
        ReleaseOutcome::Back(message) => {
            audit(&who, Operation::Undo, &[("mailbox", access.id()), ("message", &id)]);
            MessageBody::shown(&message).map(Json)
        }
        ReleaseOutcome::Gone => Err(Problem::new(Code::Gone, "The message is purged; it cannot come back.")),
        ReleaseOutcome::Hidden | ReleaseOutcome::Missing => Err(Problem::not_found("message")),
    }
}
