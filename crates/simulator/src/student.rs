//! Simulates one student, day by day: dissatisfaction, sessions, calls, and whether the student leaves.
//!
//! Never: reveals the dissatisfaction, or does anything after leaving.
//!
//! ```text
//! grievances, cancellations, unresolved calls --> dissatisfaction --> weariness --> chance of leaving on a day
//!                                                       |
//!          calls, skipped and cancelled sessions, low ratings, and chance
//!                                                       v
//!                                StudentRecord --> health score, counts --> the producer's rules
//! ```
//!
//! All chances are in parts per million. Dissatisfaction and weariness go from 0 to 1000.

use crate::draw::Draw;
use crate::entity::Entity;
use crate::moment::Moment;
use crate::planted::{ACT_PAUSE_DAYS, DRIFT_FACTOR, Planted};
use crate::producer::{self, SimulatedAlert};
use crate::record::{CallReason, RATING_MAX, StudentRecord};

const DISSATISFACTION_MAX: i64 = 1_000;
/// A student's resting level of dissatisfaction: low end, mode and high end of a triangular draw.
const RESTING: (i64, i64, i64) = (0, 20, 260);
/// Each day, dissatisfaction moves 1/`RECOVERY_DAYS` of the way back to its resting level.
const RECOVERY_DAYS: i64 = 40;
/// The largest random change of dissatisfaction in a day, up or down.
const DAILY_SWING: i64 = 18;
/// The chance of a grievance on a day: a tutor leaves, grades fall, a bill is wrong.
const GRIEVANCE_PPM: i64 = 5_000;
const GRIEVANCE: (i64, i64, i64) = (150, 450, 950);

/// Each day, weariness moves 1/`WEARING_DAYS` of the way to dissatisfaction, so that only a lasting grievance makes a
/// student leave.
const WEARING_DAYS: i64 = 10;
/// The chance of leaving on a day for reasons outside the marketplace.
const LEAVING_ANYWAY_PPM: i64 = 150;
/// The chance of leaving on a day at full weariness. It falls with the cube of weariness, so that the mildly
/// dissatisfied stay.
const LEAVING_DISSATISFIED_PPM: i64 = 150_000;

const SESSIONS_PER_WEEK: (i64, i64) = (2, 4);
const DAYS_PER_WEEK: i64 = 7;
/// The chance that a session is skipped, per point of dissatisfaction.
const SKIP_PPM_PER_POINT: i64 = 900;
/// The chance that a session is cancelled, even by a content student.
const CANCEL_PPM: i64 = 60_000;
/// What each point of dissatisfaction adds to that chance.
const CANCEL_PPM_PER_POINT: i64 = 200;
/// The chance that a session has no tutor on a day on which the subject is short of tutors.
const NO_TUTOR_PPM: i64 = 300_000;
const RELIEF_OF_SESSION: i64 = 4;
const GRIEF_OF_CANCELLATION: i64 = 8;
const GRIEF_OF_NO_TUTOR: i64 = 60;
/// The loss of rating at full dissatisfaction: three stars, in hundredths of a star.
const RATING_LOSS_MAX: i64 = 300;
/// The largest random change of a rating, up or down, in hundredths of a star.
const RATING_SWING: i64 = 70;

/// A family's own chance of a call on a day: some families call often for any reason.
const CALL_HABIT_PPM: (i64, i64, i64) = (1_000, 4_000, 60_000);
/// What full dissatisfaction adds to that chance. It grows with the square of dissatisfaction.
const CALL_DISSATISFIED_PPM: i64 = 600_000;
/// The chance that a call settles its matter.
const CALL_SETTLES_PPM: i64 = 500_000;
const RELIEF_OF_CALL: i64 = 60;
const GRIEF_OF_CALL: i64 = 20;

/// The batch job recalculates every health score at these hours.
const BATCH_HOURS: [i64; 2] = [2, 14];
const BATCH_SECONDS: i64 = 1_800;
/// The seconds from an event to the recalculation that it causes.
const RECALCULATION_SECONDS: (i64, i64) = (2, 90);
const CALL_HOURS: (i64, i64) = (9, 19);
const SESSION_HOURS: (i64, i64, i64) = (12, 17, 21);
const LEAVING_HOURS: (i64, i64) = (8, 21);
const SECOND_OF_HOUR_MAX: i64 = 3_599;
const MICRO_OF_SECOND_MAX: i64 = 999_999;

/// An upstream event about a student.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum UpstreamEvent {
    RecalculatedInBatch,
    Call,
    Session,
    Recalculated,
}

/// A student, with their own random stream.
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
    record: StudentRecord,
    left_at: Option<Moment>,
    /// Whether the day before had an alert.
    had_alert: bool,
    acts: Vec<Moment>,
    last_act_day: Option<i64>,
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
            record: StudentRecord::new(sessions_per_week),
            left_at: None,
            had_alert: false,
            acts: Vec::new(),
            last_act_day: None,
        }
    }

    pub(crate) fn entity(&self) -> Entity {
        self.entity
    }

    pub(crate) fn left_at(&self) -> Option<Moment> {
        self.left_at
    }

    /// Simulates one day, and appends the alerts that the producer fires. Nobody leaves before day 0.
    pub(crate) fn simulate_day(
        &mut self,
        day: i64,
        subject_is_short: bool,
        planted: Planted,
        alerts: &mut Vec<SimulatedAlert>,
    ) {
        if self.left_at.is_some() {
            return;
        }
        self.record.start_day();
        self.change_mood(planted.drift_day.is_some_and(|drift| day >= i64::from(drift)));
        self.act(day, planted);
        let alerts_before = alerts.len();
        if day >= 0 && self.draw.happens(leaving_ppm(self.weariness)) {
            let hour = self.draw.uniform(LEAVING_HOURS.0, LEAVING_HOURS.1);
            let second = self.draw.uniform(0, SECOND_OF_HOUR_MAX);
            self.left_at = Some(Moment::day(day).plus_hours(hour).plus_seconds(second));
        }
        for (at, event) in self.events(day) {
            if self.left_at.is_some_and(|left_at| at.plus_millis(producer::FIRING_MILLIS_MAX) > left_at) {
                break;
            }
            self.apply(event, subject_is_short);
            let facts = self.record.facts();
            producer::on_student_event(at, self.entity, facts, &mut self.draw, alerts);
        }
        self.had_alert = alerts.len() > alerts_before;
    }

    /// Somebody may call the family on the day after an alert. Without planted acts, nothing is drawn.
    fn act(&mut self, day: i64, planted: Planted) {
        let is_due = self.last_act_day.is_none_or(|last| day - last >= ACT_PAUSE_DAYS);
        let percent = i64::from(planted.act_percent);
        if day < 0 || percent == 0 || !self.had_alert || !is_due || !self.draw.happens(10_000 * percent) {
            return;
        }
        let hour = self.draw.uniform(LEAVING_HOURS.0, LEAVING_HOURS.0 + 2);
        let at = Moment::day(day).plus_hours(hour);
        self.acts.push(at);
        self.last_act_day = Some(day);
        self.change_dissatisfaction(-i64::from(planted.act_effect));
    }

    /// When somebody called the family, in ascending order.
    pub(crate) fn acts(&self) -> &[Moment] {
        &self.acts
    }

    /// Changes dissatisfaction and weariness overnight.
    fn change_mood(&mut self, has_drifted: bool) {
        let recovery = (self.resting - self.dissatisfaction) / RECOVERY_DAYS;
        let swing = self.draw.uniform(-DAILY_SWING, DAILY_SWING);
        self.change_dissatisfaction(recovery + swing);
        let grievance_ppm = if has_drifted { DRIFT_FACTOR * GRIEVANCE_PPM } else { GRIEVANCE_PPM };
        if self.draw.happens(grievance_ppm) {
            let grievance = self.draw.triangular(GRIEVANCE.0, GRIEVANCE.1, GRIEVANCE.2);
            self.change_dissatisfaction(grievance);
        }
        self.weariness += (self.dissatisfaction - self.weariness) / WEARING_DAYS;
    }

    fn change_dissatisfaction(&mut self, change: i64) {
        self.dissatisfaction = (self.dissatisfaction + change).clamp(0, DISSATISFACTION_MAX);
    }

    /// The day's upstream events, in time order.
    fn events(&mut self, day: i64) -> Vec<(Moment, UpstreamEvent)> {
        let start = Moment::day(day);
        let mut events = Vec::with_capacity(8);
        for hour in BATCH_HOURS {
            let second = self.draw.uniform(0, BATCH_SECONDS);
            let at = self.within_second(start.plus_hours(hour).plus_seconds(second));
            events.push((at, UpstreamEvent::RecalculatedInBatch));
        }
        let skip_ppm = SKIP_PPM_PER_POINT * self.dissatisfaction;
        if self.has_session_on(day) && !self.draw.happens(skip_ppm) {
            let hour = self.draw.triangular(SESSION_HOURS.0, SESSION_HOURS.1, SESSION_HOURS.2);
            self.add_event(start.plus_hours(hour), UpstreamEvent::Session, &mut events);
        }
        let square = self.dissatisfaction * self.dissatisfaction;
        let call_ppm = self.call_habit_ppm
            + CALL_DISSATISFIED_PPM * square / (DISSATISFACTION_MAX * DISSATISFACTION_MAX);
        // A second call on the same day is half as likely as the first.
        for call_ppm in [call_ppm, call_ppm / 2] {
            if self.draw.happens(call_ppm) {
                let hour = self.draw.uniform(CALL_HOURS.0, CALL_HOURS.1);
                self.add_event(start.plus_hours(hour), UpstreamEvent::Call, &mut events);
            }
        }
        events.sort_unstable();
        events
    }

    /// Adds an event at a random moment of an hour, and the recalculation that it causes.
    fn add_event(&mut self, hour: Moment, event: UpstreamEvent, events: &mut Vec<(Moment, UpstreamEvent)>) {
        let second = self.draw.uniform(0, SECOND_OF_HOUR_MAX);
        let at = self.within_second(hour.plus_seconds(second));
        let later = self.draw.uniform(RECALCULATION_SECONDS.0, RECALCULATION_SECONDS.1);
        events.push((at, event));
        events.push((self.within_second(at.plus_seconds(later)), UpstreamEvent::Recalculated));
    }

    /// A random moment in the second that starts here.
    fn within_second(&mut self, second: Moment) -> Moment {
        second.plus_micros(self.draw.uniform(0, MICRO_OF_SECOND_MAX))
    }

    /// Whether a session is booked for this day. Sessions are on fixed days, spread over the week.
    fn has_session_on(&self, day: i64) -> bool {
        let day_of_week = (day - self.first_session_day).rem_euclid(DAYS_PER_WEEK);
        (0..self.sessions_per_week).any(|nth| nth * DAYS_PER_WEEK / self.sessions_per_week == day_of_week)
    }

    fn apply(&mut self, event: UpstreamEvent, subject_is_short: bool) {
        match event {
            UpstreamEvent::RecalculatedInBatch => self.record.recalculate_in_batch(),
            UpstreamEvent::Recalculated => self.record.recalculate(),
            UpstreamEvent::Session => self.hold_or_cancel_session(subject_is_short),
            UpstreamEvent::Call => self.call_support(),
        }
    }

    fn hold_or_cancel_session(&mut self, subject_is_short: bool) {
        let cancel_ppm = CANCEL_PPM + CANCEL_PPM_PER_POINT * self.dissatisfaction;
        if subject_is_short && self.draw.happens(NO_TUTOR_PPM) {
            self.record.session_cancelled();
            self.change_dissatisfaction(GRIEF_OF_NO_TUTOR);
        } else if self.draw.happens(cancel_ppm) {
            self.record.session_cancelled();
            self.change_dissatisfaction(GRIEF_OF_CANCELLATION);
        } else {
            let loss = RATING_LOSS_MAX * self.dissatisfaction / DISSATISFACTION_MAX;
            let swing = self.draw.uniform(-RATING_SWING, RATING_SWING);
            self.record.session_held(RATING_MAX - loss + swing);
            self.change_dissatisfaction(-RELIEF_OF_SESSION);
        }
    }

    fn call_support(&mut self) {
        let reason = self.reason();
        self.record.support_call(reason);
        let settled = self.draw.happens(CALL_SETTLES_PPM);
        self.change_dissatisfaction(if settled { -RELIEF_OF_CALL } else { GRIEF_OF_CALL });
    }

    /// Draws the reason of a call. With more dissatisfaction, more calls are about the tutor or a bill.
    fn reason(&mut self) -> CallReason {
        let weights = [
            (CallReason::Scheduling, 30),
            (CallReason::Technical, 20),
            (CallReason::General, 20),
            (CallReason::TutorConcern, 10 + self.dissatisfaction / 20),
            (CallReason::Billing, 10 + self.dissatisfaction / 50),
        ];
        let total: i64 = weights.iter().map(|(_, weight)| weight).sum();
        let mut remaining = self.draw.uniform(0, total - 1);
        for (reason, weight) in weights {
            if remaining < weight {
                return reason;
            }
            remaining -= weight;
        }
        CallReason::General
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

    /// Counts how many of 300 students with this resting level leave.
    fn leavers(dissatisfaction: i64) -> usize {
        let mut alerts = Vec::new();
        let leaves = |number| {
            let mut student = Student::new(1, number);
            student.resting = dissatisfaction;
            student.dissatisfaction = dissatisfaction;
            student.weariness = dissatisfaction;
            (0..DAYS).for_each(|day| student.simulate_day(day, false, Planted::default(), &mut alerts));
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
    fn a_week_has_as_many_sessions_as_are_booked() {
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
        (-2_000..0).for_each(|day| student.simulate_day(day, true, Planted::default(), &mut alerts));
        assert_eq!(student.left_at(), None);
    }
}
