//! Values with versions, and names: the requests that the algorithm of the clouds is made of.

use async_trait::async_trait;
use domain::{CLOSED_CASE_LIFETIME, Case, CaseKey, MailboxId, Subject, Timestamp};

use super::layout::{FOLDER, FORGET, Item, Key};
use super::metadata::AwsMetadata;
use super::row::json;
use super::table::{Query, Update, UpdateOutcome, number, number_of, text, text_of, value_of};
use crate::cloud::{CASES, MAILBOXES, Record, RecordResult, RecordUpdate, Records, Thing, Value, nonce};
use crate::stored::{FirstUnreadable, ms13};
use crate::{Cases as _, Result, StorageError, Versioned, WriteOutcome};

/// `f` of a case that is watched.
const OPEN: &str = "open#";

/// Reads the item of a record.
fn record<T: Value>(item: &Item) -> Result<Record<T, u64>> {
    let key = Key::of(item).map(|Key { pk, sk }| format!("{pk} {sk}")).unwrap_or_default();
    let corrupt = || StorageError::corrupt(format!("the record {key}"));
    let version = number_of(item, "v").and_then(|v| u64::try_from(v).ok()).ok_or_else(corrupt)?;
    let has_value = item.contains_key("body");
    let value = has_value.then(|| value_of(item, "body").ok_or_else(corrupt)).transpose()?;
    let purge_at = number_of(item, "purge_at").map(Timestamp::from_millis);
    Ok(Record { version, value, purge_at, etag: version })
}

#[async_trait]
impl Records for AwsMetadata {
    /// The version alone.
    type Etag = u64;
    const ETAG_OF_VERSION: Option<fn(u64) -> u64> = Some(|version| version);

    async fn note(&self, context: &'static str, things: Vec<Thing<'_>>) -> Result<()> {
        // A case that is watched has that in its record.
        let noted = things.into_iter().filter(|thing| !matches!(thing, Thing::Watched(_)));
        let items = noted.map(|thing| self.layout.key(thing).item()).collect();
        self.table.write_all(context, items, Vec::new()).await
    }

    async fn remove(&self, context: &'static str, things: Vec<Thing<'_>>) -> Result<()> {
        let keys = things.into_iter().map(|thing| self.layout.key(thing)).collect();
        self.table.write_all(context, Vec::new(), keys).await
    }

    async fn record<T: Value>(&self, context: &'static str, thing: Thing<'_>) -> RecordResult<T, u64> {
        self.table.get(context, &self.layout.key(thing)).await?.as_ref().map(record).transpose()
    }

    async fn values<T: Value>(
        &self,
        context: &'static str,
        folder: &'static str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Versioned<T>>> {
        let query = Query {
            condition: "pk = :pk AND sk > :after",
            // Text must not be empty; no name begins before this.
            values: vec![(":pk", text(self.layout.pk(folder))), (":after", text(after.unwrap_or("!")))],
            limit: (limit < usize::MAX).then_some(limit),
            ..Query::default()
        };
        let (mut values, mut passed_over) = (Vec::new(), FirstUnreadable::default());
        let take = |item: Item| {
            values.extend(passed_over.read(record::<T>(&item)).ok().flatten().and_then(Record::versioned));
            values.len() < limit
        };
        self.table.query(context, query, take).await?;
        values.truncate(limit);
        Ok(values)
    }

    async fn write_record<T: Value>(
        &self,
        context: &'static str,
        thing: Thing<'_>,
        before: Option<&Record<T, u64>>,
        next: RecordUpdate<'_, T>,
    ) -> Result<WriteOutcome> {
        let own = nonce()?;
        let version = before.map_or(0, |before| before.version) + 1;
        let mut set = vec!["v=:v", "op=:op"];
        let mut values = vec![(":v", number(version)), (":op", text(&*own))];
        let remove = if next.value.is_none() { " REMOVE body" } else { "" };
        if let Some(value) = next.value {
            set.push("body=:body");
            values.push((":body", json(context, value)?));
        }
        if let Some(at) = next.purge_at {
            set.push("purge_at=:at");
            values.push((":at", number(at.millis())));
        }
        if let Some(since) = next.watched_since {
            set.push("f=:f");
            values.push((":f", text(format!("{OPEN}{}", ms13(since)))));
        }
        let mut condition = "attribute_not_exists(v)";
        if let Some(before) = before {
            condition = "v = :before";
            values.push((":before", number(before.etag)));
        }
        let expression = format!("SET {}{remove}", set.join(","));
        let update = Update::new(expression, condition, values);
        match self.table.update(context, &self.layout.key(thing), update).await? {
            UpdateOutcome::Refused(now) if now.as_ref().and_then(|now| text_of(now, "op")) != Some(&own) => {
                Ok(WriteOutcome::Conflict)
            }
            UpdateOutcome::Done(_) | UpdateOutcome::Refused(_) => Ok(WriteOutcome::Version(version)),
        }
    }

    async fn read_cases(&self, keys: Vec<CaseKey>) -> Result<Vec<Case>> {
        let keys = keys.iter().map(|key| self.layout.key(Thing::Case(key)));
        let items = self.table.get_all("reading cases", keys).await?;
        let cases = items.values().map(|item| Ok(record::<Case>(item)?.value));
        Ok(cases.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    async fn list_mailbox_ids(&self) -> Result<Vec<MailboxId>> {
        let query = Query { wanted: Some("sk"), ..Query::of(self.layout.pk(MAILBOXES)) };
        let items = self.table.all("listing mailboxes", query).await?;
        Ok(items.iter().filter_map(|item| text_of(item, "sk")?.parse().ok()).collect())
    }

    async fn list_watched(&self) -> Result<Vec<CaseKey>> {
        let query = Query {
            index: Some(FOLDER),
            condition: "pk = :pk AND begins_with(f, :open)",
            values: vec![(":pk", text(self.layout.pk(CASES))), (":open", text(OPEN))],
            wanted: Some("sk"),
            ..Query::default()
        };
        let items = self.table.all("listing cases", query).await?;
        Ok(items.iter().filter_map(|item| text_of(item, "sk")?.parse().ok()).collect())
    }

    /// The names of a case go by themselves 30 days after it was closed; they are told so first, since one that is not watched is not
    /// dismissed again.
    async fn dismiss(&self, key: &CaseKey) -> Result<()> {
        let context = "dismissing a case";
        let Some(case) = self.case(key).await? else { return Ok(()) };
        if let Some(closed) = case.value.closed_at() {
            let ttl = number(closed.plus(CLOSED_CASE_LIFETIME).millis() / 1000);
            let named = |subject| {
                let mut item = self.layout.key(Thing::Forget(subject, key)).item();
                item.insert("ttl".to_owned(), ttl.clone());
                item
            };
            let entries = case.value.subjects.keys().map(named).collect();
            self.table.write_all(context, entries, Vec::new()).await?;
        }
        let update = Update::new("REMOVE f", "attribute_exists(v)", Vec::new());
        self.table.update(context, &self.layout.key(Thing::Case(key)), update).await.map(|_| ())
    }

    async fn naming(&self, subject: &Subject) -> Result<Vec<CaseKey>> {
        let query = Query {
            condition: "pk = :pk AND begins_with(sk, :forget)",
            values: vec![(":pk", text(self.layout.caller(subject))), (":forget", text(FORGET))],
            wanted: Some("pk, sk"),
            ..Query::default()
        };
        let items = self.table.all("asking who is forgotten", query).await?;
        let key = |item: &Item| text_of(item, "sk")?.strip_prefix(FORGET)?.parse().ok();
        Ok(items.iter().filter_map(key).collect())
    }
}
