//! Messages: a page, the counts, marks, takings and holds; each of these is the rule of the domain of that name. A message's name never changes
//! and its state comes with it, so one listing shows what is visible throughout exactly once.

use std::sync::OnceLock;

use async_trait::async_trait;
use domain::{
    Claim, CountedMessage, Folder, Hold, MailboxId, Message, MessageId, ReadMark, Release, ReleaseOutcome,
    TakeOutcome, TakenMark, Waiting,
};
use futures::TryStreamExt as _;

use super::metadata::{AzureMetadata, Change};
use super::row::read;
use crate::cloud::{Cloud as _, Row, passing_over};
use crate::{Lookup, Messages, Page, PageOf, Result};

#[async_trait]
impl Messages for AzureMetadata {
    async fn message(&self, mailbox: &MailboxId, id: MessageId) -> Result<Lookup> {
        Ok(self.row("reading a message", mailbox, id).await?.found())
    }

    async fn page(&self, mailbox: &MailboxId, of: PageOf) -> Result<Page> {
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
                if let Row::Message(message) = passing_over(read(&listed.name, &listed.metadata))?
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

    async fn counts(&self, mailbox: &MailboxId) -> Result<Waiting> {
        let mut messages = Vec::new();
        for listed in self.blobs.all("counting a mailbox", &self.layout.messages(mailbox)).await? {
            if let Row::Message(message) = passing_over(read(&listed.name, &listed.metadata))? {
                messages.extend(CountedMessage::of(&message));
            }
        }
        Ok(messages.into_iter().collect())
    }

    async fn mark_read(
        &self,
        mailbox: &MailboxId,
        id: MessageId,
        mark: &ReadMark,
    ) -> Result<Option<Message>> {
        let rule = |message: &mut Message| message.mark_read(mark.clone());
        Ok(self.change("marking a message read", mailbox, id, rule).await?.changed())
    }

    async fn mark_unread(&self, mailbox: &MailboxId, id: MessageId) -> Result<Option<Message>> {
        Ok(self.change("marking a message unread", mailbox, id, Message::mark_unread).await?.changed())
    }

    async fn take(
        &self,
        mailbox: &MailboxId,
        id: MessageId,
        mark: &TakenMark,
        over: bool,
    ) -> Result<TakeOutcome> {
        let rule = |message: &mut Message| message.take(mark, over);
        Ok(self.change("taking a message", mailbox, id, rule).await?.taken())
    }

    /// Ends the taking that the first look found, whatever later ones find: the write may have been done whose answer was lost, and
    /// somebody may have taken the message since.
    async fn give_back(&self, mailbox: &MailboxId, id: MessageId) -> Result<Option<Message>> {
        let found = OnceLock::new();
        let rule = |message: &mut Message| {
            let now = message.taking.number();
            message.give_back(*found.get_or_init(|| now))
        };
        Ok(self.change("giving a message back", mailbox, id, rule).await?.changed())
    }

    /// A hold with a deadline is among what is due before.
    async fn hold(&self, mailbox: &MailboxId, id: MessageId, hold: &Hold) -> Result<Option<Message>> {
        let noted = self.layout.due(mailbox, id, &Claim::Due(hold.clone()));
        let change = Change { context: "holding a message", mailbox, id, noted, left: None };
        let rule = |message: &mut Message| message.hold(hold.clone());
        match (self.change_noted(change, rule, |_| false).await?.changed(), hold) {
            (Some(hidden), Hold::Case { case, .. }) => self.keep_case_hold(hidden, case).await,
            (message, _) => Ok(message),
        }
    }

    async fn release(&self, mailbox: &MailboxId, id: MessageId, release: &Release) -> Result<ReleaseOutcome> {
        let rule = |message: &mut Message| message.release(release);
        Ok(self.change("releasing a message", mailbox, id, rule).await?.released())
    }
}
