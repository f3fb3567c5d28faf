//! The outcome of asking the chain: the answer, why it stopped, every attempt, and what the operator must know.

use super::{Attempt, AttemptOutcome};
use crate::help::Help;
use crate::insight::DegradedBy;
use crate::limits::CALLS_MAX;
use crate::model::{Class, ConfigurationFault, ModelError, ModelSpec};

/// The outcome of asking the chain.
#[derive(Debug)]
pub struct ChainOutcome<'m, T> {
    /// The answer that was accepted, or the one with the fewest unsupported numbers.
    pub answer: Option<ModelAnswer<'m, T>>,
    /// Why no more calls were made.
    pub stop: StopReason,
    /// Every call that was made, in order.
    pub attempts: Vec<Attempt<'m>>,
    /// What the operator must know, at most once per model.
    pub alarms: Vec<Alarm>,
    /// Why there is no answer, but may well be one if the chain is asked later. `None` if there is an answer, or if
    /// asking later cannot help.
    pub degraded: Option<DegradedBy>,
    /// Whether a call was counted and not made, because counting it took too long.
    pub unmade_call: bool,
}

/// An answer, and the model that gave it.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelAnswer<'m, T> {
    /// The answer.
    pub answer: T,
    /// The model that was asked.
    pub spec: &'m ModelSpec,
    /// The model that answered, as the response says; otherwise the one that was asked.
    pub model_id: String,
    /// Whether it is not the first model of the chain.
    pub is_fallback: bool,
}

/// Why the chain makes no more calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StopReason {
    /// There is an answer.
    #[error("a model answered")]
    Answered,
    /// Every model has failed, or is skipped because its breaker is open. The models are at fault, or their
    /// configuration.
    #[error("every model failed or was skipped")]
    AllFailed,
    /// A model could be asked, but every call that the alert may make has been made, some perhaps by earlier workers.
    #[error("the alert has used all {} of its model calls", CALLS_MAX)]
    CallsSpent,
    /// A model could be asked, but there is no time for the call, or for the wait before it: the pause that the model asks
    /// for, or that for one of its slots.
    #[error("too little time is left to ask a model")]
    Deadline,
    /// The deployment's own guardrail intervened. No other model is asked to get around it.
    #[error("a guardrail intervened")]
    Guardrail,
    /// Another worker has taken over, and will finish the alert.
    #[error("another worker has taken this alert over")]
    Lost,
    /// The store could not count a call, so the call was not made.
    #[error("the store could not count a model call")]
    StoreFailed,
}

/// Something that only the operator can fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// The model's name in the chain.
    pub model: String,
    /// What is wrong.
    pub error: ModelError,
    /// Whether the model was not asked, because an earlier call failed with the same error.
    pub skipped: bool,
}

/// A model that is passed over because its breaker is open.
#[derive(Debug, PartialEq)]
pub(super) struct Skipped<'c> {
    /// The model.
    pub(super) spec: &'c ModelSpec,
    /// What is wrong with its configuration, if that opened the breaker.
    pub(super) fault: Option<&'c ConfigurationFault>,
}

impl StopReason {
    /// A short stable name, for logs and callers.
    pub fn code(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::AllFailed => "all_failed",
            Self::CallsSpent => "calls_spent",
            Self::Deadline => "deadline",
            Self::Guardrail => "guardrail",
            Self::Lost => "lost",
            Self::StoreFailed => "store_failed",
        }
    }

    /// Whether an answer that a later model gave earlier can be used in place of none. After a guardrail, that would be
    /// another way around the deployment's own policy; after the last two, no insight is made.
    pub(crate) fn allows_an_earlier_answer(self) -> bool {
        match self {
            Self::AllFailed | Self::CallsSpent | Self::Deadline => true,
            Self::Answered | Self::Guardrail | Self::Lost | Self::StoreFailed => false,
        }
    }

    /// Why asking the chain later may well give an answer. A transient failure comes before one of the configuration,
    /// which comes before unusable replies. Asking later does not help after a guardrail, whatever failed before: it would
    /// be another way around the deployment's own policy. Nor does it after a refusal of the content.
    fn degrades(
        self,
        has_models: bool,
        attempts: &[Attempt<'_>],
        skipped: Option<DegradedBy>,
    ) -> Option<DegradedBy> {
        match self {
            Self::CallsSpent | Self::AllFailed | Self::Deadline => {}
            // An answer is not a scorecard's, and after the last two no insight is made.
            Self::Answered | Self::Guardrail | Self::Lost | Self::StoreFailed => return None,
        }
        let is_last_of_its_model = |(index, attempt): &(usize, &Attempt<'_>)| {
            !attempts.iter().skip(index + 1).any(|later| later.spec.name == attempt.spec.name)
        };
        let last = || {
            let last = attempts.iter().enumerate().filter(is_last_of_its_model);
            last.map(|(_, attempt)| &attempt.outcome)
        };
        let failed = last().filter_map(AttemptOutcome::degrades).chain(skipped).min();
        let unusable = last().any(AttemptOutcome::is_unusable) && last().all(AttemptOutcome::is_unusable);
        let unasked = attempts.is_empty() && has_models;
        failed.or(unusable.then_some(DegradedBy::Unusable)).or(unasked.then_some(DegradedBy::Budget))
    }
}

impl Help for StopReason {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::AllFailed => {
                "fix what `portend doctor` names and run the event again, or put scorecard at the end of MODELS"
            }
            Self::CallsSpent => "put scorecard at the end of MODELS and run it again",
            Self::Deadline => "give the program more time, or put a faster model first",
            Self::Guardrail => "change the guardrail's policy if this alert must be explained",
            Self::Answered | Self::Lost | Self::StoreFailed => return None,
        };
        Some(help.to_owned())
    }
}

impl AttemptOutcome {
    /// The failure that time or a person can fix, for the same request.
    fn degrades(&self) -> Option<DegradedBy> {
        match self.error()?.class() {
            Class::Wait | Class::FailOver | Class::StepDown | Class::Adjust | Class::Quota => {
                Some(DegradedBy::Transient)
            }
            Class::Configuration => Some(DegradedBy::Configuration),
            Class::Rejected => None,
        }
    }

    /// Whether the model's reply was usable; `None` if there was no reply, or a refusal.
    pub fn usable_reply(&self) -> Option<bool> {
        if self.is_usable() { Some(true) } else { self.is_unusable().then_some(false) }
    }

    /// Whether the model replied, and the reply cannot be used.
    pub fn is_unusable(&self) -> bool {
        match self {
            Self::Unusable { .. } | Self::Length | Self::Empty | Self::UnknownFinish { .. } => true,
            Self::Accepted
            | Self::Unsupported { .. }
            | Self::Refusal
            | Self::Guardrail
            | Self::SchemaRejected { .. }
            | Self::ParameterRejected { .. }
            | Self::Failed { .. } => false,
        }
    }
}

/// What is known while the chain is asked.
#[derive(Debug)]
pub(super) struct AnswersSoFar<'m, T> {
    attempts: Vec<Attempt<'m>>,
    alarms: Vec<Alarm>,
    skipped: Option<DegradedBy>,
    best: Option<Best<T>>,
}

/// The best answer so far.
#[derive(Debug)]
struct Best<T> {
    answer: T,
    unsupported: usize,
    /// The index of its attempt.
    attempt: usize,
}

impl<'m, T> AnswersSoFar<'m, T> {
    pub(super) fn new() -> Self {
        Self { attempts: Vec::new(), alarms: Vec::new(), skipped: None, best: None }
    }

    pub(super) fn attempts(&self) -> &[Attempt<'m>] {
        &self.attempts
    }

    /// Notes that a model is not asked because its breaker is open. That never hides a fault of its configuration.
    pub(super) fn skip(&mut self, skipped: &Skipped<'_>) {
        let by = if skipped.fault.is_some() { DegradedBy::Configuration } else { DegradedBy::Transient };
        self.skipped = Some(self.skipped.map_or(by, |known| known.min(by)));
        if let Some(fault) = skipped.fault {
            self.alarm(skipped.spec, &ModelError::Configuration { fault: fault.clone() }, true);
        }
    }

    /// Notes an attempt. Of two answers the one with fewer unsupported numbers is kept, of equal ones the first.
    pub(super) fn add(&mut self, attempt: Attempt<'m>, answer: Option<T>) {
        if let Some(answer) = answer {
            let unsupported =
                if let AttemptOutcome::Unsupported { count, .. } = attempt.outcome { count } else { 0 };
            if self.best.as_ref().is_none_or(|best| unsupported < best.unsupported) {
                self.best = Some(Best { answer, unsupported, attempt: self.attempts.len() });
            }
        }
        if let Some(error) = attempt.outcome.error() {
            match error.class() {
                Class::Rejected | Class::Configuration => self.alarm(attempt.spec, error, false),
                Class::Wait | Class::FailOver | Class::StepDown | Class::Adjust | Class::Quota => {}
            }
        }
        self.attempts.push(attempt);
    }

    fn alarm(&mut self, spec: &ModelSpec, error: &ModelError, skipped: bool) {
        if !self.alarms.iter().any(|alarm| alarm.model == spec.name) {
            self.alarms.push(Alarm { model: spec.name.clone(), error: error.clone(), skipped });
        }
    }

    /// The outcome. An answer is used whatever stopped the chain, unless it was a guardrail or a lost lease. `first` is
    /// the first model of the chain, if it has models.
    pub(super) fn finish(self, first: Option<&ModelSpec>, stop: StopReason) -> ChainOutcome<'m, T> {
        let Self { mut attempts, alarms, skipped, best } = self;
        let best = best.filter(|_| !matches!(stop, StopReason::Guardrail | StopReason::Lost));
        let answer = best.and_then(|best| {
            let attempt = attempts.get_mut(best.attempt)?;
            // The answer's own text is not a rejected one.
            attempt.text = None;
            Some(ModelAnswer {
                answer: best.answer,
                spec: attempt.spec,
                model_id: attempt.model_id().to_owned(),
                is_fallback: first.is_some_and(|first| first.name != attempt.spec.name),
            })
        });
        let degraded = match answer {
            Some(_) => None,
            None => stop.degrades(first.is_some(), &attempts, skipped),
        };
        ChainOutcome { answer, stop, attempts, alarms, degraded, unmade_call: false }
    }
}
