//! The marketplace: every subject and every student, day by day.
//!
//! Takes: the seed, how many students there are, and the days one by one.
//! Gives: each day's alerts in time order, and at the end what became of everyone.
//! Never: keeps an alert past its day; what it holds grows with the entities alone.

use crate::moment::Moment;
use crate::outcome::Outcome;
use crate::producer::Alert;
use crate::student::Student;
use crate::subject::Subject;

/// Students who learn one subject.
const STUDENTS_PER_SUBJECT: u32 = 25;
const SUBJECTS_MIN: u32 = 3;
/// Lived before day 0 without an alert, so that windows and moods are those of a running marketplace.
const WARM_UP_DAYS: i64 = 21;

/// Everyone in the marketplace.
#[derive(Debug)]
pub(crate) struct Market {
    subjects: Vec<Subject>,
    students: Vec<Student>,
}

impl Market {
    /// A marketplace on the eve of day 0. Its first students, and the first subjects, are the same however many
    /// more there are.
    pub(crate) fn new(seed: u64, students: u32) -> Self {
        let subjects = students.div_ceil(STUDENTS_PER_SUBJECT).max(SUBJECTS_MIN);
        let mut market = Self {
            subjects: (0..subjects).map(|number| Subject::new(seed, number)).collect(),
            students: (0..students).map(|number| Student::new(seed, number)).collect(),
        };
        let mut unheard = Vec::new();
        for day in -WARM_UP_DAYS..0 {
            market.live(day, &mut unheard);
        }
        market
    }

    /// Lives the next day. `alerts` is emptied, then holds the day's alerts in time order.
    pub(crate) fn live(&mut self, day: i64, alerts: &mut Vec<Alert>) {
        alerts.clear();
        for subject in &mut self.subjects {
            subject.live(day, alerts);
        }
        let classes = self.students.chunks_mut(STUDENTS_PER_SUBJECT as usize);
        for (class, subject) in classes.zip(&self.subjects) {
            for student in class {
                student.live(day, subject.lacked_tutors(), alerts);
            }
        }
        alerts.sort_unstable_by_key(Alert::order);
    }

    /// What happened to everyone until a moment: the students, then the subjects.
    pub(crate) fn into_outcomes(self, followed_until: Moment) -> impl Iterator<Item = Outcome> {
        let Self { students, subjects } = self;
        let students =
            students.into_iter().map(move |s| Outcome::student(s.entity(), s.left_at(), followed_until));
        let subjects =
            subjects.into_iter().map(move |s| Outcome::subject(s.entity(), s.short_from(), followed_until));
        students.chain(subjects)
    }
}
