//! Export Me: names every message of callers, and tells of some at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;

use domain::{Message, MessageId, Subject};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use storage::MessageRef;

use crate::pass::MAX_CONCURRENT_MESSAGES;
use crate::report::Error;
use crate::tenant::Erasure;

/// What callers have stored. All names are held, and so many messages as were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The recordings of each caller, by id, hidden ones too: `<id>.<extension>`.
    pub files: BTreeMap<Subject, Vec<String>>,
    /// The messages of one page, by id.
    pub page: BTreeMap<MessageId, Message>,
    /// The last of the page; `None`: there are no more.
    pub next: Option<MessageId>,
}

impl Erasure<'_> {
    /// Everything of these callers, in every mailbox, the trash and deleted mailboxes included, until it is purged; of the
    /// messages those after `after`, at most `limit`. Changes nothing.
    ///
    /// # Errors
    /// A region is down, or something could not be read: an export is whole or none.
    pub async fn export(
        &self,
        subjects: &BTreeSet<Subject>,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<Exported, Error> {
        self.all_up().await?;
        let (mut files_of, mut page, mut has_more) = (BTreeMap::new(), BTreeMap::new(), false);
        for subject in subjects {
            let mut files = Vec::new();
            let mut pages = pin!(self.pages(subject));
            while let Some(markers) = pages.try_next().await? {
                let looks = stream::iter(markers).map(|marker| self.exported(marker.message_ref));
                let mut found = looks.buffered(MAX_CONCURRENT_MESSAGES);
                while let Some(message) = found.try_next().await? {
                    let Some(message) = message else { continue };
                    files.push(message.facts.audio.file_name());
                    if after.is_none_or(|after| message.facts.id > after) {
                        page.insert(message.facts.id, message);
                    }
                    if page.len() > limit {
                        page.pop_last();
                        has_more = true;
                    }
                }
            }
            files_of.insert(subject.clone(), files);
        }
        let next = page.keys().next_back().copied().filter(|_| has_more);
        Ok(Exported { files: files_of, page, next })
    }

    /// The message of a marker, hidden ones too. `None`: it is none, or is being purged.
    async fn exported(&self, message_ref: MessageRef) -> storage::Result<Option<Message>> {
        Ok(self.message_of(&message_ref).await?.filter(|message| !message.claimed))
    }
}
