//! What the check of a reply's texts reports.

use serde::{Deserialize, Serialize};

/// The result of the check of one reply.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GroundingReport {
    /// The number of claims.
    pub numbers: usize,
    /// The unsupported claims, in order. A claim that occurs twice is listed twice.
    pub unsupported: Vec<UnsupportedClaim>,
    /// What the texts say without a number, and the facts do not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsaid: Vec<UnsaidClaim>,
    /// Whether the words were checked. Absent if they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
}

/// A number that nothing supports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "WrittenClaim")]
pub struct UnsupportedClaim {
    /// The number, quoted from the text, with its unit if it has one.
    pub claim: String,
    /// What the number is said to be. `None` in an insight of an earlier version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<ClaimRole>,
    /// Why it is not supported.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// What a number is said to be. Each role has its own evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimRole {
    /// The value of a fact.
    Value,
    /// A part of a hundred.
    Percentage,
    /// How far a fact is from another, or from an end of its range.
    Distance,
    /// A number that a fact is said to be above, below or at least.
    Comparison,
    /// A duration.
    Window,
    /// A threshold, an average, or an earlier value.
    ReferenceValue,
    /// How many times as large as another one a fact is.
    Ratio,
    /// The risk score.
    Score,
    /// A number of things that no fact counts.
    CountedNoun,
}

/// Something that a text says without a number, and that no fact says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnsaidClaim {
    /// The words, quoted from the text.
    pub text: String,
    /// What they say.
    pub kind: UnsaidKind,
}

/// What words without a number say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnsaidKind {
    /// A change over time. The facts have no earlier value.
    Trend,
    /// A cause or an event that the alert type names as unknown.
    Cause,
    /// `low` for a high value, or the reverse.
    Direction,
    /// A value of an enum that is not the alert's.
    Status,
    /// A driver that lowers the score by a bad value, or raises it by a good one.
    Effect,
}

/// The language of the texts, as far as the checker knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// The words of the language are not known. Only the numbers were checked, without their roles.
    Unknown,
}

/// An unsupported claim as an insight has it. Earlier versions have only the quote.
#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenClaim {
    Quote(String),
    Full {
        claim: String,
        #[serde(default)]
        role: Option<ClaimRole>,
        #[serde(default)]
        reason: String,
    },
}

impl From<WrittenClaim> for UnsupportedClaim {
    fn from(written: WrittenClaim) -> Self {
        match written {
            WrittenClaim::Quote(claim) => Self { claim, role: None, reason: String::new() },
            WrittenClaim::Full { claim, role, reason } => Self { claim, role, reason },
        }
    }
}

impl GroundingReport {
    /// Describes what is wrong with the texts, for the re-ask: each unsupported claim, and the sentence that it is in.
    /// What is claimed without a number is named only beside an unsupported number.
    pub(super) fn violations(&self, sentences: &[String]) -> String {
        let numbers = self.unsupported.iter().enumerate().map(|(index, claim)| {
            let role = claim.role.map_or(String::new(), |role| format!(" ({})", role.words()));
            let sentence = sentences.get(index).filter(|sentence| {
                // Of several claims in one sentence, the last one says it.
                sentences.get(index + 1) != Some(sentence) && **sentence != claim.claim
            });
            let sentence = sentence.map(|sentence| format!(", in \"{sentence}\"")).unwrap_or_default();
            format!("`{}`{role}: {}{sentence}", claim.claim, claim.reason)
        });
        let words = self.unsaid.iter().map(|claim| format!("`{}`: {}", claim.text, claim.kind.reason()));
        let each: Vec<_> = numbers.chain(words).collect();
        format!(
            "these are not supported by the facts: {}. Leave each out, or write a reference such as {{{}}}",
            each.join("; "),
            crate::prompt::SCORE_REFERENCE
        )
    }

    /// The unsupported claims as they are in the texts.
    pub fn quotes(&self) -> Vec<&str> {
        self.unsupported.iter().map(|claim| claim.claim.as_str()).collect()
    }
}

impl ClaimRole {
    /// The role in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Percentage => "percentage",
            Self::Distance => "distance",
            Self::Comparison => "comparison",
            Self::Window => "duration",
            Self::ReferenceValue => "reference value",
            Self::Ratio => "ratio",
            Self::Score => "score",
            Self::CountedNoun => "number of other things",
        }
    }
}

impl UnsaidKind {
    /// What is wrong with it, for the model.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Trend => "the facts have no earlier value, so they show no trend",
            Self::Cause => "the facts do not say this",
            Self::Direction => "the value is at the other end of its range",
            Self::Status => "the alert has another status",
            Self::Effect => "the fact moves the score the other way",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_of_an_earlier_version_is_read() {
        let report: GroundingReport =
            serde_json::from_str(r#"{"numbers": 2, "unsupported": ["12 calls"]}"#).unwrap();
        assert_eq!(report.quotes(), ["12 calls"]);
        assert_eq!(
            serde_json::to_string(&report).unwrap(),
            r#"{"numbers":2,"unsupported":[{"claim":"12 calls"}]}"#
        );
    }

    #[test]
    fn a_report_is_read_as_it_is_written() {
        let report = GroundingReport {
            numbers: 1,
            unsupported: vec![UnsupportedClaim {
                claim: "2".into(),
                role: Some(ClaimRole::ReferenceValue),
                reason: "no earlier value was given".into(),
            }],
            unsaid: vec![UnsaidClaim { text: "declining".into(), kind: UnsaidKind::Trend }],
            language: Some(Language::Unknown),
        };
        let json = serde_json::to_string(&report).unwrap();
        assert_eq!(
            json,
            r#"{"numbers":1,"unsupported":[{"claim":"2","role":"reference_value","reason":"no earlier value was given"}],"unsaid":[{"text":"declining","kind":"trend"}],"language":"unknown"}"#
        );
        assert_eq!(serde_json::from_str::<GroundingReport>(&json).unwrap(), report);
    }
}
