//! What the chain does next, as a pure function.
//!
//! Takes: the models in order (the plan), the attempts so far, what is known of each model's health, the
//! budget, and the time.
//! Gives: a [`Step`]: call this model so, wait until then, or stop for this reason.
//! Never: goes back to a model before the last one asked, or past a usable answer or a guardrail to another
//! model.
//!
//! | the last attempt ended             | then                                                      |
//! |------------------------------------|-----------------------------------------------------------|
//! | accepted                           | stop                                                      |
//! | with unsupported numbers           | re-ask the model once; then the answer with the fewest    |
//! | unusable                           | re-ask it once with the violations; then the next model   |
//! | at its length                      | re-ask it once with a larger ceiling; then the next model |
//! | empty, or for an unknown reason    | re-ask it once; then the next model                       |
//! | refused                            | the next model                                            |
//! | by a guardrail                     | stop                                                      |
//! | in the native schema's failure     | ask it by the prompt alone                                |
//! | in a failure that waiting may mend | wait, ask it again; then the next model. The last call is |
//! |                                    | not spent on it while there is a next model               |
//! | in any other failure               | the next model                                            |

use std::ops::Range;

use super::{Attempt, Circuit, Ending, Standing};
use crate::limits::{
    ATTEMPT_TIME_MIN, ATTEMPT_TIMEOUT, MODEL_CALLS_MAX, OUTPUT_TOKENS, OUTPUT_TOKENS_LONGER, STORE_RESERVE,
};
use crate::model::{Fault, ModelSpec};
use crate::time::Timestamp;

/// What one alert may spend on models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    calls_max: usize,
    end: Timestamp,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Call a model.
    Call(NextCall),
    /// Wait until then, and look again.
    Wait(Timestamp),
    /// Call no more.
    Stop(Why),
}

/// A call to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NextCall {
    /// The model's place in the chain.
    pub(super) place: usize,
    /// Whether the schema is sent natively.
    pub(super) native: bool,
    /// The ceiling of output tokens.
    pub(super) output_tokens: u32,
    /// The attempt whose reply and violations a re-ask quotes.
    pub(super) quoted: Option<usize>,
    /// When the attempt must be over.
    pub(super) until: Timestamp,
}

/// Why no more calls are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// There is an answer.
    Answered,
    /// A guardrail intervened.
    Guardrail,
    /// A model could be asked, but every call has been made.
    CallsSpent,
    /// Each model has failed, or is not asked since its breaker is open.
    AllFailed,
    /// A model could be asked, but there is no time for it.
    Deadline,
}

impl Budget {
    /// So many calls, and the time until `deadline`, less a reserve to store what comes of it.
    pub fn new(calls_max: u32, deadline: Timestamp) -> Self {
        let calls_max = usize::try_from(calls_max).unwrap_or(usize::MAX);
        Self { calls_max, end: deadline.minus(STORE_RESERVE) }
    }
}

/// What comes next.
pub(super) fn next(
    plan: &[&ModelSpec],
    attempts: &[Attempt],
    health: &[Standing],
    budget: Budget,
    now: Timestamp,
) -> Step {
    let last = attempts.last();
    if last.is_some_and(|last| last.ending == Ending::Guardrail) {
        return Step::Stop(Why::Guardrail);
    }
    let is_admitted = |place: &usize| health.get(*place).is_some_and(Standing::admits);
    let askable: Vec<usize> = wanted(plan, attempts).filter(is_admitted).collect();
    let calls_left = budget.calls_max.saturating_sub(attempts.len());
    let affordable = if calls_left > 0 { askable.as_slice() } else { &[] };
    for (index, place) in affordable.iter().copied().enumerate() {
        let again_at = last.filter(|last| last.place == place).and_then(|last| last.ending.again_at());
        if again_at.is_some() && calls_left == 1 && index + 1 < askable.len() {
            continue;
        }
        let start = again_at.map_or(now, |again_at| again_at.max(now));
        let has_successor = calls_left > 1 && index + 1 < askable.len();
        let end = if has_successor { budget.end.minus(ATTEMPT_TIME_MIN) } else { budget.end };
        let until = start.plus(ATTEMPT_TIMEOUT).min(end);
        if until.since(start) < ATTEMPT_TIME_MIN {
            continue;
        }
        if start > now {
            return Step::Wait(start);
        }
        return Step::Call(call(place, plan, attempts, health, until));
    }
    Step::Stop(if attempts.iter().any(|attempt| attempt.ending.is_usable()) {
        Why::Answered
    } else if askable.is_empty() {
        Why::AllFailed
    } else if calls_left == 0 {
        Why::CallsSpent
    } else {
        Why::Deadline
    })
}

/// The models that a step passes over since their breaker is open, each with the configuration's fault if
/// that is why.
pub(super) fn skipped<'a>(
    step: Step,
    plan: &[&'a ModelSpec],
    attempts: &[Attempt],
    health: &'a [Standing],
) -> Vec<(&'a ModelSpec, Option<&'a Fault>)> {
    let wanted = wanted(plan, attempts);
    let end = match step {
        Step::Call(call) => call.place,
        Step::Stop(Why::Answered | Why::AllFailed | Why::Deadline) => wanted.end,
        Step::Wait(_) | Step::Stop(Why::Guardrail | Why::CallsSpent) => wanted.start,
    };
    let passed = plan.iter().zip(health).take(end).skip(wanted.start);
    passed
        .filter_map(|(spec, standing)| match &standing.circuit {
            Circuit::Open { fault } => Some((*spec, fault.as_ref())),
            Circuit::Closed | Circuit::HalfOpen => None,
        })
        .collect()
}

/// The places of the models that the attempts leave to be asked, in order, if breakers, calls and time allow.
fn wanted(plan: &[&ModelSpec], attempts: &[Attempt]) -> Range<usize> {
    let Some(last) = attempts.last() else { return 0..plan.len() };
    let asked = attempts.iter().filter(|each| each.place == last.place && each.ending.counts()).count();
    let longer = plan.get(last.place).is_some_and(|spec| spec.output_tokens_max > OUTPUT_TOKENS);
    let again = asked < MODEL_CALLS_MAX && last.ending.wants_again(longer);
    let start = if again { last.place } else { last.place + 1 };
    // A usable answer is never given up for another model's.
    let is_usable = attempts.iter().any(|attempt| attempt.ending.is_usable());
    let end = if is_usable { last.place + 1 } else { plan.len() };
    start..end
}

fn call(
    place: usize,
    plan: &[&ModelSpec],
    attempts: &[Attempt],
    health: &[Standing],
    until: Timestamp,
) -> NextCall {
    let spec = plan.get(place);
    let refuses = health.get(place).is_some_and(|standing| standing.refuses_schema);
    let ended = |check: fn(&Ending) -> bool| {
        attempts.iter().rposition(|each| each.place == place && check(&each.ending))
    };
    let stepped_down = ended(|ending| matches!(ending, Ending::SteppedDown { .. })).is_some();
    let was_cut = ended(|ending| matches!(ending, Ending::Length)).is_some();
    let ceiling = if was_cut { OUTPUT_TOKENS_LONGER } else { OUTPUT_TOKENS };
    NextCall {
        place,
        native: spec.is_some_and(|spec| spec.takes_schema) && !refuses && !stepped_down,
        output_tokens: spec.map_or(ceiling, |spec| spec.output_tokens_max.min(ceiling)),
        quoted: ended(|ending| matches!(ending, Ending::Unsupported { .. } | Ending::Unusable { .. })),
        until,
    }
}

impl Ending {
    /// Whether the attempt counts towards its model's calls. All count towards the alert's.
    fn counts(&self) -> bool {
        !matches!(self, Self::SteppedDown { .. })
    }

    /// Whether asking the same model once more can help; `longer`: it can be asked for a longer reply.
    fn wants_again(&self, longer: bool) -> bool {
        match self {
            Self::Unsupported { .. }
            | Self::Unusable { .. }
            | Self::Empty
            | Self::UnknownStop { .. }
            | Self::SteppedDown { .. } => true,
            Self::Length => longer,
            Self::Failed { again_at, .. } => again_at.is_some(),
            Self::Accepted | Self::Refusal | Self::Guardrail => false,
        }
    }

    fn again_at(&self) -> Option<Timestamp> {
        if let Self::Failed { again_at, .. } = self { *again_at } else { None }
    }
}
