//! The clock, the models and the bus as a worker sees them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use portend_core::alert_type::FactValue;
use portend_core::clock::Clock;
use portend_core::insight::StoredInsight;
use portend_core::limits::{ATTEMPT_TIMEOUT, MODEL_CONCURRENCY};
use portend_core::model::{
    Call, Completion, ConfigurationFault, FinishReason, Model, ModelError, ModelSpec, Price, SchemaForm,
    TokenUse,
};
use portend_core::notify::{Notifier, NotifyError};
use portend_core::number::Number;
use portend_core::time::Timestamp;

use super::agenda::{PendingResponse, Slot};
use super::bug::Bug;
use super::history::{What, run_number};
use super::weather::{BusFate, ModelFate};
use super::world::{Happening, Link, World};
use crate::random::Random;

/// A worker's clock: the world's, with its own error.
#[derive(Debug)]
pub(super) struct SimulatedClock {
    link: Link,
    random: AtomicU64,
}

impl SimulatedClock {
    pub(super) fn new(link: Link, seed: u64) -> Self {
        Self { link, random: AtomicU64::new(seed) }
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        self.link.world().own_now(self.link.worker)
    }

    fn random(&self) -> u64 {
        Random::new(self.random.fetch_add(1, Ordering::Relaxed)).draw()
    }

    async fn sleep(&self, duration: Duration) {
        let wait = self.link.world().sleep(self.link.worker, duration);
        wait.await;
    }
}

/// A model of the chain, by its position.
#[derive(Debug)]
pub(super) struct SimulatedModel {
    link: Link,
    position: usize,
    spec: ModelSpec,
}

impl SimulatedModel {
    pub(super) fn new(link: Link, position: usize) -> Self {
        let name = format!("model-{position}");
        let spec = ModelSpec {
            model_id: name.clone(),
            label: name.clone(),
            endpoint: "simulated".into(),
            schema: if position == 1 { SchemaForm::Reduced } else { SchemaForm::PromptOnly },
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
            name,
        };
        Self { link, position, spec }
    }
}

impl Model for SimulatedModel {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    async fn ask(&self, call: &Call<'_>) -> Result<Completion, ModelError> {
        let facts = call.messages.first().map_or("", |message| &message.text);
        let (calls, health) = (number_in(facts, "ib_calls_14d"), number_in(facts, "health_score"));
        let (number, response) =
            self.link.world().call(self.link.worker, self.position, calls, call.schema.is_some());
        let fate = response.await;
        self.link.world().end_call(number, fate);
        reply(fate, calls, health)
    }
}

/// A fact's value in the prompt; 0 if it is not there.
fn number_in(facts: &str, fact: &str) -> u32 {
    let value = facts.split_once(fact).map_or("", |(_, rest)| rest).trim_start_matches(['"', ':', ' ']);
    let digits = value.find(|c: char| !c.is_ascii_digit()).map_or(value, |end| &value[..end]);
    digits.parse().unwrap_or(0)
}

impl World {
    /// Receives a call: it is in the provider's history from now on. Returns its number there.
    fn call(
        &mut self,
        worker: usize,
        model: usize,
        calls: u32,
        has_schema: bool,
    ) -> (usize, PendingResponse<ModelFate>) {
        let alert = self.by_calls.get(&calls).copied();
        let requester = self.begin(worker, "call of a model", alert);
        let mut fate = self.weather.model_fate(model, self.now);
        if fate == ModelFate::SchemaRefused && !has_schema {
            fate = ModelFate::Accepted;
        }
        let number = self.history.calls.len();
        self.history.calls.push(None);
        match alert {
            Some(alert) => self.history.add(alert, self.now, requester, What::Called { call: number }),
            None => self.history.unknown_calls += 1,
        }
        self.note(alert, || format!("  call {number} of model {model}: {fate:?}"));
        let slot = Arc::new(Slot::default());
        if fate != ModelFate::Hanging {
            let time = self.weather.model_time();
            self.respond(time, requester, &slot, fate);
        }
        (number, PendingResponse::of(slot))
    }

    /// Notes that the caller has received the response.
    fn end_call(&mut self, number: usize, fate: ModelFate) {
        self.history.calls[number] = Some(fate == ModelFate::Accepted);
    }
}

fn reply(fate: ModelFate, calls: u32, health: u32) -> Result<Completion, ModelError> {
    let answer = |explanation: &str| {
        format!(
            r#"{{"drivers":[{{"fact":"ib_calls_14d","effect":"raises","because":"{calls} calls."}}],
            "explanation":"{explanation}","recommendations":["Call.","Review."],"risk_score":72}}"#
        )
    };
    let (text, finish) = match fate {
        ModelFate::Accepted => {
            (answer(&format!("{calls} calls and a health score of {health}.")), FinishReason::End)
        }
        ModelFate::Unsupported => (answer("There were 31337 lessons."), FinishReason::End),
        ModelFate::Unusable => ("I would rather talk about lessons.".into(), FinishReason::End),
        ModelFate::Empty => (String::new(), FinishReason::End),
        ModelFate::CutOff => (r#"{"drivers":["#.into(), FinishReason::Length),
        ModelFate::Refused => ("I cannot help with that.".into(), FinishReason::Refusal),
        ModelFate::Throttled => return Err(ModelError::Throttled { retry_after: None }),
        ModelFate::Unavailable => return Err(ModelError::Unavailable { what: "503".into() }),
        ModelFate::Hanging => return Err(ModelError::TimedOut),
        ModelFate::SchemaRefused => return Err(ModelError::SchemaRefused),
        ModelFate::OverQuota => return Err(ModelError::OverQuota),
        ModelFate::Misconfigured => {
            return Err(ModelError::Configuration { fault: ConfigurationFault::WrongKey });
        }
    };
    let tokens = TokenUse { input: Some(100), output: Some(100), ..TokenUse::default() };
    Ok(Completion { text, finish, model_id: None, tokens })
}

/// The fact by which an insight's alert is recognised.
fn calls_in(insight: &StoredInsight) -> Option<u32> {
    match insight.current()?.facts.get("ib_calls_14d")? {
        FactValue::Number(number) => u32::try_from(number.as_whole()?).ok(),
        FactValue::Flag(_) | FactValue::Word(_) => None,
    }
}

/// A worker's bus.
#[derive(Debug)]
pub(super) struct SimulatedBus(pub(super) Link);

impl Notifier for SimulatedBus {
    async fn notify(&self, insight: &StoredInsight) -> Result<(), NotifyError> {
        let response = self.0.world().publish(self.0.worker, insight);
        response.await
    }
}

impl World {
    /// Sends an insight to the bus.
    fn publish(
        &mut self,
        worker: usize,
        insight: &StoredInsight,
    ) -> PendingResponse<Result<(), NotifyError>> {
        let alert = calls_in(insight).and_then(|calls| self.by_calls.get(&calls).copied());
        let requester = self.begin(worker, "publish", alert);
        let fate = self.weather.bus_fate(self.now);
        let unreachable = || Err(NotifyError::Unreachable { what: "no response".into() });
        let result = match fate {
            BusFate::Published => Ok(()),
            BusFate::NotPublished if self.bug == Some(Bug::Unpublished) => Ok(()),
            BusFate::NotPublished | BusFate::ResponseLost => unreachable(),
        };
        self.note(alert, || format!("  publish of run {}: {fate:?}", requester.run));
        let slot = Arc::new(Slot::default());
        let (there, back) = (self.weather.way(), self.weather.way());
        let by = run_number(insight.run());
        self.respond(there + back, requester, &slot, result);
        if let Some(alert) = alert.filter(|_| fate != BusFate::NotPublished) {
            let publish = move |world: &mut Self| {
                world.history.add(alert, world.now, requester, What::Published { by });
            };
            self.plan(there, Happening::Effect(Box::new(publish)));
        }
        PendingResponse::of(slot)
    }
}
