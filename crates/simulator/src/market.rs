//! Simulates the marketplace, day by day: all its subjects and students.
//!
//! Never: stores alerts. Its memory grows only with the number of entities.

use crate::moment::Moment;
use crate::outcome::EntityOutcome;
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
}

impl Market {
    /// Makes a marketplace and simulates the days before day 0. More students do not change the first students and
    /// subjects.
    pub(crate) fn new(seed: u64, students: u32) -> Self {
        let subjects = students.div_ceil(STUDENTS_PER_SUBJECT).max(SUBJECTS_MIN);
        let mut market = Self {
            subjects: (0..subjects).map(|number| Subject::new(seed, number)).collect(),
            students: (0..students).map(|number| Student::new(seed, number)).collect(),
        };
        let mut discarded = Vec::new();
        for day in -WARM_UP_DAYS..0 {
            market.simulate_day(day, &mut discarded);
        }
        market
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
                student.simulate_day(day, subject.was_short(), alerts);
            }
        }
        alerts.sort_unstable_by_key(SimulatedAlert::sort_key);
    }

    /// Returns what happened to each entity until a moment: the students, then the subjects.
    pub(crate) fn into_outcomes(self, followed_until: Moment) -> impl Iterator<Item = EntityOutcome> {
        let Self { students, subjects } = self;
        let students = students
            .into_iter()
            .map(move |s| EntityOutcome::student(s.entity(), s.left_at(), followed_until));
        let subjects = subjects
            .into_iter()
            .map(move |s| EntityOutcome::subject(s.entity(), s.short_from(), followed_until));
        students.chain(subjects)
    }
}
