//! Makes the row of an entity from its insights: for a store of an earlier version, and for a moment in the past.

use super::{Feedback, InsightQuery, Queries, StoreError};
use crate::alert_type::AlertTypes;
use crate::entity::{EntityKey, EntityRow, FeedbackEntry, FeedbackRequest};
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

/// The row of an entity as it was at a time, with what people had said by then: only of insights that had been made by then,
/// because nobody could see the others. `None` if there was none.
pub async fn entity_as_it_was(
    store: &(impl Queries + Feedback),
    types: &AlertTypes,
    key: &EntityKey,
    at: Timestamp,
    now: Timestamp,
) -> Result<Option<EntityRow>, StoreError> {
    let mut insights = insights_until(store, key, at, now).await?;
    insights.retain(|insight| insight.timestamp() <= at);
    insights.sort_by_key(StoredInsight::timestamp);
    let ids: Vec<String> = insights.iter().map(|insight| insight.alert_id().to_owned()).collect();
    let mut feedback = store.feedback(&ids, now).await?;
    feedback.retain(|entry| entry.at <= at);
    let mut feedback = feedback.into_iter().peekable();
    let mut row: Option<EntityRow> = None;
    for insight in &insights {
        while let Some(entry) = feedback.next_if(|entry| entry.at < insight.timestamp()) {
            row = after_feedback(row, entry, now);
        }
        row = insight.judge_entity(row.as_ref(), types, now).or(row);
    }
    Ok(feedback.fold(row, |row, entry| after_feedback(row, entry, now)))
}

/// The row after a person's feedback.
fn after_feedback(row: Option<EntityRow>, entry: FeedbackEntry, now: Timestamp) -> Option<EntityRow> {
    let before = row?;
    let request = FeedbackRequest {
        entity: before.key.clone(),
        entry,
        expected_version: None,
        expires_at: before.expires_at,
        now,
    };
    Some(EntityRow::change(Some(&before), &request).1.unwrap_or(before))
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
    let insights = insights_until(store, key, at, now).await?;
    let oldest_first = insights.iter().rev();
    Ok(oldest_first.fold(row, |row, insight| insight.judge_entity(row.as_ref(), types, now).or(row)))
}

/// The insights of the entity's alerts until a time, newest first.
async fn insights_until(
    store: &impl Queries,
    key: &EntityKey,
    at: Timestamp,
    now: Timestamp,
) -> Result<Vec<StoredInsight>, StoreError> {
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
            return Ok(insights);
        }
    }
}
