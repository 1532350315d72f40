//! Undo of Forget Me: decides on the case, then shows its messages again.

use std::collections::BTreeSet;

use domain::{Case, CaseKey, Subject, Undo};
use futures::future::try_join_all;
use storage::{Expect, Versioned, WriteOutcome};

use crate::pass::{InTime, Pass};
use crate::report::{Error, Report};
use crate::tenant::Erasure;

/// What became of an undo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UndoOutcome {
    /// It is undone, by this or an earlier request; so many are back.
    Undone(Box<Report>),
    /// Too late: it is being erased, or was.
    TooLate,
    /// A caller is not in the case, which is given; nothing is done.
    NotInCase(Box<Case>),
    /// There is no such case.
    Missing,
}

impl Erasure<'_> {
    /// Undoes a case, or these callers of it. Repeating is harmless, and finishes what was cut off.
    ///
    /// # Errors
    /// A region is down, or the case could not be read or written.
    pub async fn undo(
        &self,
        case_id: &str,
        subjects: Option<&BTreeSet<Subject>>,
        in_time: InTime<'_>,
    ) -> Result<UndoOutcome, Error> {
        self.all_up().await?;
        let Some((case, undo)) = self.decide(&CaseKey::of(&self.tenant.id, case_id), subjects).await? else {
            return Ok(UndoOutcome::Missing);
        };
        match undo {
            Undo::Undone | Undo::Already => {}
            Undo::TooLate => return Ok(UndoOutcome::TooLate),
            Undo::Unknown => return Ok(UndoOutcome::NotInCase(Box::new(case))),
        }
        let chosen = subjects.cloned().unwrap_or_else(|| case.subjects.keys().cloned().collect());
        let pass = self.show(&case, chosen.into_iter().collect(), in_time).await;
        let regions = self.reports(&pass);
        Ok(UndoOutcome::Undone(Box::new(Report { cases: vec![case], pass, regions })))
    }

    /// Undoes these callers in every pending case that names them. Where none does, the newest that names one decides: one
    /// that was undone before is answered as by a repeat.
    ///
    /// # Errors
    /// A region is down, or a case could not be read or written.
    pub async fn undo_callers(
        &self,
        subjects: &BTreeSet<Subject>,
        in_time: InTime<'_>,
    ) -> Result<UndoOutcome, Error> {
        self.all_up().await?;
        let named = try_join_all(subjects.iter().map(|subject| self.metadata().forgets(subject))).await?;
        let keys: BTreeSet<CaseKey> = named.into_iter().flatten().collect();
        let (mut pass, mut undone) = (Pass::default(), Vec::new());
        let mut newest: Option<(Case, Undo, Vec<Subject>)> = None;
        for key in keys {
            // Else: named before it is written, and perhaps never written.
            let Some(found) = self.metadata().case(&key).await? else { continue };
            let its: BTreeSet<_> =
                found.value.subjects.keys().filter(|its| subjects.contains(its)).cloned().collect();
            let Some((case, undo)) = self.decide(&key, Some(&its)).await? else { continue };
            let its = its.into_iter().collect();
            if undo == Undo::Undone {
                pass.merge(self.show(&case, its, in_time).await);
                undone.push(case);
            } else if newest.as_ref().is_none_or(|(newest, ..)| case.requested_at > newest.requested_at) {
                newest = Some((case, undo, its));
            }
        }
        if undone.is_empty() {
            match newest {
                None => return Ok(UndoOutcome::Missing),
                Some((_, Undo::TooLate, _)) => return Ok(UndoOutcome::TooLate),
                Some((case, _, its)) => {
                    pass = self.show(&case, its, in_time).await;
                    undone.push(case);
                }
            }
        }
        let regions = self.reports(&pass);
        Ok(UndoOutcome::Undone(Box::new(Report { cases: undone, pass, regions })))
    }

    /// Decides an undo, by one conditional write: of an undo and a sweep that race, one wins. `None`: there is no case.
    async fn decide(
        &self,
        key: &CaseKey,
        subjects: Option<&BTreeSet<Subject>>,
    ) -> storage::Result<Option<(Case, Undo)>> {
        loop {
            let Some(Versioned { value: mut case, version }) = self.metadata().case(key).await? else {
                return Ok(None);
            };
            let undo = case.undo(subjects, self.clock.now());
            let is_decided = undo != Undo::Undone
                || self.metadata().put_case(&case, Expect::Version(version)).await? != WriteOutcome::Conflict;
            if is_decided {
                return Ok(Some((case, undo)));
            }
        }
    }
}
