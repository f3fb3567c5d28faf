//! The marketplace's record of one student: sessions, ratings, support calls, and the health score computed from them.
//!
//! Never: sees the student's dissatisfaction. It only has what the student did and said.

use crate::producer::{Score, StudentFacts};
use crate::window::Window;

/// The lowest rating, one star, in hundredths of a star.
pub(crate) const RATING_MIN: i64 = 100;
/// The highest rating, five stars, in hundredths of a star.
pub(crate) const RATING_MAX: i64 = 500;
const STAR: i64 = 100;
/// A rating moves the mean a quarter of the way, so about the last four count.
const RATING_SHARE: i64 = 4;

/// What lowers the health score, in tenths of a point: per call, complaint or cancelled session, and at most.
const CALLS_FREE: i64 = 1;
const CALL_TENTHS: i64 = 60;
const CALLS_TENTHS_MAX: i64 = 300;
const COMPLAINT_TENTHS: i64 = 40;
const COMPLAINTS_TENTHS_MAX: i64 = 160;
const CANCELLED_TENTHS: i64 = 35;
const CANCELLED_TENTHS_MAX: i64 = 175;
const MISSING_SESSIONS_TENTHS_MAX: i64 = 120;
/// The loss of health for each star below five.
const STAR_TENTHS: i64 = 140;
const HEALTH_TENTHS_MAX: i64 = 1_000;

/// Why a family called the support line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallReason {
    Scheduling,
    Technical,
    TutorConcern,
    Billing,
    General,
}

impl CallReason {
    /// Whether the call is about a problem with the service itself.
    fn is_complaint(self) -> bool {
        match self {
            Self::TutorConcern | Self::Billing => true,
            Self::Scheduling | Self::Technical | Self::General => false,
        }
    }
}

/// A student's record. Its health score is that of the last recalculation, which the producer sees.
#[derive(Debug)]
pub(crate) struct StudentRecord {
    calls: Window<14>,
    complaints: Window<14>,
    cancelled: Window<14>,
    held: Window<7>,
    rating: i64,
    sessions_per_week: i64,
    health: Score,
}

impl StudentRecord {
    /// An empty record of a student who has booked this many sessions a week, at least one.
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

    pub(crate) fn support_call(&mut self, reason: CallReason) {
        self.calls.count();
        if reason.is_complaint() {
            self.complaints.count();
        }
    }

    /// Recalculates the health score after an event, to one decimal.
    pub(crate) fn recalculate(&mut self) {
        self.health = Score::decimal(self.health_tenths());
    }

    /// Recalculates the health score in the batch job, which rounds it to a whole number.
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

    fn health(record: &mut StudentRecord) -> String {
        record.recalculate();
        record.facts().health.to_string()
    }

    #[test]
    fn a_content_student_who_attends_has_full_health() {
        let mut record = StudentRecord::new(2);
        record.session_held(RATING_MAX);
        record.session_held(RATING_MAX);
        record.support_call(CallReason::General);
        assert_eq!(health(&mut record), "100.0");
    }

    #[test]
    fn each_problem_lowers_the_health_score() {
        let mut record = StudentRecord::new(2);
        assert_eq!(health(&mut record), "88.0");
        record.session_held(300);
        assert_eq!(health(&mut record), "87.0");
        record.session_cancelled();
        assert_eq!(health(&mut record), "83.5");
        record.support_call(CallReason::Billing);
        assert_eq!(health(&mut record), "79.5");
        record.support_call(CallReason::Technical);
        assert_eq!(health(&mut record), "73.5");
        record.recalculate_in_batch();
        assert_eq!(record.facts().health.to_string(), "74");
    }

    #[test]
    fn the_worst_record_still_has_a_score_in_range() {
        let mut record = StudentRecord::new(1);
        for _ in 0..40 {
            record.session_cancelled();
            record.support_call(CallReason::TutorConcern);
            record.rating = RATING_MIN;
        }
        assert_eq!(record.facts().ib_calls_14d, 40);
        assert_eq!(health(&mut record), "0.0");
    }
}
