//! Pages of insights: the newest of an entity or of types, what is due, one by its id.
//!
//! Takes: a query, and the place where the last page ended.
//! Gives: the same pages as every store, in the same order.
//! Never: counts from the front. The table's own order is nearly that of the answer: both go by time, but items of one
//! millisecond stand in any order, and the original handler's have more digits. So more is read until nothing that is
//! still to come could belong before what was found.

use std::cmp::Reverse;

use futures_util::StreamExt;
use futures_util::stream;
use portend_core::alert::InsightKey;
use portend_core::insight::StoredInsight;
use portend_core::limits::{KEPT, PAGE_MAX};
use portend_core::store::{Cursor, Due, Page, Query, StoreError};
use portend_core::time::Timestamp;

use super::DynamoDb;
use super::attribute::{Item, is_live, text, text_of};
use super::insights::{alert_key_of, todo_of};
use super::request::{Request, Returned};
use crate::limits::{DAY, DAYS_AT_ONCE, QUERY_PAGE_MIN};

/// Sorts after every character of a timestamp and of what follows one in a key.
const LAST: char = '~';

pub(super) async fn insights(store: &DynamoDb, query: &Query, now: Timestamp) -> Result<Page, StoreError> {
    let mut found = Vec::new();
    if let Some(entity_id) = &query.entity_id {
        let mut condition = Condition::new("pk", &format!("insight#{entity_id}"), "sk");
        condition.upto = query.after.as_ref().map(|after| upto(after.time));
        found = store.newest(&condition, query, now).await?;
    } else {
        let every = if query.alert_type.is_none() { store.types.as_slice() } else { &[] };
        for alert_type in every.iter().chain(&query.alert_type) {
            let mut condition = Condition::new("prediction_type", alert_type, "timestamp");
            condition.index = Some("PredictionTypeIndex");
            condition.from = query.since.map(from);
            condition.upto = query.after.as_ref().map(|after| upto(after.time));
            found.extend(store.newest(&condition, query, now).await?);
        }
    }
    found.sort_by_key(|insight| Reverse(query.place(insight)));
    Ok(query.page(found))
}

pub(super) async fn find(
    store: &DynamoDb,
    alert_id: &str,
    now: Timestamp,
) -> Result<Option<StoredInsight>, StoreError> {
    let condition = Condition { index: Some("AlertIdIndex"), ..Condition::new("alert_id", alert_id, "") };
    let mut key = None;
    loop {
        let request = condition.request();
        let (items, next) = store.query(request, QUERY_PAGE_MIN, key).await?;
        if let Some(item) = items.iter().find(|item| is_live(item, now)) {
            return store.insight_of(item).map(Some);
        }
        if next.is_none() {
            return Ok(None);
        }
        key = next;
    }
}

pub(super) async fn due(
    store: &DynamoDb,
    now: Timestamp,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Vec<Due>, StoreError> {
    let first = after.map_or(now.minus(KEPT), |after| after.time);
    let days = std::iter::successors(Some(first), |day| Some(day.plus(DAY))).map(Timestamp::day);
    let days = days.take_while(|day| *day <= now.day());
    let mut pages = stream::iter(days).map(|day| store.due_on(day, now, after, limit)).buffered(DAYS_AT_ONCE);
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
    /// The newest insights of one partition that the query asks for: its limit and one more, or all there are; perhaps
    /// a few beyond.
    async fn newest(
        &self,
        condition: &Condition,
        query: &Query,
        now: Timestamp,
    ) -> Result<Vec<StoredInsight>, StoreError> {
        let (mut found, mut key): (Vec<StoredInsight>, Option<Item>) = (Vec::new(), None);
        loop {
            let request = condition.request().descending();
            let limit = (query.limit + 1).clamp(QUERY_PAGE_MIN, PAGE_MAX);
            let (items, next) = self.query(request, limit, key).await?;
            let mut last = None;
            for item in items.iter().filter(|item| is_live(item, now)) {
                let Some(insight) = self.readable(self.insight_of(item)) else { continue };
                let place = query.place(&insight);
                last = Some(place.time);
                if query.matches(&insight) && query.after.as_ref().is_none_or(|after| place < *after) {
                    found.push(insight);
                }
            }
            found.sort_by_key(|insight| Reverse(query.place(insight)));
            let bound = found.get(query.limit).map(|insight| query.place(insight).time);
            let is_enough = bound.zip(last).is_some_and(|(bound, last)| last < bound);
            if next.is_none() || is_enough {
                return Ok(found);
            }
            key = next;
        }
    }

    /// What is due of one day, oldest first: the limit, or all there is; perhaps a few beyond.
    async fn due_on(
        &self,
        day: String,
        now: Timestamp,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Vec<Due>, StoreError> {
        let mut found: Vec<Due> = Vec::new();
        let mut condition = Condition::new("todo_day", &day, "timestamp");
        condition.index = Some("TodoIndex");
        condition.from = after.map(|after| from(after.time));
        let mut key = None;
        loop {
            let request = condition.request();
            let page = limit.clamp(QUERY_PAGE_MIN, PAGE_MAX);
            let (items, next) = self.query(request, page, key).await?;
            for item in items.iter().filter(|item| is_live(item, now)) {
                let Some(due) = self.readable(self.due_of(item)) else { continue };
                if after.is_none_or(|after| due.place() > *after) {
                    found.push(due);
                }
            }
            // Of one millisecond, all are needed before they can be put in order.
            let last = found.last().map(|due| due.insight.timestamp);
            found.sort_by_key(Due::place);
            let bound = limit.checked_sub(1).and_then(|at| found.get(at)).map(|due| due.insight.timestamp);
            if next.is_none() || bound.zip(last).is_some_and(|(bound, last)| bound < last) {
                return Ok(found);
            }
            key = next;
        }
    }

    fn due_of(&self, item: &Item) -> Result<Due, StoreError> {
        let parts = || {
            let key = InsightKey::from_item(text_of(item, "pk")?, text_of(item, "sk")?)?;
            Some((key, alert_key_of(item)?, todo_of(item)?))
        };
        let (key, alert_key, todo) = parts().ok_or_else(|| self.no_item("an insight"))?;
        Ok(Due { insight: self.insight_of(item)?, key, alert_key, todo })
    }

    /// One page of the table's own.
    pub(super) async fn query(
        &self,
        mut request: Request,
        limit: usize,
        key: Option<Item>,
    ) -> Result<(Vec<Item>, Option<Item>), StoreError> {
        request.table_name.clone_from(&self.table);
        (request.limit, request.exclusive_start_key) = (Some(limit), key);
        let Returned { items, last_evaluated_key, .. } = self.page("Query", &request).await?;
        Ok((items, last_evaluated_key))
    }
}

/// A partition of the table or of an index, and a stretch of its times.
struct Condition {
    index: Option<&'static str>,
    partition: (&'static str, String),
    sort: &'static str,
    from: Option<String>,
    upto: Option<String>,
}

impl Condition {
    fn new(partition: &'static str, value: &str, sort: &'static str) -> Self {
        Self { index: None, partition: (partition, value.to_owned()), sort, from: None, upto: None }
    }

    fn request(&self) -> Request {
        let stretch = match (&self.from, &self.upto) {
            (Some(_), Some(_)) => " AND #sort BETWEEN :from AND :upto",
            (Some(_), None) => " AND #sort >= :from",
            (None, Some(_)) => " AND #sort <= :upto",
            (None, None) => "",
        };
        let (name, value) = &self.partition;
        let mut request = Request::query(self.index, format!("#partition = :partition{stretch}"))
            .name("#partition", *name)
            .value(":partition", text(value.as_str()));
        if !stretch.is_empty() {
            request = request.name("#sort", self.sort);
        }
        for (name, bound) in [(":from", &self.from), (":upto", &self.upto)] {
            if let Some(bound) = bound {
                request = request.value(name, text(bound.as_str()));
            }
        }
        request
    }
}

/// A key that no item of this time or a later one stands before, with or without zone and fraction.
fn from(time: Timestamp) -> String {
    let mut text = time.to_seconds_string();
    text.pop();
    text
}

/// A key that no item of this second or an earlier one stands after.
fn upto(time: Timestamp) -> String {
    format!("{}{LAST}", from(time))
}
