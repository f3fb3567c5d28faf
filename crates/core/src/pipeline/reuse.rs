//! Uses an accepted answer again for the same question, instead of a call.
//!
//! Each model of the chain has its own answers. One is used where the chain would call its model for the first time: the
//! models before it are asked first, so that a fallback's answer never hides a better model that works. What is read is
//! checked again, as if the model had just replied. Of alerts that ask the same at the same time, one asks.
//!
//! Never: makes an alert fail because an answer cannot be read or stored; or stores an answer that is degraded, or has an
//! unsupported number.

use std::pin::pin;

use futures_util::future::{Either, join_all, select};

use super::Run;
use super::in_flight::{Asking, FreshAnswer, Turn};
use super::verdict::{UsableReply, verdict};
use crate::alert::Alert;
use crate::chain::{ModelAnswer, Verdict};
use crate::clock::Clock;
use crate::insight::{AttemptRecord, Judgement, ReusedAnswer, SecondOpinion};
use crate::limits::{ANSWER_TIME_MAX, NEXT_MODEL_TIME, REPLY_STORED_BYTES_MAX, STORE_RESERVE};
use crate::model::{Completion, FinishReason, Model, TokenUse};
use crate::notify::Notifier;
use crate::number::Number;
use crate::store::{AnswerKey, Store, StoredAnswer};
use crate::time::Timestamp;

/// An alert's questions, one to each model of the chain.
#[derive(Debug)]
pub(super) struct AskedBefore<'k> {
    /// Empty if the alert type does not reuse answers.
    pub(super) keys: &'k [AnswerKey],
    /// The stored answers, for the same models.
    pub(super) answers: Vec<Option<StoredAnswer>>,
}

/// An earlier answer that this program accepts too.
#[derive(Debug)]
pub(super) struct EarlierAnswer {
    /// How many models of the chain are asked before it is used.
    pub(super) models_before: usize,
    /// The position of its model in the chain.
    position: usize,
    usable: UsableReply,
    answer: StoredAnswer,
}

/// An earlier answer in place of a model's.
pub(super) struct UsedAnswer<'m> {
    pub(super) answer: ModelAnswer<'m, UsableReply>,
    pub(super) opinion: Option<SecondOpinion>,
    /// The attempt that the insight shows for it.
    pub(super) attempt: AttemptRecord,
}

/// What an alert does about its question.
#[derive(Debug)]
pub(super) struct Plan<'p> {
    /// The earlier answer to use, after the models before it.
    pub(super) earlier: Option<EarlierAnswer>,
    /// The right to ask for all alerts with the same question.
    pub(super) asking: Option<Asking<'p>>,
}

/// The outcome of an attempt that was none: an earlier answer was used.
const REUSED: &str = "reused";
/// The outcome of an attempt whose answer had no unsupported number.
const ACCEPTED: &str = "accepted";

impl<'p, S: Store, C: Clock, M: Model, N: Notifier> Run<'p, S, C, M, N> {
    /// The alert's question to each model. Empty if its type does not reuse answers.
    pub(super) fn question_keys(&self, alert: &Alert<'_>) -> Vec<AnswerKey> {
        if alert.alert_type().handling().answer_reuse().is_zero() || self.pipeline.models.is_empty() {
            return Vec::new();
        }
        let prepared = self.pipeline.prepared.of(alert.alert_type());
        let mut question = prepared.template.prompt(alert.facts()).sha256();
        let handling = alert.alert_type().handling();
        // One answer is not several, nor a verified one.
        if handling.samples() > 1 || handling.verify() {
            question = format!("{question} samples {} verify {}", handling.samples(), handling.verify());
        }
        self.pipeline.models.iter().map(|model| AnswerKey::new(&question, model.spec())).collect()
    }

    /// The stored answers to these questions, if they can be read and are recent enough. All are read at the same time.
    pub(super) async fn stored_answers(
        &self,
        alert: &Alert<'_>,
        keys: &[AnswerKey],
    ) -> Vec<Option<StoredAnswer>> {
        let (keys, now) = (if self.pipeline.reuses_answers { keys } else { &[] }, self.now());
        let read = async |key| {
            let answer = self.in_time(self.pipeline.store.answer(key, now)).await?.ok()??;
            self.is_recent(alert, &answer).then_some(answer)
        };
        join_all(keys.iter().map(read)).await
    }

    fn is_recent(&self, alert: &Alert<'_>, answer: &StoredAnswer) -> bool {
        !answer.answered_at.plus(alert.alert_type().handling().answer_reuse()).is_past(self.now())
    }

    /// Decides whether an earlier answer is used. If another alert is asking the same question, this one waits for the
    /// answer for as long as it could still ask for itself afterwards.
    pub(super) async fn plan(&self, alert: &Alert<'_>, asked: AskedBefore<'_>) -> Plan<'p> {
        let AskedBefore { keys, answers } = asked;
        let mut answers = answers.into_iter().enumerate();
        let earlier = answers.find_map(|(position, answer)| self.accepted(alert, position, answer?));
        let first = keys.first().filter(|_| self.pipeline.reuses_answers);
        let (Some(key), false) = (first, earlier.as_ref().is_some_and(|earlier| earlier.position == 0))
        else {
            return Plan { earlier, asking: None };
        };
        let waiting = match self.pipeline.in_flight.turn(key, self.now()) {
            Turn::Ask(asking) => return Plan { earlier, asking: Some(asking) },
            Turn::Wait(waiting) => waiting,
        };
        let timeout = self.pipeline.models.first().map(|model| model.spec().timeout).unwrap_or_default();
        let time = self.deadline.minus(STORE_RESERVE + NEXT_MODEL_TIME + timeout).since(self.now());
        let wait = async { self.pipeline.clock.sleep(time).await };
        let is_asked_now = waiting.is_asked_now;
        let fresh = match select(pin!(waiting.answer()), pin!(wait)).await {
            Either::Left((fresh, _)) => fresh.filter(|fresh| self.is_recent(alert, &fresh.answer)),
            Either::Right(_) => None,
        };
        let accepted = fresh.and_then(|FreshAnswer { model, answer }| {
            let position = self.pipeline.models.iter().position(|each| each.spec().name == model)?;
            let accepted = self.accepted(alert, position, answer)?;
            // While this alert waited, the other one has asked the models before it.
            Some(if is_asked_now { EarlierAnswer { models_before: 0, ..accepted } } else { accepted })
        });
        Plan { earlier: accepted.or(earlier), asking: None }
    }

    /// An earlier answer of the model at this position. `None` if this program would not accept it.
    fn accepted(&self, alert: &Alert<'_>, position: usize, answer: StoredAnswer) -> Option<EarlierAnswer> {
        let prepared = self.pipeline.prepared.of(alert.alert_type());
        let checker = prepared.checker.checker(alert.alert_type(), alert.facts());
        let completion = Completion {
            text: answer.reply.clone(),
            finish: FinishReason::End,
            model_id: Some(answer.model_id.clone()),
            tokens: TokenUse::default(),
        };
        match verdict(&completion, &checker, &prepared) {
            Verdict::Accepted(usable) => {
                let usable = match answer.second_opinion.as_ref().and_then(SecondOpinion::median) {
                    Some(median) => usable.with_score(median, &checker),
                    None => usable,
                };
                Some(EarlierAnswer { models_before: position, position, usable, answer })
            }
            Verdict::Unsupported { .. } | Verdict::Unusable { .. } => None,
        }
    }

    /// Stores an answer for its model's question. If this fails, the same question is asked once more.
    pub(super) async fn store_answer(&self, keys: &[AnswerKey], fresh: Option<&FreshAnswer>) {
        let Some(FreshAnswer { model, answer }) = fresh else { return };
        let position = self.pipeline.models.iter().position(|each| each.spec().name == *model);
        if let Some(key) = position.and_then(|position| keys.get(position)) {
            let _ = self.in_time(self.pipeline.store.store_answer(key, answer)).await;
        }
    }

    /// The response, unless it takes longer than an answer is worth.
    async fn in_time<T>(&self, operation: impl Future<Output = T>) -> Option<T> {
        let wait = async { self.pipeline.clock.sleep(ANSWER_TIME_MAX).await };
        match select(pin!(operation), pin!(wait)).await {
            Either::Left((response, _)) => Some(response),
            Either::Right(_) => None,
        }
    }
}

/// What it costs to have the answer again: its own call, with a second opinion every call.
fn cost(attempts: &[AttemptRecord], accepted: &AttemptRecord, has_opinion: bool) -> Option<Number> {
    if !has_opinion {
        return accepted.cost_usd;
    }
    let costs: Option<Vec<f64>> = attempts.iter().map(|each| Some(each.cost_usd?.get())).collect();
    Number::new(costs?.iter().sum())
}

/// What to store of a judgement: the answer that a model gave in this run, if it was accepted.
pub(super) fn answer_to_store(
    alert: &Alert<'_>,
    (judgement, attempts): (Option<&Judgement>, &[AttemptRecord]),
    run: &str,
    now: Timestamp,
) -> Option<FreshAnswer> {
    let Some(Judgement::Model { grounded, source, .. }) = judgement else { return None };
    let accepted = attempts.iter().find(|attempt| attempt.outcome == ACCEPTED)?;
    let is_complete = source.second_opinion.as_ref().is_none_or(SecondOpinion::is_complete);
    let is_sound = grounded.report().unsupported.is_empty() && is_complete;
    if !is_sound || source.reply.len() > REPLY_STORED_BYTES_MAX {
        return None;
    }
    let expires_at = now.plus(alert.alert_type().handling().answer_reuse());
    let answer = StoredAnswer {
        reply: source.reply.clone(),
        model_id: source.model_id.clone(),
        run: run.to_owned(),
        answered_at: now,
        cost_usd: cost(attempts, accepted, source.second_opinion.is_some()),
        second_opinion: source.second_opinion.clone(),
        expires_at: Timestamp::from_secs(expires_at.as_secs()),
    };
    Some(FreshAnswer { model: accepted.model.clone(), answer })
}

impl EarlierAnswer {
    /// The answer as if its model had just given it.
    pub(super) fn used<M: Model>(self, models: &[M]) -> Option<UsedAnswer<'_>> {
        let Self { position, usable, answer, .. } = self;
        let spec = models.get(position)?.spec();
        let attempt = AttemptRecord {
            model: spec.name.clone(),
            model_id: answer.model_id.clone(),
            asked: None,
            outcome: REUSED.to_owned(),
            is_usable: None,
            ms: 0,
            input_tokens: None,
            cached_tokens: None,
            output_tokens: None,
            cost_usd: Some(Number::from(0)),
            violations: None,
            reply: None,
            reused: Some(ReusedAnswer {
                run: answer.run,
                timestamp: answer.answered_at,
                cost_usd: answer.cost_usd,
            }),
        };
        let model_id = answer.model_id;
        let is_fallback = position > 0;
        let used = ModelAnswer { answer: usable, spec, model_id, is_fallback };
        Some(UsedAnswer { answer: used, opinion: answer.second_opinion, attempt })
    }
}
