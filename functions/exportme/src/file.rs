//! A recording of an export, by its name.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::{MailboxId, Message, MessageId};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use host::{App, Tenancy};
use identity::{Operation, Principal, audit};
use serde::Deserialize;
use storage::{Lookup, StorageError};
use utoipa::IntoParams;
use web::wire::Sound;
use web::{Path, Problem, ProblemBody, Query, recording};

/// How long a link of the storage lives.
const LINK_LIFETIME: Duration = Duration::from_mins(5);
/// How many mailboxes are asked at once.
const MAX_CONCURRENT_LOOKS: usize = 8;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportFileQuery {
    /// The message's mailbox, as `message` told it: one look in place of one for each mailbox that ever was.
    mailbox: Option<String>,
    /// The contact centre, for a token that names none.
    ccid: Option<String>,
}

/// A recording of an export, also of a hidden message, until it is purged. Ranges are honoured. A client that follows a
/// redirect must not send its token on.
#[utoipa::path(
    get, path = "/v1/gdpr/files/{name}", operation_id = "export-file", tag = "exportme",
    params(("name" = String, Path, description = "Its name, as the export gave it"), ExportFileQuery),
    responses(
        (status = 200, body = Sound, content_type = "audio/*"),
        (status = 206, description = "The range asked for", content_type = "audio/*", body = Sound),
        (status = 304), (status = 307, headers(("Location" = String))),
        (status = 400, body = ProblemBody), (status = 404, body = ProblemBody), (status = 416, body = ProblemBody)
    )
)]
pub(crate) async fn file(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(name): Path<String>,
    query: Result<Query<ExportFileQuery>, Problem>,
    method: Method,
    mut headers: HeaderMap,
) -> Result<Response, Problem> {
    who.may(Operation::ExportFile)?;
    let Query(ExportFileQuery { mailbox, ccid }) = query?;
    let tenancy = app.data_protection(&who, Operation::ExportFile, ccid.as_deref())?;
    let message = find(tenancy, &name, mailbox.as_deref()).await?.ok_or_else(missing)?;
    // A range is of a GET alone (RFC 9110, 14.2).
    if method != Method::GET {
        headers.remove(header::RANGE);
    }
    let facts = &message.facts;
    let link =
        tenancy.storage.recordings_in(&facts.region)?.link(&facts.audio, LINK_LIFETIME, Some(&name)).await?;
    let answer = match link {
        Some(url) => (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, url)]).into_response(),
        None => match recording::answer(&tenancy.storage, facts, &headers, true).await? {
            Some(answer) => answer,
            // Purged between the look and now, or a loss.
            None if find(tenancy, &name, Some(facts.mailbox.as_str())).await?.is_none() => {
                return Err(missing());
            }
            None => return Err(recording::lost()),
        },
    };
    if recording::lets_hear(&method, answer.status()) {
        let ids: &[(_, &dyn std::fmt::Display)] =
            &[("of_tenant", &tenancy.tenant.id), ("mailbox", &facts.mailbox), ("message", &facts.id)];
        audit(&who, Operation::ExportFile, ids);
    }
    Ok(answer)
}

fn missing() -> Problem {
    Problem::not_found("recording")
}

/// The message whose recording has this name, hidden ones too, in this mailbox or in any.
async fn find(tenancy: &Tenancy, name: &str, mailbox: Option<&str>) -> Result<Option<Message>, StorageError> {
    let Some(id) = name.split_once('.').and_then(|(id, _)| id.parse::<MessageId>().ok()) else {
        return Ok(None);
    };
    let mailboxes = match mailbox.map(str::parse::<MailboxId>) {
        None => tenancy.metadata().mailbox_ids().await?,
        Some(Ok(mailbox)) => vec![mailbox],
        Some(Err(_)) => return Ok(None),
    };
    let looks = stream::iter(mailboxes).map(async |mailbox| tenancy.metadata().message(&mailbox, id).await);
    let found = looks.buffer_unordered(MAX_CONCURRENT_LOOKS).try_filter_map(async |found| {
        Ok(match found {
            Lookup::Message(message) if !message.claimed => Some(*message),
            Lookup::Message(_) | Lookup::Nothing | Lookup::Gone => None,
        })
    });
    let named = found.try_filter(|message| {
        let is_named = message.facts.audio.file_name() == name;
        async move { is_named }
    });
    std::pin::pin!(named).try_next().await
}
