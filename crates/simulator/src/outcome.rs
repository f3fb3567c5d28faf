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
    entity_type: &'static str,
    entity_id: String,
    /// `churn` of a student, `unmet_demand` of a subject.
    outcome: &'static str,
    /// When it happened. `None`: it did not happen before `followed_until`.
    at: Option<String>,
    followed_until: String,
}

impl EntityOutcome {
    /// The outcome of a student, who left at a moment or stayed until `followed_until`.
    pub(crate) fn student(entity: Entity, left_at: Option<Moment>, followed_until: Moment) -> Self {
        Self::new(entity, "churn", left_at, followed_until)
    }

    /// The outcome of a subject, which was first short of tutors at a moment, or not until `followed_until`.
    pub(crate) fn subject(entity: Entity, short_from: Option<Moment>, followed_until: Moment) -> Self {
        Self::new(entity, "unmet_demand", short_from, followed_until)
    }

    fn new(entity: Entity, outcome: &'static str, at: Option<Moment>, followed_until: Moment) -> Self {
        Self {
            entity_type: entity.kind(),
            entity_id: entity.to_string(),
            outcome,
            at: at.map(text),
            followed_until: text(followed_until),
        }
    }
}

fn text(moment: Moment) -> String {
    moment.text(MomentFormat::Seconds).to_string()
}
