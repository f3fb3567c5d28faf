//! What came of asking the chain.
//!
//! Takes: the attempts with their answers, and the models that were skipped.
//! Gives: an [`Asked`].
//! Never: loses an attempt, an alarm, or the better of two answers.

use super::{Attempt, Ending};
use crate::model::{Class, Fault, ModelError, ModelSpec};
use crate::store::StoreError;

/// What came of asking the chain.
#[derive(Debug)]
pub struct Asked<T> {
    /// The answer, or why there is none.
    pub result: Result<Answer<T>, NoAnswer>,
    /// Every call that was made, in order.
    pub attempts: Vec<Attempt>,
    /// What the operator must hear of, at most once per model.
    pub alarms: Vec<Alarm>,
    /// Whether there is no answer, but may well be one if the same chain is asked later: a model failed for a
    /// transient reason or one of its configuration, and no guardrail intervened.
    pub degraded: bool,
}

/// The answer that was accepted, or the best of those with unsupported numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer<T> {
    /// The answer.
    pub answer: T,
    /// The place of its model in the chain.
    pub place: usize,
    /// Its attempt's place among the attempts.
    pub attempt: usize,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// Every call that the alert may make has been made, some perhaps by workers before this one.
    #[error(
        "every model call that this alert may make has been made; put scorecard at the end of MODELS and run it again"
    )]
    CallsSpent,
    /// The models are at fault, or their configuration.
    #[error("every model failed or was skipped; the attempts and alarms say why")]
    AllFailed,
    /// The deployment's own policy. No other model is asked round it.
    #[error("a guardrail intervened; change its policy if this alert must be explained")]
    Guardrail,
    /// Another worker has taken over. It will finish the alert.
    #[error("another worker has taken this alert over")]
    Lost,
    /// There is no time left for a call, or for the pause before it that a model asks for.
    #[error("too little time is left to ask a model; give the program more, or put a faster model first")]
    Deadline,
    /// The store could not count a call, so the call was not made.
    #[error(transparent)]
    Store(StoreError),
}

/// Something that only the operator can mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// The model's name in the chain.
    pub model: String,
    /// What is wrong.
    pub error: ModelError,
    /// Whether the model was not asked, since an earlier call showed the same.
    pub skipped: bool,
}

/// What is known while the chain is asked.
#[derive(Debug)]
pub(super) struct Answers<T> {
    attempts: Vec<Attempt>,
    alarms: Vec<Alarm>,
    skipped: bool,
    best: Option<(usize, Answer<T>)>,
}

impl<T> Answer<T> {
    /// Whether it is not the first model's.
    pub fn is_fallback(&self) -> bool {
        self.place > 0
    }
}

impl NoAnswer {
    /// A short stable name, for logs and callers.
    pub fn code(&self) -> &'static str {
        match self {
            Self::CallsSpent => "calls_spent",
            Self::AllFailed => "all_failed",
            Self::Guardrail => "guardrail",
            Self::Lost => "lost",
            Self::Deadline => "deadline",
            Self::Store(error) => error.code(),
        }
    }

    /// Whether asking the same chain later may well give an answer. That is so if a model was skipped by its
    /// breaker, or its last attempt ended in a transient failure or one of the configuration; or if calls or
    /// time had run out before any model could be asked. It is not so after a guardrail, whatever failed
    /// before it: to ask later would be another way round one's own policy.
    fn degrades(&self, plan: &[&ModelSpec], attempts: &[Attempt], skipped: bool) -> bool {
        let has_failed = |place| {
            let last = attempts.iter().rfind(|attempt| attempt.place == place);
            last.is_some_and(|last| last.ending.may_pass())
        };
        match self {
            Self::CallsSpent | Self::AllFailed | Self::Deadline => {
                let unasked = attempts.is_empty() && !plan.is_empty();
                unasked || skipped || (0..plan.len()).any(has_failed)
            }
            // No insight is made of the last two.
            Self::Guardrail | Self::Lost | Self::Store(_) => false,
        }
    }
}

impl Ending {
    /// Whether it is a failure that time or a person can mend, for the same request.
    fn may_pass(&self) -> bool {
        self.error().is_some_and(|error| match error.class() {
            Class::Wait | Class::FailOver | Class::StepDown | Class::Quota | Class::Configuration => true,
            Class::Rejected => false,
        })
    }
}

impl<T> Answers<T> {
    pub(super) fn new() -> Self {
        Self { attempts: Vec::new(), alarms: Vec::new(), skipped: false, best: None }
    }

    pub(super) fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// Notes that a model is not asked since its breaker is open. A fault of its configuration is never
    /// masked by that.
    pub(super) fn skip(&mut self, spec: &ModelSpec, fault: Option<&Fault>) {
        self.skipped = true;
        if let Some(fault) = fault {
            self.alarm(&spec.name, &ModelError::Configuration { fault: fault.clone() }, true);
        }
    }

    /// Notes an attempt. Of two answers the one with fewer unsupported numbers stays, of equal ones the
    /// first.
    pub(super) fn add(&mut self, attempt: Attempt, answer: Option<T>) {
        if let Some(answer) = answer {
            let unsupported = if let Ending::Unsupported { count, .. } = attempt.ending { count } else { 0 };
            if self.best.as_ref().is_none_or(|(fewest, _)| unsupported < *fewest) {
                let answer = Answer { answer, place: attempt.place, attempt: self.attempts.len() };
                self.best = Some((unsupported, answer));
            }
        }
        if let Some(error) = attempt.ending.error() {
            match error.class() {
                Class::Rejected | Class::Configuration => self.alarm(&attempt.model, error, false),
                Class::Wait | Class::FailOver | Class::StepDown | Class::Quota => {}
            }
        }
        self.attempts.push(attempt);
    }

    fn alarm(&mut self, model: &str, error: &ModelError, skipped: bool) {
        if !self.alarms.iter().any(|alarm| alarm.model == model) {
            self.alarms.push(Alarm { model: model.to_owned(), error: error.clone(), skipped });
        }
    }

    /// What came of it all. An answer outweighs a reason for there being none, but for a guardrail and a lost
    /// lease.
    pub(super) fn finish(self, plan: &[&ModelSpec], none: Option<NoAnswer>) -> Asked<T> {
        let Self { mut attempts, alarms, skipped, best } = self;
        let result = match (none, best) {
            (Some(none @ (NoAnswer::Guardrail | NoAnswer::Lost)), _) | (Some(none), None) => Err(none),
            (_, Some((_, answer))) => Ok(answer),
            (None, None) => Err(NoAnswer::AllFailed),
        };
        let degraded = result.as_ref().is_err_and(|none| none.degrades(plan, &attempts, skipped));
        // The answer's own text is not a refused one.
        if let Ok(answer) = &result
            && let Some(attempt) = attempts.get_mut(answer.attempt)
        {
            attempt.text = None;
        }
        Asked { result, attempts, alarms, degraded }
    }
}
