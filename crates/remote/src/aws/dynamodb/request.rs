//! The parameters of the operations on items, under DynamoDB's own names.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::attribute::{Attribute, Item, text};

/// The parameters of an operation, or of one action of a transaction. What is empty is not sent.
#[derive(Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    pub(super) table_name: String,
    #[serde(skip_serializing_if = "Item::is_empty")]
    key: Item,
    #[serde(skip_serializing_if = "Item::is_empty")]
    item: Item,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_expression: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition_expression: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_condition_expression: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    projection_expression: Option<&'static str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    expression_attribute_names: BTreeMap<Cow<'static, str>, Cow<'static, str>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    expression_attribute_values: BTreeMap<Cow<'static, str>, Attribute>,
    #[serde(skip_serializing_if = "Option::is_none")]
    return_values: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    return_values_on_condition_check_failure: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index_name: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consistent_read: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scan_index_forward: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) limit: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) exclusive_start_key: Option<Item>,
}

/// What an operation returns, as far as it is read.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Returned {
    pub(super) attributes: Item,
    pub(super) item: Option<Item>,
    pub(super) items: Vec<Item>,
    pub(super) last_evaluated_key: Option<Item>,
}

/// The key of an item.
pub(super) fn key(pk: impl Into<String>, sk: impl Into<String>) -> Item {
    Item::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
}

impl Request {
    /// Of the item under a key.
    pub(super) fn of(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { key: key(pk, sk), ..Self::default() }
    }

    /// Of a whole item.
    pub(super) fn put(item: Item) -> Self {
        Self { item, ..Self::default() }
    }

    /// Of items by their partition, in the table or in an index.
    pub(super) fn query(index: Option<&'static str>, condition: impl Into<Cow<'static, str>>) -> Self {
        Self { index_name: index, key_condition_expression: Some(condition.into()), ..Self::default() }
    }

    /// What an update does.
    pub(super) fn update(self, expression: impl Into<Cow<'static, str>>) -> Self {
        Self { update_expression: Some(expression.into()), ..self }
    }

    /// On this condition. Where it does not hold, the item is returned as it is.
    pub(super) fn only_if(self, expression: impl Into<Cow<'static, str>>) -> Self {
        let all = Some("ALL_OLD");
        Self {
            condition_expression: Some(expression.into()),
            return_values_on_condition_check_failure: all,
            ..self
        }
    }

    /// A name that an expression uses, as `#ttl`.
    pub(super) fn name(
        mut self,
        name: impl Into<Cow<'static, str>>,
        attribute: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.expression_attribute_names.insert(name.into(), attribute.into());
        self
    }

    /// A value that an expression uses, as `:now`.
    pub(super) fn value(mut self, name: impl Into<Cow<'static, str>>, value: Attribute) -> Self {
        self.expression_attribute_values.insert(name.into(), value);
        self
    }

    /// Returns the item after the update.
    pub(super) fn returning_all(self) -> Self {
        Self { return_values: Some("ALL_NEW"), ..self }
    }

    /// Returns what the update has changed, as it is after it.
    pub(super) fn returning_changed(self) -> Self {
        Self { return_values: Some("UPDATED_NEW"), ..self }
    }

    /// Reads what was last written. No index can.
    pub(super) fn consistent(self) -> Self {
        Self { consistent_read: Some(true), ..self }
    }

    /// Reads in descending order.
    pub(super) fn descending(self) -> Self {
        Self { scan_index_forward: Some(false), ..self }
    }

    /// Reads these attributes alone.
    pub(super) fn only(self, attributes: &'static str) -> Self {
        Self { projection_expression: Some(attributes), ..self }
    }
}
