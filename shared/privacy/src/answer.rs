//! The answer to Forget Me and to its undo.

use std::collections::BTreeMap;

use domain::Status;
use erasure::{Callers, Perhaps, Report};
use host::Tenancy;
use serde::Serialize;
use utoipa::ToSchema;

use crate::case::{CaseBody, CaseOperation};

/// The answer to Forget Me and to its undo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CaseAnswer {
    /// The case.
    #[serde(flatten)]
    case: CaseBody,
    /// What was done for each number, as the request spelled it; of a field that holds two, for both.
    consumers: BTreeMap<String, Messages>,
    /// Whom each spelling means: a number in E.164, a text, or the two numbers of a field that holds two. Absent from an undo by
    /// case id alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    read_as: Option<BTreeMap<String, Vec<String>>>,
    /// Other numbers that the same digits are in another reading, and that have messages: how many, of 200 at most; `null`
    /// where they could not be counted in time. These are not touched: whoever means them names them. Absent likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    perhaps: Option<BTreeMap<String, Option<u64>>>,
}

/// So many messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Messages {
    /// How many.
    messages: u64,
}

impl CaseAnswer {
    /// What a Forget Me did, with whom it named, and what was counted of whom that may mean, too.
    pub fn forgot(tenancy: &Tenancy, report: &Report, named: (&Callers, &Perhaps)) -> Self {
        let case = report.cases.first();
        let status = case.map_or(Status::Hiding, |case| case.status);
        Self::new(tenancy, report, (CaseOperation::ForgetMe, status), Some(named))
    }

    /// What an undo did, to one case or to several; with whom it named, and what was counted of whom that may mean, too.
    pub fn undid(tenancy: &Tenancy, report: &Report, named: Option<(&Callers, &Perhaps)>) -> Self {
        Self::new(tenancy, report, (CaseOperation::UndoForget, Status::Undone), named)
    }

    fn new(
        tenancy: &Tenancy,
        report: &Report,
        (operation, status): (CaseOperation, Status),
        named: Option<(&Callers, &Perhaps)>,
    ) -> Self {
        let only = if let [only] = report.cases.as_slice() { Some(only) } else { None };
        let found = |subject| report.pass.callers.get(subject).copied().unwrap_or_default();
        let spellings = named.into_iter().flat_map(|(callers, _)| callers.spellings());
        let consumers = spellings.map(|(spelling, subjects)| {
            (spelling.to_owned(), Messages { messages: subjects.map(found).sum() })
        });
        Self {
            case: CaseBody::new(tenancy, only, operation, status, &report.regions),
            consumers: consumers.collect(),
            read_as: named.map(|(callers, _)| callers.read_as()),
            perhaps: named.map(|(callers, counted)| callers.perhaps(counted)),
        }
    }
}
