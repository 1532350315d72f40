//! A tenant's mailboxes and groups, remembered for a few seconds.
//!
//! A change made elsewhere is in force here within 5 s; one made by this process at once. That something does
//! not exist, or that somebody is no member, is never answered from memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::{Clock, Group, GroupId, Mailbox, MailboxId, Owner, Timestamp};
use identity::Principal;
use quick_cache::sync::{Cache, EntryAction, EntryResult};
use storage::{Expect, Metadata, Result, Versioned, Written};

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

/// All records of a kind, as of a time.
struct ListCache<T>(Mutex<CachedList<T>>);

/// The last reading of all records.
struct CachedList<T> {
    known: Option<(Timestamp, Arc<Vec<Versioned<T>>>)>,
    /// How often this process changed one: a list that was read before a change is not kept after it.
    changes: u64,
}

/// The mailboxes and groups of one tenant.
pub struct Directory {
    index: Arc<dyn Metadata>,
    clock: Arc<dyn Clock>,
    mailboxes: Cache<MailboxId, CachedRecord<Mailbox>>,
    groups: Cache<GroupId, CachedRecord<Group>>,
    all_mailboxes: ListCache<Mailbox>,
    all_groups: ListCache<Group>,
}

impl Directory {
    /// An empty memory over the index.
    pub fn new(index: Arc<dyn Metadata>, clock: Arc<dyn Clock>) -> Self {
        Self {
            index,
            clock,
            mailboxes: Cache::new(MAX_RECORDS),
            groups: Cache::new(MAX_RECORDS),
            all_mailboxes: ListCache::new(),
            all_groups: ListCache::new(),
        }
    }

    /// A mailbox, at most 5 s old.
    ///
    /// # Errors
    /// The storage does not answer, or what is stored cannot be read.
    pub async fn mailbox(&self, id: &MailboxId) -> Result<Option<Versioned<Mailbox>>> {
        match self.mailboxes.get(id) {
            Some(CachedRecord { read_at, value: Some(value), version }) if self.is_fresh(read_at) => {
                Ok(Some(Versioned { value: value.as_ref().clone(), version }))
            }
            _ => self.read_mailbox(id).await,
        }
    }

    /// A mailbox as it is stored now.
    ///
    /// # Errors
    /// The storage does not answer, or what is stored cannot be read.
    pub async fn read_mailbox(&self, id: &MailboxId) -> Result<Option<Versioned<Mailbox>>> {
        let read_at = self.clock.now();
        let found = self.index.mailbox(id).await?;
        if let Some(found) = &found {
            remember(&self.mailboxes, id, read_at, Some(&found.value), found.version);
        }
        Ok(found)
    }

    /// Writes a mailbox if it is as expected.
    ///
    /// # Errors
    /// The storage does not answer, or what is stored cannot be read.
    pub async fn put_mailbox(&self, mailbox: &Mailbox, expect: Expect) -> Result<Written> {
        let read_at = self.clock.now();
        let written = self.index.put_mailbox(mailbox, expect).await?;
        if let Written::Version(version) = written {
            let generation = if expect == Expect::Absent { version } else { mailbox.generation };
            let mailbox = Mailbox { generation, ..mailbox.clone() };
            remember(&self.mailboxes, &mailbox.id, read_at, Some(&mailbox), version);
            self.all_mailboxes.forget();
        }
        Ok(written)
    }

    /// Deletes a mailbox if it has this version; its messages are purged by `purge_at`.
    ///
    /// # Errors
    /// The storage does not answer, or what is stored cannot be read.
    pub async fn delete_mailbox(&self, id: &MailboxId, version: u64, purge_at: Timestamp) -> Result<Written> {
        let read_at = self.clock.now();
        let written = self.index.delete_mailbox(id, version, purge_at).await?;
        if let Written::Version(version) = written {
            remember(&self.mailboxes, id, read_at, None, version);
            self.all_mailboxes.forget();
        }
        Ok(written)
    }

    /// A group, at most 5 s old.
    ///
    /// # Errors
    /// The storage does not answer, or what is stored cannot be read.
    pub async fn group(&self, id: &GroupId) -> Result<Option<Arc<Group>>> {
        match self.groups.get(id) {
            Some(CachedRecord { read_at, value: Some(value), .. }) if self.is_fresh(read_at) => {
                Ok(Some(value))
            }
            _ => Ok(self.read_group(id).await?.map(|group| Arc::new(group.value))),
        }
    }

    /// A group as it is stored now.
    ///
    /// # Errors
    /// The storage does not answer, or what is stored cannot be read.
    pub async fn read_group(&self, id: &GroupId) -> Result<Option<Versioned<Group>>> {
        let read_at = self.clock.now();
        let found = self.index.group(id).await?;
        if let Some(found) = &found {
            remember(&self.groups, id, read_at, Some(&found.value), found.version);
        }
        Ok(found)
    }

    /// Writes a group if it is as expected.
    ///
    /// # Errors
    /// The storage does not answer, or what is stored cannot be read.
    pub async fn put_group(&self, group: &Group, expect: Expect) -> Result<Written> {
        let read_at = self.clock.now();
        let written = self.index.put_group(group, expect).await?;
        if let Written::Version(version) = written {
            remember(&self.groups, &group.id, read_at, Some(group), version);
            self.all_groups.forget();
        }
        Ok(written)
    }

    /// Deletes a group if it has this version.
    ///
    /// # Errors
    /// The storage does not answer, or what is stored cannot be read.
    pub async fn delete_group(&self, id: &GroupId, version: u64) -> Result<Written> {
        let read_at = self.clock.now();
        let written = self.index.delete_group(id, version).await?;
        if let Written::Version(version) = written {
            remember(&self.groups, id, read_at, None, version);
            self.all_groups.forget();
        }
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
        self.all(&self.all_mailboxes, self.index.mailboxes()).await
    }

    /// The user's mailboxes, own and groups', at most 5 s old.
    ///
    /// # Errors
    /// The storage does not answer, or what is stored cannot be read.
    pub async fn mailboxes_of(&self, who: &Principal) -> Result<Vec<Versioned<Mailbox>>> {
        let (mailboxes, groups) = futures::try_join!(self.all_mailboxes(), self.all_groups())?;
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

    async fn all_groups(&self) -> Result<Arc<Vec<Versioned<Group>>>> {
        self.all(&self.all_groups, self.index.groups()).await
    }

    async fn all<T>(
        &self,
        all: &ListCache<T>,
        read: impl Future<Output = Result<Vec<Versioned<T>>>>,
    ) -> Result<Arc<Vec<Versioned<T>>>> {
        let changes = {
            let last = all.lock();
            if let Some((_, known)) = last.known.as_ref().filter(|(read_at, _)| self.is_fresh(*read_at)) {
                return Ok(Arc::clone(known));
            }
            last.changes
        };
        let read_at = self.clock.now();
        let records = Arc::new(read.await?);
        let mut last = all.lock();
        if last.changes == changes {
            last.known = Some((read_at, Arc::clone(&records)));
        }
        Ok(records)
    }

    fn is_fresh(&self, read_at: Timestamp) -> bool {
        let now = self.clock.now();
        now >= read_at && now.since(read_at) < MAX_AGE
    }
}

fn remember<K: std::hash::Hash + Eq + Clone, T: Clone>(
    cache: &Cache<K, CachedRecord<T>>,
    id: &K,
    read_at: Timestamp,
    value: Option<&T>,
    version: u64,
) {
    let new = CachedRecord { read_at, value: value.cloned().map(Arc::new), version };
    // Looked at and replaced in one step: an older read must not come in between and undo an own change.
    let entry = cache.entry(id, None, |_, known| {
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

impl<T> ListCache<T> {
    fn new() -> Self {
        Self(Mutex::new(CachedList { changes: 0, known: None }))
    }

    fn lock(&self) -> MutexGuard<'_, CachedList<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self) {
        let mut last = self.lock();
        *last = CachedList { changes: last.changes + 1, known: None };
    }
}

#[cfg(test)]
#[path = "directory_tests.rs"]
mod tests;
