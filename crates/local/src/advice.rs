//! What alert types recommend, what people did with it, and what followed: for `portend recommendations` and the server.
//!
//! Never: says that one thing caused another.

use std::collections::BTreeMap;
use std::time::Duration;

use portend_core::alert_type::{AlertType, AlertTypes};
use portend_core::limits::PAGE_MAX;
use portend_core::recommendation::recommendations_of;
use portend_core::store::{EvaluationRow, Feedback, InsightQuery, Queries, StoreError};
use portend_core::time::Timestamp;
use portend_eval::followed::{FollowedRate, RecommendationReport, RecommendedClaim, followed};
use portend_eval::join::{Cutoff, OutcomeIndex};
use portend_http::FollowedAdvice;

use crate::any_store::AnyStore;
use crate::evidence::{claim_of, outcomes_of};
use crate::show::text::{counted, shown};

/// The id under which the advice that is a model's own is counted.
const OWN: &str = "own";
const OWN_TEXT: &str = "Advice that a model wrote itself.";

/// A recommendation of an alert type with what followed it.
#[derive(Debug)]
pub(crate) struct TypeAdvice {
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) report: RecommendationReport,
}

impl TypeAdvice {
    /// What people did with it, each with how often the event followed.
    pub(crate) fn lines(&self) -> Vec<(&'static str, String)> {
        let RecommendationReport { done, skipped, unanswered, .. } = &self.report;
        let parts = [("done", done), ("skipped", skipped), ("no answer", unanswered)];
        let given = parts.into_iter().filter(|(_, rate)| rate.insights > 0);
        given.map(|(name, rate)| (name, sentence(rate))).collect()
    }
}

/// The rate in words, with its number of rows.
fn sentence(rate: &FollowedRate) -> String {
    let FollowedRate { n, events, .. } = rate;
    let insights = counted(rate.insights as u64, "insight");
    match (rate.rate, rate.low, rate.high) {
        (Some(share), Some(low), Some(high)) => {
            let [share, low, high] = [share, low, high].map(|share| format!("{:.0}", 100.0 * share));
            format!(
                "{insights}; of {n} that can be judged, it happened in {events} ({share} %, likely {low} to {high} %)"
            )
        }
        _ => format!("{insights}; none can be judged yet"),
    }
}

/// What the alert type predicts, and within which time.
pub(crate) fn event_words(alert_type: &AlertType) -> String {
    format!("{} within {}", alert_type.predicts().replace('_', " "), alert_type.horizon_words())
}

/// Each recommendation of an alert type, and last the advice that models wrote themselves.
pub(crate) async fn advice_of(
    store: &AnyStore,
    types: &AlertTypes,
    alert_type: &AlertType,
    since: Timestamp,
    now: Timestamp,
) -> Result<Vec<TypeAdvice>, StoreError> {
    let claims = claims(store, alert_type, since, now).await?;
    let entities =
        claims.iter().map(|each| (each.claim.entity_type.as_str(), each.claim.entity_id.as_str())).collect();
    let outcomes = OutcomeIndex::new(&outcomes_of(store, types, &entities, now).await?);
    let mut reports = followed(&claims, &outcomes, Cutoff { now, report_lag: Duration::ZERO });
    let catalogue = alert_type.recommendations().into_iter().map(|each| (each.id, each.text));
    let own = (OWN.to_owned(), OWN_TEXT.to_owned());
    let with_report = |(id, text): (String, String)| {
        let report = reports.remove(&id).unwrap_or_default();
        TypeAdvice { id, text, report }
    };
    Ok(catalogue.chain([own]).map(with_report).collect())
}

/// What the server answers: the advice that was given.
pub(crate) async fn for_server(
    store: &AnyStore,
    types: &AlertTypes,
    now: Timestamp,
) -> Result<Vec<FollowedAdvice>, StoreError> {
    let mut all = Vec::new();
    for alert_type in types.iter() {
        let advice = advice_of(store, types, alert_type, Timestamp::EPOCH, now).await?;
        all.extend(advice.into_iter().filter(|each| each.report.given > 0).map(|each| FollowedAdvice {
            alert_type: alert_type.title().to_owned(),
            event: event_words(alert_type),
            text: shown(&each.text),
            is_answered: each.report.done.insights + each.report.skipped.insights > 0,
            lines: each.lines(),
        }));
    }
    Ok(all)
}

/// The insights of a type, with what people did with each of their recommendations.
async fn claims(
    store: &AnyStore,
    alert_type: &AlertType,
    since: Timestamp,
    now: Timestamp,
) -> Result<Vec<RecommendedClaim>, StoreError> {
    let mut query = InsightQuery {
        alert_type: Some(alert_type.id().to_owned()),
        limit: PAGE_MAX,
        ..InsightQuery::default()
    };
    let mut claims = Vec::new();
    loop {
        let page = store.insights(&query, now).await?;
        let ids: Vec<String> = page.insights.iter().map(|each| each.alert_id().to_owned()).collect();
        let feedback = store.feedback(&ids, now).await?;
        for insight in &page.insights {
            let Some(row) = EvaluationRow::of(insight, None).filter(|row| row.t0 >= since) else { continue };
            let given = recommendations_of(insight, Some(alert_type), &feedback);
            let recommendations = given.into_iter().map(|each| {
                // Each text of a model's own would be a row of its own.
                let id = if each.id.starts_with("own.") { OWN.to_owned() } else { each.id };
                (id, each.response)
            });
            let mut by_id: BTreeMap<String, _> = BTreeMap::new();
            for (id, response) in recommendations {
                let known = by_id.entry(id).or_insert(response);
                *known = known.or(response);
            }
            let recommendations = by_id.into_iter().collect();
            claims.push(RecommendedClaim { claim: claim_of(&row), recommendations });
        }
        query.after = page.next;
        if query.after.is_none() {
            return Ok(claims);
        }
    }
}
