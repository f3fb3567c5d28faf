//! What one process knows of its models: their breakers, their slots, and which take the native schema.
//!
//! Never: reads a clock, or holds its lock across a wait.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::breaker::{Breaker, Probe};
use super::slots::CallSlots;
use super::{Attempt, AttemptOutcome, Circuit};
use crate::limits::{SCHEMA_REFUSAL_RETENTION, SCHEMA_TIMEOUT_RETENTION, SCHEMA_USELESS_RETENTION};
use crate::model::{Class, ConfigurationFault, ModelError, ModelSpec, SchemaForm, SchemaLimit};
use crate::time::Timestamp;

/// What is known of every model. One per process, shared by all its alerts.
#[derive(Debug, Default)]
pub struct Health {
    state: Mutex<HealthState>,
    /// Calls at the same time to each model, in place of its own number.
    concurrency: Option<usize>,
}

#[derive(Debug, Default)]
struct HealthState {
    /// By the model's name: two names for one model can differ in their key.
    breakers: HashMap<String, Breaker>,
    /// By endpoint and model id.
    schemas: HashMap<(String, String), Schema>,
    /// When each model last gave a usable reply, by endpoint and model id.
    usable_at: HashMap<(String, String), Timestamp>,
    probes: u64,
    /// By the model's name.
    slots: HashMap<String, Arc<CallSlots>>,
}

/// What is known of the native schema at one endpoint and model.
#[derive(Debug, Default)]
struct Schema {
    has_worked: bool,
    /// The most detailed form to send, until a time.
    lowered: Option<(SchemaForm, Timestamp)>,
}

/// What is known of one model at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelHealth {
    /// Whether it may be called.
    pub circuit: Circuit,
    /// The most detailed form of the schema that it is not known to refuse.
    pub schema_max: SchemaForm,
    /// Whether a native schema has ever worked with it.
    pub native_has_worked: bool,
}

/// The right to make one call. Dropped before the call is settled, it leaves everything as it was.
#[derive(Debug)]
pub(super) struct Permit<'a> {
    health: &'a Health,
    spec: &'a ModelSpec,
    probe: Option<Probe>,
}

impl Health {
    /// Nothing is known yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with so many calls at the same time to each model, in place of the number in its [`ModelSpec`].
    #[must_use]
    pub fn with_concurrency(self, concurrency: Option<usize>) -> Self {
        Self { concurrency, ..self }
    }

    /// The slots of a model.
    pub(super) fn slots(&self, spec: &ModelSpec) -> Arc<CallSlots> {
        let mut state = self.lock();
        if let Some(slots) = state.slots.get(&spec.name) {
            return Arc::clone(slots);
        }
        let slots = Arc::new(CallSlots::new(self.concurrency.unwrap_or(spec.concurrency)));
        state.slots.insert(spec.name.clone(), Arc::clone(&slots));
        slots
    }

    /// What is known of a model.
    pub fn of(&self, spec: &ModelSpec, now: Timestamp) -> ModelHealth {
        let state = self.lock();
        let circuit = state.breakers.get(&spec.name).map_or(Circuit::Closed, |breaker| breaker.circuit(now));
        let schema = state.schemas.get(&key(spec));
        let lowered = schema.and_then(|schema| schema.lowered).filter(|(_, until)| now < *until);
        ModelHealth {
            circuit,
            schema_max: lowered.map_or(SchemaForm::Bounded, |(form, _)| form),
            native_has_worked: schema.is_some_and(|schema| schema.has_worked),
        }
    }

    /// The limits that hold at this time, in the order of their endpoints and models.
    pub fn schema_limits(&self, now: Timestamp) -> Vec<SchemaLimit> {
        let state = self.lock();
        let limits = state.schemas.iter().filter_map(|((endpoint, model_id), schema)| {
            let (form, until) = schema.lowered.filter(|(_, until)| now < *until)?;
            Some(SchemaLimit { endpoint: endpoint.clone(), model_id: model_id.clone(), form, until })
        });
        let mut limits: Vec<_> = limits.collect();
        limits.sort_by(|a, b| (&a.endpoint, &a.model_id).cmp(&(&b.endpoint, &b.model_id)));
        limits
    }

    /// Takes over the limits that an earlier process learned.
    pub fn limit_schemas(&self, limits: Vec<SchemaLimit>) {
        let mut state = self.lock();
        for SchemaLimit { endpoint, model_id, form, until } in limits {
            state.schemas.entry((endpoint, model_id)).or_default().lowered = Some((form, until));
        }
    }

    /// Whether the model has given a usable reply after this time.
    pub(crate) fn was_usable_after(&self, spec: &ModelSpec, time: Timestamp) -> bool {
        self.lock().usable_at.get(&key(spec)).is_some_and(|at| *at > time)
    }

    /// Whether the native schema has ever worked with this model.
    pub(super) fn native_has_worked(&self, spec: &ModelSpec) -> bool {
        self.lock().schemas.get(&key(spec)).is_some_and(|schema| schema.has_worked)
    }

    /// Asks to call a model. `None`: its breaker is open.
    pub(super) fn enter<'a>(&'a self, spec: &'a ModelSpec, now: Timestamp) -> Option<Permit<'a>> {
        let mut state = self.lock();
        let HealthState { breakers, probes, .. } = &mut *state;
        let breaker = breakers.entry(spec.name.clone()).or_default();
        let probe = match breaker.circuit(now) {
            Circuit::Closed => None,
            Circuit::HalfOpen => {
                *probes += 1;
                let probe = Probe(*probes);
                breaker.start(probe);
                Some(probe)
            }
            Circuit::Open { .. } => return None,
        };
        Some(Permit { health: self, spec, probe })
    }

    /// A panic under the lock leaves a state that was true at some moment.
    fn lock(&self) -> MutexGuard<'_, HealthState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ModelHealth {
    /// Whether it may be called.
    pub fn admits(&self) -> bool {
        match self.circuit {
            Circuit::Closed | Circuit::HalfOpen => true,
            Circuit::Open { .. } => false,
        }
    }
}

impl Permit<'_> {
    /// Notes the outcome of the call.
    pub(super) fn settle(mut self, attempt: &Attempt<'_>, now: Timestamp) {
        let mut state = self.health.lock();
        let HealthState { breakers, schemas, usable_at, .. } = &mut *state;
        let breaker = breakers.entry(self.spec.name.clone()).or_default();
        let was_probe = breaker.end(self.probe.take());
        match &attempt.outcome {
            AttemptOutcome::Accepted
            | AttemptOutcome::Unsupported { .. }
            | AttemptOutcome::Unusable { .. }
            | AttemptOutcome::Length
            | AttemptOutcome::Empty
            | AttemptOutcome::UnknownFinish { .. }
            | AttemptOutcome::Refusal
            | AttemptOutcome::Guardrail => breaker.succeed(),
            // It is the schema's failure; the call by the prompt alone will say how the model is.
            AttemptOutcome::SchemaRejected { .. } | AttemptOutcome::ParameterRejected { .. } => {}
            AttemptOutcome::Failed { error, .. } => match error.class() {
                Class::Wait | Class::FailOver => breaker.fail(was_probe, now),
                Class::Quota => breaker.trip(None, now),
                Class::Configuration => breaker.trip(error.fault().cloned(), now),
                Class::Rejected | Class::StepDown | Class::Adjust => {}
            },
        }
        if attempt.outcome.is_usable() {
            usable_at.insert(key(self.spec), now);
        }
        if attempt.form.is_native() {
            schemas.entry(key(self.spec)).or_default().learn(attempt, now);
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let Some(probe) = self.probe.take() else { return };
        if let Some(breaker) = self.health.lock().breakers.get_mut(&self.spec.name) {
            breaker.end(Some(probe));
        }
    }
}

impl Schema {
    /// Notes the outcome of a call that sent the schema natively.
    fn learn(&mut self, attempt: &Attempt<'_>, now: Timestamp) {
        let outcome = &attempt.outcome;
        if outcome.is_usable() {
            // What a more detailed form has shown stays known.
            let lowered = self.lowered.filter(|(form, _)| *form >= attempt.form);
            *self = Self { has_worked: true, lowered };
            return;
        }
        // A truncated reply is not the schema's fault alone, so it is not remembered.
        let Some(form) =
            attempt.form.after(outcome, self.has_worked).filter(|_| *outcome != AttemptOutcome::Length)
        else {
            return;
        };
        let retention = match outcome.error() {
            Some(ModelError::SchemaRefused | ModelError::SchemaUnsupported) => SCHEMA_REFUSAL_RETENTION,
            Some(_) => SCHEMA_TIMEOUT_RETENTION,
            None => SCHEMA_USELESS_RETENTION,
        };
        let until = now.plus(retention);
        self.lowered = Some(match self.lowered.filter(|(_, until)| now < *until) {
            // A slow schema does not shorten what is known of a refused one.
            Some((known, known_until)) => (known.min(form), known_until.max(until)),
            None => (form, until),
        });
    }
}

fn key(spec: &ModelSpec) -> (String, String) {
    (spec.endpoint.clone(), spec.model_id.clone())
}

impl ModelError {
    /// What is wrong with the model's configuration, if that is the failure.
    fn fault(&self) -> Option<&ConfigurationFault> {
        if let Self::Configuration { fault } = self { Some(fault) } else { None }
    }
}
