//! What the cases are played with: alerts, a stopped clock, and a store whose plugs can be pulled.
//!
//! Takes: a store.
//! Gives: insights to put into it, a pipeline over it, and faults at any of its operations.
//! Never: fakes a store's answer; a fault is an error or a kill before or after the real operation.

use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::Mutex;
use std::task::Poll;
use std::time::Duration;

use crate::alert::{Alert, InsightKey};
use crate::alert_type::AlertTypes;
use crate::clock::{Clock, StoppedClock};
use crate::insight::{Insight, Judgement, Making, StoredInsight};
use crate::limits::{EVENT_DEADLINE, LEASE_MARGIN};
use crate::pipeline::{Account, Outcome, Pipeline};
use crate::scorecard::Scored;
use crate::store::{
    Claim, ClaimRequest, Cursor, Due, Lease, Page, Parked, ParkedPage, Put, Query, Repeat, Reserved, Store,
    StoreError, Todo, UpgradeClaim, UpgradeRequest,
};
use crate::time::Timestamp;

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
        lease_until: now.plus(EVENT_DEADLINE + LEASE_MARGIN),
        now,
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
    let making = Making { run: run.into(), attempts: Vec::new(), degraded, now };
    Insight::new(alert, key, Judgement::Scorecard(Scored::new(alert)), making)
}

/// Claims, puts and finishes an insight of this event, made at this time.
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
    assert_eq!(store.put(&insight, todo, now).await.unwrap(), Put::Stored);
    store.finish(&lease, insight.expires_at()).await.unwrap();
    lease
}

/// Every insight in the store.
pub async fn all(store: &impl Store, now: Timestamp) -> Vec<StoredInsight> {
    let query = Query { limit: 1000, ..Query::default() };
    store.insights(&query, now).await.unwrap().insights
}

/// What happens at an operation instead of its success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails, and has had no effect.
    ErrorBefore,
    /// It has its effect, and its answer is lost.
    ErrorAfter,
    /// The process dies before it.
    KillBefore,
    /// The process dies after its effect.
    KillAfter,
}

impl Fault {
    /// Each of them.
    pub const ALL: [Self; 4] = [Self::ErrorBefore, Self::ErrorAfter, Self::KillBefore, Self::KillAfter];
}

/// One attempt at a store's operation, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// [`Store::claim`].
    Claim,
    /// [`Store::put`].
    Put,
    /// [`Store::finish`].
    Finish,
    /// [`Store::release`].
    Release,
    /// [`Store::repeat`].
    Repeat,
    /// [`Store::park`].
    Park,
}

impl Operation {
    /// Those on the path of an alert.
    pub const OF_AN_ALERT: [Self; 5] = [Self::Claim, Self::Put, Self::Finish, Self::Release, Self::Repeat];
}

/// A store that does what it is asked, but for the faults that are planned.
#[derive(Debug)]
pub struct Faulty<'s, S> {
    store: &'s S,
    plan: Mutex<Vec<(Operation, Fault)>>,
    killed: Mutex<bool>,
}

impl<'s, S: Store> Faulty<'s, S> {
    /// Each planned fault strikes once, at the first operation of its name that is left.
    pub fn new(store: &'s S, plan: &[(Operation, Fault)]) -> Self {
        Self { store, plan: Mutex::new(plan.to_vec()), killed: Mutex::new(false) }
    }

    fn take(&self, operation: Operation) -> Option<Fault> {
        let mut plan = self.plan.lock().unwrap();
        let index = plan.iter().position(|(each, _)| *each == operation)?;
        Some(plan.remove(index).1)
    }

    /// A killed process does nothing more: its future never goes on, and is dropped.
    async fn die<T>(&self) -> T {
        *self.killed.lock().unwrap() = true;
        pending().await
    }

    async fn through<T>(
        &self,
        operation: Operation,
        real: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let lost = || StoreError::Unreachable { source: "the plug was pulled".into() };
        match self.take(operation) {
            None => real.await,
            Some(Fault::ErrorBefore) => Err(lost()),
            Some(Fault::ErrorAfter) => real.await.and(Err(lost())),
            Some(Fault::KillBefore) => self.die().await,
            Some(Fault::KillAfter) => {
                real.await?;
                self.die().await
            }
        }
    }
}

/// Runs one event through a pipeline with these faults. `None` if the process was killed.
pub async fn run_with(
    store: &impl Store,
    clock: &StoppedClock,
    event: &[u8],
    plan: &[(Operation, Fault)],
) -> Option<Outcome> {
    let pipeline = Pipeline::new(AlertTypes::built_in(), Faulty::new(store, plan), clock);
    let (received, mut account) = (pipeline.receive(event), Account::default());
    let mut process = pin!(pipeline.process(&received, clock.now().plus(EVENT_DEADLINE), &mut account));
    poll_fn(|context| match process.as_mut().poll(context) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        Poll::Pending if *pipeline.store().killed.lock().unwrap() => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    })
    .await
}

/// Runs one event through a pipeline without any fault.
pub async fn run(store: &impl Store, clock: &StoppedClock, event: &[u8]) -> Outcome {
    run_with(store, clock, event, &[]).await.unwrap()
}

/// Moves the clock past the end of any lease that was taken until now.
pub fn outlive_the_lease(clock: &StoppedClock) {
    clock.advance(EVENT_DEADLINE + LEASE_MARGIN + Duration::from_millis(1));
}

/// Asserts the statuses of some outcomes, in their order.
pub fn assert_statuses(outcomes: &[Outcome], expected: &[&str]) {
    let statuses: Vec<_> = outcomes.iter().map(Outcome::status).collect();
    assert_eq!(statuses, expected, "{outcomes:#?}");
}

impl<S: Store> Store for Faulty<'_, S> {
    async fn claim(&self, request: &ClaimRequest) -> Result<Claim, StoreError> {
        self.through(Operation::Claim, self.store.claim(request)).await
    }

    async fn reserve_call(&self, lease: &Lease) -> Result<Reserved, StoreError> {
        self.store.reserve_call(lease).await
    }

    async fn put(&self, insight: &Insight, todo: Option<Todo>, now: Timestamp) -> Result<Put, StoreError> {
        self.through(Operation::Put, self.store.put(insight, todo, now)).await
    }

    async fn finish(&self, lease: &Lease, expires_at: Timestamp) -> Result<(), StoreError> {
        self.through(Operation::Finish, self.store.finish(lease, expires_at)).await
    }

    async fn release(&self, lease: &Lease, until: Timestamp) -> Result<(), StoreError> {
        self.through(Operation::Release, self.store.release(lease, until)).await
    }

    async fn repeat(
        &self,
        key: &InsightKey,
        seen: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Repeat>, StoreError> {
        self.through(Operation::Repeat, self.store.repeat(key, seen, now)).await
    }

    async fn park(&self, parked: &Parked) -> Result<(), StoreError> {
        self.through(Operation::Park, self.store.park(parked)).await
    }

    async fn replayed(&self, sha256: &str, at: Timestamp, outcome: &str) -> Result<(), StoreError> {
        self.store.replayed(sha256, at, outcome).await
    }

    async fn clear_todo(&self, key: &InsightKey, run: &str, todo: Todo) -> Result<(), StoreError> {
        self.store.clear_todo(key, run, todo).await
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Vec<Due>, StoreError> {
        self.store.due(now, after, limit).await
    }

    async fn claim_upgrade(&self, request: &UpgradeRequest) -> Result<UpgradeClaim, StoreError> {
        self.store.claim_upgrade(request).await
    }

    async fn upgrade(
        &self,
        insight: &Insight,
        todo: Option<Todo>,
        now: Timestamp,
    ) -> Result<Option<StoredInsight>, StoreError> {
        self.store.upgrade(insight, todo, now).await
    }

    async fn insight(&self, key: &InsightKey, now: Timestamp) -> Result<Option<StoredInsight>, StoreError> {
        self.store.insight(key, now).await
    }

    async fn find(&self, alert_id: &str, now: Timestamp) -> Result<Option<StoredInsight>, StoreError> {
        self.store.find(alert_id, now).await
    }

    async fn insights(&self, query: &Query, now: Timestamp) -> Result<Page, StoreError> {
        self.store.insights(query, now).await
    }

    async fn parked(
        &self,
        after: Option<&Cursor>,
        limit: usize,
        now: Timestamp,
    ) -> Result<ParkedPage, StoreError> {
        self.store.parked(after, limit, now).await
    }
}
