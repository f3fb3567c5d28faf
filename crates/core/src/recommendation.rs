//! Finds an insight's recommendations in the catalogue of its alert type, and what people did with them.
//!
//! A model writes its advice in its own words. It is the catalogue's if enough of its words are; otherwise it is the
//! model's own.
//!
//! Never: changes a recommendation.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::alert_type::{AlertType, Recommendation};
use crate::entity::{EntityKey, FeedbackAction, FeedbackEntry};
use crate::insight::StoredInsight;
use crate::limits::ACTED_CHARS_MAX;
use crate::outcome::{OutcomeAct, OutcomeFact, OutcomeRow};

/// A recommendation of an insight, with what was done with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InsightRecommendation {
    /// Its id in the catalogue of its alert type, or one that is made of its text.
    pub id: String,
    /// What to do, as the insight says it.
    pub text: String,
    /// Whose it is.
    pub source: RecommendationSource,
    /// What a person did with it. Absent if nobody has said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<RecommendationResponse>,
}

/// Whose a recommendation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecommendationSource {
    /// The catalogue of the alert type has it.
    Catalogue,
    /// It is the model's own.
    Own,
}

/// What a person did with a recommendation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecommendationResponse {
    /// It was done.
    Done,
    /// It was not done, and will not be.
    Skipped,
}

impl RecommendationResponse {
    /// As in JSON.
    pub fn code(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Skipped => "skipped",
        }
    }
}

/// The share of the shorter text's words that the other one must have.
const SHARED_MIN: f64 = 0.5;
/// The words that two texts must share.
const SHARED_WORDS_MIN: usize = 3;
/// The letters of a word that count, so that `calls` and `called` are `call`.
const STEM_LETTERS: usize = 4;
/// The digits of an id that is made of a text.
const OWN_DIGITS: usize = 8;
/// Words without a meaning of their own.
const STOP_WORDS: [&str; 30] = [
    "a", "an", "and", "any", "are", "at", "by", "for", "from", "in", "is", "it", "of", "on", "or", "that",
    "the", "their", "them", "then", "this", "to", "was", "week", "what", "when", "whether", "with", "within",
    "your",
];

/// The recommendations of an insight, in its order. `feedback` is what people said about it, oldest first.
pub fn recommendations_of(
    insight: &StoredInsight,
    alert_type: Option<&AlertType>,
    feedback: &[FeedbackEntry],
) -> Vec<InsightRecommendation> {
    let catalogue = alert_type.map(AlertType::recommendations).unwrap_or_default();
    let responses = responses(insight.alert_id(), feedback);
    let mut used: BTreeSet<String> = BTreeSet::new();
    let recommendation = |text: &String| {
        let known = matching(text, &catalogue).filter(|known| !used.contains(&known.id));
        let source =
            if known.is_some() { RecommendationSource::Catalogue } else { RecommendationSource::Own };
        let id = known.map_or_else(|| own_id(text), |known| known.id.clone());
        used.insert(id.clone());
        let response = responses.get(id.as_str()).copied();
        InsightRecommendation { id, text: text.clone(), source, response }
    };
    insight.recommendations().iter().map(recommendation).collect()
}

/// The act that a piece of feedback reports: a recommendation was done. `None` for everything else.
pub fn act_of(entity: &EntityKey, entry: &FeedbackEntry) -> Option<OutcomeRow> {
    let FeedbackAction::RecommendationDone { recommendation } = &entry.action else { return None };
    let mut acted = recommendation.clone();
    acted.truncate(acted.floor_char_boundary(ACTED_CHARS_MAX));
    let alert_id = Some(entry.alert_id.clone());
    Some(OutcomeRow {
        entity_type: entity.entity_type.clone(),
        entity_id: Some(entity.entity_id.clone()),
        fact: OutcomeFact::Act(OutcomeAct { acted, at: entry.at, alert_id }),
    })
}

/// What people did with the recommendations of an insight. The latest word counts.
fn responses<'f>(alert_id: &str, feedback: &'f [FeedbackEntry]) -> BTreeMap<&'f str, RecommendationResponse> {
    let of_insight = feedback.iter().filter(|entry| entry.alert_id == alert_id);
    let response = |entry: &'f FeedbackEntry| match &entry.action {
        FeedbackAction::RecommendationDone { recommendation } => {
            Some((recommendation.as_str(), RecommendationResponse::Done))
        }
        FeedbackAction::RecommendationSkipped { recommendation } => {
            Some((recommendation.as_str(), RecommendationResponse::Skipped))
        }
        FeedbackAction::Useful
        | FeedbackAction::Wrong
        | FeedbackAction::Seen
        | FeedbackAction::Done
        | FeedbackAction::Assign { .. }
        | FeedbackAction::Snooze { .. }
        | FeedbackAction::Note
        | FeedbackAction::Reopen => None,
    };
    of_insight.filter_map(response).collect()
}

/// The entry of the catalogue that says the same; of several, the one that shares most.
fn matching<'c>(text: &str, catalogue: &'c [Recommendation]) -> Option<&'c Recommendation> {
    if let Some(same) = catalogue.iter().find(|each| each.text.trim() == text.trim()) {
        return Some(same);
    }
    let of_text = stems(text);
    let shared = |each: &'c Recommendation| {
        let of_entry = stems(&each.text);
        let shared = of_text.intersection(&of_entry).count();
        let shorter = of_text.len().min(of_entry.len());
        let is_enough = shared >= SHARED_WORDS_MIN && float(shared) >= SHARED_MIN * float(shorter);
        is_enough.then_some((shared, each))
    };
    // The first of equals.
    catalogue.iter().rev().filter_map(shared).max_by_key(|(shared, _)| *shared).map(|(_, each)| each)
}

#[expect(clippy::cast_precision_loss, reason = "a text has few words")]
fn float(count: usize) -> f64 {
    count as f64
}

fn stems(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
    let words = words.filter(|word| !word.is_empty() && !STOP_WORDS.contains(&word.as_str()));
    words.map(|word| word.chars().take(STEM_LETTERS).collect()).collect()
}

/// The id of a model's own advice: the same for the same text.
fn own_id(text: &str) -> String {
    let digits = hex::encode(Sha256::digest(text.trim()));
    format!("own.{}", digits.get(..OWN_DIGITS).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert_type::AlertTypes;

    /// What is written for the type of low health scores, and the id that it is found under.
    #[test]
    fn advice_is_the_catalogues_if_it_shares_enough_words() {
        let types = AlertTypes::built_in();
        let catalogue = types.get("low_health_score").unwrap().recommendations();
        let ids: Vec<_> = catalogue.iter().map(|each| each.id.as_str()).collect();
        assert_eq!(ids, ["health_score", "sessions_7d", "ib_calls_14d", "otherwise.1", "otherwise.2"]);
        for (text, id) in [
            ("Call the family within one working day and settle the reason for the calls.", "ib_calls_14d"),
            ("Call the family today and settle why they call.", "ib_calls_14d"),
            ("Offer two session times with the preferred tutor.", "sessions_7d"),
            ("Go through the last sessions together with the tutor.", "health_score"),
            ("Ask the tutor if something changed in recent sessions.", "otherwise.2"),
            ("Look at the health score again next week.", "otherwise.1"),
            ("Give a discount on the next invoice.", ""),
            ("Call.", ""),
            // Known misses: another word for the same thing.
            ("Phone the parents tomorrow.", ""),
            ("Propose two lessons to the student.", ""),
        ] {
            let found = matching(text, &catalogue).map_or("", |each| each.id.as_str());
            assert_eq!(found, id, "{text}");
        }
    }
}
