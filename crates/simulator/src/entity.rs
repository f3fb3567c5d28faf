//! Who an alert is about, and what they are called.
//!
//! Takes: a number from 0 on.
//! Gives: a student's id or a subject's name, as the producer writes them.
//! Never: a name that two entities share, or one that an alert may not carry.

use std::fmt;

/// Students are numbered from here.
const FIRST_STUDENT_NUMBER: u32 = 1_000;

/// The subjects. The order is that of appearing: the first ones carry what trips a careless reader (a sign, a
/// space, letters outside ASCII, a script from right to left), so that the smallest marketplace has some of it.
const SUBJECT_NAMES: [&str; 40] = [
    "Computer Science",
    "C#",
    "AP Calculus AB",
    "日本語",
    "SAT Math",
    "Español",
    "اللغة العربية",
    "Chemistry",
    "Русский язык",
    "English Literature",
    "C++",
    "हिन्दी",
    "AP Physics C: Mechanics",
    "Français",
    "Statistics & Probability",
    "한국어",
    "Biology",
    "Ελληνικά",
    "ACT (Reading)",
    "עברית",
    "Algebra II",
    "Deutsch für Anfänger",
    "中文",
    "World History",
    "A-Level Economics",
    "ภาษาไทย",
    "Geometry",
    "Português",
    "Organic Chemistry",
    "Tiếng Việt",
    "AP Calculus BC",
    "Music Theory",
    "Data Structures/Algorithms",
    "Türkçe",
    "Earth Science",
    "F#",
    "IB Mathematics HL",
    "Polski",
    "Reader's Workshop",
    "Linear Algebra",
];

/// A student or a subject, by number. Subjects come first among those of one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Entity {
    Subject(u32),
    Student(u32),
}

impl Entity {
    /// The `entity_type` on the wire.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Subject(_) => "subject",
            Self::Student(_) => "student",
        }
    }

    /// The random stream that is this entity's alone: even numbers are the students', odd ones the subjects'.
    pub(crate) fn stream(self) -> u64 {
        match self {
            Self::Student(number) => 2 * u64::from(number),
            Self::Subject(number) => 2 * u64::from(number) + 1,
        }
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Student(number) => write!(f, "stu_{}", FIRST_STUDENT_NUMBER + number),
            Self::Subject(number) => {
                let number = number as usize;
                let name = SUBJECT_NAMES.get(number % SUBJECT_NAMES.len()).copied().unwrap_or_default();
                let level = number / SUBJECT_NAMES.len() + 1;
                // More subjects than names: the names come round again, a level higher each time.
                if level == 1 { f.write_str(name) } else { write!(f, "{name}, level {level}") }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_not_shared_and_can_be_seen() {
        let names: BTreeSet<String> = (0..4_000).map(|number| Entity::Subject(number).to_string()).collect();
        assert_eq!(names.len(), 4_000);
        for name in names {
            assert!(!name.is_empty() && name.chars().count() <= 128, "{name}");
            assert!(
                !name.chars().any(|c| c.is_control() || ('\u{200b}'..='\u{200f}').contains(&c)),
                "{name}"
            );
        }
    }

    #[test]
    fn students_are_numbered_and_subjects_come_round_a_level_higher() {
        assert_eq!(Entity::Student(3_532).to_string(), "stu_4532");
        assert_eq!(Entity::Subject(1).to_string(), "C#");
        assert_eq!(Entity::Subject(41).to_string(), "C#, level 2");
    }
}
