//! What became of an entity: the truth that an insight about it can be held against.
//!
//! Takes: a student's leaving or a subject's shortage, if there was one.
//! Gives: one line of JSON per entity.
//! Never: says how dissatisfied a student was, or what demand and supply really were. Those are for the
//! simulator alone; a score made with them would prove nothing.

use serde::Serialize;

use crate::entity::Entity;
use crate::moment::{Form, Moment};

/// One entity's outcome. Moments are RFC 3339 in UTC, to the second.
#[derive(Debug, Serialize)]
pub struct Outcome {
    entity_id: String,
    entity_type: &'static str,
    #[serde(flatten)]
    what: What,
    followed_until: String,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum What {
    Student { left_at: Option<String> },
    Subject { short_from: Option<String> },
}

impl Outcome {
    /// A student, who left at a moment or stayed until `followed_until`.
    pub(crate) fn student(entity: Entity, left_at: Option<Moment>, followed_until: Moment) -> Self {
        Self::new(entity, What::Student { left_at: left_at.map(text) }, followed_until)
    }

    /// A subject, whose demand could not be met from a moment on, or always could until `followed_until`.
    pub(crate) fn subject(entity: Entity, short_from: Option<Moment>, followed_until: Moment) -> Self {
        Self::new(entity, What::Subject { short_from: short_from.map(text) }, followed_until)
    }

    fn new(entity: Entity, what: What, followed_until: Moment) -> Self {
        Self {
            entity_id: entity.to_string(),
            entity_type: entity.kind(),
            what,
            followed_until: text(followed_until),
        }
    }
}

fn text(moment: Moment) -> String {
    moment.written(Form::Seconds).to_string()
}
