//! Clocks that tests move: one that moves when somebody waits, and one with timers for several that wait at once.

use std::collections::BTreeSet;
use std::future::{Future, poll_fn, ready};
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use portend_core::clock::Clock;
use portend_core::time::Timestamp;

/// A clock that moves only when somebody waits, and then at once. Its random numbers follow one another from a seed.
#[derive(Debug)]
pub struct StoppedClock {
    now_millis: AtomicI64,
    random: AtomicU64,
}

impl StoppedClock {
    /// A clock that shows `now`.
    pub fn at(now: Timestamp) -> Self {
        Self { now_millis: AtomicI64::new(now.as_millis()), random: AtomicU64::new(0) }
    }

    /// Moves it on.
    pub fn advance(&self, duration: Duration) {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        self.now_millis.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now_millis.load(Ordering::SeqCst))
    }

    /// The next of a fixed sequence (an odd multiple of the golden ratio's bits, so that names differ early).
    fn random(&self) -> u64 {
        self.random.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::SeqCst)
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        self.advance(duration);
        ready(())
    }
}

/// A clock on which several may wait at once. It moves when all of them wait, to the next timer.
#[derive(Debug)]
pub struct TimerClock(Mutex<TimerState>);

#[derive(Debug)]
struct TimerState {
    now: Timestamp,
    due: BTreeSet<Timestamp>,
    random: u64,
}

impl TimerClock {
    /// A clock that shows `now`.
    pub fn at(now: Timestamp) -> Self {
        Self(Mutex::new(TimerState { now, due: BTreeSet::new(), random: 1 }))
    }

    /// Moves it on.
    pub fn advance(&self, duration: Duration) {
        let mut state = self.0.lock().unwrap();
        state.now = state.now.plus(duration);
    }

    /// Moves it to the next timer.
    fn jump(&self) {
        let mut state = self.0.lock().unwrap();
        let next = state.due.pop_first().expect("a future waits for something that never happens");
        state.now = state.now.max(next);
    }

    /// Runs one future to its end.
    pub fn run<F: Future>(&self, future: F) -> F::Output {
        self.run_all(vec![future]).pop().unwrap()
    }

    /// Runs several side by side to their ends. Time moves on only when none of them can continue.
    pub fn run_all<F: Future>(&self, futures: Vec<F>) -> Vec<F::Output> {
        let mut pinned: Vec<Pin<Box<F>>> = futures.into_iter().map(Box::pin).collect();
        let mut outputs: Vec<Option<F::Output>> = pinned.iter().map(|_| None).collect();
        let mut context = Context::from_waker(Waker::noop());
        while outputs.iter().any(Option::is_none) {
            let waiting = pinned.iter_mut().zip(&mut outputs).filter(|(_, output)| output.is_none());
            for (future, output) in waiting {
                if let Poll::Ready(ready) = future.as_mut().poll(&mut context) {
                    *output = Some(ready);
                }
            }
            if outputs.iter().any(Option::is_none) {
                self.jump();
            }
        }
        outputs.into_iter().flatten().collect()
    }
}

impl Clock for TimerClock {
    fn now(&self) -> Timestamp {
        self.0.lock().unwrap().now
    }

    fn random(&self) -> u64 {
        let mut state = self.0.lock().unwrap();
        state.random = state.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state.random >> 16
    }

    async fn sleep(&self, duration: Duration) {
        let due = self.now().plus(duration);
        poll_fn(|_| {
            let mut state = self.0.lock().unwrap();
            if state.now >= due {
                return Poll::Ready(());
            }
            state.due.insert(due);
            Poll::Pending
        })
        .await;
    }
}
