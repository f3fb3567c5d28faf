//! Time and chance, as the core sees them.
//!
//! Never: reads the machine's own clock; a program brings one.

use std::future::Future;
use std::time::Duration;

use crate::time::Timestamp;

/// Time, chance and waiting.
pub trait Clock: Send + Sync {
    /// The time.
    fn now(&self) -> Timestamp;
    /// A random number, every one as likely as any other.
    fn random(&self) -> u64;
    /// Waits. Dropping the future ends the wait.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send;
}

/// A random name of 16 hexadecimal digits.
pub fn random_name(clock: &impl Clock) -> String {
    format!("{:016x}", clock.random())
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
