//! Asks for the further answers that an alert type wants: more answers of the model that answered, and one of the next
//! model. They are calls of the alert like all others: each is counted before it is made, and ends by the deadline.
//!
//! Never: gives up an answer because a further call fails; or lets an answer of the next model raise a score.

use super::Run;
use super::verdict::UsableReply;
use crate::alert_type::Handling;
use crate::chain::{Attempt, Budget, Chain, ChainOutcome, ModelAnswer, Question, StopReason, Verdict};
use crate::clock::Clock;
use crate::grounding::Checker;
use crate::insight::{NO_NEXT_MODEL, SecondOpinion, Verification};
use crate::model::{Completion, Model};
use crate::number::Number;

/// What the further answers are asked with.
pub(super) struct FurtherCalls<'q> {
    pub(super) question: Question<'q>,
    pub(super) checker: &'q Checker<'q>,
    pub(super) handling: &'q Handling,
    /// The most calls, those for the first answer included.
    pub(super) calls_max: usize,
}

impl<'p, S, C: Clock, M: Model, N> Run<'p, S, C, M, N> {
    /// The first answer with the median of all scores, and what the further answers say. Without an answer, or if the
    /// type wants no further ones, nothing is asked.
    pub(super) async fn ask_further(
        &self,
        first: ChainOutcome<'p, UsableReply>,
        calls: &FurtherCalls<'_>,
        mut count: impl AsyncFnMut() -> Result<(), StopReason>,
        mut judge: impl FnMut(&Completion) -> Verdict<UsableReply>,
    ) -> (ChainOutcome<'p, UsableReply>, Option<SecondOpinion>) {
        let FurtherCalls { question, checker, handling, calls_max } = calls;
        let mut outcome = first;
        let wants_none = self.is_single || (handling.samples() == 1 && !handling.verify());
        let Some(answer) = outcome.answer.take_if(|_| !wants_none) else { return (outcome, None) };

        let models = self.pipeline.models.as_slice();
        let position = models.iter().position(|model| model.spec().name == answer.spec.name);
        let (before, after) = models.split_at(position.map_or(models.len(), |position| position + 1));
        let same = before.last().map(std::slice::from_ref).unwrap_or_default();
        let is_verified = handling.verify() && !after.is_empty();
        let mut answers = vec![answer];
        for _ in 1..handling.samples() {
            if outcome.attempts.len() + usize::from(is_verified) >= *calls_max || outcome.unmade_call {
                break;
            }
            let further = self.ask_once(same, question, &mut count, &mut judge).await;
            let ended = add(&mut outcome, further);
            if matches!(ended.stop, StopReason::Lost | StopReason::Guardrail) {
                outcome.stop = ended.stop;
                return (outcome, None);
            }
            answers.extend(ended.answer);
            if !ended.has_reply {
                break;
            }
        }

        let scores = answers.iter().map(|each| each.answer.risk_score()).collect();
        let mut opinion = SecondOpinion::new(handling.samples(), scores);
        let Some((median, chosen)) =
            opinion.median().and_then(|median| Some((median, nearest(answers, median)?)))
        else {
            return (outcome, None);
        };
        if handling.verify() {
            let verification = if after.is_empty() {
                Verification::missing(NO_NEXT_MODEL)
            } else if outcome.unmade_call {
                Verification::missing(StopReason::Deadline.code())
            } else if outcome.attempts.len() >= *calls_max {
                Verification::missing(StopReason::CallsSpent.code())
            } else {
                let further = self.ask_once(after, question, &mut count, &mut judge).await;
                let ended = add(&mut outcome, further);
                if ended.stop == StopReason::Lost {
                    outcome.stop = ended.stop;
                    return (outcome, None);
                }
                match ended.answer {
                    Some(answer) => {
                        Verification::between(median, &answer.spec.name, answer.answer.risk_score())
                    }
                    None => Verification::missing(ended.code),
                }
            };
            opinion.verification = Some(verification);
        }
        let ModelAnswer { answer, .. } = chosen;
        outcome.answer = Some(ModelAnswer { answer: answer.with_score(median, checker), ..chosen });
        (outcome, Some(opinion))
    }

    /// Makes at most one call.
    async fn ask_once(
        &self,
        models: &'p [M],
        question: &Question<'_>,
        count: impl AsyncFnMut() -> Result<(), StopReason>,
        judge: impl FnMut(&Completion) -> Verdict<UsableReply>,
    ) -> ChainOutcome<'p, UsableReply> {
        let chain = Chain::new(models, &self.pipeline.health, &self.pipeline.clock);
        chain.ask(question, Budget::new(1, self.deadline), count, judge).await
    }
}

/// How a further call ended.
struct FurtherCall<'p> {
    answer: Option<ModelAnswer<'p, UsableReply>>,
    stop: StopReason,
    /// The outcome of the call; without one, why it was not made.
    code: &'static str,
    /// Whether the model replied, so that it may be asked again.
    has_reply: bool,
}

/// Adds what a further call took to the outcome.
fn add<'p>(
    outcome: &mut ChainOutcome<'p, UsableReply>,
    further: ChainOutcome<'p, UsableReply>,
) -> FurtherCall<'p> {
    let ChainOutcome { answer, stop, attempts, alarms, unmade_call, .. } = further;
    let last = attempts.last();
    let ended = FurtherCall {
        code: last.map_or(stop.code(), |attempt: &Attempt<'_>| attempt.outcome.code()),
        has_reply: last.is_some_and(|attempt| attempt.outcome.usable_reply().is_some()),
        answer,
        stop,
    };
    outcome.attempts.extend(attempts);
    for alarm in alarms {
        if !outcome.alarms.iter().any(|known| known.model == alarm.model) {
            outcome.alarms.push(alarm);
        }
    }
    outcome.unmade_call |= unmade_call;
    ended
}

/// The answer whose score is nearest to the median; of several, the one with the fewest unsupported numbers, then the
/// first. It keeps whether the first answer is a fallback's.
fn nearest(
    answers: Vec<ModelAnswer<'_, UsableReply>>,
    median: Number,
) -> Option<ModelAnswer<'_, UsableReply>> {
    let is_fallback = answers.first()?.is_fallback;
    let distance =
        |each: &ModelAnswer<'_, UsableReply>| (each.answer.risk_score().get() - median.get()).abs();
    let nearest = answers.into_iter().min_by(|a, b| {
        let closer = distance(a).total_cmp(&distance(b));
        closer.then(a.answer.unsupported().cmp(&b.answer.unsupported()))
    })?;
    Some(ModelAnswer { is_fallback, ..nearest })
}
