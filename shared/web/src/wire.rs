//! What clients see of a message, and the shapes that several operations share.

use domain::{BadName, Folder, Message, MessageId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::Problem;

/// A message. Times are RFC 3339 UTC with milliseconds, durations milliseconds, sizes bytes.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Message)]
pub struct MessageBody {
    /// Its id: a UUID of version 7.
    #[schema(example = "0198b2f0-5a10-7c3e-8f11-2a4b6c8d0e1f")]
    id: String,
    /// Its mailbox.
    mailbox: String,
    /// Where it is shown.
    folder: FolderName,
    /// The caller: E.164, or the text that is no number; `null` where withheld.
    #[schema(required = true)]
    caller_id: Option<String>,
    /// The caller's name as received.
    #[schema(required = true)]
    caller_name: Option<String>,
    /// When the call was taken.
    received_at: String,
    /// Its length.
    duration_ms: u64,
    /// Its media type.
    media_type: String,
    /// Its size.
    bytes: u64,
    /// Whether the caller marked it urgent.
    urgent: bool,
    /// Where its recording lies.
    region: String,
    /// When it was marked read.
    #[schema(required = true)]
    read_at: Option<String>,
    /// Who marked it read.
    #[schema(required = true)]
    read_by: Option<String>,
    /// When it is purged, where it is in the trash.
    #[schema(required = true)]
    purge_at: Option<String>,
    /// Who is going to answer it.
    #[schema(required = true)]
    taken: Option<TakenBody>,
}

/// That somebody is going to answer a message.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Taken)]
pub struct TakenBody {
    /// Who; an export does not tell it.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    /// Since when.
    at: String,
}

/// An id of a mailbox, a user or a group, as the document shows it.
#[derive(ToSchema)]
#[schema(pattern = "^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$")]
#[expect(dead_code, reason = "only its schema is used: the domain reads the values")]
pub struct Id(String);

/// A recording, as the document shows it: bytes, and no list of numbers.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "only its schema is used: bytes come and go as they are")]
pub struct Sound(Vec<u8>);

/// A folder, as the document shows it.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Folder)]
pub enum FolderName {
    /// Not marked read.
    New,
    /// Marked read.
    Old,
    /// Deleted, until its deadline.
    Trash,
}

impl From<Folder> for FolderName {
    fn from(folder: Folder) -> Self {
        match folder {
            Folder::New => Self::New,
            Folder::Old => Self::Old,
            Folder::Trash => Self::Trash,
        }
    }
}

impl MessageBody {
    /// The message as clients see it; `None` where no folder shows it.
    pub fn of(message: &Message) -> Option<Self> {
        Some(Self::within(message, message.folder()?))
    }

    /// The message as its caller is told of it, hidden or not.
    pub fn exported(message: &Message) -> Self {
        let body = Self::within(message, message.folder_beneath());
        Self { taken: body.taken.map(|taken| TakenBody { by: None, ..taken }), ..body }
    }

    fn within(message: &Message, folder: Folder) -> Self {
        let Message { facts, read, taking, .. } = message;
        let taken = taking.mark().map(|mark| (mark.by.to_string(), mark.at.to_string()));
        Self {
            id: facts.id.to_string(),
            mailbox: facts.mailbox.to_string(),
            folder: folder.into(),
            caller_id: facts.caller.as_ref().map(|caller| caller.reveal().to_owned()),
            caller_name: facts.caller_name.as_ref().map(|name| name.reveal().to_owned()),
            received_at: facts.received_at.to_string(),
            duration_ms: facts.duration_ms,
            media_type: facts.media_type.clone(),
            bytes: facts.bytes,
            urgent: facts.urgent,
            region: facts.region.to_string(),
            read_at: read.as_ref().map(|read| read.at.to_string()),
            read_by: read.as_ref().map(|read| read.by.to_string()),
            purge_at: message.purge_at().map(|at| at.to_string()),
            taken: taken.map(|(by, at)| TakenBody { by: Some(by), at }),
        }
    }

    /// The message as clients see it, or the 404 of one that nobody may see.
    ///
    /// # Errors
    /// 404: no folder shows it.
    pub fn shown(message: &Message) -> Result<Self, Problem> {
        Self::of(message).ok_or_else(|| Problem::not_found("message"))
    }
}

/// How many things a page may hold.
const PAGE_SIZES: std::ops::RangeInclusive<usize> = 1..=200;
const DEFAULT_PAGE_SIZE: usize = 50;

/// How many things a page is asked to hold, by the query's `limit`: 1 to 200, 50 where it is not said.
///
/// # Errors
/// 400: it is out of range.
pub fn limit(limit: Option<&str>) -> Result<usize, Problem> {
    let limit = limit.map_or(Some(DEFAULT_PAGE_SIZE), |limit| limit.parse().ok());
    limit.filter(|limit| PAGE_SIZES.contains(limit)).ok_or_else(|| Problem::bad("limit", "1 to 200"))
}

/// A message id from a path: what is no id is no message.
///
/// # Errors
/// 404: it is no id.
pub fn message_id(text: &str) -> Result<MessageId, Problem> {
    text.parse().map_err(|_: BadName| Problem::not_found("message"))
}

/// What became of each id.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct BulkAnswer {
    /// Done.
    pub succeeded: Vec<String>,
    /// Not done.
    pub failed: Vec<BulkFailure>,
}

/// An id for which it was not done.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BulkFailure {
    /// The id as sent.
    pub id: String,
    /// Why.
    pub code: &'static str,
}

/// How many messages one bulk request may name.
const MAX_BULK_IDS: usize = 100;

/// Does `each` for every id, all at once, and says what became of which; the order is the request's.
///
/// # Errors
/// 400: too few ids or too many.
pub async fn bulk<F: Future<Output = Result<(), Problem>>>(
    ids: &[String],
    each: impl Fn(MessageId) -> F,
) -> Result<BulkAnswer, Problem> {
    if !(1..=MAX_BULK_IDS).contains(&ids.len()) {
        return Err(Problem::bad("ids", format!("1 to {MAX_BULK_IDS} ids")));
    }
    let mut seen = std::collections::BTreeSet::new();
    let once: Vec<&String> = ids.iter().filter(|id| seen.insert(id.as_str())).collect();
    let outcomes = once.iter().map(|id| async { each(message_id(id)?).await });
    let mut answer = BulkAnswer::default();
    for (id, outcome) in once.iter().zip(futures::future::join_all(outcomes).await) {
        match outcome {
            Ok(()) => answer.succeeded.push((*id).clone()),
            Err(problem) => answer.failed.push(BulkFailure { id: (*id).clone(), code: problem.code.name() }),
        }
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use utoipa::PartialSchema as _;

    #[test]
    fn the_document_promises_every_field_of_a_message_as_it_is_always_there() {
        let schema = serde_json::to_value(MessageBody::schema()).unwrap();
        let count = |of: &str| match schema.get(of) {
            Some(serde_json::Value::Array(names)) => names.len(),
            Some(serde_json::Value::Object(fields)) => fields.len(),
            _ => 0,
        };
        assert_eq!((count("required"), count("properties")), (15, 15));
    }
}
