//! What forgetme, undo and the sweep share: whom a request means, regions in order, cases and their passes.
//!
//! A case has one fate, decided by one conditional write (`domain::Case`). A pass applies it to every message in its
//! scope: hides, shows again, or purges. Each step of a pass is safe to repeat, so whatever is cut off is finished by the
//! next sweep, and two sweeps at once do no harm.

mod callers;
#[cfg(test)]
mod case_tests;
mod certificate;
#[cfg(test)]
mod certificate_tests;
mod export;
#[cfg(test)]
mod export_tests;
#[cfg(test)]
mod fate_tests;
mod forget;
mod pass;
mod perhaps;
#[cfg(test)]
mod perhaps_tests;
mod purge;
mod regions;
mod report;
mod sweep;
mod tenant;
#[cfg(test)]
mod testing;
mod undo;

pub use callers::{Callers, MAX_NUMBERS, RequestRefusal, UnusableNumber};
pub use certificate::{Certificate, CopyStoreEntry, ErasedRegion, OtherCaller, Sign, hash};
pub use export::Exported;
pub use forget::ForgetOutcome;
pub use pass::Pass;
pub use perhaps::Perhaps;
pub use regions::{RegionDown, RegionState};
pub use report::{Error, Report};
pub use sweep::CaseSweep;
pub use tenant::Erasure;
pub use undo::UndoOutcome;
