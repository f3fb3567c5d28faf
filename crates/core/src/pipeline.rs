//! An alert in, an insight out: the steps in their order, and what must hold between them.
//!
//! Never: judges without a claim, stores what was not judged, or loses an event: what is neither stored nor parked is
//! handed back as a [`Failure`], and can be delivered again.
//!
//! ```text
//! event ─ read ─┬─ refused ─ park ─────────────────────────────────────────▶ parked
//!               └─ alert ─ claim ─┬─ done ─ count the repeat ──────────────▶ repeated
//!                                 ├─ busy ─ wait, claim again; at the end ─▶ handed back
//!                                 └─ mine ─ judge ─ commit ─ notify ───────▶ stored
//! ```
//!
//! A crash after the claim leaves a lease that ends; the next delivery takes over.

mod prepared;
mod outcome;
mod record;
mod in_flight;
mod run;
mod verdict;
mod further;
mod reuse;
mod judge;
mod explain;
mod upgrade;
mod sweep;
mod entities;

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{join_all, select};
pub use judge::Preview;
pub use outcome::{Account, Failure, Outcome};
pub use record::record_outcome;
pub use run::Run;
pub use sweep::{SweepEvent, SweepReport};
pub use upgrade::UpgradeOutcome;

use crate::alert::{Alert, AlertKey, InsightKey, Refusal};
use crate::alert_type::AlertTypes;
use crate::calibration::{CalibrationMap, CalibrationMaps};
use crate::chain::Health;
use crate::clock::{Clock, random_name};
use crate::entity::Holdout;
use crate::insight::{Insight, Judgement, Provenance};
use crate::limits::{EVENT_DEADLINE, EVENT_DEADLINE_MAX, LEASE_MAX, NEXT_MODEL_TIME, STORE_RESERVE};
use crate::model::{Model, NoModel};
use crate::notify::{NoNotifier, Notifier};
use crate::store::{Lease, Store};
use crate::time::Timestamp;
use in_flight::InFlight;
use prepared::PreparedTypes;

/// The time to process one event with these models, if the environment sets no deadline: enough for two calls of the
/// slowest one, for the next one, and to store the insight.
pub fn event_time<M: Model>(models: &[M]) -> Duration {
    let slowest = models.iter().map(|model| model.spec().timeout).max().unwrap_or_default();
    EVENT_DEADLINE.max(slowest * 2 + NEXT_MODEL_TIME + STORE_RESERVE).min(EVENT_DEADLINE_MAX)
}

/// The alert types, the store and the clock that the steps work with; the models, and the notifier.
#[derive(Debug)]
pub struct Pipeline<S, C, M = NoModel, N = NoNotifier> {
    types: AlertTypes,
    prepared: PreparedTypes,
    store: S,
    clock: C,
    models: Vec<M>,
    scorecard: bool,
    maps: CalibrationMaps,
    /// The maps of the store, which count before those of the alert types.
    stored_maps: Mutex<Arc<CalibrationMaps>>,
    holdout: Holdout,
    health: Health,
    in_flight: InFlight,
    notifier: Option<N>,
    reuses_answers: bool,
    busy_wait_max: Duration,
    held: Mutex<BTreeMap<AlertKey, HeldLease>>,
}

/// A lease of a run that has not ended, or was dropped before its end.
#[derive(Debug)]
struct HeldLease {
    lease: Lease,
    /// By then it has ended by itself.
    until: Timestamp,
}

/// An event that has been received and read, and not yet worked on.
#[derive(Debug)]
pub struct Received<'a> {
    event: &'a [u8],
    received_at: Timestamp,
    owner: String,
    alert: Result<Alert<'a>, Refusal>,
}

impl<'a> Received<'a> {
    /// The alert, or why the event is refused.
    pub fn alert(&self) -> Result<&Alert<'a>, &Refusal> {
        self.alert.as_ref()
    }

    /// When it was received.
    pub fn received_at(&self) -> Timestamp {
        self.received_at
    }

    /// A random name for this receipt: the owner of its claim, and its row in a ledger.
    pub fn owner(&self) -> &str {
        &self.owner
    }
}

impl<S, C> Pipeline<S, C> {
    /// A pipeline in which the scorecard judges and nobody is notified.
    pub fn new(types: AlertTypes, store: S, clock: C) -> Self {
        Self {
            prepared: PreparedTypes::new(&types),
            maps: CalibrationMaps::new(types.iter().filter_map(|each| each.map().cloned())),
            types,
            store,
            clock,
            stored_maps: Mutex::default(),
            holdout: Holdout::default(),
            models: Vec::new(),
            scorecard: true,
            health: Health::default(),
            in_flight: InFlight::default(),
            notifier: None,
            reuses_answers: true,
            busy_wait_max: Duration::MAX,
            held: Mutex::default(),
        }
    }
}

impl<S, C, M, N> Pipeline<S, C, M, N> {
    /// The same with models, asked in this order. Without the scorecard behind them, an alert that no model answers gets
    /// no insight.
    pub fn with_models<O: Model>(self, models: Vec<O>, scorecard: bool) -> Pipeline<S, C, O, N> {
        let Self {
            types,
            prepared,
            store,
            clock,
            maps,
            stored_maps,
            holdout,
            health,
            in_flight,
            notifier,
            reuses_answers,
            busy_wait_max,
            held,
            ..
        } = self;
        Pipeline {
            types,
            prepared,
            store,
            clock,
            models,
            scorecard,
            maps,
            stored_maps,
            holdout,
            health,
            in_flight,
            notifier,
            reuses_answers,
            busy_wait_max,
            held,
        }
    }

    /// The same with a notifier, which publishes each new and each upgraded insight.
    pub fn with_notifier<O: Notifier>(self, notifier: Option<O>) -> Pipeline<S, C, M, O> {
        let Self {
            types,
            prepared,
            store,
            clock,
            models,
            scorecard,
            maps,
            stored_maps,
            holdout,
            health,
            in_flight,
            reuses_answers,
            busy_wait_max,
            held,
            ..
        } = self;
        Pipeline {
            types,
            prepared,
            store,
            clock,
            models,
            scorecard,
            maps,
            stored_maps,
            holdout,
            health,
            in_flight,
            notifier,
            reuses_answers,
            busy_wait_max,
            held,
        }
    }

    /// The same that uses an accepted answer again for the same question, or asks each time. What is accepted is stored
    /// either way.
    #[must_use]
    pub fn reusing_answers(self, reuses_answers: bool) -> Self {
        Self { reuses_answers, ..self }
    }

    /// The same with so many calls at the same time to each model, if that is given, in place of each model's own number.
    #[must_use]
    pub fn with_concurrency(self, concurrency: Option<usize>) -> Self {
        Self { health: self.health.with_concurrency(concurrency), ..self }
    }

    /// From now on, uses these maps from scores to probabilities before those of the alert types, and no earlier ones.
    pub fn use_maps(&self, maps: impl IntoIterator<Item = CalibrationMap>) {
        *self.stored_maps.lock().unwrap_or_else(PoisonError::into_inner) =
            Arc::new(CalibrationMaps::new(maps));
    }

    /// The same with maps from scores to probabilities, which count before those of the alert types.
    #[must_use]
    pub fn with_maps(self, maps: impl IntoIterator<Item = CalibrationMap>) -> Self {
        self.use_maps(maps);
        self
    }

    /// The same that notifies nobody of the entities that are held out.
    #[must_use]
    pub fn holding_out(self, holdout: Holdout) -> Self {
        Self { holdout, ..self }
    }

    /// The same with other rules in every prompt, to compare what they change.
    #[must_use]
    pub fn with_rules(self, rules: &str) -> Self {
        Self { prepared: PreparedTypes::with_rules(&self.types, rules), ..self }
    }

    /// Makes an insight, with what its score means as a probability.
    fn insight(
        &self,
        alert: &Alert<'_>,
        key: &InsightKey,
        judgement: Judgement,
        provenance: Provenance,
    ) -> Insight {
        let stored = Arc::clone(&self.stored_maps.lock().unwrap_or_else(PoisonError::into_inner));
        let insight = Insight::new(alert, key, judgement, provenance);
        let is_stored = stored.get(&insight.fields().score_source()).is_some();
        let insight = insight.with_calibration(if is_stored { &stored } else { &self.maps });
        let is_held_out = self.holdout.contains(&insight.entity_key());
        insight.held_out(is_held_out)
    }

    /// The same that waits at most this long for another worker's lease.
    #[must_use]
    pub fn waiting_at_most(self, busy_wait_max: Duration) -> Self {
        Self { busy_wait_max, ..self }
    }

    /// Its alert types.
    pub fn types(&self) -> &AlertTypes {
        &self.types
    }

    /// Its store.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Its clock.
    pub fn clock(&self) -> &C {
        &self.clock
    }

    /// Its models, in the order in which they are asked.
    pub fn models(&self) -> &[M] {
        &self.models
    }

    /// What is known of its models.
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// Its notifier, if it has one.
    pub fn notifier(&self) -> Option<&N> {
        self.notifier.as_ref()
    }

    /// Whether it has a notifier.
    pub fn notifies(&self) -> bool {
        self.notifier.is_some()
    }

    /// A run of it, which must end by `deadline`.
    pub fn run(&self, deadline: Timestamp) -> Run<'_, S, C, M, N> {
        Run::new(self, deadline)
    }

    /// The leases that its runs hold. A panic under the lock leaves a map that was true at some moment.
    fn held(&self) -> MutexGuard<'_, BTreeMap<AlertKey, HeldLease>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a lease until it is released. What has ended by itself is forgotten, whenever the number of leases has
    /// doubled: looking at all of them for each lease would take long with many runs.
    fn hold(&self, lease: &Lease, now: Timestamp) {
        let mut held = self.held();
        if held.len().is_power_of_two() {
            held.retain(|_, held| !held.until.is_past(now));
        }
        held.insert(lease.alert_key, HeldLease { lease: lease.clone(), until: now.plus(LEASE_MAX) });
    }
}

impl<S, C, M: Model, N> Pipeline<S, C, M, N> {
    /// The time to process one event with its models, if the environment sets no deadline.
    pub fn event_time(&self) -> Duration {
        event_time(&self.models)
    }
}

impl<S, C: Clock, M, N> Pipeline<S, C, M, N> {
    /// Reads an event. This takes no time and cannot fail: a refusal is a result.
    pub fn receive<'a>(&'a self, event: &'a [u8]) -> Received<'a> {
        self.receive_as(event, random_name(&self.clock))
    }

    /// Reads an event that has its owner already, because it was accepted before.
    pub fn receive_as<'a>(&'a self, event: &'a [u8], owner: String) -> Received<'a> {
        let received_at = self.clock.now();
        let alert = Alert::read(event, &self.types, received_at);
        Received { event, received_at, owner, alert }
    }
}

impl<S: Store, C: Clock, M: Model, N: Notifier> Pipeline<S, C, M, N> {
    /// Releases the leases of runs that were dropped before their end, so that others need not wait for them. A lease
    /// that cannot be released by the deadline ends by itself.
    pub async fn release_held(&self, deadline: Timestamp) {
        let leases: Vec<Lease> = self.held().values().map(|held| held.lease.clone()).collect();
        let (run, now) = (self.run(deadline), self.clock.now());
        let releases = join_all(leases.iter().map(|lease| run.release(lease, now)));
        select(pin!(releases), pin!(self.clock.sleep(deadline.since(now)))).await;
    }
}
