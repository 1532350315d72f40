//! Marks and holds: read and unread, holds put on and taken off, and the claim.

use domain::{
    CaseKey, Claim, Claimed, Facts, Hold, MailboxId, Message, MessageId, ReadMark, Release, Released,
    Timestamp,
};

use super::cases::{self, is_undone};
use super::layout::{self, Key};
use super::row::{Row, Rows, Ruled};
use super::table::{Item, Update, Updated, nonce, number, text};
use crate::Result;

/// The message that a write left.
fn left(item: &Item) -> Result<Option<Message>> {
    Ok(match Row::read(Some(item))? {
        Row::Message(message) => Some(*message),
        _ => None,
    })
}

impl Rows {
    /// Marks a visible message read; whoever was first stays.
    pub(super) async fn mark_read(
        &self,
        mailbox: &MailboxId,
        id: MessageId,
        mark: &ReadMark,
    ) -> Result<Option<Message>> {
        let values = vec![(":at", number(mark.at.millis())), (":by", text(mark.by.as_str()))];
        let expression = "SET r_at=if_not_exists(r_at,:at), r_by=if_not_exists(r_by,:by), op=:op";
        self.if_visible("marking a message read", mailbox, id, expression, values).await
    }

    /// Takes the read mark off a visible message.
    pub(super) async fn mark_unread(&self, mailbox: &MailboxId, id: MessageId) -> Result<Option<Message>> {
        let expression = "SET op=:op REMOVE r_at, r_by";
        self.if_visible("marking a message unread", mailbox, id, expression, Vec::new()).await
    }

    async fn if_visible(
        &self,
        context: &'static str,
        mailbox: &MailboxId,
        id: MessageId,
        expression: &str,
        mut values: Vec<(&'static str, aws_sdk_dynamodb::types::AttributeValue)>,
    ) -> Result<Option<Message>> {
        values.extend([(":v", text(layout::visible(id))), (":op", text(nonce()?))]);
        let update =
            Update { expression: expression.to_owned(), condition: "f = :v", values, ..Update::default() };
        match self.table.update(context, &self.layout.message(mailbox, id), update).await? {
            Updated::Done(item) => left(&item),
            Updated::Refused(_) => Ok(None),
        }
    }

    /// Puts a hold on.
    pub(super) async fn hold(
        &self,
        mailbox: &MailboxId,
        id: MessageId,
        hold: &Hold,
    ) -> Result<Option<Message>> {
        let key = self.layout.message(mailbox, id);
        match hold {
            Hold::Trash { purge_at } => self.hold_in_trash(&key, mailbox, id, *purge_at).await,
            Hold::Case { case, purge_at } => self.hold_for_case(&key, case, *purge_at).await,
            Hold::Mailbox { .. } => {
                let context = "holding a message with its mailbox";
                let found = self.table.get(context, &key).await?;
                self.hold_by_rule(context, &key, found, hold).await
            }
        }
    }

    /// Puts a hold on that may need more than one attempt.
    pub(super) async fn hold_by_rule(
        &self,
        context: &'static str,
        key: &Key,
        found: Option<Item>,
        hold: &Hold,
    ) -> Result<Option<Message>> {
        Ok(match self.by_rule(context, key, found, |message| message.hold(hold.clone())).await? {
            Ruled::Message(message, true) => Some(*message),
            _ => None,
        })
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
        let due = layout::due(&hold, id, mailbox).unwrap_or_default();
        let update = Update {
            expression: "SET f=:t, t=:at, tenant=:tenant, due=:due, op=:op".to_owned(),
            condition: "f = :v",
            values: vec![
                (":v", text(layout::visible(id))),
                (":t", text(layout::trashed(id))),
                (":at", number(purge_at.millis())),
                (":tenant", text(self.layout.tenant())),
                (":due", text(due)),
                (":op", text(nonce()?)),
            ],
            ..Update::default()
        };
        match self.table.update(context, key, update).await? {
            Updated::Done(item) => left(&item),
            Updated::Refused(found) => self.hold_by_rule(context, key, found, &hold).await,
        }
    }

    /// Puts a case's hold on. One that comes after the undo is taken off by its own writer, since no release pass may see
    /// it any more.
    async fn hold_for_case(&self, key: &Key, case: &CaseKey, purge_at: Timestamp) -> Result<Option<Message>> {
        let context = "hiding a message";
        let update = Update {
            expression: "SET c.#case=if_not_exists(c.#case,:at), op=:op REMOVE f".to_owned(),
            condition: "attribute_exists(facts) AND attribute_not_exists(claim)",
            values: vec![(":at", number(purge_at.millis())), (":op", text(nonce()?))],
            names: vec![("#case", case.to_string())],
        };
        let held = match self.table.update(context, key, update).await? {
            Updated::Done(item) => left(&item)?,
            Updated::Refused(_) => None,
        };
        let Some(held) = held else { return Ok(None) };
        let now = cases::read(&self.table, &self.layout, case).await?;
        if now.is_some_and(|now| is_undone(&now.value, held.facts.subject.as_ref())) {
            let released = self.release_case(key, &held.facts, case).await?;
            return Ok(match released {
                Ruled::Message(message, _) if !message.claimed => Some(*message),
                _ => None,
            });
        }
        Ok(Some(held))
    }

    /// Takes holds off.
    pub(super) async fn release(
        &self,
        mailbox: &MailboxId,
        id: MessageId,
        release: &Release,
    ) -> Result<Released> {
        let context = "releasing a message";
        let key = self.layout.message(mailbox, id);
        let visible = (":v", text(layout::visible(id)));
        let update = match release {
            Release::Trash => Update {
                expression: "SET f=:v, op=:op REMOVE t, due, tenant".to_owned(),
                condition: "f = :t",
                values: vec![visible, (":t", text(layout::trashed(id))), (":op", text(nonce()?))],
                ..Update::default()
            },
            Release::Case(case) => Update {
                expression: "SET f=:v, op=:op REMOVE c.#case".to_owned(),
                condition: "attribute_exists(c.#case) AND size(c) = :one AND attribute_not_exists(t) \
                            AND attribute_not_exists(d) AND attribute_not_exists(claim)",
                values: vec![visible, (":one", number(1)), (":op", text(nonce()?))],
                names: vec![("#case", case.to_string())],
            },
        };
        let found = match self.table.update(context, &key, update).await? {
            Updated::Done(item) => {
                return Ok(left(&item)?.map_or(Released::Missing, |back| Released::Back(Box::new(back))));
            }
            Updated::Refused(found) => found,
        };
        Ok(match self.by_rule(context, &key, found, |message| message.release(release)).await? {
            Ruled::Message(_, released) => released,
            Ruled::Gone => Released::Gone,
            Ruled::Nothing => Released::Missing,
        })
    }

    async fn release_case(&self, key: &Key, facts: &Facts, case: &CaseKey) -> Result<Ruled<Released>> {
        let context = "releasing a message";
        let found = self.table.get(context, key).await?;
        let release = Release::Case(case.clone());
        let released = self.by_rule(context, key, found, |message| message.release(&release)).await?;
        tracing::debug!(id = %facts.id, "a hold that came after the undo is off again");
        Ok(released)
    }

    /// Claims a message for the purge.
    pub(super) async fn claim(&self, mailbox: &MailboxId, id: MessageId, claim: &Claim) -> Result<Claimed> {
        let (expression, condition, mut values) = match claim {
            Claim::Due(Hold::Trash { purge_at }) => (
                "SET claim=:yes, op=:op REMOVE f",
                "t = :at AND attribute_not_exists(claim)",
                vec![(":at", number(purge_at.millis()))],
            ),
            Claim::Due(Hold::Mailbox { purge_at }) => (
                "SET claim=:yes, op=:op REMOVE f",
                "d = :at AND attribute_not_exists(claim)",
                vec![(":at", number(purge_at.millis()))],
            ),
            // From here on the sweep of what is due finishes it, too, also where it had a deadline in the trash.
            Claim::Due(Hold::Case { .. }) | Claim::Case(_) => (
                "SET claim=:yes, op=:op, tenant=:tenant, due=:due REMOVE f",
                "attribute_exists(facts)",
                vec![(":tenant", text(self.layout.tenant())), (":due", text(layout::due_now(id, mailbox)))],
            ),
        };
        values
            .extend([(":yes", aws_sdk_dynamodb::types::AttributeValue::Bool(true)), (":op", text(nonce()?))]);
        let update = Update { expression: expression.to_owned(), condition, values, ..Update::default() };
        let key = self.layout.message(mailbox, id);
        Ok(match self.table.update("claiming a message", &key, update).await? {
            Updated::Done(_) => Claimed::Claimed,
            Updated::Refused(found) => match Row::read(found.as_ref())? {
                Row::Message(message) if message.claimed => Claimed::Claimed,
                Row::Message(_) => Claimed::Undone,
                Row::Gone(_) | Row::Nothing | Row::Fence => Claimed::Gone,
            },
        })
    }
}
