//! Accepted answers of models, by the exact question: the same question is not paid for twice.

use std::future::Future;

use sha2::{Digest, Sha256};

use super::StoreError;
use crate::insight::SecondOpinion;
use crate::limits::OUTPUT_TOKENS;
use crate::model::ModelSpec;
use crate::number::Number;
use crate::time::Timestamp;

/// Answers by their question. They only save calls: a reader may miss an answer that was stored a moment ago, and who
/// cannot read or store one goes on without it.
pub trait Answers: Send + Sync {
    /// The answer to this question, unless it has expired.
    fn answer(
        &self,
        key: &AnswerKey,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<StoredAnswer>, StoreError>> + Send;

    /// Stores an answer, in place of an earlier one to the same question.
    fn store_answer(
        &self,
        key: &AnswerKey,
        answer: &StoredAnswer,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// A question to a model: the SHA-256 of prompt, model and parameters, in hexadecimal. A prompt holds facts alone, so two
/// alerts of different entities can ask the same question.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AnswerKey(String);

impl AnswerKey {
    /// The question with the prompt of this SHA-256 to this model.
    pub fn new(prompt_sha256: &str, model: &ModelSpec) -> Self {
        let ModelSpec { model_id, label, endpoint, output_tokens_max, parameters, .. } = model;
        let tokens = OUTPUT_TOKENS.min(*output_tokens_max);
        // The debug form quotes each part, so no two lists of parts have the same text.
        let question = format!("{:?}", (prompt_sha256, model_id, label, endpoint, tokens, parameters));
        Self(hex::encode(Sha256::digest(question)))
    }

    /// The SHA-256 in hexadecimal.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An answer that was accepted, with no number unsupported. It is checked again before it is used.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredAnswer {
    /// The reply as received.
    pub reply: String,
    /// The model that answered, as the response said.
    pub model_id: String,
    /// The run that asked; its insight has the same.
    pub run: String,
    /// When it was answered.
    pub answered_at: Timestamp,
    /// What the answer cost, in US dollars, if that is known.
    pub cost_usd: Option<Number>,
    /// The further answers, if the alert type asked for them.
    pub second_opinion: Option<SecondOpinion>,
    /// When it is deleted, to the second.
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{ATTEMPT_TIMEOUT, MODEL_CONCURRENCY};
    use crate::model::SchemaForm;

    fn spec() -> ModelSpec {
        ModelSpec {
            name: "bedrock".into(),
            model_id: "haiku".into(),
            label: "bedrock-haiku".into(),
            endpoint: "us-east-1".into(),
            schema: SchemaForm::Reduced,
            output_tokens_max: 8000,
            parameters: "temperature 0".into(),
            price: None,
            timeout: ATTEMPT_TIMEOUT,
            concurrency: MODEL_CONCURRENCY,
        }
    }

    #[test]
    fn a_question_is_prompt_model_and_parameters() {
        let key = AnswerKey::new("1f", &spec());
        assert_eq!(key.as_str().len(), 64);
        let other_name = ModelSpec { name: "another".into(), price: None, ..spec() };
        assert_eq!(AnswerKey::new("1f", &other_name), key, "the name in the chain is not part of it");
        for (what, prompt, other) in [
            ("prompt", "20", spec()),
            ("model", "1f", ModelSpec { model_id: "haiku-2".into(), ..spec() }),
            ("endpoint", "1f", ModelSpec { endpoint: "eu-west-1".into(), ..spec() }),
            ("tokens", "1f", ModelSpec { output_tokens_max: 500, ..spec() }),
            ("parameters", "1f", ModelSpec { parameters: String::new(), ..spec() }),
        ] {
            assert_ne!(AnswerKey::new(prompt, &other), key, "{what}");
        }
    }
}
