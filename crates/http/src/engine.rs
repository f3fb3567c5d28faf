//! The interface to the program behind the routes: its store, its alert types, and what it does with events.
//!
//! `portend serve` implements it with an inbox and workers; the function on AWS implements only its reading half.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use portend_core::alert_type::AlertTypes;
use portend_core::clock::Clock;
use portend_core::pipeline::{Failure, Outcome};
use portend_core::store::{
    Documents, Entities, Feedback, ForgetCounts, Forgetting, Parking, Queries, StoreError,
};
use portend_core::time::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::Notify;
use utoipa::ToSchema;

/// A program that serves the routes.
pub trait Engine: Send + Sync + 'static {
    /// Its store.
    type Store: Queries + Parking + Entities + Feedback + Forgetting + Documents;
    /// Its clock.
    type Clock: Clock;

    /// The store.
    fn store(&self) -> &Self::Store;

    /// The clock.
    fn clock(&self) -> &Self::Clock;

    /// The alert types.
    fn types(&self) -> &AlertTypes;

    /// The models, in the order in which they are called.
    fn models(&self) -> Vec<ModelStatus>;

    /// Whether it judges events. Otherwise it only reads.
    fn judges(&self) -> bool;

    /// Whether parked events may be replayed and deleted.
    fn replays(&self) -> bool;

    /// Runs a parked event again. `None` if another program will do that soon.
    fn replay(&self, event: Vec<u8>) -> impl Future<Output = Result<Option<Outcome>, Failure>> + Send;

    /// Whether people may give feedback.
    fn takes_feedback(&self) -> bool;

    /// Whether it stores what happened to entities.
    fn takes_outcomes(&self) -> bool;

    /// Whether live streams stay open. On AWS, a response is sent when it is complete.
    fn streams(&self) -> bool;

    /// Accepts events to be judged soon. They are durable when this returns. The signature of their request, if it has one, is
    /// stored with them, so that it is not accepted again.
    fn accept(
        &self,
        events: Vec<Vec<u8>>,
        signature: Option<RequestSignature>,
    ) -> impl Future<Output = Result<(), AcceptError>> + Send;

    /// Whether the events of a request with this signature were accepted, also before a restart.
    fn is_used(&self, signature: RequestSignature) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Judges one event now. Dropping the future does not stop the work.
    fn judge(&self, event: Vec<u8>) -> impl Future<Output = Result<Outcome, Failure>> + Send;

    /// Deletes everything about an entity, of whatever type; `None` if the program does not do that.
    fn forget(
        &self,
        entity_id: &str,
    ) -> impl Future<Output = Result<Option<ForgetCounts>, StoreError>> + Send;

    /// The counts of this machine's ledger; `None` if the program has no ledger.
    fn ledger(&self) -> impl Future<Output = Result<Option<LedgerTotals>, StoreError>> + Send;

    /// Judges the scores by what happened; `None` if the program does not do that.
    fn evaluate(
        &self,
        query: &EvaluationQuery,
    ) -> impl Future<Output = Result<Option<Vec<EvaluatedGroup>>, StoreError>> + Send;

    /// What people did with recommendations, and what followed; `None` if the program does not judge scores.
    fn followed_advice(&self)
    -> impl Future<Output = Result<Option<Vec<FollowedAdvice>>, StoreError>> + Send;

    /// Wakes whoever waits for new insights.
    fn news(&self) -> &Arc<Notify>;
}

/// The signature of a request, which counts once.
#[derive(Debug, Clone, Copy)]
pub struct RequestSignature {
    /// HMAC-SHA256.
    pub bytes: [u8; 32],
    /// After that it is too old, whether it was used or not.
    pub expires_at: Timestamp,
}

/// Why events were not accepted.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// Too many accepted events wait for a worker. It passes.
    #[error("the inbox is full")]
    Full,
    /// The request was received before.
    #[error("the request was received before")]
    Replayed,
    /// The store did not take them.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Which scores are judged, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvaluationQuery {
    /// Of this alert type only.
    pub alert_type: Option<String>,
    /// Of alerts at this time or later.
    pub since: Option<Timestamp>,
    /// As if it were this time.
    pub as_of: Timestamp,
    /// How long it takes until an event is reported.
    pub report_lag: Duration,
    /// Every insight, not only the first of an entity in each horizon.
    pub all: bool,
    /// What the scores of a group have in common.
    pub by: EvaluationGrouping,
}

/// What the scores of a group have in common.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EvaluationGrouping {
    /// The alert type, the model and the prompt.
    #[default]
    Model,
    /// The alert type.
    Type,
    /// The alert type, the model, the prompt and the month.
    Month,
}

/// How good the scores of one group were.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluatedGroup {
    /// The group and its figures, as `portend eval --json` prints them.
    pub report: Value,
    /// The reliability diagram as SVG, without any text that others wrote; `None` without rows.
    pub picture: Option<String>,
    /// The insights that are still stored.
    pub insights: u64,
    /// Those of them with a number that no fact supports.
    pub unsupported: u64,
    /// Those of them with a reply that could not be used.
    pub unusable: u64,
    /// What their calls have cost, in US dollars.
    pub cost_usd: f64,
    /// Whether the facts or scores of the alert type have changed in the last week: `drift`, `none` or `too_few`.
    pub drift: Option<&'static str>,
    /// Why an insight of the group may have no probability; `None` if the scores of a group have different sources.
    pub missing_probability: Option<MissingProbability>,
}

/// Why an insight has no probability beside its score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MissingProbability {
    /// `few_events`, `no_signal`, `not_judged` or `no_better`: there is no map yet. `not_applied`: a map can be stored.
    /// `older_than_map`: there is one for later insights.
    pub reason: &'static str,
    /// With `few_events`: the outcomes of the rarer kind, with the event or without, that are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub have: Option<usize>,
    /// With `few_events`: those that a map needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub need: Option<usize>,
    /// The same for people.
    #[serde(skip)]
    pub sentence: String,
}

/// A recommendation that was given: what people did with it, and what followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowedAdvice {
    /// The title of the alert type.
    pub alert_type: String,
    /// The event, and within which time.
    pub event: String,
    /// The recommendation.
    pub text: String,
    /// Whether somebody said of one that it was done or skipped.
    pub is_answered: bool,
    /// `done`, `skipped` or `no answer`, each with a sentence: how often the event followed, of how many.
    pub lines: Vec<(&'static str, String)>,
}

/// What is known of one model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ModelStatus {
    /// Its name in the chain.
    pub name: String,
    /// Its id at the vendor.
    pub model_id: String,
    /// Whether it may be called: `works`, `is tried again`, or `is not called`.
    pub state: &'static str,
}

/// The counts of the ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct LedgerTotals {
    /// One entry for each day and alert type.
    pub days: Vec<LedgerDay>,
    /// All of them together.
    pub total: LedgerDay,
    /// Events that are accepted and wait in the inbox.
    pub waiting: u64,
    /// Whether every event received has an outcome.
    pub adds_up: bool,
}

/// The counts of one day and alert type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct LedgerDay {
    /// The UTC day; `total` in the totals.
    pub day: String,
    /// The alert type, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert_type: Option<String>,
    /// Events received.
    pub received: u64,
    /// New insights.
    pub stored: u64,
    /// Repeats of an insight.
    pub repeated: u64,
    /// Parked events.
    pub parked: u64,
    /// Events that failed.
    pub failed: u64,
    /// Events without an outcome.
    pub unfinished: u64,
}

impl LedgerDay {
    /// The counts of two entries together, under the name of the first.
    #[must_use]
    pub fn plus(self, other: &Self) -> Self {
        Self {
            received: self.received + other.received,
            stored: self.stored + other.stored,
            repeated: self.repeated + other.repeated,
            parked: self.parked + other.parked,
            failed: self.failed + other.failed,
            unfinished: self.unfinished + other.unfinished,
            ..self
        }
    }
}
