//! What the marketplace knows about one student, and the health score that it makes of it.
//!
//! Takes: sessions held, with the student's rating, and cancelled; support calls, with their reason.
//! Gives: the facts that the producer's rules look at.
//! Never: sees how dissatisfied the student is. It knows only what was done and said.

use crate::producer::{Score, StudentFacts};
use crate::window::Window;

/// A rating goes from one star to five, in hundredths of a star.
pub(crate) const RATING_MIN: i64 = 100;
/// See [`RATING_MIN`].
pub(crate) const RATING_MAX: i64 = 500;
const STAR: i64 = 100;
/// A rating moves the mean by a quarter of the way: about the last four count.
const RATING_SHARE: i64 = 4;

/// Health that each thing costs at most, and per piece, in tenths of a point.
const CALLS_FREE: i64 = 1;
const CALL_TENTHS: i64 = 60;
const CALLS_TENTHS_MAX: i64 = 300;
const COMPLAINT_TENTHS: i64 = 40;
const COMPLAINTS_TENTHS_MAX: i64 = 160;
const CANCELLED_TENTHS: i64 = 35;
const CANCELLED_TENTHS_MAX: i64 = 175;
const MISSING_SESSIONS_TENTHS_MAX: i64 = 120;
/// What each star below five costs.
const STAR_TENTHS: i64 = 140;
const HEALTH_TENTHS_MAX: i64 = 1_000;

/// Why a family called the support line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    Scheduling,
    Technical,
    TutorConcern,
    Billing,
    General,
}

impl Reason {
    /// Whether the call says that something is wrong with the service itself.
    fn is_complaint(self) -> bool {
        match self {
            Self::TutorConcern | Self::Billing => true,
            Self::Scheduling | Self::Technical | Self::General => false,
        }
    }
}

/// A student's file. Its health score is the one of the last recalculation, as the producer sees it.
#[derive(Debug)]
pub(crate) struct Record {
    calls: Window<14>,
    complaints: Window<14>,
    cancelled: Window<14>,
    held: Window<7>,
    rating: i64,
    sessions_per_week: i64,
    health: Score,
}

impl Record {
    /// An empty file of a student who has booked so many sessions a week, at least one.
    pub(crate) fn new(sessions_per_week: i64) -> Self {
        Self {
            calls: Window::new(),
            complaints: Window::new(),
            cancelled: Window::new(),
            held: Window::new(),
            rating: RATING_MAX,
            sessions_per_week,
            health: Score::whole(HEALTH_TENTHS_MAX),
        }
    }

    pub(crate) fn start_day(&mut self) {
        self.calls.start_day();
        self.complaints.start_day();
        self.cancelled.start_day();
        self.held.start_day();
    }

    pub(crate) fn session_held(&mut self, rating: i64) {
        self.held.count();
        self.rating += (rating.clamp(RATING_MIN, RATING_MAX) - self.rating) / RATING_SHARE;
    }

    pub(crate) fn session_cancelled(&mut self) {
        self.cancelled.count();
    }

    pub(crate) fn support_call(&mut self, reason: Reason) {
        self.calls.count();
        if reason.is_complaint() {
            self.complaints.count();
        }
    }

    /// After an event: to one decimal.
    pub(crate) fn recalculate(&mut self) {
        self.health = Score::decimal(self.health_tenths());
    }

    /// By the batch job, which rounds.
    pub(crate) fn recalculate_in_batch(&mut self) {
        self.health = Score::whole(self.health_tenths());
    }

    pub(crate) fn facts(&self) -> StudentFacts {
        StudentFacts { ib_calls_14d: self.calls.total(), sessions_7d: self.held.total(), health: self.health }
    }

    fn health_tenths(&self) -> i64 {
        let calls = ((self.calls.total() - CALLS_FREE).max(0) * CALL_TENTHS).min(CALLS_TENTHS_MAX);
        let complaints = (self.complaints.total() * COMPLAINT_TENTHS).min(COMPLAINTS_TENTHS_MAX);
        let cancelled = (self.cancelled.total() * CANCELLED_TENTHS).min(CANCELLED_TENTHS_MAX);
        let missing = (self.sessions_per_week - self.held.total()).max(0) * MISSING_SESSIONS_TENTHS_MAX
            / self.sessions_per_week;
        let rating = (RATING_MAX - self.rating) * STAR_TENTHS / STAR;
        HEALTH_TENTHS_MAX - calls - complaints - cancelled - missing - rating
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health(record: &mut Record) -> String {
        record.recalculate();
        record.facts().health.to_string()
    }

    #[test]
    fn a_student_who_comes_and_is_content_is_in_full_health() {
        let mut record = Record::new(2);
        record.session_held(RATING_MAX);
        record.session_held(RATING_MAX);
        record.support_call(Reason::General);
        assert_eq!(health(&mut record), "100.0");
    }

    #[test]
    fn each_thing_that_goes_wrong_costs_health() {
        let mut record = Record::new(2);
        assert_eq!(health(&mut record), "88.0");
        record.session_held(300);
        assert_eq!(health(&mut record), "87.0");
        record.session_cancelled();
        assert_eq!(health(&mut record), "83.5");
        record.support_call(Reason::Billing);
        assert_eq!(health(&mut record), "79.5");
        record.support_call(Reason::Technical);
        assert_eq!(health(&mut record), "73.5");
        record.recalculate_in_batch();
        assert_eq!(record.facts().health.to_string(), "74");
    }

    #[test]
    fn the_worst_file_still_has_a_score_in_range() {
        let mut record = Record::new(1);
        for _ in 0..40 {
            record.session_cancelled();
            record.support_call(Reason::TutorConcern);
            record.rating = RATING_MIN;
        }
        assert_eq!(record.facts().ib_calls_14d, 40);
        assert_eq!(health(&mut record), "0.0");
    }
}
