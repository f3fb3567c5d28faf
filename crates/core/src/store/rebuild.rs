//! Makes the row of an entity from its insights: for a store of an earlier version, and for a moment in the past.

use super::{InsightQuery, Queries, StoreError};
use crate::alert_type::AlertTypes;
use crate::entity::{EntityKey, EntityRow};
use crate::insight::StoredInsight;
use crate::limits::PAGE_MAX;
use crate::time::Timestamp;

/// The row of an entity as its alerts until `at` made it, without what people said. `None` if there is no such alert.
pub async fn entity_of_insights(
    store: &impl Queries,
    types: &AlertTypes,
    key: &EntityKey,
    at: Timestamp,
    now: Timestamp,
) -> Result<Option<EntityRow>, StoreError> {
    entity_with_insights(store, types, key, None, at, now).await
}

/// A row, with the judgements that it lacks of the entity's alerts until `at`.
pub(crate) async fn entity_with_insights(
    store: &impl Queries,
    types: &AlertTypes,
    key: &EntityKey,
    row: Option<EntityRow>,
    at: Timestamp,
    now: Timestamp,
) -> Result<Option<EntityRow>, StoreError> {
    let mut query =
        InsightQuery { entity_id: Some(key.entity_id.clone()), limit: PAGE_MAX, ..InsightQuery::default() };
    let mut insights: Vec<StoredInsight> = Vec::new();
    loop {
        let page = store.insights(&query, now).await?;
        insights.extend(page.insights.into_iter().filter(|insight| {
            insight.entity_key().as_ref() == Some(key)
                && insight.alert_timestamp().is_some_and(|timestamp| timestamp <= at)
        }));
        query.after = page.next;
        if query.after.is_none() {
            break;
        }
    }
    let oldest_first = insights.iter().rev();
    Ok(oldest_first.fold(row, |row, insight| insight.judge_entity(row.as_ref(), types, now).or(row)))
}
