//! Pages of insights: the newest ones of an entity or of alert types, the ones with pending work, and one by its id.
//!
//! The table's order is nearly the order of the response. Both are by time, but items of one millisecond are in any
//! order, and times of the original handler have more digits. So a query continues until no later item can precede the
//! items that it has found.

use std::cmp::Reverse;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use portend_core::insight::StoredInsight;
use portend_core::limits::{PAGE_MAX, RETENTION};
use portend_core::store::{Cursor, DueInsight, InsightPage, InsightQuery, StoreError};
use portend_core::time::Timestamp;

use super::DynamoDb;
use super::attribute::{Item, is_live, time_of};
use super::insights::ReadConsistency;
use super::item::{due_of, insight_of, insights_pk, is_insight, key_of, todo_of};
use super::request::ItemQuery;
use crate::limits::{DAY, PARTITIONS_READ_AT_ONCE, QUERY_PAGE_MIN};

/// Sorts after every character that can follow a timestamp's seconds in a key.
const LAST: char = '~';

pub(super) async fn insights(
    store: &DynamoDb,
    query: &InsightQuery,
    now: Timestamp,
) -> Result<InsightPage, StoreError> {
    let to = query.after.as_ref().map(|after| to(after.time));
    let partitions: Vec<ItemQuery> = if let Some(entity_id) = &query.entity_id {
        vec![ItemQuery::of(&store.table, "pk", insights_pk(entity_id)).between("sk", None, to)]
    } else {
        let types = query.alert_type.as_ref().map_or(store.types.as_slice(), std::slice::from_ref);
        let partition = |alert_type: &String| {
            ItemQuery::of(&store.table, "prediction_type", alert_type)
                .in_index("PredictionTypeIndex")
                .between("timestamp", query.since.map(from), to.clone())
        };
        types.iter().map(partition).collect()
    };
    let found = stream::iter(partitions.into_iter().map(|partition| store.newest(partition, query, now)));
    let mut found: Vec<(Item, StoredInsight)> =
        found.buffer_unordered(PARTITIONS_READ_AT_ONCE).try_concat().await?;
    found.sort_by_key(|(_, insight)| Reverse(query.place(insight)));
    // One insight more than the limit shows that there is another page.
    found.truncate(query.limit + 1);
    let (items, insights): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    let repeats = store.repeats(&items, ReadConsistency::Eventual).await?;
    let joined = items.iter().zip(insights).map(|(item, insight)| repeats.join(item, insight));
    Ok(query.page(joined.collect()))
}

pub(super) async fn find(
    store: &DynamoDb,
    alert_id: &str,
    now: Timestamp,
) -> Result<Option<StoredInsight>, StoreError> {
    let keys = store.keys_of_alert_id(alert_id).await?;
    let items = store.read_items(keys, ReadConsistency::Eventual).await?;
    match items.into_iter().find(|item| is_insight(item) && is_live(item, now)) {
        Some(item) => {
            let insight = store.insight_of(&item)?;
            let repeats = store.repeats(std::slice::from_ref(&item), ReadConsistency::Strong).await?;
            Ok(Some(repeats.join(&item, insight)))
        }
        None => Ok(None),
    }
}

pub(super) async fn due(
    store: &DynamoDb,
    now: Timestamp,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Vec<DueInsight>, StoreError> {
    let first = after.map_or(now.minus(RETENTION), |after| after.time);
    let days = std::iter::successors(Some(first), |day| Some(day.plus(DAY))).map(Timestamp::day);
    let days = days.take_while(|day| *day <= now.day());
    let mut pages =
        stream::iter(days).map(|day| store.due_on(day, now, after, limit)).buffered(PARTITIONS_READ_AT_ONCE);
    let mut found = Vec::new();
    while found.len() < limit
        && let Some(of_day) = pages.next().await
    {
        found.extend(of_day?);
    }
    found.truncate(limit);
    Ok(found)
}

impl DynamoDb {
    /// The newest insights of one partition that match the query. Returns at least one more than the limit, or all.
    async fn newest(
        &self,
        mut partition: ItemQuery,
        query: &InsightQuery,
        now: Timestamp,
    ) -> Result<Vec<(Item, StoredInsight)>, StoreError> {
        partition.limit = (query.limit + 1).clamp(QUERY_PAGE_MIN, PAGE_MAX);
        let mut found: Vec<(Item, StoredInsight)> = Vec::new();
        loop {
            let page = self.page(&partition).await?;
            let mut last = None;
            for item in page.items.into_iter().filter(|item| is_live(item, now)) {
                let Some(insight) = self.readable(insight_of(&item)) else { continue };
                let place = query.place(&insight);
                last = Some(place.time);
                if query.matches(&insight) && query.after.as_ref().is_none_or(|after| place < *after) {
                    found.push((item, insight));
                }
            }
            found.sort_by_key(|(_, insight)| Reverse(query.place(insight)));
            let bound = found.get(query.limit).map(|(_, insight)| query.place(insight).time);
            let is_enough = bound.zip(last).is_some_and(|(bound, last)| last < bound);
            if page.last_evaluated_key.is_none() || is_enough {
                return Ok(found);
            }
            partition.exclusive_start_key = page.last_evaluated_key;
        }
    }

    /// The insights of one day with pending work, oldest first. Returns at least as many as the limit, or all. The
    /// index provides the keys; the pending work is read from the items themselves.
    async fn due_on(
        &self,
        day: String,
        now: Timestamp,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Vec<DueInsight>, StoreError> {
        let mut query = ItemQuery::of(&self.table, "todo_day", day)
            .in_index("TodoIndex")
            .oldest_first()
            .between("timestamp", after.map(|after| from(after.time)), None);
        query.limit = limit.clamp(QUERY_PAGE_MIN, PAGE_MAX);
        let mut found: Vec<DueInsight> = Vec::new();
        loop {
            let page = self.page(&query).await?;
            let last = page.items.last().and_then(|item| time_of(item, "timestamp"));
            let keys = page.items.iter().filter_map(key_of).collect();
            let items = self.read_items(keys, ReadConsistency::Strong).await?;
            found.extend(self.due_of(items, now).await?);
            found.retain(|due| after.is_none_or(|after| due.place() > *after));
            // All items of one millisecond are needed before they can be sorted.
            found.sort_by_key(DueInsight::place);
            let bound = limit.checked_sub(1).and_then(|at| found.get(at)).map(|due| due.insight.timestamp());
            let is_enough = bound.zip(last).is_some_and(|(bound, last)| bound < last);
            if page.last_evaluated_key.is_none() || is_enough {
                return Ok(found);
            }
            query.exclusive_start_key = page.last_evaluated_key;
        }
    }

    /// The items that still have pending work.
    async fn due_of(&self, items: Vec<Item>, now: Timestamp) -> Result<Vec<DueInsight>, StoreError> {
        let is_due = |item: &Item| is_live(item, now) && todo_of(item).is_some();
        let items: Vec<Item> = items.into_iter().filter(is_due).collect();
        let repeats = self.repeats(&items, ReadConsistency::Strong).await?;
        let due = items.iter().filter_map(|item| {
            let insight = insight_of(item).map(|insight| repeats.join(item, insight));
            self.readable(insight.and_then(|insight| due_of(item, insight)))
        });
        Ok(due.collect())
    }

    /// The keys of the items with this id. An item that was written a moment ago may be missing.
    pub(super) async fn keys_of_alert_id(&self, alert_id: &str) -> Result<Vec<Item>, StoreError> {
        let mut query = ItemQuery::of(&self.table, "alert_id", alert_id).in_index("AlertIdIndex");
        let mut keys = Vec::new();
        loop {
            let page = self.page(&query).await?;
            keys.extend(page.items.iter().filter_map(key_of));
            if page.last_evaluated_key.is_none() {
                return Ok(keys);
            }
            query.exclusive_start_key = page.last_evaluated_key;
        }
    }
}

/// A key that sorts before every item of this second or a later one, with or without zone and fraction.
fn from(time: Timestamp) -> String {
    let mut text = time.to_seconds_string();
    text.pop();
    text
}

/// A key that sorts after every item of this second or an earlier one.
fn to(time: Timestamp) -> String {
    format!("{}{LAST}", from(time))
}
