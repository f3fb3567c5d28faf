//! Uses an accepted answer again for the same question, instead of a call.
//!
//! The question is the one to the first model of the chain: an answer of a fallback is neither stored nor used, so that the
//! first model is always asked when it works. What is read is checked again, as if the model had just replied.
//!
//! Never: makes an alert fail because an answer cannot be read or stored; or stores an answer that is degraded, or has an
//! unsupported number.

use std::pin::pin;

use futures_util::future::{Either, select};

use super::Run;
use super::judge::JudgedAlert;
use super::verdict::verdict;
use crate::alert::Alert;
use crate::chain::{StopReason, Verdict};
use crate::clock::Clock;
use crate::insight::{AnswerSource, AttemptRecord, Judgement, PromptRef, ReusedAnswer, SecondOpinion};
use crate::limits::{ANSWER_TIME_MAX, REPLY_STORED_BYTES_MAX};
use crate::model::{Completion, FinishReason, Model, TokenUse};
use crate::notify::Notifier;
use crate::number::Number;
use crate::scorecard::Scored;
use crate::store::{AnswerKey, Store, StoredAnswer};
use crate::time::Timestamp;

/// A question, and its answer if it was asked before.
#[derive(Debug)]
pub(super) struct AskedBefore {
    /// `None` if its alert type does not reuse answers.
    pub(super) key: Option<AnswerKey>,
    pub(super) answer: Option<StoredAnswer>,
}

/// The outcome of an attempt that was none: an earlier answer was used.
const REUSED: &str = "reused";
/// The outcome of an attempt whose answer had no unsupported number.
const ACCEPTED: &str = "accepted";

impl<S: Store, C: Clock, M: Model, N: Notifier> Run<'_, S, C, M, N> {
    /// The alert's question to the first model. `None` if its type does not reuse answers.
    pub(super) fn question_key(&self, alert: &Alert<'_>) -> Option<AnswerKey> {
        let is_reused = !alert.alert_type().handling().answer_reuse().is_zero();
        let first = self.pipeline.models.first().filter(|_| is_reused)?;
        let prepared = self.pipeline.prepared.of(alert.alert_type());
        let mut question = prepared.template.prompt(alert.facts()).sha256();
        let handling = alert.alert_type().handling();
        // One answer is not several, nor a verified one.
        if handling.samples() > 1 || handling.verify() {
            question = format!("{question} samples {} verify {}", handling.samples(), handling.verify());
        }
        Some(AnswerKey::new(&question, first.spec()))
    }

    /// The stored answer to the question, if it can be read and is recent enough.
    pub(super) async fn stored_answer(
        &self,
        alert: &Alert<'_>,
        key: Option<&AnswerKey>,
    ) -> Option<StoredAnswer> {
        let (key, now) = (key.filter(|_| self.pipeline.reuses_answers)?, self.now());
        let answer = self.in_time(self.pipeline.store.answer(key, now)).await?.ok()??;
        let is_recent = !answer.answered_at.plus(alert.alert_type().handling().answer_reuse()).is_past(now);
        is_recent.then_some(answer)
    }

    /// The judgement of an earlier answer. `None` if this program would not accept it.
    pub(super) fn reuse(&self, alert: &Alert<'_>, answer: StoredAnswer) -> Option<JudgedAlert> {
        let spec = self.pipeline.models.first()?.spec();
        let prepared = self.pipeline.prepared.of(alert.alert_type());
        let checker = prepared.checker.checker(alert.alert_type(), alert.facts());
        let completion = Completion {
            text: answer.reply,
            finish: FinishReason::End,
            model_id: Some(answer.model_id.clone()),
            tokens: TokenUse::default(),
        };
        let Verdict::Accepted(usable) = verdict(&completion, &checker, &prepared) else {
            return None;
        };
        let median = answer.second_opinion.as_ref().and_then(SecondOpinion::median);
        let usable = match median {
            Some(median) => usable.with_score(median, &checker),
            None => usable,
        };
        let prompt = PromptRef::of(&prepared.template.prompt(alert.facts()));
        let source = Box::new(AnswerSource {
            label: spec.label.clone(),
            model_id: answer.model_id.clone(),
            prompt,
            reply: completion.text,
            second_opinion: answer.second_opinion,
        });
        let baseline = Scored::new(alert);
        let attempt = AttemptRecord {
            model: spec.name.clone(),
            model_id: answer.model_id,
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
        Some(JudgedAlert {
            judgement: Some(Judgement::Model { grounded: Box::new(usable.grounded), source, baseline }),
            stop: StopReason::Answered,
            attempts: vec![attempt],
            degraded: None,
            unmade_call: false,
        })
    }

    /// What to store of a judgement: the first model's answer, if it was accepted in this run.
    pub(super) fn answer_to_store(
        &self,
        alert: &Alert<'_>,
        judged: &JudgedAlert,
        run: &str,
        now: Timestamp,
    ) -> Option<StoredAnswer> {
        let first = self.pipeline.models.first()?.spec();
        let Some(Judgement::Model { grounded, source, .. }) = &judged.judgement else { return None };
        let accepted = judged.attempts.iter().find(|attempt| attempt.outcome == ACCEPTED)?;
        let is_complete = source.second_opinion.as_ref().is_none_or(SecondOpinion::is_complete);
        let is_its = accepted.model == first.name && grounded.report().unsupported.is_empty() && is_complete;
        if !is_its || source.reply.len() > REPLY_STORED_BYTES_MAX {
            return None;
        }
        let expires_at = now.plus(alert.alert_type().handling().answer_reuse());
        Some(StoredAnswer {
            reply: source.reply.clone(),
            model_id: source.model_id.clone(),
            run: run.to_owned(),
            answered_at: now,
            cost_usd: cost(&judged.attempts, accepted, source.second_opinion.is_some()),
            second_opinion: source.second_opinion.clone(),
            expires_at: Timestamp::from_secs(expires_at.as_secs()),
        })
    }

    /// Stores an answer. If this fails, the same question is asked once more.
    pub(super) async fn store_answer(&self, key: Option<&AnswerKey>, answer: Option<&StoredAnswer>) {
        if let Some((key, answer)) = key.zip(answer) {
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
