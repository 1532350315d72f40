//! How a data protection request is read, and how it is refused.

use std::sync::Arc;
use std::time::Duration;

use axum::{body::Body, http::HeaderMap};
use domain::{NumberingPlan, TenantKey};
use erasure::{Callers, Erasure, Error, MAX_NUMBERS, RequestRefusal, UnusableNumber};
use host::{App, Tenancy};
use identity::{Operation, Principal};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use web::{Code, Fault, Problem, body};

/// How long a request works on messages; the sweep does the rest.
const MAX_WORK_TIME: Duration = Duration::from_secs(10);

/// The body of Forget Me, its undo and Export Me. Keys that are not listed are ignored, neither stored nor logged; there
/// is no `Debug`, as it holds numbers.
#[derive(Clone, Default, Deserialize, ToSchema)]
#[schema(as = DataProtectionRequest)]
pub struct RequestBody {
    /// The case: 1 to 128 printable ASCII characters.
    pub caseid: Option<String>,
    /// The contact centre; must be the token's, or name it where the token names none.
    pub ccid: Option<String>,
    /// Whom it is about.
    pub consumers: Option<Vec<Consumer>>,
    /// Of an export: where it goes on, as `next` of the answer before gave it.
    pub cursor: Option<String>,
}

/// A person, or a number.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(untagged, expecting = "a number as text, or {\"consumer\":[{\"phone\":\"…\"},…]}")]
pub enum Consumer {
    /// A number.
    Number(String),
    /// What is known of a person.
    Person {
        /// One thing each.
        consumer: Vec<Entry>,
    },
}

/// One thing that is known of a person: only a number has an effect.
#[derive(Clone, Deserialize, ToSchema)]
pub struct Entry {
    /// A number in any spelling, or two; an address; or a text caller in double quotes.
    phone: Option<String>,
}

/// A data protection request that may be done.
pub struct Request {
    /// Whose.
    pub tenancy: Arc<Tenancy>,
    /// The case that it names.
    pub caseid: Option<String>,
    /// Of an export: where it goes on.
    pub cursor: Option<String>,
    /// Whom it names, where it names anybody.
    pub callers: Option<Callers>,
}

/// Whose cases or files, for those who ask with a query.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TenantQuery {
    /// The contact centre, for a token that names none.
    pub ccid: Option<String>,
}

impl RequestBody {
    /// Whom it names; `None`: it has no consumers at all.
    fn callers(&self, plan: NumberingPlan, key: &TenantKey) -> Result<Option<Callers>, RequestRefusal> {
        let consumers = self.consumers.as_deref();
        consumers.map(|consumers| Callers::read(numbers(consumers), plan, key)).transpose()
    }
}

/// Every number with its path in the body.
fn numbers(consumers: &[Consumer]) -> impl Iterator<Item = (&str, String)> {
    consumers.iter().enumerate().flat_map(|(at, consumer)| {
        let place = format!("consumers[{at}]");
        let (alone, entries) = match consumer {
            Consumer::Number(number) => (Some((number.as_str(), place.clone())), [].as_slice()),
            Consumer::Person { consumer } => (None, consumer.as_slice()),
        };
        let entries = entries.iter().enumerate().filter_map(move |(at, entry)| {
            entry.phone.as_deref().map(|phone| (phone, format!("{place}.consumer[{at}].phone")))
        });
        alone.into_iter().chain(entries)
    })
}

impl Request {
    /// Reads a request of somebody who may make it.
    ///
    /// # Errors
    /// 403: they may not; 400: the body is none; 422: a number cannot be used; 503: the tenant's key cannot be compared.
    pub async fn read(
        app: &App,
        who: &Principal,
        operation: Operation,
        headers: &HeaderMap,
        content: Body,
    ) -> Result<Self, Problem> {
        who.may(operation)?;
        let body: RequestBody = body::json(headers, content, body::JSON_LIMIT).await?;
        let tenancy = Arc::clone(app.data_protection(who, operation, body.ccid.as_deref())?);
        let callers = body.callers(tenancy.tenant.numbering, tenancy.key().await?).map_err(refusal)?;
        let RequestBody { caseid, cursor, .. } = body;
        Ok(Self { tenancy, caseid, cursor, callers })
    }

    /// Whom it names.
    ///
    /// # Errors
    /// 400: nobody.
    pub fn callers(&self) -> Result<&Callers, Problem> {
        self.callers.as_ref().ok_or_else(no_numbers)
    }
}

/// The data protection of a tenant.
pub fn erasure<'a>(app: &'a App, tenancy: &'a Tenancy) -> Erasure<'a> {
    Erasure { tenant: &tenancy.tenant, storage: &tenancy.storage, clock: app.clock.as_ref() }
}

/// Whether a request that began now has time left, by the app's clock.
pub fn in_time(app: &App) -> impl Fn() -> bool + Sync {
    let begun = app.clock.now();
    move || app.clock.now().since(begun) < MAX_WORK_TIME
}

fn no_numbers() -> Problem {
    Problem::bad("consumers", format!("names 1 to {MAX_NUMBERS} numbers"))
}

fn refusal(refusal: RequestRefusal) -> Problem {
    match refusal {
        RequestRefusal::TooMany | RequestRefusal::NoNumber => no_numbers(),
        RequestRefusal::Unusable(unusable) => unusable_numbers(unusable),
    }
}

/// The 422 that names numbers, and why they cannot be used.
pub fn unusable_numbers(unusable: Vec<UnusableNumber>) -> Problem {
    let numbers: Vec<_> = unusable.iter().map(|one| format!("{:?}", one.number)).collect();
    let detail = format!("Nothing is done, as a number cannot be used: {}.", numbers.join(", "));
    let fault = |UnusableNumber { place, number, why }| Fault::new(place, format!("{number:?} {why}"));
    let errors = unusable.into_iter().map(fault).collect();
    Problem { errors, ..Problem::new(Code::UnusableNumber, detail) }
}

/// The problem of what could not be done.
pub fn failure(error: Error) -> Problem {
    match error {
        Error::Storage(error) => error.into(),
        Error::Down(down) => {
            let detail = format!(
                "The region {} does not answer. Nothing is changed; repeat the request.",
                down.region
            );
            Problem::new(Code::RegionUnavailable, detail).caused_by(down)
        }
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
