//! Messages: a page, the counts, marks, takings and holds. A page and the counts are one request where they fit into one answer (1 MB).
//!
//! What is visible throughout is shown exactly once: all that new and old show is one range of the local index, in which
//! a message stays where it is when it is marked read or unread, and one query walks it once. What a page shows is what
//! the table has when it is read, after the index: a message that was hidden before is never shown.

use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    CaseKey, Claim, CountedMessage, Folder, Hold, MailboxId, Message, MessageId, ReadMark, Release,
    ReleaseOutcome, TakeOutcome, TakenMark, Timestamp, Waiting,
};

use super::layout::{self, FOLDER, Item, Key};
use super::metadata::AwsMetadata;
use super::row::{counted, read};
use super::table::{Query, Update, UpdateOutcome, number, text, text_of};
use crate::cloud::{Cloud as _, Row, nonce, passing_over};
use crate::{Lookup, Messages, Page, PageOf, Result};

/// Of one folder so many are asked for at once, however many are wanted: read and unread lie in one range.
const MIN_LISTED: usize = 100;
const LISTING: &str = "listing a mailbox";

/// The message that a write left.
fn left(item: &Item) -> Result<Option<Message>> {
    Ok(if let Row::Message(message) = read(Some(item))? { Some(*message) } else { None })
}

#[async_trait]
impl Messages for AwsMetadata {
    async fn message(&self, mailbox: &MailboxId, id: MessageId) -> Result<Lookup> {
        Ok(self.row("reading a message", mailbox, id).await?.found())
    }

    async fn page(&self, mailbox: &MailboxId, of: PageOf) -> Result<Page> {
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
            for item in self.table.filled(LISTING, entries, "facts").await? {
                // Else: hidden, marked or purged since the index was read.
                if let Row::Message(message) = passing_over(read(Some(&item)))?
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

    async fn counts(&self, mailbox: &MailboxId) -> Result<Waiting> {
        let query = Query {
            index: Some(FOLDER),
            condition: "pk = :pk AND begins_with(f, :visible)",
            values: vec![(":pk", text(self.layout.messages(mailbox))), (":visible", text("v#"))],
            wanted: Some("f, r_at, urgent, w"),
            ..Query::default()
        };
        let mut messages: Vec<CountedMessage> = Vec::new();
        let take = |item: Item| {
            messages.extend(counted(&item));
            true
        };
        self.table.query("counting a mailbox", query, take).await?;
        Ok(messages.into_iter().collect())
    }

    async fn mark_read(
        &self,
        mailbox: &MailboxId,
        id: MessageId,
        mark: &ReadMark,
    ) -> Result<Option<Message>> {
        let values = vec![(":at", number(mark.at.millis())), (":by", text(mark.by.as_str()))];
        let expression = "SET r_at=if_not_exists(r_at,:at), r_by=if_not_exists(r_by,:by), op=:op";
        self.if_visible("marking a message read", mailbox, id, expression, values).await
    }

    async fn mark_unread(&self, mailbox: &MailboxId, id: MessageId) -> Result<Option<Message>> {
        let expression = "SET op=:op REMOVE r_at, r_by";
        self.if_visible("marking a message unread", mailbox, id, expression, Vec::new()).await
    }

    async fn take(
        &self,
        mailbox: &MailboxId,
        id: MessageId,
        mark: &TakenMark,
        over: bool,
    ) -> Result<TakeOutcome> {
        let (context, key) = ("taking a message", self.layout.message(mailbox, id));
        let update = Update::new(
            "SET w_at=:at, w_by=:by, op=:op ADD w :one",
            "f = :v AND attribute_not_exists(w_by)",
            vec![
                (":at", number(mark.at.millis())),
                (":by", text(mark.by.as_str())),
                (":op", text(nonce()?)),
                (":one", number(1)),
                (":v", text(layout::visible_sort_key(id))),
            ],
        );
        match self.table.update(context, &key, update).await? {
            UpdateOutcome::Done(item) => Ok(match left(&item)? {
                Some(message) => TakeOutcome::Taken { message: Box::new(message), from: None },
                None => TakeOutcome::NotVisible,
            }),
            UpdateOutcome::Refused(found) => {
                let rule = |message: &mut Message| message.take(mark, over);
                Ok(self.change_found(context, &key, found, rule).await?.taken())
            }
        }
    }

    /// Keeps the nonce of the give-back: where its answer was lost and somebody took the message since, the repeat finds it.
    async fn give_back(&self, mailbox: &MailboxId, id: MessageId) -> Result<Option<Message>> {
        let (context, key) = ("giving a message back", self.layout.message(mailbox, id));
        let update = Update::new(
            "SET w_back=:op, op=:op REMOVE w_at, w_by ADD w :one",
            "f = :v AND attribute_exists(w_by) AND (attribute_not_exists(w_back) OR w_back <> :op)",
            vec![(":op", text(nonce()?)), (":one", number(1)), (":v", text(layout::visible_sort_key(id)))],
        );
        match self.table.update(context, &key, update).await? {
            UpdateOutcome::Done(item) => left(&item),
            // Nobody has it, or somebody has it since.
            UpdateOutcome::Refused(found) => match read(found.as_ref())? {
                Row::Message(message) => Ok(Some(*message).filter(Message::is_visible)),
                Row::Nothing | Row::Tombstone(_) | Row::Fence(_) => Ok(None),
            },
        }
    }

    async fn hold(&self, mailbox: &MailboxId, id: MessageId, hold: &Hold) -> Result<Option<Message>> {
        let key = self.layout.message(mailbox, id);
        match hold {
            Hold::Trash { purge_at } => self.hold_in_trash(&key, mailbox, id, *purge_at).await,
            Hold::Case { case, purge_at } => self.hold_for_case(&key, case, *purge_at).await,
            Hold::Mailbox { .. } => {
                let rule = |message: &mut Message| message.hold(hold.clone());
                let context = "holding a message with its mailbox";
                Ok(self.change(context, mailbox, id, rule).await?.changed())
            }
        }
    }

    async fn release(&self, mailbox: &MailboxId, id: MessageId, release: &Release) -> Result<ReleaseOutcome> {
        let context = "releasing a message";
        let key = self.layout.message(mailbox, id);
        let visible = (":v", text(layout::visible_sort_key(id)));
        let update = match release {
            Release::Trash => {
                let values = vec![visible, (":t", text(layout::trash_sort_key(id))), (":op", text(nonce()?))];
                Update::new("SET f=:v, op=:op REMOVE t, due, tenant", "f = :t", values)
            }
            Release::Case(case) => Update {
                expression: "SET f=:v, op=:op REMOVE c.#case".to_owned(),
                condition: "attribute_exists(c.#case) AND size(c) = :one AND attribute_not_exists(t) \
                            AND attribute_not_exists(d) AND attribute_not_exists(claim)",
                values: vec![visible, (":one", number(1)), (":op", text(nonce()?))],
                names: vec![("#case", case.to_string())],
            },
        };
        let rule = |message: &mut Message| message.release(release);
        Ok(match self.table.update(context, &key, update).await? {
            UpdateOutcome::Done(item) => match left(&item)? {
                Some(back) => ReleaseOutcome::Back(Box::new(back)),
                None => ReleaseOutcome::Missing,
            },
            UpdateOutcome::Refused(found) => self.change_found(context, &key, found, rule).await?.released(),
        })
    }
}

impl AwsMetadata {
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
            wanted: Some("pk, sk, f, facts, r_at, r_by, w, w_at, w_by, t, d, c, claim"),
            // The entry at the end itself comes along.
            limit: Some(if matches!(folder, Some(Folder::New | Folder::Old)) {
                MIN_LISTED.max(most + 1)
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
        self.table.query(LISTING, query, take).await?;
        Ok(entries)
    }

    async fn if_visible(
        &self,
        context: &'static str,
        mailbox: &MailboxId,
        id: MessageId,
        expression: &str,
        mut values: Vec<(&'static str, AttributeValue)>,
    ) -> Result<Option<Message>> {
        values.extend([(":v", text(layout::visible_sort_key(id))), (":op", text(nonce()?))]);
        let update = Update::new(expression, "f = :v", values);
        match self.table.update(context, &self.layout.message(mailbox, id), update).await? {
            UpdateOutcome::Done(item) => left(&item),
            UpdateOutcome::Refused(_) => Ok(None),
        }
    }

    async fn hold_in_trash(
        &self,
        key: &Key,
        mailbox: &MailboxId,
        id: MessageId,
        purge_at: Timestamp,
    ) -> Result<Option<Message>> {
        let context = "moving a message to the trash";
        let hold = Hold::Trash { purge_at };
        let due = layout::due(&Claim::Due(hold.clone()), id, mailbox).unwrap_or_default();
        let values = vec![
            (":v", text(layout::visible_sort_key(id))),
            (":t", text(layout::trash_sort_key(id))),
            (":at", number(purge_at.millis())),
            (":tenant", text(self.layout.tenant())),
            (":due", text(due)),
            (":op", text(nonce()?)),
        ];
        let update = Update::new("SET f=:t, t=:at, tenant=:tenant, due=:due, op=:op", "f = :v", values);
        match self.table.update(context, key, update).await? {
            UpdateOutcome::Done(item) => left(&item),
            UpdateOutcome::Refused(found) => {
                let rule = |message: &mut Message| message.hold(hold.clone());
                Ok(self.change_found(context, key, found, rule).await?.changed())
            }
        }
    }

    async fn hold_for_case(&self, key: &Key, case: &CaseKey, purge_at: Timestamp) -> Result<Option<Message>> {
        let context = "hiding a message";
        let update = Update {
            expression: "SET c.#case=if_not_exists(c.#case,:at), op=:op REMOVE f".to_owned(),
            condition: "attribute_exists(facts) AND attribute_not_exists(claim)",
            values: vec![(":at", number(purge_at.millis())), (":op", text(nonce()?))],
            names: vec![("#case", case.to_string())],
        };
        let UpdateOutcome::Done(item) = self.table.update(context, key, update).await? else {
            return Ok(None);
        };
        let Some(held) = left(&item)? else { return Ok(None) };
        self.keep_case_hold(held, case).await
    }
}
