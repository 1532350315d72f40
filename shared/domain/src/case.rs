//! A data protection case (Forget Me): one fate, its deadlines, what it covers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::message::Facts;
use crate::names::{CaseKey, Region};
use crate::subject::Subject;

const MINUTE: Duration = Duration::from_mins(1);

/// A case covers what was received up to its request, and this much more, for clocks that differ between hosts.
pub const CLOCK_SKEW: Duration = Duration::from_mins(2);

/// When what becomes of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadlines {
    /// Undo works before this.
    pub undo_until: Timestamp,
    /// From here on the sweep purges; nothing can be undone.
    pub claim_from: Timestamp,
    /// What is not gone by now is an alarm.
    pub alarm_at: Timestamp,
    /// Shown as "gone by".
    pub purge_at: Timestamp,
}

impl Deadlines {
    /// From here on no recording is scheduled for deletion any more: 5 minutes before undo ends, for 24 h. A copy that the storage is
    /// still making would end before the purge begins.
    pub fn schedule_until(&self) -> Timestamp {
        self.undo_until.minus(self.purge_at.since(self.undo_until) * 5 / 30)
    }

    /// For 24 h: undo until 30 minutes before the end, purging from 28, an alarm at 10. For a shorter time the undo's
    /// lead is at most a quarter of it and the others shrink in the same ratio.
    pub fn new(requested_at: Timestamp, erase_after: Duration) -> Self {
        let lead = (30 * MINUTE).min(erase_after / 4);
        let purge_at = requested_at.plus(erase_after);
        Self {
            undo_until: purge_at.minus(lead),
            claim_from: purge_at.minus(lead * 28 / 30),
            alarm_at: purge_at.minus(lead * 10 / 30),
            purge_at,
        }
    }
}

/// What became of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Its first pass has not yet hidden everything.
    Hiding,
    /// All is hidden; undo works.
    Pending,
    /// Taken back. Final.
    Undone,
    /// Being purged.
    Erasing,
    /// Purged, verified and certified. Final.
    Erased,
}

/// What one region said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionReport {
    /// The region.
    pub region: Region,
    /// How many messages the case found there.
    pub messages: u64,
    /// Whether it answered; a region that did not is finished by the sweep.
    pub reached: bool,
}

/// A case as it is stored. No number in clear, ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Its key.
    pub key: CaseKey,
    /// Its id, as the requester gave it.
    pub case_id: String,
    /// Whom it forgets; `true` where that subject was undone.
    pub subjects: BTreeMap<Subject, bool>,
    /// Its fate so far.
    pub status: Status,
    /// When the request came, by the server's clock.
    pub requested_at: Timestamp,
    /// What happens when.
    #[serde(flatten)]
    pub deadlines: Deadlines,
    /// When it was undone.
    pub undone_at: Option<Timestamp>,
    /// When it was erased and certified.
    pub erased_at: Option<Timestamp>,
    /// What each region said.
    pub regions: Vec<RegionReport>,
    /// Whom the same digits mean in another reading, and how many messages of theirs there were: told and never touched.
    /// `None`: not yet counted. Who has none is left out.
    #[serde(default)]
    pub perhaps: BTreeMap<Subject, Option<u64>>,
    /// Of whom there was no message when the purge began.
    #[serde(default)]
    pub nothing_found: BTreeSet<Subject>,
    /// The certificate, a compact JWS, once erased.
    pub certificate: Option<String>,
}

/// A certificate of erasure, and what it is for. Those of a tenant are a chain: each names the hash of the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certified {
    /// The case.
    pub case: CaseKey,
    /// When all was seen to be gone.
    pub erased_at: Timestamp,
    /// The certificate, a compact JWS.
    pub certificate: String,
}

/// What became of an undo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undo {
    /// Decided now: write the case, then release.
    Undone,
    /// Undone before; nothing to decide.
    Already,
    /// Too late: being erased, erased, or past the deadline.
    TooLate,
    /// A subject is not in this case.
    Unknown,
}

impl Case {
    /// A case as it begins: hiding.
    pub fn new(
        key: CaseKey,
        case_id: String,
        subjects: BTreeSet<Subject>,
        requested_at: Timestamp,
        erase_after: Duration,
    ) -> Self {
        Self {
            key,
            case_id,
            subjects: subjects.into_iter().map(|subject| (subject, false)).collect(),
            status: Status::Hiding,
            requested_at,
            deadlines: Deadlines::new(requested_at, erase_after),
            undone_at: None,
            erased_at: None,
            regions: Vec::new(),
            perhaps: BTreeMap::new(),
            nothing_found: BTreeSet::new(),
            certificate: None,
        }
    }

    /// The same, with whom its numbers may mean in another reading, still to be counted.
    pub fn perhaps(self, others: impl IntoIterator<Item = Subject>) -> Self {
        Self { perhaps: others.into_iter().map(|other| (other, None)).collect(), ..self }
    }

    /// Whom its numbers may mean, too, and who was not counted yet.
    pub fn uncounted(&self) -> BTreeSet<Subject> {
        let uncounted = self.perhaps.iter().filter(|(_, messages)| messages.is_none());
        uncounted.map(|(subject, _)| subject.clone()).collect()
    }

    /// Notes how many messages those have whom its numbers may mean, too.
    pub fn counted(&mut self, perhaps: &BTreeMap<Subject, Option<u64>>) {
        for (subject, messages) in perhaps {
            if messages.is_some() || !self.perhaps.contains_key(subject) {
                self.perhaps.insert(subject.clone(), *messages);
            }
        }
        self.perhaps.retain(|_, messages| *messages != Some(0));
    }

    /// Whether a message of that time is in its scope: in any folder, any mailbox.
    pub fn covers(&self, received_at: Timestamp) -> bool {
        received_at <= self.covers_until()
    }

    /// The end of its scope.
    pub fn covers_until(&self) -> Timestamp {
        self.requested_at.plus(CLOCK_SKEW)
    }

    /// Whether it hides messages of this subject now, or has purged them.
    pub fn forgets(&self, subject: &Subject) -> bool {
        self.status != Status::Undone && self.subjects.get(subject) == Some(&false)
    }

    /// Whether it hides this message, or purges it: one of a subject that it forgets, in its scope.
    pub fn forgets_message(&self, facts: &Facts) -> bool {
        facts.subject.as_ref().is_some_and(|subject| self.forgets(subject)) && self.covers(facts.received_at)
    }

    /// Whether it has released the messages of this subject for good: it was undone, for this subject or for all.
    pub fn has_released(&self, subject: Option<&Subject>) -> bool {
        self.status == Status::Undone || subject.and_then(|subject| self.subjects.get(subject)) == Some(&true)
    }

    /// Whether no hold of it belongs on a message of this subject: it has released them, or it was erased and certified.
    pub fn is_over_for(&self, subject: Option<&Subject>) -> bool {
        self.erased_at.is_some() || self.has_released(subject)
    }

    /// When its fate was done: undone, or erased and certified.
    pub fn closed_at(&self) -> Option<Timestamp> {
        self.undone_at.or(self.erased_at)
    }

    /// Whether it is waiting, so that undo may still come.
    pub fn is_pending(&self) -> bool {
        matches!(self.status, Status::Hiding | Status::Pending)
    }

    /// Decides an undo, of these subjects or of all.
    pub fn undo(&mut self, subjects: Option<&BTreeSet<Subject>>, now: Timestamp) -> Undo {
        let named = |case: &Self, s: &Subject| case.subjects.contains_key(s);
        if subjects.is_some_and(|subjects| !subjects.iter().all(|subject| named(self, subject))) {
            return Undo::Unknown;
        }
        let chosen = |subject: &Subject| subjects.is_none_or(|subjects| subjects.contains(subject));
        if self.subjects.iter().all(|(subject, undone)| *undone || !chosen(subject)) {
            return Undo::Already;
        }
        if !self.is_pending() || now >= self.deadlines.undo_until {
            return Undo::TooLate;
        }
        self.subjects
            .iter_mut()
            .filter(|(subject, _)| chosen(subject))
            .for_each(|(_, undone)| *undone = true);
        if self.subjects.values().all(|undone| *undone) {
            self.status = Status::Undone;
            self.undone_at = Some(now);
        }
        Undo::Undone
    }

    /// Decides that purging begins; `false`: not yet, or decided otherwise.
    pub fn begin_erasing(&mut self, now: Timestamp) -> bool {
        let may = self.is_pending() && now >= self.deadlines.claim_from;
        if may {
            self.status = Status::Erasing;
        }
        may
    }

    /// Closes an erasing case with its certificate; `false`: it is not erasing.
    pub fn close(&mut self, now: Timestamp, certificate: String) -> bool {
        let may = self.status == Status::Erasing;
        if may {
            self.status = Status::Erased;
            self.erased_at = Some(now);
            self.certificate = Some(certificate);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::{Caller, Country};
    use crate::subject::TenantKey;
    use proptest::prelude::*;

    const DAY: Duration = Duration::from_hours(24);

    fn subject(text: &str) -> Subject {
        let key = TenantKey::new(&[7; 32], &"t".parse().unwrap());
        key.subject(&Caller::read(text, "DE".parse::<Country>().unwrap()).unwrap())
    }

    fn case(erase_after: Duration) -> Case {
        let key = CaseKey::of(&"t".parse().unwrap(), "1");
        let start = Timestamp::from_millis(1_795_341_600_000);
        Case::new(key, "1".into(), [subject("a@x"), subject("b@x")].into(), start, erase_after)
    }

    #[test]
    fn a_day_gives_undo_for_23_h_30_and_purging_from_23_h_32() {
        let case = case(DAY);
        let at = |h: u64, m: u64| case.requested_at.plus(Duration::from_secs(h * 3600 + m * 60));
        let Deadlines { undo_until, claim_from, alarm_at, purge_at } = case.deadlines;
        assert_eq!(
            [undo_until, claim_from, alarm_at, purge_at],
            [at(23, 30), at(23, 32), at(23, 50), at(24, 0)]
        );
        assert_eq!(case.deadlines.schedule_until(), at(23, 25));
    }

    #[test]
    fn undoing_each_subject_undoes_the_case() {
        let mut case = case(DAY);
        let now = case.requested_at;
        assert_eq!(case.undo(Some(&[subject("a@x")].into()), now), Undo::Undone);
        assert!(case.is_pending() && !case.forgets(&subject("a@x")) && case.forgets(&subject("b@x")));
        assert_eq!(case.undo(Some(&[subject("a@x")].into()), now), Undo::Already);
        assert_eq!(case.undo(Some(&[subject("c@x")].into()), now), Undo::Unknown);
        assert_eq!(case.undo(None, now), Undo::Undone);
        assert_eq!((case.status, case.undo(None, now)), (Status::Undone, Undo::Already));
    }

    proptest! {
        #[test]
        fn deadlines_keep_their_order_for_every_length(minutes in 1..=1440u32) {
            let case = case(minutes * MINUTE);
            let d = case.deadlines;
            prop_assert!(case.requested_at < d.schedule_until() && d.schedule_until() < d.undo_until);
            prop_assert!(d.undo_until < d.claim_from);
            prop_assert!(d.claim_from < d.alarm_at && d.alarm_at < d.purge_at);
        }

        #[test]
        fn a_case_has_one_fate(steps in prop::collection::vec((0..3u8, 0..1500u32), 1..12)) {
            let mut case = case(DAY);
            let (mut undone, mut erasing) = (false, false);
            for (step, minute) in steps {
                let now = case.requested_at.plus(minute * MINUTE);
                match step {
                    0 => undone |= case.undo(None, now) == Undo::Undone,
                    1 => erasing |= case.begin_erasing(now),
                    _ => drop(case.close(now, String::new())),
                }
                prop_assert!(!(undone && erasing));
                prop_assert_eq!(undone, case.status == Status::Undone);
            }
        }
    }
}
