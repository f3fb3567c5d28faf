//! What the chain does next, as a pure function.
//!
//! Takes: the candidates in order, the attempts so far, the budget, and the time.
//! Never: goes back to a model before the last one asked, or past a usable answer or a guardrail to another model.
//!
//! | the last attempt ended              | then                                                       |
//! |-------------------------------------|------------------------------------------------------------|
//! | accepted                            | stop                                                       |
//! | with unsupported numbers            | re-ask the model once; then the answer with the fewest     |
//! | unusable                            | re-ask it once with the violations; then the next model    |
//! | at its length                       | re-ask it once for a shorter reply, with a larger ceiling  |
//! |                                     | and a less detailed schema; then the next model            |
//! | empty, or for an unknown reason     | re-ask it once; then the next model                        |
//! | refused                             | the next model                                             |
//! | by a guardrail                      | stop                                                       |
//! | with the native schema's failure    | ask it with a less detailed one, or by the prompt alone    |
//! | with a refused parameter            | ask it without the parameter                               |
//! | with a failure that waiting may fix | wait, ask it again; then the next model. The last call is  |
//! |                                     | not spent on it while there is a next model                |
//! | with any other failure              | the next model                                             |

use std::ops::Range;
use std::time::Duration;

use super::outcome::Skipped;
use super::{Attempt, AttemptOutcome, Circuit, ModelHealth, StopReason};
use crate::limits::{
    ATTEMPT_TIME_MIN, MODEL_CALLS_MAX, NEXT_MODEL_TIME, OUTPUT_TOKENS, OUTPUT_TOKENS_LONGER, STORE_RESERVE,
};
use crate::model::{ModelError, ModelSpec, SchemaForm};
use crate::time::Timestamp;

/// What one alert may spend on models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    calls_max: usize,
    end: Timestamp,
}

/// A model of the chain, and what is known of it now.
#[derive(Debug)]
pub(super) struct Candidate<'m, M> {
    /// The model.
    pub(super) model: &'m M,
    /// Its spec.
    pub(super) spec: &'m ModelSpec,
    /// Whether it may be called, and how.
    pub(super) health: ModelHealth,
    /// Whether the alert has waited for a slot as long as it can.
    pub(super) is_busy: bool,
}

/// What comes next.
#[derive(Debug)]
pub(super) enum Step<'c, 'm, M> {
    /// Call a model.
    Call(NextCall<'c, 'm, M>),
    /// Wait until then, and decide again.
    Wait(Timestamp),
    /// Make no more calls.
    Stop(StopReason),
}

/// A call to make.
#[derive(Debug)]
pub(super) struct NextCall<'c, 'm, M> {
    /// The model.
    pub(super) candidate: &'c Candidate<'m, M>,
    /// How the schema is sent.
    pub(super) form: SchemaForm,
    /// Whether to ask for a shorter reply, because the last one was cut off.
    pub(super) shorter: bool,
    /// The ceiling of output tokens.
    pub(super) output_tokens: u32,
    /// The attempt whose reply and violations a re-ask quotes.
    pub(super) quoted: Option<usize>,
    /// When the attempt must be over.
    pub(super) until: Timestamp,
    /// The latest time at which the attempt can begin, if the model has no slot for it now.
    pub(super) slot_by: Timestamp,
}

impl Budget {
    /// This many calls, and the time until `deadline`, less a reserve to store the insight.
    pub fn new(calls_max: u32, deadline: Timestamp) -> Self {
        let calls_max = usize::try_from(calls_max).unwrap_or(usize::MAX);
        Self { calls_max, end: deadline.minus(STORE_RESERVE) }
    }
}

/// What comes next.
pub(super) fn next<'c, 'm, M>(
    candidates: &'c [Candidate<'m, M>],
    attempts: &[Attempt<'m>],
    budget: Budget,
    now: Timestamp,
) -> Step<'c, 'm, M> {
    let last = attempts.last();
    if last.is_some_and(|last| last.outcome == AttemptOutcome::Guardrail) {
        return Step::Stop(StopReason::Guardrail);
    }
    let wanted = wanted(candidates, attempts);
    let admitted: Vec<&Candidate<'m, M>> =
        candidates.iter().take(wanted.end).skip(wanted.start).filter(|each| each.health.admits()).collect();
    let askable: Vec<&Candidate<'m, M>> = admitted.iter().copied().filter(|each| !each.is_busy).collect();
    let calls_left = budget.calls_max.saturating_sub(attempts.len());
    let affordable = if calls_left > 0 { askable.as_slice() } else { &[] };
    for (index, candidate) in affordable.iter().copied().enumerate() {
        let again_at =
            last.filter(|last| last.is_of(candidate.spec)).and_then(|last| last.outcome.again_at());
        if again_at.is_some() && calls_left == 1 && index + 1 < askable.len() {
            continue;
        }
        let start = again_at.map_or(now, |again_at| again_at.max(now));
        let has_successor = calls_left > 1 && index + 1 < askable.len();
        let end = if has_successor { budget.end.minus(NEXT_MODEL_TIME) } else { budget.end };
        let until = start.plus(candidate.spec.timeout).min(end);
        if until.since(start) < time_min(candidate.spec) {
            continue;
        }
        if start > now {
            return Step::Wait(start);
        }
        let slot_by = end.minus(time_min(candidate.spec));
        return Step::Call(NextCall { slot_by, ..call(candidate, attempts, until) });
    }
    Step::Stop(if attempts.iter().any(|attempt| attempt.outcome.is_usable()) {
        StopReason::Answered
    } else if admitted.is_empty() {
        StopReason::AllFailed
    } else if calls_left == 0 {
        StopReason::CallsSpent
    } else {
        StopReason::Deadline
    })
}

/// The least time for which a call is worth making. For a model with a short timeout it is half of that, so that the
/// reservation may take some of it.
pub(super) fn time_min(spec: &ModelSpec) -> Duration {
    ATTEMPT_TIME_MIN.min(spec.timeout / 2)
}

/// The models that a step passes over because their breaker is open.
pub(super) fn skipped<'c, 'm, M>(
    step: &Step<'c, 'm, M>,
    candidates: &'c [Candidate<'m, M>],
    attempts: &[Attempt<'m>],
) -> Vec<Skipped<'c>> {
    let wanted = wanted(candidates, attempts);
    let end = match step {
        Step::Call(call) => position(candidates, call.candidate.spec),
        Step::Stop(StopReason::Answered | StopReason::AllFailed | StopReason::Deadline) => wanted.end,
        Step::Wait(_)
        | Step::Stop(
            StopReason::Guardrail | StopReason::CallsSpent | StopReason::Lost | StopReason::StoreFailed,
        ) => wanted.start,
    };
    let passed = candidates.iter().take(end).skip(wanted.start);
    passed
        .filter_map(|Candidate { spec, health, .. }| match &health.circuit {
            Circuit::Open { fault } => Some(Skipped { spec, fault: fault.as_ref() }),
            Circuit::Closed | Circuit::HalfOpen => None,
        })
        .collect()
}

/// The positions of the models that the attempts leave to be asked, in order, if breakers, calls and time allow.
fn wanted<M>(candidates: &[Candidate<'_, M>], attempts: &[Attempt<'_>]) -> Range<usize> {
    let Some(last) = attempts.last() else { return 0..candidates.len() };
    let position = position(candidates, last.spec);
    let asked = attempts.iter().filter(|each| each.is_of(last.spec) && each.outcome.counts()).count();
    // A parameter that is refused twice was not the fault.
    let is_repeated = matches!(last.outcome, AttemptOutcome::ParameterRejected { .. })
        && attempts.iter().filter(|each| each.is_of(last.spec) && each.outcome == last.outcome).count() > 1;
    let again = asked < MODEL_CALLS_MAX
        && !is_repeated
        && last.outcome.wants_again(last.spec.output_tokens_max > OUTPUT_TOKENS);
    let start = if again { position } else { position + 1 };
    // A usable answer is never given up for another model's.
    let is_usable = attempts.iter().any(|attempt| attempt.outcome.is_usable());
    let end = if is_usable { position + 1 } else { candidates.len() };
    start..end
}

/// The model's position in the chain; past its end if it is not in it.
fn position<M>(candidates: &[Candidate<'_, M>], spec: &ModelSpec) -> usize {
    candidates.iter().position(|each| each.spec.name == spec.name).unwrap_or(candidates.len())
}

fn call<'c, 'm, M>(
    candidate: &'c Candidate<'m, M>,
    attempts: &[Attempt<'m>],
    until: Timestamp,
) -> NextCall<'c, 'm, M> {
    let Candidate { spec, health, .. } = candidate;
    let ended = |check: fn(&AttemptOutcome) -> bool| {
        attempts.iter().rposition(|each| each.is_of(spec) && check(&each.outcome))
    };
    let form = attempts
        .iter()
        .filter(|each| each.is_of(spec))
        .map(|each| each.next_form(health.native_has_worked))
        .fold(spec.schema.min(health.schema_max), SchemaForm::min);
    let was_cut = ended(|outcome| matches!(outcome, AttemptOutcome::Length)).is_some();
    let ceiling = if was_cut { OUTPUT_TOKENS_LONGER } else { OUTPUT_TOKENS };
    let correctable = |outcome: &AttemptOutcome| {
        matches!(outcome, AttemptOutcome::Unsupported { .. } | AttemptOutcome::Unusable { .. })
    };
    NextCall {
        candidate,
        form,
        shorter: was_cut,
        output_tokens: spec.output_tokens_max.min(ceiling),
        quoted: ended(correctable),
        until,
        slot_by: until,
    }
}

impl Attempt<'_> {
    fn is_of(&self, spec: &ModelSpec) -> bool {
        self.spec.name == spec.name
    }

    /// The most detailed form of the schema for the model's next call. `has_worked`: a native schema has worked with it.
    fn next_form(&self, has_worked: bool) -> SchemaForm {
        self.form.after(&self.outcome, has_worked).unwrap_or(SchemaForm::Bounded)
    }
}

impl SchemaForm {
    /// The form to step down to after a call with this form had this outcome; `None` if it does not step down.
    /// `has_worked`: a native schema has worked with the model.
    pub(super) fn after(self, outcome: &AttemptOutcome, has_worked: bool) -> Option<Self> {
        match outcome {
            AttemptOutcome::SchemaRejected { error: ModelError::SchemaRefused } | AttemptOutcome::Length => {
                Some(self.lower())
            }
            AttemptOutcome::SchemaRejected { .. } => Some(Self::PromptOnly),
            // Some servers accept the schema, and then reply nothing or nonsense.
            useless if useless.is_useless() && self.is_native() && !has_worked => Some(Self::PromptOnly),
            AttemptOutcome::Accepted
            | AttemptOutcome::Unsupported { .. }
            | AttemptOutcome::Unusable { .. }
            | AttemptOutcome::Empty
            | AttemptOutcome::UnknownFinish { .. }
            | AttemptOutcome::Refusal
            | AttemptOutcome::Guardrail
            | AttemptOutcome::ParameterRejected { .. }
            | AttemptOutcome::Failed { .. } => None,
        }
    }
}

impl AttemptOutcome {
    /// Whether the attempt counts towards its model's calls. All count towards the alert's.
    fn counts(&self) -> bool {
        !matches!(self, Self::SchemaRejected { .. } | Self::ParameterRejected { .. })
    }

    /// Whether asking the same model once more can help; `longer`: it can be asked for a longer reply.
    fn wants_again(&self, longer: bool) -> bool {
        match self {
            Self::Unsupported { .. }
            | Self::Unusable { .. }
            | Self::Empty
            | Self::UnknownFinish { .. }
            | Self::SchemaRejected { .. }
            | Self::ParameterRejected { .. } => true,
            Self::Length => longer,
            Self::Failed { again_at, .. } => again_at.is_some(),
            Self::Accepted | Self::Refusal | Self::Guardrail => false,
        }
    }

    fn again_at(&self) -> Option<Timestamp> {
        if let Self::Failed { again_at, .. } = self { *again_at } else { None }
    }
}
