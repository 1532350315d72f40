//! What is waiting (MWI): of one mailbox, or of each mailbox of the signed-in user.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, header};
use axum::{extract::State, response::Response};
use domain::{Counts, Mailbox, Waiting};
use host::App;
use identity::{Operation, Principal};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use web::{Path, Problem, ProblemBody, etag};

/// The media type of RFC 3842.
const MESSAGE_SUMMARY: &str = "application/simple-message-summary";

/// Its routes.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(one)).routes(routes!(mine))
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MessagesWaiting)]
struct MwiBody {
    /// The mailbox.
    mailbox: String,
    /// What people call it.
    name: String,
    /// `personal` or `group`.
    kind: &'static str,
    /// Whether there is a new message.
    messages_waiting: bool,
    /// New messages, urgent ones among them.
    new: u32,
    /// Old messages, urgent ones among them.
    old: u32,
    /// Urgent ones among the new.
    urgent_new: u32,
    /// Urgent ones among the old.
    urgent_old: u32,
    /// When the call of the new message was taken that has waited longest.
    #[schema(required = true)]
    oldest_new_at: Option<String>,
    /// New messages that somebody has taken.
    new_taken: u32,
    /// Another one whenever another set of messages is in new and old, another part of it is read, or a taking changed.
    #[schema(example = "53637d147ecb9107", pattern = "^[0-9a-f]{16}$")]
    changed: String,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Mine)]
struct MwiOfUser {
    /// Own and group mailboxes, by id.
    mailboxes: Vec<MwiBody>,
}

/// What is waiting in a mailbox; as JSON, or as telephony speaks it (RFC 3842) where that is asked for.
#[utoipa::path(
    get, path = "/v1/mailboxes/{mailbox}/mwi", operation_id = "mwi-count", tag = "mwi-count",
    params(("mailbox" = String, Path, description = "The mailbox")),
    responses(
        (status = 200, content((MwiBody = "application/json"), (String = "application/simple-message-summary")),
         headers(("Vary" = String))),
        (status = 304, headers(("Vary" = String))), (status = 404, body = ProblemBody)
    )
)]
async fn one(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(mailbox): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let access = app.open(&who, Operation::Count, &mailbox).await?;
    let waiting = access.metadata().counts(access.id()).await?;
    let mut response = if wants_summary(&headers) {
        let text = summary(&access.mailbox.value, &access.tenancy.tenant.domain, waiting.counts);
        etag::bytes(&headers, HeaderValue::from_static(MESSAGE_SUMMARY), text.into_bytes())
    } else {
        etag::json(&headers, &mwi_body(&access.mailbox.value, waiting))
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    Ok(response)
}

/// What is waiting in each mailbox of the signed-in user: own and groups'.
#[utoipa::path(
    get, path = "/v1/mwi", operation_id = "mwi-count-mine", tag = "mwi-count",
    responses((status = 200, body = MwiOfUser), (status = 304))
)]
async fn mine(State(app): State<Arc<App>>, who: Principal, headers: HeaderMap) -> Result<Response, Problem> {
    let tenancy = app.tenancy(&who, Operation::Count)?;
    let mailboxes = tenancy.directory.mailboxes_of(&who).await?;
    let mailboxes = mailboxes.iter().map(|mailbox| async {
        let waiting = tenancy.metadata().counts(&mailbox.value.id).await?;
        Ok::<_, Problem>(mwi_body(&mailbox.value, waiting))
    });
    Ok(etag::json(&headers, &MwiOfUser { mailboxes: futures::future::try_join_all(mailboxes).await? }))
}

fn mwi_body(mailbox: &Mailbox, waiting: Waiting) -> MwiBody {
    let Waiting { counts, oldest_new, new_taken, changed } = waiting;
    let Counts { new, old, urgent_new, urgent_old } = counts;
    MwiBody {
        mailbox: mailbox.id.to_string(),
        name: mailbox.name.clone(),
        kind: mailbox.owner.kind(),
        messages_waiting: new > 0,
        new,
        old,
        urgent_new,
        urgent_old,
        oldest_new_at: oldest_new.map(|id| id.time().to_string()),
        new_taken,
        changed: format!("{changed:016x}"),
    }
}

/// RFC 3842, 3.5: CRLF line ends; urgent ones in parentheses.
fn summary(mailbox: &Mailbox, domain: &str, counts: Counts) -> String {
    let Counts { new, old, urgent_new, urgent_old } = counts;
    let waiting = if new > 0 { "yes" } else { "no" };
    let id = &mailbox.id;
    format!(
        "Messages-Waiting: {waiting}\r\nMessage-Account: sip:{id}@{domain}\r\n\
         Voice-Message: {new}/{old} ({urgent_new}/{urgent_old})\r\n"
    )
}

/// Whether the client asks for RFC 3842 by name, and does not refuse it (`q=0`).
fn wants_summary(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|accept| accept.to_str().ok());
    let asks = |range: &str| {
        let mut parts = range.split(';').map(|part| part.trim().to_ascii_lowercase());
        let is_refused = |part: String| {
            part.strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok()).is_some_and(|q| q <= 0.0)
        };
        parts.next().is_some_and(|name| name == MESSAGE_SUMMARY) && !parts.any(is_refused)
    };
    accepted.flat_map(|accept| accept.split(',')).any(asks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_is_as_rfc_3842_writes_it() {
        let mailbox = Mailbox {
            id: "5001".parse().unwrap(),
            owner: domain::Owner::Personal { user: "alice".parse().unwrap() },
            name: "Alice".into(),
            enabled: true,
            settings: domain::Settings::default(),
            generation: 1,
        };
        let counts = Counts { new: 2, old: 8, urgent_new: 0, urgent_old: 2 };
        assert_eq!(
            summary(&mailbox, "voicemail.example.com", counts),
            "Messages-Waiting: yes\r\nMessage-Account: sip:5001@voicemail.example.com\r\nVoice-Message: 2/8 (0/2)\r\n"
        );
        let none = summary(&mailbox, "x", Counts { old: 1, ..Counts::default() });
        assert!(none.starts_with("Messages-Waiting: no\r\n"), "only new ones wait");
    }

    #[test]
    fn the_summary_is_answered_to_those_who_name_it() {
        let asks = |accept: &'static str| {
            wants_summary(&HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]))
        };
        assert!(asks("application/simple-message-summary"));
        assert!(asks("text/html, Application/Simple-Message-Summary;q=0.9"));
        assert!(!asks("*/*") && !asks("application/json"));
        assert!(!asks("application/json, application/simple-message-summary; q=0.0"), "it is refused");
    }
}
