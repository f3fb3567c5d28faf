//! Insights in the table: counts repeats, clears pending work, upgrades, and reads insights with their repeats, which
//! the claims count.
//!
//! Never: overwrites an insight that is not degraded, or creates an incomplete item by updating an absent one.

use std::collections::{BTreeSet, HashMap};

use futures_util::future::{try_join, try_join_all};
use portend_core::alert::{AlertKey, InsightKey};
use portend_core::insight::StoredInsight;
use portend_core::store::{ClaimState, CommitRequest, Release, Repeat, RepeatRequest, StoreError, Todo};
use portend_core::time::Timestamp;

use super::DynamoDb;
use super::attribute::{Attribute, Item, is_live, number, secs, text};
use super::claims::{UpdateResult, release};
use super::item::{
    alert_key_of, attributes, claim_item_key, claim_row, claimed_key_of, insight_item_key, insight_of,
    insight_sk, insights_pk, todo_attributes, todo_of,
};
use super::request::{BatchGet, Get, Update, WantedItems};
use crate::limits::ITEMS_AT_ONCE;

/// Fields that an upgrade does not overwrite, because repeats are counted at the same time.
const COUNTED: [&str; 2] = ["occurrences", "last_seen"];

/// Whether a read sees every write that was acknowledged before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadConsistency {
    Strong,
    Eventual,
}

/// The repeats of insights, as their claims count them: the occurrences, and the time of the latest.
pub(super) struct Repeats(HashMap<AlertKey, (u64, Option<Timestamp>)>);

impl Repeats {
    /// Adds its repeats to the insight of this item.
    pub(super) fn join(&self, item: &Item, insight: StoredInsight) -> StoredInsight {
        match alert_key_of(item).and_then(|key| self.0.get(&key)) {
            Some((occurrences, last_seen)) => insight.with_repeats(*occurrences, *last_seen),
            None => insight,
        }
    }
}

/// Counts the repeat on the claim, and reads the insight at the same time.
pub(super) async fn repeat(store: &DynamoDb, request: &RepeatRequest) -> Result<Option<Repeat>, StoreError> {
    let update = store
        .update_claim(
            request.alert_key,
            "SET occurrences = if_not_exists(occurrences, :one) + :one, last_seen = :seen",
        )
        .only_if(
            "#state = :done AND #ttl >= :now AND insight_pk = :pk AND insight_sk = :sk \
             AND (attribute_not_exists(last_seen) OR last_seen < :seen)",
        )
        .with(":pk", text(insights_pk(request.insight_key.entity_id())))
        .with(":sk", text(insight_sk(&request.insight_key)))
        .with(":now", secs(request.now))
        .with(":done", text(ClaimState::Done.code()))
        .with(":one", number(1))
        .with(":seen", text(request.seen.to_string()))
        .returning_item();
    let count = store.update(&update);
    let read = store.get_insight_of(&request.insight_key, request.alert_key, request.now);
    let (counted, item) = try_join(count, read).await?;
    let Some(item) = item else { return Ok(None) };
    let claim = match counted {
        UpdateResult::Done(claim) => Some(claim),
        UpdateResult::Refused(claim) => claim,
    };
    let mut insight = store.insight_of(&item)?;
    if let Some(row) = claim.as_ref().and_then(claim_row) {
        insight = insight.with_repeats(row.occurrences, row.last_seen);
    }
    Ok(Some(Repeat { insight, todo: todo_of(&item) }))
}

pub(super) async fn clear_todo(
    store: &DynamoDb,
    key: &InsightKey,
    run: &str,
    todo: Todo,
) -> Result<(), StoreError> {
    let update = async |is_degraded| {
        let next = todo.after(is_degraded);
        let update = store.update_insight(
            key,
            match next {
                None => "REMOVE todo, todo_day",
                Some(_) => "SET todo = :next",
            },
        );
        let update = update
            .only_if("todo = :todo AND #run = :run AND degraded = :degraded")
            .with(":todo", text(todo.code()))
            .with(":run", text(run))
            .with(":degraded", Attribute::Bool(is_degraded));
        let update = match next {
            None => update,
            Some(next) => update.with(":next", text(next.code())),
        };
        store.update(&update).await
    };
    // Few published insights are degraded, so the first update nearly always succeeds.
    let likely = todo == Todo::Upgrade;
    if let UpdateResult::Refused(Some(old)) = update(likely).await?
        && todo_of(&old) == Some(todo)
    {
        update(!likely).await?;
    }
    Ok(())
}

pub(super) async fn insight(
    store: &DynamoDb,
    key: &InsightKey,
    now: Timestamp,
) -> Result<Option<StoredInsight>, StoreError> {
    match store.get_insight(key, now).await? {
        Some(item) => store.joined_one(item).await.map(Some),
        None => Ok(None),
    }
}

pub(super) async fn commit_upgrade(
    store: &DynamoDb,
    request: &CommitRequest<'_>,
) -> Result<Option<StoredInsight>, StoreError> {
    let CommitRequest { lease, insight, now, .. } = *request;
    let item = store.get_insight_of(insight.key(), lease.alert_key, now).await?;
    let Some(item) = item else { return Ok(None) };
    let stored = store.insight_of(&item)?;
    let item = if stored.is_degraded() {
        let upgraded = stored.upgraded(insight);
        // An unpublished insight still has to be published.
        let todo = request.todo.or(todo_of(&item).filter(|todo| *todo == Todo::Notify));
        match store.update(&upgrade(store, insight.key(), &upgraded, todo)).await? {
            UpdateResult::Done(item) => Some(item),
            UpdateResult::Refused(old) => old.filter(|item| is_live(item, now)),
        }
    } else {
        Some(item)
    };
    let stored = item.as_ref().and_then(insight_of);
    if let Some(fields) = stored.as_ref().and_then(StoredInsight::current) {
        store.judge_entity(insight, fields, now).await?;
    }
    release(store, lease, Release::at(Timestamp::EPOCH)).await?;
    match item {
        Some(item) => store.joined_one(item).await.map(Some),
        None => Ok(None),
    }
}

/// The optional fields of an insight that an upgrade may remove. None of them is a reserved word of DynamoDB.
const OPTIONAL: [&str; 6] =
    ["degraded_by", "disagreement", "calibrated", "points_version", "unknowns", "conflicts"];

/// The update that replaces the fields of a degraded insight.
fn upgrade(store: &DynamoDb, key: &InsightKey, upgraded: &StoredInsight, todo: Option<Todo>) -> Update {
    let mut fields = attributes(upgraded);
    fields.retain(|name, _| !COUNTED.contains(&name.as_str()));
    fields.extend(todo_attributes(todo, upgraded.timestamp()));
    let set: Vec<_> = (0..fields.len()).map(|index| format!("#f{index} = :f{index}")).collect();
    let pending: &[&str] = if todo.is_none() { &["todo", "todo_day"] } else { &[] };
    // A field that the upgraded insight does not have would otherwise be left over from the degraded one.
    let absent = OPTIONAL.iter().filter(|name| !fields.contains_key(**name));
    let removed: Vec<_> = pending.iter().chain(absent).copied().collect();
    let rest = if removed.is_empty() { String::new() } else { format!(" REMOVE {}", removed.join(", ")) };
    let update = store.update_insight(key, &format!("SET {}{rest}", set.join(", ")));
    let update = fields.into_iter().enumerate().fold(update, |update, (index, (name, value))| {
        update.named(&format!("#f{index}"), name).with(&format!(":f{index}"), value)
    });
    update.only_if("degraded = :degraded").with(":degraded", Attribute::Bool(true)).returning_item()
}

impl DynamoDb {
    pub(super) async fn get_insight(
        &self,
        key: &InsightKey,
        now: Timestamp,
    ) -> Result<Option<Item>, StoreError> {
        let get = Get { table_name: self.table.clone(), key: insight_item_key(key), consistent_read: true };
        let found = self.call(&get).await.map_err(|failure| self.error(&failure))?;
        Ok(found.item.filter(|item| is_live(item, now)))
    }

    /// Reads an insight if it belongs to this alert. If the keys of two alerts begin with the same digits, the second
    /// insight has a longer key.
    pub(super) async fn get_insight_of(
        &self,
        key: &InsightKey,
        owner: AlertKey,
        now: Timestamp,
    ) -> Result<Option<Item>, StoreError> {
        let item = self.get_insight(key, now).await?;
        Ok(item.filter(|item| alert_key_of(item) == Some(owner)))
    }

    /// Reads an item as an insight, with the repeats that its claim counts. It is one operation of the pipeline, which
    /// retries it.
    pub(super) async fn joined_one(&self, item: Item) -> Result<StoredInsight, StoreError> {
        let insight = self.insight_of(&item)?;
        let Some(alert_key) = alert_key_of(&item) else { return Ok(insight) };
        let key = claim_item_key(alert_key);
        let get = Get { table_name: self.table.clone(), key, consistent_read: true };
        let claim = self.call(&get).await.map_err(|failure| self.error(&failure))?.item;
        let row = claim.as_ref().and_then(claim_row);
        Ok(match row {
            Some(row) => insight.with_repeats(row.occurrences, row.last_seen),
            None => insight,
        })
    }

    /// The repeats of these insights, from their claims.
    pub(super) async fn repeats(
        &self,
        items: &[Item],
        consistency: ReadConsistency,
    ) -> Result<Repeats, StoreError> {
        let keys: BTreeSet<_> = items.iter().filter_map(alert_key_of).collect();
        let claims = self.read_items(keys.into_iter().map(claim_item_key).collect(), consistency).await?;
        let counted = claims.iter().filter_map(|item| Some((claimed_key_of(item)?, claim_row(item)?)));
        Ok(Repeats(counted.map(|(key, row)| (key, (row.occurrences, row.last_seen))).collect()))
    }

    /// Reads the items with these keys that exist, in any order.
    pub(super) async fn read_items(
        &self,
        keys: Vec<Item>,
        consistency: ReadConsistency,
    ) -> Result<Vec<Item>, StoreError> {
        let chunks = keys.chunks(ITEMS_AT_ONCE).map(|keys| self.read_batch(keys, consistency));
        Ok(try_join_all(chunks).await?.into_iter().flatten().collect())
    }

    /// Reads one batch. DynamoDB returns at most 16 MB, and less if it lacks capacity, so the rest is requested again.
    async fn read_batch(&self, keys: &[Item], consistency: ReadConsistency) -> Result<Vec<Item>, StoreError> {
        let (mut items, mut keys) = (Vec::new(), keys.to_vec());
        while !keys.is_empty() {
            let wanted = keys.len();
            let request = BatchGet {
                request_items: [(
                    self.table.clone(),
                    WantedItems { keys, consistent_read: consistency == ReadConsistency::Strong },
                )]
                .into(),
            };
            let mut batch = self.page(&request).await?;
            keys = batch.unprocessed_keys.remove(&self.table).unwrap_or_default().keys;
            if keys.len() == wanted {
                return Err(self.busy("it returned none of the requested items"));
            }
            items.extend(batch.responses.into_values().flatten());
        }
        Ok(items)
    }

    fn update_insight(&self, key: &InsightKey, expression: &str) -> Update {
        Update::new(&self.table, insight_item_key(key), expression)
    }

    /// Reads an item as an insight.
    pub(super) fn insight_of(&self, item: &Item) -> Result<StoredInsight, StoreError> {
        insight_of(item).ok_or_else(|| self.unreadable_item("an insight"))
    }
}
