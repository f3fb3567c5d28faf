//! One student: how dissatisfied they are, what they do about it, and whether they leave.
//!
//! Takes: the days one by one, and whether the student's subject lacks tutors that day.
//! Gives: the alerts of each day, and the moment of leaving.
//! Never: shows the dissatisfaction, or does anything after leaving.
//!
//! ```text
//! grievances, cancellations, calls in vain --> dissatisfaction --> weariness --> chance of leaving on a day
//!                                                    |
//!            calls, pauses, cancellations, low ratings, and chance
//!                                                    v
//!                                    Record --> health score, counts --> the producer's rules
//! ```
//!
//! All chances are in parts per million. Dissatisfaction and weariness go from 0 to 1000.

use crate::draw::Draw;
use crate::entity::Entity;
use crate::moment::Moment;
use crate::producer::{self, Alert};
use crate::record::{RATING_MAX, Reason, Record};

const DISSATISFACTION_MAX: i64 = 1_000;
/// Where a student's dissatisfaction rests: low end, mode and high end of a triangular draw.
const RESTING: (i64, i64, i64) = (0, 20, 260);
/// A day takes dissatisfaction this part of the way back to where it rests,
const RECOVERY_DAYS: i64 = 40;
/// and moves it by as much either way, for no reason that anyone sees.
const DAILY_SWING: i64 = 18;
/// On a day something goes wrong: a tutor leaves, grades fall, a bill is wrong.
const GRIEVANCE_PPM: i64 = 5_000;
const GRIEVANCE: (i64, i64, i64) = (150, 450, 950);

/// A grievance must last before it drives anyone out: each day, weariness goes this part of the way to
/// dissatisfaction.
const WEARING_DAYS: i64 = 10;
/// The chance of leaving on a day: for reasons that have nothing to do with the marketplace, and with the cube
/// of weariness, so that the merely grumbling stay.
const LEAVING_ANYWAY_PPM: i64 = 150;
const LEAVING_DISSATISFIED_PPM: i64 = 150_000;

const SESSIONS_PER_WEEK: (i64, i64) = (2, 4);
const DAYS_PER_WEEK: i64 = 7;
/// Per point of dissatisfaction, a session that stands on the day is quietly left out,
const PAUSE_PPM_PER_POINT: i64 = 900;
/// or cancelled; that happens to the content too.
const CANCEL_PPM: i64 = 60_000;
const CANCEL_PPM_PER_POINT: i64 = 200;
/// No tutor is found for a session on a day on which the subject lacks them.
const NO_TUTOR_PPM: i64 = 300_000;
const RELIEF_OF_SESSION: i64 = 4;
const GRIEF_OF_CANCELLATION: i64 = 8;
const GRIEF_OF_NO_TUTOR: i64 = 60;
/// A rating, in hundredths of a star: three stars less for the most dissatisfied, and chance.
const RATING_LOSS_MAX: i64 = 300;
const RATING_SWING: i64 = 70;

/// Some families call often, whatever the matter: their chance of a call on a day.
const CALL_HABIT_PPM: (i64, i64, i64) = (1_000, 4_000, 60_000);
/// Dissatisfaction adds to it with its square.
const CALL_DISSATISFIED_PPM: i64 = 600_000;
/// Support settles the matter, or it does not.
const CALL_SETTLES_PPM: i64 = 500_000;
const RELIEF_OF_CALL: i64 = 60;
const GRIEF_OF_CALL: i64 = 20;

/// The batch job recalculates every health score at these hours.
const BATCH_HOURS: [i64; 2] = [2, 14];
const BATCH_SECONDS: i64 = 1_800;
/// An event's own recalculation follows it after so many seconds.
const RECALCULATION_SECONDS: (i64, i64) = (2, 90);
const CALL_HOURS: (i64, i64) = (9, 19);
const SESSION_HOURS: (i64, i64, i64) = (12, 17, 21);
const LEAVING_HOURS: (i64, i64) = (8, 21);
const SECOND_OF_HOUR_MAX: i64 = 3_599;
const MICRO_OF_SECOND_MAX: i64 = 999_999;

/// An upstream event about a student.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    RecalculatedInBatch,
    Call,
    Session,
    Recalculated,
}

/// A student, with the random stream that is theirs alone.
#[derive(Debug)]
pub(crate) struct Student {
    entity: Entity,
    draw: Draw,
    dissatisfaction: i64,
    weariness: i64,
    resting: i64,
    call_habit_ppm: i64,
    sessions_per_week: i64,
    first_session_day: i64,
    record: Record,
    left_at: Option<Moment>,
}

impl Student {
    pub(crate) fn new(seed: u64, number: u32) -> Self {
        let entity = Entity::Student(number);
        let mut draw = Draw::new(seed, entity.stream());
        let resting = draw.triangular(RESTING.0, RESTING.1, RESTING.2);
        let call_habit_ppm = draw.triangular(CALL_HABIT_PPM.0, CALL_HABIT_PPM.1, CALL_HABIT_PPM.2);
        let sessions_per_week = draw.uniform(SESSIONS_PER_WEEK.0, SESSIONS_PER_WEEK.1);
        let first_session_day = draw.uniform(0, DAYS_PER_WEEK - 1);
        Self {
            entity,
            draw,
            dissatisfaction: resting,
            weariness: resting,
            resting,
            call_habit_ppm,
            sessions_per_week,
            first_session_day,
            record: Record::new(sessions_per_week),
            left_at: None,
        }
    }

    pub(crate) fn entity(&self) -> Entity {
        self.entity
    }

    pub(crate) fn left_at(&self) -> Option<Moment> {
        self.left_at
    }

    /// Lives one day, and appends what the producer fires. Nobody leaves before day 0.
    pub(crate) fn live(&mut self, day: i64, lacks_tutors: bool, alerts: &mut Vec<Alert>) {
        if self.left_at.is_some() {
            return;
        }
        self.record.start_day();
        self.wake();
        if day >= 0 && self.draw.happens(leaving_ppm(self.weariness)) {
            let hour = self.draw.uniform(LEAVING_HOURS.0, LEAVING_HOURS.1);
            let second = self.draw.uniform(0, SECOND_OF_HOUR_MAX);
            self.left_at = Some(Moment::day(day).plus_hours(hour).plus_seconds(second));
        }
        for (at, event) in self.events(day) {
            if self.left_at.is_some_and(|left_at| at.plus_millis(producer::FIRING_MILLIS_MAX) > left_at) {
                break;
            }
            self.happen(event, lacks_tutors);
            let facts = self.record.facts();
            producer::on_student_event(at, self.entity, facts, &mut self.draw, alerts);
        }
    }

    /// The night changes the mood.
    fn wake(&mut self) {
        let recovery = (self.resting - self.dissatisfaction) / RECOVERY_DAYS;
        let swing = self.draw.uniform(-DAILY_SWING, DAILY_SWING);
        self.feel(recovery + swing);
        if self.draw.happens(GRIEVANCE_PPM) {
            let grievance = self.draw.triangular(GRIEVANCE.0, GRIEVANCE.1, GRIEVANCE.2);
            self.feel(grievance);
        }
        self.weariness += (self.dissatisfaction - self.weariness) / WEARING_DAYS;
    }

    fn feel(&mut self, change: i64) {
        self.dissatisfaction = (self.dissatisfaction + change).clamp(0, DISSATISFACTION_MAX);
    }

    /// The day's upstream events, in time order.
    fn events(&mut self, day: i64) -> Vec<(Moment, Event)> {
        let start = Moment::day(day);
        let mut events = Vec::with_capacity(8);
        for hour in BATCH_HOURS {
            let second = self.draw.uniform(0, BATCH_SECONDS);
            let at = self.some_time(start.plus_hours(hour).plus_seconds(second));
            events.push((at, Event::RecalculatedInBatch));
        }
        let pauses = PAUSE_PPM_PER_POINT * self.dissatisfaction;
        if self.has_session_on(day) && !self.draw.happens(pauses) {
            let hour = self.draw.triangular(SESSION_HOURS.0, SESSION_HOURS.1, SESSION_HOURS.2);
            self.event_at(start.plus_hours(hour), Event::Session, &mut events);
        }
        let square = self.dissatisfaction * self.dissatisfaction;
        let call_ppm = self.call_habit_ppm
            + CALL_DISSATISFIED_PPM * square / (DISSATISFACTION_MAX * DISSATISFACTION_MAX);
        // A second call on a day is half as likely as the first.
        for call_ppm in [call_ppm, call_ppm / 2] {
            if self.draw.happens(call_ppm) {
                let hour = self.draw.uniform(CALL_HOURS.0, CALL_HOURS.1);
                self.event_at(start.plus_hours(hour), Event::Call, &mut events);
            }
        }
        events.sort_unstable();
        events
    }

    /// An event within an hour, and the recalculation that it causes.
    fn event_at(&mut self, hour: Moment, event: Event, events: &mut Vec<(Moment, Event)>) {
        let second = self.draw.uniform(0, SECOND_OF_HOUR_MAX);
        let at = self.some_time(hour.plus_seconds(second));
        let later = self.draw.uniform(RECALCULATION_SECONDS.0, RECALCULATION_SECONDS.1);
        events.push((at, event));
        events.push((self.some_time(at.plus_seconds(later)), Event::Recalculated));
    }

    /// Some microsecond of the second that begins here.
    fn some_time(&mut self, second: Moment) -> Moment {
        second.plus_micros(self.draw.uniform(0, MICRO_OF_SECOND_MAX))
    }

    /// Sessions stand on fixed days of the week, spread over it.
    fn has_session_on(&self, day: i64) -> bool {
        let day_of_week = (day - self.first_session_day).rem_euclid(DAYS_PER_WEEK);
        (0..self.sessions_per_week).any(|nth| nth * DAYS_PER_WEEK / self.sessions_per_week == day_of_week)
    }

    fn happen(&mut self, event: Event, lacks_tutors: bool) {
        match event {
            Event::RecalculatedInBatch => self.record.recalculate_in_batch(),
            Event::Recalculated => self.record.recalculate(),
            Event::Session => self.have_session(lacks_tutors),
            Event::Call => self.call(),
        }
    }

    fn have_session(&mut self, lacks_tutors: bool) {
        let cancels = CANCEL_PPM + CANCEL_PPM_PER_POINT * self.dissatisfaction;
        if lacks_tutors && self.draw.happens(NO_TUTOR_PPM) {
            self.record.session_cancelled();
            self.feel(GRIEF_OF_NO_TUTOR);
        } else if self.draw.happens(cancels) {
            self.record.session_cancelled();
            self.feel(GRIEF_OF_CANCELLATION);
        } else {
            let loss = RATING_LOSS_MAX * self.dissatisfaction / DISSATISFACTION_MAX;
            let swing = self.draw.uniform(-RATING_SWING, RATING_SWING);
            self.record.session_held(RATING_MAX - loss + swing);
            self.feel(-RELIEF_OF_SESSION);
        }
    }

    fn call(&mut self) {
        let reason = self.reason();
        self.record.support_call(reason);
        let settled = self.draw.happens(CALL_SETTLES_PPM);
        self.feel(if settled { -RELIEF_OF_CALL } else { GRIEF_OF_CALL });
    }

    /// The more dissatisfied, the more calls are about the tutor or the bill.
    fn reason(&mut self) -> Reason {
        let weights = [
            (Reason::Scheduling, 30),
            (Reason::Technical, 20),
            (Reason::General, 20),
            (Reason::TutorConcern, 10 + self.dissatisfaction / 20),
            (Reason::Billing, 10 + self.dissatisfaction / 50),
        ];
        let total: i64 = weights.iter().map(|(_, weight)| weight).sum();
        let mut left = self.draw.uniform(0, total - 1);
        for (reason, weight) in weights {
            if left < weight {
                return reason;
            }
            left -= weight;
        }
        Reason::General
    }
}

/// The chance, in parts per million, that a student leaves on one day.
fn leaving_ppm(weariness: i64) -> i64 {
    let cube = weariness * weariness * weariness;
    let cube_max = DISSATISFACTION_MAX * DISSATISFACTION_MAX * DISSATISFACTION_MAX;
    LEAVING_ANYWAY_PPM + LEAVING_DISSATISFIED_PPM * cube / cube_max
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAYS: i64 = 60;

    /// How many of 300 students who rest at `dissatisfaction` leave.
    fn leavers(dissatisfaction: i64) -> usize {
        let mut alerts = Vec::new();
        let leaves = |number| {
            let mut student = Student::new(1, number);
            student.resting = dissatisfaction;
            student.dissatisfaction = dissatisfaction;
            student.weariness = dissatisfaction;
            (0..DAYS).for_each(|day| student.live(day, false, &mut alerts));
            student.left_at().is_some()
        };
        (0..300).map(leaves).filter(|left| *left).count()
    }

    #[test]
    fn the_dissatisfied_leave_and_the_content_mostly_stay() {
        let (content, grumbling, dissatisfied) = (leavers(0), leavers(400), leavers(800));
        assert!(content < grumbling && grumbling < dissatisfied, "{content} {grumbling} {dissatisfied}");
        assert!(content < 30, "{content} of 300 content students left");
        assert!(dissatisfied > 150, "{dissatisfied} of 300 dissatisfied students left");
    }

    #[test]
    fn sessions_stand_on_as_many_days_as_are_booked() {
        for number in 0..50 {
            let student = Student::new(1, number);
            for week in [-2, 0, 5] {
                let days =
                    (0..DAYS_PER_WEEK).filter(|day| student.has_session_on(week * DAYS_PER_WEEK + day));
                assert_eq!(i64::try_from(days.count()), Ok(student.sessions_per_week));
            }
        }
    }

    #[test]
    fn nobody_leaves_while_the_marketplace_warms_up() {
        let mut alerts = Vec::new();
        let mut student = Student::new(1, 0);
        student.resting = DISSATISFACTION_MAX;
        (-2_000..0).for_each(|day| student.live(day, true, &mut alerts));
        assert_eq!(student.left_at(), None);
    }
}
