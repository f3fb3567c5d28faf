//! Parked events in the table. The partition is the day of the first receipt, and the sort key is the sha256 of the
//! event. `alert_id` is `parked#{sha256}`, so the same event is found again on any later day and stays one item.
//!
//! Never: has more than a page of events in memory, because each is up to 64 KiB.

use std::cmp::Reverse;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use portend_core::limits::RETENTION;
use portend_core::store::{Cursor, Parked, ParkedPage, StoreError};
use portend_core::time::Timestamp;

use super::DynamoDb;
use super::attribute::{Attribute, Item, is_live, number, number_of, secs, text, text_of, time_of};
use super::insights::ReadConsistency;
use super::item::key_of;
use super::request::{Delete, ItemQuery, Update, item_key};
use crate::limits::{DAY, EVENTS_READ_AT_ONCE, PARTITIONS_READ_AT_ONCE};

pub(super) async fn park(store: &DynamoDb, parked: &Parked) -> Result<(), StoreError> {
    let (id, now) = (parked_id(&parked.sha256), parked.received_at);
    // The first page is enough: only expired copies could fill it.
    let query = ItemQuery::of(&store.table, "alert_id", &id).in_index("AlertIdIndex");
    let page = store.call(&query).await.map_err(|failure| store.error(&failure))?;
    let earlier = page.items.iter().filter_map(key_of).find(|key| is_retained(key, now));
    let key = earlier.unwrap_or_else(|| item_key(partition(&now.day()), &parked.sha256));
    let event = match std::str::from_utf8(&parked.event) {
        Ok(event) => text(event),
        Err(_) => Attribute::B(parked.event.clone()),
    };
    // One update, so that two copies at the same time result in one item.
    let update = Update::new(
        &store.table,
        key,
        "SET alert_id = :id, reason = :reason, message = :message, event = if_not_exists(event, :event), \
         event_bytes = if_not_exists(event_bytes, :bytes), received_at = if_not_exists(received_at, :at), \
         #ttl = if_not_exists(#ttl, :ttl)",
    );
    let update = update
        .with(":id", text(id))
        .with(":reason", text(&parked.reason))
        .with(":message", text(&parked.message))
        .with(":event", event)
        .with(":bytes", number(parked.event_bytes as u64))
        .with(":at", text(now.to_string()))
        .with(":ttl", secs(parked.expires_at()));
    store.update(&update).await.map(drop)
}

pub(super) async fn replayed(
    store: &DynamoDb,
    sha256: &str,
    at: Timestamp,
    outcome: &str,
) -> Result<(), StoreError> {
    for key in store.keys_of_alert_id(&parked_id(sha256)).await? {
        let update = Update::new(&store.table, key, "SET replayed_at = :at, outcome = :outcome")
            .only_if("attribute_exists(pk)")
            .with(":at", text(at.to_string()))
            .with(":outcome", text(outcome));
        store.update(&update).await?;
    }
    Ok(())
}

pub(super) async fn parked(
    store: &DynamoDb,
    after: Option<&Cursor>,
    limit: usize,
    now: Timestamp,
) -> Result<ParkedPage, StoreError> {
    let mut cursors: Vec<Cursor> = Vec::new();
    let days = days_back(after.map_or(now, |after| after.time.min(now)), now);
    let mut days = stream::iter(days).map(|day| store.cursors_on(day, now)).buffered(PARTITIONS_READ_AT_ONCE);
    while cursors.len() <= limit
        && let Some(mut of_day) = days.try_next().await?
    {
        of_day.retain(|cursor| after.is_none_or(|after| cursor < after));
        of_day.sort_by_key(|cursor| Reverse(cursor.clone()));
        cursors.append(&mut of_day);
    }
    let more = cursors.len() > limit;
    cursors.truncate(limit);
    let next = cursors.last().filter(|_| more).cloned();
    let mut events = Vec::new();
    for cursors in cursors.chunks(EVENTS_READ_AT_ONCE) {
        let keys = cursors.iter().map(|cursor| item_key(partition(&cursor.time.day()), &cursor.id));
        let items = store.read_items(keys.collect(), ReadConsistency::Strong).await?;
        events.extend(items.iter().filter_map(|item| store.readable(parked_of(item))));
    }
    events.sort_by_key(|event| Reverse((event.received_at, event.sha256.clone())));
    Ok(ParkedPage { events, next })
}

pub(super) async fn parked_event(
    store: &DynamoDb,
    sha256: &str,
    now: Timestamp,
) -> Result<Option<Parked>, StoreError> {
    let keys = store.keys_of_alert_id(&parked_id(sha256)).await?;
    let items = store.read_items(keys, ReadConsistency::Strong).await?;
    Ok(items.iter().find(|item| is_live(item, now)).and_then(|item| store.readable(parked_of(item))))
}

pub(super) async fn delete_parked(store: &DynamoDb, sha256: &str) -> Result<(), StoreError> {
    for key in store.keys_of_alert_id(&parked_id(sha256)).await? {
        let delete = Delete { table_name: store.table.clone(), key };
        store.call(&delete).await.map_err(|failure| store.error(&failure))?;
    }
    Ok(())
}

impl DynamoDb {
    /// The cursors of a day's events, without the events themselves.
    async fn cursors_on(&self, day: String, now: Timestamp) -> Result<Vec<Cursor>, StoreError> {
        let mut query =
            ItemQuery::of(&self.table, "pk", partition(&day)).consistently("sk, received_at, #ttl");
        let mut cursors = Vec::new();
        loop {
            let page = self.page(&query).await?;
            let live = page.items.iter().filter(|item| is_live(item, now));
            cursors.extend(live.filter_map(|item| self.readable(cursor_of(item))));
            if page.last_evaluated_key.is_none() {
                return Ok(cursors);
            }
            query.exclusive_start_key = page.last_evaluated_key;
        }
    }
}

fn cursor_of(item: &Item) -> Option<Cursor> {
    Some(Cursor { time: time_of(item, "received_at")?, id: text_of(item, "sk")?.to_owned() })
}

fn parked_of(item: &Item) -> Option<Parked> {
    let event = match item.get("event")? {
        Attribute::B(bytes) => bytes.clone(),
        Attribute::S(text) => text.clone().into_bytes(),
        Attribute::N(_)
        | Attribute::Bool(_)
        | Attribute::Null(_)
        | Attribute::L(_)
        | Attribute::M(_)
        | Attribute::Ss(_)
        | Attribute::Ns(_)
        | Attribute::Bs(_) => return None,
    };
    Some(Parked {
        sha256: text_of(item, "sk")?.to_owned(),
        received_at: time_of(item, "received_at")?,
        reason: text_of(item, "reason")?.to_owned(),
        message: text_of(item, "message")?.to_owned(),
        event_bytes: number_of(item, "event_bytes")?,
        event,
        replayed_at: time_of(item, "replayed_at"),
        outcome: text_of(item, "outcome").map(str::to_owned),
    })
}

fn parked_id(sha256: &str) -> String {
    format!("parked#{sha256}")
}

fn partition(day: &str) -> String {
    format!("parked#{day}")
}

/// Whether an event of this key's day has not expired. An index may still contain expired events.
fn is_retained(key: &Item, now: Timestamp) -> bool {
    text_of(key, "pk").is_some_and(|pk| pk >= partition(&now.minus(RETENTION).plus(DAY).day()).as_str())
}

/// The days from this one back to the earliest whose events have not all expired.
fn days_back(from: Timestamp, now: Timestamp) -> impl Iterator<Item = String> {
    let first = now.minus(RETENTION).day();
    std::iter::successors(Some(from), |day| Some(day.minus(DAY)))
        .map(Timestamp::day)
        .take_while(move |day| *day >= first)
}
