//! [`SystemClock`], the clock of the real programs: the machine's time, random numbers and sleep.
//!
//! Tests that depend on time use a stopped clock in its place.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use portend_core::clock::Clock;
use portend_core::time::Timestamp;

/// The machine's clock. `sleep` needs a tokio runtime.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn random(&self) -> u64 {
        // If the system has no source of randomness, the hasher's keys still differ from call to call.
        getrandom::u64().unwrap_or_else(|_| {
            use std::hash::{BuildHasher, RandomState};
            RandomState::new().hash_one(self.now().as_millis())
        })
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
