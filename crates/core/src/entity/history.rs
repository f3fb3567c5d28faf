//! The judgements of one alert type, in the order of their alerts. Alerts that are judged at the same time may be committed in
//! any order; the history is the same.
//!
//! Never: takes the order of commits for the order of alerts.

use super::{CurrentJudgement, PreviousJudgement, ScoreAt};
use crate::limits::SCORES_MAX;
use crate::time::Timestamp;

impl CurrentJudgement {
    /// The type's current judgement after this one: the newer of both alerts', with the history of both. It is `current`
    /// itself if that has this judgement already.
    pub(super) fn joined(&self, current: Option<&Self>) -> Self {
        let Some(current) = current else {
            return Self { scores: vec![self.score_at()], ..self.clone() };
        };
        let is_upgrade = current.alert_id == self.alert_id;
        let is_late = !is_upgrade && self.place() < current.place();
        let newer = if is_late { current } else { self };
        let mut previous = current.previous.clone();
        if !is_upgrade {
            let older = if is_late { self } else { current };
            // At the same place it is an upgrade of the judgement before.
            if previous.as_ref().is_none_or(|previous| previous.place() <= older.place()) {
                previous = Some(older.to_previous());
            }
        }
        Self { previous, scores: current.scores_with(self.score_at(), newer), ..newer.clone() }
    }

    /// Whether an alert of this type came after one time and before another, as far as the scores reach.
    pub(super) fn has_alert_between(&self, after: Timestamp, before: Timestamp) -> bool {
        self.all_scores().iter().any(|each| after < each.at() && each.at() < before)
    }

    /// Which of two judgements is the newer.
    fn place(&self) -> (Timestamp, &str) {
        (self.alert_timestamp, &self.alert_id)
    }

    fn score_at(&self) -> ScoreAt {
        ScoreAt::new(self.alert_timestamp, self.risk_score)
    }

    /// The scores up to its own with one more, of which `newest` is the last. There is one for each second.
    fn scores_with(&self, score: ScoreAt, newest: &Self) -> Vec<ScoreAt> {
        let (mut scores, last) = (self.all_scores(), newest.score_at());
        scores.retain(|each| each.at() != score.at());
        scores.push(score);
        scores.retain(|each| each.at() < last.at());
        scores.sort_by_key(|each| each.at());
        scores.push(last);
        scores.drain(..scores.len().saturating_sub(SCORES_MAX));
        scores
    }

    /// The scores up to its own. A row of an earlier version knows only the one before.
    fn all_scores(&self) -> Vec<ScoreAt> {
        if !self.scores.is_empty() {
            return self.scores.clone();
        }
        let previous = self.previous.iter().map(|each| ScoreAt::new(each.alert_timestamp, each.risk_score));
        previous.chain([self.score_at()]).collect()
    }

    fn to_previous(&self) -> PreviousJudgement {
        PreviousJudgement {
            alert_id: self.alert_id.clone(),
            risk_score: self.risk_score,
            facts: self.facts.clone(),
            alert_timestamp: self.alert_timestamp,
        }
    }
}

impl PreviousJudgement {
    fn place(&self) -> (Timestamp, &str) {
        (self.alert_timestamp, &self.alert_id)
    }
}
