//! The entities that had an alert recently, and those of them that are done.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::try_join_all;

use super::{Cursor, Entities, Feedback, InsightQuery, Queries, StoreError, entity_as_it_was};
use crate::alert_type::{AlertType, AlertTypes};
use crate::entity::{EntityKey, EntityRow, EntityState};
use crate::insight::StoredInsight;
use crate::limits::{ENTITIES_READ_AT_ONCE, PAGE_MAX};
use crate::time::Timestamp;

/// The longest time after which an entity without an alert has recovered.
pub fn longest_silence(types: &AlertTypes) -> Duration {
    let silence = |each: &AlertType| each.repeat_window() + each.quiet_after();
    types.iter().map(silence).max().unwrap_or_default()
}

/// The entities with an insight that was made between these times. Of the insights, about the newest `read_max` are read.
pub async fn recent_entities(
    store: &impl Queries,
    since: Timestamp,
    until: Timestamp,
    read_max: usize,
) -> Result<BTreeSet<EntityKey>, StoreError> {
    let (mut keys, mut read) = (BTreeSet::new(), 0);
    let end = Cursor { time: Timestamp::from_millis(until.as_millis() + 1), id: String::new() };
    let mut query =
        InsightQuery { since: Some(since), limit: PAGE_MAX, after: Some(end), ..InsightQuery::default() };
    loop {
        let page = store.insights(&query, until).await?;
        read += page.insights.len();
        keys.extend(page.insights.iter().filter_map(StoredInsight::entity_key));
        query.after = page.next;
        if query.after.is_none() || read >= read_max {
            return Ok(keys);
        }
    }
}

/// How many entities are done at a time, because a person set them to done since another time. Whoever was on the list then
/// had an alert within the longest silence before. Of the insights, about the newest `read_max` are read.
pub async fn done_entities(
    store: &(impl Queries + Entities + Feedback),
    types: &AlertTypes,
    (since, at): (Timestamp, Timestamp),
    now: Timestamp,
    read_max: usize,
) -> Result<usize, StoreError> {
    let row = async |key: &EntityKey| {
        if at < now {
            entity_as_it_was(store, types, key, at, now).await
        } else {
            store.entity(key, now).await
        }
    };
    let is_done = |row: &EntityRow| {
        row.state == EntityState::Done && row.changed.as_ref().is_some_and(|changed| changed.at >= since)
    };
    let recent = recent_entities(store, since.minus(longest_silence(types)), at, read_max).await?;
    let keys: Vec<EntityKey> = recent.into_iter().collect();
    let mut done = 0;
    for keys in keys.chunks(ENTITIES_READ_AT_ONCE) {
        let rows = try_join_all(keys.iter().map(row)).await?;
        done += rows.iter().flatten().filter(|row| is_done(row)).count();
    }
    Ok(done)
}
