//! A tenant's mailboxes and groups, remembered for a few seconds.
//!
//! A change made elsewhere is in force here within 5 s; one made by this process at once. That something does
//! not exist, or that somebody is no member, is never answered from memory.

use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::{Clock, Group, GroupId, Mailbox, MailboxId, Owner, Timestamp};
use identity::Principal;
use quick_cache::sync::{Cache, EntryAction, EntryResult};
use storage::{Expect, Metadata, Result, Versioned, WriteOutcome};

/// How old a remembered record may be: half of the 10 s that the contract allows, so that a request which was let in
/// by an old record has time to end within them.
const MAX_AGE: Duration = Duration::from_secs(5);

/// How many mailboxes, and how many groups, are remembered for a tenant.
const MAX_RECORDS: usize = 10_000;

/// A record as it was read; `value: None` is a deletion, kept so that an older read cannot undo it.
#[derive(Clone)]
struct CachedRecord<T> {
    read_at: Timestamp,
    value: Option<Arc<T>>,
    version: u64,
}

/// The last reading of all records.
struct CachedList<T> {
    known: Option<(Timestamp, Arc<Vec<Versioned<T>>>)>,
    /// How often this process changed one: a list that was read before a change is not kept after it.
    changes: u64,
}

/// The records of a kind, as they were last read: each, and all of them.
struct RecordCache<K, T> {
    each: Cache<K, CachedRecord<T>>,
    all: Mutex<CachedList<T>>,
}

/// The mailboxes and groups of one tenant.
pub struct Directory {
    metadata: Arc<dyn Metadata>,
    clock: Arc<dyn Clock>,
    mailboxes: RecordCache<MailboxId, Mailbox>,
    groups: RecordCache<GroupId, Group>,
}

impl Directory {
    /// An empty memory over the metadata.
    pub fn new(metadata: Arc<dyn Metadata>, clock: Arc<dyn Clock>) -> Self {
        Self { metadata, clock, mailboxes: RecordCache::new(), groups: RecordCache::new() }
    }

    /// A mailbox, at most 5 s old.
    ///
    /// # Errors
    /// The storage does not answer, or what is stored cannot be read.
    pub async fn mailbox(&self, id: &MailboxId) -> Result<Option<Versioned<Mailbox>>> {
        match self.mailboxes.fresh(id, self.clock.now()) {
            Some((value, version)) => Ok(Some(Versioned { value: value.as_ref().clone(), version })),
            None => self.read_mailbox(id).await,
        }
    }

    /// A mailbox as it is stored now.
    ///
    /// # Errors
    /// The storage does not answer, or what is stored cannot be read.
    pub async fn read_mailbox(&self, id: &MailboxId) -> Result<Option<Versioned<Mailbox>>> {
        let read_at = self.clock.now();
        Ok(self.mailboxes.read(id, read_at, self.metadata.mailbox(id).await?))
    }

    /// Writes a mailbox if it is as expected.
    ///
    /// # Errors
    /// The storage does not answer, or what is stored cannot be read.
    pub async fn put_mailbox(&self, mailbox: &Mailbox, expect: Expect) -> Result<WriteOutcome> {
        let read_at = self.clock.now();
        let written = self.metadata.put_mailbox(mailbox, expect).await?;
        let generation = match (expect, written) {
            (Expect::Absent, WriteOutcome::Version(version)) => version,
            _ => mailbox.generation,
        };
        let mailbox = Mailbox { generation, ..mailbox.clone() };
        self.mailboxes.changed(&mailbox.id, read_at, Some(&mailbox), written);
        Ok(written)
    }

    /// Deletes a mailbox if it has this version; its messages are purged by `purge_at`.
    ///
    /// # Errors
    /// The storage does not answer, or what is stored cannot be read.
    pub async fn delete_mailbox(
        &self,
        id: &MailboxId,
        version: u64,
        purge_at: Timestamp,
    ) -> Result<WriteOutcome> {
        let read_at = self.clock.now();
        let written = self.metadata.delete_mailbox(id, version, purge_at).await?;
        self.mailboxes.changed(id, read_at, None, written);
        Ok(written)
    }

    /// A group, at most 5 s old.
    ///
    /// # Errors
    /// The storage does not answer, or what is stored cannot be read.
    pub async fn group(&self, id: &GroupId) -> Result<Option<Arc<Group>>> {
        match self.groups.fresh(id, self.clock.now()) {
            Some((group, _)) => Ok(Some(group)),
            None => Ok(self.read_group(id).await?.map(|group| Arc::new(group.value))),
        }
    }

    /// A group as it is stored now.
    ///
    /// # Errors
    /// The storage does not answer, or what is stored cannot be read.
    pub async fn read_group(&self, id: &GroupId) -> Result<Option<Versioned<Group>>> {
        let read_at = self.clock.now();
        Ok(self.groups.read(id, read_at, self.metadata.group(id).await?))
    }

    /// Writes a group if it is as expected.
    ///
    /// # Errors
    /// The storage does not answer, or what is stored cannot be read.
    pub async fn put_group(&self, group: &Group, expect: Expect) -> Result<WriteOutcome> {
        let read_at = self.clock.now();
        let written = self.metadata.put_group(group, expect).await?;
        self.groups.changed(&group.id, read_at, Some(group), written);
        Ok(written)
    }

    /// Deletes a group if it has this version.
    ///
    /// # Errors
    /// The storage does not answer, or what is stored cannot be read.
    pub async fn delete_group(&self, id: &GroupId, version: u64) -> Result<WriteOutcome> {
        let read_at = self.clock.now();
        let written = self.metadata.delete_group(id, version).await?;
        self.groups.changed(id, read_at, None, written);
        Ok(written)
    }

    /// Whether a mailbox is the user's own or one of their groups'. A "no" is never from memory.
    ///
    /// # Errors
    /// The storage does not answer, or what is stored cannot be read.
    pub async fn belongs(&self, who: &Principal, mailbox: &Mailbox) -> Result<bool> {
        let group = match &mailbox.owner {
            Owner::Personal { user } => return Ok(*user == who.user),
            Owner::Group { group } => group,
        };
        let lists = |group: &Group| group.members.contains(&who.user);
        if who.groups.contains(group) || self.group(group).await?.is_some_and(|group| lists(&group)) {
            return Ok(true);
        }
        Ok(self.read_group(group).await?.is_some_and(|group| lists(&group.value)))
    }

    /// All mailboxes, at most 5 s old.
    ///
    /// # Errors
    /// The storage does not answer, or what is stored cannot be read.
    pub async fn all_mailboxes(&self) -> Result<Arc<Vec<Versioned<Mailbox>>>> {
        self.mailboxes.all(self.clock.as_ref(), self.metadata.mailboxes()).await
    }

    /// The user's mailboxes, own and groups', at most 5 s old.
    ///
    /// # Errors
    /// The storage does not answer, or what is stored cannot be read.
    pub async fn mailboxes_of(&self, who: &Principal) -> Result<Vec<Versioned<Mailbox>>> {
        let groups = self.groups.all(self.clock.as_ref(), self.metadata.groups());
        let (mailboxes, groups) = futures::try_join!(self.all_mailboxes(), groups)?;
        let belongs = |mailbox: &Mailbox| match &mailbox.owner {
            Owner::Personal { user } => *user == who.user,
            Owner::Group { group } => {
                let listed =
                    |g: &Versioned<Group>| g.value.id == *group && g.value.members.contains(&who.user);
                who.groups.contains(group) || groups.iter().any(listed)
            }
        };
        Ok(mailboxes.iter().filter(|mailbox| belongs(&mailbox.value)).cloned().collect())
    }
}

impl<K: Hash + Eq + Clone, T: Clone> RecordCache<K, T> {
    fn new() -> Self {
        Self { each: Cache::new(MAX_RECORDS), all: Mutex::new(CachedList { changes: 0, known: None }) }
    }

    /// A record that is there, if it was read a moment ago, and its version.
    fn fresh(&self, id: &K, now: Timestamp) -> Option<(Arc<T>, u64)> {
        let CachedRecord { read_at, value, version } = self.each.get(id)?;
        Some((value.filter(|_| is_fresh(read_at, now))?, version))
    }

    /// Remembers what was read.
    fn read(&self, id: &K, read_at: Timestamp, found: Option<Versioned<T>>) -> Option<Versioned<T>> {
        if let Some(found) = &found {
            self.remember(id, read_at, Some(&found.value), found.version);
        }
        found
    }

    /// Remembers an own change, if it was made; `None` is a deletion.
    fn changed(&self, id: &K, read_at: Timestamp, value: Option<&T>, written: WriteOutcome) {
        let WriteOutcome::Version(version) = written else { return };
        self.remember(id, read_at, value, version);
        let mut last = self.lock();
        *last = CachedList { changes: last.changes + 1, known: None };
    }

    fn remember(&self, id: &K, read_at: Timestamp, value: Option<&T>, version: u64) {
        let new = CachedRecord { read_at, value: value.cloned().map(Arc::new), version };
        // Looked at and replaced in one step: an older read must not come in between and undo an own change.
        let entry = self.each.entry(id, None, |_, known| {
            if known.version <= version {
                known.clone_from(&new);
            }
            EntryAction::Retain(())
        });
        if let EntryResult::Vacant(place) = entry {
            // Refused only where somebody else put one there meanwhile.
            let _ = place.insert(new);
        }
    }

    async fn all(
        &self,
        clock: &dyn Clock,
        read: impl Future<Output = Result<Vec<Versioned<T>>>>,
    ) -> Result<Arc<Vec<Versioned<T>>>> {
        let read_at = clock.now();
        let changes = {
            let last = self.lock();
            if let Some((_, known)) = last.known.as_ref().filter(|(known_at, _)| is_fresh(*known_at, read_at))
            {
                return Ok(Arc::clone(known));
            }
            last.changes
        };
        let records = Arc::new(read.await?);
        let mut last = self.lock();
        if last.changes == changes {
            last.known = Some((read_at, Arc::clone(&records)));
        }
        Ok(records)
    }

    fn lock(&self) -> MutexGuard<'_, CachedList<T>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_fresh(read_at: Timestamp, now: Timestamp) -> bool {
    now >= read_at && now.since(read_at) < MAX_AGE
}

#[cfg(test)]
#[path = "directory_tests.rs"]
mod tests;
