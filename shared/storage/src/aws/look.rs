//! Looks: a page, the counts. Each is one request where it fits into one answer (1 MB).
//!
//! What is visible throughout is shown exactly once: all that new and old show is one range of the local index, in which
//! a message stays where it is when it is marked read or unread, and one query walks it once. What a page shows is what
//! the table has when it is read, after the index: a message that was hidden before is never shown.

use domain::{Counts, Folder, MailboxId, Message};

use super::layout::FOLDER;
use super::row::{Row, Rows, passing_over};
use super::table::{Item, Query, text, text_of};
use crate::{Page, PageOf, Result};

/// Of one folder so many are asked for at once, however many are wanted: read and unread lie in one range.
const LEAST: usize = 100;
const CONTEXT: &str = "listing a mailbox";

impl Rows {
    /// A page of a mailbox.
    pub(super) async fn page(&self, mailbox: &MailboxId, of: PageOf) -> Result<Page> {
        let wanted = |folder| of.folder.map_or(folder != Folder::Trash, |one| folder == one);
        let letter = if of.folder == Some(Folder::Trash) { 't' } else { 'v' };
        // Ids are hex digits and hyphens.
        let mut end = of.before.map_or_else(|| format!("{letter}#~"), |before| format!("{letter}#{before}"));
        let limit = of.limit.max(1);
        let mut messages: Vec<Message> = Vec::new();
        loop {
            let most = limit + 1 - messages.len();
            let entries = self.entries_before(mailbox, &end, of.folder, most).await?;
            let is_last = entries.len() < most;
            if let Some(last) = entries.last().and_then(|item| text_of(item, "f")) {
                last.clone_into(&mut end);
            }
            for item in self.table.filled(CONTEXT, entries, "facts").await? {
                // Else: hidden, marked or purged since the index was read.
                if let Row::Message(message) = passing_over(Row::read(Some(&item)))?
                    && message.folder().is_some_and(wanted)
                {
                    messages.push(*message);
                }
            }
            let has_more = messages.len() > limit;
            if has_more || is_last {
                messages.truncate(limit);
                let next = messages.last().filter(|_| has_more).map(|last| last.facts.id);
                return Ok(Page { messages, next });
            }
        }
    }

    /// At most so many entries of the index before `end`, newest first, of one folder or of new and old.
    async fn entries_before(
        &self,
        mailbox: &MailboxId,
        end: &str,
        folder: Option<Folder>,
        most: usize,
    ) -> Result<Vec<Item>> {
        let letter = end.get(..2).unwrap_or_default();
        let query = Query {
            index: Some(FOLDER),
            condition: "pk = :pk AND f BETWEEN :from AND :end",
            values: vec![
                (":pk", text(self.layout.messages(mailbox))),
                (":from", text(letter)),
                (":end", text(end)),
            ],
            // What the index lacks is taken from the table in the same request.
            wanted: Some("pk, sk, f, facts, r_at, r_by, t, d, c, claim"),
            // The entry at the end itself comes along.
            limit: Some(if matches!(folder, Some(Folder::New | Folder::Old)) {
                LEAST.max(most + 1)
            } else {
                most + 1
            }),
            backwards: true,
        };
        let mut entries = Vec::new();
        let take = |item: Item| {
            let is_read = item.contains_key("r_at");
            let is_of = folder.is_none_or(|folder| match folder {
                Folder::New => !is_read,
                Folder::Old => is_read,
                Folder::Trash => true,
            });
            if is_of && text_of(&item, "f") != Some(end) && entries.len() < most {
                entries.push(item);
            }
            entries.len() < most
        };
        self.table.query(CONTEXT, query, take).await?;
        Ok(entries)
    }

    /// Counts a mailbox, from the index alone.
    pub(super) async fn counts(&self, mailbox: &MailboxId) -> Result<Counts> {
        let query = Query {
            index: Some(FOLDER),
            condition: "pk = :pk AND begins_with(f, :visible)",
            values: vec![(":pk", text(self.layout.messages(mailbox))), (":visible", text("v#"))],
            wanted: Some("r_at, urgent"),
            ..Query::default()
        };
        let mut counts = Counts::default();
        let take = |item: Item| {
            let folder = if item.contains_key("r_at") { Folder::Old } else { Folder::New };
            counts.add(folder, item.contains_key("urgent"));
            true
        };
        self.table.query("counting a mailbox", query, take).await?;
        Ok(counts)
    }
}
