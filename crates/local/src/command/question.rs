//! Asks a model about an alert again, as it would be asked, and stores nothing.

use std::time::Duration;

use anyhow::{Result, anyhow};
use portend_core::alert::Facts;
use portend_core::clock::Clock;
use portend_core::insight::{InsightFields, StoredInsight};
use portend_core::limits::EVENT_DEADLINE;
use portend_core::model::{Model, TokenUse};
use portend_core::notify::NoNotifier;
use portend_core::number::Number;
use portend_core::pipeline::{Pipeline, Preview};
use portend_remote::{AnyModel, SystemClock};
use serde_json::json;

use crate::config::Config;
use crate::show::output::WrongUsage;

/// Tokens of a question and of an answer where no earlier call says how many.
const TOKENS_USUAL: (u64, u64) = (800, 250);

/// The models to ask, with what they have cost.
pub(super) struct Questioner {
    pipeline: Pipeline<(), SystemClock, AnyModel, NoNotifier>,
    budget: f64,
    pub(super) spent: f64,
    /// The most that one call has cost.
    dearest: f64,
    pub(super) calls: usize,
}

/// What became of a question.
pub(super) enum Answered {
    /// The model's insight.
    Insight(Box<InsightFields>),
    /// The model did not answer, or its reply cannot be used.
    Nothing(String),
    /// The question was not asked, because it could cost more than is left.
    OverBudget,
}

impl Questioner {
    /// Takes the models of the settings, or only the one with this label. Asks nothing yet.
    pub(super) async fn new(
        config: &Config,
        label: Option<&str>,
        rules: Option<&str>,
        budget: f64,
    ) -> Result<Self> {
        let types = config.alert_types().map_err(WrongUsage::from)?;
        let aws = config.aws().await.map_err(WrongUsage::from)?;
        let mut models = config.chain.models(&aws).map_err(WrongUsage::from)?;
        models.retain(|model| label.is_none_or(|label| model.spec().label == label));
        models.truncate(1);
        if models.is_empty() {
            let missing = match label {
                Some(label) => anyhow!("the model {label} is not in the chain; name it with --models"),
                None => anyhow!("no model is configured; name one with --with or --models"),
            };
            return Err(WrongUsage::from(missing).into());
        }
        let pipeline = Pipeline::new(types, (), SystemClock).with_models(models, false);
        let pipeline = match rules {
            Some(rules) => pipeline.with_rules(rules),
            None => pipeline,
        };
        Ok(Self { pipeline, budget, spent: 0.0, dearest: 0.0, calls: 0 })
    }

    /// What a call is likely to cost, in US dollars, if the price is known.
    pub(super) fn price(&self, tokens: Option<(u64, u64)>) -> Option<f64> {
        let (input, output) = tokens.unwrap_or(TOKENS_USUAL);
        let price = self.pipeline.models().first()?.spec().price?;
        Some(price.of(TokenUse { input: Some(input), output: Some(output), ..TokenUse::default() })?.get())
    }

    /// The model's name for people.
    pub(super) fn label(&self) -> &str {
        self.pipeline.models().first().map_or("", |model| &model.spec().label)
    }

    /// Asks about an insight's alert with these facts, with at most so many calls.
    pub(super) async fn ask(&mut self, fields: &InsightFields, facts: &Facts, calls_max: u32) -> Answered {
        let next = self.dearest.max(self.price(None).unwrap_or(0.0));
        if self.spent + next * f64::from(calls_max) > self.budget {
            return Answered::OverBudget;
        }
        let event = json!({
            "alert_type": fields.prediction_type,
            "severity": fields.severity,
            "entity_id": fields.entity_id,
            "entity_type": fields.entity_type,
            "details": facts,
            "timestamp": fields.alert_timestamp,
        })
        .to_string();
        let received = self.pipeline.receive(event.as_bytes());
        let deadline = SystemClock.now().plus(EVENT_DEADLINE.max(Duration::from_secs(1)));
        let mut run = self.pipeline.run(deadline);
        let preview = run.preview_within(&received, calls_max).await;
        let account = run.into_account();
        for attempt in &account.attempts {
            let cost = attempt.cost_usd.map_or(0.0, Number::get);
            self.spent += cost;
            self.dearest = self.dearest.max(cost);
            self.calls += 1;
        }
        match preview {
            Preview::Insight(StoredInsight::Current(fields)) => Answered::Insight(fields),
            Preview::Insight(StoredInsight::Original(_)) => Answered::Nothing("not_current".to_owned()),
            Preview::Refused(_) => Answered::Nothing("facts_changed".to_owned()),
            Preview::NoAnswer(stop) => {
                let last = account.attempts.last();
                Answered::Nothing(last.map_or_else(|| stop.code().to_owned(), |last| last.outcome.clone()))
            }
        }
    }
}
