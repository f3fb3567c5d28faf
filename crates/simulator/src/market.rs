//! Simulates the marketplace, day by day: all its subjects and students.
//!
//! Never: stores alerts. Its memory grows only with the number of entities.

use crate::moment::Moment;
use crate::outcome::EntityOutcome;
use crate::planted::Planted;
use crate::producer::SimulatedAlert;
use crate::student::Student;
use crate::subject::Subject;

/// The number of students of one subject.
const STUDENTS_PER_SUBJECT: u32 = 25;
const SUBJECTS_MIN: u32 = 3;
/// Days that are simulated before day 0, and whose alerts are discarded. After them, the windows and moods are those of
/// a running marketplace.
const WARM_UP_DAYS: i64 = 21;

/// All entities of the marketplace.
#[derive(Debug)]
pub(crate) struct Market {
    subjects: Vec<Subject>,
    students: Vec<Student>,
    planted: Planted,
}

impl Market {
    /// Makes a marketplace and simulates the days before day 0. More students do not change the first students and
    /// subjects.
    pub(crate) fn new(seed: u64, students: u32) -> Self {
        let subjects = students.div_ceil(STUDENTS_PER_SUBJECT).max(SUBJECTS_MIN);
        let mut market = Self {
            subjects: (0..subjects).map(|number| Subject::new(seed, number)).collect(),
            students: (0..students).map(|number| Student::new(seed, number)).collect(),
            planted: Planted::default(),
        };
        let mut discarded = Vec::new();
        for day in -WARM_UP_DAYS..0 {
            market.simulate_day(day, &mut discarded);
        }
        market
    }

    /// Plants something in every later day.
    pub(crate) fn plant(&mut self, planted: Planted) {
        self.planted = planted;
    }

    /// Simulates the next day. Replaces the contents of `alerts` with the alerts of that day, in time order.
    pub(crate) fn simulate_day(&mut self, day: i64, alerts: &mut Vec<SimulatedAlert>) {
        alerts.clear();
        for subject in &mut self.subjects {
            subject.simulate_day(day, alerts);
        }
        let classes = self.students.chunks_mut(STUDENTS_PER_SUBJECT as usize);
        for (class, subject) in classes.zip(&self.subjects) {
            for student in class {
                student.simulate_day(day, subject.was_short(), self.planted, alerts);
            }
        }
        alerts.sort_unstable_by_key(SimulatedAlert::sort_key);
    }

    /// Returns what happened to each entity until a moment: the students, then the subjects.
    pub(crate) fn into_outcomes(self, followed_until: Moment) -> impl Iterator<Item = EntityOutcome> {
        let Self { students, subjects, planted } = self;
        let reported_until = followed_until.plus_hours(-24 * i64::from(planted.report_lag_days));
        let reported = move |at: &Moment| planted.report_lag_days == 0 || *at <= reported_until;
        let students = students.into_iter().flat_map(move |student| {
            let entity = student.entity();
            let left_at = student.left_at().filter(reported);
            let acts: Vec<_> = student.acts().iter().map(|at| EntityOutcome::call(entity, *at)).collect();
            std::iter::once(EntityOutcome::student(entity, left_at, followed_until)).chain(acts)
        });
        let subjects = subjects.into_iter().flat_map(move |subject| {
            let entity = subject.entity();
            let count = if planted.repeated_shortages { usize::MAX } else { 1 };
            let mut shortages: Vec<Option<Moment>> =
                subject.shortages().iter().take(count).copied().filter(reported).map(Some).collect();
            if shortages.is_empty() {
                shortages.push(None);
            }
            shortages.into_iter().map(move |at| EntityOutcome::subject(entity, at, followed_until))
        });
        students.chain(subjects)
    }
}
