//! Judges an alert: by the models in their order, otherwise by the scorecard.
//!
//! Never: calls a model without counting the call, or judges by the scorecard where the chain has none.

use std::sync::{Mutex, PoisonError};

use super::further::FurtherCalls;
use super::reuse::EarlierAnswer;
use super::verdict::{UsableReply, verdict};
use super::{Received, Run};
use crate::alert::{Alert, Refusal};
use crate::chain::{Alarm, Attempt, Budget, Chain, ChainOutcome, ModelAnswer, Question, StopReason};
use crate::clock::{Clock, random_name};
use crate::insight::{
    AnswerSource, AttemptRecord, DegradedBy, Judgement, PromptRef, Provenance, SecondOpinion, StoredInsight,
};
use crate::limits::{CALLS_MAX, REJECTED_REPLY_STORED_BYTES_MAX};
use crate::model::{Completion, Model};
use crate::notify::Notifier;
use crate::prompt;
use crate::scorecard::Scored;
use crate::store::{Lease, Reserved, Store, StoreError};
use crate::text::first_bytes;

/// The judgement of an alert.
pub(super) struct JudgedAlert {
    /// `None` if no model answered and the chain has no scorecard.
    pub(super) judgement: Option<Judgement>,
    pub(super) stop: StopReason,
    pub(super) attempts: Vec<AttemptRecord>,
    /// Why a model should have answered and did not, if it may do so later.
    pub(super) degraded: Option<DegradedBy>,
    /// Whether a call was counted and not made.
    pub(super) unmade_call: bool,
}

impl JudgedAlert {
    /// The judgement and the attempts that it took.
    pub(super) fn given(&self) -> (Option<&Judgement>, &[AttemptRecord]) {
        (self.judgement.as_ref(), &self.attempts)
    }
}

/// How the models are asked.
struct Ask {
    calls_max: u32,
    /// The earlier answer to use, after the models before it.
    earlier: Option<EarlierAnswer>,
}

/// The calls that may be made under a lease.
#[derive(Debug)]
pub(super) struct Calls<'l> {
    lease: &'l Lease,
    max: u32,
    state: Mutex<CallState>,
}

#[derive(Debug)]
struct CallState {
    /// A call that is counted and not made: at first the one that was counted with the claim.
    unmade: Option<Reserved>,
    /// Why a call could not be counted.
    error: Option<StoreError>,
}

impl<'l> Calls<'l> {
    /// Those of an alert's claim.
    pub(super) fn of(lease: &'l Lease) -> Self {
        Self::up_to(CALLS_MAX, lease)
    }

    /// At most `max` in this run.
    pub(super) fn up_to(max: u32, lease: &'l Lease) -> Self {
        Self { lease, max, state: Mutex::new(CallState { unmade: lease.first_call, error: None }) }
    }

    /// Whether a call was counted that has not been made.
    pub(super) fn has_unmade(&self) -> bool {
        self.state().unmade.is_some()
    }

    /// Why a call could not be counted, if that happened.
    pub(super) fn take_error(&self) -> Option<StoreError> {
        self.state().error.take()
    }

    fn take_unmade(&self) -> Option<Reserved> {
        self.state().unmade.take()
    }

    /// Takes a counted call back that was not made.
    fn take_back(&self) {
        self.state().unmade = Some(Reserved::Call(self.max));
    }

    fn state(&self) -> std::sync::MutexGuard<'_, CallState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an alert would be judged as. Nothing is claimed or stored.
#[derive(Debug)]
pub enum Preview {
    /// The insight.
    Insight(StoredInsight),
    /// The event cannot become an alert.
    Refused(Refusal),
    /// No model answered, and the chain has no scorecard.
    NoAnswer(StopReason),
}

impl<S: Store, C: Clock, M: Model, N: Notifier> Run<'_, S, C, M, N> {
    /// The models' judgement, or an earlier answer's; the scorecard's if they have none and it is in the chain.
    pub(super) async fn judge(
        &mut self,
        alert: &Alert<'_>,
        calls: &Calls<'_>,
        earlier: Option<EarlierAnswer>,
    ) -> JudgedAlert {
        let ask = Ask { calls_max: calls.max, earlier };
        let outcome = self.ask_or_score(alert, ask, async || self.count(calls).await).await;
        if outcome.0.unmade_call {
            calls.take_back();
        }
        self.note(outcome)
    }

    /// The models' judgement alone, or an earlier answer's.
    pub(super) async fn ask(
        &mut self,
        alert: &Alert<'_>,
        calls: &Calls<'_>,
        earlier: Option<EarlierAnswer>,
    ) -> JudgedAlert {
        let (baseline, ask) = (Scored::new(alert), Ask { calls_max: calls.max, earlier });
        let outcome = self.ask_models(alert, ask, baseline, async || self.count(calls).await).await;
        self.note(outcome)
    }

    /// Counts a call before it is made. The claim has counted the first one already.
    async fn count(&self, calls: &Calls<'_>) -> Result<(), StopReason> {
        let reserved = match calls.take_unmade() {
            Some(reserved) => Ok(reserved),
            None => self.reserve_call(calls.lease).await,
        };
        match reserved {
            Ok(Reserved::Call(_)) => Ok(()),
            Ok(Reserved::Spent) => Err(StopReason::CallsSpent),
            Ok(Reserved::Lost) => Err(StopReason::Lost),
            Err(error) => {
                calls.state().error = Some(error);
                Err(StopReason::StoreFailed)
            }
        }
    }
}

impl<S, C: Clock, M: Model, N> Run<'_, S, C, M, N> {
    /// Judges an event as it would be judged. Nothing is claimed or stored, and the calls are made whether or not the
    /// alert was judged before.
    pub async fn preview(&mut self, received: &Received<'_>) -> Preview {
        self.preview_within(received, CALLS_MAX).await
    }

    /// The same, with at most so many calls. With fewer than an alert may make, no second opinion is asked for.
    pub async fn preview_within(&mut self, received: &Received<'_>, calls_max: u32) -> Preview {
        let alert = match &received.alert {
            Ok(alert) => alert,
            Err(refusal) => return Preview::Refused(refusal.clone()),
        };
        self.is_single = calls_max < CALLS_MAX;
        let ask = Ask { calls_max, earlier: None };
        let outcome = self.ask_or_score(alert, ask, async || Ok(())).await;
        let JudgedAlert { judgement, stop, attempts, degraded, .. } = self.note(outcome);
        let Some(judgement) = judgement else { return Preview::NoAnswer(stop) };
        let run = random_name(&self.pipeline.clock);
        let provenance = Provenance { run, attempts, degraded, now: self.now() };
        Preview::Insight(
            self.pipeline.insight(alert, &alert.insight_key(), judgement, provenance).to_stored(),
        )
    }

    /// Adds what the judgement took to the account.
    fn note(&mut self, (judged, alarms): (JudgedAlert, Vec<Alarm>)) -> JudgedAlert {
        self.account.alarms.extend(alarms);
        let made = judged.attempts.iter().filter(|attempt| attempt.reused.is_none());
        self.account.attempts.extend(made.cloned());
        judged
    }

    async fn ask_or_score(
        &self,
        alert: &Alert<'_>,
        ask: Ask,
        count: impl AsyncFnMut() -> Result<(), StopReason>,
    ) -> (JudgedAlert, Vec<Alarm>) {
        let baseline = Scored::new(alert);
        if self.pipeline.models.is_empty() {
            let judgement = Some(Judgement::Scorecard(baseline));
            let stop = StopReason::Answered;
            let attempts = Vec::new();
            let judged = JudgedAlert { judgement, stop, attempts, degraded: None, unmade_call: false };
            return (judged, Vec::new());
        }
        let (mut judged, alarms) = self.ask_models(alert, ask, baseline.clone(), count).await;
        let may_score = !matches!(judged.stop, StopReason::Lost | StopReason::StoreFailed);
        if judged.judgement.is_none() && self.pipeline.scorecard && may_score {
            judged.judgement = Some(Judgement::Scorecard(baseline));
        }
        (judged, alarms)
    }

    async fn ask_models(
        &self,
        alert: &Alert<'_>,
        ask: Ask,
        baseline: Scored,
        mut count: impl AsyncFnMut() -> Result<(), StopReason>,
    ) -> (JudgedAlert, Vec<Alarm>) {
        let (pipeline, Ask { calls_max, earlier }) = (self.pipeline, ask);
        let prepared = self.pipeline.prepared.of(alert.alert_type());
        let prompt = prepared.template.prompt(alert.facts());
        let checker = prepared.checker.checker(alert.alert_type(), alert.facts());
        let question = Question {
            system: prompt.system(),
            user: prompt.user(),
            schema: prepared.template.schema(),
            correction: prompt::reask,
            shorter: prompt::SHORTER,
        };
        let models_before = earlier.as_ref().map_or(usize::MAX, |earlier| earlier.models_before);
        let models = pipeline.models.get(..models_before).unwrap_or(&pipeline.models);
        let chain = Chain::new(models, &pipeline.health, &pipeline.clock);
        let budget = Budget::new(calls_max, self.deadline);
        let check = |completion: &Completion| verdict(completion, &checker, &prepared);
        let first = chain.ask(&question, budget, &mut count, check).await;
        let further = FurtherCalls {
            question,
            checker: &checker,
            handling: alert.alert_type().handling(),
            calls_max: usize::try_from(calls_max).unwrap_or(usize::MAX),
        };
        // The future is large, and most alert types want no further answers.
        let (outcome, mut opinion) = Box::pin(self.ask_further(first, &further, count, check)).await;
        let ChainOutcome { mut answer, mut stop, attempts, alarms, mut degraded, unmade_call } = outcome;
        let mut attempts: Vec<_> = attempts.into_iter().map(record).collect();
        let used = earlier.filter(|_| answer.is_none() && stop.allows_an_earlier_answer());
        if let Some(used) = used.and_then(|earlier| earlier.used(&pipeline.models)) {
            (answer, opinion, stop, degraded) = (Some(used.answer), used.opinion, StopReason::Answered, None);
            attempts.push(used.attempt);
        }
        let prompt = PromptRef::of(&prompt);
        let judgement = answer.map(|answer| judgement(answer, prompt, opinion, baseline));
        (JudgedAlert { judgement, stop, attempts, degraded, unmade_call }, alarms)
    }
}

fn judgement(
    answer: ModelAnswer<'_, UsableReply>,
    prompt: PromptRef,
    second_opinion: Option<SecondOpinion>,
    baseline: Scored,
) -> Judgement {
    let ModelAnswer { answer: UsableReply { grounded, text }, spec, model_id, is_fallback } = answer;
    let label = if is_fallback { format!("{}-fallback", spec.label) } else { spec.label.clone() };
    let source = Box::new(AnswerSource { label, model_id, prompt, reply: text, second_opinion });
    Judgement::Model { grounded: Box::new(grounded), source, baseline }
}

/// An attempt as its insight shows it.
fn record(attempt: Attempt<'_>) -> AttemptRecord {
    AttemptRecord {
        model: attempt.spec.name.clone(),
        model_id: attempt.model_id().to_owned(),
        asked: (attempt.model_id() != attempt.spec.model_id).then(|| attempt.spec.model_id.clone()),
        outcome: attempt.outcome.code().to_owned(),
        is_usable: attempt.outcome.usable_reply(),
        ms: attempt.ms,
        input_tokens: attempt.tokens.input,
        cached_tokens: attempt.tokens.cached,
        output_tokens: attempt.tokens.output,
        cost_usd: attempt.spec.price.and_then(|price| price.of(attempt.tokens)),
        violations: attempt.outcome.violations().map(str::to_owned),
        reply: attempt.text.map(|text| first_bytes(&text, REJECTED_REPLY_STORED_BYTES_MAX).to_owned()),
        reused: None,
    }
}
