//! A link to upload a long recording to, past the limits of a request: what is put there is deposited as a drop.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, body::Body, extract::State};
use domain::MessageId;
use host::App;
use identity::{Operation, Principal};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use storage::{DropKey, Lookup};
use utoipa::ToSchema;
use web::{Code, Path, Problem, ProblemBody, body};

use crate::admit;
use crate::call::{Call, UncheckedCall};
use crate::target::target;

/// How long a link takes the recording; an upload that began in time may end later.
const LINK_LIFETIME: Duration = Duration::from_mins(15);
/// The facts are small.
const MAX_FACTS_BYTES: usize = 16 << 10;

/// Where to put a recording.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UploadBody {
    /// The id of the message that it becomes.
    id: String,
    /// Where to, until `expires_at`.
    url: String,
    /// Always `PUT`.
    method: &'static str,
    /// To be sent as they are.
    headers: BTreeMap<String, String>,
    /// Until then.
    expires_at: String,
}

/// Asks for a link to upload a long recording to.
///
/// The facts are sent as in a deposit: as headers, or as a JSON body. What is wrong with the recording itself is found
/// when it is there; it is then deleted within a day.
#[utoipa::path(
    post, path = "/v1/mailboxes/{mailbox}/uploads", operation_id = "deposit-upload", tag = "deposit",
    params(("mailbox" = String, Path, description = "The mailbox")),
    request_body(content = Option<UncheckedCall>, description = "The facts, where they are not sent as headers"),
    responses(
        (status = 201, description = "Where to put the recording", body = UploadBody),
        (status = 400, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody),
        (status = 410, body = ProblemBody),
        (status = 501, description = "This storage has no upload links", body = ProblemBody)
    )
)]
pub(crate) async fn upload(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(mailbox): Path<String>,
    headers: HeaderMap,
    content: Body,
) -> Result<Response, Problem> {
    let tenancy = app.tenancy(&who, Operation::Deposit)?;
    let (id, mailbox) = target(tenancy, &mailbox).await?;
    let mailbox = mailbox.ok_or_else(|| Problem::not_found("mailbox"))?;
    let region = tenancy.tenant.deposit_region(app.here.as_ref());
    let no_links = || {
        Problem::new(
            Code::NotSupported,
            "This storage gives no upload links; deposit the recording itself, whatever its length.",
        )
    };
    let drops = tenancy.drops_in(region).ok_or_else(no_links)?;
    let now = app.clock.now();
    let mut call = facts(&headers, content).await?.check(now)?;
    let received_at = *call.received_at.get_or_insert(now);
    // Without an id of the platform's, the link is the call: what is put there twice is one message.
    let call_id =
        call.call_id.get_or_insert_with(|| format!("upload-{}", MessageId::random(now, app.random.as_ref())));
    let message = MessageId::of_call(received_at, &id, call_id, tenancy.key().await?);
    if let Lookup::Nothing = tenancy.metadata().message(&id, message).await? {
        admit::open(&mailbox)?;
        admit::within(&mailbox, tenancy.metadata().counts(&id).await?.counts.stored())?;
    }
    let key = DropKey {
        tenant: tenancy.tenant.id.clone(),
        region: region.clone(),
        mailbox: id.to_string(),
        name: message.to_string(),
    };
    let upload = drops.upload(&key, &beside_drop(&call), LINK_LIFETIME).await?.ok_or_else(no_links)?;
    let body = UploadBody {
        id: message.to_string(),
        url: upload.url,
        method: "PUT",
        headers: upload.headers,
        expires_at: now.plus(LINK_LIFETIME).to_string(),
    };
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

async fn facts(headers: &HeaderMap, content: Body) -> Result<UncheckedCall, Problem> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !content_type.is_some_and(|kind| kind.trim_start().starts_with("application/json")) {
        return UncheckedCall::in_headers(headers);
    }
    body::json(headers, content, MAX_FACTS_BYTES).await
}

/// The facts as they stand beside a drop.
fn beside_drop(call: &Call) -> BTreeMap<String, String> {
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    [
        ("caller-id", call.caller_id.as_deref().map(encoded)),
        ("caller-name", call.caller_name.as_ref().map(|name| encoded(name.reveal()))),
        ("received-at", call.received_at.map(|at| at.to_string())),
        ("call-id", call.call_id.as_deref().map(encoded)),
        ("urgent", call.urgent.then(|| "true".to_owned())),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .collect()
}
