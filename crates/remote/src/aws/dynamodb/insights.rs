//! Insights in the table: put once, counted, told, upgraded.
//!
//! Takes: an insight, or the key of one.
//! Gives: what is stored.
//! Never: writes over an insight that is not degraded, or makes a stub of one that is absent.

use portend_core::alert::{AlertKey, InsightKey};
use portend_core::insight::{Insight, StoredInsight};
use portend_core::store::{Put, Repeat, StoreError, Todo};
use portend_core::time::Timestamp;
use serde_json::{Map, Value};

use super::attribute::{Attribute, Item, TTL, from_json, is_live, number, secs, text, text_of, to_json};
use super::request::Request;
use super::{DynamoDb, Updated};

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
    let request = Request::put(item)
        .only_if("attribute_not_exists(pk) OR #ttl < :now")
        .name("#ttl", TTL)
        .value(":now", secs(now));
    match store.write("PutItem", request).await? {
        Updated::Done(_) => Ok(Put::Stored),
        Updated::Refused(old) => {
            let existing = old.ok_or_else(|| store.no_item("an insight"))?;
            Ok(Put::Existing(store.insight_of(&existing)?))
        }
    }
}

pub(super) async fn repeat(
    store: &DynamoDb,
    key: &InsightKey,
    seen: Timestamp,
    now: Timestamp,
) -> Result<Option<Repeat>, StoreError> {
    let update = of_insight(key)
        .update("SET occurrences = if_not_exists(occurrences, :one) + :one, last_seen = :seen")
        .only_if("last_seen < :seen AND #ttl >= :now")
        .name("#ttl", TTL)
        .value(":one", number(1))
        .value(":seen", text(seen.to_string()))
        .value(":now", secs(now))
        .returning_all();
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
    let still = |update: Request, degraded: bool| {
        update
            .only_if("todo = :todo AND #run = :run AND degraded = :degraded")
            .name("#run", "run")
            .value(":todo", text(todo.code()))
            .value(":run", text(run))
            .value(":degraded", Attribute::Bool(degraded))
    };
    let update = async |degraded| {
        let update = of_insight(key);
        let update = match todo.after(degraded) {
            None => update.update("REMOVE todo, todo_day"),
            Some(next) => update.update("SET todo = :next").value(":next", text(next.code())),
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
    let mut update = of_insight(key);
    let mut set = Vec::new();
    for (index, (name, value)) in fields.into_iter().enumerate() {
        set.push(format!("#f{index} = :f{index}"));
        update = update.name(format!("#f{index}"), name).value(format!(":f{index}"), value);
    }
    let rest = if todo.is_none() { " REMOVE todo, todo_day" } else { "" };
    let update = update
        .update(format!("SET {}{rest}", set.join(", ")))
        .only_if("degraded = :degraded")
        .value(":degraded", Attribute::Bool(true))
        .returning_all();
    let item = match store.update(update).await? {
        Updated::Done(item) => Some(item),
        Updated::Refused(old) => old.filter(|item| is_live(item, now)),
    };
    item.map(|item| store.insight_of(&item)).transpose()
}

impl DynamoDb {
    async fn get_item(&self, key: &InsightKey, now: Timestamp) -> Result<Option<Item>, StoreError> {
        let item = self.read(of_insight(key).consistent()).await?;
        Ok(item.filter(|item| is_live(item, now)))
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

fn of_insight(key: &InsightKey) -> Request {
    Request::of(key.pk(), key.sk())
}

/// What is left to do with an item's insight.
pub(super) fn todo_of(item: &Item) -> Option<Todo> {
    Todo::from_code(text_of(item, "todo")?)
}

/// Where an item's claim stands.
pub(super) fn alert_key_of(item: &Item) -> Option<AlertKey> {
    AlertKey::from_hex(text_of(item, "alert_key")?)
}
