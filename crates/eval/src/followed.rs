//! What followed where a recommendation was done, skipped, or not answered: rates with their numbers, and no cause.
//!
//! People choose whom they help, so a lower rate among those helped says nothing of the help. Only entities that are held
//! out by chance can.

use std::collections::BTreeMap;

use portend_core::recommendation::RecommendationResponse;
use serde::Serialize;

use crate::join::{Cutoff, InsightClaim, OutcomeIndex, RowChoice, judged};
use crate::math::{float, wilson};

/// An insight with the recommendations that it gave, and what people did with each.
#[derive(Debug, Clone)]
pub struct RecommendedClaim {
    /// What it said.
    pub claim: InsightClaim,
    /// The ids of its recommendations.
    pub recommendations: Vec<(String, Option<RecommendationResponse>)>,
}

/// What followed one recommendation.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RecommendationReport {
    /// The insights that gave it.
    pub given: usize,
    /// Where it was done.
    pub done: FollowedRate,
    /// Where it was skipped.
    pub skipped: FollowedRate,
    /// Where nobody said.
    pub unanswered: FollowedRate,
}

/// How often the event followed.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct FollowedRate {
    /// The insights.
    pub insights: usize,
    /// Those that can be judged: the first of an entity in each horizon, with its outcome known.
    pub n: usize,
    /// Those of them with the event.
    pub events: usize,
    /// Their share. Absent without a row.
    pub rate: Option<f64>,
    /// The lower end of its interval of 95 % (Wilson).
    pub low: Option<f64>,
    /// Its upper end.
    pub high: Option<f64>,
}

/// What followed each recommendation, by its id.
pub fn followed(
    claims: &[RecommendedClaim],
    outcomes: &OutcomeIndex,
    cutoff: Cutoff,
) -> BTreeMap<String, RecommendationReport> {
    let mut groups: BTreeMap<&str, BTreeMap<Option<RecommendationResponse>, Vec<&InsightClaim>>> =
        BTreeMap::new();
    for each in claims {
        for (id, response) in &each.recommendations {
            groups.entry(id).or_default().entry(*response).or_default().push(&each.claim);
        }
    }
    let report = |by_response: &BTreeMap<Option<RecommendationResponse>, Vec<&InsightClaim>>| {
        let rate = |response: Option<RecommendationResponse>| {
            rate(by_response.get(&response).map(Vec::as_slice).unwrap_or_default(), outcomes, cutoff)
        };
        RecommendationReport {
            given: by_response.values().map(Vec::len).sum(),
            done: rate(Some(RecommendationResponse::Done)),
            skipped: rate(Some(RecommendationResponse::Skipped)),
            unanswered: rate(None),
        }
    };
    groups.iter().map(|(id, by_response)| ((*id).to_owned(), report(by_response))).collect()
}

fn rate(claims: &[&InsightClaim], outcomes: &OutcomeIndex, cutoff: Cutoff) -> FollowedRate {
    let joined = claims.iter().map(|claim| (*claim, outcomes.state(claim, cutoff)));
    let rows = judged(joined, RowChoice::FirstOfWindow);
    let (n, events) = (rows.len(), rows.iter().filter(|(_, event)| *event).count());
    let interval = wilson(events, n);
    FollowedRate {
        insights: claims.len(),
        n,
        events,
        rate: interval.map(|_| float(events) / float(n)),
        low: interval.map(|(low, _)| low),
        high: interval.map(|(_, high)| high),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use portend_core::outcome::{OutcomeEvent, OutcomeFact, OutcomeRow};
    use portend_core::time::Timestamp;

    use super::*;

    #[test]
    fn each_response_has_its_own_rate_and_one_row_for_an_entity_and_a_horizon() {
        let day = |day: u32| Timestamp::EPOCH.plus(Duration::from_hours(24) * (20_000 + day));
        let claim = |entity: &str, t0: u32, response: Option<RecommendationResponse>| RecommendedClaim {
            claim: InsightClaim {
                alert_id: format!("{entity}_{t0}"),
                entity_type: "student".into(),
                entity_id: entity.into(),
                predicts: "churn".into(),
                t0: day(t0),
                horizon: Duration::from_hours(24 * 30),
                score: 50.0,
                baseline: None,
                is_held_out: false,
            },
            recommendations: vec![("call".into(), response), ("own.1".into(), None)],
        };
        let left = OutcomeRow {
            entity_type: "student".into(),
            entity_id: Some("a".into()),
            fact: OutcomeFact::Event(OutcomeEvent {
                outcome: "churn".into(),
                at: Some(day(9)),
                followed_until: None,
            }),
        };
        let rows = [left, OutcomeRow::census("student", "churn", day(90))];
        let (done, skipped) = (Some(RecommendationResponse::Done), Some(RecommendationResponse::Skipped));
        let claims = [
            claim("a", 1, done),
            claim("a", 2, done),
            claim("b", 1, done),
            claim("c", 1, skipped),
            claim("d", 80, None),
        ];
        let cutoff = Cutoff { now: day(90), report_lag: Duration::ZERO };
        let report = followed(&claims, &OutcomeIndex::new(&rows), cutoff);
        let counts = |rate: &FollowedRate| (rate.insights, rate.n, rate.events, rate.rate);
        let call = &report["call"];
        assert_eq!(call.given, 5);
        assert_eq!(counts(&call.done), (3, 2, 1, Some(0.5)));
        assert_eq!(counts(&call.skipped), (1, 1, 0, Some(0.0)));
        // It is too early to judge the last one.
        assert_eq!(counts(&call.unanswered), (1, 0, 0, None));
        assert_eq!(counts(&report["own.1"].unanswered), (5, 3, 1, Some(1.0 / 3.0)));
    }
}
