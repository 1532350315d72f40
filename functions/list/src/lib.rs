//! List: the messages of a mailbox, newest first, and one message.

use std::sync::Arc;

use axum::{Json, extract::State, http::HeaderMap, response::Response};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::{Folder, MessageId};
use host::App;
use identity::{Operation, Principal};
use serde::{Deserialize, Serialize};
use storage::PageOf;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use web::wire::{self, FolderName, MessageBody, message_id};
use web::{Path, Problem, ProblemBody, Query, etag};

/// Its routes.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(look))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// One folder; new and old without it.
    #[param(value_type = Option<FolderName>, inline)]
    folder: Option<String>,
    /// 1 to 200; 50 without it.
    #[param(value_type = Option<usize>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Page)]
struct PageBody {
    /// Newest first.
    messages: Vec<MessageBody>,
    /// The cursor of the next page; `null` on the last.
    #[schema(required = true)]
    next: Option<String>,
}

/// The messages of a mailbox, newest first.
///
/// What is there throughout is neither skipped nor repeated by a client that follows the cursor.
#[utoipa::path(
    get, path = "/v1/mailboxes/{mailbox}/messages", operation_id = "list", tag = "list",
    params(("mailbox" = String, Path, description = "The mailbox"), ListQuery),
    responses((status = 200, body = PageBody), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody))
)]
async fn list(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(mailbox): Path<String>,
    query: Result<Query<ListQuery>, Problem>,
) -> Result<Json<PageBody>, Problem> {
    let access = app.open(&who, Operation::List, &mailbox).await?;
    let Query(query) = query?;
    let page = access.metadata().page(access.id(), query.page()?).await?;
    Ok(Json(PageBody {
        messages: page.messages.iter().filter_map(MessageBody::of).collect(),
        next: page.next.map(|last| BASE64_URL_SAFE_NO_PAD.encode(last.to_string())),
    }))
}

/// One message, also in the trash.
#[utoipa::path(
    get, path = "/v1/mailboxes/{mailbox}/messages/{id}", operation_id = "list-message", tag = "list",
    params(("mailbox" = String, Path, description = "The mailbox"), ("id" = String, Path, description = "The message")),
    responses((status = 200, body = MessageBody), (status = 304), (status = 404, body = ProblemBody))
)]
async fn look(
    State(app): State<Arc<App>>,
    who: Principal,
    Path((mailbox, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let access = app.open(&who, Operation::List, &mailbox).await?;
    let found = access.metadata().message(access.id(), message_id(&id)?).await?;
    let message = found.shown().ok_or_else(|| Problem::not_found("message"))?;
    Ok(etag::json(&headers, &MessageBody::shown(&message)?))
}

impl ListQuery {
    fn page(&self) -> Result<PageOf, Problem> {
        let folder = match self.folder.as_deref() {
            None => None,
            Some("new") => Some(Folder::New),
            Some("old") => Some(Folder::Old),
            Some("trash") => Some(Folder::Trash),
            Some(_) => return Err(Problem::bad("folder", "new, old or trash")),
        };
        let before = self.cursor.as_deref().map(|cursor| read_cursor(cursor).ok_or(cursor)).transpose();
        Ok(PageOf {
            folder,
            limit: wire::limit(self.limit.as_deref())?,
            before: before.map_err(|_| Problem::bad("cursor", "as `next` gave it"))?,
        })
    }
}

fn read_cursor(cursor: &str) -> Option<MessageId> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
    String::from_utf8(bytes).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(folder: Option<&str>, limit: Option<&str>, cursor: Option<&str>) -> Result<PageOf, Problem> {
        let text = |text: Option<&str>| text.map(str::to_owned);
        ListQuery { folder: text(folder), limit: text(limit), cursor: text(cursor) }.page()
    }

    #[test]
    fn a_limit_outside_1_to_200_is_refused() {
        for limit in ["0", "201", "-1", "x", "", "99999999999999999999"] {
            assert!(page(None, Some(limit), None).is_err(), "{limit}");
        }
        assert_eq!(page(None, Some("200"), None).unwrap().limit, 200);
        assert_eq!(page(None, None, None).unwrap().limit, 50);
    }

    #[test]
    fn a_folder_or_a_cursor_that_does_not_exist_is_refused() {
        assert!(page(Some("inbox"), None, None).is_err());
        assert!(page(None, None, Some("nonsense")).is_err());
    }
}
