//! The sweep's work on entities: it records recoveries, and makes the rows that a program of an earlier version did not
//! write.
//!
//! Never: changes a row that another writer has changed since it was read; the next sweep looks again.

use std::collections::BTreeSet;

use super::{Failure, Run, SweepEvent};
use crate::clock::Clock;
use crate::entity::{EntityKey, EntityRow, EntityState};
use crate::insight::{Insight, StoredInsight};
use crate::limits::{NOTIFY_TIME_MIN, PAGE_MAX, SWEEP_PAGE};
use crate::model::Model;
use crate::notify::Notifier;
use crate::store::{InsightQuery, Store, entity_with_insights};
use crate::time::Timestamp;

impl<S: Store, C: Clock, M: Model, N: Notifier> Run<'_, S, C, M, N> {
    /// Closes the open entities that have recovered. Each is reported once, by whoever wrote it. Returns whether all were
    /// looked at.
    pub(super) async fn recover_entities(
        &mut self,
        observe: &mut impl FnMut(&SweepEvent),
    ) -> Result<bool, Failure> {
        let mut after = None;
        loop {
            let page = self.open_entities(after.as_ref(), SWEEP_PAGE).await?;
            let Some(last) = page.last() else { return Ok(true) };
            after = Some(last.place());
            for row in &page {
                let Some(recovered) = row.recovered(self.now()) else { continue };
                if !self.has(NOTIFY_TIME_MIN) {
                    return Ok(false);
                }
                if self.write_entity(&recovered).await? {
                    self.notify_recovery(&recovered).await;
                    observe(&SweepEvent::Recovered(Box::new(recovered)));
                }
            }
            if page.len() < SWEEP_PAGE {
                return Ok(true);
            }
        }
    }

    /// Says that an entity has recovered, if this insight's healthy facts have ended its trouble. The row is read only for
    /// healthy facts.
    pub(super) async fn notify_healthy(&mut self, insight: &Insight) {
        if !self.pipeline.notifies() || !insight.is_healthy() || !self.has(NOTIFY_TIME_MIN) {
            return;
        }
        let at = insight.fields().alert_timestamp;
        let row = self.pipeline.store.entity(&insight.entity_key(), self.now()).await;
        // Without the row nothing is said. It was in trouble if another judgement came before this one.
        let was_in_trouble = |row: &EntityRow| {
            row.state == EntityState::Recovered
                && row.recovered_at == Some(at)
                && row.judgements.values().any(|each| !each.healthy || each.previous.is_some())
        };
        if let Some(row) = row.ok().flatten().filter(was_in_trouble) {
            self.notify_recovery(&row).await;
        }
    }

    /// Writes the rows of entities that an earlier version's insights are about, once in the life of a store. Returns
    /// whether that is done.
    pub async fn rebuild_entities(&mut self) -> Result<bool, Failure> {
        if self.pipeline.store.are_entities_complete().await? {
            return Ok(true);
        }
        let mut query = InsightQuery { limit: PAGE_MAX, ..InsightQuery::default() };
        let mut done: BTreeSet<EntityKey> = BTreeSet::new();
        loop {
            let page = self.pipeline.store.insights(&query, self.now()).await?;
            for key in page.insights.iter().filter_map(StoredInsight::entity_key) {
                if done.contains(&key) {
                    continue;
                }
                if !self.has(NOTIFY_TIME_MIN) {
                    return Ok(false);
                }
                self.rebuild_entity(&key).await?;
                done.insert(key);
            }
            query.after = page.next;
            if query.after.is_none() {
                self.pipeline.store.set_entities_complete().await?;
                return Ok(true);
            }
        }
    }

    async fn rebuild_entity(&self, key: &EntityKey) -> Result<(), Failure> {
        let (pipeline, now) = (self.pipeline, self.now());
        let row = pipeline.store.entity(key, now).await?;
        let all = Timestamp::from_millis(i64::MAX);
        let rebuilt =
            entity_with_insights(&pipeline.store, &pipeline.types, key, row.clone(), all, now).await?;
        let Some(rebuilt) = rebuilt.filter(|rebuilt| Some(rebuilt) != row.as_ref()) else { return Ok(()) };
        let version = row.map_or(0, |row| row.version) + 1;
        // If another writer was first, that was an alert, whose commit has written its own judgement.
        self.write_entity(&EntityRow { version, ..rebuilt }).await?;
        Ok(())
    }
}
