//! Parked events in the table: under the day of their first receipt, by the sha256 of the event.
//!
//! Takes: a refused event.
//! Gives: the same item for the same event, on whatever day it comes again.
//! Never: holds more than a page of events; they are up to 64 KiB each.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use portend_core::limits::{KEPT, PAGE_MAX};
use portend_core::store::{Cursor, Parked, ParkedPage, StoreError};
use portend_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::attribute::{Item, TTL, bytes, bytes_of, is_live, number, number_of, secs, text, text_of};
use super::request::{Request, key};
use super::{DynamoDb, Updated};
use crate::limits::{DAY, EVENTS_READ_AT_ONCE, ITEMS_AT_ONCE, PAGE_RETRY_PAUSE, PAGE_TRIES_MAX};

/// The keys of an item: the day of its partition, and the sha256.
type Key = (String, String);

pub(super) async fn park(store: &DynamoDb, parked: &Parked) -> Result<(), StoreError> {
    let earlier = store.find_parked(&parked.sha256, parked.received_at).await?;
    let day = earlier.as_ref().map_or_else(|| parked.received_at.day(), |earlier| earlier.received_at.day());
    // One update, so that of two copies at the same instant each leaves the same item.
    let update = Request::of(partition(&day), &parked.sha256)
        .update(
            "SET reason = :reason, message = :message, event = if_not_exists(event, :event), \
             event_bytes = if_not_exists(event_bytes, :bytes), received_at = if_not_exists(received_at, :at), \
             #ttl = if_not_exists(#ttl, :ttl)",
        )
        .name("#ttl", TTL)
        .value(":reason", text(&parked.reason))
        .value(":message", text(&parked.message))
        .value(":event", bytes(&parked.event))
        .value(":bytes", number(parked.event_bytes as u64))
        .value(":at", text(parked.received_at.to_string()))
        .value(":ttl", secs(parked.expires_at()));
    store.update(update).await.map(drop)
}

pub(super) async fn replayed(
    store: &DynamoDb,
    sha256: &str,
    at: Timestamp,
    outcome: &str,
) -> Result<(), StoreError> {
    let Some(parked) = store.find_parked(sha256, at).await? else { return Ok(()) };
    let update = Request::of(partition(&parked.received_at.day()), sha256)
        .update("SET replayed_at = :at, outcome = :outcome")
        .only_if("attribute_exists(pk)")
        .value(":at", text(at.to_string()))
        .value(":outcome", text(outcome));
    match store.update(update).await? {
        Updated::Done(_) | Updated::Refused(_) => Ok(()),
    }
}

pub(super) async fn parked(
    store: &DynamoDb,
    after: Option<&Cursor>,
    limit: usize,
    now: Timestamp,
) -> Result<ParkedPage, StoreError> {
    let mut places: Vec<Cursor> = Vec::new();
    for day in days_back(after.map_or(now, |after| after.time.min(now)), now) {
        if places.len() > limit {
            break;
        }
        let mut of_day = store.places_on(&day, now).await?;
        of_day.retain(|place| after.is_none_or(|after| place < after));
        of_day.sort_by_key(|place| Reverse(place.clone()));
        places.append(&mut of_day);
    }
    let more = places.len() > limit;
    places.truncate(limit);
    let next = places.last().filter(|_| more).cloned();
    let keys: Vec<Key> = places.iter().map(|place| (place.time.day(), place.id.clone())).collect();
    let mut events = store.parked_under(&keys, EVENTS_READ_AT_ONCE, now).await?;
    events.sort_by_key(|event| Reverse((event.received_at, event.sha256.clone())));
    Ok(ParkedPage { events, next })
}

impl DynamoDb {
    /// The places of a day's events, without the events.
    async fn places_on(&self, day: &str, now: Timestamp) -> Result<Vec<Cursor>, StoreError> {
        let (mut places, mut key) = (Vec::new(), None);
        loop {
            let request = Request::query(None, "pk = :pk")
                .consistent()
                .only("sk, received_at, #ttl")
                .name("#ttl", TTL)
                .value(":pk", text(partition(day)));
            let (items, next) = self.query(request, PAGE_MAX, key).await?;
            for item in items.iter().filter(|item| is_live(item, now)) {
                let place = || {
                    let time = Timestamp::parse(text_of(item, "received_at")?).ok()?;
                    Some(Cursor { time, id: text_of(item, "sk")?.to_owned() })
                };
                places.extend(self.readable(place().ok_or_else(|| self.no_item("a parked event"))));
            }
            if next.is_none() {
                return Ok(places);
            }
            key = next;
        }
    }

    /// The event of this sha256, on whichever day it was first received.
    async fn find_parked(&self, sha256: &str, now: Timestamp) -> Result<Option<Parked>, StoreError> {
        let keys: Vec<Key> = days_back(now, now).map(|day| (day, sha256.to_owned())).collect();
        Ok(self.parked_under(&keys, ITEMS_AT_ONCE, now).await?.into_iter().next())
    }

    /// The live events under these keys, so many read at once.
    async fn parked_under(
        &self,
        keys: &[Key],
        at_once: usize,
        now: Timestamp,
    ) -> Result<Vec<Parked>, StoreError> {
        let mut events = Vec::new();
        for some in keys.chunks(at_once) {
            let keys = some.iter().map(|(day, sha256)| key(partition(day), sha256));
            let items = self.items_under(keys.collect()).await?;
            let live = items.iter().filter(|item| is_live(item, now));
            events.extend(live.filter_map(|item| self.readable(self.parked_of(item))));
        }
        Ok(events)
    }

    /// The items under these keys, all of them: what a response leaves out is asked for again.
    async fn items_under(&self, keys: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        let keys = Keys { keys, consistent_read: true };
        let mut request = BatchGet { request_items: BTreeMap::from([(self.table.clone(), keys)]) };
        let mut items = Vec::new();
        for _ in 0..PAGE_TRIES_MAX {
            let got: BatchGot = self.page("BatchGetItem", &request).await?;
            items.extend(got.responses.into_values().flatten());
            if got.unprocessed_keys.is_empty() {
                return Ok(items);
            }
            request.request_items = got.unprocessed_keys;
            tokio::time::sleep(PAGE_RETRY_PAUSE).await;
        }
        let source = format!("the DynamoDB table {}: some keys stay unread", self.table).into();
        Err(StoreError::Busy { source })
    }

    fn parked_of(&self, item: &Item) -> Result<Parked, StoreError> {
        let parked = || {
            let replayed_at = text_of(item, "replayed_at").map(Timestamp::parse).transpose().ok()?;
            Some(Parked {
                sha256: text_of(item, "sk")?.to_owned(),
                received_at: Timestamp::parse(text_of(item, "received_at")?).ok()?,
                reason: text_of(item, "reason")?.to_owned(),
                message: text_of(item, "message")?.to_owned(),
                event_bytes: number_of(item, "event_bytes")?,
                event: bytes_of(item, "event")?,
                replayed_at,
                outcome: text_of(item, "outcome").map(str::to_owned),
            })
        };
        parked().ok_or_else(|| self.no_item("a parked event"))
    }
}

/// Items by their keys, from each table.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct BatchGet {
    request_items: BTreeMap<String, Keys>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Keys {
    keys: Vec<Item>,
    #[serde(default)]
    consistent_read: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BatchGot {
    responses: BTreeMap<String, Vec<Item>>,
    #[serde(default)]
    unprocessed_keys: BTreeMap<String, Keys>,
}

fn partition(day: &str) -> String {
    format!("parked#{day}")
}

/// The days from one back to the first that can hold something live.
fn days_back(from: Timestamp, now: Timestamp) -> impl Iterator<Item = String> {
    let first = now.minus(KEPT).day();
    std::iter::successors(Some(from), |day| Some(day.minus(DAY)))
        .map(Timestamp::day)
        .take_while(move |day| *day >= first)
}
