//! What the cases of the store's contract use: alerts, insights to put into a store, and a pipeline over it.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use portend_core::alert::{Alert, InsightKey};
use portend_core::alert_type::AlertTypes;
use portend_core::clock::Clock;
use portend_core::insight::{DegradedBy, Insight, Judgement, Provenance, StoredInsight};
use portend_core::limits::{EVENT_DEADLINE, LEASE_MARGIN};
use portend_core::pipeline::{Failure, Outcome, Pipeline};
use portend_core::scorecard::Scored;
use portend_core::store::{
    Claim, ClaimRequest, Commit, CommitRequest, InsightQuery, Lease, RepeatRequest, Store, Todo,
};
use portend_core::time::Timestamp;

use crate::clock::StoppedClock;
use crate::faults::{Fault, FaultyStore, Operation};

/// The result of one event.
pub type EventResult = Result<Outcome, Failure>;

/// The time at which every case begins.
pub fn start() -> Timestamp {
    Timestamp::parse("2025-01-01T12:00:02.114Z").unwrap()
}

/// An alert of one student: `calls` and `health` make what it says, `at` its timestamp.
pub fn event(student: &str, calls: u32, health: u32, at: &str) -> Vec<u8> {
    let details = format!(r#"{{"ib_calls_14d":{calls},"health_score":{health}}}"#);
    let rest =
        format!(r#""severity":"warning","entity_id":"{student}","entity_type":"student","timestamp":"{at}""#);
    format!(r#"{{"alert_type":"high_ib_call_frequency",{rest},"details":{details}}}"#).into_bytes()
}

/// The event that most cases begin with.
pub fn first_event() -> Vec<u8> {
    event("stu_1", 5, 65, "2025-01-01T12:00:00Z")
}

/// The alert of an event.
pub fn alert<'t>(types: &'t AlertTypes, event: &[u8]) -> Alert<'t> {
    Alert::read(event, types, start()).unwrap()
}

/// A claim request of this owner at this time.
pub fn request(alert: &Alert<'_>, owner: &str, now: Timestamp) -> ClaimRequest {
    ClaimRequest {
        alert_key: alert.key(),
        owner: owner.into(),
        insight_key: alert.insight_key(),
        received_at: now,
        lease_until: now.plus(EVENT_DEADLINE + LEASE_MARGIN),
        reserve_call: false,
        now,
    }
}

/// The same, which counts the first model call.
pub fn request_with_call(alert: &Alert<'_>, owner: &str, now: Timestamp) -> ClaimRequest {
    ClaimRequest { reserve_call: true, ..request(alert, owner, now) }
}

/// A repeat of the insight under this lease, seen at this time.
pub fn repeat_of(lease: &Lease, seen: Timestamp) -> RepeatRequest {
    RepeatRequest {
        alert_key: lease.alert_key,
        insight_key: lease.insight_key.clone(),
        owner: "repeat".into(),
        received_at: start(),
        seen,
        now: start(),
    }
}

/// The lease of a claim that must succeed.
pub async fn lease(store: &impl Store, request: &ClaimRequest) -> Lease {
    match store.claim(request).await.unwrap() {
        Claim::Mine(lease) => lease,
        other @ (Claim::Done(_) | Claim::Busy(_)) => panic!("expected a lease, got {other:?}"),
    }
}

/// The scorecard's insight of an alert, made at this time by this run.
pub fn insight(alert: &Alert<'_>, key: &InsightKey, run: &str, degraded: bool, now: Timestamp) -> Insight {
    let degraded = degraded.then_some(DegradedBy::Transient);
    let provenance = Provenance { run: run.into(), attempts: Vec::new(), degraded, now };
    Insight::new(alert, key, Judgement::Scorecard(Scored::new(alert)), provenance)
}

/// Claims and commits an insight of this event, made at this time.
pub async fn store_one(
    store: &impl Store,
    event: &[u8],
    degraded: bool,
    todo: Option<Todo>,
    now: Timestamp,
) -> Lease {
    let types = AlertTypes::built_in();
    let alert = Alert::read(event, &types, now).unwrap();
    let lease = lease(store, &request(&alert, &format!("owner of {}", alert.key()), now)).await;
    let insight = insight(&alert, &lease.insight_key, "run", degraded, now);
    let request = CommitRequest { lease: &lease, insight: &insight, todo, now };
    assert_eq!(store.commit(&request).await.unwrap(), Commit::Stored);
    lease
}

/// Every insight in the store.
pub async fn all(store: &impl Store, now: Timestamp) -> Vec<StoredInsight> {
    let query = InsightQuery { limit: 1000, ..InsightQuery::default() };
    store.insights(&query, now).await.unwrap().insights
}

/// Runs one event through a pipeline with these faults. `None` if the process was killed.
pub async fn run_with(
    store: &impl Store,
    clock: &StoppedClock,
    event: &[u8],
    plan: &[(Operation, Fault)],
) -> Option<EventResult> {
    let pipeline = Pipeline::new(AlertTypes::built_in(), FaultyStore::new(store, plan), clock);
    let received = pipeline.receive(event);
    let mut run = pipeline.run(clock.now().plus(EVENT_DEADLINE));
    let mut process = pin!(run.process(&received));
    poll_fn(|context| match process.as_mut().poll(context) {
        Poll::Ready(result) => Poll::Ready(Some(result)),
        Poll::Pending if pipeline.store().is_killed() => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    })
    .await
}

/// Runs one event through a pipeline without any fault.
pub async fn run(store: &impl Store, clock: &StoppedClock, event: &[u8]) -> EventResult {
    run_with(store, clock, event, &[]).await.unwrap()
}

/// Runs several workers at once, one step at a time.
pub async fn all_of<F: Future<Output = EventResult>>(mut workers: Vec<Pin<Box<F>>>) -> Vec<EventResult> {
    let mut outcomes = Vec::new();
    poll_fn(|context| {
        workers.retain_mut(|worker| match worker.as_mut().poll(context) {
            Poll::Ready(outcome) => {
                outcomes.push(outcome);
                false
            }
            Poll::Pending => true,
        });
        if workers.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    outcomes
}

/// `stored`, `repeated`, `parked`, or the code of a failure.
pub fn status(result: &EventResult) -> &'static str {
    result.as_ref().map_or_else(Failure::code, Outcome::status)
}

/// The insight of an event, if it has one.
pub fn insight_of(result: &EventResult) -> Option<&StoredInsight> {
    result.as_ref().ok().and_then(Outcome::insight)
}

/// Moves the clock past the end of any lease that was taken until now.
pub fn outlive_the_lease(clock: &StoppedClock) {
    clock.advance(EVENT_DEADLINE + LEASE_MARGIN + Duration::from_millis(1));
}

/// Asserts the statuses of some results, in their order.
pub fn assert_statuses(results: &[EventResult], expected: &[&str]) {
    let statuses: Vec<_> = results.iter().map(status).collect();
    assert_eq!(statuses, expected, "{results:#?}");
}
