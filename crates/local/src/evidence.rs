//! Loads what insights said and what happened afterwards, and keeps the rows that outlive the insights.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::try_join_all;
use portend_core::alert_type::{AlertType, AlertTypes};
use portend_core::calibration::{CalibrationMap, CalibrationMaps, ScoreSource};
use portend_core::insight::InsightFields;
use portend_core::limits::{ENTITIES_READ_AT_ONCE, PAGE_MAX};
use portend_core::number::Number;
use portend_core::outcome::OutcomeRow;
use portend_core::store::{EvaluationRow, InsightQuery, Outcomes, Queries, StoreError};
use portend_core::time::Timestamp;
use portend_eval::join::{Cutoff, InsightClaim, OutcomeIndex};

use crate::any_store::AnyStore;
use crate::show::output::note;

/// Rows that are stored at once.
pub(crate) const ROWS_STORED_AT_ONCE: usize = 500;

/// What insights said, and what happened.
pub(crate) struct OutcomeEvidence {
    pub(crate) rows: Vec<EvaluationRow>,
    pub(crate) outcomes: OutcomeIndex,
    pub(crate) maps: CalibrationMaps,
    /// How the insights that are still stored were made.
    pub(crate) conduct: BTreeMap<ScoreSource, ScoreConduct>,
}

/// How a set of insights was made.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ScoreConduct {
    /// The insights.
    pub(crate) insights: u64,
    /// Those with a number that no fact supports.
    pub(crate) unsupported: u64,
    /// Those with a reply that could not be used.
    pub(crate) unusable: u64,
    /// What all calls have cost, in US dollars, as far as it is known.
    pub(crate) cost_usd: f64,
}

/// Loads the evidence of one alert type, or of all.
pub(crate) async fn load(
    store: &AnyStore,
    types: &AlertTypes,
    alert_type: Option<&str>,
    since: Option<Timestamp>,
    now: Timestamp,
) -> Result<OutcomeEvidence, StoreError> {
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
    let mut conduct: BTreeMap<ScoreSource, ScoreConduct> = BTreeMap::new();
    loop {
        let page = store.insights(&query, now).await?;
        for insight in &page.insights {
            if let Some(fields) = insight.current().filter(|fields| fields.alert_timestamp >= from) {
                conduct.entry(fields.score_source()).or_default().add(fields);
            }
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
    Ok(OutcomeEvidence { outcomes: OutcomeIndex::new(&outcomes), rows, maps, conduct })
}

/// What happened to these entities, and what censuses say.
pub(crate) async fn outcomes_of(
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
    let entities: Vec<&(&str, &str)> = entities.iter().collect();
    for some in entities.chunks(ENTITIES_READ_AT_ONCE) {
        let reads = some.iter().map(|(kind, id)| store.outcomes_of(kind, Some(id), now));
        rows.extend(try_join_all(reads).await?.into_iter().flatten());
    }
    Ok(rows)
}

impl ScoreConduct {
    fn add(&mut self, fields: &InsightFields) {
        let is_unsupported = fields.grounding.as_ref().is_some_and(|report| !report.unsupported.is_empty());
        let is_unusable = fields.attempts.iter().any(|attempt| attempt.violations.is_some());
        self.insights += 1;
        self.unsupported += u64::from(is_unsupported);
        self.unusable += u64::from(is_unusable);
        self.cost_usd +=
            fields.attempts.iter().filter_map(|attempt| attempt.cost_usd).map(Number::get).sum::<f64>();
    }
}

impl OutcomeEvidence {
    /// Stores the rows whose horizon is over, with what is known, so that they outlive their insights.
    pub(crate) async fn keep(&self, store: &AnyStore, cutoff: Cutoff, now: Timestamp) {
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
    pub(crate) fn map(&self, row: &EvaluationRow) -> Option<&CalibrationMap> {
        self.maps.get(&row.source)
    }
}

/// A row as a claim that an outcome judges.
pub(crate) fn claim_of(row: &EvaluationRow) -> InsightClaim {
    row.claim()
}
