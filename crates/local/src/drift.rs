//! Whether the alerts and the scores of an alert type have changed between two periods, by entities and not by alerts.

use std::collections::BTreeMap;

use portend_core::alert::Facts;
use portend_core::alert_type::{AlertType, FactValue};
use portend_core::insight::{InsightFields, StoredInsight};
use portend_core::limits::PAGE_MAX;
use portend_core::number::Number;
use portend_core::store::{InsightQuery, Parking, Queries, StoreError};
use portend_core::time::Timestamp;
use portend_eval::drift::{BinnedEntities, DriftSample, DriftTest, is_enough, test_together};
use serde::Serialize;

use crate::any_store::AnyStore;

/// What changed in one alert type.
#[derive(Debug, Serialize)]
pub(crate) struct DriftReport {
    #[serde(rename = "type")]
    pub(crate) alert_type: String,
    /// `drift`, `none` or `too_few`.
    pub(crate) status: &'static str,
    /// Entities in the recent period.
    pub(crate) recent: usize,
    /// Entities in the period before it.
    pub(crate) reference: usize,
    pub(crate) facts: Vec<FactDrift>,
    pub(crate) score: Option<DriftTest>,
    /// Shares of the insights now and before.
    pub(crate) shares: BTreeMap<&'static str, [Option<f64>; 2]>,
}

#[derive(Debug, Serialize)]
pub(crate) struct FactDrift {
    pub(crate) fact: String,
    #[serde(flatten)]
    pub(crate) test: DriftTest,
}

/// The insights of one alert type in both periods.
#[derive(Default)]
struct Periods {
    /// The latest insight of each entity.
    latest: BTreeMap<(bool, String), Box<InsightFields>>,
    /// Insights, and those of them with each property.
    counts: [BTreeMap<&'static str, usize>; 2],
}

const SHARES: [&str; 4] = ["fallback", "degraded", "unusable", "unsupported"];

/// Compares the recent period, from `since` to `end`, with the one before it, from `from`.
pub(crate) async fn drift(
    store: &AnyStore,
    alert_type: &AlertType,
    [from, since, end]: [Timestamp; 3],
    now: Timestamp,
) -> Result<DriftReport, StoreError> {
    Ok(report(alert_type, &periods(store, alert_type, [from, since, end], now).await?))
}

/// Reads the insights of both periods, by the times of their alerts.
async fn periods(
    store: &AnyStore,
    alert_type: &AlertType,
    [from, since, end]: [Timestamp; 3],
    now: Timestamp,
) -> Result<Periods, StoreError> {
    let mut periods = Periods::default();
    let mut query = InsightQuery {
        alert_type: Some(alert_type.id().to_owned()),
        limit: PAGE_MAX,
        ..InsightQuery::default()
    };
    loop {
        let page = store.insights(&query, now).await?;
        for insight in page.insights {
            if let StoredInsight::Current(fields) = insight
                && (from..end).contains(&fields.alert_timestamp)
            {
                periods.add(fields, since);
            }
        }
        query.after = page.next;
        if query.after.is_none() {
            return Ok(periods);
        }
    }
}

/// The share of received events that were parked, now and before. They have no alert type.
pub(crate) async fn parked_shares(
    store: &AnyStore,
    [from, since, end]: [Timestamp; 3],
    now: Timestamp,
) -> Result<[Option<f64>; 2], StoreError> {
    let (mut parked, mut stored) = ([0_u32; 2], [0_u32; 2]);
    let count = |counts: &mut [u32; 2], at: Timestamp| {
        if (from..end).contains(&at)
            && let Some(count) = counts.get_mut(usize::from(at < since))
        {
            *count += 1;
        }
    };
    let mut after = None;
    loop {
        let page = store.parked(after.as_ref(), PAGE_MAX, now).await?;
        page.events.iter().for_each(|event| count(&mut parked, event.received_at));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let mut query = InsightQuery { since: Some(from), limit: PAGE_MAX, ..InsightQuery::default() };
    loop {
        let page = store.insights(&query, now).await?;
        page.insights.iter().for_each(|insight| count(&mut stored, insight.timestamp()));
        query.after = page.next;
        if query.after.is_none() {
            break;
        }
    }
    let share = |parked: u32, stored: u32| {
        let all = parked + stored;
        (all > 0).then(|| f64::from(parked) / f64::from(all))
    };
    let ([parked_now, parked_before], [stored_now, stored_before]) = (parked, stored);
    Ok([share(parked_now, stored_now), share(parked_before, stored_before)])
}

impl Periods {
    fn add(&mut self, fields: Box<InsightFields>, since: Timestamp) {
        let is_recent = fields.alert_timestamp >= since;
        let [recent, reference] = &mut self.counts;
        let counts = if is_recent { recent } else { reference };
        let unsupported = fields.grounding.as_ref().is_some_and(|report| !report.unsupported.is_empty());
        let unusable = fields.attempts.iter().any(|attempt| attempt.violations.is_some());
        let has = [fields.model_used.ends_with("-fallback"), fields.degraded, unusable, unsupported];
        *counts.entry("all").or_default() += 1;
        for (name, has) in SHARES.iter().zip(has) {
            *counts.entry(name).or_default() += usize::from(has);
        }
        let key = (is_recent, fields.entity_id.clone());
        let is_later =
            self.latest.get(&key).is_none_or(|before| fields.alert_timestamp > before.alert_timestamp);
        if is_later {
            self.latest.insert(key, fields);
        }
    }

    fn entities(&self, recent: bool) -> usize {
        self.latest.keys().filter(|(is_recent, _)| *is_recent == recent).count()
    }
}

fn report(alert_type: &AlertType, periods: &Periods) -> DriftReport {
    let (recent, reference) = (periods.entities(true), periods.entities(false));
    let share = |counts: &BTreeMap<&str, usize>, name: &str| {
        let count =
            |name: &str| u32::try_from(counts.get(name).copied().unwrap_or_default()).unwrap_or(u32::MAX);
        (count("all") > 0).then(|| f64::from(count(name)) / f64::from(count("all")))
    };
    let [now, before] = &periods.counts;
    let shares = SHARES.iter().map(|name| (*name, [share(now, name), share(before, name)])).collect();
    let alert_type_id = alert_type.id().to_owned();
    if !is_enough(recent, reference) {
        let (facts, score) = (Vec::new(), None);
        return DriftReport {
            alert_type: alert_type_id,
            status: "too_few",
            recent,
            reference,
            facts,
            score,
            shares,
        };
    }
    let facts: Vec<(String, BinnedEntities)> = alert_type
        .facts()
        .iter()
        .filter_map(|fact| {
            let binned = binned(periods, |fields| bin_of(alert_type, fact.id(), &fields.facts))?;
            Some((fact.id().to_owned(), binned))
        })
        .collect();
    let facts: Vec<FactDrift> =
        test_together(&facts).into_iter().map(|(fact, test)| FactDrift { fact, test }).collect();
    let score = binned(periods, |fields| Some(tens(fields.risk_score)))
        .and_then(|bins| test_together(&[("score".to_owned(), bins)]).pop())
        .map(|(_, test)| test);
    let drifted = facts.iter().any(|fact| fact.test.drift) || score.as_ref().is_some_and(|test| test.drift);
    let status = if drifted { "drift" } else { "none" };
    DriftReport { alert_type: alert_type_id, status, recent, reference, facts, score, shares }
}

/// The entities of both periods by bin. `None` if there is no bin for a fact.
fn binned(periods: &Periods, bin: impl Fn(&InsightFields) -> Option<String>) -> Option<BinnedEntities> {
    let mut binned = BinnedEntities::default();
    for ((is_recent, _), fields) in &periods.latest {
        let sample = if *is_recent { DriftSample::Recent } else { DriftSample::Reference };
        binned.add(bin(fields)?, sample);
    }
    Some(binned)
}

/// The row of the points table that counts, or the value of an enum. `None` if the table does not use the fact.
fn bin_of(alert_type: &AlertType, fact: &str, facts: &Facts) -> Option<String> {
    let value = facts.get(fact)?;
    match alert_type.points_table().points_of(fact, Some(value)) {
        Some(points) if matches!(value, FactValue::Number(_)) => Some(format!("{points} points")),
        Some(_) | None => match value {
            FactValue::Flag(_) | FactValue::Word(_) => value.id(),
            FactValue::Number(_) => None,
        },
    }
}

/// The ten in which a score is, such as `40 to 50`.
fn tens(score: Number) -> String {
    let ten = (score.get() / 10.0).floor().min(9.0) * 10.0;
    format!("{ten} to {}", ten + 10.0)
}
