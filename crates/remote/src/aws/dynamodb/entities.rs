//! The rows of entities in the table, and the worklist of the open ones, which an index in 16 parts has in the order of
//! their scores.
//!
//! Never: overwrites a row that another writer has changed since it was read.

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use portend_core::entity::{EntityKey, EntityRow, WorklistPlace};
use portend_core::insight::{Insight, InsightFields};
use portend_core::limits::{ENTITY_TRIES_MAX, PAGE_MAX, WORKLIST_SHARDS};
use portend_core::store::StoreError;
use portend_core::time::Timestamp;

use super::DynamoDb;
use super::attribute::{Attribute, Item, TTL, is_live, number, secs};
use super::commit::token_of;
use super::item::{attributes, fields_of};
use super::request::{Action, Get, ItemQuery, Put, Transaction, Update, item_key};
use crate::limits::{PARTITIONS_READ_AT_ONCE, QUERY_PAGE_MIN};

/// The attribute of the index's part.
const OPEN_SHARD: &str = "open_shard";

pub(super) async fn entity(
    store: &DynamoDb,
    key: &EntityKey,
    now: Timestamp,
) -> Result<Option<EntityRow>, StoreError> {
    let row = store.get_entity(key).await?;
    Ok(row.filter(|row| !row.expires_at.is_past(now)))
}

pub(super) async fn open_entities(
    store: &DynamoDb,
    after: Option<&WorklistPlace>,
    limit: usize,
    now: Timestamp,
) -> Result<Vec<EntityRow>, StoreError> {
    let shards = (0..WORKLIST_SHARDS).map(|shard| store.open_in(shard, after, limit, now));
    let found = stream::iter(shards).buffer_unordered(PARTITIONS_READ_AT_ONCE);
    let mut rows: Vec<EntityRow> = found.try_concat().await?;
    rows.sort_by(|one, other| one.place().order(&other.place()));
    rows.truncate(limit);
    Ok(rows)
}

pub(super) async fn write_entity(store: &DynamoDb, row: &EntityRow) -> Result<bool, StoreError> {
    let client_request_token = token_of(&(&store.table, row));
    let transaction =
        Transaction { transact_items: vec![Action::Put(store.put_entity(row, None))], client_request_token };
    if store.transact(&transaction).await?.is_none() {
        return Ok(true);
    }
    Ok(store.get_entity(&row.key).await?.as_ref() == Some(row))
}

/// The item that is there if every insight's entity has a row.
fn complete_item_key() -> Item {
    item_key("entities", "complete")
}

pub(super) async fn are_complete(store: &DynamoDb) -> Result<bool, StoreError> {
    let get = Get { table_name: store.table.clone(), key: complete_item_key(), consistent_read: true };
    let found = store.call(&get).await.map_err(|failure| store.error(&failure))?;
    Ok(found.item.is_some())
}

pub(super) async fn set_complete(store: &DynamoDb) -> Result<(), StoreError> {
    let update = Update::new(&store.table, complete_item_key(), "SET complete = :complete");
    store.update(&update.with(":complete", Attribute::Bool(true))).await.map(drop)
}

/// The item key of an entity.
pub(super) fn entity_item_key(key: &EntityKey) -> Item {
    item_key(format!("entity#{}#{}", key.entity_type, key.entity_id), "entity")
}

impl DynamoDb {
    /// Reads the row of an entity, expired or not.
    pub(super) async fn get_entity(&self, key: &EntityKey) -> Result<Option<EntityRow>, StoreError> {
        let get = Get { table_name: self.table.clone(), key: entity_item_key(key), consistent_read: true };
        let found = self.call(&get).await.map_err(|failure| self.error(&failure))?;
        found.item.map(|item| self.entity_of(&item)).transpose()
    }

    /// Reads an item as the row of an entity.
    pub(super) fn entity_of(&self, item: &Item) -> Result<EntityRow, StoreError> {
        row_of(item).ok_or_else(|| self.unreadable_item("an entity"))
    }

    /// The put of a row, if the stored one has the version before it. Without a row before it there may also be none; but a
    /// row that was deleted since it was read, because its entity was forgotten, stays deleted.
    pub(super) fn put_entity(&self, row: &EntityRow, before: Option<&EntityRow>) -> Put {
        let mut item = attributes(row);
        item.extend(entity_item_key(&row.key));
        item.insert(TTL.to_owned(), secs(row.expires_at));
        item.extend(row.open_shard().map(|shard| (OPEN_SHARD.to_owned(), number(shard))));
        Put {
            table_name: self.table.clone(),
            item,
            condition_expression: match before {
                Some(_) => "#version = :before",
                None => "attribute_not_exists(pk) OR #version = :before",
            },
            expression_attribute_names: BTreeMap::from([("#version".to_owned(), "version".to_owned())]),
            expression_attribute_values: Item::from([(
                ":before".to_owned(),
                number(row.version.saturating_sub(1)),
            )]),
            return_values_on_condition_check_failure: "ALL_OLD",
        }
    }

    /// Writes the row of an entity whose insight was upgraded.
    pub(super) async fn judge_entity(
        &self,
        insight: &Insight,
        stored: &InsightFields,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for _ in 0..ENTITY_TRIES_MAX {
            let before = self.get_entity(&insight.entity_key()).await?;
            let Some(row) = insight.judge_entity(stored, before.as_ref(), now) else { return Ok(()) };
            if write_entity(self, &row).await? {
                return Ok(());
            }
        }
        Err(self.busy("other writers change the entity at the same time"))
    }

    /// The open entities of one part of the index after this place. At least as many as the limit, or all.
    async fn open_in(
        &self,
        shard: u8,
        after: Option<&WorklistPlace>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<EntityRow>, StoreError> {
        let most = after.map(|after| after.worst.to_string());
        let mut query = ItemQuery::of_number(&self.table, OPEN_SHARD, shard).in_index("WorklistIndex");
        query = query.at_most("worst", most);
        query.limit = limit.clamp(QUERY_PAGE_MIN, PAGE_MAX);
        let mut rows: Vec<EntityRow> = Vec::new();
        loop {
            let page = self.page(&query).await?;
            let live = page.items.iter().filter(|item| is_live(item, now));
            let found: Vec<EntityRow> = live.filter_map(|item| self.readable(row_of(item))).collect();
            let last = found.last().map(|row| row.worst);
            rows.extend(found);
            rows.retain(|row| after.is_none_or(|after| row.place().order(after).is_gt()));
            rows.sort_by(|one, other| one.place().order(&other.place()));
            // All of one score are needed before they can be sorted.
            let bound = limit.checked_sub(1).and_then(|at| rows.get(at)).map(|row| row.worst);
            let is_enough = bound.zip(last).is_some_and(|(bound, last)| last < bound);
            if page.last_evaluated_key.is_none() || is_enough {
                return Ok(rows);
            }
            query.exclusive_start_key = page.last_evaluated_key;
        }
    }
}

fn row_of(item: &Item) -> Option<EntityRow> {
    fields_of(item, &["pk", "sk", TTL, OPEN_SHARD])
}
