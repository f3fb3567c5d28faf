//! The items of the table: their keys, and how insights and claims are written to and read from them.
//!
//! | item    | `pk`                    | `sk`                                     |
//! |---------|-------------------------|------------------------------------------|
//! | insight | `insight#{entity_id}`   | `{alert timestamp}#{alert_type}#{digits}` |
//! | claim   | `claim#{alert_key}`     | `claim`                                  |
//!
//! The files that write entities, feedback and parked events define the keys of those.
//!
//! A function that reads an item returns `None` for an unreadable one. Pages skip and count such items.

use std::collections::BTreeMap;

use portend_core::alert::{AlertKey, InsightKey};
use portend_core::insight::{Insight, InsightFields, OriginalInsight, StoredInsight};
use portend_core::store::{ClaimRow, ClaimState, DueInsight, Todo};
use portend_core::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::attribute::{Attribute, Item, TTL, from_json, number_of, secs, text, text_of, time_of, to_json};
use super::request::item_key;

/// Attributes of an insight's item that are not fields of the insight.
const BOOKKEEPING: [&str; 6] = ["pk", "sk", TTL, "alert_key", "todo", "todo_day"];

/// The prefix of every insight's `pk`.
const INSIGHT: &str = "insight#";
/// The prefix of every claim's `pk`.
const CLAIM: &str = "claim#";

/// The partition of an entity's insights.
pub(super) fn insights_pk(entity_id: &str) -> String {
    format!("{INSIGHT}{entity_id}")
}

/// The sort key of an insight.
pub(super) fn insight_sk(key: &InsightKey) -> String {
    format!("{}#{}#{}", key.alert_timestamp(), key.alert_type(), key.digits())
}

/// The item key of an insight.
pub(super) fn insight_item_key(key: &InsightKey) -> Item {
    item_key(insights_pk(key.entity_id()), insight_sk(key))
}

/// The item key of a claim.
pub(super) fn claim_item_key(key: AlertKey) -> Item {
    item_key(format!("{CLAIM}{key}"), "claim")
}

/// The alert key of a claim's item.
pub(super) fn claimed_key_of(item: &Item) -> Option<AlertKey> {
    AlertKey::from_hex(text_of(item, "pk")?.strip_prefix(CLAIM)?)
}

/// Reads an insight key from partition and sort key.
pub(super) fn insight_key(pk: &str, sk: &str) -> Option<InsightKey> {
    let entity_id = pk.strip_prefix(INSIGHT)?;
    let (timestamp, rest) = sk.split_once('#')?;
    let (alert_type, digits) = rest.split_once('#')?;
    let timestamp = Timestamp::parse(timestamp).ok()?;
    InsightKey::from_parts(entity_id.to_owned(), timestamp, alert_type.to_owned(), digits.to_owned())
}

/// Whether the item is an insight.
pub(super) fn is_insight(item: &Item) -> bool {
    text_of(item, "pk").is_some_and(|pk| pk.starts_with(INSIGHT))
}

/// The item key in an item of the table or of an index.
pub(super) fn key_of(item: &Item) -> Option<Item> {
    Some(item_key(text_of(item, "pk")?, text_of(item, "sk")?))
}

/// Reads an item as a claim. A claim of an earlier version does not count repeats.
pub(super) fn claim_row(item: &Item) -> Option<ClaimRow> {
    Some(ClaimRow {
        state: ClaimState::from_code(text_of(item, "state")?)?,
        owner: text_of(item, "owner")?.to_owned(),
        fence: number_of(item, "fence")?,
        lease_until: Timestamp::from_millis(number_of(item, "lease_until")?),
        calls: number_of(item, "calls")?,
        upgrades: number_of(item, "upgrades")?,
        occurrences: number_of(item, "occurrences").unwrap_or(1),
        last_seen: time_of(item, "last_seen"),
        insight_key: insight_key(text_of(item, "insight_pk")?, text_of(item, "insight_sk")?)?,
        expires_at: Timestamp::from_secs(number_of(item, TTL)?),
    })
}

/// The item of an insight.
pub(super) fn insight_item(insight: &Insight, todo: Option<Todo>) -> Item {
    let fields = insight.fields();
    let mut item = attributes(fields);
    item.extend(insight_item_key(insight.key()));
    item.insert(TTL.to_owned(), secs(fields.expires_at));
    item.insert("alert_key".to_owned(), text(insight.alert_key().to_string()));
    item.extend(todo_attributes(todo, fields.timestamp));
    item
}

/// The attributes of pending work: the work, and the day of the insight. Empty if nothing is pending.
pub(super) fn todo_attributes(todo: Option<Todo>, made_at: Timestamp) -> BTreeMap<String, Attribute> {
    let attributes = todo.map(|todo| [("todo", text(todo.code())), ("todo_day", text(made_at.day()))]);
    attributes.into_iter().flatten().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The fields of an insight as attributes.
pub(super) fn attributes(fields: &impl Serialize) -> Item {
    match serde_json::to_value(fields) {
        Ok(Value::Object(fields)) => {
            fields.into_iter().map(|(name, value)| (name, from_json(value))).collect()
        }
        // Fields always serialize as an object.
        Ok(_) | Err(_) => Item::new(),
    }
}

/// Reads the attributes of an item, but for its bookkeeping, as the fields of a value.
pub(super) fn fields_of<T: DeserializeOwned>(item: &Item, bookkeeping: &[&str]) -> Option<T> {
    let fields = item.iter().filter(|(name, _)| !bookkeeping.contains(&name.as_str()));
    let fields: Option<Map<String, Value>> =
        fields.map(|(name, value)| Some((name.clone(), to_json(value)?))).collect();
    serde_json::from_value(Value::Object(fields?)).ok()
}

/// Reads an item as an insight. An item of the original handler has no `schema`.
pub(super) fn insight_of(item: &Item) -> Option<StoredInsight> {
    if item.contains_key("schema") {
        return Some(StoredInsight::Current(Box::new(fields_of::<InsightFields>(item, &BOOKKEEPING)?)));
    }
    let original: OriginalInsight = fields_of(item, &BOOKKEEPING)?;
    let expires_at = number_of(item, TTL).map(Timestamp::from_secs);
    Some(StoredInsight::Original(Box::new(OriginalInsight { expires_at, ..original })))
}

/// Reads an insight's item with its pending work. `None` if the work has been done in the meantime.
pub(super) fn due_of(item: &Item, insight: StoredInsight) -> Option<DueInsight> {
    let key = insight_key(text_of(item, "pk")?, text_of(item, "sk")?)?;
    Some(DueInsight { insight, key, alert_key: alert_key_of(item)?, todo: todo_of(item)? })
}

/// The pending work of an insight's item.
pub(super) fn todo_of(item: &Item) -> Option<Todo> {
    Todo::from_code(text_of(item, "todo")?)
}

/// The alert key of an insight's item.
pub(super) fn alert_key_of(item: &Item) -> Option<AlertKey> {
    AlertKey::from_hex(text_of(item, "alert_key")?)
}
