//! Groups: whose members see a group's mailboxes.

use std::collections::BTreeSet;
use std::future::ready;
use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode};
use axum::{Json, body::Body, extract::State, response::Response};
use domain::{BadName, Group, GroupId};
use host::App;
use identity::{Operation, Principal, audit};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use web::body::JSON_LIMIT;
use web::wire::Id;
use web::{Path, Problem, ProblemBody};

use crate::record::{self, Change};

/// How many members a group may have.
const MAX_MEMBERS: usize = 10_000;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get, put, delete))
}

#[derive(Debug, Deserialize, ToSchema)]
struct Members {
    /// Users, each once; the order does not count.
    #[schema(max_items = 10_000, value_type = Vec<Id>)]
    members: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Group)]
struct GroupBody {
    /// Its id.
    id: String,
    /// Its users, sorted.
    members: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Groups {
    /// By id.
    groups: Vec<GroupBody>,
}

impl From<&Group> for GroupBody {
    fn from(group: &Group) -> Self {
        Self { id: group.id.to_string(), members: group.members.iter().map(ToString::to_string).collect() }
    }
}

/// All groups.
#[utoipa::path(
    get, path = "/v1/groups", operation_id = "groups", tag = "mailboxes",
    responses((status = 200, body = Groups))
)]
async fn list(State(app): State<Arc<App>>, who: Principal) -> Result<Json<Groups>, Problem> {
    let groups = app.tenancy(&who, Operation::Provision)?.metadata().groups().await?;
    Ok(Json(Groups { groups: groups.iter().map(|group| (&group.value).into()).collect() }))
}

/// A group with its members.
#[utoipa::path(
    get, path = "/v1/groups/{group}", operation_id = "groups-get", tag = "mailboxes",
    params(("group" = String, Path, description = "The group")),
    responses((status = 200, body = GroupBody), (status = 304), (status = 404, body = ProblemBody))
)]
async fn get(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(group): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let tenancy = app.tenancy(&who, Operation::Provision)?;
    let missing = || Problem::not_found("group");
    let id: GroupId = group.parse().map_err(|_: BadName| missing())?;
    let group = tenancy.directory.read_group(&id).await?.ok_or_else(missing)?;
    Ok(record::shown(&headers, group.version, &GroupBody::from(&group.value)))
}

/// Makes a group or replaces its members.
#[utoipa::path(
    put, path = "/v1/groups/{group}", operation_id = "groups-put", tag = "mailboxes",
    params(("group" = String, Path, description = "The group")),
    request_body = Members,
    responses(
        (status = 200, description = "Replaced", body = GroupBody), (status = 201, description = "Made", body = GroupBody),
        (status = 400, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 412, body = ProblemBody)
    )
)]
async fn put(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(group): Path<String>,
    headers: HeaderMap,
    content: Body,
) -> Result<Response, Problem> {
    let tenancy = app.tenancy(&who, Operation::Provision)?;
    let id: GroupId = group.parse().map_err(|bad: BadName| Problem::bad("group", bad.to_string()))?;
    let directory = &tenancy.directory;
    let changed = record::change(
        &headers,
        || async { Ok(directory.read_group(&id).await?) },
        sent(&headers, content, &id),
        |group: Group, current| async move {
            Ok(directory.put_group(&group, record::expect(current.as_ref())).await?)
        },
    );
    let Change { sent: group, made, version } = changed.await?;
    audit(&who, Operation::Provision, &[("group", &id)]);
    Ok(record::written(made, version, &GroupBody::from(&group)))
}

/// The group as sent.
async fn sent(headers: &HeaderMap, content: Body, id: &GroupId) -> Result<Group, Problem> {
    let Members { members } = web::body::json(headers, content, JSON_LIMIT).await?;
    if members.len() > MAX_MEMBERS {
        return Err(Problem::bad("members", format!("at most {MAX_MEMBERS}")));
    }
    let members = members.into_iter().map(TryInto::try_into).collect::<Result<BTreeSet<_>, BadName>>();
    Ok(Group { id: id.clone(), members: members.map_err(|bad| Problem::bad("members", bad.to_string()))? })
}

/// Deletes a group. Its mailboxes stay, for those whose token names the group.
#[utoipa::path(
    delete, path = "/v1/groups/{group}", operation_id = "groups-delete", tag = "mailboxes",
    params(("group" = String, Path, description = "The group")),
    responses((status = 204), (status = 404, body = ProblemBody), (status = 412, body = ProblemBody))
)]
async fn delete(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(group): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let tenancy = app.tenancy(&who, Operation::Provision)?;
    let missing = || Problem::not_found("group");
    let id: GroupId = group.parse().map_err(|_: BadName| missing())?;
    let directory = &tenancy.directory;
    let changed = record::change(
        &headers,
        || async { directory.read_group(&id).await?.ok_or_else(missing).map(Some) },
        ready(Ok(())),
        |(), current| async {
            let version = current.ok_or_else(missing)?.version;
            Ok(directory.delete_group(&id, version).await?)
        },
    );
    changed.await?;
    audit(&who, Operation::Provision, &[("group", &id)]);
    Ok(StatusCode::NO_CONTENT)
}
