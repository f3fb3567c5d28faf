//! Groups the stored insights, joins them with what happened, and judges each group: for `portend eval` and for the server.

use std::collections::BTreeMap;
use std::time::Duration;

use portend_core::alert_type::AlertTypes;
use portend_core::calibration::{CalibrationMap, ScoreSource};
use portend_core::store::{EvaluationRow, StoreError};
use portend_core::time::Timestamp;
use portend_eval::join::{Cutoff, InsightClaim, RowChoice};
use portend_eval::picture;
use portend_eval::report::GroupReport;
use portend_http::{EvaluatedGroup, EvaluationGrouping, EvaluationQuery};
use serde::Serialize;

use crate::any_store::AnyStore;
use crate::calibration::{claims_by_source, missing_probability};
use crate::drift::drift;
use crate::evidence::{self, OutcomeEvidence, ScoreConduct, claim_of};

/// The recent period in which the server looks for drift.
const DRIFT_RECENT: Duration = Duration::from_hours(7 * 24);
/// The period before it.
const DRIFT_REFERENCE: Duration = Duration::from_hours(30 * 24);

/// What the insights of one group have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Grouping {
    /// The alert type, the model and the prompt.
    Model,
    /// The alert type.
    Type,
    /// The alert type, the model, the prompt and the month.
    Month,
}

/// A group of insights with its report.
#[derive(Debug, Serialize)]
pub(crate) struct NamedReport {
    #[serde(flatten)]
    pub(crate) name: GroupName,
    #[serde(flatten)]
    pub(crate) report: GroupReport,
}

/// What the insights of a group have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct GroupName {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(crate) alert_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) predicts: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) model_used: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) model_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) prompt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) month: Option<String>,
}

impl GroupName {
    /// The source of the group's scores; `None` for a month of it, and if there are several.
    fn source(&self) -> Option<ScoreSource> {
        Some(ScoreSource {
            alert_type: self.alert_type.clone()?,
            model_used: self.model_used.clone().filter(|_| self.month.is_none())?,
            model_id: self.model_id.clone(),
            prompt: self.prompt.clone(),
        })
    }

    /// The group, after a sentence about it.
    pub(crate) fn suffix(&self) -> String {
        let parts: Vec<&str> = [&self.alert_type, &self.model_used, &self.month]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
    }
}

/// Judges each group of the evidence.
pub(crate) fn judge(
    evidence: &OutcomeEvidence,
    by: Grouping,
    cutoff: Cutoff,
    choice: RowChoice,
) -> Vec<NamedReport> {
    let mut groups: BTreeMap<GroupName, (Vec<InsightClaim>, Option<&CalibrationMap>)> = BTreeMap::new();
    for row in &evidence.rows {
        let (claims, map) = groups.entry(name_of(row, by)).or_default();
        claims.push(claim_of(row));
        // A group of several models has no map of its own.
        *map = evidence.map(row).filter(|_| by != Grouping::Type);
    }
    let report = |(name, (claims, map)): (GroupName, (Vec<InsightClaim>, Option<&CalibrationMap>))| {
        let apply = map.map(|map| |score: f64| map.curve.probability(score));
        let apply = apply.as_ref().map(|apply| apply as &dyn Fn(f64) -> f64);
        let report = GroupReport::of_claims(&claims, &evidence.outcomes, cutoff, choice, apply);
        NamedReport { name, report }
    };
    groups.into_iter().map(report).collect()
}

fn name_of(row: &EvaluationRow, by: Grouping) -> GroupName {
    let mut name = GroupName {
        alert_type: Some(row.source.alert_type.clone()),
        predicts: Some(row.predicts.clone()),
        ..GroupName::default()
    };
    if by != Grouping::Type {
        name.model_used = Some(row.source.model_used.clone());
        name.model_id.clone_from(&row.source.model_id);
        name.prompt.clone_from(&row.source.prompt);
    }
    if by == Grouping::Month {
        let day = row.t0.day();
        name.month = day.rsplit_once('-').map(|(month, _)| month.to_owned());
    }
    name
}

/// How the insights of a group of scores were made. A month has none of its own.
pub(crate) fn conduct_of(evidence: &OutcomeEvidence, name: &GroupName) -> ScoreConduct {
    let mut sum = ScoreConduct::default();
    for (source, conduct) in &evidence.conduct {
        let is_same_model = name.model_used.as_ref().is_none_or(|model| {
            *model == source.model_used && source.model_id == name.model_id && source.prompt == name.prompt
        });
        if name.alert_type.as_ref().is_none_or(|id| *id == source.alert_type) && is_same_model {
            sum.insights += conduct.insights;
            sum.unsupported += conduct.unsupported;
            sum.unusable += conduct.unusable;
            sum.cost_usd += conduct.cost_usd;
        }
    }
    sum
}

/// What the server answers: each group with its picture, its conduct and the drift of its alert type.
pub(crate) async fn for_server(
    store: &AnyStore,
    types: &AlertTypes,
    query: &EvaluationQuery,
    now: Timestamp,
) -> Result<Vec<EvaluatedGroup>, StoreError> {
    let cutoff = Cutoff { now: query.as_of.min(now), report_lag: query.report_lag };
    let evidence = evidence::load(store, types, query.alert_type.as_deref(), query.since, now).await?;
    evidence.keep(store, cutoff, now).await;
    let by = match query.by {
        EvaluationGrouping::Model => Grouping::Model,
        EvaluationGrouping::Type => Grouping::Type,
        EvaluationGrouping::Month => Grouping::Month,
    };
    let reports =
        judge(&evidence, by, cutoff, if query.all { RowChoice::All } else { RowChoice::FirstOfWindow });
    let recent = now.minus(DRIFT_RECENT);
    let periods = [recent.minus(DRIFT_REFERENCE), recent, now];
    let mut drifts: BTreeMap<&str, &'static str> = BTreeMap::new();
    for each in types.iter() {
        if reports.iter().any(|report| report.name.alert_type.as_deref() == Some(each.id())) {
            drifts.insert(each.id(), drift(store, each, periods, now).await?.status);
        }
    }
    let claims = claims_by_source(&evidence);
    let missing = |name: &GroupName| {
        let source = name.source()?;
        let claims = claims.get(&source).map(Vec::as_slice).unwrap_or_default();
        Some(missing_probability(&evidence, &source, claims, cutoff))
    };
    let group = |named: &NamedReport| {
        let conduct = conduct_of(&evidence, &named.name);
        EvaluatedGroup {
            // Its keys are texts, so it is JSON.
            report: serde_json::to_value(named).unwrap_or_default(),
            picture: (named.report.figures.n > 0).then(|| picture::reliability(&named.report.figures.bins)),
            insights: conduct.insights,
            unsupported: conduct.unsupported,
            unusable: conduct.unusable,
            cost_usd: conduct.cost_usd,
            drift: named.name.alert_type.as_deref().and_then(|id| drifts.get(id).copied()),
            missing_probability: missing(&named.name),
        }
    };
    Ok(reports.iter().map(group).collect())
}
