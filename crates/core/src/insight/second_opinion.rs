//! Second opinions: several answers of one model to the same question, and an answer of the next model.
//!
//! Never: raises a score or a grade. More answers replace a score by their median; the next model can only give a reason
//! to doubt it.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::limits::DISAGREEMENT_MIN;
use crate::number::Number;

/// The further answers to an alert's question. An insight has them if its type asks for more than one sample, or for a
/// verification.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SecondOpinion {
    /// How many answers the type asks the model for.
    pub samples: u8,
    /// The score of each usable answer, in the order in which they were given.
    pub scores: Vec<Number>,
    /// The highest of these scores, less the lowest.
    pub spread: Number,
    /// What the next model's answer says of the score. Absent if the type does not ask for it.
    pub verification: Option<Verification>,
}

/// What an answer of the next model says of a score. It was asked the same question, without the first answer.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verification {
    /// The result.
    pub result: VerificationResult,
    /// The model that answered, as its settings name it.
    pub model: Option<String>,
    /// Its score.
    pub risk_score: Option<Number>,
    /// Why the score was not verified: `no_next_model`, a stop reason, or the outcome of the call.
    pub reason: Option<String>,
}

/// The reason of a verification that no model could make.
pub(crate) const NO_NEXT_MODEL: &str = "no_next_model";

/// The result of a verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerificationResult {
    /// The two scores are close.
    Confirmed,
    /// The two scores differ by [`DISAGREEMENT_MIN`] or more, so that the insight's grade is lowered.
    Doubted,
    /// There is no second score.
    NotVerified,
}

impl VerificationResult {
    /// As in the insight's JSON.
    pub fn code(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Doubted => "doubted",
            Self::NotVerified => "not_verified",
        }
    }
}

impl SecondOpinion {
    /// The answers of one model. `scores` has at least one.
    pub fn new(samples: u8, scores: Vec<Number>) -> Self {
        let spread = scores.iter().max_by(|a, b| a.get().total_cmp(&b.get())).and_then(|highest| {
            let lowest = scores.iter().min_by(|a, b| a.get().total_cmp(&b.get()))?;
            Number::new(highest.get() - lowest.get())
        });
        Self { samples, scores, spread: spread.unwrap_or(Number::from(0)), verification: None }
    }

    /// The median of the scores; of an even number of scores, the mean of the middle two. `None` without a score.
    pub fn median(&self) -> Option<Number> {
        let mut sorted = self.scores.clone();
        sorted.sort_by(|a, b| a.get().total_cmp(&b.get()));
        let upper = sorted.get(sorted.len() / 2)?;
        let lower = sorted.get(sorted.len().checked_sub(1)? / 2)?;
        Number::new(f64::midpoint(lower.get(), upper.get()))
    }

    /// Whether the next model gave a reason to doubt the score.
    pub fn is_doubted(&self) -> bool {
        self.verification.as_ref().is_some_and(|each| each.result == VerificationResult::Doubted)
    }

    /// Whether every answer was given that the type asks for, and none is a reason to doubt the score.
    pub fn is_complete(&self) -> bool {
        let is_verified = self.verification.as_ref().is_none_or(|each| match each.result {
            VerificationResult::Confirmed => true,
            VerificationResult::Doubted => false,
            VerificationResult::NotVerified => each.reason.as_deref() == Some(NO_NEXT_MODEL),
        });
        self.scores.len() >= usize::from(self.samples) && is_verified
    }

    /// In sentences, for people: the answers if the type asks for several, and the verification.
    pub fn sentences(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        if self.samples > 1 {
            let scores: Vec<_> = self.scores.iter().map(ToString::to_string).collect();
            sentences.push(match scores.as_slice() {
                [only] => format!("The model returned 1 of {} answers: {only}.", self.samples),
                all => format!(
                    "The score is the median of {} answers: {}; the lowest and the highest are {} points apart.",
                    all.len(),
                    all.join(", "),
                    self.spread
                ),
            });
        }
        sentences.extend(self.verification.as_ref().map(Verification::sentence));
        sentences
    }
}

impl Verification {
    /// Compares the score with that of another model.
    pub fn between(score: Number, model: &str, other: Number) -> Self {
        let is_doubted = (score.get() - other.get()).abs() >= DISAGREEMENT_MIN;
        let result = if is_doubted { VerificationResult::Doubted } else { VerificationResult::Confirmed };
        Self { result, model: Some(model.to_owned()), risk_score: Some(other), reason: None }
    }

    /// There is no second score, for this reason.
    pub fn missing(reason: &str) -> Self {
        let result = VerificationResult::NotVerified;
        Self { result, model: None, risk_score: None, reason: Some(reason.to_owned()) }
    }

    fn sentence(&self) -> String {
        let (model, score) = (self.model.as_deref().unwrap_or_default(), self.risk_score);
        let score = score.map(|score| score.to_string()).unwrap_or_default();
        match self.result {
            VerificationResult::Confirmed => format!("A second model, {model}, confirms it: {score}."),
            VerificationResult::Doubted => {
                format!("A second model, {model}, says {score}, so doubt this score and read the facts.")
            }
            VerificationResult::NotVerified => {
                let reason = self.reason.as_deref().unwrap_or_default().replace('_', " ");
                format!("No second model verified it ({reason}).")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_and_the_spread_are_those_of_the_scores() {
        let check = |scores: &[u8], median: f64, spread: f64| {
            let scores: Vec<_> = scores.iter().copied().map(Number::from).collect();
            let opinion = SecondOpinion::new(3, scores.clone());
            assert_eq!(opinion.median(), Number::new(median), "{scores:?}");
            assert_eq!(Some(opinion.spread), Number::new(spread), "{scores:?}");
        };
        check(&[72], 72.0, 0.0);
        check(&[90, 70], 80.0, 20.0);
        check(&[72, 10, 75], 72.0, 65.0);
        check(&[5, 100, 40, 41], 40.5, 95.0);
    }

    #[test]
    fn a_second_score_thirty_points_away_is_a_doubt() {
        for (score, other, result) in [
            (72, 72, VerificationResult::Confirmed),
            (72, 43, VerificationResult::Confirmed),
            (72, 42, VerificationResult::Doubted),
            (10, 60, VerificationResult::Doubted),
        ] {
            let found = Verification::between(Number::from(score), "b", Number::from(other));
            assert_eq!(found.result, result, "{score} {other}");
        }
    }
}
