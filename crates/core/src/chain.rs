//! The chain: which model is asked next, until one answers or none can.
//!
//! Takes: the models in their order, a [`Question`], a [`Budget`] of calls and time, and from the caller two
//! steps: `reserve`, which counts a call before it is made, and `judge`, which checks what came back.
//! Gives: an [`Asked`]: the answer or why there is none, every attempt, the alarms, and whether it is
//! degraded.
//! Never: makes a call that was not reserved, lets one outlive its share of the time, or tries again anywhere
//! but here.
//!
//! What comes next is decided by `policy`, a pure function; this loop obeys it.
//!
//! ```text
//!   ┌────────────────────────────────────────────────────────────────────────────────────────┐
//!   ▼                                                                                        │
//! policy ─┬─ wait ─ sleep ───────────────────────────────────────────────────────────────────┤
//!         ├─ call ─ enter the breaker ─ reserve ─ ask, at most 20 s ─ judge ─ settle the breaker
//!         └─ stop
//!
//! start                                                                      end             deadline
//!   ├── attempt: at most 20 s ──┼── ... ──┼── the next model: at least 5 s ──┼── 3 s to store ──┤
//! ```

mod attempt;
mod asked;
mod breaker;
mod health;
mod policy;
mod race;

pub use asked::{Alarm, Answer, Asked, NoAnswer};
pub use attempt::{Attempt, Ending, Verdict};
pub use breaker::Circuit;
pub use health::{Health, Standing};
pub use policy::Budget;

use std::future::Future;
use std::time::Duration;

use serde_json::Value;

use crate::clock::Clock;
use crate::limits::{ATTEMPT_TIME_MIN, RETRY_PAUSE_MAX, RETRY_PAUSE_MIN};
use crate::model::{Call, Completion, Message, Model, ModelError, ModelSpec, Role};
use crate::store::{Reserved, StoreError};
use asked::Answers;
use health::Permit;
use policy::{NextCall, Step, Why};
use race::within;

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
    /// The facts, as one JSON object: the first message.
    pub user: &'a str,
    /// The reply's JSON schema, for models that take one natively.
    pub schema: &'a Value,
    /// The message of a re-ask, from the exact violations of the reply before it.
    pub correction: fn(&str) -> String,
}

impl<'a, M: Model, C: Clock> Chain<'a, M, C> {
    /// A chain of these models. `health` is shared by every alert of the process.
    pub fn new(models: &'a [M], health: &'a Health, clock: &'a C) -> Self {
        Self { models, health, clock }
    }

    /// Asks the models until one answers or none can. `reserve` counts a call of the alert's claim before it
    /// is made; `judge` checks a finished, non-blank reply.
    pub async fn ask<T, R: Future<Output = Result<Reserved, StoreError>>>(
        &self,
        question: &Question<'_>,
        budget: Budget,
        mut reserve: impl FnMut() -> R,
        mut judge: impl FnMut(&Completion) -> Verdict<T>,
    ) -> Asked<T> {
        let plan: Vec<&ModelSpec> = self.models.iter().map(Model::spec).collect();
        let mut answers = Answers::new();
        let none = loop {
            let now = self.clock.now();
            let health: Vec<Standing> = plan.iter().map(|spec| self.health.standing(spec, now)).collect();
            let step = policy::next(&plan, answers.attempts(), &health, budget, now);
            for (spec, fault) in policy::skipped(step, &plan, answers.attempts(), &health) {
                answers.skip(spec, fault);
            }
            let next = match step {
                Step::Call(next) => next,
                Step::Wait(until) => {
                    self.clock.sleep(until.since(now)).await;
                    continue;
                }
                Step::Stop(why) => break none_but(why),
            };
            // If another alert has changed the breaker since, the next look shows it.
            let Some(model) = self.models.get(next.place) else { break Some(NoAnswer::AllFailed) };
            let Some(permit) = self.health.enter(model.spec(), now) else { continue };
            match reserve().await {
                Ok(Reserved::Call(_)) => {}
                Ok(Reserved::Spent) => break Some(NoAnswer::CallsSpent),
                Ok(Reserved::Lost) => break Some(NoAnswer::Lost),
                Err(error) => break Some(NoAnswer::Store(error)),
            }
            // A slow store can have used up the call's share. It is counted then, and not made.
            if next.until.since(self.clock.now()) >= ATTEMPT_TIME_MIN {
                let (attempt, answer) =
                    self.attempt(question, answers.attempts(), next, model, permit, &mut judge).await;
                answers.add(attempt, answer);
            }
        };
        answers.finish(&plan, none)
    }

    /// Makes one call, and notes what came of it.
    async fn attempt<T>(
        &self,
        question: &Question<'_>,
        attempts: &[Attempt],
        next: NextCall,
        model: &M,
        permit: Permit<'_>,
        judge: &mut impl FnMut(&Completion) -> Verdict<T>,
    ) -> (Attempt, Option<T>) {
        let NextCall { place, native, output_tokens, until, .. } = next;
        let messages = messages(question, attempts, next);
        let schema = native.then_some(question.schema);
        let call = Call { system: question.system, messages: &messages, schema, output_tokens };
        let started = self.clock.now();
        let limit = until.since(started);
        let came = within(model.ask(&call), async { self.clock.sleep(limit).await }).await;
        let ended = self.clock.now();

        let spec = model.spec();
        let mut attempt = Attempt::new(place, spec, native, ended.since(started));
        let answer = match came.unwrap_or(Err(ModelError::TimedOut)) {
            Ok(completion) => {
                let (ending, answer) = Ending::of_reply(&completion, judge);
                attempt.reply(completion, ending);
                answer
            }
            Err(error) => {
                let native_unproven = native && !self.health.native_has_worked(spec);
                let pause = error.retry_after().unwrap_or_else(|| self.jitter());
                attempt.ending = Ending::of_error(error, native, native_unproven, ended.plus(pause));
                None
            }
        };
        permit.settle(&attempt, ended);
        (attempt, answer)
    }

    fn jitter(&self) -> Duration {
        let span = RETRY_PAUSE_MAX.saturating_sub(RETRY_PAUSE_MIN).as_millis();
        let random = u128::from(self.clock.random()) % (span + 1);
        RETRY_PAUSE_MIN + Duration::from_millis(u64::try_from(random).unwrap_or(0))
    }
}

/// Why there is none, or `None` if there is an answer to give.
fn none_but(why: Why) -> Option<NoAnswer> {
    match why {
        Why::Answered => None,
        Why::Guardrail => Some(NoAnswer::Guardrail),
        Why::CallsSpent => Some(NoAnswer::CallsSpent),
        Why::AllFailed => Some(NoAnswer::AllFailed),
        Why::Deadline => Some(NoAnswer::Deadline),
    }
}

/// The first message; for a re-ask also the reply that was not accepted, and what is wrong with it.
fn messages(question: &Question<'_>, attempts: &[Attempt], next: NextCall) -> Vec<Message> {
    let mut messages = vec![Message { role: Role::User, text: question.user.to_owned() }];
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
