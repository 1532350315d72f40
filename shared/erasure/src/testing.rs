//! A tenant of two regions on a folder that goes with it, and short words for what tests do.
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use domain::{
    Attempt, AudioKey, Caller, Case, CaseKey, Clock as _, Facts, Folder, Hold, Mailbox, ManualClock,
    MessageId, Owner, SeededRandom, Settings, Subject, Tenant, TenantKey, Timestamp,
};
use storage::fs::{Fs, Setup};
use storage::{
    ArriveOutcome, Deposit, Expect, InsertOutcome, Lookup, MessageRef, Storage as _, TenantStorage,
    WriteOutcome,
};
use tempfile::TempDir;

use crate::{CaseSweep, Certificate, Erasure, ForgetOutcome, Report, UndoOutcome};

pub(crate) const DAY: Duration = Duration::from_hours(24);
pub(crate) const MINUTE: Duration = Duration::from_mins(1);

/// So many hours and minutes.
pub(crate) const fn hm(hours: u64, minutes: u64) -> Duration {
    Duration::from_mins(hours * 60 + minutes)
}

/// No other reading of the digits.
pub(crate) const NOBODY: BTreeSet<Subject> = BTreeSet::new();

pub(crate) const ALICE: &str = "+49301234567";
pub(crate) const BOB: &str = "+49307654321";

pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) tenant: Tenant,
    pub(crate) storage: TenantStorage,
    pub(crate) clock: ManualClock,
    random: SeededRandom,
}

pub(crate) fn subject(number: &str) -> Subject {
    TenantKey::new(&[7; 32], &"t".parse().unwrap())
        .subject(&Caller::read(number, "DE".parse::<domain::Country>().unwrap()).unwrap())
}

pub(crate) fn subjects(numbers: &[&str]) -> BTreeSet<Subject> {
    numbers.iter().map(|number| subject(number)).collect()
}

/// Signs as little as a test needs: what is said can be read again.
pub(crate) fn sign(certificate: &Certificate) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    Ok(serde_json::to_string(certificate)?)
}

impl World {
    /// With the mailboxes 5001 and 5002.
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let regions = ["west", "east"].map(|name| name.parse().unwrap());
        let fs = Fs::open(folder.path(), Setup::Auto, &BTreeSet::from(regions.clone())).await.unwrap();
        let tenant = Tenant {
            id: "t".parse().unwrap(),
            ccid: "t".into(),
            numbering: "DE".parse::<domain::Country>().unwrap().into(),
            domain: "t.invalid".into(),
            master: "west".parse().unwrap(),
            regions: regions.into_iter().rev().collect(),
            clients: Vec::new(),
            settings: Settings::default(),
        };
        let storage = fs.tenant(&tenant);
        let clock = ManualClock::at(Timestamp::from_millis(1_795_341_600_000));
        let world = Self { folder, tenant, storage, clock, random: SeededRandom::new(1) };
        for id in ["5001", "5002"] {
            let mailbox = Mailbox {
                id: id.parse().unwrap(),
                owner: Owner::Personal { user: "alice".parse().unwrap() },
                name: id.into(),
                enabled: true,
                settings: Settings::default(),
                generation: 0,
            };
            world.storage.metadata.put_mailbox(&mailbox, Expect::Absent).await.unwrap();
        }
        world
    }

    pub(crate) fn erasure(&self) -> Erasure<'_> {
        Erasure { tenant: &self.tenant, storage: &self.storage, clock: &self.clock }
    }

    /// An attempt to deposit a call that is taken now.
    pub(crate) fn attempt(&self, caller: &str, mailbox: &str, region: &str) -> Deposit {
        let (now, attempt) = (self.clock.now(), Attempt::draw(&self.random));
        let (id, mailbox) = (MessageId::random(now, &self.random), mailbox.parse().unwrap());
        let facts = Facts {
            id,
            attempt: attempt.clone(),
            audio: AudioKey::new(now, id, attempt, Clone::clone(&mailbox), "wav"),
            mailbox,
            generation: 1,
            caller: Caller::read(caller, self.tenant.numbering),
            reader: domain::READER,
            caller_name: None,
            subject: Some(subject(caller)),
            received_at: now,
            duration_ms: 1000,
            media_type: "audio/wav".into(),
            bytes: 5,
            urgent: true,
            region: region.parse().unwrap(),
        };
        Deposit { facts, begun_at: now }
    }

    /// Another attempt for the same call, which tells another caller.
    pub(crate) fn repeat(&self, first: &Deposit, caller: &str) -> Deposit {
        let Facts { id, mailbox, region, .. } = &first.facts;
        let mut again = self.attempt(caller, mailbox.as_str(), region.as_str());
        let attempt = again.facts.attempt.clone();
        again.facts.audio = AudioKey::new(again.begun_at, *id, attempt, mailbox.clone(), "wav");
        again.facts.id = *id;
        again
    }

    pub(crate) async fn arrive(&self, deposit: &Deposit) {
        let recordings = &self.storage.recordings[&deposit.facts.region];
        let put = recordings.put(&deposit.facts.audio, Bytes::from_static(b"audio"), "audio/wav", None);
        assert!(matches!(
            self.storage.metadata.arrive(deposit, put).await.unwrap(),
            ArriveOutcome::Arrived(_)
        ));
    }

    /// Deposits a call that is taken now. `None`: an erased case covers it.
    pub(crate) async fn deposit(&self, caller: &str, mailbox: &str, region: &str) -> Option<Facts> {
        let deposit = self.attempt(caller, mailbox, region);
        self.arrive(&deposit).await;
        match self.storage.metadata.insert(&deposit).await.unwrap() {
            InsertOutcome::Created(message) => Some(message.facts),
            InsertOutcome::Forgotten => {
                self.take_back(&deposit.facts).await;
                None
            }
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn take_back(&self, facts: &Facts) {
        self.storage.recordings[&facts.region].delete(&facts.audio).await.unwrap();
        self.storage.metadata.withdraw(&MessageRef::from(facts)).await.unwrap();
    }

    pub(crate) async fn trash(&self, facts: &Facts, purge_at: Timestamp) {
        let hold = Hold::Trash { purge_at: purge_at.up_to_second() };
        assert!(self.storage.metadata.hold(&facts.mailbox, facts.id, &hold).await.unwrap().is_some());
    }

    /// The folder that shows a message, while it is there at all.
    pub(crate) async fn folder_of(&self, facts: &Facts) -> Option<Folder> {
        match self.storage.metadata.message(&facts.mailbox, facts.id).await.unwrap() {
            Lookup::Message(message) => message.folder(),
            Lookup::Nothing | Lookup::Gone => None,
        }
    }

    /// Whether nothing is left of a message but its tombstone.
    pub(crate) async fn is_purged(&self, facts: &Facts) -> bool {
        let audio = self.storage.recordings[&facts.region].exists(&facts.audio).await.unwrap();
        let id = facts.id.to_string();
        let left: Vec<_> =
            self.files().into_keys().filter(|file| file.to_string_lossy().contains(&id)).collect();
        let row = left.iter().all(|file| {
            let file = file.to_string_lossy();
            file.contains("/messages/") || file.contains("/claims/") || file.contains("/purging/")
        });
        !audio
            && row
            && self.storage.metadata.message(&facts.mailbox, facts.id).await.unwrap() == Lookup::Gone
    }

    pub(crate) async fn forget(&self, case: &str, numbers: &[&str]) -> Report {
        match self.erasure().forget(case, subjects(numbers), &NOBODY, DAY, &|| true).await.unwrap() {
            ForgetOutcome::Pending(report, _) => *report,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn undo(&self, case: &str, numbers: Option<&[&str]>) -> UndoOutcome {
        self.erasure().undo(case, numbers.map(subjects).as_ref(), &|| true).await.unwrap()
    }

    /// How many an undo brought back.
    pub(crate) async fn undone(&self, case: &str) -> u64 {
        match self.undo(case, None).await {
            UndoOutcome::Undone(report) => report.pass.callers.values().sum(),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn case(&self, case: &str) -> Case {
        self.storage.metadata.case(&CaseKey::of(&self.tenant.id, case)).await.unwrap().unwrap().value
    }

    /// Sweeps every case that is watched.
    pub(crate) async fn sweep(&self) -> CaseSweep {
        let mut total = CaseSweep::default();
        for key in self.storage.metadata.watched_cases().await.unwrap() {
            let swept = self.erasure().sweep_case(&key, &sign, &|| true).await.unwrap();
            total.purged += swept.purged;
            total.failed += swept.failed;
            total.overdue |= swept.overdue;
        }
        total
    }

    /// Takes a region away, or brings it back.
    pub(crate) fn region(&self, region: &str, up: bool) {
        let at = self.folder.path().join("recordings").join(region);
        let (from, to) = (at.join("region.json"), at.join("away"));
        if up { std::fs::rename(to, from).unwrap() } else { std::fs::rename(from, to).unwrap() }
    }

    /// The file of a message's facts.
    pub(crate) fn file_of(&self, facts: &Facts) -> PathBuf {
        let is_its = |file: &PathBuf| file.ends_with(format!("messages/{}", facts.id));
        self.files().into_keys().find(is_its).unwrap()
    }

    /// Every file by its path, and its content.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let (mut files, mut folders) = (BTreeMap::new(), vec![self.folder.path().to_owned()]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.insert(path.clone(), std::fs::read(&path).unwrap());
                }
            }
        }
        files
    }

    /// Writes a change of a case as another process would.
    pub(crate) async fn change(&self, case: &str, change: impl Fn(&mut Case)) {
        let mut found = self.erasure().read(&CaseKey::of(&self.tenant.id, case)).await.unwrap();
        change(&mut found.value);
        let written =
            self.storage.metadata.put_case(&found.value, Expect::Version(found.version)).await.unwrap();
        assert_ne!(written, WriteOutcome::Conflict);
    }
}
