//! A clock with timers, and the loop that runs futures on it.
//!
//! Takes: futures that wait on the clock.
//! Gives: their outputs, once time has jumped from timer to timer until each is ready.
//! Never: moves on while some future can still do something now.

use std::collections::BTreeSet;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::clock::Clock;
use crate::time::Timestamp;

/// A clock on which several may wait at once.
#[derive(Debug)]
pub(super) struct Timers(Mutex<State>);

#[derive(Debug)]
struct State {
    now: Timestamp,
    due: BTreeSet<Timestamp>,
    random: u64,
}

impl Timers {
    pub(super) fn at(now: Timestamp) -> Self {
        Self(Mutex::new(State { now, due: BTreeSet::new(), random: 1 }))
    }

    pub(super) fn advance(&self, duration: Duration) {
        let mut state = self.0.lock().unwrap();
        state.now = state.now.plus(duration);
    }

    /// Moves on to the next timer.
    fn jump(&self) {
        let mut state = self.0.lock().unwrap();
        let next = state.due.pop_first().expect("somebody waits for what never comes");
        state.now = state.now.max(next);
    }

    /// Runs one future.
    pub(super) fn run<F: Future>(&self, future: F) -> F::Output {
        self.run_all(vec![future]).pop().unwrap()
    }

    /// Runs several at once.
    pub(super) fn run_all<F: Future>(&self, futures: Vec<F>) -> Vec<F::Output> {
        let mut pinned: Vec<Pin<Box<F>>> = futures.into_iter().map(Box::pin).collect();
        let mut outputs: Vec<Option<F::Output>> = pinned.iter().map(|_| None).collect();
        let mut context = Context::from_waker(Waker::noop());
        while outputs.iter().any(Option::is_none) {
            for (future, output) in pinned.iter_mut().zip(&mut outputs).filter(|(_, output)| output.is_none())
            {
                if let Poll::Ready(came) = future.as_mut().poll(&mut context) {
                    *output = Some(came);
                }
            }
            if outputs.iter().any(Option::is_none) {
                self.jump();
            }
        }
        outputs.into_iter().flatten().collect()
    }
}

impl Clock for Timers {
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
        let mut wait = pin!(poll_fn(|_| {
            let mut state = self.0.lock().unwrap();
            if state.now >= due {
                return Poll::Ready(());
            }
            state.due.insert(due);
            Poll::Pending
        }));
        wait.as_mut().await;
    }
}
