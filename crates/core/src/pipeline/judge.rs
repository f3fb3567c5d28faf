//! Asks for a judgement: of the models in their order, else of the scorecard.
//!
//! Takes: an alert, its lease, and the deadline.
//! Gives: a [`Judged`]: the judgement with every attempt, or why there is none.
//! Never: calls a model that was not counted in the claim, or judges by the scorecard where the chain has none.

use crate::alert::{Alert, Reason, Refusal};
use crate::chain::{self, Alarm, Answer, Asked, Budget, Chain, NoAnswer, Question, Verdict};
use crate::clock::Clock;
use crate::grounding::{Ground, Grounded};
use crate::insight::{Answerer, Attempt, Judgement, PromptMark, first_bytes};
use crate::limits::{CALLS_MAX, REFUSED_REPLY_KEPT_BYTES_MAX};
use crate::model::{Completion, Model, ModelSpec};
use crate::notify::Notifier;
use crate::number::Number;
use crate::prompt::{self, Prompt};
use crate::reply::{Reply, ReplyVocabulary};
use crate::scorecard::Scored;
use crate::store::{Lease, Store, StoreError};
use crate::time::Timestamp;

use super::Pipeline;
use super::retry::retried;

/// What came of asking.
pub(super) struct Judged {
    pub(super) result: Result<Judgement, NoJudgement>,
    pub(super) attempts: Vec<Attempt>,
    pub(super) alarms: Vec<Alarm>,
    pub(super) degraded: bool,
}

/// Why there is no judgement.
pub(super) enum NoJudgement {
    /// The event is parked for this: to run it again at once would end the same.
    Parked(Refusal),
    /// No model answered. The event is handed back.
    NoModel(&'static str),
    /// Another worker has taken over.
    Lost,
    /// A call could not be counted.
    Store(StoreError),
}

/// A reply that can be used.
struct Usable {
    grounded: Grounded,
    text: String,
}

impl<S: Store, C: Clock, M: Model, N: Notifier> Pipeline<S, C, M, N> {
    /// The models' judgement; the scorecard's if they have none and it is in the chain.
    pub(super) async fn judge(&self, alert: &Alert<'_>, lease: &Lease, deadline: Timestamp) -> Judged {
        let baseline = Scored::new(alert);
        if self.models.is_empty() {
            let result = Ok(Judgement::Scorecard(baseline));
            return Judged { result, attempts: Vec::new(), alarms: Vec::new(), degraded: false };
        }
        let judged = self.ask(alert, lease, CALLS_MAX, deadline, baseline.clone()).await;
        match judged.result {
            Err(NoJudgement::Parked(_) | NoJudgement::NoModel(_)) if self.scorecard => {
                Judged { result: Ok(Judgement::Scorecard(baseline)), ..judged }
            }
            Ok(_) | Err(_) => judged,
        }
    }

    /// The models' judgement.
    pub(super) async fn ask(
        &self,
        alert: &Alert<'_>,
        lease: &Lease,
        calls_max: u32,
        deadline: Timestamp,
        baseline: Scored,
    ) -> Judged {
        let alert_type = alert.alert_type();
        let prompt = Prompt::new(alert_type, alert.facts());
        let schema = prompt::schema(alert_type);
        let question = Question {
            system: prompt.system(),
            user: prompt.user(),
            schema: &schema,
            correction: prompt::reask,
        };
        let vocabulary = ReplyVocabulary::of(alert_type);
        let ground = Ground::new(alert_type, alert.facts());
        let chain = Chain::new(&self.models, &self.health, &self.clock);
        // A call that is counted twice, since the first answer was lost, is one call fewer, never one more.
        let reserve = || retried(&self.clock, deadline, || self.store.reserve_call(lease));
        let asked = chain
            .ask(&question, Budget::new(calls_max, deadline), reserve, |completion| {
                judge(completion, &ground, &vocabulary)
            })
            .await;
        let Asked { result, attempts, alarms, degraded } = asked;
        let mark = PromptMark { version: prompt::VERSION, sha256: prompt.sha256() };
        let result = match result {
            Ok(answer) => Ok(self.judgement(answer, &attempts, mark, baseline)),
            Err(none) => Err(no_judgement(none)),
        };
        // An answer is no scorecard's, so nothing is left to upgrade.
        let degraded = degraded && result.is_err();
        let attempts = attempts.into_iter().map(|attempt| self.noted(attempt)).collect();
        Judged { result, attempts, alarms, degraded }
    }

    fn judgement(
        &self,
        answer: Answer<Usable>,
        attempts: &[chain::Attempt],
        prompt: PromptMark,
        baseline: Scored,
    ) -> Judgement {
        let spec = self.models.get(answer.place).map(Model::spec);
        let attempt = attempts.get(answer.attempt);
        let label = spec.map(|spec| spec.label.clone()).unwrap_or_default();
        let label = if answer.is_fallback() { format!("{label}-fallback") } else { label };
        let model_id = attempt.map(model_id).unwrap_or_default();
        let Usable { grounded, text } = answer.answer;
        let answerer = Box::new(Answerer { label, model_id, prompt, reply: text });
        Judgement::Model { grounded, answerer, baseline }
    }

    /// An attempt as its insight keeps it.
    fn noted(&self, attempt: chain::Attempt) -> Attempt {
        let price = self.models.get(attempt.place).map(Model::spec).and_then(|spec: &ModelSpec| spec.price);
        let cost = |(input, output)| price.and_then(|price| price.of(input, output));
        let cost_usd: Option<Number> = attempt.input_tokens.zip(attempt.output_tokens).and_then(cost);
        let violations = attempt.ending.violations().map(str::to_owned);
        Attempt {
            model_id: model_id(&attempt),
            outcome: attempt.ending.code().to_owned(),
            model: attempt.model,
            ms: attempt.ms,
            input_tokens: attempt.input_tokens,
            output_tokens: attempt.output_tokens,
            cost_usd,
            violations,
            reply: attempt.text.map(|text| first_bytes(&text, REFUSED_REPLY_KEPT_BYTES_MAX).to_owned()),
        }
    }
}

/// The model that answered, as the response says; else the one that was asked.
fn model_id(attempt: &chain::Attempt) -> String {
    attempt.answered_by.clone().unwrap_or_else(|| attempt.model_id.clone())
}

/// What a reply is worth: usable or not, and whether its numbers are the prompt's.
fn judge(completion: &Completion, ground: &Ground, vocabulary: &ReplyVocabulary<'_>) -> Verdict<Usable> {
    let reply = match Reply::read(&completion.text, vocabulary) {
        Ok(reply) => reply,
        Err(unusable) => {
            return Verdict::Unusable { code: unusable.code(), violations: unusable.to_string() };
        }
    };
    let grounded = ground.ground(reply);
    let unsupported = grounded.grounding().unsupported.clone();
    let answer = Usable { grounded, text: completion.text.clone() };
    if unsupported.is_empty() {
        return Verdict::Accepted(answer);
    }
    let violations = prompt::unsupported(&unsupported);
    Verdict::Unsupported { answer, count: unsupported.len(), violations }
}

fn no_judgement(none: NoAnswer) -> NoJudgement {
    let parked = |reason| NoJudgement::Parked(Refusal::new(reason, none.to_string()));
    match none {
        NoAnswer::CallsSpent => parked(Reason::CallsSpent),
        NoAnswer::Guardrail => parked(Reason::Guardrail),
        NoAnswer::AllFailed | NoAnswer::Deadline => NoJudgement::NoModel(none.code()),
        NoAnswer::Lost => NoJudgement::Lost,
        NoAnswer::Store(error) => NoJudgement::Store(error),
    }
}
