//! Insights in the table: put once, counted, told, upgraded.
//!
//! Takes: an insight, or the key of one.
//! Gives: what is stored.
//! Never: writes over an insight that is not degraded, or makes a stub of one that is absent.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use portend_core::alert::{AlertKey, InsightKey};
use portend_core::insight::{Insight, StoredInsight};
use portend_core::store::{Put, Repeat, StoreError, Todo};
use portend_core::time::Timestamp;
use serde_json::{Map, Value};

use super::DynamoDb;
use super::attribute::{Item, TTL, from_json, is_live, number, secs, text, text_of, to_json};
use super::claims::Updated;

/// Attributes of an item that are no fields of its insight.
const BOOKKEEPING: [&str; 6] = ["pk", "sk", TTL, "alert_key", "todo", "todo_day"];
/// Fields that an upgrade leaves alone: repeats count them meanwhile.
const COUNTED: [&str; 2] = ["occurrences", "last_seen"];

pub(super) async fn put(
    store: &DynamoDb,
    insight: &Insight,
    todo: Option<Todo>,
    now: Timestamp,
) -> Result<Put, StoreError> {
    let mut item = store.fields(&insight.to_stored())?;
    item.extend([
        ("pk".to_owned(), text(insight.key().pk())),
        ("sk".to_owned(), text(insight.key().sk())),
        (TTL.to_owned(), secs(insight.expires_at())),
        ("alert_key".to_owned(), text(insight.alert_key().to_string())),
    ]);
    if let Some(todo) = todo {
        item.insert("todo".to_owned(), text(todo.code()));
        item.insert("todo_day".to_owned(), text(insight.timestamp.day()));
    }
    let sent = store
        .client()
        .await
        .put_item()
        .table_name(&store.table)
        .set_item(Some(item))
        .condition_expression("attribute_not_exists(pk) OR #ttl < :now")
        .expression_attribute_names("#ttl", TTL)
        .expression_attribute_values(":now", secs(now))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .send()
        .await;
    match sent {
        Ok(_) => Ok(Put::Stored),
        Err(error) => match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                let existing = failed.item.as_ref().ok_or_else(|| store.no_item("an insight"))?;
                Ok(Put::Existing(store.insight_of(existing)?))
            }
            Some(_) | None => Err(store.error(&error)),
        },
    }
}

pub(super) async fn repeat(
    store: &DynamoDb,
    key: &InsightKey,
    seen: Timestamp,
    now: Timestamp,
) -> Result<Option<Repeat>, StoreError> {
    let update = store
        .update_insight(key)
        .await
        .update_expression("SET occurrences = if_not_exists(occurrences, :one) + :one, last_seen = :seen")
        .condition_expression("last_seen < :seen AND #ttl >= :now")
        .expression_attribute_names("#ttl", TTL)
        .expression_attribute_values(":one", number(1))
        .expression_attribute_values(":seen", text(seen.to_string()))
        .expression_attribute_values(":now", secs(now))
        .return_values(ReturnValue::AllNew);
    let item = match store.update(update).await? {
        Updated::Done(item) => Some(item),
        Updated::Refused(old) => old.filter(|item| is_live(item, now)),
    };
    item.map(|item| Ok(Repeat { insight: store.insight_of(&item)?, todo: todo_of(&item) })).transpose()
}

pub(super) async fn clear_todo(
    store: &DynamoDb,
    key: &InsightKey,
    run: &str,
    todo: Todo,
) -> Result<(), StoreError> {
    let still = |update: UpdateItemFluentBuilder, degraded: bool| {
        update
            .condition_expression("todo = :todo AND #run = :run AND degraded = :degraded")
            .expression_attribute_names("#run", "run")
            .expression_attribute_values(":todo", text(todo.code()))
            .expression_attribute_values(":run", text(run))
            .expression_attribute_values(":degraded", AttributeValue::Bool(degraded))
    };
    let update = async |degraded| {
        let update = store.update_insight(key).await;
        let update = match todo.after(degraded) {
            None => update.update_expression("REMOVE todo, todo_day"),
            Some(next) => update
                .update_expression("SET todo = :next")
                .expression_attribute_values(":next", text(next.code())),
        };
        store.update(still(update, degraded)).await
    };
    // Few of those that are told are degraded, so one update is nearly always the only one.
    let likely = todo == Todo::Upgrade;
    if let Updated::Refused(Some(old)) = update(likely).await?
        && todo_of(&old) == Some(todo)
    {
        update(!likely).await?;
    }
    Ok(())
}

pub(super) async fn insight(
    store: &DynamoDb,
    key: &InsightKey,
    now: Timestamp,
) -> Result<Option<StoredInsight>, StoreError> {
    store.get_item(key, now).await?.map(|item| store.insight_of(&item)).transpose()
}

pub(super) async fn upgrade(
    store: &DynamoDb,
    insight: &Insight,
    todo: Option<Todo>,
    now: Timestamp,
) -> Result<Option<StoredInsight>, StoreError> {
    let key = insight.key();
    let Some(item) = store.get_item(key, now).await? else { return Ok(None) };
    let stored = store.insight_of(&item)?;
    if !stored.is_degraded() {
        return Ok(Some(stored));
    }
    let mut fields = store.fields(&stored.upgraded(insight))?;
    fields.retain(|name, _| !COUNTED.contains(&name.as_str()));
    // What nobody was told of yet is still to be told.
    let todo = todo.or(todo_of(&item).filter(|todo| *todo == Todo::Tell));
    if let Some(todo) = todo {
        fields.insert("todo".to_owned(), text(todo.code()));
        fields.insert("todo_day".to_owned(), text(insight.timestamp.day()));
    }
    let (mut set, mut names, mut values) = (Vec::new(), HashMap::new(), HashMap::new());
    for (index, (name, value)) in fields.into_iter().enumerate() {
        set.push(format!("#f{index} = :f{index}"));
        names.insert(format!("#f{index}"), name);
        values.insert(format!(":f{index}"), value);
    }
    let rest = if todo.is_none() { " REMOVE todo, todo_day" } else { "" };
    let update = store
        .update_insight(key)
        .await
        .update_expression(format!("SET {}{rest}", set.join(", ")))
        .condition_expression("degraded = :degraded")
        .set_expression_attribute_names(Some(names))
        .set_expression_attribute_values(Some(values))
        .expression_attribute_values(":degraded", AttributeValue::Bool(true))
        .return_values(ReturnValue::AllNew);
    let item = match store.update(update).await? {
        Updated::Done(item) => Some(item),
        Updated::Refused(old) => old.filter(|item| is_live(item, now)),
    };
    item.map(|item| store.insight_of(&item)).transpose()
}

impl DynamoDb {
    async fn get_item(&self, key: &InsightKey, now: Timestamp) -> Result<Option<Item>, StoreError> {
        let sent = self
            .client()
            .await
            .get_item()
            .table_name(&self.table)
            .key("pk", text(key.pk()))
            .key("sk", text(key.sk()))
            .consistent_read(true)
            .send()
            .await;
        let item = sent.map_err(|error| self.error(&error))?.item;
        Ok(item.filter(|item| is_live(item, now)))
    }

    async fn update_insight(&self, key: &InsightKey) -> UpdateItemFluentBuilder {
        self.client().await.update_item().key("pk", text(key.pk())).key("sk", text(key.sk()))
    }

    /// The insight's fields as attributes.
    fn fields(&self, insight: &StoredInsight) -> Result<Item, StoreError> {
        match serde_json::to_value(insight) {
            Ok(Value::Object(fields)) => {
                Ok(fields.into_iter().map(|(name, value)| (name, from_json(value))).collect())
            }
            Ok(_) | Err(_) => Err(self.no_item("an insight")),
        }
    }

    /// The insight of an item, also of one that the original handler wrote.
    pub(super) fn insight_of(&self, item: &Item) -> Result<StoredInsight, StoreError> {
        let fields = item.iter().filter(|(name, _)| !BOOKKEEPING.contains(&name.as_str()));
        let fields: Option<Map<String, Value>> =
            fields.map(|(name, value)| Some((name.clone(), to_json(value)?))).collect();
        let insight = fields.and_then(|fields| serde_json::from_value(Value::Object(fields)).ok());
        insight.ok_or_else(|| self.no_item("an insight"))
    }
}

/// What is left to do with an item's insight.
pub(super) fn todo_of(item: &Item) -> Option<Todo> {
    Todo::from_code(text_of(item, "todo")?)
}

/// Where an item's claim stands.
pub(super) fn alert_key_of(item: &Item) -> Option<AlertKey> {
    AlertKey::from_hex(text_of(item, "alert_key")?)
}
