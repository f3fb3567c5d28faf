//! The map from a score to a probability of each source of scores: earned by its outcomes, or what it lacks.

use std::collections::BTreeMap;

use portend_core::calibration::ScoreSource;
use portend_eval::calibration::{EarnedMap, NoMap, TimedRow, earn_map};
use portend_eval::join::{Cutoff, InsightClaim, RowChoice, judged};
use portend_eval::limits::CLASS_ROWS_MIN;
use portend_http::MissingProbability;

use crate::evidence::{OutcomeEvidence, claim_of};
use crate::show::text::shown;

/// Why a source of scores has no map, and the rows that are known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UnearnedMap {
    pub(crate) reason: NoMap,
    pub(crate) rows: usize,
    pub(crate) events: usize,
}

impl UnearnedMap {
    /// The rows with the event or without it, whichever are fewer.
    fn rarer(self) -> usize {
        self.events.min(self.rows - self.events)
    }

    /// Why, in words.
    pub(crate) fn words(self) -> String {
        match self.reason {
            NoMap::FewEvents => {
                format!("{} of {CLASS_ROWS_MIN} outcomes of the rarer kind so far", self.rarer())
            }
            NoMap::NoSignal | NoMap::NotJudged | NoMap::NoBetter => {
                format!("{} ({} events in {} rows)", self.reason, self.events, self.rows)
            }
        }
    }
}

/// The claims of each source of scores.
pub(crate) fn claims_by_source(evidence: &OutcomeEvidence) -> BTreeMap<&ScoreSource, Vec<InsightClaim>> {
    let mut sources: BTreeMap<&ScoreSource, Vec<InsightClaim>> = BTreeMap::new();
    for row in &evidence.rows {
        sources.entry(&row.source).or_default().push(claim_of(row));
    }
    sources
}

/// The map that the outcomes of these claims earn.
pub(crate) fn earned(
    evidence: &OutcomeEvidence,
    claims: &[InsightClaim],
    cutoff: Cutoff,
) -> Result<EarnedMap, UnearnedMap> {
    let states = claims.iter().map(|claim| (claim, evidence.outcomes.state(claim, cutoff)));
    let rows: Vec<TimedRow> = judged(states, RowChoice::FirstOfWindow)
        .into_iter()
        .map(|(claim, event)| TimedRow { t0: claim.t0, score: claim.score, event })
        .collect();
    let horizon = claims.first().map(|claim| claim.horizon).unwrap_or_default();
    let events = rows.iter().filter(|row| row.event).count();
    earn_map(&rows, horizon).map_err(|reason| UnearnedMap { reason, rows: rows.len(), events })
}

/// Why an insight of this source may have no probability.
pub(crate) fn missing_probability(
    evidence: &OutcomeEvidence,
    source: &ScoreSource,
    claims: &[InsightClaim],
    cutoff: Cutoff,
) -> MissingProbability {
    let of = |reason, sentence| MissingProbability { reason, have: None, need: None, sentence };
    if evidence.maps.get(source).is_some() {
        let sentence =
            "No probability: this insight was made without the map of its scores. Later ones have one.";
        return of("older_than_map", sentence.to_owned());
    }
    match earned(evidence, claims, cutoff) {
        Ok(_) => {
            let id = shown(&source.alert_type);
            let sentence =
                format!("No probability yet, but one can be made: portend calibrate --type {id} --apply");
            of("not_applied", sentence)
        }
        Err(unearned) => {
            let few = (unearned.reason == NoMap::FewEvents).then(|| unearned.rarer());
            MissingProbability {
                have: few,
                need: few.map(|_| CLASS_ROWS_MIN),
                ..of(unearned.reason.code(), format!("No probability yet: {}.", unearned.words()))
            }
        }
    }
}
