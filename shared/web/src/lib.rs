//! What a request and an answer are: problems and their codes, bodies, entity tags, extractors, ranges, shapes on the
//! wire, the document of them, and the layers around every route.

pub mod body;
mod code;
pub mod etag;
mod extract;
pub mod layers;
pub mod metrics;
pub mod openapi;
mod problem;
pub mod random;
mod range;
pub mod recording;
mod trace;
pub mod wire;

pub use code::Code;
pub use extract::{Path, Query};
pub use problem::{Fault, Problem, ProblemBody};
pub use storage::causes;
