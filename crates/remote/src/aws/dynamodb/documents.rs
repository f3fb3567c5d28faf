//! Documents that outlive insights: an item for each, with its JSON as the attribute `document`.
//!
//! A removed document expires at once, so that no permission to delete is needed.

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use portend_core::store::{Document, StoreError};
use portend_core::time::Timestamp;
use serde_json::Value;

use super::DynamoDb;
use super::attribute::{Item, from_json, is_live, number_of, secs, text_of, to_json};
use super::claims::UpdateResult;
use super::request::{ItemQuery, Update, item_key};
use crate::limits::DOCUMENTS_PUT_AT_ONCE;

pub(super) async fn put(store: &DynamoDb, documents: &[Document]) -> Result<(), StoreError> {
    // Of two documents with the same key, the later one counts.
    let latest: BTreeMap<(&str, &str), &Document> =
        documents.iter().map(|each| ((each.pk.as_str(), each.sk.as_str()), each)).collect();
    let update = |document: &&Document| {
        let body: Value = serde_json::from_str(&document.body).unwrap_or_default();
        let key = item_key(&document.pk, &document.sk);
        Update::new(&store.table, key, "SET #document = :document, #ttl = :ttl")
            .with(":document", from_json(body))
            .with(":ttl", secs(document.expires_at))
    };
    let updates: Vec<Update> = latest.values().map(update).collect();
    // They can be repeated, so temporary failures are retried.
    let puts = updates.into_iter().map(|update| async move { store.page(&update).await.map(drop) });
    stream::iter(puts).buffer_unordered(DOCUMENTS_PUT_AT_ONCE).try_collect().await
}

pub(super) async fn remove(store: &DynamoDb, pk: &str, sk: &str, now: Timestamp) -> Result<bool, StoreError> {
    let update = Update::new(&store.table, item_key(pk, sk), "SET #ttl = :gone REMOVE #document")
        .only_if("attribute_exists(#document) AND #ttl >= :now")
        .with(":gone", secs(Timestamp::EPOCH))
        .with(":now", secs(now));
    Ok(matches!(store.update(&update).await?, UpdateResult::Done(_)))
}

pub(super) async fn documents(
    store: &DynamoDb,
    pk: &str,
    now: Timestamp,
) -> Result<Vec<Document>, StoreError> {
    let mut query = ItemQuery::of(&store.table, "pk", pk).oldest_first().consistently("sk, #document, #ttl");
    let mut found = Vec::new();
    loop {
        let page = store.page(&query).await?;
        let live = page.items.iter().filter(|item| is_live(item, now));
        found.extend(live.filter_map(|item| store.readable(document_of(pk, item))));
        if page.last_evaluated_key.is_none() {
            return Ok(found);
        }
        query.exclusive_start_key = page.last_evaluated_key;
    }
}

pub(super) fn document_of(pk: &str, item: &Item) -> Option<Document> {
    Some(Document {
        pk: pk.to_owned(),
        sk: text_of(item, "sk")?.to_owned(),
        body: to_json(item.get("document")?)?.to_string(),
        expires_at: Timestamp::from_secs(number_of(item, "ttl")?),
    })
}
