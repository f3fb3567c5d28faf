//! The entities of the marketplace: students and subjects, with their ids and names.
//!
//! Never: uses a name for two entities, or a name that an alert may not have.

use std::fmt;

/// The number of the first student.
const FIRST_STUDENT_NUMBER: u32 = 1_000;

/// The names of the subjects. The first names have what a careless reader gets wrong (a sign, a space, letters outside
/// ASCII, a script from right to left), so that even the smallest marketplace has such names.
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

/// A student or a subject, by number. Subjects sort before students.
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

    /// The number of the entity's random stream. Students have even numbers, subjects odd ones.
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
                // With more subjects than names, each name is used again with the next level.
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
    fn names_are_unique_and_visible() {
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
    fn students_are_numbered_and_subject_names_are_used_again_with_a_level() {
        assert_eq!(Entity::Student(3_532).to_string(), "stu_4532");
        assert_eq!(Entity::Subject(1).to_string(), "C#");
        assert_eq!(Entity::Subject(41).to_string(), "C#, level 2");
    }
}
