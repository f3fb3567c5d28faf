//! The outcome of an entity, against which the score of an insight can be checked.
//!
//! Never: contains a student's dissatisfaction, or true demand and supply. They are internal to the simulator, and a
//! score that used them would prove nothing.

use serde::Serialize;

use crate::entity::Entity;
use crate::moment::{Moment, MomentFormat};

/// One line of the outcome file. Its moments are in RFC 3339, in UTC, to the second.
#[derive(Debug, Serialize)]
pub struct EntityOutcome {
    entity_type: &'static str,
    entity_id: String,
    #[serde(flatten)]
    kind: OutcomeKind,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum OutcomeKind {
    Happened {
        /// `churn` of a student, `unmet_demand` of a subject.
        outcome: &'static str,
        /// When it happened. `None`: it did not happen before `followed_until`.
        at: Option<String>,
        followed_until: String,
    },
    Acted {
        acted: &'static str,
        at: String,
    },
}

impl EntityOutcome {
    /// The outcome of a student, who left at a moment or stayed until `followed_until`.
    pub(crate) fn student(entity: Entity, left_at: Option<Moment>, followed_until: Moment) -> Self {
        Self::happened(entity, "churn", left_at, followed_until)
    }

    /// The outcome of a subject, which was short of tutors from a moment on, or not until `followed_until`.
    pub(crate) fn subject(entity: Entity, short_from: Option<Moment>, followed_until: Moment) -> Self {
        Self::happened(entity, "unmet_demand", short_from, followed_until)
    }

    /// A call to a student's family.
    pub(crate) fn call(entity: Entity, at: Moment) -> Self {
        Self::new(entity, OutcomeKind::Acted { acted: "called", at: text(at) })
    }

    fn happened(entity: Entity, outcome: &'static str, at: Option<Moment>, followed_until: Moment) -> Self {
        let (at, followed_until) = (at.map(text), text(followed_until));
        Self::new(entity, OutcomeKind::Happened { outcome, at, followed_until })
    }

    fn new(entity: Entity, kind: OutcomeKind) -> Self {
        Self { entity_type: entity.kind(), entity_id: entity.to_string(), kind }
    }
}

fn text(moment: Moment) -> String {
    moment.text(MomentFormat::Seconds).to_string()
}
