//! Take and give back: who is going to answer a message.

use std::sync::Arc;

use axum::{Json, extract::State};
use domain::{TakeOutcome, TakenMark};
use host::App;
use identity::{Operation, Principal, audit};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use web::wire::{MessageBody, message_id};
use web::{Code, Path, Problem, ProblemBody, Query};

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct TakeQuery {
    /// `1`: also where somebody else has it.
    over: Option<String>,
}

/// Somebody else has taken the message.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used: the problem carries the message as a member")]
pub(super) struct TakenProblem {
    #[schema(inline = false)]
    #[serde(flatten)]
    problem: ProblemBody,
    /// The message as it stands, with who has it.
    message: MessageBody,
}

/// Takes a message: the user is going to answer it. Repeating is harmless.
#[utoipa::path(
    put, path = "/v1/mailboxes/{mailbox}/messages/{id}/taken", operation_id = "take", tag = "mark-read",
    params(
        ("mailbox" = String, Path, description = "The mailbox"), ("id" = String, Path, description = "The message"),
        TakeQuery
    ),
    responses(
        (status = 200, body = MessageBody), (status = 404, body = ProblemBody),
        (status = 409, description = "Somebody else has it", body = TakenProblem)
    )
)]
pub(super) async fn take(
    State(app): State<Arc<App>>,
    who: Principal,
    Path((mailbox, id)): Path<(String, String)>,
    Query(query): Query<TakeQuery>,
) -> Result<Json<MessageBody>, Problem> {
    let access = app.open(&who, Operation::Take, &mailbox).await?;
    let id = message_id(&id)?;
    let mark = TakenMark { at: app.clock.now(), by: who.user.clone() };
    let over = matches!(query.over.as_deref(), Some("1" | "true"));
    match access.metadata().take(access.id(), id, &mark, over).await? {
        TakeOutcome::Taken { message, from: None } => {
            audit(&who, Operation::Take, &[("mailbox", access.id()), ("message", &id)]);
            MessageBody::shown(&message).map(Json)
        }
        TakeOutcome::Taken { message, from: Some(from) } => {
            let ids: [(_, &dyn std::fmt::Display); 3] =
                [("mailbox", access.id()), ("message", &id), ("from", &from)];
            audit(&who, Operation::TakeOver, &ids);
            MessageBody::shown(&message).map(Json)
        }
        TakeOutcome::TakenByAnother(message) => {
            let problem =
                Problem::new(Code::Taken, "Somebody else has taken this message; `over=1` takes it over.");
            Err(problem.with("message", &MessageBody::shown(&message)?))
        }
        TakeOutcome::NotVisible => Err(Problem::not_found("message")),
    }
}

/// Gives a message back, whoever has taken it. Repeating is harmless.
#[utoipa::path(
    delete, path = "/v1/mailboxes/{mailbox}/messages/{id}/taken", operation_id = "give-back", tag = "mark-read",
    params(("mailbox" = String, Path, description = "The mailbox"), ("id" = String, Path, description = "The message")),
    responses((status = 200, body = MessageBody), (status = 404, body = ProblemBody))
)]
pub(super) async fn give_back(
    State(app): State<Arc<App>>,
    who: Principal,
    Path((mailbox, id)): Path<(String, String)>,
) -> Result<Json<MessageBody>, Problem> {
    let access = app.open(&who, Operation::GiveBack, &mailbox).await?;
    let id = message_id(&id)?;
    let given = access.metadata().give_back(access.id(), id).await?;
    let message = given.ok_or_else(|| Problem::not_found("message"))?;
    audit(&who, Operation::GiveBack, &[("mailbox", access.id()), ("message", &id)]);
    MessageBody::shown(&message).map(Json)
}
