//! The requests and responses of DynamoDB's API.
//!
//! An expression writes a reserved word with a `#` before it (`#ttl`). The names are collected from the expressions.

use std::collections::BTreeMap;

use portend_core::limits::PAGE_MAX;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::attribute::{Attribute, Item, number, text};

/// A request of DynamoDB's API.
pub(super) trait TableRequest: Serialize {
    /// The operation.
    const OPERATION: &'static str;
    /// The parts of the response that are read.
    type Response: DeserializeOwned;
}

macro_rules! operations {
    ($($request:ty = $operation:literal -> $response:ty;)*) => {
        $(impl TableRequest for $request {
            const OPERATION: &'static str = $operation;
            type Response = $response;
        })*
    };
}

operations! {
    Update = "UpdateItem" -> UpdatedItem;
    Delete = "DeleteItem" -> IgnoredAny;
    Transaction = "TransactWriteItems" -> IgnoredAny;
    Get = "GetItem" -> FoundItem;
    BatchGet = "BatchGetItem" -> BatchItems;
    ItemQuery = "Query" -> QueryPage;
    TableScan = "Scan" -> QueryPage;
    DescribeTable<'_> = "DescribeTable" -> TableDescribed;
    DescribeTimeToLive<'_> = "DescribeTimeToLive" -> TimeToLiveDescribed;
}

/// The key of an item.
pub(super) fn item_key(pk: impl Into<String>, sk: impl Into<String>) -> Item {
    Item::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
}

/// A conditional update of one item.
#[skip_serializing_none]
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Update {
    table_name: String,
    key: Item,
    update_expression: String,
    condition_expression: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    expression_attribute_names: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    expression_attribute_values: Item,
    return_values: Option<&'static str>,
    return_values_on_condition_check_failure: Option<&'static str>,
}

impl Update {
    /// An update of the item with this key.
    pub(super) fn new(table: &str, key: Item, expression: impl Into<String>) -> Self {
        let update_expression = expression.into();
        Self {
            table_name: table.to_owned(),
            key,
            expression_attribute_names: names_in(&update_expression),
            update_expression,
            condition_expression: None,
            expression_attribute_values: Item::new(),
            return_values: None,
            return_values_on_condition_check_failure: Some("ALL_OLD"),
        }
    }

    /// Sets the condition. If it fails, the unchanged item is returned.
    pub(super) fn only_if(mut self, condition: &str) -> Self {
        self.expression_attribute_names.extend(names_in(condition));
        self.condition_expression = Some(condition.to_owned());
        self
    }

    /// Sets the value of a `:name`.
    pub(super) fn with(mut self, name: &str, value: Attribute) -> Self {
        self.expression_attribute_values.insert(name.to_owned(), value);
        self
    }

    /// Sets the attribute of a `#name` that differs from the attribute's name.
    pub(super) fn named(mut self, placeholder: &str, name: String) -> Self {
        self.expression_attribute_names.insert(placeholder.to_owned(), name);
        self
    }

    /// Asks for the whole updated item in the response.
    pub(super) fn returning_item(mut self) -> Self {
        self.return_values = Some("ALL_NEW");
        self
    }
}

/// The updated item, if the request asked for it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct UpdatedItem {
    pub(super) attributes: Item,
}

/// A deletion of one item.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Delete {
    pub(super) table_name: String,
    pub(super) key: Item,
}

/// A conditional put of one item.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Put {
    pub(super) table_name: String,
    pub(super) item: Item,
    pub(super) condition_expression: &'static str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) expression_attribute_names: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) expression_attribute_values: Item,
    pub(super) return_values_on_condition_check_failure: &'static str,
}

/// A step of a transaction.
#[derive(Debug, Clone, Serialize)]
pub(super) enum Action {
    Put(Put),
    Update(Update),
}

/// Steps that are all executed, or none of them.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Transaction {
    pub(super) transact_items: Vec<Action>,
    /// DynamoDB treats requests with the same token as one request for ten minutes.
    pub(super) client_request_token: String,
}

/// Why a step of a transaction was not executed: `None`, `ConditionalCheckFailed` with the item, or another code.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct CancelledStep {
    pub(super) code: String,
    pub(super) item: Option<Item>,
}

/// A read of one item.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Get {
    pub(super) table_name: String,
    pub(super) key: Item,
    pub(super) consistent_read: bool,
}

/// The item that was read, if it exists.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct FoundItem {
    pub(super) item: Option<Item>,
}

/// A read of up to 100 items.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BatchGet {
    pub(super) request_items: BTreeMap<String, WantedItems>,
}

/// The keys of the items to read.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct WantedItems {
    pub(super) keys: Vec<Item>,
    pub(super) consistent_read: bool,
}

/// The items of a batch, and the keys that were not read.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct BatchItems {
    pub(super) responses: BTreeMap<String, Vec<Item>>,
    pub(super) unprocessed_keys: BTreeMap<String, UnreadItems>,
}

/// The keys that DynamoDB did not read.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct UnreadItems {
    pub(super) keys: Vec<Item>,
}

/// A query for a range of one partition, of the table or of an index.
#[skip_serializing_none]
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ItemQuery {
    table_name: String,
    index_name: Option<&'static str>,
    key_condition_expression: String,
    expression_attribute_names: BTreeMap<String, String>,
    expression_attribute_values: Item,
    projection_expression: Option<&'static str>,
    scan_index_forward: bool,
    consistent_read: bool,
    pub(super) limit: usize,
    pub(super) exclusive_start_key: Option<Item>,
}

impl ItemQuery {
    /// The items with this value of the partition key, newest first.
    pub(super) fn of(table: &str, partition: &str, value: impl Into<String>) -> Self {
        Self::with_partition(table, partition, text(value))
    }

    /// The same, of a partition key that is a number.
    pub(super) fn of_number(table: &str, partition: &str, value: u8) -> Self {
        Self::with_partition(table, partition, number(value))
    }

    fn with_partition(table: &str, partition: &str, value: Attribute) -> Self {
        Self {
            table_name: table.to_owned(),
            index_name: None,
            key_condition_expression: "#partition = :partition".to_owned(),
            expression_attribute_names: BTreeMap::from([("#partition".to_owned(), partition.to_owned())]),
            expression_attribute_values: Item::from([(":partition".to_owned(), value)]),
            projection_expression: None,
            scan_index_forward: false,
            consistent_read: false,
            limit: PAGE_MAX,
            exclusive_start_key: None,
        }
    }

    /// Queries this index.
    pub(super) fn in_index(self, index: &'static str) -> Self {
        Self { index_name: Some(index), ..self }
    }

    /// Returns the oldest items first.
    pub(super) fn oldest_first(self) -> Self {
        Self { scan_index_forward: true, ..self }
    }

    /// Reads consistently, and only these attributes.
    pub(super) fn consistently(mut self, projection: &'static str) -> Self {
        self.expression_attribute_names.extend(names_in(projection));
        Self { projection_expression: Some(projection), consistent_read: true, ..self }
    }

    /// Limits the sort key, which is a number, to at most this one.
    pub(super) fn at_most(mut self, sort: &str, most: Option<String>) -> Self {
        let Some(most) = most else { return self };
        self.key_condition_expression.push_str(" AND #sort <= :most");
        self.expression_attribute_names.insert("#sort".to_owned(), sort.to_owned());
        self.expression_attribute_values.insert(":most".to_owned(), Attribute::N(most));
        self
    }

    /// Limits the sort key to this range, both ends included.
    pub(super) fn between(mut self, sort: &str, from: Option<String>, to: Option<String>) -> Self {
        let range = match (&from, &to) {
            (Some(_), Some(_)) => " AND #sort BETWEEN :from AND :to",
            (Some(_), None) => " AND #sort >= :from",
            (None, Some(_)) => " AND #sort <= :to",
            (None, None) => return self,
        };
        self.key_condition_expression.push_str(range);
        self.expression_attribute_names.insert("#sort".to_owned(), sort.to_owned());
        let bounds = [(":from", from), (":to", to)];
        let bounds = bounds.into_iter().filter_map(|(name, bound)| Some((name.to_owned(), text(bound?))));
        self.expression_attribute_values.extend(bounds);
        self
    }
}

/// A read of the whole table.
#[skip_serializing_none]
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TableScan {
    pub(super) table_name: String,
    pub(super) consistent_read: bool,
    pub(super) exclusive_start_key: Option<Item>,
}

/// One page of a query.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct QueryPage {
    pub(super) items: Vec<Item>,
    pub(super) last_evaluated_key: Option<Item>,
}

/// A request to describe the table.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DescribeTable<'a> {
    pub(super) table_name: &'a str,
}

/// The response with the table's description.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct TableDescribed {
    pub(super) table: TableDescription,
}

/// The keys and indexes of a table.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct TableDescription {
    pub(super) key_schema: Vec<KeyPart>,
    pub(super) global_secondary_indexes: Vec<IndexDescription>,
}

/// One attribute of a key.
#[derive(Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct KeyPart {
    pub(super) attribute_name: String,
    /// `HASH` or `RANGE`.
    pub(super) key_type: String,
}

/// An index of a table.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct IndexDescription {
    pub(super) index_name: String,
    pub(super) key_schema: Vec<KeyPart>,
    pub(super) projection: IndexProjection,
    pub(super) index_status: String,
}

/// The attributes that an index contains.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct IndexProjection {
    /// `ALL`, `KEYS_ONLY` or `INCLUDE`.
    pub(super) projection_type: String,
}

/// A request to describe the table's time to live.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DescribeTimeToLive<'a> {
    pub(super) table_name: &'a str,
}

/// The response with the time to live.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct TimeToLiveDescribed {
    pub(super) time_to_live_description: TimeToLive,
}

/// The table's time to live.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct TimeToLive {
    pub(super) attribute_name: String,
    /// `ENABLED`, `ENABLING`, ….
    pub(super) time_to_live_status: String,
}

/// Maps every `#name` in an expression to the attribute with that name.
pub(super) fn names_in(expression: &str) -> BTreeMap<String, String> {
    let ends = |character: char| !character.is_ascii_alphanumeric() && character != '_';
    let names = expression.split('#').skip(1).filter_map(|rest| rest.split(ends).next());
    names.map(|name| (format!("#{name}"), name.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_update_defines_the_names_in_its_expressions() {
        let update = Update::new("table", item_key("a", "b"), "SET #state = :done, #ttl = :ttl")
            .only_if("fence = :fence AND #ttl >= :now")
            .with(":fence", text("1"));
        let wire = serde_json::to_value(&update).unwrap();
        assert_eq!(wire["ExpressionAttributeNames"], json!({ "#state": "state", "#ttl": "ttl" }));
        assert_eq!(wire["Key"], json!({ "pk": { "S": "a" }, "sk": { "S": "b" } }));
        let plain = Update::new("table", item_key("a", "b"), "REMOVE todo, todo_day");
        let wire = serde_json::to_value(&plain).unwrap();
        let wire = wire.as_object().unwrap();
        assert!(
            ["ExpressionAttributeNames", "ExpressionAttributeValues"]
                .iter()
                .all(|name| !wire.contains_key(*name))
        );
    }

    #[test]
    fn a_query_has_the_given_bounds() {
        let query = |from: Option<&str>, to: Option<&str>| {
            let query = ItemQuery::of("table", "todo_day", "2025-01-01");
            let query = query.between("timestamp", from.map(str::to_owned), to.map(str::to_owned));
            serde_json::to_value(&query).unwrap()["KeyConditionExpression"].clone()
        };
        assert_eq!(query(None, None), "#partition = :partition");
        assert_eq!(query(Some("a"), None), "#partition = :partition AND #sort >= :from");
        assert_eq!(query(Some("a"), Some("b")), "#partition = :partition AND #sort BETWEEN :from AND :to");
    }
}
