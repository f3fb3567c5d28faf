//! Time and chance, as the core sees them.
//!
//! Takes: nothing.
//! Gives: the [`Clock`] seam, and a [`StoppedClock`] for tests, which moves only when somebody waits.
//! Never: reads the machine's own clock; a program brings one.

use std::future::{Future, ready};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use crate::time::Timestamp;

/// Time, chance and waiting.
pub trait Clock: Send + Sync {
    /// The time.
    fn now(&self) -> Timestamp;
    /// Any number, each as likely as any other.
    fn random(&self) -> u64;
    /// Waits.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send;
}

/// A random name of 16 hexadecimal digits.
pub fn random_name(clock: &impl Clock) -> String {
    format!("{:016x}", clock.random())
}

/// A clock that stands still: waiting moves it, nothing else does. Its random numbers follow one another from a seed.
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

impl<C: Clock> Clock for &C {
    fn now(&self) -> Timestamp {
        (**self).now()
    }

    fn random(&self) -> u64 {
        (**self).random()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        (**self).sleep(duration)
    }
}
