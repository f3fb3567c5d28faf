//! The chain: which model is asked next, until one answers or none can.
//!
//! What comes next is decided by `policy`, a pure function; the loop in this file obeys it.
//!
//! Never: makes a call that was not counted, lets one run past its share of the time, or retries a model anywhere but
//! here.
//!
//! ```text
//!   ┌──────────────────────────────────────────────────────────────────────────────────────────────┐
//!   ▼                                                                                              │
//! policy ─┬─ wait ─ sleep ─────────────────────────────────────────────────────────────────────────┤
//!         ├─ call ─ get a slot ─ enter the breaker ─ count ─ ask, in its timeout ─ judge ─ settle ─┘
//!         └─ stop
//!
//! start                                                                      end             deadline
//!   ├── attempt: its timeout ───┼── ... ──┼── the next model: at least 6 s ──┼── 3 s to store ──┤
//! ```

mod attempt;
mod breaker;
mod slots;
mod health;
mod outcome;
mod policy;

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{Either, select};

pub use attempt::{Attempt, AttemptOutcome, Verdict};
pub use breaker::Circuit;
pub use health::{Health, ModelHealth};
pub use outcome::{Alarm, ChainOutcome, ModelAnswer, StopReason};
pub use policy::Budget;

use crate::clock::Clock;
use crate::limits::{RETRY_PAUSE_MAX, RETRY_PAUSE_MIN};
use crate::model::{Call, Completion, Message, Model, ModelError, Role, SchemaForm};
use crate::prompt::ReplySchema;
use crate::time::Timestamp;
use health::Permit;
use outcome::AnswersSoFar;
use policy::{Candidate, NextCall, Step, time_min};
use slots::CallSlot;

/// The models in their order, and what they are asked with.
#[derive(Debug)]
pub struct Chain<'a, M, C> {
    models: &'a [M],
    health: &'a Health,
    clock: &'a C,
}

/// What is asked. The chain chooses none of its words.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Role, rules, dictionary and scale.
    pub system: &'a str,
    /// The facts, as one JSON object in a sentence: the first message.
    pub user: &'a str,
    /// The reply's JSON schema, for models that take one natively.
    pub schema: &'a ReplySchema,
    /// The message of a re-ask, from the exact violations of the reply before it.
    pub correction: fn(&str) -> String,
    /// What is added to the facts after a reply that was cut off.
    pub shorter: &'a str,
}

/// A slot of a model, held from one call of the alert to the next.
struct HeldSlot<'a> {
    model: &'a str,
    _slot: CallSlot,
}

impl<'a, M: Model, C: Clock> Chain<'a, M, C> {
    /// A chain of these models. `health` is shared by every alert of the process.
    pub fn new(models: &'a [M], health: &'a Health, clock: &'a C) -> Self {
        Self { models, health, clock }
    }

    /// Asks the models until one answers or none can. `count` counts a call of the alert's claim before it is made, or
    /// says why it must not be made; `judge` checks a finished, non-blank reply.
    pub async fn ask<T>(
        &self,
        question: &Question<'_>,
        budget: Budget,
        mut count: impl AsyncFnMut() -> Result<(), StopReason>,
        mut judge: impl FnMut(&Completion) -> Verdict<T>,
    ) -> ChainOutcome<'a, T> {
        let mut answers = AnswersSoFar::new();
        // Whether a call is counted that has not been made.
        let mut is_counted = false;
        let mut held: Option<HeldSlot<'a>> = None;
        let mut busy = Vec::new();
        let stop = loop {
            let now = self.clock.now();
            let candidates = self.candidates(now, &busy);
            let step = policy::next(&candidates, answers.attempts(), budget, now);
            for skipped in policy::skipped(&step, &candidates, answers.attempts()) {
                answers.skip(&skipped);
            }
            let next = match step {
                Step::Call(next) => next,
                Step::Wait(until) => {
                    held = None;
                    self.clock.sleep(until.since(now)).await;
                    continue;
                }
                Step::Stop(reason) => break reason,
            };
            let spec = next.candidate.spec;
            if held.as_ref().is_none_or(|held| held.model != spec.name) {
                drop(held.take());
                let mut wait = self.health.slots(spec).wait();
                let (slot, has_waited) = match (&mut wait).now_or_never() {
                    Some(slot) => (Some(slot), false),
                    None => (self.within(next.slot_by.since(now), wait).await, true),
                };
                held = slot.map(|slot| HeldSlot { model: &spec.name, _slot: slot });
                if held.is_none() {
                    busy.push(spec.name.as_str());
                }
                // Breakers and the time left have changed in the meantime.
                if has_waited {
                    continue;
                }
            }
            // If another alert has changed the breaker in the meantime, the next turn sees it.
            let Some(permit) = self.health.enter(spec, now) else { continue };
            if !is_counted && let Err(reason) = count().await {
                break reason;
            }
            // A slow store can have used up the call's share of the time. The next call is counted already then.
            is_counted = true;
            if next.until.since(self.clock.now()) >= time_min(spec) {
                is_counted = false;
                let (attempt, answer) =
                    self.attempt(question, answers.attempts(), &next, permit, &mut judge).await;
                answers.add(attempt, answer);
            }
        };
        let outcome = answers.finish(self.models.first().map(Model::spec), stop);
        ChainOutcome { unmade_call: is_counted, ..outcome }
    }

    /// `busy`: the models that had no slot in time.
    fn candidates(&self, now: Timestamp, busy: &[&str]) -> Vec<Candidate<'a, M>> {
        let candidate = |model: &'a M| {
            let spec = model.spec();
            let is_busy = busy.contains(&spec.name.as_str());
            Candidate { model, spec, health: self.health.of(spec, now), is_busy }
        };
        self.models.iter().map(candidate).collect()
    }

    /// Makes one call, and notes its outcome.
    async fn attempt<T>(
        &self,
        question: &Question<'_>,
        attempts: &[Attempt<'a>],
        next: &NextCall<'_, 'a, M>,
        permit: Permit<'_>,
        judge: &mut impl FnMut(&Completion) -> Verdict<T>,
    ) -> (Attempt<'a>, Option<T>) {
        let Candidate { model, spec, .. } = *next.candidate;
        let messages = messages(question, attempts, next);
        let schema = match next.form {
            SchemaForm::PromptOnly => None,
            SchemaForm::Reduced => Some(question.schema.reduced()),
            SchemaForm::Bounded => Some(question.schema.bounded()),
        };
        let call =
            Call { system: question.system, messages: &messages, schema, output_tokens: next.output_tokens };
        let started = self.clock.now();
        let response = self.within(next.until.since(started), model.ask(&call)).await;
        let ended = self.clock.now();

        let mut attempt = Attempt::new(spec, next.form, ended.since(started));
        let answer = match response.unwrap_or(Err(ModelError::TimedOut)) {
            Ok(completion) => {
                let (outcome, answer) = AttemptOutcome::of_reply(&completion, judge);
                attempt.reply(completion, outcome);
                answer
            }
            Err(error) => {
                let unproven = next.form.is_native() && !self.health.native_has_worked(spec);
                let pause = error.retry_after().unwrap_or_else(|| self.jitter());
                attempt.outcome = AttemptOutcome::of_error(error, next.form, unproven, ended.plus(pause));
                None
            }
        };
        permit.settle(&attempt, ended);
        (attempt, answer)
    }

    /// The response, unless the time is over first; dropping the call cancels it.
    async fn within<T>(&self, time: Duration, call: impl Future<Output = T>) -> Option<T> {
        // The call is polled first: one that is ready at once wins even against no time at all.
        match select(pin!(call), pin!(async { self.clock.sleep(time).await })).await {
            Either::Left((response, _)) => Some(response),
            Either::Right(_) => None,
        }
    }

    fn jitter(&self) -> Duration {
        let span = RETRY_PAUSE_MAX.saturating_sub(RETRY_PAUSE_MIN).as_millis();
        let random = u128::from(self.clock.random()) % (span + 1);
        RETRY_PAUSE_MIN + Duration::from_millis(u64::try_from(random).unwrap_or(0))
    }
}

/// The first message; for a re-ask also the rejected reply, and what is wrong with it. A reply that was cut off is not
/// quoted, because it is long; the first message asks for a shorter one.
fn messages<M>(
    question: &Question<'_>,
    attempts: &[Attempt<'_>],
    next: &NextCall<'_, '_, M>,
) -> Vec<Message> {
    let mut text = question.user.to_owned();
    if next.shorter {
        text = format!("{text}\n\n{}", question.shorter);
    }
    let mut messages = vec![Message { role: Role::User, text }];
    let quoted = next.quoted.and_then(|index| attempts.get(index));
    if let Some((text, violations)) = quoted.and_then(Attempt::to_correct) {
        messages.push(Message { role: Role::Assistant, text: text.to_owned() });
        messages.push(Message { role: Role::User, text: (question.correction)(violations) });
    }
    messages
}

impl ModelError {
    /// How long the model asks to wait, if it does.
    fn retry_after(&self) -> Option<Duration> {
        if let Self::Throttled { retry_after } = self { *retry_after } else { None }
    }
}

#[cfg(test)]
mod tests;
