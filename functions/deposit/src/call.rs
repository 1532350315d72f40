//! The facts of a call, as a platform sends them: as headers or as JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName};
use domain::{CallerName, MAX_CALLER_BYTES, Timestamp};
use percent_encoding::percent_decode;
use serde::Deserialize;
use utoipa::ToSchema;
use web::{Fault, Problem};

/// The year 2000: earlier calls were not taken by anything that talks to us.
const EARLIEST_MILLIS: i64 = 946_684_800_000;
/// How far a platform's clock may be ahead.
const MAX_AHEAD: Duration = Duration::from_mins(5);
/// The longest call id, in characters, and the longest caller name, in bytes.
const MAX_CALL_ID_CHARS: usize = 256;
const MAX_NAME_BYTES: usize = 256;

/// The facts of a call, checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Call {
    /// The caller ID as received.
    pub caller_id: Option<String>,
    /// The caller's name.
    pub caller_name: Option<CallerName>,
    /// Whether it is urgent.
    pub urgent: bool,
    /// When the call was taken.
    pub received_at: Option<Timestamp>,
    /// The platform's id of the call; never without `received_at`.
    pub call_id: Option<String>,
}

/// The facts as sent.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = Call)]
pub(crate) struct UncheckedCall {
    /// A number in any spelling, a `tel:` or `sip:` URI, or text; at most 256 bytes.
    #[schema(max_length = 256)]
    pub(crate) caller_id: Option<String>,
    /// At most 256 bytes; control and direction characters are taken out.
    #[schema(max_length = 256)]
    caller_name: Option<String>,
    /// Whether the caller marked it urgent.
    #[schema(value_type = Option<bool>)]
    urgent: Option<Urgent>,
    /// When the call was taken (RFC 3339): from 2000 to 5 minutes in the future; now without it.
    #[schema(format = DateTime)]
    received_at: Option<String>,
    /// The platform's id of the call, up to 256 characters; needs `received_at`.
    #[schema(max_length = 256)]
    call_id: Option<String>,
}

#[derive(Clone, Deserialize)]
#[serde(untagged, expecting = "true or false")]
enum Urgent {
    Is(bool),
    Text(String),
}

/// A name as headers and a drop's metadata carry it: percent-encoded UTF-8.
#[expect(clippy::needless_pass_by_value, reason = "the argument of a map")]
fn decoded(name: String) -> String {
    percent_decode(name.as_bytes()).decode_utf8_lossy().into_owned()
}

impl UncheckedCall {
    /// From the headers of a request.
    pub(crate) fn in_headers(headers: &HeaderMap) -> Result<Self, Problem> {
        let text = |name: &'static str| -> Result<Option<String>, Problem> {
            let mut values = headers.get_all(HeaderName::from_static(name)).iter();
            let value = values.next().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
            if values.next().is_some() {
                return Err(Problem::bad(name, "once"));
            }
            Ok(value)
        };
        let name = text("voicemail-caller-name")?;
        Ok(Self {
            caller_id: text("voicemail-caller-id")?,
            caller_name: name.map(decoded),
            urgent: text("voicemail-urgent")?.map(Urgent::Text),
            received_at: text("voicemail-received-at")?,
            call_id: text("voicemail-call-id")?,
        })
    }

    /// From what stands beside a drop, percent-encoded, as metadata are plain ASCII.
    pub(crate) fn beside_drop(facts: &BTreeMap<String, String>) -> Self {
        let text = |name: &str| facts.get(name).cloned().map(decoded);
        Self {
            caller_id: text("caller-id"),
            caller_name: text("caller-name"),
            urgent: text("urgent").map(Urgent::Text),
            received_at: text("received-at"),
            call_id: text("call-id"),
        }
    }

    /// Checks what was sent; names all faults at once, by the names of the JSON form.
    pub(crate) fn check(self, now: Timestamp) -> Result<Call, Problem> {
        let mut faults = Vec::new();
        let mut fault = |place: &str, detail: &str| faults.push(Fault::new(place, detail));
        if self.caller_id.as_ref().is_some_and(|caller| caller.len() > MAX_CALLER_BYTES) {
            fault("caller_id", "at most 256 bytes");
        }
        if self.caller_name.as_ref().is_some_and(|name| name.len() > MAX_NAME_BYTES) {
            fault("caller_name", "at most 256 bytes");
        }
        let urgent = match &self.urgent {
            None => false,
            Some(Urgent::Is(urgent)) => *urgent,
            Some(Urgent::Text(text)) => text == "true",
        };
        if matches!(&self.urgent, Some(Urgent::Text(text)) if text != "true" && text != "false") {
            fault("urgent", "true or false");
        }
        let received_at = self.received_at.as_deref().map(str::parse::<Timestamp>).transpose();
        let received_at = received_at.ok().flatten();
        let in_range = |at: Timestamp| at.millis() >= EARLIEST_MILLIS && at <= now.plus(MAX_AHEAD);
        if self.received_at.is_some() && !received_at.is_some_and(in_range) {
            fault("received_at", "an RFC 3339 time from 2000 to 5 minutes in the future");
        }
        let call_id = self.call_id.filter(|call_id| !call_id.is_empty());
        if call_id.as_ref().is_some_and(|call_id| call_id.chars().count() > MAX_CALL_ID_CHARS) {
            fault("call_id", "at most 256 characters");
        }
        if call_id.is_some() && self.received_at.is_none() {
            fault("received_at", "needed with a call_id: both together name the call");
        }
        if !faults.is_empty() {
            return Err(Problem::faults(faults));
        }
        let caller_name = self.caller_name.as_deref().and_then(CallerName::read);
        Ok(Call { caller_id: self.caller_id, caller_name, urgent, received_at, call_id })
    }
}

#[cfg(test)]
#[path = "call_tests.rs"]
mod tests;
