//! Export Me: what is stored of callers, and the recordings. Changes nothing.

mod file;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::{Json, body::Body, extract::State, http::HeaderMap};
use domain::{Message, MessageId};
use futures::future::try_join;
use host::App;
use identity::{Operation, Principal, audit};
use privacy::{Request, erasure, in_time};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use web::wire::MessageBody;
use web::{Problem, ProblemBody};

/// How many messages one answer tells of.
const PAGE_SIZE: usize = 1000;

/// Its routes.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(exportme)).routes(routes!(file::file))
}

#[derive(Debug, Serialize, ToSchema)]
struct Export {
    /// The case, as the request named it.
    #[schema(required = true)]
    caseid: Option<String>,
    /// The recordings of each number, as the request spelled it; always all of them.
    consumers: BTreeMap<String, Vec<String>>,
    /// Whom each spelling means: a number in E.164, a text, or the two numbers of a field that holds two.
    read_as: BTreeMap<String, Vec<String>>,
    /// Other numbers that the same digits are in another reading, and that have messages: how many, of 200 at most; `null`
    /// where they could not be counted in time. They are not exported: whoever means them names them.
    perhaps: BTreeMap<String, Option<u64>>,
    /// At most 1,000 of them.
    files: BTreeMap<String, ExportedFile>,
    /// The same request with this as `cursor` tells of the next; `null` on the last.
    #[schema(required = true)]
    next: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ExportedFile {
    /// Where its bytes are; relative to this service.
    url: String,
    /// Its size.
    bytes: u64,
    /// Its message, hidden or not.
    message: MessageBody,
}

/// Exports what is stored of callers: the names of all recordings, and what is known of at most 1,000.
#[utoipa::path(
    post, path = "/v1/gdpr/exportme", operation_id = "exportme", tag = "exportme",
    request_body = privacy::RequestBody,
    responses((status = 200, body = Export), (status = 400, body = ProblemBody), (status = 422, body = ProblemBody))
)]
async fn exportme(
    State(app): State<Arc<App>>,
    who: Principal,
    headers: HeaderMap,
    content: Body,
) -> Result<Json<Export>, Problem> {
    let request = Request::read(&app, &who, Operation::ExportMe, &headers, content).await?;
    let (tenancy, callers) = (&request.tenancy, request.callers()?);
    let after = request.cursor.as_deref().map(str::parse::<MessageId>).transpose();
    let after = after.map_err(|_| Problem::bad("cursor", "as `next` gave it"))?;
    let (erasure, in_time) = (erasure(&app, tenancy), in_time(&app));
    let (subjects, others) = (callers.subjects(), callers.others());
    let perhaps = async { Ok(erasure.perhaps(&others, &in_time).await) };
    let (exported, perhaps) =
        try_join(erasure.export(&subjects, after, PAGE_SIZE), perhaps).await.map_err(privacy::failure)?;
    audit(&who, Operation::ExportMe, &[("of_tenant", &tenancy.tenant.id)]);
    let files_of = |subject| exported.files.get(subject).into_iter().flatten().cloned();
    let consumers = callers
        .spellings()
        .map(|(spelling, subjects)| (spelling.to_owned(), subjects.flat_map(files_of).collect()));
    Ok(Json(Export {
        consumers: consumers.collect(),
        read_as: callers.read_as(),
        perhaps: callers.perhaps(&perhaps),
        files: exported.page.values().map(ExportedFile::of).collect(),
        next: exported.next.map(|next| next.to_string()),
        caseid: request.caseid,
    }))
}

impl ExportedFile {
    fn of(message: &Message) -> (String, Self) {
        let name = message.facts.audio.file_name();
        let url = format!("/v1/gdpr/files/{name}");
        (name, Self { url, bytes: message.facts.bytes, message: MessageBody::exported(message) })
    }
}
