//! Loads what insights said and what happened afterwards, and keeps the rows that outlive the insights.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::Result;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use portend_core::alert_type::{AlertType, AlertTypes};
use portend_core::calibration::{CalibrationMap, CalibrationMaps};
use portend_core::limits::PAGE_MAX;
use portend_core::outcome::OutcomeRow;
use portend_core::store::{EvaluationRow, InsightQuery, Outcomes, Queries, StoreError};
use portend_core::time::Timestamp;
use portend_eval::join::{Cutoff, InsightClaim, OutcomeIndex};
use portend_sqlite::Sqlite;

use super::insights::{open_existing, open_file};
use crate::any_store::AnyStore;
use crate::config::{Config, StoreName};
use crate::show::output::note;

/// Entities whose outcomes are read at the same time.
const ENTITIES_READ_AT_ONCE: usize = 16;
/// Rows that are stored at once.
pub(super) const ROWS_STORED_AT_ONCE: usize = 500;

/// What insights said, and what happened.
pub(super) struct OutcomeEvidence {
    pub(super) rows: Vec<EvaluationRow>,
    pub(super) outcomes: OutcomeIndex,
    pub(super) maps: CalibrationMaps,
}

/// Opens an existing store for writing.
pub(super) async fn open_writable(config: &Config, now: Timestamp) -> Result<AnyStore> {
    if let StoreName::File(file) = &config.store {
        // This reports a missing file, which opening for writing would create.
        drop(open_file(file)?);
        return Ok(AnyStore::Sqlite(Arc::new(Sqlite::open(file, now)?)));
    }
    open_existing(config).await
}

/// Loads the evidence of one alert type, or of all.
pub(super) async fn load(
    store: &AnyStore,
    types: &AlertTypes,
    alert_type: Option<&str>,
    since: Option<Timestamp>,
    now: Timestamp,
) -> Result<OutcomeEvidence> {
    let mut rows: BTreeMap<String, EvaluationRow> = BTreeMap::new();
    let from = since.unwrap_or(Timestamp::EPOCH);
    for each in types.iter().filter(|each| alert_type.is_none_or(|id| id == each.id())) {
        let kept = store.evaluations(each.id(), from, now).await?;
        rows.extend(kept.into_iter().map(|row| (row.alert_id.clone(), row)));
    }
    let mut query = InsightQuery {
        alert_type: alert_type.map(str::to_owned),
        limit: PAGE_MAX,
        ..InsightQuery::default()
    };
    loop {
        let page = store.insights(&query, now).await?;
        for insight in &page.insights {
            let y = rows.get(insight.alert_id()).and_then(|row| row.y);
            rows.extend(EvaluationRow::of(insight, y).map(|row| (row.alert_id.clone(), row)));
        }
        query.after = page.next;
        if query.after.is_none() {
            break;
        }
    }
    let rows: Vec<EvaluationRow> = rows.into_values().filter(|row| row.t0 >= from).collect();
    let entities: BTreeSet<(&str, &str)> =
        rows.iter().map(|row| (row.entity_type.as_str(), row.entity_id.as_str())).collect();
    let outcomes = outcomes_of(store, types, &entities, now).await?;
    let stored = store.maps(now).await?;
    let of_types = types.iter().filter_map(|each| each.map().cloned());
    let maps = CalibrationMaps::new(of_types).followed_by(stored);
    Ok(OutcomeEvidence { outcomes: OutcomeIndex::new(&outcomes), rows, maps })
}

/// What happened to these entities, and what censuses say.
pub(super) async fn outcomes_of(
    store: &AnyStore,
    types: &AlertTypes,
    entities: &BTreeSet<(&str, &str)>,
    now: Timestamp,
) -> Result<Vec<OutcomeRow>, StoreError> {
    let kinds: BTreeSet<&str> = types.iter().map(AlertType::entity).collect();
    let mut rows = Vec::new();
    for kind in kinds {
        rows.extend(store.outcomes_of(kind, None, now).await?);
    }
    let reads = entities.iter().map(|(kind, id)| store.outcomes_of(kind, Some(id), now));
    let mut reads = stream::iter(reads).buffered(ENTITIES_READ_AT_ONCE);
    while let Some(of_entity) = reads.try_next().await? {
        rows.extend(of_entity);
    }
    Ok(rows)
}

impl OutcomeEvidence {
    /// Stores the rows whose horizon is over, with what is known, so that they outlive their insights.
    pub(super) async fn keep(&self, store: &AnyStore, cutoff: Cutoff, now: Timestamp) {
        let due = self.rows.iter().filter(|row| row.t0.plus(row.horizon()) <= cutoff.now).filter_map(|row| {
            let y = self.outcomes.state(&claim_of(row), cutoff).event();
            // What was known once stays known after its outcome has expired.
            (y.is_some() && y != row.y).then(|| EvaluationRow { y, ..row.clone() })
        });
        let due: Vec<EvaluationRow> = due.collect();
        for rows in due.chunks(ROWS_STORED_AT_ONCE) {
            if let Err(error) = store.put_evaluations(rows, now).await {
                note(&format!(
                    "the evaluation rows are not stored: {error}; the next evaluation stores them"
                ));
                return;
            }
        }
    }

    /// The map for a row's score.
    pub(super) fn map(&self, row: &EvaluationRow) -> Option<&CalibrationMap> {
        self.maps.get(&row.source)
    }
}

/// A row as a claim that an outcome judges.
pub(super) fn claim_of(row: &EvaluationRow) -> InsightClaim {
    let is_model = row.source.model_id.is_some();
    InsightClaim {
        alert_id: row.alert_id.clone(),
        entity_type: row.entity_type.clone(),
        entity_id: row.entity_id.clone(),
        predicts: row.predicts.clone(),
        t0: row.t0,
        horizon: row.horizon(),
        score: row.score.get(),
        baseline: is_model.then(|| row.baseline.get()),
    }
}
