//! The program behind `portend serve`: accepts events into the inbox of the store's file, and judges them.
//!
//! Never: loses an accepted event. An event leaves the inbox after its outcome is stored; one that fails is run again.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use portend_core::alert_type::AlertTypes;
use portend_core::chain::Circuit;
use portend_core::clock::Clock;
use portend_core::entity::EntityKey;
use portend_core::model::{Model, ModelSpec};
use portend_core::pipeline::{Failure, Outcome};
use portend_core::store::{ForgetCounts, StoreError};
use portend_core::time::Timestamp;
use portend_http::{
    AcceptError, Engine, EvaluatedGroup, EvaluationQuery, FollowedAdvice, LedgerDay, LedgerTotals,
    ModelStatus, RequestSignature,
};
use portend_remote::SystemClock;
use portend_sqlite::{InboxEvent, LedgerRow};
use tokio::sync::{Notify, mpsc, oneshot, watch};

use crate::advice;
use crate::any_store::AnyStore;
use crate::evaluation;
use crate::runner::EventRunner;
use crate::short_id::entity_types;

/// Accepted events that may wait. More are refused until some are judged.
const WAITING_MAX: u64 = 100_000;
/// Events of the inbox that run at the same time.
const WORK_MAX: usize = 256;
/// The pause before a failed event is run again. It doubles each time.
const RETRY_PAUSE_MIN: Duration = Duration::from_secs(1);
/// The longest such pause.
const RETRY_PAUSE_MAX: Duration = Duration::from_mins(5);
/// The runs that lengthen the pause.
const TRIES_COUNTED: u32 = 16;

/// The runner, and the inbox before it.
#[derive(Debug)]
pub(crate) struct LocalEngine {
    runner: Arc<EventRunner>,
    /// New insights, for the live streams.
    news: Arc<Notify>,
    /// New events, for the worker.
    arrived: Notify,
    waiting: AtomicU64,
    /// Events whose sender waits for the outcome.
    direct: mpsc::UnboundedSender<DirectEvent>,
    direct_queue: Mutex<Option<mpsc::UnboundedReceiver<DirectEvent>>>,
    /// Held while scores are judged.
    evaluation: tokio::sync::Mutex<()>,
}

/// An event that is judged at once, without the inbox. Its sender may hang up; the event is judged all the same.
#[derive(Debug)]
struct DirectEvent {
    event: Vec<u8>,
    reply: oneshot::Sender<Result<Outcome, Failure>>,
}

/// The end of one event's run.
enum EventEnd {
    /// It was an event of the inbox, which has been run so many times before.
    OfInbox { id: i64, tries: u32, is_done: bool },
    /// It was a direct event.
    Direct,
}

impl LocalEngine {
    /// Opens the inbox. What an earlier process has accepted and not finished is judged again.
    pub(crate) async fn open(runner: Arc<EventRunner>) -> Result<Self, StoreError> {
        let waiting = runner.ledger().reopen_inbox().await?;
        let (direct, direct_queue) = mpsc::unbounded_channel();
        Ok(Self {
            runner,
            news: Arc::default(),
            arrived: Notify::new(),
            waiting: AtomicU64::new(waiting),
            direct,
            direct_queue: Mutex::new(Some(direct_queue)),
            evaluation: tokio::sync::Mutex::default(),
        })
    }

    /// The runner.
    pub(crate) fn runner(&self) -> &EventRunner {
        &self.runner
    }

    /// The number of accepted events without an outcome.
    pub(crate) fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// One accepted event waits no longer.
    fn finished(&self) {
        let less = |waiting: u64| Some(waiting.saturating_sub(1));
        let _ = self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// Counts the accepted events again: another process may have taken some out of the inbox.
    async fn recount(&self) -> Result<u64, StoreError> {
        let waiting = self.runner.ledger().inbox_count().await?;
        self.waiting.store(waiting, Ordering::Relaxed);
        Ok(waiting)
    }

    /// Judges events until the server stops; then finishes those that have begun. The others stay in the inbox for the
    /// next start. It is called once.
    pub(crate) async fn work(&self, mut stop: watch::Receiver<bool>) {
        let queue = self.direct_queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut direct) = queue else { return };
        let work_max = self.runner.concurrency().min(WORK_MAX);
        let mut running: FuturesUnordered<LocalBoxFuture<'_, EventEnd>> = FuturesUnordered::new();
        let mut retries: BTreeSet<(Timestamp, i64, u32)> = BTreeSet::new();
        let (mut last_id, mut may_have_more) = (0, true);
        loop {
            let is_stopping = *stop.borrow();
            if is_stopping && running.is_empty() {
                return;
            }
            let arrived = self.arrived.notified();
            if !is_stopping && running.len() < work_max {
                let now = SystemClock.now();
                while let Some((at, id, tries)) = retries.first().copied().filter(|(at, ..)| *at <= now) {
                    retries.remove(&(at, id, tries));
                    match self.runner.ledger().retry_inbox(id).await {
                        Ok(Some(event)) => running.push(Box::pin(self.run(event, tries))),
                        // It was forgotten meanwhile.
                        Ok(None) => self.finished(),
                        Err(_) => drop(retries.insert((now.plus(RETRY_PAUSE_MIN), id, tries))),
                    }
                }
                let free = work_max.saturating_sub(running.len());
                // If it cannot be read now, it is read after the next event or pause.
                if may_have_more
                    && free > 0
                    && let Ok(events) = self.runner.ledger().inbox_after(last_id, free).await
                {
                    may_have_more = events.len() == free;
                    for event in events {
                        last_id = event.id;
                        running.push(Box::pin(self.run(event, 0)));
                    }
                }
            }
            let next_retry = retries.first().map(|(at, ..)| at.since(SystemClock.now()));
            tokio::select! {
                Some(end) = running.next(), if !running.is_empty() => match end {
                    EventEnd::OfInbox { id, tries, is_done: false } => {
                        let pause = RETRY_PAUSE_MIN * 2_u32.saturating_pow(tries);
                        let at = SystemClock.now().plus(pause.min(RETRY_PAUSE_MAX));
                        retries.insert((at, id, (tries + 1).min(TRIES_COUNTED)));
                    }
                    EventEnd::OfInbox { is_done: true, .. } | EventEnd::Direct => {}
                },
                Some(event) = direct.recv() => running.push(Box::pin(self.run_direct(event))),
                () = arrived, if !is_stopping => may_have_more = true,
                () = SystemClock.sleep(next_retry.unwrap_or(RETRY_PAUSE_MAX)), if !is_stopping => {
                    may_have_more = true;
                }
                _ = stop.changed(), if !is_stopping => {}
            }
        }
    }

    async fn run(&self, event: InboxEvent, tries: u32) -> EventEnd {
        let InboxEvent { id, owner, event, .. } = event;
        let is_done = self.runner.process_as(&event, owner).await.is_ok();
        if is_done {
            // If this fails, the next start finds the outcome in the ledger, and removes the event.
            let _ = self.runner.ledger().finish_inbox(id).await;
            self.finished();
            self.news.notify_waiters();
        }
        EventEnd::OfInbox { id, tries, is_done }
    }

    async fn run_direct(&self, event: DirectEvent) -> EventEnd {
        let result = self.runner.process(&event.event).await;
        self.news.notify_waiters();
        // The sender may have hung up.
        let _ = event.reply.send(result);
        EventEnd::Direct
    }
}

impl Engine for LocalEngine {
    type Store = AnyStore;
    type Clock = SystemClock;

    fn store(&self) -> &AnyStore {
        self.runner.pipeline.store()
    }

    fn clock(&self) -> &SystemClock {
        &SystemClock
    }

    fn types(&self) -> &AlertTypes {
        self.runner.pipeline.types()
    }

    fn models(&self) -> Vec<ModelStatus> {
        let (pipeline, now) = (&self.runner.pipeline, SystemClock.now());
        let status = |spec: &ModelSpec| ModelStatus {
            name: spec.name.clone(),
            model_id: spec.model_id.clone(),
            state: match pipeline.health().of(spec, now).circuit {
                Circuit::Closed => "works",
                Circuit::HalfOpen => "is tried again",
                Circuit::Open { .. } => "is not called: it failed",
            },
        };
        pipeline.models().iter().map(|model| status(model.spec())).collect()
    }

    fn judges(&self) -> bool {
        true
    }

    fn replays(&self) -> bool {
        true
    }

    async fn replay(&self, event: Vec<u8>) -> Result<Option<Outcome>, Failure> {
        self.judge(event).await.map(Some)
    }

    fn takes_feedback(&self) -> bool {
        true
    }

    fn takes_outcomes(&self) -> bool {
        true
    }

    fn streams(&self) -> bool {
        true
    }

    async fn accept(
        &self,
        events: Vec<Vec<u8>>,
        signature: Option<RequestSignature>,
    ) -> Result<(), AcceptError> {
        let count = events.len() as u64;
        if self.waiting() + count > WAITING_MAX && self.recount().await? + count > WAITING_MAX {
            return Err(AcceptError::Full);
        }
        self.waiting.fetch_add(count, Ordering::Relaxed);
        let signature = signature.map(|RequestSignature { bytes, expires_at }| (bytes, expires_at));
        let accepted = self.runner.ledger().accept(events, signature, SystemClock.now()).await;
        if !matches!(accepted, Ok(true)) {
            self.waiting.fetch_sub(count, Ordering::Relaxed);
        }
        self.arrived.notify_one();
        if accepted? { Ok(()) } else { Err(AcceptError::Replayed) }
    }

    async fn is_used(&self, signature: RequestSignature) -> Result<bool, StoreError> {
        self.runner.ledger().is_signature_used(signature.bytes).await
    }

    async fn judge(&self, event: Vec<u8>) -> Result<Outcome, Failure> {
        let (reply, result) = oneshot::channel();
        let stopped = || Failure::Store(StoreError::Unreachable { source: "the server is stopping".into() });
        self.direct.send(DirectEvent { event, reply }).map_err(|_| stopped())?;
        result.await.map_err(|_| stopped())?
    }

    async fn forget(&self, entity_id: &str) -> Result<Option<ForgetCounts>, StoreError> {
        let keys = entity_types(self.types()).into_iter().map(|each| EntityKey::new(each, entity_id));
        let now = SystemClock.now();
        self.store().forget_all(None, self.types(), keys.collect(), now).await.map(Some)
    }

    async fn ledger(&self) -> Result<Option<LedgerTotals>, StoreError> {
        let rows = self.runner.ledger().ledger().await?;
        let days: Vec<LedgerDay> = rows.into_iter().map(day).collect();
        let total = LedgerDay { day: "total".into(), ..LedgerDay::default() };
        let total = days.iter().fold(total, LedgerDay::plus);
        let adds_up = total.unfinished == 0;
        Ok(Some(LedgerTotals { days, total, waiting: self.recount().await?, adds_up }))
    }

    async fn evaluate(&self, query: &EvaluationQuery) -> Result<Option<Vec<EvaluatedGroup>>, StoreError> {
        // It reads every insight, so that only one runs at a time.
        let _permit = self.evaluation.lock().await;
        evaluation::for_server(self.store(), self.types(), query, SystemClock.now()).await.map(Some)
    }

    async fn followed_advice(&self) -> Result<Option<Vec<FollowedAdvice>>, StoreError> {
        let _permit = self.evaluation.lock().await;
        advice::for_server(self.store(), self.types(), SystemClock.now()).await.map(Some)
    }

    fn news(&self) -> &Arc<Notify> {
        &self.news
    }
}

fn day(row: LedgerRow) -> LedgerDay {
    LedgerDay {
        day: row.day,
        alert_type: row.alert_type,
        received: row.received,
        stored: row.stored,
        repeated: row.repeated,
        parked: row.parked,
        failed: row.failed,
        unfinished: row.unfinished,
    }
}
