//! The machine's own time, chance and waiting.
//!
//! Takes: nothing.
//! Gives: [`SystemClock`], the clock of the real programs.
//! Never: is used in a test that depends on time; there, the clock stands still.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use portend_core::clock::Clock;
use portend_core::time::Timestamp;

/// The machine's clock. Waiting needs a tokio runtime.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn random(&self) -> u64 {
        // Where the system has no randomness, the hasher's keys still differ from one call to the next.
        getrandom::u64().unwrap_or_else(|_| {
            use std::hash::{BuildHasher, RandomState};
            RandomState::new().hash_one(self.now().as_millis())
        })
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
