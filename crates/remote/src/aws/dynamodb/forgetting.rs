//! Forgets an entity: reads the whole table, and deletes every item about it. This is slow and rare.
//!
//! | item      | `pk`        | `sk`                | attributes |
//! |-----------|-------------|---------------------|------------|
//! | forgotten | `forgotten` | hash of the entity  | `at`       |
//!
//! All hashes are in one partition, so that a process reads them at once, and again only after some minutes.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use portend_core::entity::EntityKey;
use portend_core::limits::{PAGE_MAX, RETENTION};
use portend_core::store::{ForgetCounts, ForgetRequest, StoreError, event_mentions, mentions};
use portend_core::time::Timestamp;

use super::DynamoDb;
use super::attribute::{Attribute, Item, is_live, secs, text, text_of, time_of};
use super::documents::document_of;
use super::entities::entity_item_key;
use super::item::{insights_pk, key_of};
use super::request::{Delete, ItemQuery, TableScan, Update, item_key};
use crate::limits::{FORGOTTEN_CACHE_TIME, PARTITIONS_READ_AT_ONCE};

/// The partition of the hashes.
const FORGOTTEN: &str = "forgotten";

/// The hashes of forgotten entities, as they were at a time.
#[derive(Debug, Default)]
pub(super) struct ForgottenCache {
    read_at: Option<Timestamp>,
    hashes: BTreeMap<String, Timestamp>,
}

/// The ids of an entity's insights, and the runs that made them.
#[derive(Debug, Default)]
struct InsightsOfEntity {
    ids: BTreeSet<String>,
    runs: BTreeSet<String>,
}

/// What kind of item is to be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ItemKind {
    Insight,
    Claim,
    Feedback,
    Parked,
    Other,
}

pub(super) async fn forget(store: &DynamoDb, request: &ForgetRequest) -> Result<ForgetCounts, StoreError> {
    // First, so that nothing is stored again in between.
    let key = item_key(FORGOTTEN, request.entity.forgotten_hash());
    let update = Update::new(&store.table, key, "SET #at = :at, #ttl = :ttl")
        .with(":at", text(request.now.to_string()))
        .with(":ttl", secs(request.now.plus(RETENTION)));
    store.update(&update).await?;
    let its = store.insights_of(request).await?;
    let mut counts = ForgetCounts::default();
    let mut scan =
        TableScan { table_name: store.table.clone(), consistent_read: true, exclusive_start_key: None };
    loop {
        let page = store.page(&scan).await?;
        let about = page.items.iter().filter_map(|item| Some((kind(item, request, &its)?, key_of(item)?)));
        let about: Vec<(ItemKind, Item)> = about.collect();
        for (kind, _) in &about {
            *match kind {
                ItemKind::Insight => &mut counts.insights,
                ItemKind::Claim => &mut counts.claims,
                ItemKind::Feedback => &mut counts.feedback,
                ItemKind::Parked => &mut counts.parked,
                ItemKind::Other => &mut counts.others,
            } += 1;
        }
        let deletes = about.into_iter().map(|(_, key)| store.delete(key));
        stream::iter(deletes).buffer_unordered(PARTITIONS_READ_AT_ONCE).try_collect::<Vec<()>>().await?;
        let Some(last) = page.last_evaluated_key else { return Ok(counts) };
        scan.exclusive_start_key = Some(last);
    }
}

/// What the item is, if it is about the entity.
fn kind(item: &Item, request: &ForgetRequest, its: &InsightsOfEntity) -> Option<ItemKind> {
    let InsightsOfEntity { ids, runs } = its;
    let (pk, entity) = (text_of(item, "pk")?, &request.entity);
    let insights = insights_pk(&entity.entity_id);
    let is_type = |alert_type: Option<&str>| {
        alert_type.is_none_or(|alert_type| request.alert_types.iter().any(|each| each == alert_type))
    };
    let is_feedback = || pk.strip_prefix("feedback#").is_some_and(|id| ids.contains(id));
    let is_parked = || {
        let event = match item.get("event") {
            Some(Attribute::B(event)) => event.as_slice(),
            Some(_) | None => text_of(item, "event").unwrap_or_default().as_bytes(),
        };
        event_mentions(event, &entity.entity_id)
            || text_of(item, "message").is_some_and(|message| mentions(message, &entity.entity_id))
    };
    let is_its = || {
        let outcome = format!("outcome#{}#{}", entity.entity_type, entity.entity_id);
        let is_document =
            || document_of(pk, item).is_some_and(|document| document.is_about(entity, |id| ids.contains(id)));
        let is_named = text_of(item, "entity_type") == Some(&entity.entity_type)
            && text_of(item, "entity_id") == Some(&entity.entity_id);
        let is_answer = || {
            pk.starts_with("answer#")
                && (text_of(item, "run").is_some_and(|run| runs.contains(run))
                    || text_of(item, "reply").is_some_and(|reply| mentions(reply, &entity.entity_id)))
        };
        is_answer()
            || pk == outcome
            || is_named
            || is_document()
            || entity_item_key(entity).get("pk") == item.get("pk")
    };
    if pk == insights {
        is_type(text_of(item, "prediction_type")).then_some(ItemKind::Insight)
    } else if pk.starts_with("claim#") {
        let sk = text_of(item, "insight_sk").and_then(|sk| sk.split('#').nth(1));
        (text_of(item, "insight_pk") == Some(&insights) && is_type(sk)).then_some(ItemKind::Claim)
    } else if pk.starts_with("feedback#") {
        is_feedback().then_some(ItemKind::Feedback)
    } else if pk.starts_with("parked#") {
        is_parked().then_some(ItemKind::Parked)
    } else {
        is_its().then_some(ItemKind::Other)
    }
}

pub(super) async fn forgotten_at(
    store: &DynamoDb,
    entity: &EntityKey,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let hash = entity.forgotten_hash();
    let is_fresh = |read_at: Timestamp| now >= read_at && now < read_at.plus(FORGOTTEN_CACHE_TIME);
    let cached = || {
        let cache = store.forgotten();
        cache.read_at.is_some_and(is_fresh).then(|| cache.hashes.get(&hash).copied())
    };
    if let Some(at) = cached() {
        return Ok(at);
    }
    // The events of a batch start together; one of them reads the list for all.
    let _reading = store.forgotten_reader.lock().await;
    if let Some(at) = cached() {
        return Ok(at);
    }
    let mut query = ItemQuery::of(&store.table, "pk", FORGOTTEN);
    query.limit = PAGE_MAX;
    let mut hashes = BTreeMap::new();
    loop {
        // This is on the path of an event, which has its own retries.
        let page = store.call(&query).await.map_err(|failure| store.error(&failure))?;
        let live = page.items.iter().filter(|item| is_live(item, now));
        hashes.extend(live.filter_map(|item| Some((text_of(item, "sk")?.to_owned(), time_of(item, "at")?))));
        query.exclusive_start_key = page.last_evaluated_key;
        if query.exclusive_start_key.is_none() {
            break;
        }
    }
    let at = hashes.get(&hash).copied();
    *store.forgotten() = ForgottenCache { read_at: Some(now), hashes };
    Ok(at)
}

impl DynamoDb {
    async fn insights_of(&self, request: &ForgetRequest) -> Result<InsightsOfEntity, StoreError> {
        let mut query = ItemQuery::of(&self.table, "pk", insights_pk(&request.entity.entity_id))
            .consistently("alert_id, #run, #ttl");
        let mut its = InsightsOfEntity::default();
        loop {
            let page = self.page(&query).await?;
            let texts =
                |name| page.items.iter().filter_map(move |item| text_of(item, name).map(str::to_owned));
            its.ids.extend(texts("alert_id"));
            its.runs.extend(texts("run"));
            if page.last_evaluated_key.is_none() {
                return Ok(its);
            }
            query.exclusive_start_key = page.last_evaluated_key;
        }
    }

    async fn delete(&self, key: Item) -> Result<(), StoreError> {
        let delete = Delete { table_name: self.table.clone(), key };
        self.page(&delete).await.map(drop)
    }
}
