//! A model that answers by a script, for tests of the pipeline.

use std::sync::Mutex;

use portend_core::limits::{ATTEMPT_TIMEOUT, MODEL_CONCURRENCY};
use portend_core::model::{
    Call, Completion, FinishReason, Model, ModelError, ModelSpec, Price, SchemaForm, TokenUse,
};
use portend_core::number::Number;

/// A usable reply to an alert of five calls and a health score of 65.
pub const ANSWER: &str = r#"{"drivers":[{"fact":"ib_calls_14d","effect":"raises","because":"5 calls."}],
    "explanation":"5 calls and a health score of 65.","recommendations":["Call.","Review."],"risk_score":72}"#;

/// One response after another; the last repeats.
pub type Script = Vec<Result<(&'static str, FinishReason), ModelError>>;

/// A model that follows its script and remembers what it was asked.
#[derive(Debug)]
pub struct ScriptedModel {
    spec: ModelSpec,
    script: Mutex<Script>,
    asked: Mutex<Vec<String>>,
}

impl ScriptedModel {
    /// A model of this name.
    pub fn new(name: &str, script: Script) -> Self {
        let spec = ModelSpec {
            name: name.into(),
            model_id: format!("{name}-id"),
            label: format!("{name}-label"),
            endpoint: name.into(),
            schema: SchemaForm::PromptOnly,
            output_tokens_max: 4000,
            parameters: String::new(),
            price: Some(Price {
                input: Number::from(1),
                output: Number::from(5),
                cached: None,
                cache_write: None,
            }),
            timeout: ATTEMPT_TIMEOUT,
            concurrency: MODEL_CONCURRENCY,
        };
        Self { spec, script: Mutex::new(script), asked: Mutex::default() }
    }

    /// A model that always replies with this text.
    pub fn answering(name: &str, text: &'static str) -> Self {
        Self::new(name, vec![Ok((text, FinishReason::End))])
    }

    /// A model that always fails.
    pub fn failing(name: &str, error: ModelError) -> Self {
        Self::new(name, vec![Err(error)])
    }

    /// Calls so far.
    pub fn calls(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// Each call so far: the system text and the messages.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Model for &ScriptedModel {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    async fn ask(&self, call: &Call<'_>) -> Result<Completion, ModelError> {
        let texts: Vec<_> = call.messages.iter().map(|message| message.text.as_str()).collect();
        self.asked.lock().unwrap().push(format!("{}\n{}", call.system, texts.join("\n")));
        let mut script = self.script.lock().unwrap();
        let line = if script.len() > 1 { script.remove(0) } else { script.first().unwrap().clone() };
        let (text, finish) = line?;
        let tokens = TokenUse { input: Some(100), output: Some(100), ..TokenUse::default() };
        Ok(Completion { text: text.to_owned(), finish, model_id: None, tokens })
    }
}
