//! A person's feedback about an insight, and what it changes.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::{EntityKey, EntityRow, EntityState, PersonalChange};
use crate::time::Timestamp;

/// What a person says or does about an insight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "lowercase")]
pub enum FeedbackAction {
    /// The insight helped.
    Useful,
    /// The insight is wrong.
    Wrong,
    /// Only the note is of interest. It changes no state.
    Note,
    /// A person has looked at it.
    Seen,
    /// The trouble is dealt with.
    Done,
    /// Somebody takes care of it.
    Assign {
        /// Who.
        assignee: String,
    },
    /// It can wait.
    Snooze {
        /// Until then, unless it gets worse.
        until: Timestamp,
    },
    /// It is on the list again.
    Reopen,
    /// A recommendation of the insight was done.
    #[serde(rename = "recommendation_done")]
    RecommendationDone {
        /// The recommendation's id.
        recommendation: String,
    },
    /// A recommendation of the insight is not done.
    #[serde(rename = "recommendation_skipped")]
    RecommendationSkipped {
        /// The recommendation's id.
        recommendation: String,
    },
}

impl FeedbackAction {
    /// The word for it, as in a command.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Useful => "useful",
            Self::Wrong => "wrong",
            Self::Note => "note",
            Self::Seen => "seen",
            Self::Done => "done",
            Self::Assign { .. } => "assign",
            Self::Snooze { .. } => "snooze",
            Self::Reopen => "reopen",
            Self::RecommendationDone { .. } => "recommendation_done",
            Self::RecommendationSkipped { .. } => "recommendation_skipped",
        }
    }
}

/// One piece of feedback. It is never overwritten, and expires with its insight.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedbackEntry {
    /// The insight that it is about.
    pub alert_id: String,
    /// When it was given.
    pub at: Timestamp,
    /// A random id, 16 hexadecimal digits.
    pub id: String,
    /// Who gave it.
    pub by: String,
    /// What it says.
    #[serde(flatten)]
    pub action: FeedbackAction,
    /// A note in the person's own words.
    pub note: Option<String>,
}

/// A request to store feedback and to change the state of its entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedbackRequest {
    /// The entity that the insight is about.
    pub entity: EntityKey,
    /// The feedback.
    pub entry: FeedbackEntry,
    /// The version of the entity that the person saw. If another person has changed the entity since, this is a
    /// conflict. `None`: whatever is there.
    pub expected_version: Option<u64>,
    /// When the feedback expires.
    pub expires_at: Timestamp,
    /// The time.
    pub now: Timestamp,
}

/// The response to a [`FeedbackRequest`].
#[derive(Debug, Clone, PartialEq)]
pub enum FeedbackOutcome {
    /// It is stored; this is the entity now.
    Recorded(Box<EntityRow>),
    /// Somebody else changed the entity first. Nothing is stored.
    Conflict(PersonalChange),
    /// The request names a version that the entity never had; it has this one. Nothing is stored.
    UnknownVersion(u64),
    /// There is no such entity.
    NoEntity,
}

impl EntityRow {
    /// The response to a request, and the row to write if it changes. The response to the same request again is the
    /// first one.
    pub fn change(row: Option<&Self>, request: &FeedbackRequest) -> (FeedbackOutcome, Option<Self>) {
        let FeedbackRequest { entry, expected_version, now, .. } = request;
        let Some(before) = row.filter(|row| !row.expires_at.is_past(*now)) else {
            return (FeedbackOutcome::NoEntity, None);
        };
        let recorded = |row: &Self| FeedbackOutcome::Recorded(Box::new(row.clone()));
        if let Some(changed) = &before.changed {
            if changed.id == entry.id {
                return (recorded(before), None);
            }
            if expected_version.is_some_and(|expected| changed.version > expected) {
                return (FeedbackOutcome::Conflict(changed.clone()), None);
            }
        }
        if expected_version.is_some_and(|expected| expected > before.version) {
            return (FeedbackOutcome::UnknownVersion(before.version), None);
        }
        let mut after = before.clone();
        let is_changed = after.apply(&entry.action);
        if !is_changed {
            return (recorded(before), None);
        }
        after.version += 1;
        after.reason.clone_from(&entry.note);
        after.returned = None;
        after.known_worst = after.worst;
        after.changed = Some(PersonalChange {
            by: entry.by.clone(),
            at: entry.at,
            id: entry.id.clone(),
            version: after.version,
        });
        (recorded(&after), Some(after))
    }

    /// Sets the state; returns whether the action sets one.
    fn apply(&mut self, action: &FeedbackAction) -> bool {
        match action {
            FeedbackAction::Useful
            | FeedbackAction::Wrong
            | FeedbackAction::RecommendationDone { .. }
            | FeedbackAction::RecommendationSkipped { .. } => {
                if self.state != EntityState::New {
                    return false;
                }
                self.state = EntityState::Seen;
            }
            FeedbackAction::Note => return false,
            FeedbackAction::Seen => {
                (self.state, self.until) = (EntityState::Seen, None);
            }
            FeedbackAction::Done => {
                (self.state, self.until) = (EntityState::Done, None);
            }
            FeedbackAction::Assign { assignee } => {
                (self.state, self.until) = (EntityState::Assigned, None);
                self.assignee = Some(assignee.clone());
            }
            FeedbackAction::Snooze { until } => {
                (self.state, self.until) = (EntityState::Snoozed, Some(*until));
            }
            FeedbackAction::Reopen => {
                (self.state, self.until) = (EntityState::New, None);
                self.recovered_at = None;
            }
        }
        true
    }
}
