//! The outcome of an entity, against which the score of an insight can be checked.
//!
//! Never: contains a student's dissatisfaction, or true demand and supply. They are internal to the simulator, and a
//! score that used them would prove nothing.

use serde::Serialize;

use crate::entity::Entity;
use crate::moment::{Moment, MomentFormat};

/// What happened to one entity. Its moments are in RFC 3339, in UTC, to the second.
#[derive(Debug, Serialize)]
pub struct EntityOutcome {
    entity_id: String,
    entity_type: &'static str,
    #[serde(flatten)]
    kind: OutcomeKind,
    followed_until: String,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum OutcomeKind {
    Student { left_at: Option<String> },
    Subject { short_from: Option<String> },
}

impl EntityOutcome {
    /// The outcome of a student, who left at a moment or stayed until `followed_until`.
    pub(crate) fn student(entity: Entity, left_at: Option<Moment>, followed_until: Moment) -> Self {
        Self::new(entity, OutcomeKind::Student { left_at: left_at.map(text) }, followed_until)
    }

    /// The outcome of a subject, which was first short of tutors at a moment, or not until `followed_until`.
    pub(crate) fn subject(entity: Entity, short_from: Option<Moment>, followed_until: Moment) -> Self {
        Self::new(entity, OutcomeKind::Subject { short_from: short_from.map(text) }, followed_until)
    }

    fn new(entity: Entity, kind: OutcomeKind, followed_until: Moment) -> Self {
        Self {
            entity_id: entity.to_string(),
            entity_type: entity.kind(),
            kind,
            followed_until: text(followed_until),
        }
    }
}

fn text(moment: Moment) -> String {
    moment.text(MomentFormat::Seconds).to_string()
}
