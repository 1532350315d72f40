//! A store in a temporary folder, and the steps that tests repeat.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use domain::{
    Attempt, AudioKey, Caller, Case, CaseKey, Facts, Mailbox, MailboxId, MessageId, Owner, Region, Settings,
    Subject, SystemRandom, Tenant, TenantKey, Timestamp,
};
use tempfile::TempDir;

use super::metadata::FsMetadata;
use super::recordings::FsRecordings;
use super::{Fs, Setup};
use crate::{
    ArriveOutcome, Deposit, Deposits as _, InsertOutcome, MessageRef, Messages as _, Purge as _,
    Recordings as _,
};

pub(super) const AUDIO: &[u8] = b"RIFF, as it were";

pub(super) struct Store {
    pub(super) folder: TempDir,
    pub(super) metadata: Arc<FsMetadata>,
    pub(super) recordings: FsRecordings,
}

pub(super) fn region() -> Region {
    "local".parse().unwrap()
}

pub(super) fn mailbox() -> MailboxId {
    "50.01".parse().unwrap()
}

/// A whole second; what is made in a test is made at 100.
pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(1_795_341_600_000 + second * 1000)
}

pub(super) fn tenant() -> Tenant {
    Tenant {
        id: "t2026".parse().unwrap(),
        ccid: "t2026".into(),
        numbering: "DE".parse::<domain::Country>().unwrap().into(),
        domain: "voicemail.example.com".into(),
        master: region(),
        regions: vec![region()],
        clients: vec![],
        settings: Settings::default(),
    }
}

pub(super) fn subject(number: &str) -> Subject {
    let key = TenantKey::new(b"a secret of the installation, 32+", &tenant().id);
    key.subject(&Caller::read(number, tenant().numbering).unwrap())
}

pub(super) fn case(name: &str, number: &str, requested_at: Timestamp) -> Case {
    let day = std::time::Duration::from_hours(24);
    let key = CaseKey::of(&tenant().id, name);
    Case::new(key, name.to_owned(), BTreeSet::from([subject(number)]), requested_at, day)
}

pub(super) fn mailbox_named(id: &str) -> Mailbox {
    Mailbox {
        id: id.parse().unwrap(),
        owner: Owner::Personal { user: "alice".parse().unwrap() },
        name: "Alice".into(),
        enabled: true,
        settings: Settings::default(),
        generation: 0,
    }
}

/// A deposit that begins at second 100.
pub(super) fn deposit(number: &str) -> Deposit {
    let id = MessageId::random(at(100), &SystemRandom);
    again(id, number)
}

/// Another attempt for the same id.
pub(super) fn again(id: MessageId, number: &str) -> Deposit {
    let attempt = Attempt::draw(&SystemRandom);
    let facts = Facts {
        id,
        attempt: attempt.clone(),
        mailbox: mailbox(),
        generation: 1,
        caller: Caller::read(number, tenant().numbering),
        reader: domain::READER,
        caller_name: None,
        subject: Some(subject(number)),
        received_at: at(100),
        duration_ms: 1000,
        media_type: "audio/wav".into(),
        bytes: AUDIO.len() as u64,
        urgent: true,
        region: region(),
        audio: AudioKey::new(at(100), id, attempt, mailbox(), "wav"),
    };
    Deposit { facts, begun_at: at(100) }
}

impl Store {
    pub(super) async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let fs = Fs::open(folder.path(), Setup::Auto, &BTreeSet::from([region()])).await.unwrap();
        let metadata = Arc::new(fs.metadata(&tenant()));
        let recordings = FsRecordings::new(fs.region(&tenant(), &region()));
        Self { folder, metadata, recordings }
    }

    /// The first half of a deposit, with its audio.
    pub(super) async fn arrive(&self, deposit: &Deposit) -> crate::Result<ArriveOutcome> {
        let put = self.recordings.put(&deposit.facts.audio, Bytes::from_static(AUDIO), "audio/wav", None);
        self.metadata.arrive(deposit, put).await
    }

    /// A message that was created.
    pub(super) async fn created(&self, number: &str) -> Deposit {
        let deposit = deposit(number);
        assert!(matches!(self.arrive(&deposit).await.unwrap(), ArriveOutcome::Arrived(_)));
        assert!(matches!(self.metadata.insert(&deposit).await.unwrap(), InsertOutcome::Created(_)));
        deposit
    }

    /// Takes a message, also where another has it.
    pub(super) async fn take(&self, id: MessageId, by: &str) {
        let mark = domain::TakenMark { at: at(100), by: by.parse().unwrap() };
        let outcome = self.metadata.take(&mailbox(), id, &mark, true).await.unwrap();
        assert!(matches!(outcome, domain::TakeOutcome::Taken { .. }), "{outcome:?}");
    }

    pub(super) async fn purge(&self, message_ref: &MessageRef, now: Timestamp) -> crate::Result<()> {
        self.recordings.delete(&message_ref.audio).await?;
        self.metadata.leave_tombstone(message_ref, now).await
    }

    pub(super) fn tenant_folder(&self) -> PathBuf {
        self.folder.path().join("tenants/t2026")
    }

    /// Every file of the tenant, metadata and recordings, without configuration, by its path below the root.
    pub(super) fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        let mut folders = vec![self.tenant_folder(), self.folder.path().join("recordings/local/t2026")];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = std::fs::read_dir(folder) else { continue };
            for entry in entries {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.push(path.strip_prefix(self.folder.path()).unwrap().display().to_string());
                }
            }
        }
        files.sort();
        files
    }

    /// Those of a message.
    pub(super) fn files_of(&self, id: MessageId) -> Vec<String> {
        self.files().into_iter().filter(|path| path.contains(&id.to_string())).collect()
    }
}
