//! The names of an alert type that a reply can use, and the texts that are only a name or a placeholder.

use super::json::is_key;
use crate::alert_type::{AlertType, FactKind};

/// The ids of an alert type's facts, and the values of its enums.
///
/// ```
/// use portend_core::alert_type::AlertTypes;
/// use portend_core::reply::{Reply, ReplyVocabulary};
///
/// let types = AlertTypes::built_in();
/// let vocabulary = ReplyVocabulary::of(types.get("low_health_score").expect("a built-in alert type"));
/// let text = r#"{"risk_score": 72, "explanation": "health_score", "recommendations": ["Call.", "Review."]}"#;
/// let error = Reply::read(text, &vocabulary).expect_err("an explanation that is only a fact's id");
/// assert_eq!(error.code(), "placeholder:explanation");
/// ```
#[derive(Debug, Clone)]
pub struct ReplyVocabulary {
    facts: Vec<String>,
    enum_values: Vec<String>,
}

/// The keys of the answer and of its drivers, and the values of `effect`.
const FORM_NAMES: [&str; 9] = [
    "risk_score",
    "explanation",
    "recommendations",
    "drivers",
    "fact",
    "effect",
    "because",
    "raises",
    "lowers",
];

/// What a placeholder asks for, as in "one sentence", "an action", "two or three recommendations" or "text here".
const PLACEHOLDER_NOUNS: [&str; 19] = [
    "action",
    "actions",
    "explanation",
    "fact",
    "id",
    "lowers",
    "number",
    "paragraph",
    "placeholder",
    "raises",
    "reason",
    "reasons",
    "recommendation",
    "recommendations",
    "sentence",
    "sentences",
    "step",
    "string",
    "text",
];

/// What else a placeholder says.
const PLACEHOLDER_MODIFIERS: [&str; 25] = [
    "a", "an", "and", "another", "brief", "clear", "concrete", "first", "four", "from", "here", "insert",
    "more", "next", "one", "or", "second", "short", "specific", "the", "third", "three", "to", "two", "your",
];

impl ReplyVocabulary {
    /// The names of an alert type.
    pub fn of(alert_type: &AlertType) -> Self {
        let enum_values = alert_type.facts().iter().filter_map(|fact| match fact.kind() {
            FactKind::Enum { values, .. } => Some(values),
            FactKind::Integer(_) | FactKind::Number(_) | FactKind::Boolean { .. } | FactKind::Text => None,
        });
        Self {
            facts: alert_type
                .facts()
                .iter()
                .filter(|fact| fact.is_in_prompt())
                .map(|fact| fact.id().to_owned())
                .collect(),
            enum_values: enum_values.flatten().map(|value| value.id.clone()).collect(),
        }
    }

    /// These names.
    pub fn new(facts: &[&str], enum_values: &[&str]) -> Self {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self { facts: owned(facts), enum_values: owned(enum_values) }
    }

    /// The ids of the facts, one of which each driver names.
    pub(super) fn facts(&self) -> &[String] {
        &self.facts
    }

    /// Whether a text is only a fact's id, an enum's value, a key of the answer, an `effect` or a placeholder of the
    /// prompt. Case, punctuation, quotes and brackets do not count.
    pub(super) fn is_placeholder(&self, text: &str) -> bool {
        let text = text.trim_matches(|c: char| !c.is_alphanumeric());
        let mut names = self.facts.iter().chain(&self.enum_values).map(String::as_str).chain(FORM_NAMES);
        names.any(|name| is_key(text, name)) || is_prompt_placeholder(text)
    }
}

/// Whether all words of a text are those of a placeholder. Digits do not count, as in "action 1".
fn is_prompt_placeholder(text: &str) -> bool {
    let mut has_noun = false;
    let mut words = text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
    let is_any = |word: &str, list: &[&str]| list.iter().any(|each| each.eq_ignore_ascii_case(word));
    let all_known = words.all(|word| {
        let is_noun = is_any(word, &PLACEHOLDER_NOUNS);
        has_noun |= is_noun;
        is_noun || is_any(word, &PLACEHOLDER_MODIFIERS)
    });
    all_known && has_noun
}
