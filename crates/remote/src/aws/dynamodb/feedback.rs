//! Feedback in the table: one item for each piece, put in one transaction with the row of its entity.
//!
//! Never: overwrites feedback.

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use portend_core::entity::{EntityRow, FeedbackEntry, FeedbackOutcome, FeedbackRequest};
use portend_core::limits::ENTITY_TRIES_MAX;
use portend_core::store::StoreError;
use portend_core::time::Timestamp;

use super::DynamoDb;
use super::attribute::{Item, TTL, is_live, secs, text, text_of};
use super::commit::token_of;
use super::entities::entity_item_key;
use super::insights::ReadConsistency;
use super::item::{attributes, fields_of};
use super::request::{Action, ItemQuery, Put, Transaction, item_key};
use crate::limits::PARTITIONS_READ_AT_ONCE;

/// The prefix of every partition of feedback.
const FEEDBACK: &str = "feedback#";

pub(super) async fn give_feedback(
    store: &DynamoDb,
    request: &FeedbackRequest,
) -> Result<FeedbackOutcome, StoreError> {
    let keys = vec![entity_item_key(&request.entity), feedback_item_key(&request.entry)];
    for _ in 0..ENTITY_TRIES_MAX {
        let items = store.read_items(keys.clone(), ReadConsistency::Strong).await?;
        let (given, rows): (Vec<Item>, Vec<Item>) = items.into_iter().partition(is_feedback);
        let row = rows.first().map(|item| store.entity_of(item)).transpose()?;
        if !given.is_empty() {
            let row = row.filter(|row| !row.expires_at.is_past(request.now));
            return Ok(row.map_or(FeedbackOutcome::NoEntity, |row| FeedbackOutcome::Recorded(Box::new(row))));
        }
        let (outcome, written) = EntityRow::change(row.as_ref(), request);
        let FeedbackOutcome::Recorded(_) = outcome else { return Ok(outcome) };
        let version = written.as_ref().map_or(0, |row| row.version);
        let mut transact_items = vec![Action::Put(put_feedback(store, request))];
        transact_items.extend(written.map(|after| Action::Put(store.put_entity(&after, row.as_ref()))));
        let client_request_token = token_of(&(&store.table, &request.entry, version));
        // Otherwise the feedback is there, or another writer has changed the entity since it was read.
        if store.transact(&Transaction { transact_items, client_request_token }).await?.is_none() {
            return Ok(outcome);
        }
    }
    Err(store.busy("other writers change the entity at the same time"))
}

pub(super) async fn feedback(
    store: &DynamoDb,
    alert_ids: &[String],
    now: Timestamp,
) -> Result<Vec<FeedbackEntry>, StoreError> {
    let each = alert_ids.iter().cloned().map(|alert_id| store.feedback_about(alert_id, now));
    let found = stream::iter(each).buffer_unordered(PARTITIONS_READ_AT_ONCE);
    let mut entries: Vec<FeedbackEntry> = found.try_concat().await?;
    entries.sort_by_key(|entry| (entry.at, entry.id.clone()));
    Ok(entries)
}

fn feedback_pk(alert_id: &str) -> String {
    format!("{FEEDBACK}{alert_id}")
}

fn feedback_item_key(entry: &FeedbackEntry) -> Item {
    item_key(feedback_pk(&entry.alert_id), format!("{}#{}", entry.at, entry.id))
}

fn is_feedback(item: &Item) -> bool {
    text_of(item, "pk").is_some_and(|pk| pk.starts_with(FEEDBACK))
}

fn put_feedback(store: &DynamoDb, request: &FeedbackRequest) -> Put {
    let mut item = attributes(&request.entry);
    // An index finds insights by this attribute.
    item.remove("alert_id");
    item.extend(feedback_item_key(&request.entry));
    item.insert(TTL.to_owned(), secs(request.expires_at));
    Put {
        table_name: store.table.clone(),
        item,
        condition_expression: "attribute_not_exists(pk)",
        expression_attribute_names: BTreeMap::new(),
        expression_attribute_values: Item::new(),
        return_values_on_condition_check_failure: "NONE",
    }
}

/// Reads an item as feedback.
fn entry_of(item: &Item) -> Option<FeedbackEntry> {
    let alert_id = text_of(item, "pk")?.strip_prefix(FEEDBACK)?;
    let mut item = item.clone();
    item.insert("alert_id".to_owned(), text(alert_id));
    fields_of(&item, &["pk", "sk", TTL])
}

impl DynamoDb {
    async fn feedback_about(
        &self,
        alert_id: String,
        now: Timestamp,
    ) -> Result<Vec<FeedbackEntry>, StoreError> {
        let mut query = ItemQuery::of(&self.table, "pk", feedback_pk(&alert_id)).oldest_first();
        let mut entries = Vec::new();
        loop {
            let page = self.page(&query).await?;
            let live = page.items.iter().filter(|item| is_live(item, now));
            entries.extend(live.filter_map(|item| self.readable(entry_of(item))));
            if page.last_evaluated_key.is_none() {
                return Ok(entries);
            }
            query.exclusive_start_key = page.last_evaluated_key;
        }
    }
}
