//! Looks: a page, the counts. A message's name never changes and its state comes with it, so one listing shows what is visible
//! throughout exactly once.

use domain::{Counts, Folder, MailboxId, Message};
use futures::TryStreamExt as _;

use super::row::{Row, Rows, passing_over};
use crate::{Page, PageOf, Result};

impl Rows {
    /// A page of a mailbox.
    pub(super) async fn page(&self, mailbox: &MailboxId, of: PageOf) -> Result<Page> {
        let wanted = |message: &Message| match (message.folder(), of.folder) {
            (Some(folder), Some(one)) => folder == one,
            (Some(folder), None) => folder != Folder::Trash,
            (None, _) => false,
        };
        let limit = of.limit.max(1);
        // The first page is asked for with what hides a few; what comes later begins with what came before.
        let most = (of.before.is_none() && of.folder.is_none()).then_some(2 * limit + 1);
        let mut pages = self.blobs.list("listing a mailbox", &self.layout.messages(mailbox), most);
        let mut messages: Vec<Message> = Vec::new();
        while let Some(page) = pages.try_next().await? {
            for listed in page {
                if let Row::Message(message) = passing_over(Row::read(&listed.name, &listed.metadata))?
                    && of.before.is_none_or(|before| message.facts.id < before)
                    && wanted(&message)
                {
                    messages.push(*message);
                }
            }
            if messages.len() > limit {
                break;
            }
        }
        let has_more = messages.len() > limit;
        messages.truncate(limit);
        let next = messages.last().filter(|_| has_more).map(|last| last.facts.id);
        Ok(Page { messages, next })
    }

    /// Counts a mailbox.
    pub(super) async fn counts(&self, mailbox: &MailboxId) -> Result<Counts> {
        let mut counts = Counts::default();
        for listed in self.blobs.all("counting a mailbox", &self.layout.messages(mailbox)).await? {
            if let Row::Message(message) = passing_over(Row::read(&listed.name, &listed.metadata))?
                && let Some(folder @ (Folder::New | Folder::Old)) = message.folder()
            {
                counts.add(folder, message.facts.urgent);
            }
        }
        Ok(counts)
    }
}
