//! The requests to `DynamoDB` that everything else is made of. Every read is strongly consistent but those of the index of
//! what is due. A conditional write whose condition fails returns the item that it found.

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, DeleteRequest, KeysAndAttributes, PutRequest, ReturnValue,
    ReturnValuesOnConditionCheckFailure, TransactWriteItem, WriteRequest,
};
use futures::future::try_join_all;
use serde::de::DeserializeOwned;

use super::client;
use super::fault::fault;
use super::layout::{DUE, Item, Key};
use crate::cloud::{MAX_ROUNDS, contended, incomplete, pause};
use crate::stored::decode;
use crate::{Result, StorageError};

/// The most keys that one `BatchGetItem` reads, and the most items that one `BatchWriteItem` writes.
const MAX_READS: usize = 100;
const MAX_WRITES: usize = 25;

/// A table in a region.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) client: Client,
    pub(super) name: String,
}

/// A conditional write: `expression` if `condition`, of the values that both name.
#[derive(Debug)]
pub(super) struct Update {
    pub(super) expression: String,
    pub(super) condition: &'static str,
    pub(super) values: Vec<(&'static str, AttributeValue)>,
    pub(super) names: Vec<(&'static str, String)>,
}

impl Update {
    pub(super) fn new(
        expression: impl Into<String>,
        condition: &'static str,
        values: Vec<(&'static str, AttributeValue)>,
    ) -> Self {
        Self { expression: expression.into(), condition, values, names: Vec::new() }
    }
}

/// What became of a conditional write.
#[derive(Debug)]
pub(super) enum UpdateOutcome {
    /// Done; this is the item now.
    Done(Item),
    /// The condition does not hold; this is the item, if there is one.
    Refused(Option<Item>),
}

/// Items of one partition.
#[derive(Debug, Default)]
pub(super) struct Query {
    /// `folder` or `due`; `None`: the table itself.
    pub(super) index: Option<&'static str>,
    pub(super) condition: &'static str,
    pub(super) values: Vec<(&'static str, AttributeValue)>,
    /// The attributes that are wanted; `None`: all that are there.
    pub(super) wanted: Option<&'static str>,
    /// At most so many in one request.
    pub(super) limit: Option<usize>,
    /// From the greatest sort key on.
    pub(super) backwards: bool,
}

impl Query {
    /// All items of a partition.
    pub(super) fn of(pk: String) -> Self {
        Self { condition: "pk = :pk", values: vec![(":pk", text(pk))], ..Self::default() }
    }
}

/// Text as an attribute.
pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// A number as an attribute.
pub(super) fn number<N: ToString + Copy>(value: N) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// The text of an attribute.
pub(super) fn text_of<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

/// The value that an attribute has as JSON; `None`: it is not there, or damaged.
pub(super) fn value_of<T: DeserializeOwned>(item: &Item, name: &str) -> Option<T> {
    decode(text_of(item, name)?.as_bytes())
}

/// The number of an attribute.
pub(super) fn number_of(item: &Item, name: &str) -> Option<i64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

fn owned<T>(pairs: Vec<(&'static str, T)>) -> Option<HashMap<String, T>> {
    let map: HashMap<_, _> = pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    (!map.is_empty()).then_some(map)
}

impl Table {
    /// An item.
    pub(super) async fn get(&self, context: &'static str, key: &Key) -> Result<Option<Item>> {
        let get =
            self.client.get_item().table_name(&self.name).set_key(Some(key.item())).consistent_read(true);
        Ok(get.send().await.map_err(fault(context))?.item)
    }

    /// Items by their keys; those that are not there are left out.
    pub(super) async fn get_all(
        &self,
        context: &'static str,
        keys: impl IntoIterator<Item = Key>,
    ) -> Result<HashMap<Key, Item>> {
        // One request must not name a key twice.
        let keys: Vec<Key> = keys.into_iter().collect::<HashSet<_>>().into_iter().collect();
        let chunks = keys.chunks(MAX_READS).map(|chunk| self.get_some(context, chunk));
        Ok(try_join_all(chunks).await?.into_iter().flatten().collect())
    }

    async fn get_some(&self, context: &'static str, keys: &[Key]) -> Result<HashMap<Key, Item>> {
        let mut found = HashMap::new();
        let mut wanted = Some(keys.iter().map(Key::item).collect::<Vec<_>>());
        for round in 0..MAX_ROUNDS {
            let Some(keys) = wanted.take().filter(|keys| !keys.is_empty()) else { return Ok(found) };
            if round > 0 {
                pause(round).await;
            }
            let keys = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
            let keys = keys.map_err(|error| StorageError::unavailable(context, error))?;
            let answer = self.client.batch_get_item().request_items(&self.name, keys).send().await;
            let answer = answer.map_err(fault(context))?;
            let items = answer.responses.into_iter().flatten().flat_map(|(_, items)| items);
            found.extend(items.filter_map(|item| Some((Key::of(&item)?, item))));
            wanted = answer.unprocessed_keys.into_iter().flatten().next().map(|(_, left)| left.keys);
        }
        Err(contended(context))
    }

    /// Puts and deletes items, whatever was there. Not as one: each is done, or all of this is to be repeated.
    pub(super) async fn write_all(
        &self,
        context: &'static str,
        puts: Vec<Item>,
        deletes: Vec<Key>,
    ) -> Result<()> {
        let put = |item| {
            let put = PutRequest::builder().set_item(Some(item)).build();
            put.map(|put| WriteRequest::builder().put_request(put).build())
        };
        let delete = |key: Key| {
            let delete = DeleteRequest::builder().set_key(Some(key.item())).build();
            delete.map(|delete| WriteRequest::builder().delete_request(delete).build())
        };
        let writes = puts.into_iter().map(put).chain(deletes.into_iter().map(delete));
        let writes: std::result::Result<Vec<_>, _> = writes.collect();
        let writes = writes.map_err(|error| StorageError::unavailable(context, error))?;
        try_join_all(writes.chunks(MAX_WRITES).map(|chunk| self.write_some(context, chunk.to_vec()))).await?;
        Ok(())
    }

    async fn write_some(&self, context: &'static str, writes: Vec<WriteRequest>) -> Result<()> {
        let mut wanted = Some(writes);
        for round in 0..MAX_ROUNDS {
            let Some(writes) = wanted.take().filter(|writes| !writes.is_empty()) else { return Ok(()) };
            if round > 0 {
                pause(round).await;
            }
            let answer = self.client.batch_write_item().request_items(&self.name, writes).send().await;
            let answer = answer.map_err(fault(context))?;
            wanted = answer.unprocessed_items.into_iter().flatten().next().map(|(_, left)| left);
        }
        Err(contended(context))
    }

    /// Changes an item if its condition holds.
    pub(super) async fn update(
        &self,
        context: &'static str,
        key: &Key,
        update: Update,
    ) -> Result<UpdateOutcome> {
        let sent = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(key.item()))
            .update_expression(update.expression)
            .condition_expression(update.condition)
            .set_expression_attribute_values(owned(update.values))
            .set_expression_attribute_names(owned(update.names))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let error = match sent {
            Ok(done) => return Ok(UpdateOutcome::Done(done.attributes.ok_or_else(|| incomplete(context))?)),
            Err(error) => error,
        };
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                Ok(UpdateOutcome::Refused(failed.item.clone().filter(|item| !item.is_empty())))
            }
            _ => Err(fault(context)(error)),
        }
    }

    /// Does all of it or nothing. `false`: a condition does not hold.
    pub(super) async fn transact(
        &self,
        context: &'static str,
        writes: Vec<TransactWriteItem>,
    ) -> Result<bool> {
        for round in 0..MAX_ROUNDS {
            let sent =
                self.client.transact_write_items().set_transact_items(Some(writes.clone())).send().await;
            let Err(error) = sent else { return Ok(true) };
            let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
                error.as_service_error()
            else {
                return Err(fault(context)(error));
            };
            let because = |code: &str| {
                cancelled.cancellation_reasons().iter().any(|reason| reason.code() == Some(code))
            };
            if because("ConditionalCheckFailed") {
                return Ok(false);
            }
            // Another write of one of the items was under way.
            if !because("TransactionConflict") {
                return Err(fault(context)(error));
            }
            pause(round).await;
        }
        Err(contended(context))
    }

    /// Hands over items in their order, until `take` says that it has enough.
    pub(super) async fn query(
        &self,
        context: &'static str,
        query: Query,
        mut take: impl FnMut(Item) -> bool + Send,
    ) -> Result<()> {
        let values = owned(query.values);
        let limit = query.limit.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX));
        let mut next = None;
        loop {
            let answer = self
                .client
                .query()
                .table_name(&self.name)
                .set_index_name(query.index.map(str::to_owned))
                .consistent_read(query.index != Some(DUE))
                .key_condition_expression(query.condition)
                .set_expression_attribute_values(values.clone())
                .set_projection_expression(query.wanted.map(str::to_owned))
                .set_limit(limit)
                .scan_index_forward(!query.backwards)
                .set_exclusive_start_key(next.take())
                .send()
                .await
                .map_err(fault(context))?;
            let wants_more = answer.items.into_iter().flatten().all(&mut take);
            next = answer.last_evaluated_key.filter(|key| !key.is_empty());
            if next.is_none() || !wants_more {
                return Ok(());
            }
        }
    }

    /// All items of a query.
    pub(super) async fn all(&self, context: &'static str, query: Query) -> Result<Vec<Item>> {
        let mut all = Vec::new();
        self.query(context, query, |item| {
            all.push(item);
            true
        })
        .await?;
        Ok(all)
    }

    /// Entries of the local index with this attribute, which it does not have itself. AWS takes it from the table in the
    /// same request; where it did not, as ministack does not, the items are read. What is gone by now is left out.
    pub(super) async fn filled(
        &self,
        context: &'static str,
        entries: Vec<Item>,
        attribute: &str,
    ) -> Result<Vec<Item>> {
        if entries.iter().all(|item| item.contains_key(attribute)) {
            return Ok(entries);
        }
        let keys: Vec<Key> = entries.iter().filter_map(Key::of).collect();
        let mut found = self.get_all(context, keys.clone()).await?;
        Ok(keys.iter().filter_map(|key| found.remove(key)).collect())
    }

    /// Whether the table answers, now or not at all.
    pub(super) async fn ping(&self, key: &Key) -> Result<()> {
        let (timeouts, retries) = client::ping();
        let limits =
            aws_sdk_dynamodb::config::Config::builder().timeout_config(timeouts).retry_config(retries);
        let get = self.client.get_item().table_name(&self.name).set_key(Some(key.item()));
        get.customize().config_override(limits).send().await.map_err(fault("reaching the table"))?;
        Ok(())
    }
}
