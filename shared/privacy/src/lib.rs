//! The wire of data protection requests: how one is read, how it is refused, and how a case is answered.

mod answer;
mod case;
mod request;

pub use answer::CaseAnswer;
pub use case::{CaseBody, CaseOperation, CaseStatus};
pub use request::{
    Consumer, Entry, Request, RequestBody, TenantQuery, erasure, failure, in_time, unusable_numbers,
};
