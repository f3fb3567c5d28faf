//! What work on an event took and met, whatever came of it.
//!
//! Takes: attempts, alarms and a failure to tell, as they happen.
//! Gives: an [`Account`], which outlives work that was cut off.
//! Never: decides anything; it is for logs, metrics and people.

use crate::chain::Alarm;
use crate::insight::Attempt;
use crate::notify::NotifyError;

/// What work on an event, or on a sweep, took and met.
#[derive(Debug, Default)]
pub struct Account {
    /// Every model call that was made.
    pub attempts: Vec<Attempt>,
    /// What the operator must hear of: one alarm for each model that cannot work as it is configured. Nothing masks it,
    /// neither a fail-over nor an open breaker.
    pub alarms: Vec<Alarm>,
    /// Why each insight was not told that should have been.
    pub untold: Vec<NotifyError>,
}

impl Account {
    /// Adds what another took and met.
    pub fn add(&mut self, other: Self) {
        self.attempts.extend(other.attempts);
        self.alarms.extend(other.alarms);
        self.untold.extend(other.untold);
    }
}
